use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Vitesse;
use super::meter::Meter;
use super::vitesse::Inner;
use crate::config::Config;
use crate::deployer::{Deployer, Deployers, ProcessOptions, ProcessTarget, RuntimeSearch};
#[cfg(feature = "docker")]
use crate::deployer::{LocalOptions, LocalTarget};
use crate::error::Result;
use crate::mapping::Functions;
use crate::net::{Client, NetConfig};
use crate::progress::Progress;
use crate::secret::{CredentialSource, EncryptedSource, EnvSource, KeyRing, Layered};
use crate::store::repository::{DeploymentConfig, Repository};
use crate::store::{OpenOptions, Store, open};

/// How long a command waits for another one that has the store.
const PATIENCE: Duration = Duration::from_secs(10);

/// Puts a [`Vitesse`] together; everything has a default but the store.
pub struct VitesseBuilder {
    store: Arc<dyn Store>,
    namespace: String,
    client: Option<Client>,
    targets: Deployers,
    credentials: Arc<dyn CredentialSource>,
    functions: Functions,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    default_target: String,
    runtime: RuntimeSearch,
    roots: Option<PathBuf>,
    lease: Duration,
}

impl VitesseBuilder {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            namespace: "default".into(),
            client: None,
            targets: Deployers::new(),
            credentials: Arc::new(EnvSource),
            functions: Functions::builtin(),
            clock: Arc::new(Timestamp::now),
            default_target: "process".into(),
            runtime: RuntimeSearch::default(),
            roots: None,
            lease: Duration::from_secs(60),
        }
    }

    /// The namespace of the store that holds the integrations; `default` if nothing is said.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// What fetches descriptions and tests connections; a client with the usual guard if nothing is said.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The targets that integrations can be deployed to; none if nothing is said.
    #[must_use]
    pub fn targets(mut self, targets: Deployers) -> Self {
        self.targets = targets;
        self
    }

    /// Adds a target.
    #[must_use]
    pub fn target(mut self, target: Arc<dyn Deployer>) -> Self {
        self.targets = self.targets.with(target);
        self
    }

    /// Adds a target that is made from each deployment's configuration, under this name.
    #[must_use]
    pub fn target_by(
        mut self,
        name: impl Into<String>,
        make: impl Fn(&DeploymentConfig) -> Result<Arc<dyn Deployer>> + Send + Sync + 'static,
    ) -> Self {
        self.targets = self.targets.with_factory(name, make);
        self
    }

    /// Where credentials of connections are kept; the environment, which can only be read, if nothing is said.
    #[must_use]
    pub fn credentials(mut self, credentials: Arc<dyn CredentialSource>) -> Self {
        self.credentials = credentials;
        self
    }

    /// The functions that mappings may name. Those of the host program work in tests and are refused by `deploy`,
    /// unless the runtime has them too.
    #[must_use]
    pub fn functions(mut self, functions: Functions) -> Self {
        self.functions = functions;
        self
    }

    /// What the time is, for leases; the system's clock if nothing is said.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where integrations go that name no target; `process` if nothing is said.
    #[must_use]
    pub fn default_target(mut self, target: impl Into<String>) -> Self {
        self.default_target = target.into();
        self
    }

    /// Where the runtime is looked for that goes into images; beside this program if nothing is said.
    #[must_use]
    pub fn runtime(mut self, runtime: RuntimeSearch) -> Self {
        self.runtime = runtime;
        self
    }

    /// A file of certificates that images trust beside the usual roots; none if nothing is said.
    #[must_use]
    pub fn roots(mut self, roots: Option<PathBuf>) -> Self {
        self.roots = roots;
        self
    }

    /// How long a step that shows no sign of life is believed to run; a minute if nothing is said.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Makes it.
    ///
    /// # Errors
    /// If there can be no HTTP client, or the default target is one that nobody knows.
    pub fn build(self) -> Result<Vitesse> {
        let client = match self.client {
            Some(client) => client,
            None => Client::new(NetConfig::default())?,
        };
        let default_target = self.targets.canonical(&self.default_target)?;
        let inner = Inner {
            repository: Repository::new(self.store, self.namespace),
            client,
            targets: self.targets,
            credentials: self.credentials,
            functions: self.functions,
            clock: self.clock,
            default_target,
            runtime: self.runtime,
            roots: self.roots,
            lease: self.lease.max(Duration::from_millis(30)),
            meter: Meter::new(),
        };
        Ok(Vitesse { inner: Arc::new(inner), actor: "system".into(), progress: Progress::none() })
    }
}

impl Vitesse {
    /// What the environment says: its store, its network rules, the target `process` under `VITESSE_HOME`, the target
    /// `local` on `DOCKER_HOST` where it is compiled in, and
    /// credentials in an encrypted file there if there is a `SECRET_KEY`, else in the environment. Deployments that an earlier process left
    /// running are adopted.
    ///
    /// # Errors
    /// If the store can't be opened, or a part of the configuration is wrong.
    pub async fn open(config: &Config) -> Result<Self> {
        let store = open(config.store_url().expose(), &OpenOptions::waiting(PATIENCE)).await?;
        let builder = Self::builder(store)
            .client(Client::new(NetConfig::from_config(config)?)?)
            .runtime(RuntimeSearch::from_config(config))
            .roots(config.ssl_cert_file.clone())
            .target(Arc::new(ProcessTarget::new(ProcessOptions::from_config(config))?));
        #[cfg(feature = "docker")]
        let builder = {
            let options = Arc::new(LocalOptions::from_config(config));
            builder.target_by("local", move |config| Ok(Arc::new(LocalTarget::new(options.clone(), config)?)))
        };
        let builder = match &config.secret_key {
            Some(key) => {
                let path = config.home.join("credentials");
                let kept = Arc::new(EncryptedSource::open(path, KeyRing::parse(key)?)?);
                builder.credentials(Arc::new(Layered(vec![kept, Arc::new(EnvSource)])))
            }
            None => builder,
        };
        let vitesse = builder.build()?;
        vitesse.adopt().await?;
        Ok(vitesse)
    }

    /// Watches over what an earlier process left running, on every target that needs it.
    ///
    /// # Errors
    /// What a target fails with.
    pub async fn adopt(&self) -> Result<()> {
        let names: Vec<String> = self.inner.targets.names().map(str::to_owned).collect();
        for target in names {
            let config = DeploymentConfig { target, ..Default::default() };
            // One that can't be made without more configuration has nothing that needs us.
            if let Ok(target) = self.inner.targets.get(&config) {
                target.adopt().await?;
            }
        }
        Ok(())
    }
}

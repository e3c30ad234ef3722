use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::compare::Found;
use super::engine::Engine;
use super::logs;
use super::objects::{ADMIN_KEY, ADMIN_PORT, GRACE_SECONDS, LABEL_MANAGED, LABEL_URL, Objects};
use super::secrets;
use super::verify::Dashboard;
use super::{LocalOptions, LocalSettings};
use crate::deployer::{
    Architecture, Binary, Capabilities, Condition, Deployed, Deployer, Deployment, Image, ImageParts,
    LABEL_MAPPING, LogPage, LogQuery, Preview, Runtime, State, check_functions, image_name,
};
use crate::error::{Error, ErrorKind, Result};
use crate::files;
use crate::progress::Progress;
use crate::store::repository::DeploymentConfig;

/// The most that one machine is asked to run of an integration.
const MOST_REPLICAS: u32 = 20;

/// Runs integrations as containers of a Docker Engine.
///
/// What it must remember is in the engine: labels of containers say what they were made from, so any control plane can
/// go on with them. The engine starts again what crashes, with or without one.
///
/// An update keeps the old containers until the new ones are healthy, where the state lets both run, and ends them once
/// Traefik sends them nothing more; a state that is a file is held by one, so there the old one stops first, and starts
/// again if the new one isn't well.
#[derive(Clone, Debug)]
pub struct LocalTarget {
    pub(super) options: Arc<LocalOptions>,
    settings: LocalSettings,
}

/// Everything that is known before the engine is asked to do something.
pub(super) struct Wanted {
    pub(super) engine: Engine,
    pub(super) settings: LocalSettings,
    pub(super) image: Image,
    pub(super) image_name: String,
    pub(super) objects: Objects,
    pub(super) runtime_version: String,
    pub(super) dashboard: Option<Dashboard>,
}

impl LocalTarget {
    /// Works as `options` say, on the engine that the configuration names.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] naming the key of the configuration that is wrong.
    pub fn new(options: Arc<LocalOptions>, config: &DeploymentConfig) -> Result<Self> {
        Ok(Self { options, settings: LocalSettings::read(&config.extra)? })
    }

    pub(super) async fn engine(&self, settings: &LocalSettings) -> Result<Engine> {
        let address = settings.docker_socket.as_ref().unwrap_or(&self.options.docker_host);
        Engine::connect(address).await
    }

    /// Checks everything that can be checked, and makes everything that can be made, without changing anything.
    pub(super) async fn prepare(&self, deployment: &Deployment) -> Result<Wanted> {
        deployment.check(self.name(), &self.capabilities())?;
        let settings = LocalSettings::read(&deployment.config.extra)?;
        let dashboard = match &self.options.traefik_url {
            Some(url) if settings.traefik.enabled => Some(Dashboard::new(url, self.options.routed_within)?),
            _ => None,
        };
        let (binary, version) = self.runtime(deployment).await?;
        let engine = self.engine(&settings).await?;
        if engine.architecture != Some(binary.architecture) {
            let there = engine.architecture.map_or("another processor", Architecture::as_str);
            return Err(Error::new(
                ErrorKind::BuildFailed,
                format!(
                    "the runtime is for {}, and the Docker Engine's machine is {there}",
                    binary.architecture
                ),
            )
            .in_operation("deployer.local")
            .help("name a vitesse-runtime for that processor by VITESSE_RUNTIME"));
        }
        let roots =
            self.options.roots.as_ref().map(|path| files::read(path, files::MOST_BYTES)).transpose()?;
        let parts = (deployment.clone(), version.clone());
        let image = tokio::task::spawn_blocking(move || {
            let (deployment, version) = &parts;
            Image::assemble(&ImageParts { deployment, binary: &binary, version, roots: roots.as_deref() })
        });
        let image = image.await.map_err(|error| {
            Error::new(ErrorKind::Internal, "the image could not be put together").source(error)
        })??;
        let objects = Objects::of(deployment, &settings, &image, &self.options.environment)?;
        let image_name = image_name(deployment);
        Ok(Wanted { engine, settings, image, image_name, objects, runtime_version: version, dashboard })
    }

    /// The binary that goes into the image, and its version. It is asked what it is where it runs here.
    async fn runtime(&self, deployment: &Deployment) -> Result<(Binary, String)> {
        let path = self.options.runtime.find()?;
        let binary = Binary::read(&path)?;
        if cfg!(target_os = "linux") && Architecture::here() == Some(binary.architecture) {
            let runtime = Runtime::open(path).await?;
            runtime.check(&deployment.mappings)?;
            return Ok((binary, runtime.version));
        }
        check_functions(None, &deployment.mappings)?;
        Ok((binary, env!("CARGO_PKG_VERSION").into()))
    }

    /// Removes everything that was made for an integration besides its containers.
    pub(super) async fn clear(
        &self,
        engine: &Engine,
        id: Uuid,
        networks: impl IntoIterator<Item = String>,
    ) -> Result<()> {
        engine.remove_volumes(id).await?;
        engine.remove_images(id, &[]).await?;
        for network in networks {
            engine.remove_network(&network, LABEL_MANAGED).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Deployer for LocalTarget {
    fn name(&self) -> &str {
        "local"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_replicas: MOST_REPLICAS,
            auto_scale: false,
            pause: true,
            logs: true,
            limits: true,
            rolling_update: true,
            watches_alone: true,
        }
    }

    async fn functions(&self) -> Result<Option<Vec<String>>> {
        let path = self.options.runtime.find()?;
        match Binary::read(&path)?.architecture {
            same if cfg!(target_os = "linux") && Architecture::here() == Some(same) => {
                Ok(Runtime::open(path).await?.functions)
            }
            _ => Ok(None),
        }
    }

    async fn deploy(&self, deployment: &Deployment, progress: &Progress) -> Result<Deployed> {
        self.bring_up(deployment, false, progress).await
    }

    async fn update(&self, deployment: &Deployment, progress: &Progress) -> Result<Deployed> {
        self.bring_up(deployment, true, progress).await
    }

    async fn preview(&self, deployment: &Deployment) -> Result<Preview> {
        self.planned(deployment).await
    }

    async fn destroy(&self, integration: Uuid) -> Result<()> {
        let engine = self.engine(&self.settings).await?;
        let mut networks = BTreeSet::from([self.settings.network.clone()]);
        for found in engine.containers(integration).await?.into_iter().map(Found::of) {
            networks.extend(found.networks());
            engine.stop(&found.id, GRACE_SECONDS).await?;
            engine.remove(&found.id).await?;
        }
        self.clear(&engine, integration, networks).await
    }

    async fn status(&self, integration: Uuid) -> Result<State> {
        let engine = self.engine(&self.settings).await?;
        let found: Vec<Found> = engine.containers(integration).await?.into_iter().map(Found::of).collect();
        let Some(first) = found.first() else { return Ok(State::absent()) };
        let (mut condition, mut reason) = (Condition::Healthy, None);
        for container in &found {
            let (worse, why) = if container.is_paused() {
                (Condition::Paused, None)
            } else if !container.is_running() {
                let (condition, why) = container.down();
                (condition, Some(why))
            } else {
                match health(&engine, &container.id).await? {
                    Ok(()) => continue,
                    Err(why) => (Condition::Unhealthy, Some(why)),
                }
            };
            (condition, reason) = (worse, why);
            if found.len() > 1 {
                reason = reason.map(|why| format!("{}: {why}", container.name));
            }
        }
        let address = first.address().filter(|_| engine.is_here() && !first.is_paused());
        let mut admin_key = None;
        if address.is_some()
            && let Some(archive) = engine.download(&first.id, secrets::FOLDER).await?
        {
            admin_key = secrets::unpack(&archive)?.remove(ADMIN_KEY);
        }
        Ok(State {
            condition,
            reason,
            service_url: first.label(LABEL_URL).map(str::to_owned),
            mapping_hash: first.label(LABEL_MAPPING).map(str::to_owned),
            restarts: found.iter().map(Found::restarts).sum(),
            started_at: found.iter().filter_map(Found::started_at).min(),
            admin_url: address.map(|address| format!("http://{address}:{ADMIN_PORT}")),
            admin_key,
        })
    }

    async fn logs(&self, integration: Uuid, query: &LogQuery) -> Result<LogPage> {
        let after = logs::since(query)?;
        let engine = self.engine(&self.settings).await?;
        let containers = engine.containers(integration).await?;
        if containers.is_empty() {
            return Err(absent(integration));
        }
        let mut lines = logs::Lines::new();
        for container in containers.into_iter().filter_map(|container| container.id) {
            lines.extend(
                logs::read(engine.logs(&container, after.map(|(_, second)| second), query.limit)).await?,
            );
        }
        Ok(logs::page(lines, query, after.map(|(at, _)| at)))
    }
}

/// Has the runtime in the container ask itself, which works wherever the engine is.
pub(super) async fn health(engine: &Engine, container: &str) -> Result<Result<(), String>> {
    engine.run(container, &["/vitesse-runtime", "health"]).await
}

pub(super) fn absent(integration: Uuid) -> Error {
    Error::new(ErrorKind::NotFound, "this integration isn't deployed here")
        .in_operation("deployer.local")
        .with("integration", integration)
        .with("target", "local")
        .help("deploy it first")
}

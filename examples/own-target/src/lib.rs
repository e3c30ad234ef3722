//! A deployment target outside of `vitesse-core`: [`Children`] runs integrations as children of this program, and ends
//! them with it. It is what a test bench would want, and small enough to read as a pattern:
//!
//! - refuse what the target can't do before anything is touched,
//! - do nothing if exactly this runs already,
//! - bring the new one up, wait until it is healthy, and put the old one back if it isn't,
//! - destroy without a trace.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use uuid::Uuid;
use vitesse_core::deployer::{
    Capabilities, Condition, Deployed, Deployer, Deployment, LogLine, LogPage, LogQuery, RuntimeSearch,
    State, container_id,
};
use vitesse_core::progress::Progress;
use vitesse_core::{Error, ErrorKind, Result, service};

/// Runs integrations as children of this program.
#[derive(Debug)]
pub struct Children {
    home: PathBuf,
    runtime: RuntimeSearch,
    /// One lock for all of them: a bench has few. A target with many would lock each by itself.
    all: Mutex<HashMap<Uuid, Kept>>,
}

/// What is remembered of a deployment; a target of a real platform would ask the platform.
#[derive(Debug)]
struct Kept {
    deployment: Deployment,
    address: SocketAddr,
    /// None while it is paused.
    child: Option<Child>,
}

impl Children {
    /// Keeps mappings, states and logs under `home`.
    pub fn new(home: impl Into<PathBuf>, runtime: RuntimeSearch) -> Self {
        Self { home: home.into(), runtime, all: Mutex::default() }
    }

    fn folder(&self, integration: Uuid) -> PathBuf {
        self.home.join(container_id(integration))
    }

    async fn start(&self, deployment: &Deployment, address: SocketAddr) -> Result<Option<Child>> {
        if deployment.paused {
            return Ok(None);
        }
        let runtime = self.runtime.open().await?;
        let folder = self.folder(deployment.integration_id);
        let _ = fs::remove_dir_all(folder.join("mapping"));
        for (path, text) in deployment.mapping_files() {
            write(&folder.join(path), &text)?;
        }
        fs::create_dir_all(folder.join("state")).map_err(broken)?;
        let log = File::create(folder.join("log")).map_err(broken)?;
        let secrets = deployment.credentials.iter().map(|(name, secret)| (name.as_str(), secret.expose()));
        let child = Command::new(&runtime.path)
            .arg("serve")
            // It gets what it is given, and nothing of this program's own environment.
            .env_clear()
            .envs(&deployment.environment)
            .envs(secrets.collect::<BTreeMap<_, _>>())
            .env("VITESSE_MAPPING", folder.join("mapping"))
            .env("VITESSE_STATE", folder.join("state"))
            .env("VITESSE_LISTEN", address.to_string())
            .env("VITESSE_ADMIN_LISTEN", free_address()?.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(broken)?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(broken)?;
        Ok(Some(child))
    }

    async fn wait(&self, deployment: &Deployment, kept: &mut Kept, progress: &Progress) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(30);
        while let Some(child) = &mut kept.child {
            progress.cancel().check()?;
            let ended = child.try_wait().map_err(broken)?;
            if ended.is_some() || Instant::now() > until {
                let log = fs::read_to_string(self.folder(deployment.integration_id).join("log"));
                return Err(Error::new(ErrorKind::DeployFailed, "the runtime didn't become healthy")
                    .with("log", log.unwrap_or_default()));
            }
            if service::health(kept.address).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

// ANCHOR: begins
#[async_trait]
impl Deployer for Children {
    fn name(&self) -> &str {
        "children"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_replicas: 1,
            auto_scale: false,
            pause: true,
            logs: true,
            limits: false,
            rolling_update: false,
            watches_alone: false,
        }
    }

    async fn deploy(&self, deployment: &Deployment, progress: &Progress) -> Result<Deployed> {
        deployment.check(self.name(), &self.capabilities())?;
        self.runtime.open().await?.check(&deployment.mappings)?;
        // ANCHOR_END: begins
        let id = deployment.integration_id;
        let mut all = self.all.lock().await;
        let old = all.remove(&id);
        let address = old.as_ref().map_or_else(free_address, |old| Ok(old.address))?;
        let done = |changed| Deployed {
            container_id: container_id(id),
            service_url: format!("http://{address}"),
            changed,
            log: vec![format!("a child of this program, at {address}")],
        };
        if let Some(old) = old {
            if same(&old.deployment, deployment) && is_well(&old).await {
                all.insert(id, old);
                return Ok(done(false));
            }
            end(old.child).await;
            let mut new = Kept { deployment: deployment.clone(), address, child: None };
            let up = match self.start(deployment, address).await {
                Ok(child) => {
                    new.child = child;
                    self.wait(deployment, &mut new, progress).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = up {
                end(new.child).await;
                let child = self.start(&old.deployment, address).await?;
                all.insert(id, Kept { deployment: old.deployment, address, child });
                return Err(error.with("rolled back", "the deployment before runs again"));
            }
            all.insert(id, new);
            return Ok(done(true));
        }
        fs::create_dir_all(self.folder(id)).map_err(broken)?;
        let child = self.start(deployment, address).await?;
        let mut new = Kept { deployment: deployment.clone(), address, child };
        if let Err(error) = self.wait(deployment, &mut new, progress).await {
            end(new.child).await;
            fs::remove_dir_all(self.folder(id)).map_err(broken)?;
            return Err(error);
        }
        all.insert(id, new);
        Ok(done(true))
    }

    async fn update(&self, deployment: &Deployment, progress: &Progress) -> Result<Deployed> {
        if !self.all.lock().await.contains_key(&deployment.integration_id) {
            return Err(absent(deployment.integration_id));
        }
        self.deploy(deployment, progress).await
    }

    async fn destroy(&self, integration: Uuid) -> Result<()> {
        let Some(kept) = self.all.lock().await.remove(&integration) else { return Ok(()) };
        end(kept.child).await;
        fs::remove_dir_all(self.folder(integration)).map_err(broken)
    }

    async fn status(&self, integration: Uuid) -> Result<State> {
        let all = self.all.lock().await;
        let Some(kept) = all.get(&integration) else { return Ok(State::absent()) };
        Ok(State {
            condition: match &kept.child {
                None => Condition::Paused,
                Some(_) if is_well(kept).await => Condition::Healthy,
                Some(_) => Condition::Unhealthy,
            },
            service_url: Some(format!("http://{}", kept.address)),
            mapping_hash: Some(kept.deployment.mapping_hash()),
            ..State::absent()
        })
    }

    async fn logs(&self, integration: Uuid, query: &LogQuery) -> Result<LogPage> {
        if !self.all.lock().await.contains_key(&integration) {
            return Err(absent(integration));
        }
        let log = fs::read_to_string(self.folder(integration).join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let wrong = |_| Error::new(ErrorKind::InvalidInput, "the log can't go on from there");
        let from = match &query.after {
            Some(after) => after.parse::<usize>().map_err(wrong)?.min(lines.len()),
            None => lines.len().saturating_sub(query.limit),
        };
        let page = lines.iter().skip(from).take(query.limit);
        let page: Vec<LogLine> = page.map(|line| LogLine { text: (*line).to_owned() }).collect();
        Ok(LogPage { next: Some((from + page.len()).to_string()), lines: page })
    }
}

/// Whether both are the same, secrets included.
fn same(a: &Deployment, b: &Deployment) -> bool {
    let secrets = |deployment: &Deployment| {
        let secrets = deployment.credentials.iter();
        secrets.map(|(name, secret)| (name.clone(), secret.expose().to_owned())).collect::<Vec<_>>()
    };
    a.mapping_hash() == b.mapping_hash()
        && a.environment == b.environment
        && a.config == b.config
        && a.paused == b.paused
        && secrets(a) == secrets(b)
}

async fn is_well(kept: &Kept) -> bool {
    kept.child.is_none() || service::health(kept.address).await.is_ok()
}

async fn end(child: Option<Child>) {
    if let Some(mut child) = child {
        let _ = child.kill().await;
    }
}

fn free_address() -> Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).map_err(broken)
}

fn write(path: &Path, text: &str) -> Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text)).map_err(broken)
}

fn broken(error: std::io::Error) -> Error {
    Error::new(ErrorKind::DeployFailed, "a child can't be kept").source(error)
}

fn absent(integration: Uuid) -> Error {
    Error::new(ErrorKind::NotFound, "this integration isn't deployed here").with("integration", integration)
}

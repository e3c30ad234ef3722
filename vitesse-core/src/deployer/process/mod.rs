//! The target `process`: the runtime binary as a child of this machine.

mod folder;
pub(crate) mod identity;
mod preview;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use self::folder::{Folder, Record};
use self::watch::{Patience, Running, free_port, watch};
use super::{
    Capabilities, Condition, Deployed, Deployer, Deployment, LogPage, LogQuery, Preview, Runtime,
    RuntimeSearch, State, container_id,
};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Client, Guard, Limits, NetConfig, Retry};
use crate::progress::{Cancel, Progress, Step};

const STATE: &str = "VITESSE_STATE";

/// How the target `process` works.
#[derive(Clone, Debug)]
pub struct ProcessOptions {
    /// The folder under which each deployment has its own.
    pub home: PathBuf,
    /// Where the runtime binary is looked for.
    pub runtime: RuntimeSearch,
    /// Variables that every deployment gets, besides its own.
    pub environment: BTreeMap<String, String>,
    /// How long a deployment may take to become healthy.
    pub healthy_within: Duration,
    /// The wait before a process that ended by itself is started again; it doubles with each time, up to a minute.
    pub restart_after: Duration,
    /// How long a process may take to end when it is asked to.
    pub grace: Duration,
}

impl ProcessOptions {
    /// Deployments under `home`, the runtime beside this program, 30 seconds to become healthy.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self {
            home: home.into(),
            runtime: RuntimeSearch::default(),
            environment: BTreeMap::new(),
            healthy_within: Duration::from_secs(30),
            restart_after: Duration::from_millis(500),
            grace: Duration::from_secs(10),
        }
    }

    /// What the environment says: `VITESSE_HOME`, `VITESSE_RUNTIME`, and what concerns the runtime's own requests.
    pub fn from_config(config: &Config) -> Self {
        let mut options = Self::new(&config.home);
        options.runtime = RuntimeSearch::from_config(config);
        if !config.allow.is_empty() {
            options.environment.insert("VITESSE_ALLOW".into(), config.allow.join(","));
        }
        if let Some(file) = &config.ssl_cert_file {
            options.environment.insert("SSL_CERT_FILE".into(), file.display().to_string());
        }
        options.environment.insert("VITESSE_LOG".into(), config.log.clone());
        options
    }
}

/// Runs integrations as processes of this machine, each in a folder of its own.
///
/// A process that ends by itself is started again, after a wait that grows. It goes on when the control plane ends,
/// and the next one [adopts](Deployer::adopt) it; in between nobody starts it again. Memory and processor shares are
/// not held. Dropping the target leaves everything running.
#[derive(Clone, Debug)]
pub struct ProcessTarget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: ProcessOptions,
    client: Client,
    /// One lock a deployment, so that what is asked of one waits for nothing asked of another.
    slots: Mutex<HashMap<Uuid, Arc<Mutex<Slot>>>>,
}

/// What this control plane holds of a deployment.
#[derive(Debug, Default)]
struct Slot {
    lock: Option<File>,
    watched: Option<Watched>,
}

#[derive(Debug)]
struct Watched {
    stop: Cancel,
    task: JoinHandle<Option<Running>>,
}

impl Drop for Watched {
    /// Nobody watches any more; what runs goes on.
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl ProcessTarget {
    /// Works as `options` say.
    ///
    /// # Errors
    /// If there can be no HTTP client to ask for the health of what runs.
    pub fn new(options: ProcessOptions) -> Result<Self> {
        let net = NetConfig {
            guard: Guard::from_list(["127.0.0.1"])?,
            limits: Limits {
                body: 1 << 20,
                redirects: 0,
                total: Duration::from_secs(2),
                ..Limits::default()
            },
            retry: Retry { tries: 1, ..Retry::default() },
            ..NetConfig::default()
        };
        Ok(Self(Arc::new(Inner { options, client: Client::new(net)?, slots: Mutex::default() })))
    }

    async fn slot(&self, integration: Uuid) -> Arc<Mutex<Slot>> {
        self.0.slots.lock().await.entry(integration).or_default().clone()
    }

    fn folder(&self, integration: Uuid) -> Folder {
        Folder::new(&self.0.options.home, integration)
    }

    fn patience(&self) -> Patience {
        let options = &self.0.options;
        Patience {
            base: options.restart_after,
            cap: Duration::from_secs(60),
            steady: Duration::from_secs(60),
        }
    }

    /// Everything the process is given besides where it listens.
    fn environment(&self, deployment: &Deployment) -> BTreeMap<String, String> {
        let mut environment = self.0.options.environment.clone();
        environment.extend(deployment.environment.clone());
        let secrets = deployment.credentials.iter();
        environment.extend(secrets.map(|(name, secret)| (name.clone(), secret.expose().to_owned())));
        environment
    }

    fn check(&self, deployment: &Deployment) -> Result<()> {
        deployment.check(self.name(), &self.capabilities())?;
        let Deployment { environment, credentials, .. } = deployment;
        if environment.contains_key(STATE) || credentials.contains_key(STATE) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the target process keeps the state in the deployment's own folder, and nowhere else",
            )
            .in_operation("deployer.check")
            .help("leave VITESSE_STATE out, or choose another target"));
        }
        Ok(())
    }

    async fn bring_up(&self, deployment: &Deployment, progress: &Progress) -> Result<Deployed> {
        self.check(deployment)?;
        let step = progress.step("deploy process", Some(3));
        let runtime = self.0.options.runtime.open().await?;
        runtime.check(&deployment.mappings)?;
        step.note(format!("the runtime {} at {}", runtime.version, runtime.path.display()));
        step.advance(1)?;

        let id = deployment.integration_id;
        let (folder, slot) = (self.folder(id), self.slot(id).await);
        let mut slot = slot.lock().await;
        if slot.lock.is_none() {
            slot.lock = Some(folder.lock()?);
        }
        let old = folder.record()?;
        if let Some(old) = &old
            && self.is_same(&folder, old, deployment, &runtime).await?
        {
            self.ensure_watched(&mut slot, &folder, old.clone());
            let log = vec!["nothing has changed".to_owned()];
            return Ok(deployed(id, old, false, log));
        }
        let mut log = vec![format!("runtime {} at {}", runtime.version, runtime.path.display())];
        let record = self.next_record(old.as_ref(), deployment, &runtime)?;
        folder.write_release(record.release, deployment, &self.environment(deployment))?;
        log.push(format!("release {} written to {}", record.release, folder.path.display()));
        step.advance(1)?;

        // One process holds the state, so the old one ends before the new one starts.
        self.stop(&mut slot, old.as_ref()).await;
        let outcome = self.replace(&mut slot, &folder, record.clone(), &step, progress).await;
        match outcome {
            Ok(record) => {
                // What is left of the old release is only litter.
                let _ = folder.keep_only(record.release);
                log.push(match record.paused {
                    true => "paused".to_owned(),
                    false => format!("healthy at {}", url(&record)),
                });
                Ok(deployed(id, &record, true, log))
            }
            Err(error) => Err(self.roll_back(&mut slot, &folder, record.release, old, error).await),
        }
    }

    async fn replace(
        &self,
        slot: &mut Slot,
        folder: &Folder,
        mut record: Record,
        step: &Step<'_>,
        progress: &Progress,
    ) -> Result<Record> {
        if record.paused {
            folder.remember(&record)?;
            step.advance(1)?;
            return Ok(record);
        }
        let mut running = Running::start(folder, &mut record)?;
        let health = self.wait_healthy(folder, &record, &mut running, progress.cancel()).await;
        if let Err(error) = health.and_then(|()| step.advance(1)) {
            running.stop(self.0.options.grace).await;
            return Err(error);
        }
        self.watch(slot, folder, record.clone(), Some(running));
        Ok(record)
    }

    /// Puts back what was there, and says so.
    async fn roll_back(
        &self,
        slot: &mut Slot,
        folder: &Folder,
        failed: u32,
        old: Option<Record>,
        error: Error,
    ) -> Error {
        let Some(mut old) = old else {
            slot.lock = None;
            let _ = folder.remove();
            return error;
        };
        let _ = folder.remove_release(failed);
        old.process = None;
        if let Err(again) = folder.remember(&old) {
            return error.with("rolled back", format!("no: {again}"));
        }
        if old.paused {
            return error.with("rolled back", "to the paused deployment before");
        }
        match Running::start(folder, &mut old) {
            Ok(running) => {
                self.watch(slot, folder, old, Some(running));
                error.with("rolled back", "the deployment before runs again")
            }
            Err(again) => {
                let _ = folder.remember(&old);
                self.watch(slot, folder, old, None);
                error.with("rolled back", format!("the deployment before can't be started: {again}"))
            }
        }
    }

    fn next_record(
        &self,
        old: Option<&Record>,
        deployment: &Deployment,
        runtime: &Runtime,
    ) -> Result<Record> {
        let (port, admin_port) = match old {
            Some(old) => (old.port, old.admin_port),
            None => (free_port()?, free_port()?),
        };
        Ok(Record {
            integration_id: deployment.integration_id,
            release: old.map_or(1, |old| old.release + 1),
            mapping_hash: deployment.mapping_hash(),
            runtime: runtime.path.clone(),
            runtime_version: runtime.version.clone(),
            port,
            admin_port,
            paused: deployment.paused,
            process: None,
            started_at: None,
            restarts: 0,
            last_exit: None,
        })
    }

    /// Whether exactly this is there and well.
    async fn is_same(
        &self,
        folder: &Folder,
        old: &Record,
        deployment: &Deployment,
        runtime: &Runtime,
    ) -> Result<bool> {
        let same = old.mapping_hash == deployment.mapping_hash()
            && (&old.runtime, &old.runtime_version) == (&runtime.path, &runtime.version)
            && old.paused == deployment.paused
            && folder.environment(old.release).is_ok_and(|kept| kept == self.environment(deployment));
        Ok(same && (old.paused || (is_running(old) && self.is_healthy(old).await)))
    }

    async fn wait_healthy(
        &self,
        folder: &Folder,
        record: &Record,
        running: &mut Running,
        cancel: &Cancel,
    ) -> Result<()> {
        let within = self.0.options.healthy_within;
        let failed = |why: String| {
            let lines = folder.tail(5);
            let error = Error::new(ErrorKind::DeployFailed, why).in_operation("deployer.process");
            match lines.is_empty() {
                true => error.with("log", folder.log_file().display()),
                false => error.with("its last lines", lines.join(" | ")),
            }
        };
        let until = Instant::now() + within;
        let mut pause = Duration::from_millis(10);
        loop {
            cancel.check()?;
            tokio::select! {
                biased;
                end = running.ended() => return Err(failed(format!("the runtime ended before it was healthy: {end}"))),
                () = cancel.cancelled() => {}
                healthy = self.is_healthy(record) => {
                    if healthy {
                        return Ok(());
                    }
                    if Instant::now() > until {
                        let seconds = within.as_secs();
                        return Err(failed(format!("the runtime was not healthy within {seconds} s")));
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(250));
                }
            }
        }
    }

    async fn is_healthy(&self, record: &Record) -> bool {
        let answer = self.0.client.get(format!("http://127.0.0.1:{}/health", record.port)).fetch().await;
        answer.is_ok_and(|answer| answer.status.is_success())
    }

    fn watch(&self, slot: &mut Slot, folder: &Folder, record: Record, running: Option<Running>) {
        let stop = Cancel::new();
        let task = tokio::spawn(watch(folder.clone(), record, running, self.patience(), stop.clone()));
        slot.watched = Some(Watched { stop, task });
    }

    fn ensure_watched(&self, slot: &mut Slot, folder: &Folder, record: Record) {
        if slot.watched.is_none() && !record.paused {
            let running = Running::adopt(&record);
            self.watch(slot, folder, record, running);
        }
    }

    /// Stops what runs, whether we watch over it or an earlier control plane started it.
    async fn stop(&self, slot: &mut Slot, record: Option<&Record>) {
        let running = match slot.watched.take() {
            Some(mut watched) => {
                watched.stop.cancel();
                (&mut watched.task).await.ok().flatten()
            }
            None => record.and_then(Running::adopt),
        };
        if let Some(running) = running {
            running.stop(self.0.options.grace).await;
        }
    }

    async fn locked<'a>(&self, slot: &'a Arc<Mutex<Slot>>, folder: &Folder) -> Result<MutexGuard<'a, Slot>> {
        let mut slot = slot.lock().await;
        if slot.lock.is_none() {
            slot.lock = Some(folder.lock()?);
        }
        Ok(slot)
    }
}

#[async_trait]
impl Deployer for ProcessTarget {
    fn name(&self) -> &str {
        "process"
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

    async fn functions(&self) -> Result<Option<Vec<String>>> {
        Ok(self.0.options.runtime.open().await?.functions)
    }

    async fn deploy(&self, deployment: &Deployment, progress: &Progress) -> Result<Deployed> {
        self.bring_up(deployment, progress).await
    }

    async fn update(&self, deployment: &Deployment, progress: &Progress) -> Result<Deployed> {
        if !self.folder(deployment.integration_id).exists() {
            return Err(absent(deployment.integration_id));
        }
        self.bring_up(deployment, progress).await
    }

    async fn preview(&self, deployment: &Deployment) -> Result<Preview> {
        self.check(deployment)?;
        let runtime = self.0.options.runtime.open().await?;
        runtime.check(&deployment.mappings)?;
        let id = deployment.integration_id;
        let (folder, slot) = (self.folder(id), self.slot(id).await);
        let slot = slot.lock().await;
        // Whoever couldn't deploy is told so; whoever could holds nothing afterwards that was free.
        let _held = match slot.lock {
            Some(_) => None,
            None => folder.lock_if_there()?,
        };
        let environment = self.environment(deployment);
        let record = folder.record()?;
        let there = match &record {
            None => None,
            Some(record) => Some(preview::There {
                record,
                environment: folder.environment(record.release).unwrap_or_default(),
                same: self.is_same(&folder, record, deployment, &runtime).await?,
            }),
        };
        Ok(preview::preview(deployment, &environment, &runtime, &folder.path, there.as_ref()))
    }

    async fn destroy(&self, integration: Uuid) -> Result<()> {
        let folder = self.folder(integration);
        if !folder.path.exists() {
            return Ok(());
        }
        let slot = self.slot(integration).await;
        let mut slot = self.locked(&slot, &folder).await?;
        // A record that can't be read must not keep the folder alive for ever.
        let record = folder.record().ok().flatten();
        self.stop(&mut slot, record.as_ref()).await;
        slot.lock = None;
        folder.remove()
    }

    async fn status(&self, integration: Uuid) -> Result<State> {
        let folder = self.folder(integration);
        let Some(record) = folder.record()? else { return Ok(State::absent()) };
        let slot = self.slot(integration).await;
        // While it is changed, what is written down is all there is to say.
        let watched = slot.try_lock().map_or(true, |slot| slot.watched.is_some());
        let (condition, reason) = if record.paused {
            (Condition::Paused, None)
        } else if !is_running(&record) {
            let condition = if watched { Condition::Restarting } else { Condition::Down };
            (condition, record.last_exit.clone().or_else(|| Some("it ended while nobody watched".into())))
        } else if self.is_healthy(&record).await {
            (Condition::Healthy, None)
        } else {
            (Condition::Unhealthy, Some("GET /health doesn't answer 200".into()))
        };
        Ok(State {
            condition,
            reason,
            service_url: Some(url(&record)),
            mapping_hash: Some(record.mapping_hash),
            restarts: record.restarts,
            started_at: record.started_at,
            admin_url: (!record.paused).then(|| format!("http://127.0.0.1:{}", record.admin_port)),
            admin_key: None,
        })
    }

    async fn logs(&self, integration: Uuid, query: &LogQuery) -> Result<LogPage> {
        let folder = self.folder(integration);
        match folder.exists() {
            true => folder.log_page(query),
            false => Err(absent(integration)),
        }
    }

    async fn adopt(&self) -> Result<Vec<Uuid>> {
        let mut adopted = Vec::new();
        for id in Folder::all(&self.0.options.home)? {
            let folder = self.folder(id);
            let slot = self.slot(id).await;
            // Another control plane may watch over some of them.
            let Ok(mut slot) = self.locked(&slot, &folder).await else { continue };
            match folder.record() {
                Ok(Some(record)) => {
                    self.ensure_watched(&mut slot, &folder, record);
                    adopted.push(id);
                }
                // A deploy was broken off before anything ran.
                Ok(None) => {
                    slot.lock = None;
                    folder.remove()?;
                }
                Err(_) => slot.lock = None,
            }
        }
        Ok(adopted)
    }
}

fn is_running(record: &Record) -> bool {
    record.identity().is_some_and(|identity| identity.is_alive() == Some(true))
}

fn url(record: &Record) -> String {
    format!("http://127.0.0.1:{}", record.port)
}

fn deployed(id: Uuid, record: &Record, changed: bool, log: Vec<String>) -> Deployed {
    Deployed { container_id: container_id(id), service_url: url(record), changed, log }
}

fn absent(integration: Uuid) -> Error {
    Error::new(ErrorKind::NotFound, "this integration isn't deployed here")
        .in_operation("deployer.process")
        .with("integration", integration)
        .with("target", "process")
        .help("deploy it first")
}

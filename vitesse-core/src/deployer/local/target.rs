use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::LocalSettings;
use super::compare::Found;
use super::engine::Engine;
use super::handover::{Traefik, end, retire, same_routes, stop};
use super::logs;
use super::objects::{ADMIN_KEY, ADMIN_PORT, GRACE_SECONDS, LABEL_MANAGED, LABEL_URL, Objects, json};
use super::secrets::{self, Secrets};
use super::verify::Dashboard;
use crate::config::Config;
use crate::deployer::{
    Architecture, Binary, Capabilities, Condition, Deployed, Deployer, Deployment, Image, ImageParts, Intent,
    LABEL_INTEGRATION, LABEL_MAPPING, LogPage, LogQuery, Planned, Preview, Runtime, RuntimeSearch, State,
    check_functions, container_id, image_name,
};
use crate::error::{Error, ErrorKind, Result};
use crate::files;
use crate::progress::{Progress, Step};
use crate::secret::Secret;
use crate::store::repository::DeploymentConfig;

/// The most that one machine is asked to run of an integration.
const MOST_REPLICAS: u32 = 20;

/// How the target `local` works, whatever is deployed.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// The engine, where a deployment names no other.
    pub docker_host: String,
    /// Traefik's API; where there is one, a deployment succeeds only once it is routed.
    pub traefik_url: Option<String>,
    /// Where the runtime binary is looked for.
    pub runtime: RuntimeSearch,
    /// A file of certificates that are trusted beside the usual roots; it goes into the image.
    pub roots: Option<PathBuf>,
    /// Variables that every deployment gets, besides its own.
    pub environment: BTreeMap<String, String>,
    /// How long a deployment may take to become healthy.
    pub healthy_within: Duration,
    /// How long Traefik may take then to route to it. It looks at new containers and at their health every two seconds.
    pub routed_within: Duration,
}

impl LocalOptions {
    /// The engine at this address, the runtime beside this program, 30 seconds to become healthy.
    pub fn new(docker_host: impl Into<String>) -> Self {
        Self {
            docker_host: docker_host.into(),
            traefik_url: None,
            runtime: RuntimeSearch::default(),
            roots: None,
            environment: BTreeMap::new(),
            healthy_within: Duration::from_secs(30),
            routed_within: Duration::from_secs(30),
        }
    }

    /// What the environment says: `DOCKER_HOST`, `TRAEFIK_DASHBOARD_URL`, `VITESSE_RUNTIME`, `SSL_CERT_FILE`, and what
    /// concerns the runtime's own requests.
    pub fn from_config(config: &Config) -> Self {
        let mut options = Self::new(&config.docker_host);
        options.traefik_url.clone_from(&config.traefik_dashboard_url);
        options.runtime = RuntimeSearch::from_config(config);
        options.roots.clone_from(&config.ssl_cert_file);
        if !config.allow.is_empty() {
            options.environment.insert("VITESSE_ALLOW".into(), config.allow.join(","));
        }
        options.environment.insert("VITESSE_LOG".into(), config.log.clone());
        options
    }
}

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
    options: Arc<LocalOptions>,
    settings: LocalSettings,
}

/// Everything that is known before the engine is asked to do something.
struct Wanted {
    engine: Engine,
    settings: LocalSettings,
    image: Image,
    image_name: String,
    objects: Objects,
    runtime_version: String,
    dashboard: Option<Dashboard>,
}

impl LocalTarget {
    /// Works as `options` say, on the engine that the configuration names.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] naming the key of the configuration that is wrong.
    pub fn new(options: Arc<LocalOptions>, config: &DeploymentConfig) -> Result<Self> {
        Ok(Self { options, settings: LocalSettings::read(&config.extra)? })
    }

    async fn engine(&self, settings: &LocalSettings) -> Result<Engine> {
        let address = settings.docker_socket.as_ref().unwrap_or(&self.options.docker_host);
        Engine::connect(address).await
    }

    /// Checks everything that can be checked, and makes everything that can be made, without changing anything.
    async fn prepare(&self, deployment: &Deployment) -> Result<Wanted> {
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

    async fn bring_up(
        &self,
        deployment: &Deployment,
        must_be_there: bool,
        progress: &Progress,
    ) -> Result<Deployed> {
        let step = progress.step("deploy local", Some(4));
        let id = deployment.integration_id;
        if must_be_there {
            deployment.check(self.name(), &self.capabilities())?;
            let engine = self.engine(&LocalSettings::read(&deployment.config.extra)?).await?;
            if engine.containers(id).await?.is_empty() {
                return Err(absent(id));
            }
        }
        let mut wanted = self.prepare(deployment).await?;
        let mut log = Log { step: &step, lines: Vec::new() };
        log.add(format!("the runtime {} for {}", wanted.runtime_version, wanted.image.architecture()));
        log.add(format!("Docker Engine {}", wanted.engine.version));
        log.add(format!(
            "image {} of {} bytes: {}",
            wanted.image_name,
            wanted.image.size(),
            wanted.image.id()
        ));
        step.advance(1)?;

        let there = self.there(&wanted, id).await?;
        wanted.objects.secrets = with_key(&wanted.objects.secrets, &there.secrets);
        if self.is_same(&wanted, &there, deployment).await? {
            return Ok(deployed(deployment, &wanted, false, vec!["nothing has changed".into()]));
        }
        let outcome = self.replace(&wanted, &there, deployment, &mut log, progress).await;
        let (made, both_run) = match outcome {
            Ok(made) => made,
            Err(error) => return Err(self.roll_back(&wanted, &there, id, error).await),
        };
        let dashboard = wanted.dashboard.as_ref();
        let traefik = (both_run && wanted.settings.traefik.enabled).then_some(Traefik {
            dashboard,
            integration: id,
            new: made.len(),
        });
        if let Some(traefik) = &traefik {
            retire(&wanted.engine, &there.containers, traefik).await;
        }
        self.settle(&wanted, &there, &made, traefik.as_ref(), id).await?;
        log.add(match deployment.paused {
            true => "paused: it is kept without running".to_owned(),
            false => format!("healthy; it answers at {}", wanted.settings.service_url(id)),
        });
        if wanted.settings.traefik.enabled && !deployment.paused {
            log.add(match wanted.dashboard {
                Some(_) => "Traefik routes to it",
                None => "whether Traefik routes to it was not verified: TRAEFIK_DASHBOARD_URL isn't set",
            });
        }
        let lines = log.lines;
        Ok(deployed(deployment, &wanted, true, lines))
    }

    /// What is there of the deployment, and nobody else's.
    async fn there(&self, wanted: &Wanted, id: Uuid) -> Result<There> {
        let engine = &wanted.engine;
        let name = container_id(id);
        if let Some(other) = engine.inspect(&name).await?.map(Found::of)
            && other.label(LABEL_INTEGRATION) != Some(id.to_string().as_str())
        {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("a container named {name} is there and isn't ours"),
            )
            .permanent()
            .in_operation("deployer.local")
            .help("rename or remove it, and deploy again"));
        }
        let found = engine.containers(id).await?.into_iter().map(Found::of);
        // What a deploy that was broken off left beside them has another name.
        let (containers, left): (Vec<Found>, Vec<Found>) =
            found.partition(|found| !found.name.ends_with(NEXT));
        let mut secrets = Secrets::new();
        if let Some(first) = containers.first()
            && let Some(archive) = engine.download(&first.id, secrets::FOLDER).await?
        {
            secrets = secrets::unpack(&archive)?;
        }
        Ok(There { containers, left, secrets })
    }

    async fn is_same(&self, wanted: &Wanted, there: &There, deployment: &Deployment) -> Result<bool> {
        let object = wanted.objects.shown()?;
        let names: Vec<&str> = there.containers.iter().map(|found| found.name.as_str()).collect();
        if names != sorted(&wanted.objects.names)
            || !there.left.is_empty()
            || !there.containers.iter().all(|found| found.object().as_ref() == Some(&object))
            || !secrets::same(&wanted.objects.secrets, &there.secrets)
        {
            return Ok(false);
        }
        if deployment.paused {
            return Ok(true);
        }
        for found in &there.containers {
            if !found.is_running() || health(&wanted.engine, &found.id).await?.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Brings the new containers up under names of their own. The old ones are still there afterwards; whether they run
    /// is told too.
    async fn replace(
        &self,
        wanted: &Wanted,
        there: &There,
        deployment: &Deployment,
        log: &mut Log<'_>,
        progress: &Progress,
    ) -> Result<(Vec<Made>, bool)> {
        let (engine, objects) = (&wanted.engine, &wanted.objects);
        if !engine.has_image(wanted.image.id()).await? {
            engine.load(&wanted.image, &wanted.image_name).await?;
            log.add("image loaded");
        }
        log.step.advance(1)?;
        if engine.ensure_network(objects.network.clone()).await? {
            log.add(format!("network {} made", objects.network.name));
        }
        if let Some(volume) = &objects.volume
            && engine.ensure_volume(volume.clone()).await?
        {
            log.add(format!("volume {} made", volume.name.as_deref().unwrap_or_default()));
        }
        for left in &there.left {
            engine.remove(&left.id).await?;
            log.add(format!("container {} removed: an earlier deploy was broken off", left.name));
        }
        let mut made = Vec::new();
        let archive = secrets::pack(&objects.secrets)?;
        for name in &objects.names {
            let id = engine.create(&format!("{name}{NEXT}"), objects.container.clone()).await?;
            engine.upload(&id, secrets::FOLDER, archive.clone()).await?;
            log.add(format!("container {name} made"));
            made.push(Made { id, name: name.clone() });
        }
        // What the state, a port of the machine or a router can belong to is one of them at a time.
        let rolls = !deployment.state_is_a_file()
            && wanted.settings.publish.is_none()
            && there.containers.iter().all(|old| same_routes(old, objects));
        if !rolls || deployment.paused {
            stop(engine, &there.containers).await?;
        }
        log.step.advance(1)?;
        if deployment.paused {
            return Ok((made, false));
        }
        // Whoever destroyed the last deployment in it may have removed it a moment ago.
        engine.ensure_network(objects.network.clone()).await?;
        for made in &made {
            engine.start(&made.id).await?;
        }
        for made in &made {
            self.wait_healthy(engine, &made.id, progress).await?;
        }
        if let Some(dashboard) = &wanted.dashboard {
            // Those that run beside them are servers of the same service.
            let old = there.containers.iter().filter(|old| rolls && old.is_running()).count();
            dashboard.wait(deployment.integration_id, made.len() + old, progress.cancel()).await?;
        }
        log.step.advance(1)?;
        Ok((made, rolls))
    }

    /// Removes the old containers, and gives the new ones their names.
    async fn settle(
        &self,
        wanted: &Wanted,
        there: &There,
        made: &[Made],
        traefik: Option<&Traefik<'_>>,
        id: Uuid,
    ) -> Result<()> {
        let engine = &wanted.engine;
        end(engine, &there.containers, traefik).await?;
        for made in made {
            engine.rename(&made.id, &made.name).await?;
        }
        // Litter, and no reason to say that it failed.
        let _ = engine.remove_images(id, &[wanted.image.id()]).await;
        if wanted.objects.volume.is_none() {
            let _ = engine.remove_volumes(id).await;
        }
        Ok(())
    }

    /// Puts back what was there, and says so.
    async fn roll_back(&self, wanted: &Wanted, there: &There, id: Uuid, error: Error) -> Error {
        match self.restore(wanted, there, id).await {
            Ok(()) if there.containers.is_empty() => error,
            Ok(()) if there.containers.iter().all(Found::is_paused) => {
                error.with("rolled back", "to the paused deployment before")
            }
            Ok(()) => error.with("rolled back", "the deployment before runs again"),
            Err(again) => error.with("rolled back", format!("no: {again}")),
        }
    }

    async fn restore(&self, wanted: &Wanted, there: &There, id: Uuid) -> Result<()> {
        let engine = &wanted.engine;
        let old: Vec<&str> = there.containers.iter().map(|old| old.id.as_str()).collect();
        for found in engine.containers(id).await?.into_iter().map(Found::of) {
            if !old.contains(&found.id.as_str()) {
                engine.remove(&found.id).await?;
            }
        }
        if there.containers.is_empty() {
            return self.clear(engine, id, [wanted.settings.network.clone()]).await;
        }
        for old in there.containers.iter().filter(|old| !old.is_paused()) {
            engine.start(&old.id).await?;
        }
        let images: Vec<&str> = there.containers.iter().map(Found::image).collect();
        engine.remove_images(id, &images).await
    }

    /// Removes everything that was made for an integration besides its containers.
    async fn clear(
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

    async fn wait_healthy(&self, engine: &Engine, container: &str, progress: &Progress) -> Result<()> {
        let until = Instant::now() + self.options.healthy_within;
        let mut pause = Duration::from_millis(20);
        loop {
            progress.cancel().check()?;
            let found = engine.inspect(container).await?.map(Found::of);
            let Some(found) = found else {
                return Err(Error::new(
                    ErrorKind::DeployFailed,
                    "somebody removed the container before it was healthy",
                )
                .in_operation("deployer.local"));
            };
            if !found.is_running() || found.restarts() > 0 {
                let (_, why) = found.down();
                return Err(self
                    .sick(engine, container, format!("the runtime ended before it was healthy: {why}"))
                    .await);
            }
            let Err(why) = health(engine, container).await? else { return Ok(()) };
            if Instant::now() > until {
                let seconds = self.options.healthy_within.as_secs();
                return Err(self
                    .sick(engine, container, format!("the runtime was not healthy within {seconds} s: {why}"))
                    .await);
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = progress.cancel().cancelled() => {}
            }
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    async fn sick(&self, engine: &Engine, container: &str, why: String) -> Error {
        let error = Error::new(ErrorKind::DeployFailed, why).in_operation("deployer.local");
        let lines = logs::read(engine.logs(container, None, 5)).await.unwrap_or_default();
        let lines: Vec<String> = lines.into_iter().map(|(_, text)| text).collect();
        match lines.is_empty() {
            true => error,
            false => error.with("its last lines", lines.join(" | ")),
        }
    }
}

/// What a new container is called until it takes the old one's place.
const NEXT: &str = "-next";

/// What is there of a deployment.
struct There {
    containers: Vec<Found>,
    left: Vec<Found>,
    secrets: Secrets,
}

struct Made {
    id: String,
    name: String,
}

/// What is done, told at once and kept for the record.
struct Log<'a> {
    step: &'a Step<'a>,
    lines: Vec<String>,
}

impl Log<'_> {
    fn add(&mut self, line: impl Into<String>) {
        let line = line.into();
        self.step.note(line.clone());
        self.lines.push(line);
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
        let wanted = self.prepare(deployment).await?;
        let id = deployment.integration_id;
        let (engine, objects) = (&wanted.engine, &wanted.objects);
        let there = self.there(&wanted, id).await?;
        let secrets = with_key(&objects.secrets, &there.secrets);

        let has_image = engine.has_image(wanted.image.id()).await?;
        let mut image: serde_json::Value = serde_json::from_slice(wanted.image.config()).unwrap_or_default();
        if let Some(object) = image.as_object_mut() {
            object.insert("id".into(), wanted.image.id().into());
        }
        let mut planned =
            vec![Planned::beside("image", &wanted.image_name, image.clone(), has_image.then_some(&image))];
        let network = json(&objects.network)?;
        let has_network = engine.network(&objects.network.name).await?;
        planned.push(Planned::beside(
            "network",
            &objects.network.name,
            network.clone(),
            has_network.then_some(&network),
        ));
        if let Some(volume) = &objects.volume {
            let name = volume.name.clone().unwrap_or_default();
            let object = json(volume)?;
            let has_volume = engine.volume(&name).await?;
            planned.push(Planned::beside("volume", name, object.clone(), has_volume.then_some(&object)));
        }
        let mut notes = Vec::new();
        for name in secrets.keys().chain(there.secrets.keys().filter(|name| !secrets.contains_key(*name))) {
            let what = match (secrets.get(name), there.secrets.get(name)) {
                (Some(_), None) => "is handed over",
                (Some(new), Some(old)) if !new.is(old.expose()) => "is handed over with another value",
                (None, _) => "is handed over no more",
                _ => continue,
            };
            notes.push(format!("the secret {name} {what}"));
        }
        let secrets_differ = !secrets::same(&secrets, &there.secrets);
        let object = objects.shown()?;
        for name in &objects.names {
            let old = there.containers.iter().find(|found| found.name == *name);
            let mut container =
                Planned::beside("container", name, object.clone(), old.and_then(Found::object).as_ref());
            if let Some(old) = old.filter(|_| container.intent == Intent::Keep) {
                let sick =
                    !deployment.paused && (!old.is_running() || health(engine, &old.id).await?.is_err());
                if sick {
                    notes.push(format!("{name} isn't well"));
                }
                if sick || secrets_differ {
                    container.intent = Intent::Replace;
                }
            }
            planned.push(container);
        }
        let removed = there.containers.iter().filter(|found| !objects.names.contains(&found.name));
        for found in removed.chain(&there.left) {
            let object = found.object().unwrap_or_default();
            planned.push(Planned {
                kind: "container".into(),
                name: found.name.clone(),
                intent: Intent::Remove,
                object,
                differences: Vec::new(),
            });
        }
        if wanted.settings.traefik.enabled && wanted.dashboard.is_none() {
            notes.push(
                "whether Traefik routes to it will not be verified: TRAEFIK_DASHBOARD_URL isn't set".into(),
            );
        }
        let changes = planned.iter().any(|planned| planned.intent != Intent::Keep);
        Ok(Preview { target: self.name().to_owned(), changes, objects: planned, notes })
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
async fn health(engine: &Engine, container: &str) -> Result<Result<(), String>> {
    engine.run(container, &["/vitesse-runtime", "health"]).await
}

/// The key that operators send: as it is given, else as it was, else a new one.
fn with_key(secrets: &Secrets, old: &Secrets) -> Secrets {
    let mut secrets = secrets.clone();
    let old = || old.get(ADMIN_KEY).cloned();
    let new = || Secret::new(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()));
    if !secrets.contains_key(ADMIN_KEY) {
        secrets.insert(ADMIN_KEY.into(), old().unwrap_or_else(new));
    }
    secrets
}

fn sorted(names: &[String]) -> Vec<&str> {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn deployed(deployment: &Deployment, wanted: &Wanted, changed: bool, log: Vec<String>) -> Deployed {
    let id = deployment.integration_id;
    Deployed { container_id: container_id(id), service_url: wanted.settings.service_url(id), changed, log }
}

fn absent(integration: Uuid) -> Error {
    Error::new(ErrorKind::NotFound, "this integration isn't deployed here")
        .in_operation("deployer.local")
        .with("integration", integration)
        .with("target", "local")
        .help("deploy it first")
}

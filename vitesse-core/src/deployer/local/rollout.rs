//! How a deployment comes up, takes the place of what was there, and gives it back if it isn't well.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::LocalSettings;
use super::compare::Found;
use super::engine::Engine;
use super::handover::{Gateway, end, retire, same_routes, stop};
use super::logs;
use super::objects::ADMIN_KEY;
use super::secrets::{self, Secrets};
use super::target::{LocalTarget, Wanted, absent, health};
use crate::deployer::{Deployed, Deployer as _, Deployment, LABEL_INTEGRATION, container_id};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::{Progress, Step};
use crate::secret::Secret;

/// What a new container is called until it takes the old one's place.
const NEXT: &str = "-next";

/// What is there of a deployment.
pub(super) struct There {
    pub(super) containers: Vec<Found>,
    pub(super) left: Vec<Found>,
    pub(super) secrets: Secrets,
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

impl LocalTarget {
    pub(super) async fn bring_up(
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
        let gateway = (both_run && wanted.settings.traefik.enabled).then_some(Gateway {
            dashboard,
            integration: id,
            new: made.len(),
        });
        if let Some(gateway) = &gateway {
            retire(&wanted.engine, &there.containers, gateway).await;
        }
        self.settle(&wanted, &there, &made, gateway.as_ref(), id).await?;
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
    pub(super) async fn there(&self, wanted: &Wanted, id: Uuid) -> Result<There> {
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
        gateway: Option<&Gateway<'_>>,
        id: Uuid,
    ) -> Result<()> {
        let engine = &wanted.engine;
        end(engine, &there.containers, gateway).await?;
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

/// The key that operators send: as it is given, else as it was, else a new one.
pub(super) fn with_key(secrets: &Secrets, old: &Secrets) -> Secrets {
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

//! From the containers that run to those that take their place, where both may run.

use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use super::compare::Found;
use super::engine::Engine;
use super::objects::{GRACE_SECONDS, Objects};
use super::routes::HEALTH_SECONDS;
use super::verify::Dashboard;
use crate::error::Result;

/// Has a runtime say that it isn't well, while it goes on answering.
const RETIRE: &str = "SIGUSR1";
/// Until Traefik has seen what changed, where it can't be asked: it looks every two seconds.
const SEEN: Duration = Duration::from_secs(3);
/// Until Traefik has asked for the health of each server, where it can't be asked what it heard.
const HEARD: Duration = Duration::from_millis(2 * HEALTH_SECONDS * 1000);

/// The Traefik in front of an integration while new containers take the place of old ones.
pub(super) struct Gateway<'a> {
    pub(super) dashboard: Option<&'a Dashboard>,
    pub(super) integration: Uuid,
    /// How many servers stay.
    pub(super) new: usize,
}

impl Gateway<'_> {
    /// Until it sends nothing to any of the old containers, of which so many still run. `otherwise` is how long that
    /// takes where it can't be asked.
    async fn spares(&self, old: usize, otherwise: Duration) {
        match self.dashboard {
            Some(dashboard) => dashboard.settled(self.integration, self.new + old, self.new).await,
            None => sleep(otherwise).await,
        }
    }
}

/// Whether Traefik would take both for servers of one service: with other labels of the same router it takes none.
pub(super) fn same_routes(old: &Found, objects: &Objects) -> bool {
    let labels = objects.container.labels.iter().flatten();
    let mut routes = labels.filter(|(name, _)| name.starts_with("traefik."));
    routes.all(|(name, value)| old.label(name) == Some(value))
}

/// Has Traefik send nothing more to containers that are about to end. It hears of an end only afterwards, and until then
/// what it sends there is lost.
pub(super) async fn retire(engine: &Engine, old: &[Found], gateway: &Gateway<'_>) {
    let old: Vec<&Found> = old.iter().filter(|old| old.is_running()).collect();
    if old.is_empty() {
        return;
    }
    if gateway.dashboard.is_none() {
        // Else it was waited for that Traefik knows those that take their place.
        sleep(SEEN).await;
    }
    for old in &old {
        // One that ended meanwhile needs no retiring.
        let _ = engine.signal(&old.id, RETIRE).await;
    }
    gateway.spares(old.len(), HEARD).await;
}

/// Stops containers, and keeps them.
pub(super) async fn stop(engine: &Engine, old: &[Found]) -> Result<()> {
    for old in old.iter().filter(|old| !old.is_paused()) {
        engine.stop(&old.id, GRACE_SECONDS).await?;
    }
    Ok(())
}

/// Ends and removes containers; with a Traefik that knows them, only while it sends them nothing.
pub(super) async fn end(engine: &Engine, old: &[Found], gateway: Option<&Gateway<'_>>) -> Result<()> {
    for (at, found) in old.iter().enumerate() {
        if let Some(gateway) = gateway
            && at > 0
        {
            // Traefik looks anew when one ends, and takes the others for well until it has asked them.
            gateway.spares(old.len() - at, SEEN).await;
        }
        engine.stop(&found.id, GRACE_SECONDS).await?;
        engine.remove(&found.id).await?;
    }
    Ok(())
}

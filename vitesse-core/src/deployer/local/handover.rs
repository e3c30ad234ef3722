//! From the containers that run to those that take their place, where both may run.

use std::time::Duration;

use tokio::time::sleep;

use super::compare::Found;
use super::engine::Engine;
use super::objects::{GRACE_SECONDS, Objects};
use super::routes::HEALTH_SECONDS;
use crate::error::Result;

/// Has a runtime say that it isn't well, while it goes on answering.
const RETIRE: &str = "SIGUSR1";
/// Until Traefik has seen what changed: it looks every two seconds.
const SEEN: Duration = Duration::from_secs(3);
/// Until Traefik has asked for the health of each server and has heard.
const HEARD: Duration = Duration::from_millis(2 * HEALTH_SECONDS * 1000);

/// Whether Traefik would take both for servers of one service: with other labels of the same router it takes none.
pub(super) fn same_routes(old: &Found, objects: &Objects) -> bool {
    let labels = objects.container.labels.iter().flatten();
    let mut routes = labels.filter(|(name, _)| name.starts_with("traefik."));
    routes.all(|(name, value)| old.label(name) == Some(value))
}

/// Has Traefik send nothing more to containers that are about to end. It hears of an end only afterwards, and until then
/// what it sends there is lost. `seen` says that it knows those that take their place.
pub(super) async fn retire(engine: &Engine, old: &[Found], seen: bool) {
    let old: Vec<&Found> = old.iter().filter(|old| old.is_running()).collect();
    if old.is_empty() {
        return;
    }
    if !seen {
        sleep(SEEN).await;
    }
    for old in old {
        // One that ended meanwhile needs no retiring.
        let _ = engine.signal(&old.id, RETIRE).await;
    }
    sleep(HEARD).await;
}

/// Stops containers, and keeps them.
pub(super) async fn stop(engine: &Engine, old: &[Found]) -> Result<()> {
    for old in old.iter().filter(|old| !old.is_paused()) {
        engine.stop(&old.id, GRACE_SECONDS).await?;
    }
    Ok(())
}

/// Ends and removes containers. `routed` says that Traefik knows them, and was told to send them nothing.
pub(super) async fn end(engine: &Engine, old: &[Found], routed: bool) -> Result<()> {
    for (at, old) in old.iter().enumerate() {
        if routed && at > 0 {
            // Traefik looks anew when one ends, and takes the others for well until it has asked them.
            sleep(SEEN).await;
        }
        engine.stop(&old.id, GRACE_SECONDS).await?;
        engine.remove(&old.id).await?;
    }
    Ok(())
}

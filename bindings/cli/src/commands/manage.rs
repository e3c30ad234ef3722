//! `sync`, `pause`, `resume` and `delete`.

use serde::Serialize;
use uuid::Uuid;
use vitesse_core::orchestrator::Moved;
use vitesse_core::{Error, ErrorKind, Result};

use super::session::Session;
use crate::args::{Delete, Which};
use crate::ui::{Screen, Show};

pub(crate) fn pause(args: &Which, session: &Session<'_>) -> Result<()> {
    session.with(args, async |vitesse, id| {
        vitesse.pause(id).await?;
        session.ui.report(&Done::new(id, args, "paused", "keeps its place and its state"))
    })
}

pub(crate) fn resume(args: &Which, session: &Session<'_>) -> Result<()> {
    session.with(args, async |vitesse, id| {
        vitesse.resume(id).await?;
        session.ui.report(&Done::new(id, args, "resumed", "runs again"))
    })
}

pub(crate) fn delete(args: &Delete, session: &Session<'_>) -> Result<()> {
    session.with(&args.which, async |vitesse, id| {
        vitesse.delete(id, args.force).await?;
        session.ui.report(&Done::new(id, &args.which, "deleted", "is gone, with what ran of it"))
    })
}

/// Has the deployment move records now.
pub(crate) fn sync(args: &Which, session: &Session<'_>) -> Result<()> {
    session.with(args, async |vitesse, id| {
        let moved = vitesse.sync_now(id).await?;
        let failed = moved.error.clone().map(|error| {
            Error::new(ErrorKind::RunFailed, error).in_operation("cli.sync").with("integration", id)
        });
        session.ui.report(&Run { moved })?;
        failed.map_or(Ok(()), Err)
    })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Run {
    moved: Moved,
}

impl Show for Run {
    fn show(&self, screen: &mut Screen) {
        for stream in &self.moved.streams {
            screen.done(format!("{}: {}", stream.stream, stream.counts));
        }
        for letter in &self.moved.dead_letters {
            screen.line(format!("  {} {}: {}", letter.stream, letter.id, letter.message));
        }
    }
}

#[derive(Serialize)]
struct Done {
    integration_id: Uuid,
    done: &'static str,
    #[serde(skip)]
    text: String,
}

impl Done {
    fn new(integration_id: Uuid, which: &Which, done: &'static str, says: &str) -> Self {
        Self { integration_id, done, text: format!("{} {says}", which.which) }
    }
}

impl Show for Done {
    fn show(&self, screen: &mut Screen) {
        screen.done(&self.text);
    }
}

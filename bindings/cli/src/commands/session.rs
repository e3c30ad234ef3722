//! The library as one command uses it: opened once, acting as whoever typed the command, stopped by Ctrl-C.

use std::process::exit;

use serde_json::Value;
use uuid::Uuid;
use vitesse_core::config::Config;
use vitesse_core::orchestrator::Vitesse;
use vitesse_core::progress::{Cancel, Progress};
use vitesse_core::{Error, ErrorKind, Result};

use crate::args::Which;
use crate::ui::Ui;

/// What a command of the library needs.
pub(crate) struct Session<'a> {
    pub(crate) config: Config,
    pub(crate) ui: &'a Ui,
    pub(crate) actor: Option<String>,
    pub(crate) progress: Progress,
}

impl Session<'_> {
    /// Opens the library and does something with it.
    pub(crate) fn run<T>(&self, work: impl AsyncFnOnce(Vitesse) -> Result<T>) -> Result<T> {
        let cancel = self.cancel().clone();
        super::wait(async move {
            tokio::spawn(async move {
                let _ = tokio::signal::ctrl_c().await;
                cancel.cancel();
                // Asked twice, somebody doesn't want to wait for an orderly end.
                let _ = tokio::signal::ctrl_c().await;
                exit(i32::from(ErrorKind::Cancelled.exit_code()));
            });
            work(self.open().await?).await
        })
    }

    /// The library, for whoever let go of the one that [`run`](Self::run) gave: the embedded store is for one process at
    /// a time.
    pub(crate) async fn open(&self) -> Result<Vitesse> {
        let actor = self.actor.clone().or_else(|| self.config.login.clone()).unwrap_or_default();
        Ok(Vitesse::open(&self.config).await?.by(actor).with_progress(self.progress.clone()))
    }

    /// What Ctrl-C cancels.
    pub(crate) fn cancel(&self) -> &Cancel {
        self.progress.cancel()
    }

    /// The same with one integration.
    pub(crate) fn with<T>(
        &self,
        which: &Which,
        work: impl AsyncFnOnce(Vitesse, Uuid) -> Result<T>,
    ) -> Result<T> {
        self.run(async |vitesse| {
            let id = vitesse.find(&which.which).await?;
            work(vitesse, id).await
        })
    }
}

/// The two parts of `A=B`.
pub(crate) fn pair<'a>(what: &'static str, text: &'a str) -> Result<(&'a str, &'a str)> {
    match text.split_once('=') {
        Some((a, b)) if !a.trim().is_empty() => Ok((a.trim(), b.trim())),
        _ => Err(Error::new(ErrorKind::InvalidInput, format!("{what} is written A=B"))
            .in_operation("cli.parse")
            .with("given", text)),
    }
}

/// A value as people type it: what isn't JSON is text, so that `channel=web` needs no quotes.
pub(crate) fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// As much of an id as tables show, which is enough to name an integration by.
pub(crate) fn short(id: Uuid) -> String {
    id.to_string().chars().take(8).collect()
}

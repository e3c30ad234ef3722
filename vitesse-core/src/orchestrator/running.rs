//! What is deployed, as its target sees it, and as it tells of itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::Vitesse;
use super::outcome::Overview;
use super::streams::missing;
use crate::deployer::{Condition, Deployer, LogPage, LogQuery, State};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::service::{Admin, LetterSummary, StartSync, Status};
use crate::sync::StreamReport;

/// How often a run is asked how far it is.
const LOOK: Duration = Duration::from_millis(100);
/// How many dead letters of a stream are told with a run.
const LETTERS: u64 = 100;

/// An integration and what runs of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IntegrationStatus {
    /// The integration in a few words.
    #[serde(flatten)]
    pub overview: Overview,
    /// How its deployment is; none if it was never deployed.
    pub deployment: Option<State>,
    /// Why the target could not be asked, if it couldn't.
    pub deployment_error: Option<String>,
    /// What the deployment tells of itself: runs, lag, dead letters. None if it doesn't run, or can't be asked from
    /// here.
    pub service: Option<Status>,
    /// Why it could not be asked although it runs.
    pub service_error: Option<String>,
}

impl IntegrationStatus {
    /// When the last run ended.
    pub fn last_run(&self) -> Option<Timestamp> {
        let run = self.service.as_ref()?.last_run.as_ref()?;
        Timestamp::from_millisecond(run.finished_at.unwrap_or(run.started_at)).ok()
    }

    /// When the next one is due.
    pub fn next_run(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.service.as_ref()?.next_run?).ok()
    }
}

/// What a run moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// Each stream, in its order.
    pub streams: Vec<StreamReport>,
    /// Records that were set aside, now or before, with their reasons; at most a hundred of each stream.
    pub dead_letters: Vec<LetterSummary>,
    /// Why the run stopped, if it didn't come to its end.
    pub error: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Moved {
    /// How many records were written at the destination.
    pub fn delivered(&self) -> u64 {
        self.streams.iter().map(|stream| stream.counts.created + stream.counts.updated).sum()
    }
}

impl Vitesse {
    /// How an integration is: its record, what its target says of the deployment, and what the deployment tells of
    /// itself. One that can't be asked is no error: the status says so.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such integration.
    pub async fn status(&self, id: Uuid) -> Result<IntegrationStatus> {
        let integration = self.inner.repository.light(id).await?.value;
        let mut status = IntegrationStatus {
            overview: Overview::of(&integration),
            deployment: None,
            deployment_error: None,
            service: None,
            service_error: None,
        };
        if integration.container_id.is_none() {
            return Ok(status);
        }
        let asked = match self.inner.targets.get(&integration.deployment_config) {
            Ok(target) => target.status(id).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(state) => {
                let runs = matches!(state.condition, Condition::Healthy | Condition::Unhealthy);
                if let Some(url) = state.admin_url.as_deref().filter(|_| runs) {
                    match self.ask(url, state.admin_key.clone()).await {
                        Ok(service) => status.service = Some(service),
                        Err(error) => status.service_error = Some(error.to_string()),
                    }
                }
                status.deployment = Some(state);
            }
            Err(error) => status.deployment_error = Some(error.to_string()),
        }
        if let Some(at) = status.last_run() {
            status.overview.last_sync = Some(at.to_string());
        }
        Ok(status)
    }

    /// Has the deployment move records now, beside its schedule, and waits until it did. Cancelled, it stops.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`] if nothing is deployed or it is paused, [`ErrorKind::Unsupported`] if it can't be
    /// asked from here, [`ErrorKind::Conflict`] while a run is under way.
    pub async fn sync_now(&self, id: Uuid) -> Result<Moved> {
        let admin = self.admin(id).await?;
        let before = admin.status().await?.last_run.map(|run| run.id);
        let step = self.progress.step("sync", None);
        admin.start(StartSync::default()).await?;
        let mut told = 0;
        let run = loop {
            if let Err(stopped) = step.check() {
                admin.stop().await?;
                return Err(stopped);
            }
            let status = admin.status().await?;
            match (status.running, status.last_run) {
                (Some(running), _) => {
                    let more = running.records.saturating_sub(told);
                    told += more;
                    // Cancelled here, it is stopped at the next look.
                    let _ = step.advance(more);
                }
                (None, Some(run)) if Some(&run.id) != before.as_ref() => break run,
                _ => {}
            }
            tokio::time::sleep(LOOK).await;
        };
        drop(step);
        let mut dead_letters = Vec::new();
        for stream in run.report.streams.iter().filter(|stream| stream.counts.dead > 0) {
            dead_letters.extend(admin.dead_letters(&stream.stream, None, LETTERS).await?.letters);
        }
        let millis = run.finished_at.unwrap_or(run.started_at).saturating_sub(run.started_at);
        Ok(Moved {
            streams: run.report.streams,
            dead_letters,
            error: run.error,
            seconds: millis as f64 / 1000.0,
        })
    }

    /// A client of the deployment's own operation.
    async fn admin(&self, id: Uuid) -> Result<Admin> {
        let integration = self.inner.repository.light(id).await?.value;
        if integration.container_id.is_none() {
            return Err(missing("a deployment", "deploy", &integration));
        }
        let state = self.inner.targets.get(&integration.deployment_config)?.status(id).await?;
        let refuse = |kind, what: String, help: &'static str| {
            Err(Error::new(kind, what)
                .in_operation("orchestrator.running")
                .with("integration", id)
                .help(help))
        };
        match state.admin_url {
            _ if state.condition == Condition::Paused => {
                refuse(ErrorKind::Prerequisite, "the deployment is paused".into(), "run `resume` first")
            }
            Some(url) => Admin::new(&url, state.admin_key),
            None => refuse(
                ErrorKind::Unsupported,
                format!(
                    "the deployment on {} can't be asked from here",
                    integration.deployment_config.target
                ),
                "ask its admin listener where it runs",
            ),
        }
    }

    async fn ask(&self, url: &str, key: Option<Secret>) -> Result<Status> {
        Admin::new(url, key)?.status().await
    }

    /// Lines of a deployment's log.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`] if it was never deployed, and what the target
    /// fails with.
    pub async fn logs(&self, id: Uuid, query: &LogQuery) -> Result<LogPage> {
        self.log_of(id).await?.page(query).await
    }

    /// A deployment's log, to be read again and again. It needs nothing of the store, so whoever follows a log holds
    /// nobody up.
    ///
    /// # Errors
    /// As [`logs`](Self::logs).
    pub async fn log_of(&self, id: Uuid) -> Result<DeploymentLog> {
        let integration = self.inner.repository.light(id).await?.value;
        if integration.container_id.is_none() {
            return Err(missing("a deployment", "deploy", &integration));
        }
        Ok(DeploymentLog { id, target: self.inner.targets.get(&integration.deployment_config)? })
    }
}

/// The log of one deployment.
pub struct DeploymentLog {
    id: Uuid,
    target: Arc<dyn Deployer>,
}

impl DeploymentLog {
    /// Lines of it.
    ///
    /// # Errors
    /// What the target fails with.
    pub async fn page(&self, query: &LogQuery) -> Result<LogPage> {
        self.target.logs(self.id, query).await
    }
}

impl fmt::Debug for DeploymentLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeploymentLog {{ {} }}", self.id)
    }
}

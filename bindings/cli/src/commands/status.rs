use serde::Serialize;
use vitesse_core::Result;
use vitesse_core::orchestrator::IntegrationStatus;

use super::session::{Session, short};
use crate::args::Which;
use crate::ui::{Screen, Show};

pub(crate) fn run(args: &Which, session: &Session<'_>) -> Result<()> {
    session.with(args, async |vitesse, id| {
        let status = vitesse.status(id).await?;
        session.ui.report(&Report { status })
    })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Report {
    status: IntegrationStatus,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        let IntegrationStatus { overview, deployment, deployment_error, service, service_error } =
            &self.status;
        screen.heading(&overview.name);
        let mut rows = vec![
            ["id", &overview.id.to_string()].map(str::to_owned).to_vec(),
            vec!["status".into(), overview.status.to_string()],
            vec!["apis".into(), format!("{} → {}", overview.source_api, overview.dest_api)],
        ];
        let mut row = |name: &str, value: Option<String>| {
            rows.extend(value.map(|value| vec![name.to_owned(), value]));
        };
        row("running now", overview.step_in_progress.clone());
        row("score", super::list::score(overview));
        row("target", Some(overview.deployment_target.clone()));
        if let Some(state) = deployment {
            row("deployment", Some(state.condition.to_string()));
            row("because", state.reason.clone());
            row("at", state.service_url.clone());
            row("since", state.started_at.map(|at| at.to_string()));
            row("restarts", (state.restarts > 0).then(|| state.restarts.to_string()));
        }
        row("last run", overview.last_sync.clone());
        if let Some(service) = service {
            let last = service.last_run.as_ref();
            row("it moved", last.map(|run| run.report.total().to_string()));
            row("it stopped", last.and_then(|run| run.error.clone()));
            row("running", service.running.as_ref().map(|run| format!("{} records so far", run.records)));
            let next = self.status.next_run().map(|at| at.to_string());
            let schedule = service.schedule.as_ref().map(|schedule| format!(" (every {schedule})"));
            row("next run", next.map(|next| next + &schedule.unwrap_or_default()));
        }
        row("changed", Some(overview.updated_at.to_string()));
        screen.table(&[], rows);
        let streams = service.iter().flat_map(|service| &service.streams).map(|stream| {
            let lag = stream.lag_seconds.map(|seconds| format!("{seconds:.0} s")).unwrap_or_default();
            let counts = &stream.counts;
            vec![
                stream.stream.clone(),
                (counts.created + counts.updated).to_string(),
                stream.dead_letters.to_string(),
                stream.unknown_outcomes.to_string(),
                lag,
            ]
        });
        screen.table(&["stream", "delivered", "dead letters", "unknown", "lag"], streams.collect());
        if let Some(error) = service_error {
            screen.warn(format!("what runs can't be asked: {error}"));
        }
        if let Some(error) = deployment_error {
            screen.warn(format!("the target can't be asked: {error}"));
        }
        if let Some(error) = &overview.last_error {
            screen.warn(format!("{} failed: {}", error.step, error.message));
        }
        let id = short(overview.id);
        match overview.next_step {
            Some(step) => screen.hint(format!("vitesse {step} {id}")),
            None if overview.paused => screen.hint(format!("vitesse resume {id}")),
            None => screen.hint(format!("vitesse logs {id}")),
        }
    }
}

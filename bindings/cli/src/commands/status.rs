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
        let IntegrationStatus { overview, deployment, deployment_error } = &self.status;
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
        row("last sync", overview.last_sync.clone());
        row("changed", Some(overview.updated_at.to_string()));
        screen.table(&[], rows);
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

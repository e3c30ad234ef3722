use serde::Serialize;
use serde_json::Value;
use vitesse_core::Result;
use vitesse_core::orchestrator::Overview;
use vitesse_core::store::repository::{Filter, Paging};

use super::session::{Session, short};
use crate::args::List;
use crate::ui::{Screen, Show};

pub(crate) fn run(args: &List, session: &Session<'_>) -> Result<()> {
    let status = args.status.as_deref().map(str::parse).transpose()?;
    session.run(async |vitesse| {
        let filter = Filter { status, ..Filter::default() };
        let paging = Paging { after: args.after.clone(), limit: args.limit };
        let page = vitesse.list(&filter, &paging).await?;
        session.ui.report(&Report { integrations: page.items, next: page.next })
    })
}

#[derive(Serialize)]
struct Report {
    integrations: Vec<Overview>,
    /// What to give to --after for those that come next.
    next: Option<String>,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        if self.integrations.is_empty() {
            screen.line("There is no integration.");
            screen.hint("vitesse create NAME SOURCE DEST, or vitesse demo");
            return;
        }
        let row = |one: &Overview| {
            let state = match (&one.step_in_progress, one.paused) {
                (Some(step), _) => format!("{} ({step} runs)", one.status),
                (None, true) => format!("{} (paused)", one.status),
                (None, false) => one.status.to_string(),
            };
            let next = one.next_step.map(|step| step.to_string()).unwrap_or_default();
            vec![
                short(one.id),
                one.name.clone(),
                state,
                format!("{} → {}", one.source_api, one.dest_api),
                score(one).unwrap_or_default(),
                next,
            ]
        };
        let rows = self.integrations.iter().map(row).collect();
        screen.table(&["id", "name", "status", "apis", "score", "next"], rows);
        if let Some(next) = &self.next {
            screen.hint(format!("vitesse list --after {next}"));
        }
    }
}

/// The score of the last test, in short.
pub(super) fn score(overview: &Overview) -> Option<String> {
    let overall = overview.health_score.as_ref()?.get("overall").and_then(Value::as_f64)?;
    Some(format!("{overall:.1}"))
}

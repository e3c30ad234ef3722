use serde::Serialize;
use vitesse_core::Result;
use vitesse_core::orchestrator::DeploymentRecord;

use super::deploy::Report;
use super::session::Session;
use crate::args::{Deployments, Rollback};
use crate::ui::{Screen, Show};

pub(crate) fn list(args: &Deployments, session: &Session<'_>) -> Result<()> {
    session.with(&args.which, async |vitesse, id| {
        session.ui.report(&All { deployments: vitesse.deployments(id, args.limit).await? })
    })
}

pub(crate) fn roll_back(args: &Rollback, session: &Session<'_>) -> Result<()> {
    session.with(&args.which, async |vitesse, id| {
        session.ui.report(&Report { deployed: vitesse.roll_back(id, args.to).await? })
    })
}

#[derive(Serialize)]
struct All {
    deployments: Vec<DeploymentRecord>,
}

impl Show for All {
    fn show(&self, screen: &mut Screen) {
        if self.deployments.is_empty() {
            screen.line("it was never deployed");
        }
        for record in &self.deployments {
            let DeploymentRecord { number, outcome, config, mapping_hash, actor, .. } = record;
            let hash: String = mapping_hash.rsplit(':').next().unwrap_or_default().chars().take(12).collect();
            let mut line =
                format!("{number:4}  {:9}  {:8}  {hash}  by {actor}", outcome.as_str(), config.target);
            if let Some(earlier) = record.rolled_back_to {
                line.push_str(&format!("  back to {earlier}"));
            }
            screen.line(line);
        }
    }
}

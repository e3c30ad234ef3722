use std::time::Duration;

use serde::Serialize;
use vitesse_core::Result;
use vitesse_core::deployer::{LogPage, LogQuery};
use vitesse_core::orchestrator::DeploymentRecord;

use super::session::Session;
use crate::args::Logs;
use crate::ui::{Screen, Show};

/// How long to wait before asking for more.
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) fn run(args: &Logs, session: &Session<'_>) -> Result<()> {
    if let Some(number) = args.build {
        return session.with(&args.which, async |vitesse, id| {
            session.ui.report(&Build { record: vitesse.deployment(id, number).await? })
        });
    }
    session.with(&args.which, async |vitesse, id| {
        let mut query = LogQuery { after: None, limit: args.lines };
        let log = vitesse.log_of(id).await?;
        // The store is for one process at a time, and this may take long.
        drop(vitesse);
        loop {
            let page = log.page(&query).await?;
            let next = page.next.clone();
            session.ui.report(&Report { page })?;
            let cancel = session.cancel();
            if !args.follow || cancel.is_cancelled() {
                return Ok(());
            }
            query.after = next.or(query.after);
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Report {
    page: LogPage,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        self.page.lines.iter().for_each(|line| screen.line(&line.text));
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Build {
    record: DeploymentRecord,
}

impl Show for Build {
    fn show(&self, screen: &mut Screen) {
        let DeploymentRecord { number, outcome, config, log, error, files, .. } = &self.record;
        screen.line(format!("deployment {number} to {}: {}", config.target, outcome.as_str()));
        log.iter().for_each(|line| screen.line(format!("  {line}")));
        if let Some(error) = error {
            screen.warn(error);
        }
        let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        screen.hint(format!("--json shows what was generated: {}", names.join(", ")));
    }
}

use serde::Serialize;
use vitesse_core::Result;
use vitesse_core::orchestrator::{IngestOptions, Ingested};
use vitesse_core::spec::{Diagnostic, Severity};

use super::session::{Session, short};
use crate::args::Ingest;
use crate::ui::{Screen, Show};

/// How many diagnostics of a side are shown; `vitesse spec` shows all.
const MOST: usize = 5;

pub(crate) fn run(args: &Ingest, session: &Session<'_>) -> Result<()> {
    session.with(&args.which, async |vitesse, id| {
        let options = IngestOptions {
            source_spec_url: args.source.clone(),
            dest_spec_url: args.dest.clone(),
            source_connection: args.source_connection.clone(),
            dest_connection: args.dest_connection.clone(),
            // Whoever types the command may read what they may read.
            local_files: true,
            ..IngestOptions::default()
        };
        let ingested = vitesse.ingest(id, options).await?;
        session.ui.report(&Report { ingested })
    })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Report {
    ingested: Ingested,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        show(&self.ingested, screen);
        screen.hint(format!("vitesse map {}", short(self.ingested.integration_id)));
    }
}

/// What both descriptions hold and what is wrong with them.
pub(super) fn show(ingested: &Ingested, screen: &mut Screen) {
    let sides = [
        ("source", &ingested.source_endpoints, &ingested.source_diagnostics),
        ("destination", &ingested.dest_endpoints, &ingested.dest_diagnostics),
    ];
    for (side, endpoints, diagnostics) in sides {
        let paths = if endpoints.len() == 1 { "path" } else { "paths" };
        screen.done(format!("{side}: {} {paths}", endpoints.len()));
        let serious: Vec<&Diagnostic> =
            diagnostics.iter().filter(|one| one.severity >= Severity::Warning).collect();
        for one in serious.iter().take(MOST) {
            screen.line(format!("  {one}"));
        }
        if serious.len() > MOST {
            screen.line(format!("  … and {} more; `vitesse spec` shows them all", serious.len() - MOST));
        }
    }
}

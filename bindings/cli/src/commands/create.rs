use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use vitesse_core::Result;
use vitesse_core::orchestrator::{
    CreateIntegration, IngestOptions, Overview, Review, StepName, Tested, WholeOptions,
};

use super::session::{Session, pair};
use super::{ingest, review, test};
use crate::args::Create;
use crate::ui::{Screen, Show};

pub(crate) fn run(args: &Create, session: &Session<'_>) -> Result<()> {
    session.run(async |vitesse| {
        let mut hints = BTreeMap::new();
        for hint in &args.hints {
            let (source, dest) = pair("a hint", hint)?;
            hints.insert(source.to_owned(), dest.to_owned());
        }
        let mut constraints = Map::new();
        for (key, given) in [("never_send", &args.never_send), ("never_call", &args.never_call)] {
            if !given.is_empty() {
                constraints.insert(key.into(), json!(given));
            }
        }
        let wanted = CreateIntegration {
            name: args.name.clone(),
            description: args.description.clone(),
            source_discovery: vitesse.choose(&args.source)?,
            dest_discovery: vitesse.choose(&args.dest)?,
            user_intent: args.intent.clone(),
            deployment_target: args.target.clone(),
            user_constraints: constraints,
            mapping_hints: hints,
            ..CreateIntegration::default()
        };
        if !args.run {
            let id = vitesse.create(wanted).await?.id;
            return session.ui.report(&Created { integration: vitesse.overview(id).await? });
        }
        let options = WholeOptions {
            ingest: IngestOptions { local_files: true, ..IngestOptions::default() },
            ..WholeOptions::default()
        };
        let whole = vitesse.create_integration(wanted, options).await?;
        let id = whole.integration_id;
        let mapped = whole.mapped.is_some();
        let report = Report {
            integration_id: id,
            ingested: whole.ingested.as_ref().map(serde_json::to_value).and_then(Result::ok),
            review: if mapped { Some(vitesse.review(id).await?) } else { None },
            tested: whole.tested,
            stopped_at: whole.stopped.as_ref().map(|(step, _)| *step),
            shown: whole.ingested,
        };
        session.ui.report(&report)?;
        match whole.stopped {
            Some((step, error)) => Err(error.with("step", step).with("integration", id)),
            None => Ok(()),
        }
    })
}

#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    integration: Overview,
}

impl Show for Created {
    fn show(&self, screen: &mut Screen) {
        let Overview { name, source_api, dest_api, id, .. } = &self.integration;
        screen.done(format!("{name}: {source_api} → {dest_api}"));
        screen.line(format!("  {id}"));
        screen.hint(format!("vitesse ingest {}", super::session::short(*id)));
    }
}

/// The steps from `create` to `test`, as far as they came.
#[derive(Serialize)]
struct Report {
    integration_id: Uuid,
    ingested: Option<Value>,
    review: Option<Review>,
    tested: Option<Tested>,
    /// The step that stopped it; the error is told apart.
    stopped_at: Option<StepName>,
    #[serde(skip)]
    shown: Option<vitesse_core::orchestrator::Ingested>,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        screen.done(format!("created {}", self.integration_id));
        if let Some(ingested) = &self.shown {
            ingest::show(ingested, screen);
        }
        if let Some(seen) = &self.review {
            review::show(seen, None, screen);
        }
        if let Some(tested) = &self.tested {
            test::show(tested, screen);
            if tested.passed {
                screen.hint(format!("vitesse deploy {}", super::session::short(self.integration_id)));
            }
        }
    }
}

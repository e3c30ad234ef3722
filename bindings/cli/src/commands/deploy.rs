use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Map;
use vitesse_core::Result;
use vitesse_core::orchestrator::{DeployOptions, DeployReport};

use super::session::{Session, pair, short, value};
use crate::args::Deploy;
use crate::ui::{Screen, Show};

pub(crate) fn run(args: &Deploy, session: &Session<'_>) -> Result<()> {
    let mut environment = BTreeMap::new();
    for variable in &args.environment {
        let (name, value) = pair("a variable", variable)?;
        environment.insert(name.to_owned(), value.to_owned());
    }
    let mut extra = Map::new();
    for setting in &args.config {
        let (name, given) = pair("a setting", setting)?;
        extra.insert(name.to_owned(), value(given));
    }
    let options = DeployOptions {
        replicas: args.replicas,
        memory_mb: args.memory,
        cpu_cores: args.cpu,
        target: args.target.clone(),
        extra,
        force: args.force,
        source_connection: args.connections.source_connection.clone(),
        dest_connection: args.connections.dest_connection.clone(),
        environment,
        ..DeployOptions::default()
    };
    session.with(&args.which, async |vitesse, id| {
        let deployed = vitesse.deploy(id, options).await?;
        session.ui.report(&Report { deployed })
    })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Report {
    deployed: DeployReport,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        let DeployReport { integration_id, container_id, service_url, changed, forced, log, .. } =
            &self.deployed;
        match changed {
            true => screen.done(format!("{container_id} runs at {service_url}")),
            false => screen.done(format!("{container_id} runs at {service_url}; nothing had to be changed")),
        }
        log.iter().for_each(|line| screen.line(format!("  {line}")));
        if *forced {
            screen.warn("the gate was passed over; the history says so");
        }
        let id = short(*integration_id);
        screen.hint(format!("vitesse status {id}, or vitesse logs {id}"));
    }
}

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use vitesse_core::deployer::Preview;
use vitesse_core::orchestrator::{DeployOptions, DeployReport};
use vitesse_core::{Result, files};

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
    let mut options = DeployOptions {
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
    if let Some(path) = &args.env_file {
        let text = files::read(path, files::MOST_BYTES)?;
        let given = options.environment.clone();
        options
            .env_file(&String::from_utf8_lossy(&text))
            .map_err(|error| error.with("file", path.display()))?;
        options.environment.extend(given);
    }
    session.with(&args.which, async |vitesse, id| {
        if args.dry_run {
            return session.ui.report(&Beforehand { preview: vitesse.preview(id, options).await? });
        }
        let deployed = vitesse.deploy(id, options).await?;
        session.ui.report(&Report { deployed })
    })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Beforehand {
    preview: Preview,
}

impl Show for Beforehand {
    fn show(&self, screen: &mut Screen) {
        let Preview { target, changes, objects, notes } = &self.preview;
        match changes {
            true => screen.done(format!("nothing was changed; a deploy to {target} would do this:")),
            false => screen.done(format!("nothing would be changed on {target}")),
        }
        for planned in objects {
            screen.line(format!("{:8} {} {}", planned.intent.as_str(), planned.kind, planned.name));
            for difference in &planned.differences {
                let shown = |value: &Option<Value>| value.as_ref().map_or("nothing".into(), Value::to_string);
                let (before, after) = (shown(&difference.before), shown(&difference.after));
                screen.line(format!("           {}: {before} becomes {after}", difference.path));
            }
        }
        notes.iter().for_each(|note| screen.line(format!("  {note}")));
        screen.hint("--json shows each object exactly as it would be made");
    }
}

#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Report {
    pub(super) deployed: DeployReport,
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

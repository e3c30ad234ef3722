//! Whether a service would work, without starting it.

use serde::Serialize;

use super::loaded::{Ground, Loaded};
use super::options::ServiceOptions;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::mapping::Functions;
use crate::net::NetConfig;
use crate::progress::Cancel;
use crate::store::OpenOptions;
use crate::sync::{Credentials, Options, Peers, load_mappings, name_of, open_state};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `environment`, `mapping orders`, `credentials`, `source of orders`.
    pub subject: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What is wrong, where and what to do; or what was found.
    pub message: String,
}

impl Finding {
    fn fine(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { subject: subject.into(), ok: true, message: message.into() }
    }

    fn wrong(subject: impl Into<String>, error: &Error) -> Self {
        Self { subject: subject.into(), ok: false, message: error.to_string() }
    }
}

/// Looks at everything a service needs: the environment, the mapping, credentials, and with `reach` whether both APIs
/// can be reached and take them. Every fault is told, not only the first. Nothing is written, and the state isn't opened:
/// the service that runs may hold it.
pub async fn check(functions: &Functions, config: &Config, reach: bool, cancel: &Cancel) -> Vec<Finding> {
    let mut findings = Vec::new();
    let options = match ServiceOptions::from_config(config) {
        Ok(options) => {
            findings.push(Finding::fine("environment", "every variable can be read"));
            Some(options)
        }
        Err(error) => {
            findings.push(Finding::wrong("environment", &error));
            None
        }
    };
    let Some(path) = &config.mapping else { return findings };
    let mappings = match load_mappings(path) {
        Ok(mappings) => mappings,
        Err(error) => {
            findings.push(Finding::wrong("mapping", &error));
            return findings;
        }
    };
    let credentials = Credentials::of(config, None);
    let sync = Options { batch: config.batch_size.map(|size| u64::from(size.get())), ..Options::default() };
    let mut whole = true;
    for mapping in &mappings {
        let subject = format!("mapping {}", name_of(mapping));
        let plan = crate::transform::Plan::compile(mapping, functions);
        match plan.and_then(|plan| sync.check(mapping).map(|()| plan)) {
            Ok(plan) => {
                let lines = plan.compiled().lines.len();
                findings.push(Finding::fine(subject, format!("valid, {lines} lines, {}", mapping.hash())));
            }
            Err(error) => {
                whole = false;
                findings.push(Finding::wrong(subject, &error));
            }
        }
    }
    let mut missing: Vec<String> = Vec::new();
    let mut needed = 0;
    for (name, set) in mappings.iter().flat_map(|mapping| Peers::needs(mapping, &credentials)) {
        needed += 1;
        if !set && !missing.contains(&name) {
            missing.push(name);
        }
    }
    match (needed, missing.as_slice()) {
        (0, _) => {}
        (_, []) => findings.push(Finding::fine("credentials", "all that the mapping needs are set")),
        (_, missing) => {
            whole = false;
            let message = format!(
                "{} not set; set them, or name files that hold them in the same names with _FILE",
                missing.join(", ")
            );
            findings.push(Finding { subject: "credentials".into(), ok: false, message });
        }
    }
    if let (true, true, Some(options)) = (reach, whole, options) {
        match probe(functions, config, &options, credentials, cancel).await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(Finding::wrong("connections", &error)),
        }
    }
    findings
}

async fn probe(
    functions: &Functions,
    config: &Config,
    options: &ServiceOptions,
    credentials: Credentials,
    cancel: &Cancel,
) -> Result<Vec<Finding>> {
    let (state, _) = open_state("memory:", None, "check", &OpenOptions::default()).await?;
    let ground = Ground {
        path: options.mapping.clone(),
        functions: functions.clone(),
        credentials,
        net: NetConfig::from_config(config)?,
        state: Some(state),
        options: Options::default(),
    };
    let loaded = Loaded::load(&ground)?;
    let Ok(sync) = &loaded.sync else {
        return Ok(vec![Finding::fine(
            "connections",
            "the mapping names none: records are only transformed",
        )]);
    };
    let mut findings = Vec::new();
    for probe in sync.probe(cancel).await {
        let subject = format!("{} of {}", probe.side.name(), probe.stream);
        findings.push(match probe.outcome {
            Ok(()) => Finding::fine(subject, format!("{} answers", probe.place)),
            Err(error) => Finding::wrong(subject, &error.with("place", probe.place)),
        });
    }
    Ok(findings)
}

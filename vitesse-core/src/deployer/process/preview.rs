//! What a deploy would do, beside what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::folder::Record;
use crate::config::VARIABLES;
use crate::deployer::{Deployment, Intent, Planned, Preview, Runtime, container_id};

/// What is known of a deployment that is there.
pub(super) struct There<'a> {
    pub(super) record: &'a Record,
    /// Everything it was given, secrets too.
    pub(super) environment: BTreeMap<String, String>,
    /// Whether a deploy would leave it as it is.
    pub(super) same: bool,
}

/// Puts the objects of a deployment together. `environment` is everything it would be given.
pub(super) fn preview(
    deployment: &Deployment,
    environment: &BTreeMap<String, String>,
    runtime: &Runtime,
    folder: &Path,
    there: Option<&There<'_>>,
) -> Preview {
    let name = container_id(deployment.integration_id);
    let place = json!({"path": folder.display().to_string()});
    let wanted = Process {
        deployment,
        runtime: &runtime.path,
        version: &runtime.version,
        mapping_hash: &deployment.mapping_hash(),
        environment,
        paused: deployment.paused,
        // Where it listens stays; a new one is given any port that is free.
        ports: there.map(|there| (there.record.port, there.record.admin_port)),
    };
    let old = there.map(|there| {
        let record = there.record;
        Process {
            deployment,
            runtime: &record.runtime,
            version: &record.runtime_version,
            mapping_hash: &record.mapping_hash,
            environment: &there.environment,
            paused: record.paused,
            ports: Some((record.port, record.admin_port)),
        }
    });
    let old = old.as_ref();
    let mut process =
        Planned::beside("process", name.clone(), wanted.object(), old.map(Process::object).as_ref());
    let mut notes = Vec::new();
    let nothing = BTreeMap::new();
    let kept = old.map_or(&nothing, |old| old.environment);
    let secrets: BTreeSet<&str> = wanted.secrets().chain(old.iter().flat_map(|old| old.secrets())).collect();
    for secret in secrets {
        let what = match (environment.get(secret), kept.get(secret)) {
            (Some(_), None) => "is handed over",
            (None, _) => "is handed over no more",
            (Some(new), Some(old)) if new != old => "is handed over with another value",
            _ => continue,
        };
        notes.push(format!("the secret {secret} {what}"));
    }
    if there.is_some_and(|there| !there.same) && process.intent == Intent::Keep {
        if notes.is_empty() {
            notes.push(format!("{name} isn't well"));
        }
        process.intent = Intent::Replace;
    }
    if process.intent == Intent::Replace {
        notes.push("one process holds the state: the old one ends before the new one starts".into());
    }
    let objects =
        vec![Planned::beside("folder", name, place.clone(), there.is_some().then_some(&place)), process];
    let changes = objects.iter().any(|planned| planned.intent != Intent::Keep);
    Preview { target: "process".into(), changes, objects, notes }
}

/// A process as it is or would be started.
struct Process<'a> {
    deployment: &'a Deployment,
    runtime: &'a Path,
    version: &'a str,
    mapping_hash: &'a str,
    environment: &'a BTreeMap<String, String>,
    paused: bool,
    ports: Option<(u16, u16)>,
}

impl Process<'_> {
    /// Secrets are named, and not shown.
    fn object(&self) -> Value {
        let plain = self.environment.iter().filter(|(name, _)| !self.is_secret(name));
        let at = |port: u16| format!("127.0.0.1:{port}");
        json!({
            "command": [self.runtime.display().to_string(), "serve"],
            "runtime_version": self.version,
            "mapping_hash": self.mapping_hash,
            "environment": plain.collect::<BTreeMap<_, _>>(),
            "secrets": self.secrets().collect::<Vec<_>>(),
            "listen": self.ports.map(|(port, _)| at(port)),
            "admin_listen": self.ports.map(|(_, port)| at(port)),
            "paused": self.paused,
        })
    }

    fn secrets(&self) -> impl Iterator<Item = &str> {
        self.environment.keys().map(String::as_str).filter(|name| self.is_secret(name))
    }

    /// What nobody knows to be harmless is a secret: it may have been one of an earlier deployment.
    fn is_secret(&self, name: &str) -> bool {
        let known = VARIABLES.iter().find(|variable| variable.name == name);
        let harmless = match known {
            Some(variable) => !variable.secret,
            None => self.deployment.environment.contains_key(name),
        };
        self.deployment.credentials.contains_key(name) || !harmless
    }
}

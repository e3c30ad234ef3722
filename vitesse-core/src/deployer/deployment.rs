use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Capabilities as Can, LABEL_INTEGRATION, LABEL_MAPPING, LABEL_NAME, LABEL_VERSION};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Mapping;
use crate::secret::Secret;
use crate::store::repository::DeploymentConfig;

/// Everything a target needs to run an integration.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The integration.
    pub integration_id: Uuid,
    /// What people call it. Not to be trusted: it may hold anything.
    pub name: String,
    /// One mapping a stream, in their order.
    pub mappings: Vec<Mapping>,
    /// Where and how large.
    pub config: DeploymentConfig,
    /// The credentials it runs with, by the name of their variable.
    pub credentials: BTreeMap<String, Secret>,
    /// Other variables it runs with.
    pub environment: BTreeMap<String, String>,
    /// Whether it is to keep its state and run nothing.
    pub paused: bool,
}

impl Deployment {
    /// A deployment of these mappings with the defaults of a target.
    pub fn new(integration_id: Uuid, name: impl Into<String>, mappings: Vec<Mapping>) -> Self {
        Self {
            integration_id,
            name: name.into(),
            mappings,
            config: DeploymentConfig::default(),
            credentials: BTreeMap::new(),
            environment: BTreeMap::new(),
            paused: false,
        }
    }

    /// Names what is deployed: a hash over the mappings, in their order.
    pub fn mapping_hash(&self) -> String {
        match self.mappings.as_slice() {
            [only] => only.hash(),
            all => {
                let mut hash = Sha256::new();
                all.iter().for_each(|mapping| hash.update(mapping.hash()));
                format!("{:x}", hash.finalize())
            }
        }
    }

    /// The mapping documents as files, one a stream, in the order of the streams: `mapping/001-customers.json`.
    pub fn mapping_files(&self) -> Vec<(String, String)> {
        let file = |(at, mapping): (usize, &Mapping)| {
            // A stream's name may hold anything.
            let plain =
                |c: char| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' };
            let name: String = mapping.stream.chars().take(60).map(plain).collect();
            (format!("mapping/{:03}-{name}.json", at + 1), mapping.to_json())
        };
        self.mappings.iter().enumerate().map(file).collect()
    }

    /// What is said of an integration wherever something of it can be labelled. `version` is the runtime's.
    pub fn labels(&self, version: &str) -> BTreeMap<String, String> {
        // A line break has no place in a label, and other tools would show it as one.
        let name: String = self.name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        BTreeMap::from([
            (LABEL_INTEGRATION.into(), self.integration_id.to_string()),
            (LABEL_NAME.into(), name),
            (LABEL_MAPPING.into(), self.mapping_hash()),
            (LABEL_VERSION.into(), version.to_owned()),
        ])
    }

    /// Whether what runs keeps its state in a place that only one can hold: a file of its own.
    pub fn state_is_a_file(&self) -> bool {
        let kept = self.credentials.get("VITESSE_STATE").map(Secret::expose);
        let kept =
            kept.or_else(|| self.environment.get("VITESSE_STATE").map(String::as_str)).unwrap_or("/state");
        !(kept.starts_with("postgres://") || kept.starts_with("postgresql://") || kept.starts_with("memory:"))
    }

    /// Refuses what the target can't do.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] naming the option, [`ErrorKind::InvalidInput`] for one without sense.
    pub fn check(&self, target: &str, can: &Can) -> Result<()> {
        let DeploymentConfig { replicas, memory_mb, cpu_cores, auto_scale, .. } = &self.config;
        let invalid = |what: &str| {
            Err(Error::new(ErrorKind::InvalidInput, what.to_owned()).in_operation("deployer.check"))
        };
        if self.mappings.is_empty() {
            return invalid("there is no mapping to deploy");
        }
        if *replicas == 0 {
            return invalid("0 replicas run nothing: pause the deployment instead");
        }
        if *memory_mb == 0 || !cpu_cores.is_finite() || *cpu_cores <= 0.0 {
            return invalid("memory_mb and cpu_cores must be greater than 0");
        }
        let unsupported = |what: String, help: String| {
            Err(Error::new(ErrorKind::Unsupported, what)
                .in_operation("deployer.check")
                .with("target", target)
                .help(help))
        };
        if *replicas > can.max_replicas {
            let most = can.max_replicas;
            return unsupported(
                format!("the target {target} runs at most {most} of an integration, not {replicas}"),
                format!("set replicas to {most}, or choose another target"),
            );
        }
        // Paused ones hold nothing; where the state is may be among the credentials, of which they get none.
        if *replicas > 1 && !self.paused && self.state_is_a_file() {
            return unsupported(
                format!("{replicas} replicas can't share the state, which is a file that one of them holds"),
                "set replicas to 1, or keep the state in PostgreSQL: VITESSE_STATE=postgres://...".into(),
            );
        }
        if *auto_scale && !can.auto_scale {
            return unsupported(
                format!("the target {target} doesn't scale by itself"),
                "leave auto_scale off, or choose another target".into(),
            );
        }
        if self.paused && !can.pause {
            return unsupported(
                format!("the target {target} can't pause a deployment"),
                "delete it, or choose another target".into(),
            );
        }
        Ok(())
    }
}

/// The name of what runs an integration: `vitesse-` and the first eight digits of its id.
pub fn container_id(integration: Uuid) -> String {
    let id = integration.to_string();
    format!("vitesse-{}", id.get(..8).unwrap_or(&id))
}

/// What a target can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// How many of an integration may run.
    pub max_replicas: u32,
    /// Whether it changes their number by itself.
    pub auto_scale: bool,
    /// Whether a deployment can be paused.
    pub pause: bool,
    /// Whether logs can be read.
    pub logs: bool,
    /// Whether it holds `memory_mb` and `cpu_cores`.
    pub limits: bool,
    /// Whether the old one runs until the new one is healthy.
    pub rolling_update: bool,
    /// Whether it starts again what crashed while no control plane runs.
    pub watches_alone: bool,
}

/// What a deploy or an update came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployed {
    /// What runs it.
    pub container_id: String,
    /// Where it answers.
    pub service_url: String,
    /// Whether anything had to be changed.
    pub changed: bool,
    /// What was done, line by line; kept with the deployment's record.
    pub log: Vec<String>,
}

/// How a deployment is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// In one word.
    pub condition: Condition,
    /// Why, where that isn't plain.
    pub reason: Option<String>,
    /// Where it answers.
    pub service_url: Option<String>,
    /// The hash of what is deployed.
    pub mapping_hash: Option<String>,
    /// How often it was started again after it ended by itself.
    pub restarts: u32,
    /// When what runs was started.
    pub started_at: Option<Timestamp>,
    /// Where its operators ask it, if this machine can reach that.
    #[serde(default)]
    pub admin_url: Option<String>,
    /// What they must send then.
    #[serde(skip)]
    pub admin_key: Option<Secret>,
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        let plain = |state: &Self| {
            let Self { condition, restarts, started_at, .. } = *state;
            let texts = [&state.reason, &state.service_url, &state.mapping_hash, &state.admin_url];
            (condition, restarts, started_at, texts.map(Clone::clone))
        };
        let key = |state: &Self| state.admin_key.as_ref().map(|key| key.expose().to_owned());
        plain(self) == plain(other) && key(self) == key(other)
    }
}

impl State {
    /// Nothing is there.
    pub fn absent() -> Self {
        Self {
            condition: Condition::Absent,
            reason: None,
            service_url: None,
            mapping_hash: None,
            restarts: 0,
            started_at: None,
            admin_url: None,
            admin_key: None,
        }
    }
}

/// How a deployment is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Condition {
    /// It isn't there.
    Absent,
    /// It runs and says that it is well.
    Healthy,
    /// It runs, and says that it isn't well or says nothing.
    Unhealthy,
    /// It ended and is about to be started again.
    Restarting,
    /// It is kept without running.
    Paused,
    /// It doesn't run although it should.
    Down,
}

impl Condition {
    /// The word it is shown as.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Restarting => "restarting",
            Self::Paused => "paused",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which lines of a log to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// The [`LogPage::next`] of an earlier page.
    pub after: Option<String>,
    /// At most this many lines.
    pub limit: usize,
}

impl Default for LogQuery {
    fn default() -> Self {
        Self { after: None, limit: 200 }
    }
}

/// Lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// The lines, oldest first.
    pub lines: Vec<LogLine>,
    /// Pass it as [`LogQuery::after`] for what comes later.
    pub next: Option<String>,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// What it says, without its line end.
    pub text: String,
}

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::{Error, ErrorKind, did_you_mean};

/// One integration with everything known of it.
///
/// The columns that other rooms give a meaning to (descriptions, specs, mapping, health) are JSON here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Integration {
    /// Its id, for ever.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// What people say of it.
    #[serde(default)]
    pub description: String,
    /// What it is for, in the words of whoever made it.
    #[serde(default)]
    pub user_intent: String,
    /// What it must not do: fields never to send, endpoints never to call, regions.
    #[serde(default)]
    pub user_constraints: Map<String, Value>,
    /// What it should rather do.
    #[serde(default)]
    pub user_preferences: Map<String, Value>,
    /// Destination fields by the source field they are known to come from.
    #[serde(default)]
    pub mapping_hints: Map<String, Value>,
    /// Which step comes next.
    pub status: Status,
    /// The chosen source, as discovery gave it.
    pub source_discovery: Value,
    /// The chosen destination, as discovery gave it.
    pub dest_discovery: Value,
    /// The source's description; from the step `ingest` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_api_spec: Option<Value>,
    /// The destination's description; from the step `ingest` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dest_api_spec: Option<Value>,
    /// How fields become fields; from the step `map` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping_logic: Option<Value>,
    /// Every stream with its mapping and what is known of it, in their order; `mapping_logic` is the first's mapping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<Value>,
    /// How the last test went; from the step `test` on.
    pub health_score: Option<Value>,
    /// The last test in full, with the hashes of the mappings it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_report: Option<Value>,
    /// Where and how large it is deployed.
    pub deployment_config: DeploymentConfig,
    /// What runs it; from the step `deploy` on.
    pub container_id: Option<String>,
    /// The target as it was asked for: `local`, `eks`, `ecs`, `cloud_eks`, `cloud_ecs`, `process`.
    pub deployment_target: String,
    /// Who made it.
    pub created_by: String,
    /// Whatever else is kept with it, such as `service_url` and `deployed_at`.
    pub extra_metadata: Map<String, Value>,
    /// The step that runs at this moment, and who holds it.
    #[serde(default)]
    pub step_in_progress: Option<StepLease>,
    /// What the last step that failed said; none once a step succeeded.
    #[serde(default)]
    pub last_error: Option<StepError>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A step that runs: nobody else may run one until it ends or this expires.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepLease {
    /// The step: `ingest`, `map`, `test`, `deploy`...
    pub step: String,
    /// Names this run of it.
    pub run: Uuid,
    /// Who started it.
    pub actor: String,
    /// The process that runs it, as far as another one on the machine can tell it apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// How often the step was begun in a row without an end; 1 for the first time.
    pub attempt: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When others may take over, if it isn't renewed before.
    pub expires_at: Timestamp,
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepError {
    /// The step.
    pub step: String,
    /// The id of the error's kind.
    pub kind: String,
    /// What was wrong, where, and what to do.
    pub message: String,
    /// Whether trying again can help.
    pub temporary: bool,
    /// When it failed.
    pub at: Timestamp,
}

/// Which step of its life an integration is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Made; its APIs are to be ingested.
    Discovering,
    /// Ingested; its fields are to be mapped.
    Mapping,
    /// Mapped; it is to be tested.
    Testing,
    /// Tested; it is to be deployed.
    Deploying,
    /// Running.
    Active,
    /// A step failed for good.
    Failed,
}

impl Status {
    /// Every status, in the order of an integration's life.
    pub const ALL: &'static [Self] =
        &[Self::Discovering, Self::Mapping, Self::Testing, Self::Deploying, Self::Active, Self::Failed];

    /// The word it is stored and shown as.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discovering => "discovering",
            Self::Mapping => "mapping",
            Self::Testing => "testing",
            Self::Deploying => "deploying",
            Self::Active => "active",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.iter().copied().find(|status| status.as_str() == text).ok_or_else(|| {
            let error = Error::new(ErrorKind::InvalidInput, format!("there is no status {text:?}"));
            let known = Self::ALL.iter().map(|status| status.as_str());
            match did_you_mean(text, known.clone()) {
                Some(hint) => error.help(hint),
                None => error.help(format!("it is one of {}", known.collect::<Vec<_>>().join(", "))),
            }
        })
    }
}

/// Where and how large an integration is deployed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeploymentConfig {
    /// The target.
    pub target: String,
    /// How many run.
    pub replicas: u32,
    /// Memory of each, in MiB.
    pub memory_mb: u32,
    /// Processor share of each, in cores.
    pub cpu_cores: f64,
    /// Whether the target may change the number of replicas.
    pub auto_scale: bool,
    /// What only this target knows.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Default for DeploymentConfig {
    fn default() -> Self {
        Self {
            target: "local".into(),
            replicas: 1,
            memory_mb: 512,
            cpu_cores: 0.5,
            auto_scale: false,
            extra: Map::new(),
        }
    }
}

/// What it takes to make an integration. Ids and times are given by the repository.
#[derive(Clone, Debug, PartialEq)]
pub struct NewIntegration {
    /// What people call it.
    pub name: String,
    /// What people say of it.
    pub description: String,
    /// What it is for.
    pub user_intent: String,
    /// What it must not do.
    pub user_constraints: Map<String, Value>,
    /// What it should rather do.
    pub user_preferences: Map<String, Value>,
    /// Destination fields by the source field they are known to come from.
    pub mapping_hints: Map<String, Value>,
    /// The chosen source, kept as it is.
    pub source_discovery: Value,
    /// The chosen destination, kept as it is.
    pub dest_discovery: Value,
    /// Where and how large to deploy it.
    pub deployment_config: DeploymentConfig,
    /// The target as it was asked for.
    pub deployment_target: String,
    /// Who makes it.
    pub created_by: String,
    /// Whatever else is kept with it.
    pub extra_metadata: Map<String, Value>,
}

impl NewIntegration {
    /// An integration with the defaults of the local target, made by `system`.
    pub fn new(name: impl Into<String>, source_discovery: Value, dest_discovery: Value) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            user_intent: String::new(),
            user_constraints: Map::new(),
            user_preferences: Map::new(),
            mapping_hints: Map::new(),
            source_discovery,
            dest_discovery,
            deployment_config: DeploymentConfig::default(),
            deployment_target: "local".into(),
            created_by: "system".into(),
            extra_metadata: Map::new(),
        }
    }

    pub(super) fn into_integration(self, now: Timestamp) -> Integration {
        Integration {
            id: Uuid::new_v4(),
            name: self.name,
            description: self.description,
            user_intent: self.user_intent,
            user_constraints: self.user_constraints,
            user_preferences: self.user_preferences,
            mapping_hints: self.mapping_hints,
            status: Status::Discovering,
            source_discovery: self.source_discovery,
            dest_discovery: self.dest_discovery,
            source_api_spec: None,
            dest_api_spec: None,
            mapping_logic: None,
            streams: None,
            health_score: None,
            test_report: None,
            deployment_config: self.deployment_config,
            container_id: None,
            deployment_target: self.deployment_target,
            created_by: self.created_by,
            extra_metadata: self.extra_metadata,
            step_in_progress: None,
            last_error: None,
            created_at: now,
            updated_at: now,
        }
    }
}

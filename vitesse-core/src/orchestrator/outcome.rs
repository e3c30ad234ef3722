use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::streams::Stream;
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::guardian::TestReport;
use crate::spec::Diagnostic;
use crate::store::repository::{Integration, Status, StepError};

/// The steps of an integration's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// It is made.
    Create,
    /// Both APIs are read.
    Ingest,
    /// Fields find their partners.
    Map,
    /// It is tried on synthetic records.
    Test,
    /// It is brought up.
    Deploy,
}

impl StepName {
    /// Every step, in their order.
    pub const ALL: &'static [Self] = &[Self::Create, Self::Ingest, Self::Map, Self::Test, Self::Deploy];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Ingest => "ingest",
            Self::Map => "map",
            Self::Test => "test",
            Self::Deploy => "deploy",
        }
    }

    /// Who does it, as the whiteboard names them.
    pub const fn agent(self) -> &'static str {
        match self {
            Self::Create => "discovery",
            Self::Ingest => "ingestor",
            Self::Map => "mapper",
            Self::Test => "guardian",
            Self::Deploy => "deployer",
        }
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for StepName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.iter().copied().find(|step| step.as_str() == text).ok_or_else(|| {
            let error = Error::new(ErrorKind::InvalidInput, format!("there is no step {text:?}"));
            match did_you_mean(text, Self::ALL.iter().map(|step| step.as_str())) {
                Some(hint) => error.help(hint),
                None => error.help("the steps are create, ingest, map, test and deploy"),
            }
        })
    }
}

/// Which step comes next; none once it runs.
pub type NextStep = Option<StepName>;

/// The step that a status waits for.
pub(super) fn next_step(status: Status) -> NextStep {
    match status {
        Status::Discovering => Some(StepName::Ingest),
        Status::Mapping => Some(StepName::Map),
        Status::Testing => Some(StepName::Test),
        Status::Deploying | Status::Failed => Some(StepName::Deploy),
        Status::Active => None,
    }
}

/// What the step `ingest` found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ingested {
    /// The integration.
    pub integration_id: Uuid,
    /// Its status now.
    pub status: Status,
    /// The paths of the source, each once, in the document's order.
    pub source_endpoints: Vec<String>,
    /// The paths of the destination.
    pub dest_endpoints: Vec<String>,
    /// What was wrong with the source's description.
    pub source_diagnostics: Vec<Diagnostic>,
    /// What was wrong with the destination's description.
    pub dest_diagnostics: Vec<Diagnostic>,
    /// What comes next.
    pub next_step: NextStep,
}

/// What the step `map` found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mapped {
    /// The integration.
    pub integration_id: Uuid,
    /// Its status now.
    pub status: Status,
    /// How many lines are used, over all streams.
    pub transformation_count: usize,
    /// How involved the most involved stream is, from 1 to 10.
    pub complexity_score: f64,
    /// Whether nothing fits: each stream says why, and which candidates came nearest.
    pub abstained: bool,
    /// The streams, in their order.
    pub streams: Vec<Stream>,
    /// What comes next.
    pub next_step: NextStep,
}

impl Mapped {
    /// Why the mapper abstained, as an error; none if it didn't.
    pub fn refusal(&self) -> Option<Error> {
        if !self.abstained {
            return None;
        }
        let reasons = self.streams.iter().filter_map(|stream| stream.proposal.refused.as_ref());
        let error = reasons.fold(
            Error::new(ErrorKind::MappingInvalid, "no fields of the two sides fit together")
                .in_operation("orchestrator.map"),
            |error, refused| error.with("reason", &refused.reason),
        );
        Some(
            error
                .help("name other endpoints, or give mapping_hints; the review shows the nearest candidates"),
        )
    }
}

/// How one stream's test went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamTest {
    /// The stream.
    pub name: String,
    /// The report.
    pub report: TestReport,
}

/// What the step `test` found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tested {
    /// The integration.
    pub integration_id: Uuid,
    /// Its status now.
    pub status: Status,
    /// Whether every stream passed the gate.
    pub passed: bool,
    /// What decided, in a sentence.
    pub reason: String,
    /// The score of the weakest stream: `overall`, `data_quality`, `reliability`.
    pub health_score: Value,
    /// How many records were tried, over all streams.
    pub test_count: usize,
    /// How many came through.
    pub passed_tests: usize,
    /// How many didn't.
    pub failed_tests: usize,
    /// From which score on the gate is passed.
    pub threshold: f64,
    /// The streams with their reports.
    pub streams: Vec<StreamTest>,
    /// What comes next.
    pub next_step: NextStep,
}

impl Tested {
    /// Nothing if the gate was passed.
    ///
    /// # Errors
    /// [`ErrorKind::GateFailed`] with the score and the rule that decided.
    pub fn require_pass(&self) -> Result<(), Error> {
        match self.passed {
            true => Ok(()),
            false => Err(self.refusal()),
        }
    }

    pub(super) fn refusal(&self) -> Error {
        let score = self.health_score.get("overall").and_then(Value::as_f64).unwrap_or(0.0);
        Error::new(
            ErrorKind::GateFailed,
            format!("Integration tests failed: health_score = {score} (threshold: {})", self.threshold),
        )
        .in_operation("orchestrator.test")
        .with("reason", &self.reason)
    }
}

/// What the step `deploy` came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeployReport {
    /// The integration.
    pub integration_id: Uuid,
    /// Its status now.
    pub status: Status,
    /// What runs it.
    pub container_id: String,
    /// Where it answers.
    pub service_url: String,
    /// How long it took, in seconds.
    pub deployment_time_seconds: f64,
    /// Whether anything had to be changed.
    pub changed: bool,
    /// Whether the gate was passed over.
    pub forced: bool,
    /// What was done, line by line.
    pub log: Vec<String>,
}

/// What the way from `create` to `test` came to.
#[derive(Debug)]
pub struct Whole {
    /// The integration; it is there whatever stopped.
    pub integration_id: Uuid,
    /// What the APIs are.
    pub ingested: Option<Ingested>,
    /// What was mapped.
    pub mapped: Option<Mapped>,
    /// How the test went.
    pub tested: Option<Tested>,
    /// Where and why it stopped; none if the integration is ready to be deployed.
    pub stopped: Option<(StepName, Error)>,
}

/// An integration in a few words: what a list and a status show.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overview {
    /// The integration.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// What people say of it.
    pub description: String,
    /// Which step comes next, as a status.
    pub status: Status,
    /// The same as the builder's people call it: `draft`, `testing`, `active`, `inactive`.
    pub builder_status: &'static str,
    /// What the source is called.
    pub source_api: String,
    /// What the destination is called.
    pub dest_api: String,
    /// How the last test went.
    pub health_score: Option<Value>,
    /// What comes next.
    pub next_step: NextStep,
    /// The step that runs at this moment.
    pub step_in_progress: Option<String>,
    /// Why the last step failed, if it did.
    pub last_error: Option<StepError>,
    /// Where it is deployed to.
    pub deployment_target: String,
    /// Where it answers.
    pub service_url: Option<String>,
    /// Whether it is kept without running.
    pub paused: bool,
    /// When it last moved records, if its deployment told.
    pub last_sync: Option<String>,
    /// Which part of its last test's records came through, from 0 to 1.
    pub success_rate: Option<f64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Overview {
    pub(super) fn of(integration: &Integration) -> Self {
        let name = |discovery: &Value| {
            discovery.get("api_name").and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let meta = &integration.extra_metadata;
        let paused = is_paused(integration);
        Self {
            id: integration.id,
            name: integration.name.clone(),
            description: integration.description.clone(),
            status: integration.status,
            builder_status: builder_status(integration.status, paused),
            source_api: name(&integration.source_discovery),
            dest_api: name(&integration.dest_discovery),
            health_score: integration.health_score.clone(),
            next_step: next_step(integration.status),
            step_in_progress: integration.step_in_progress.as_ref().map(|lease| lease.step.clone()),
            last_error: integration.last_error.clone(),
            deployment_target: integration.deployment_target.clone(),
            service_url: meta.get("service_url").and_then(Value::as_str).map(str::to_owned),
            paused,
            last_sync: meta.get("last_sync").and_then(Value::as_str).map(str::to_owned),
            success_rate: integration
                .health_score
                .as_ref()
                .and_then(|health| health.get("reliability")?.as_f64())
                .map(|percent| percent / 100.0),
            created_at: integration.created_at,
            updated_at: integration.updated_at,
        }
    }
}

/// Whether a deployed integration is kept without running.
pub(super) fn is_paused(integration: &Integration) -> bool {
    integration.extra_metadata.get("paused") == Some(&Value::Bool(true))
}

/// The builder's word for a status: a draft before a test, testing once tested, then active or inactive.
fn builder_status(status: Status, paused: bool) -> &'static str {
    match status {
        Status::Discovering | Status::Mapping | Status::Testing => "draft",
        Status::Deploying => "testing",
        Status::Active if paused => "inactive",
        Status::Active => "active",
        Status::Failed => "inactive",
    }
}

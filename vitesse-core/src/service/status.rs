//! What the admin side tells, as types that both ends share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sync::{Counts, Letter, RunRecord};

/// How a service is. Moments are milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The version of the runtime.
    pub version: String,
    /// The integration.
    pub integration_id: String,
    /// When the service was started.
    pub started_at: i64,
    /// Whether it syncs at all, and if not, why.
    pub syncs: bool,
    /// What stands in the way of syncing.
    pub syncs_not_because: Option<String>,
    /// The mapping it runs.
    pub mapping: MappingStatus,
    /// The schedule, as it was written.
    pub schedule: Option<String>,
    /// The time zone of its patterns.
    pub time_zone: Option<String>,
    /// Whether an operator stopped it: then nothing runs until it is started.
    pub held: bool,
    /// When the next run is due.
    pub next_run: Option<i64>,
    /// The run that is under way.
    pub running: Option<Running>,
    /// The run that ended last.
    pub last_run: Option<RunRecord>,
    /// Each stream, in order.
    pub streams: Vec<StreamStatus>,
    /// What health monitoring looks at.
    pub health: HealthInputs,
}

/// A mapping in use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MappingStatus {
    /// Where it is read from.
    pub path: String,
    /// Since when it is in use.
    pub since: i64,
    /// Its streams, in order.
    pub streams: Vec<StreamMapping>,
    /// Why what is there now was not taken in.
    pub refused: Option<String>,
}

/// One stream's mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamMapping {
    /// The stream.
    pub stream: String,
    /// The hash that names the mapping.
    pub hash: String,
}

/// A run that is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// When it began.
    pub started_at: i64,
    /// Why: `schedule`, `request`.
    pub why: String,
    /// How many records are settled so far.
    pub records: u64,
}

/// How a stream is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamStatus {
    /// The stream.
    pub stream: String,
    /// How many seconds the destination may be behind the source: since the last run that came to the stream's end
    /// began. `None` if none ever did.
    pub lag_seconds: Option<f64>,
    /// What became of its records since the service was started.
    pub counts: Counts,
    /// How many dead letters it has.
    pub dead_letters: u64,
    /// How many of them may or may not have been written.
    pub unknown_outcomes: u64,
    /// How many records of webhooks wait to be delivered.
    pub inbox: u64,
}

/// What health monitoring looks at: the latest thousand requests to both APIs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthInputs {
    /// How many of a hundred were answered well.
    pub success_rate: f64,
    /// How many milliseconds all but the slowest twentieth took at most.
    pub p95_latency: f64,
    /// How often each kind of error came: `http_429`, `timeout`, `unreachable`.
    pub error_distribution: BTreeMap<String, u64>,
    /// How many requests that is.
    pub requests: u64,
}

impl Default for HealthInputs {
    /// Nothing was asked for, so nothing went wrong.
    fn default() -> Self {
        Self { success_rate: 100.0, p95_latency: 0.0, error_distribution: BTreeMap::new(), requests: 0 }
    }
}

/// How a run that is asked for goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StartSync {
    /// Reads everything, though an incremental read were possible.
    pub full: bool,
    /// Stops after so many records of each stream.
    pub limit: Option<u64>,
}

/// A page of dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetters {
    /// In the order of their ids, without what the records hold.
    pub letters: Vec<LetterSummary>,
    /// Ask for those after this id; none if there are no more.
    pub next: Option<String>,
}

/// A dead letter without what the record holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterSummary {
    /// The record's id at the source.
    pub id: String,
    /// Its stream.
    pub stream: String,
    /// What kind of failure it was.
    pub reason: String,
    /// What was said about it.
    pub message: String,
    /// How often it was tried.
    pub attempts: u64,
    /// When it first failed.
    pub first_at: i64,
    /// When it last failed.
    pub last_at: i64,
}

impl From<Letter> for LetterSummary {
    fn from(letter: Letter) -> Self {
        Self {
            reason: letter.reason.id().to_owned(),
            id: letter.id,
            stream: letter.stream,
            message: letter.message,
            attempts: letter.attempts,
            first_at: letter.first_at,
            last_at: letter.last_at,
        }
    }
}

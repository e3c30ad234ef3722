use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::integration::DeploymentConfig;

/// What was done to an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// It was made.
    Created,
    /// It was changed: ingested, mapped, reviewed, renamed.
    Updated,
    /// It was tested.
    Tested,
    /// It was deployed.
    Deployed,
}

/// How what was done ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditStatus {
    /// As asked.
    Success,
    /// Not at all.
    Failed,
    /// Some of it.
    Partial,
}

/// An entry to write into the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// What was done.
    pub action: Action,
    /// Who did it.
    pub actor: String,
    /// How it ended.
    pub status: AuditStatus,
    /// What one would want to know later. Never a secret.
    pub details: Value,
}

impl AuditEntry {
    /// An entry for something that went as asked.
    pub fn success(action: Action, actor: impl Into<String>, details: Value) -> Self {
        Self { action, actor: actor.into(), status: AuditStatus::Success, details }
    }

    /// An entry for something that failed.
    pub fn failed(action: Action, actor: impl Into<String>, details: Value) -> Self {
        Self { action, actor: actor.into(), status: AuditStatus::Failed, details }
    }

    /// An entry for something of which a part went as asked.
    pub fn partial(action: Action, actor: impl Into<String>, details: Value) -> Self {
        Self { action, actor: actor.into(), status: AuditStatus::Partial, details }
    }

    pub(super) fn record(self, integration_id: Uuid, now: Timestamp) -> AuditRecord {
        let Self { action, actor, status, details } = self;
        AuditRecord { id: Uuid::new_v4(), integration_id, action, actor, status, details, created_at: now }
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Its id.
    pub id: Uuid,
    /// The integration.
    pub integration_id: Uuid,
    /// What was done.
    pub action: Action,
    /// Who did it.
    pub actor: String,
    /// How it ended.
    pub status: AuditStatus,
    /// What one would want to know later.
    pub details: Value,
    /// When.
    pub created_at: Timestamp,
}

/// The outcome of one call of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestResult {
    /// The endpoint's path.
    pub endpoint: String,
    /// The method.
    pub method: String,
    /// The status that was answered; `None` if nothing was.
    pub status_code: Option<u16>,
    /// How long the answer took.
    pub response_time_ms: f64,
    /// Whether it was as it should be.
    pub success: bool,
    /// What was wrong.
    pub error_message: Option<String>,
}

impl TestResult {
    pub(super) fn record(self, integration_id: Uuid, now: Timestamp) -> TestResultRecord {
        let Self { endpoint, method, status_code, response_time_ms, success, error_message } = self;
        TestResultRecord {
            id: Uuid::new_v4(),
            integration_id,
            endpoint,
            method,
            status_code,
            response_time_ms,
            success,
            error_message,
            created_at: now,
        }
    }
}

/// A row of the test results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestResultRecord {
    /// Its id.
    pub id: Uuid,
    /// The integration.
    pub integration_id: Uuid,
    /// The endpoint's path.
    pub endpoint: String,
    /// The method.
    pub method: String,
    /// The status that was answered; `None` if nothing was.
    pub status_code: Option<u16>,
    /// How long the answer took.
    pub response_time_ms: f64,
    /// Whether it was as it should be.
    pub success: bool,
    /// What was wrong.
    pub error_message: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// One line of a mapping, to be kept as a row.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformationRow {
    /// The source field, as the mapping writes it.
    pub source_field: String,
    /// The destination field.
    pub dest_field: String,
    /// One of the transform types of the mapping document.
    pub transform_type: String,
    /// Its configuration.
    pub transform_config: Map<String, Value>,
}

impl TransformationRow {
    pub(super) fn record(self, integration_id: Uuid) -> TransformationRecord {
        let Self { source_field, dest_field, transform_type, transform_config } = self;
        TransformationRecord {
            id: Uuid::new_v4(),
            integration_id,
            source_field,
            dest_field,
            transform_type,
            transform_config,
        }
    }
}

/// A row of the transformations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransformationRecord {
    /// Its id.
    pub id: Uuid,
    /// The integration.
    pub integration_id: Uuid,
    /// The source field, as the mapping writes it.
    pub source_field: String,
    /// The destination field.
    pub dest_field: String,
    /// One of the transform types of the mapping document.
    pub transform_type: String,
    /// Its configuration.
    pub transform_config: Map<String, Value>,
}

/// A deployment configuration as it once was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionedConfig {
    /// Counts from 1.
    pub version: u32,
    /// When it came to be.
    pub created_at: Timestamp,
    /// What it was.
    pub config: DeploymentConfig,
}

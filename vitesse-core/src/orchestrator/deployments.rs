//! Every deployment that was tried, with what it takes to do it again and to understand it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Exported, Vitesse};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Mapping;
use crate::store::repository::{DEPLOYMENTS, DeploymentConfig};
use crate::store::{Batch, Document, Expect, Key, Scan};

const OPERATION: &str = "orchestrator.deployments";
/// So many are kept.
const KEPT: u32 = 50;

/// A deployment that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentRecord {
    /// Counts from 1.
    pub number: u32,
    /// When it ended.
    pub at: Timestamp,
    /// Who asked for it.
    pub actor: String,
    /// How it ended.
    pub outcome: DeploymentOutcome,
    /// Where and how large.
    pub config: DeploymentConfig,
    /// Names what was deployed.
    pub mapping_hash: String,
    /// The mapping documents, one a stream.
    pub mappings: Vec<String>,
    /// Variables that it ran with. Never a secret.
    pub environment: BTreeMap<String, String>,
    /// Variables that it was given as secrets besides those its mappings need; the values are in the credential source.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// The connection of each side.
    pub connections: BTreeMap<String, String>,
    /// Where it answered.
    pub service_url: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What was done, line by line.
    pub log: Vec<String>,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// The files that were generated for it.
    pub files: Vec<Exported>,
    /// The deployment that it brought back, if it did.
    #[serde(default)]
    pub rolled_back_to: Option<u32>,
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeploymentOutcome {
    /// It was brought up.
    Deployed,
    /// It ran already.
    Unchanged,
    /// It was not brought up.
    Failed,
}

impl DeploymentOutcome {
    /// The word it is shown as.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }
}

impl DeploymentRecord {
    pub(super) fn parsed_mappings(&self) -> Result<Vec<Mapping>> {
        self.mappings.iter().map(|text| Ok(Mapping::parse(text.as_bytes())?)).collect()
    }
}

impl Vitesse {
    /// The latest deployments of an integration, newest first, at most so many.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such integration.
    pub async fn deployments(&self, id: Uuid, limit: usize) -> Result<Vec<DeploymentRecord>> {
        self.inner.repository.light(id).await?;
        let namespace = self.inner.repository.namespace();
        let scan = Scan::new(namespace, DEPLOYMENTS).prefix(format!("{id}/")).limit(limit.max(1));
        let page = self.inner.repository.store().scan(&scan).await?;
        page.documents.iter().map(read).collect()
    }

    /// One deployment of an integration; the latest, if no number is given.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such integration or deployment.
    pub async fn deployment(&self, id: Uuid, number: Option<u32>) -> Result<DeploymentRecord> {
        match number {
            Some(number) => self.numbered(id, number, OPERATION).await,
            None => {
                let latest = self.deployments(id, 1).await?.into_iter().next();
                latest.ok_or_else(|| missing(id, OPERATION, "it was never deployed".into()))
            }
        }
    }

    async fn numbered(&self, id: Uuid, number: u32, operation: &'static str) -> Result<DeploymentRecord> {
        self.inner.repository.light(id).await?;
        let document = self.inner.repository.store().get(&self.place(id, number)).await?;
        let document = document.ok_or_else(|| {
            missing(id, operation, format!("there is no deployment {number}"))
                .help("the list of deployments has their numbers")
        })?;
        read(&document)
    }

    /// The deployment that a rollback goes to: the one that is named, else the last that was brought up before the one
    /// that runs and differs from it.
    pub(super) async fn earlier(&self, id: Uuid, number: Option<u32>) -> Result<DeploymentRecord> {
        if let Some(number) = number {
            // Whoever asks named it, and not the integration, wrongly: that is told apart by the operation.
            let record = self.numbered(id, number, "orchestrator.rollback").await?;
            return match record.outcome {
                DeploymentOutcome::Failed => Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!("deployment {number} was never brought up"),
                )
                .in_operation("orchestrator.rollback")
                .help("choose one that was")),
                _ => Ok(record),
            };
        }
        let all = self.deployments(id, KEPT as usize).await?;
        let mut up = all.into_iter().filter(|record| record.outcome != DeploymentOutcome::Failed);
        let nothing = || {
            Error::new(ErrorKind::Prerequisite, "there is no earlier deployment to go back to")
                .in_operation("orchestrator.rollback")
                .with("integration", id)
        };
        let now = up.next().ok_or_else(nothing)?;
        up.find(|record| {
            let what = |record: &DeploymentRecord| {
                (record.mapping_hash.clone(), record.config.clone(), record.environment.clone())
            };
            what(record) != what(&now)
        })
        .ok_or_else(nothing)
    }

    /// What to write for a record, whose number is given here. One deployment runs at a time, under its lease.
    pub(super) async fn recorded(&self, id: Uuid, mut record: DeploymentRecord) -> Result<Batch> {
        let latest = self.deployments(id, 1).await?;
        record.number = latest.first().map_or(1, |latest| latest.number + 1);
        let value = serde_json::to_vec(&record).map_err(|error| {
            Error::new(ErrorKind::Internal, "a deployment can't be written as JSON").source(error)
        })?;
        let batch = Batch::new().put(self.place(id, record.number), Expect::Absent, value);
        Ok(match record.number.checked_sub(KEPT) {
            Some(old) if old > 0 => batch.delete(self.place(id, old), Expect::Any),
            _ => batch,
        })
    }

    /// Newest first, since stores list in the order of their keys.
    fn place(&self, id: Uuid, number: u32) -> Key {
        let namespace = self.inner.repository.namespace();
        Key::new(namespace, DEPLOYMENTS, format!("{id}/{:010}", u32::MAX - number))
    }
}

fn missing(id: Uuid, operation: &'static str, what: String) -> Error {
    Error::new(ErrorKind::NotFound, what).in_operation(operation).with("integration", id)
}

fn read(document: &Document) -> Result<DeploymentRecord> {
    serde_json::from_slice(&document.value).map_err(|error| {
        Error::new(ErrorKind::StoreFailed, "the record of a deployment can't be read")
            .in_operation(OPERATION)
            .with("key", &document.key)
            .source(error)
    })
}

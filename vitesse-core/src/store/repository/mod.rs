//! Typed records on top of any [`Store`](super::Store): integrations with everything that belongs to them.
//!
//! [`Repository`] is the door. Every change of an integration goes through [`Repository::update`], which
//! commits the new state, its audit entry and whatever else came of the step together, and only if nobody
//! changed the integration since it was read.
//!
//! ```
//! # use std::sync::Arc;
//! # use serde_json::json;
//! # use vitesse_core::store::{MemoryStore, repository::*};
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let repository = Repository::new(Arc::new(MemoryStore::new()), "default");
//! let mut integration = repository
//!     .create(NewIntegration::new("Shop to CRM", json!({"api_name": "Shop"}), json!({"api_name": "CRM"})))
//!     .await?;
//!
//! integration.value.status = Status::Mapping;
//! let audit = AuditEntry::success(Action::Updated, "system", json!({"step": "ingest"}));
//! let integration = repository.update(integration, Step::audited(audit)).await?;
//!
//! assert_eq!(integration.value.status, Status::Mapping);
//! assert_eq!(repository.audit_log(integration.value.id, &Paging::default()).await?.items.len(), 2);
//! # Ok::<(), vitesse_core::Error>(()) }).unwrap();
//! ```

mod codec;
mod integration;
mod listing;
mod records;
mod integrations;

pub use integration::{DeploymentConfig, Integration, NewIntegration, Status, StepError, StepLease};
#[cfg(feature = "orchestrate")]
pub(crate) use integrations::{CHECKPOINTS, DEPLOYMENTS, TEST_RUNS, WHITEBOARD};
pub use integrations::{Repository, Step, Versioned};
pub use listing::{Filter, Listed, Paging};
pub use records::{
    Action, AuditEntry, AuditRecord, AuditStatus, TestResult, TestResultRecord, TransformationRecord,
    TransformationRow, VersionedConfig,
};

#[cfg(test)]
mod tests;

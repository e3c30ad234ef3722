//! [`Vitesse`]: the five steps from two APIs to a running integration, and everything around them.
//!
//! ```no_run
//! use std::sync::Arc;
//! use vitesse_core::orchestrator::{CreateIntegration, IngestOptions, Vitesse};
//! use vitesse_core::store::MemoryStore;
//! # async fn example() -> vitesse_core::Result<()> {
//! let vitesse = Vitesse::builder(Arc::new(MemoryStore::new())).build()?.by("anna");
//! let made = vitesse
//!     .create(CreateIntegration::between("Shop to CRM", "https://shop.example", "https://crm.example"))
//!     .await?;
//! let found = vitesse.ingest(made.id, IngestOptions::default()).await?;
//! println!("{} endpoints; next: {:?}", found.source_endpoints.len(), found.next_step);
//! # Ok(()) }
//! ```
//!
//! Each step is called by itself, checks what it needs, and may be called again. One step at a time runs for an
//! integration: it holds a lease in the record, which expires if whoever holds it is gone. What a step came to, the
//! new status and the audit entry are written in one commit, so a step that was broken off has changed nothing but
//! what it noted to go on faster.
//!
//! Deliberately absent: rules about words on a screen or a wire. The faces turn what is returned here into those.

#![forbid(unsafe_code)]

mod builder;
mod connections;
mod create;
mod deployments;
mod discovery;
mod export;
mod image;
mod keys;
mod learned;
mod lease;
mod meter;
mod obey;
mod once;
mod options;
mod outcome;
mod project;
mod read;
mod review;
mod running;
mod statistics;
mod steps;
mod streams;
mod test_runs;
mod tested;
mod vitesse;
pub mod whiteboard;
mod wishes;

pub use builder::VitesseBuilder;
pub use connections::{Authorization, AuthorizeOptions, Connection, ConnectionTest, NewConnection};
pub use deployments::{DeploymentOutcome, DeploymentRecord};
pub use export::Exported;
pub use image::{ImageLayer, ImageOptions, ImageReport};
pub use keys::{ApiKey, NewApiKey};
pub use meter::StepFigures;
pub use once::{Answered, Doing, Once};
pub use options::{
    CreateIntegration, DeployOptions, IngestOptions, MapOptions, StreamOptions, TestStepOptions,
    UpdateIntegration, WholeOptions,
};
pub use outcome::{DeployReport, Ingested, Mapped, NextStep, Overview, StepName, StreamTest, Tested, Whole};
pub use project::{
    Applied, PlannedChange, PlannedStep, Project, ProjectConstraints, ProjectDeploy, ProjectFile,
    ProjectPlan, ProjectSide, ProjectStream, ProjectTest, project_reference, project_schema,
};
pub use review::{
    FieldMapping, LineView, NewFieldMapping, NewTransformationRule, Review, ReviewEdit, Reviewed, RunEdit,
    StreamEdit, StreamReview, TransformationRule, Tried,
};
pub use running::{DeploymentLog, IntegrationStatus, Moved};
pub use statistics::{HealthFigure, Statistics};
pub use streams::Stream;
pub use test_runs::{StartedTest, TestRun, TestRunStatus};
pub use vitesse::Vitesse;
pub use wishes::{Constraints, Preferences};

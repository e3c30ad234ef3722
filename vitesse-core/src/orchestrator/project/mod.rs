//! An integration as a file that people keep: `vitesse.yaml`.
//!
//! [`Project`] is the file. [`Vitesse::plan`](super::Vitesse::plan) tells what would have to be done to make an
//! integration as it says, and [`Vitesse::apply`](super::Vitesse::apply) does that and nothing else.

mod apply;
mod differ;
mod file;
mod plan;
mod wanted;
mod write;

pub use apply::Applied;
pub use file::{
    ProjectConstraints, ProjectDeploy, ProjectFile, ProjectSide, ProjectStream, ProjectTest,
    project_reference, project_schema,
};
pub use plan::{PlannedChange, PlannedStep, ProjectPlan};
pub use wanted::Project;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::plan::{ProjectPlan, Ready};
use super::wanted::Project;
use crate::error::{Error, Result};
use crate::orchestrator::{DeployReport, StepName, UpdateIntegration, Vitesse};

/// What was done to make an integration as a file says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Applied {
    /// The integration.
    pub integration_id: Uuid,
    /// What was planned, all of which was done.
    pub plan: ProjectPlan,
    /// The score of the test, if it was tested.
    pub score: Option<f64>,
    /// How it was deployed, if it was.
    pub deployed: Option<DeployReport>,
}

impl Vitesse {
    /// Makes an integration as a file says: exactly what [`plan`](Self::plan) tells, so nothing the second time.
    ///
    /// # Errors
    /// Whatever a step fails with, naming the step; what was done before it stays, and applying again goes on from
    /// there. [`ErrorKind::GateFailed`](crate::ErrorKind::GateFailed) if the test doesn't pass: nothing is deployed
    /// then.
    pub async fn apply(&self, project: &Project) -> Result<Applied> {
        let Ready { plan, wanted, update } = self.ready(project).await?;
        let at = |step: StepName| move |error: Error| error.with("step", step);
        let id = match plan.integration_id {
            Some(id) => id,
            None => self.create(wanted.create).await.map_err(at(StepName::Create))?.id,
        };
        if update != UpdateIntegration::default() {
            self.update(id, None, update).await.map_err(|error| error.with("step", "update"))?;
        }
        if plan.runs(StepName::Ingest) {
            self.ingest(id, wanted.ingest).await.map_err(at(StepName::Ingest))?;
        }
        if plan.runs(StepName::Map) {
            let mapped = self.map(id, wanted.map).await.map_err(at(StepName::Map))?;
            mapped.refusal().map_or(Ok(()), Err).map_err(at(StepName::Map))?;
        }
        let mut score = None;
        if plan.runs(StepName::Test) {
            let tested = self.test(id, wanted.test).await.map_err(at(StepName::Test))?;
            tested.require_pass().map_err(at(StepName::Test))?;
            score = tested.health_score.get("overall").and_then(Value::as_f64);
        }
        let deployed = match wanted.deploy {
            Some(mut options) if plan.runs(StepName::Deploy) => {
                options.target = project.file.deploy.as_ref().map(|deploy| deploy.target.clone());
                // The file says all of it: a variable that it no longer names is taken away.
                let before = self.get(id).await?;
                let kept = before.extra_metadata.get("deployed_environment").and_then(Value::as_object);
                for name in kept.into_iter().flat_map(|kept| kept.keys()) {
                    options.environment.entry(name.clone()).or_default();
                }
                Some(self.deploy(id, options).await.map_err(at(StepName::Deploy))?)
            }
            _ => None,
        };
        Ok(Applied { integration_id: id, plan, score, deployed })
    }
}

//! The five steps.

use http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use vitesse_core::Result;
use vitesse_core::orchestrator::{
    CreateIntegration, DeployOptions, DeployReport, IngestOptions, MapOptions, NextStep, TestStepOptions,
    Vitesse,
};
use vitesse_core::store::repository::Status;

use super::integrations::record;
use crate::answer::{Answer, Failure, Outcome};
use crate::call::Call;

pub(super) async fn create(call: Call) -> Outcome {
    let made = call.vitesse.create(call.body::<CreateIntegration>()?).await?;
    let id = made.id;
    let data = json!({
        "integration": record(&made)?, "next_step": "ingest", "next_endpoint": format!("/integrations/{id}/ingest"),
    });
    stepped(id, made.status, data)
}

pub(super) async fn ingest(call: Call) -> Outcome {
    let (id, vitesse) = begin(&call).await?;
    let done = vitesse.ingest(id, call.body::<IngestOptions>()?).await.map_err(Failure::of_description)?;
    let data = json!({"source_endpoints": done.source_endpoints, "dest_endpoints": done.dest_endpoints});
    stepped(id, done.status, with_next(id, data, done.next_step))
}

pub(super) async fn map(call: Call) -> Outcome {
    let (id, vitesse) = begin(&call).await?;
    let done = vitesse.map(id, call.body::<MapOptions>()?).await?;
    let mut data =
        json!({"transformation_count": done.transformation_count, "complexity_score": done.complexity_score});
    if let Some(refusal) = done.refusal() {
        data["remedy"] = refusal.to_string().into();
    }
    stepped(id, done.status, with_next(id, data, done.next_step))
}

pub(super) async fn test(call: Call) -> Outcome {
    let (id, vitesse) = begin(&call).await?;
    let done = vitesse.test(id, call.body::<TestStepOptions>()?).await?;
    if let Err(error) = done.require_pass() {
        let failure = Failure::from(error);
        let failure = failure.with("health_score", done.health_score).with("test_count", done.test_count);
        return Err(failure.with("passed_tests", done.passed_tests));
    }
    let data = json!({
        "health_score": done.health_score, "test_count": done.test_count, "passed_tests": done.passed_tests,
    });
    stepped(id, done.status, with_next(id, data, done.next_step))
}

pub(super) async fn start_test(call: Call) -> Outcome {
    let (id, vitesse) = begin(&call).await?;
    let started = vitesse.start_test(id, call.body::<TestStepOptions>()?).await?;
    // It is waited for when the server stops, as for any request.
    let room = call.app.room.clone();
    tokio::spawn(async move {
        let _permit = room.acquire_owned().await;
        let _ = started.ended.await;
    });
    Ok(Answer::data(&started.run)?.with_status(StatusCode::ACCEPTED))
}

pub(super) async fn deploy(call: Call) -> Outcome {
    let (id, vitesse) = begin(&call).await?;
    let options: DeployOptions = call.body()?;
    brought_up(id, vitesse.deploy(id, options).await.map_err(Failure::of_execution)?)
}

/// The answer of whatever brings a deployment up.
pub(super) fn brought_up(id: Uuid, done: DeployReport) -> Outcome {
    let data = json!({
        "container_id": done.container_id, "service_url": done.service_url,
        "deployment_time_seconds": done.deployment_time_seconds,
    });
    stepped(id, done.status, data)
}

/// The integration that a step is called for, if it is still the one that the caller saw.
pub(super) async fn begin(call: &Call) -> Result<(Uuid, Vitesse)> {
    let id = call.id()?;
    if let Some(revision) = call.expected()? {
        call.vitesse.expect_revision(id, revision).await?;
    }
    Ok((id, call.working(id)))
}

/// Names the step that comes next, and where it is called.
fn with_next(id: Uuid, mut data: Value, next: NextStep) -> Value {
    if let (Value::Object(data), Some(step)) = (&mut data, next) {
        data.insert("next_step".into(), step.as_str().into());
        data.insert("next_endpoint".into(), format!("/integrations/{id}/{step}").into());
    }
    data
}

/// The envelope of a step.
fn stepped(id: Uuid, status: Status, data: Value) -> Outcome {
    let mut envelope = Map::new();
    envelope.insert("status".into(), "success".into());
    envelope.insert("integration_id".into(), id.to_string().into());
    envelope.insert("current_step".into(), status.as_str().to_uppercase().into());
    envelope.insert("data".into(), data);
    Answer::json(&envelope)
}

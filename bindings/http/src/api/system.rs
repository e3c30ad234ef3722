//! The control plane itself.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Failure, Outcome};
use crate::call::{Call, tree};

pub(super) async fn discover(call: Call) -> Outcome {
    let (query, limit) = (call.text("query").unwrap_or_default(), call.number("limit").unwrap_or(10));
    Answer::list(&call.vitesse.discover(query, limit)?, None)
}

pub(super) async fn status(call: Call) -> Outcome {
    let activities = call.vitesse.agent_activities().await?;
    let running = activities.iter().filter(|agent| agent.current_task.is_some()).count();
    let agents: Map<String, Value> = activities
        .iter()
        .map(|agent| Ok((agent.agent_id.clone(), tree(agent)?)))
        .collect::<vitesse_core::Result<_>>()?;
    let store = call.vitesse.repository().store();
    let data = json!({
        "orchestrator": {
            "status": if call.app.ready().await.is_ok() { "running" } else { "degraded" },
            "version": env!("CARGO_PKG_VERSION"),
            "uptime_seconds": call.app.started.elapsed().as_secs(),
            "store": store.backend(),
            "targets": call.vitesse.targets().names().collect::<Vec<_>>(),
            "steps_running": running,
        },
        "agents": agents,
    });
    Answer::data(&data)
}

pub(super) async fn health(_: Call) -> Outcome {
    Answer::json(&json!({"status": "healthy", "version": env!("CARGO_PKG_VERSION")}))
}

pub(super) async fn ready(call: Call) -> Outcome {
    match call.app.ready().await {
        Ok(()) => Answer::json(&json!({"status": "ready"})),
        Err(error) => Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, error)),
    }
}

pub(super) async fn metrics(call: Call) -> Outcome {
    Ok(Answer::text("text/plain; version=0.0.4; charset=utf-8", call.app.metrics_text().await?))
}

pub(super) async fn document(_: Call) -> Outcome {
    Answer::json(crate::document::whole())
}

//! What the agents did, said and took.

use uuid::Uuid;
use vitesse_core::{Error, ErrorKind};

use crate::answer::{Answer, Outcome};
use crate::call::Call;

pub(super) async fn activities(call: Call) -> Outcome {
    Answer::list(&call.vitesse.agent_activities().await?, None)
}

pub(super) async fn communications(call: Call) -> Outcome {
    let of = match call.text("integration_id") {
        None => None,
        Some(text) => Some(text.parse::<Uuid>().map_err(|_| {
            Error::new(ErrorKind::InvalidInput, "integration_id must be a UUID").in_operation("http.request")
        })?),
    };
    let mut all = call.vitesse.agent_communications(of).await?;
    all.truncate(call.number("limit").unwrap_or(50));
    Answer::list(&all, None)
}

pub(super) async fn collaboration(call: Call) -> Outcome {
    Answer::data(&call.vitesse.collaboration().await?)
}

pub(super) async fn metrics(call: Call) -> Outcome {
    Answer::data(&call.vitesse.agent_metrics_of(call.part("agent_id")).await?)
}

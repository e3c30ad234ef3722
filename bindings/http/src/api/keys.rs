//! The keys of those who may ask.

use http::StatusCode;
use serde::Deserialize;

use super::integrations::done;
use crate::answer::{Answer, Outcome};
use crate::call::{Call, tree};

pub(super) async fn list(call: Call) -> Outcome {
    Answer::list(&call.vitesse.keys().await?, None)
}

pub(super) async fn add(call: Call) -> Outcome {
    #[derive(Deserialize)]
    struct Asked {
        name: String,
    }
    let made = call.vitesse.add_key(&call.body::<Asked>()?.name).await?;
    call.app.access.close();
    let mut data = tree(&made.about)?;
    data["key"] = made.key.expose().into();
    Ok(Answer::data(&data)?.with_status(StatusCode::CREATED))
}

pub(super) async fn revoke(call: Call) -> Outcome {
    call.vitesse.revoke_key(call.part("key_id")).await?;
    done("id", call.part("key_id"))
}

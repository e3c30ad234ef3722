//! Named credentials, which come in and are never shown.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use vitesse_core::mapping::Auth;
use vitesse_core::orchestrator::NewConnection;
use vitesse_core::secret::Secret;

use super::integrations::done;
use crate::answer::{Answer, Outcome};
use crate::call::Call;

pub(super) async fn list(call: Call) -> Outcome {
    Answer::list(&call.vitesse.connections().await?, None)
}

pub(super) async fn add(call: Call) -> Outcome {
    #[derive(Deserialize)]
    struct Asked {
        name: String,
        base_url: String,
        auth: Auth,
        #[serde(default)]
        secrets: BTreeMap<String, Secret>,
    }
    let Asked { name, base_url, auth, secrets } = call.body()?;
    let added = call.vitesse.connect(NewConnection { name, base_url, auth, secrets }).await?;
    Ok(Answer::data(&added)?.with_status(StatusCode::CREATED))
}

pub(super) async fn get(call: Call) -> Outcome {
    Answer::data(&call.vitesse.connection(call.part("name")).await?)
}

pub(super) async fn remove(call: Call) -> Outcome {
    call.vitesse.disconnect(call.part("name")).await?;
    done("name", call.part("name"))
}

pub(super) async fn test(call: Call) -> Outcome {
    Answer::data(&call.vitesse.test_connection(call.part("name")).await?)
}

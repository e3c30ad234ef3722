//! What runs of an integration, and what its stages said.

use vitesse_core::deployer::LogQuery;

use super::integrations::{done, there};
use crate::answer::{Answer, Failure, Outcome};
use crate::call::Call;

pub(super) async fn status(call: Call) -> Outcome {
    Answer::data(&call.vitesse.status(call.id()?).await?)
}

pub(super) async fn sync(call: Call) -> Outcome {
    let id = call.id()?;
    Answer::data(&call.working(id).sync_now(id).await.map_err(Failure::of_execution)?)
}

pub(super) async fn pause(call: Call) -> Outcome {
    let id = call.id()?;
    call.working(id).pause(id).await.map_err(Failure::of_execution)?;
    done("integration_id", &id.to_string())
}

pub(super) async fn resume(call: Call) -> Outcome {
    let id = call.id()?;
    call.working(id).resume(id).await.map_err(Failure::of_execution)?;
    done("integration_id", &id.to_string())
}

pub(super) async fn logs(call: Call) -> Outcome {
    let id = call.id()?;
    let paging = call.paging(200);
    let query = LogQuery { after: paging.after, limit: paging.limit };
    let page = call.vitesse.logs(id, &query).await.map_err(Failure::of_execution)?;
    Answer::list(&page.lines, page.next)
}

pub(super) async fn whiteboard(call: Call) -> Outcome {
    Answer::data(&call.vitesse.whiteboard(call.id()?).await?)
}

pub(super) async fn whiteboard_log(call: Call) -> Outcome {
    let id = there(&call).await?;
    let paging = call.paging(50);
    let page = call.vitesse.whiteboard_log(id, paging.after.as_deref(), paging.limit).await?;
    Answer::list(&page.entries, page.next)
}

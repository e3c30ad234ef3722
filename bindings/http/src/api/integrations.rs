//! Integrations and what is kept of them.

use http::{StatusCode, header};
use serde_json::{Map, Value, json};
use vitesse_core::orchestrator::{Overview, UpdateIntegration};
use vitesse_core::store::Revision;
use vitesse_core::store::repository::{Filter, Integration};
use vitesse_core::{Error, ErrorKind, Result};

use crate::answer::{Answer, Content, Outcome};
use crate::call::{Call, tree};

pub(super) async fn list(call: Call) -> Outcome {
    let text = |name: &str| call.text(name).map(str::to_owned);
    let filter = Filter {
        status: call.text("status").map(str::parse).transpose()?,
        name: text("name"),
        created_by: text("created_by"),
        deployment_target: text("deployment_target"),
    };
    let page = call.vitesse.list(&filter, &call.paging(50)).await?;
    if call.text("view") == Some("overview") {
        return Answer::list(&page.items, page.next);
    }
    let summary = |one: &Overview| {
        json!({
            "id": one.id, "name": one.name, "status": one.status, "health_score": one.health_score,
            "created_at": one.created_at,
        })
    };
    let items: Vec<Value> = page.items.iter().map(summary).collect();
    Answer::list(&items, page.next)
}

pub(super) async fn get(call: Call) -> Outcome {
    let read = call.vitesse.repository().light(call.id()?).await?;
    let tag = tag(read.revision);
    if call
        .header(&header::IF_NONE_MATCH)
        .is_some_and(|known| known.split(',').any(|known| known.trim() == tag))
    {
        let content = Content::Json(bytes::Bytes::new());
        let answer = Answer { status: StatusCode::NOT_MODIFIED, headers: Vec::new(), content };
        return Ok(answer.with_header(header::ETAG, tag));
    }
    let one = &read.value;
    let state = json!({
        "integration_id": one.id, "status": one.status, "health_score": one.health_score, "last_updated": one.updated_at,
    });
    Ok(Answer::json(&state)?.with_header(header::ETAG, tag))
}

pub(super) async fn update(call: Call) -> Outcome {
    let id = call.id()?;
    call.vitesse.update(id, call.expected()?, call.body::<UpdateIntegration>()?).await?;
    let now = call.vitesse.repository().light(id).await?;
    let data = json!({"integration": record(&now.value)?});
    Ok(Answer::data(&data)?.with_header(header::ETAG, tag(now.revision)))
}

pub(super) async fn delete(call: Call) -> Outcome {
    let id = call.id()?;
    if let Some(revision) = call.expected()? {
        call.vitesse.expect_revision(id, revision).await?;
    }
    call.working(id).delete(id, call.flag("force")).await.map_err(crate::answer::Failure::of_execution)?;
    done("integration_id", &id.to_string())
}

pub(super) async fn statistics(call: Call) -> Outcome {
    Answer::data(&call.vitesse.statistics().await?)
}

pub(super) async fn details(call: Call) -> Outcome {
    let read = call.vitesse.get_versioned(call.id()?).await?;
    let one = &read.value;
    // Before the step `map` there is nothing of either.
    let (fields, rules) = match one.mapping_logic.is_some() {
        true => (
            tree(&call.vitesse.field_mappings(one.id).await?)?,
            tree(&call.vitesse.transformation_rules(one.id).await?)?,
        ),
        false => (json!([]), json!([])),
    };
    let overview = tree(&call.vitesse.overview(one.id).await?)?;
    let data = json!({
        "integration": record(one)?, "overview": overview, "field_mappings": fields, "transformation_rules": rules,
        "test_report": one.test_report,
    });
    Ok(Answer::data(&data)?.with_header(header::ETAG, tag(read.revision)))
}

pub(super) async fn description(call: Call) -> Outcome {
    let one = call.vitesse.get(call.id()?).await?;
    let kept = match call.part("side") {
        "source" => one.source_api_spec,
        "destination" => one.dest_api_spec,
        other => {
            return Err(Error::new(ErrorKind::NotFound, format!("there is no side {other:?}"))
                .in_operation("http.description")
                .help("the sides are source and destination")
                .into());
        }
    };
    match kept {
        Some(description) => Answer::data(&description),
        None => Err(Error::new(ErrorKind::Prerequisite, "the descriptions have not been read yet")
            .in_operation("http.description")
            .help("run `ingest` first")
            .into()),
    }
}

pub(super) async fn history(call: Call) -> Outcome {
    let id = there(&call).await?;
    let page = call.vitesse.history(id, &call.paging(50)).await?;
    Answer::list(&page.items, page.next)
}

pub(super) async fn configs(call: Call) -> Outcome {
    let id = there(&call).await?;
    Answer::list(&call.vitesse.deployment_configs(id).await?, None)
}

pub(super) async fn tests(call: Call) -> Outcome {
    let id = there(&call).await?;
    let page = call.vitesse.test_runs(id, &call.paging(50)).await?;
    Answer::list(&page.items, page.next)
}

pub(super) async fn test(call: Call) -> Outcome {
    let id = there(&call).await?;
    Answer::data(&call.vitesse.test_run(id, call.uuid("test_id", "test")?).await?)
}

pub(super) async fn results(call: Call) -> Outcome {
    let id = there(&call).await?;
    let page = call.vitesse.test_results(id, &call.paging(50)).await?;
    Answer::list(&page.items, page.next)
}

/// The integration that the path names, if there is one: what belongs to it is empty otherwise.
pub(super) async fn there(call: &Call) -> Result<uuid::Uuid> {
    Ok(call.vitesse.repository().light(call.id()?).await?.value.id)
}

/// What was asked for is done.
pub(super) fn done(name: &str, value: &str) -> Outcome {
    Answer::json(&Map::from_iter([
        ("status".to_owned(), Value::from("success")),
        (name.to_owned(), Value::from(value)),
    ]))
}

/// A revision as a tag.
fn tag(revision: Revision) -> String {
    format!("\"{revision}\"")
}

/// An integration's record with every column, those that a later step fills being null. What is kept of it for our own
/// use stays out.
pub(super) fn record(integration: &Integration) -> Result<Value> {
    let mut record = tree(integration)?;
    if let Value::Object(columns) = &mut record {
        for column in ["source_api_spec", "dest_api_spec", "mapping_logic"] {
            columns.entry(column).or_insert(Value::Null);
        }
        columns.remove("streams");
        columns.remove("test_report");
        if let Some(Value::Object(meta)) = columns.get_mut("extra_metadata") {
            for own in ["deployed_mappings", "deployed_environment", "test_options"] {
                meta.remove(own);
            }
        }
    }
    Ok(record)
}

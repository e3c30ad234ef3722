//! Deployments: what one would do, those that were tried, the way back, and what is generated for whoever runs it
//! elsewhere.

use axum::body::Body;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use vitesse_core::deployer::container_id;
use vitesse_core::orchestrator::{DeployOptions, DeploymentRecord, ImageOptions};
use vitesse_core::{Error, ErrorKind, Result};

use super::steps::{begin, brought_up};
use crate::answer::{Answer, Content, Failure, Outcome};
use crate::call::{Call, tree};

#[derive(Deserialize)]
struct Back {
    to: Option<u32>,
}

/// Places on the server's disk are nothing that a caller may name.
#[derive(Deserialize)]
struct Push {
    push: Option<String>,
    connection: Option<String>,
}

pub(super) async fn preview(call: Call) -> Outcome {
    let id = call.id()?;
    let options: DeployOptions = call.body()?;
    Answer::data(&call.vitesse.preview(id, options).await.map_err(Failure::of_execution)?)
}

pub(super) async fn roll_back(call: Call) -> Outcome {
    let (id, vitesse) = begin(&call).await?;
    let Back { to } = call.body()?;
    brought_up(id, vitesse.roll_back(id, to).await.map_err(Failure::of_execution)?)
}

pub(super) async fn list(call: Call) -> Outcome {
    let all = call.vitesse.deployments(call.id()?, call.number("limit").unwrap_or(50)).await?;
    let all: Vec<Value> = all.iter().map(in_short).collect::<Result<_>>()?;
    Answer::list(&all, None)
}

pub(super) async fn get(call: Call) -> Outcome {
    let number = call.part("number").parse().map_err(|_| {
        Error::new(ErrorKind::NotFound, "there is no such deployment: its number is a whole one")
            .in_operation("http.path")
            .with("number", call.part("number").escape_debug())
    })?;
    Answer::data(&call.vitesse.deployment(call.id()?, Some(number)).await?)
}

pub(super) async fn export(call: Call) -> Outcome {
    Answer::list(&call.vitesse.export(call.id()?).await?, None)
}

pub(super) async fn make_image(call: Call) -> Outcome {
    let id = call.id()?;
    let Push { push, connection } = call.body()?;
    let options = ImageOptions { push, connection, ..ImageOptions::default() };
    Answer::data(&call.working(id).image(id, &options).await.map_err(Failure::of_execution)?)
}

pub(super) async fn image_archive(call: Call) -> Outcome {
    let id = call.id()?;
    let archive = call.vitesse.image_archive(id).await?;
    let content = Content::Stream(HeaderValue::from_static("application/x-tar"), Body::from(archive));
    let answer = Answer { status: StatusCode::OK, headers: Vec::new(), content };
    Ok(answer.with_header(CONTENT_DISPOSITION, format!("attachment; filename=\"{}.tar\"", container_id(id))))
}

/// A record without what it takes to do it again: that is long, and is shown of one.
fn in_short(record: &DeploymentRecord) -> Result<Value> {
    let mut record = tree(record)?;
    if let Some(fields) = record.as_object_mut() {
        for long in ["mappings", "files", "log"] {
            fields.remove(long);
        }
    }
    Ok(record)
}

//! The mapping: looked at, edited, tried.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use vitesse_core::orchestrator::{NewFieldMapping, NewTransformationRule, Reviewed, StreamEdit};
use vitesse_core::{Error, ErrorKind};

use crate::answer::{Answer, Outcome};
use crate::call::{Call, tree};

pub(super) async fn look(call: Call) -> Outcome {
    let review = call.vitesse.review(call.id()?).await?;
    let tag = format!("\"{}\"", review.revision);
    Ok(Answer::data(&review)?.with_header(http::header::ETAG, tag))
}

pub(super) async fn edit(call: Call) -> Outcome {
    #[derive(Deserialize)]
    struct Asked {
        edits: Vec<StreamEdit>,
    }
    let Asked { edits } = call.body()?;
    let done = call.vitesse.edit(call.id()?, call.expected()?, edits).await?;
    Answer::data(&edited(&done))
}

pub(super) async fn attempt(call: Call) -> Outcome {
    #[derive(Deserialize)]
    struct Asked {
        stream: Option<String>,
        dest_field: Option<String>,
        record: Value,
    }
    let Asked { stream, dest_field, record } = call.body()?;
    let record = record.to_string();
    let tried =
        call.vitesse.try_record(call.id()?, stream.as_deref(), dest_field.as_deref(), &record).await?;
    Answer::data(&tried)
}

pub(super) async fn documents(call: Call) -> Outcome {
    let mappings = call.vitesse.mappings(call.id()?).await?;
    let read = |text: String| {
        serde_json::from_str::<Value>(&text).map_err(|error| {
            Error::new(ErrorKind::MappingInvalid, "the mapping holds a number that JSON elsewhere can't")
                .source(error)
        })
    };
    let documents: Vec<Value> =
        mappings.iter().map(|mapping| read(mapping.to_json())).collect::<Result<_, Error>>()?;
    Answer::list(&documents, None)
}

pub(super) async fn field_mappings(call: Call) -> Outcome {
    Answer::list(&call.vitesse.field_mappings(call.id()?).await?, None)
}

pub(super) async fn add_field_mapping(call: Call) -> Outcome {
    let id = call.id()?;
    let new: NewFieldMapping = call.body()?;
    let (stream, field) = (new.stream.clone(), new.target_field.clone());
    let done = call.vitesse.add_field_mapping(id, new).await?;
    let all = call.vitesse.field_mappings(id).await?;
    let added = all.into_iter().find(|line| {
        line.target_field == field && stream.as_ref().is_none_or(|stream| *stream == line.stream)
    });
    let data = json!({"field_mapping": tree(&added)?, "mapping": edited(&done)});
    Ok(Answer::data(&data)?.with_status(StatusCode::CREATED))
}

pub(super) async fn rules(call: Call) -> Outcome {
    Answer::list(&call.vitesse.transformation_rules(call.id()?).await?, None)
}

pub(super) async fn add_rule(call: Call) -> Outcome {
    let id = call.id()?;
    let new: NewTransformationRule = call.body()?;
    let (stream, field) = (new.stream.clone(), new.target_field.clone());
    let done = call.vitesse.add_transformation_rule(id, new).await?;
    let all = call.vitesse.transformation_rules(id).await?;
    let added = all.into_iter().find(|line| {
        line.target_field == field && stream.as_ref().is_none_or(|stream| *stream == line.stream)
    });
    let data = json!({"transformation_rule": tree(&added)?, "mapping": edited(&done)});
    Ok(Answer::data(&data)?.with_status(StatusCode::CREATED))
}

/// What an edit came to, in short: the review tells the rest.
fn edited(done: &Reviewed) -> Value {
    json!({
        "status": done.status, "transformation_count": done.transformation_count, "learned": done.learned,
        "streams": done.streams.iter().map(|stream| stream.name.as_str()).collect::<Vec<_>>(),
    })
}

//! The streams of an integration as its record keeps them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::mapper::{MappingProposal, StreamRef};
use crate::mapping::{Mapping, Sources};
use crate::spec::ApiSpec;
use crate::store::repository::{Integration, TransformationRow};

/// One stream: what is read, what is written, and how the one becomes the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// Its name within the integration: that of the source's resource.
    pub name: String,
    /// What is read, as it is written: `GET /customers`.
    pub source_endpoint: String,
    /// What is written.
    pub dest_endpoint: String,
    /// The mapping, and everything a person should know about it. Kept as text, so that numbers keep their digits.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub proposal: MappingProposal,
}

impl Stream {
    /// The mapping.
    pub fn mapping(&self) -> &Mapping {
        &self.proposal.mapping
    }
}

/// The streams of an integration, in their order; none before the step `map`.
pub(super) fn of(integration: &Integration) -> Result<Vec<Stream>> {
    let Some(kept) = &integration.streams else { return Ok(Vec::new()) };
    serde_json::from_value(kept.clone()).map_err(|error| {
        Error::new(ErrorKind::StoreFailed, "the mappings of an integration can't be read")
            .in_operation("orchestrator.streams")
            .with("integration", integration.id)
            .source(error)
            .help("run `map` again")
    })
}

/// The streams of an integration that has been mapped.
pub(super) fn mapped(integration: &Integration) -> Result<Vec<Stream>> {
    let streams = if integration.mapping_logic.is_some() { of(integration)? } else { Vec::new() };
    if streams.is_empty() {
        return Err(missing("a mapping", "map", integration));
    }
    Ok(streams)
}

/// What an integration's record keeps of its streams.
pub(super) struct Kept {
    streams: Value,
    mapping_logic: Value,
    pub(super) rows: Vec<TransformationRow>,
}

impl Kept {
    pub(super) fn new(streams: &[Stream]) -> Result<Self> {
        let failed = |error: serde_json::Error| {
            Error::new(ErrorKind::Internal, "a mapping can't be written as JSON").source(error)
        };
        let first = streams.first().map(Stream::mapping);
        Ok(Self {
            streams: serde_json::to_value(streams).map_err(failed)?,
            mapping_logic: first.map_or(Ok(Value::Null), as_tree)?,
            rows: streams.iter().flat_map(rows).collect(),
        })
    }

    pub(super) fn write(&self, integration: &mut Integration) {
        integration.streams = Some(self.streams.clone());
        integration.mapping_logic = Some(self.mapping_logic.clone());
    }
}

/// Streams as those after them see them: what their records refer to.
pub(super) fn references(streams: &[Stream]) -> Vec<StreamRef> {
    let there = streams.iter().filter(|stream| stream.proposal.refused.is_none());
    there.map(|stream| reference(&stream.name, &stream.source_endpoint, &stream.dest_endpoint)).collect()
}

/// One of them, by its endpoints as they are written: `GET /customers`.
pub(super) fn reference(name: &str, source_endpoint: &str, dest_endpoint: &str) -> StreamRef {
    let path = |endpoint: &str| endpoint.split_once(' ').map_or(endpoint, |(_, path)| path).to_owned();
    StreamRef {
        stream: name.to_owned(),
        source_endpoint: path(source_endpoint),
        dest_endpoint: path(dest_endpoint),
    }
}

/// The descriptions of both sides.
pub(super) fn specs(integration: &Integration) -> Result<(ApiSpec, ApiSpec)> {
    let read = |kept: &Option<Value>| {
        let kept =
            kept.as_ref().ok_or_else(|| missing("the descriptions of both APIs", "ingest", integration))?;
        ApiSpec::deserialize(kept).map_err(|error| {
            Error::new(ErrorKind::StoreFailed, "a description can't be read: a newer version wrote it")
                .in_operation("orchestrator.specs")
                .with("integration", integration.id)
                .source(error)
                .help("run `ingest` again")
        })
    };
    Ok((read(&integration.source_api_spec)?, read(&integration.dest_api_spec)?))
}

/// A step that was called before the one it depends on.
pub(super) fn missing(what: &str, step: &str, integration: &Integration) -> Error {
    Error::new(ErrorKind::Prerequisite, format!("this step needs {what}"))
        .in_operation("orchestrator.begin")
        .with("integration", integration.id)
        .with("status", integration.status)
        .help(format!("run `{step}` first"))
}

/// A mapping as JSON for people and other programs; its numbers are what JSON's are there.
pub(super) fn as_tree(mapping: &Mapping) -> Result<Value> {
    serde_json::from_str(&mapping.to_value().to_string()).map_err(|error| {
        Error::new(ErrorKind::MappingInvalid, "the mapping holds a number that JSON elsewhere can't")
            .source(error)
    })
}

/// How involved the streams are: the most involved one counts.
pub(super) fn most_complex(streams: &[Stream]) -> f64 {
    streams.iter().map(|stream| stream.proposal.complexity_score).fold(1.0, f64::max)
}

/// How many lines are used.
pub(super) fn used_lines(streams: &[Stream]) -> usize {
    streams.iter().flat_map(|stream| &stream.mapping().transformations).filter(|line| line.enabled).count()
}

fn rows(stream: &Stream) -> Vec<TransformationRow> {
    let text =
        |sources: &Sources| sources.paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let lines = stream.mapping().transformations.iter().filter(|line| line.enabled);
    lines
        .map(|line| TransformationRow {
            source_field: text(&line.source_field),
            dest_field: line.dest_field.to_string(),
            transform_type: line.transform_type.name().to_owned(),
            transform_config: serde_json::from_str(
                &crate::mapping::Value::from(line.transform_config.clone()).to_string(),
            )
            .unwrap_or_default(),
        })
        .collect()
}

fn as_text<S: Serializer>(proposal: &MappingProposal, serializer: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_string(proposal).map_err(ser::Error::custom)?;
    serializer.serialize_str(&text)
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MappingProposal, D::Error> {
    serde_json::from_str(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::mapper::{Gap, MayBeEmpty, Note, Refused, Unmapped};
use crate::mapping::{Mapping, Transformation};
use crate::orchestrator::streams::{Stream, missing, of};
use crate::orchestrator::{StepName, Vitesse};
use crate::store::Revision;
use crate::store::repository::Status;
use crate::transform::Plan;

/// A mapping as a person reviews it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Review {
    /// The integration.
    pub integration_id: Uuid,
    /// Its status.
    pub status: Status,
    /// The revision that an edit can name, so that it isn't made to something else.
    pub revision: Revision,
    /// The streams, in their order.
    pub streams: Vec<StreamReview>,
    /// What comes next.
    pub next_step: Option<StepName>,
}

/// One stream of a review.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StreamReview {
    /// Its name.
    pub name: String,
    /// What is read.
    pub source_endpoint: String,
    /// What is written.
    pub dest_endpoint: String,
    /// The hash that names the mapping.
    pub mapping_hash: String,
    /// How involved it is, from 1 to 10.
    pub complexity_score: f64,
    /// The lines, in the mapping's order.
    pub lines: Vec<LineView>,
    /// Required fields of the destination that no line fills.
    pub unmapped_required: Vec<Unmapped>,
    /// Required fields whose source isn't in every record.
    pub may_be_empty: Vec<MayBeEmpty>,
    /// Fields of the source that no line uses.
    pub unused_source: Vec<String>,
    /// What the descriptions don't say about the connections.
    pub gaps: Vec<Gap>,
    /// Why there is no line, if there is none.
    pub refused: Option<Refused>,
    /// What else to know.
    pub notes: Vec<Note>,
}

/// One line of a review.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LineView {
    /// Its place in the mapping, from 0.
    pub line: usize,
    /// The fields it takes.
    pub source_fields: Vec<String>,
    /// The field it makes.
    pub dest_field: String,
    /// How the value is changed.
    pub transform_type: String,
    /// What the type needs.
    pub transform_config: Value,
    /// Whether it is used.
    pub enabled: bool,
    /// Whether a missing result is an error.
    pub required: bool,
    /// How sure the mapper is, from 0 to 1.
    pub confidence: Option<f64>,
    /// Why the mapper chose it.
    pub reason: Option<String>,
    /// What a person said of it: `accepted`, `rejected`, `replaced`, `hint`.
    pub review: Option<String>,
    /// What people noted.
    pub note: Option<String>,
    /// What else the mapper thought of.
    pub candidates: Value,
}

/// A record before and after a mapping, or one line of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// The record that was given.
    pub before: Value,
    /// What came of it.
    pub after: Value,
}

impl Vitesse {
    /// The mapping of an integration as a person reviews it.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`] before `map`.
    pub async fn review(&self, id: Uuid) -> Result<Review> {
        let read = self.inner.repository.get(id).await?;
        let streams = of(&read.value)?;
        if streams.is_empty() {
            return Err(missing("a mapping", "map", &read.value));
        }
        Ok(Review {
            integration_id: id,
            status: read.value.status,
            revision: read.revision,
            streams: streams.iter().map(view).collect(),
            next_step: crate::orchestrator::outcome::next_step(read.value.status),
        })
    }

    /// The mapping documents of an integration, one a stream: what the runtime gets.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`] before `map`.
    pub async fn mappings(&self, id: Uuid) -> Result<Vec<Mapping>> {
        let integration = self.get(id).await?;
        let streams = crate::orchestrator::streams::mapped(&integration)?;
        Ok(streams.into_iter().map(|stream| stream.proposal.mapping).collect())
    }

    /// Tries a stream's mapping on a record, or only the line for one destination field, with the plan that the
    /// runtime runs. Nothing is kept of the record.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a stream or a line that isn't there, [`ErrorKind::RecordInvalid`] saying what
    /// the mapping can't do with the record.
    pub async fn try_record(
        &self,
        id: Uuid,
        stream: Option<&str>,
        dest_field: Option<&str>,
        record: &str,
    ) -> Result<Tried> {
        let integration = self.get(id).await?;
        let streams = of(&integration)?;
        let stream = find(&streams, stream)?;
        let mut mapping = stream.mapping().clone();
        if let Some(field) = dest_field {
            let at = line_at(&mapping, field)?;
            let mut line = mapping.transformations.swap_remove(at);
            // A line that is off can be tried before it is switched on.
            line.enabled = true;
            mapping.transformations = vec![line];
            (mapping.filter, mapping.source, mapping.destination) = (None, None, None);
        }
        let functions = self.inner.functions.clone().with_references(|_, id| Ok(Some(id.clone())));
        let plan = Plan::compile(&mapping, &functions)?;
        let mut out = Vec::new();
        plan.apply(record.as_bytes(), &mut out)?;
        let tree = |text: &[u8]| {
            serde_json::from_slice(text).map_err(|error| {
                Error::new(ErrorKind::RecordInvalid, "the record isn't JSON")
                    .in_operation("orchestrator.try")
                    .source(error)
            })
        };
        let mut after: Vec<Value> = Vec::new();
        for line in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            after.push(tree(line)?);
        }
        let after = match after.len() {
            1 => after.remove(0),
            0 => Value::Null,
            _ => Value::Array(after),
        };
        Ok(Tried { before: tree(record.as_bytes())?, after })
    }
}

/// The stream of that name; the only one, if none is named.
pub(super) fn find<'a>(streams: &'a [Stream], name: Option<&str>) -> Result<&'a Stream> {
    position(streams, name).map(|at| &streams[at])
}

pub(super) fn position(streams: &[Stream], name: Option<&str>) -> Result<usize> {
    let names = streams.iter().map(|stream| stream.name.as_str());
    let error = |kind, what: String| Error::new(kind, what).in_operation("orchestrator.review");
    match name {
        None if streams.len() == 1 => Ok(0),
        _ if streams.is_empty() => {
            let what = "the integration has no mapping yet".to_owned();
            Err(error(ErrorKind::Prerequisite, what).help("run `map` first"))
        }
        // The integration is there; what was asked of it is wrong.
        Some(name) => streams.iter().position(|stream| stream.name == name).ok_or_else(|| {
            let error = error(ErrorKind::InvalidInput, format!("the integration has no stream {name:?}"));
            match did_you_mean(name, names.clone()) {
                Some(hint) => error.help(hint),
                None => error.help(format!("it has {}", names.collect::<Vec<_>>().join(", "))),
            }
        }),
        None => Err(error(ErrorKind::InvalidInput, "the integration has several streams".to_owned())
            .help(format!("name one of {}", names.collect::<Vec<_>>().join(", ")))),
    }
}

pub(super) fn line_at(mapping: &Mapping, field: &str) -> Result<usize> {
    let names: Vec<String> = mapping.transformations.iter().map(|line| line.dest_field.to_string()).collect();
    // Of two lines that write the same, the one that is used is meant.
    let used = |at: &usize| mapping.transformations[*at].enabled;
    let mut found = (0..names.len()).filter(|at| names[*at] == field);
    found.clone().find(used).or_else(|| found.next()).ok_or_else(|| {
        let error = Error::new(ErrorKind::InvalidInput, format!("no line writes {field}"))
            .in_operation("orchestrator.review");
        match did_you_mean(field, names.iter().map(String::as_str)) {
            Some(hint) => error.help(hint),
            None => error,
        }
    })
}

fn view(stream: &Stream) -> StreamReview {
    let proposal = &stream.proposal;
    StreamReview {
        name: stream.name.clone(),
        source_endpoint: stream.source_endpoint.clone(),
        dest_endpoint: stream.dest_endpoint.clone(),
        mapping_hash: proposal.mapping.hash(),
        complexity_score: proposal.complexity_score,
        lines: proposal.mapping.transformations.iter().enumerate().map(line_view).collect(),
        unmapped_required: proposal.unmapped_required.clone(),
        may_be_empty: proposal.may_be_empty.clone(),
        unused_source: proposal.unused_source.clone(),
        gaps: proposal.gaps.clone(),
        refused: proposal.refused.clone(),
        notes: proposal.notes.clone(),
    }
}

fn line_view((number, line): (usize, &Transformation)) -> LineView {
    use crate::mapping::Value as Exact;
    let tree = |value: Exact| serde_json::from_str(&value.to_string()).unwrap_or(Value::Null);
    LineView {
        line: number,
        source_fields: line.source_field.paths.iter().map(ToString::to_string).collect(),
        dest_field: line.dest_field.to_string(),
        transform_type: line.transform_type.name().to_owned(),
        transform_config: tree(line.transform_config.clone().into()),
        enabled: line.enabled,
        required: line.required,
        confidence: line.confidence,
        reason: line.reason.clone(),
        review: line.extra.get("x-review").and_then(Exact::as_str).map(str::to_owned),
        note: line.note.clone(),
        candidates: tree(line.candidates.clone().into()),
    }
}

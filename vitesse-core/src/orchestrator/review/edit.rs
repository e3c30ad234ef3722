use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use uuid::Uuid;

use super::look::{line_at, position};
use super::{Review, StreamReview};
use crate::error::{Error, ErrorKind, Result};
use crate::mapper::{Edit, EndpointPair, MapRequest, Mapper, Side, StreamRef};
use crate::mapping::{LineError, Mapping};
use crate::orchestrator::lease::{Done, Failed, Job, Run};
use crate::orchestrator::steps::{blocking, forget_test};
use crate::orchestrator::streams::{Kept, Stream, of, references, specs, used_lines};
use crate::orchestrator::whiteboard::What;
use crate::orchestrator::{Constraints, Vitesse, obey};
use crate::spec::ApiSpec;
use crate::store::Revision;
use crate::store::repository::{Action, Integration, Status};

const JOB: Job = Job { name: "review", agent: "mapper", action: Action::Updated };

/// A change that a person makes to a stream's mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamEdit {
    /// The stream; may be left out if there is only one.
    #[serde(default)]
    pub stream: Option<String>,
    /// What is done.
    #[serde(flatten)]
    pub edit: ReviewEdit,
}

/// What can be done to a line; lines are named by their destination field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ReviewEdit {
    /// What the mapper understands: accept, reject, replace, constant, note.
    Line(Edit),
    /// What concerns only how a line is run.
    Run(RunEdit),
}

/// How a line is run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum RunEdit {
    /// A line is left out of the plan, or taken back in; it stays in the document.
    Enable {
        /// The line's destination field.
        dest_field: String,
        /// Whether it is used.
        enabled: bool,
    },
    /// A missing result of the line fails the record, or doesn't.
    Require {
        /// The line's destination field.
        dest_field: String,
        /// Whether it is required.
        required: bool,
    },
}

/// What a review came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reviewed {
    /// The streams after it, in their order.
    pub streams: Vec<Stream>,
    /// The integration's status: a mapping that changed is to be tested again.
    pub status: Status,
    /// How many lines are used now.
    pub transformation_count: usize,
    /// How many confirmed lines were kept as learned.
    pub learned: usize,
}

impl Vitesse {
    /// Changes single lines of an integration's mapping, all of them or none. What people confirm is kept and given
    /// to the mapper when the same two APIs are mapped again. A test of another mapping is dropped, and the status
    /// is then `testing`; what is deployed goes on.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`] before `map`, [`ErrorKind::Conflict`] if `revision` is given and somebody changed
    /// the integration since, [`ErrorKind::InvalidInput`] for an edit of something that isn't there or that
    /// `user_constraints` forbid, [`ErrorKind::MappingInvalid`] if the mapping would not compile any more.
    pub async fn edit(
        &self,
        id: Uuid,
        revision: Option<Revision>,
        edits: Vec<StreamEdit>,
    ) -> Result<Reviewed> {
        if let Some(revision) = revision
            && self.inner.repository.light(id).await?.revision != revision
        {
            return Err(Error::new(ErrorKind::Conflict, "the integration was changed since it was reviewed")
                .in_operation("orchestrator.review")
                .with("integration", id)
                .help("look at the review again and repeat the edit"));
        }
        let run = self
            .begin(id, JOB, |integration| match integration.streams.is_some() {
                true => Ok(()),
                false => Err(crate::orchestrator::streams::missing("a mapping", "map", integration)),
            })
            .await?;
        let outcome = self.edit_all(&run, edits).await;
        run.finish(outcome).await
    }

    async fn edit_all(&self, run: &Run, edits: Vec<StreamEdit>) -> Result<Done<Reviewed>, Failed> {
        let integration = run.integration.clone();
        let told = serde_json::to_value(&edits).unwrap_or_default();
        let mapper = Mapper::new()?.with_functions(self.inner.functions.clone());
        let (before, streams) = blocking(move || {
            let before = of(&integration)?;
            let after = apply_all(&mapper, &integration, before.clone(), edits)?;
            Ok((before, after))
        })
        .await?;
        let hashes = |streams: &[Stream]| streams.iter().map(|s| s.mapping().hash()).collect::<Vec<_>>();
        let changed = hashes(&before) != hashes(&streams);
        let mappings: Vec<&Mapping> = streams.iter().map(Stream::mapping).collect();
        let (also, learned) = self.learned_lines().add_to(Default::default(), &mappings).await?;
        let kept = Kept::new(&streams)?;
        let count = used_lines(&streams);
        let status = match run.integration.status {
            // A mapping that had no line has one now.
            _ if changed && count > 0 => Status::Testing,
            status => status,
        };
        let rows = kept.rows.clone();
        let value = Reviewed { streams, status, transformation_count: count, learned: learned.len() };
        let mut done = Done::new(value, move |integration| {
            kept.write(integration);
            if count == 0 {
                integration.mapping_logic = None;
            }
            integration.status = status;
            if changed {
                forget_test(integration);
            }
        });
        done.rows.transformations = Some(rows);
        done.rows.also = also;
        done.details = Map::from_iter([("edits".to_owned(), told)]);
        done.input_keys = vec!["mapping_logic".into()];
        done.output_keys = vec!["mapping_logic".into()];
        done.output = json!({"transformation_count": count, "learned": learned.len(), "changed": changed});
        done.says = learned
            .iter()
            .map(|line| What::Pattern {
                name: format!("{} -> {}", line.source_field, line.dest_field),
                pattern: json!(line),
            })
            .collect();
        Ok(done)
    }
}

fn apply_all(
    mapper: &Mapper,
    integration: &Integration,
    mut streams: Vec<Stream>,
    edits: Vec<StreamEdit>,
) -> Result<Vec<Stream>> {
    let (source, dest) = specs(integration)?;
    let constraints = Constraints::read(&integration.user_constraints)?;
    for (at, StreamEdit { stream, edit }) in edits.into_iter().enumerate() {
        let numbered = |error: Error| error.with("edit", at + 1);
        let place = position(&streams, stream.as_deref()).map_err(numbered)?;
        let before = references(&streams[..place]);
        let stream = &mut streams[place];
        match edit {
            ReviewEdit::Line(edit) => {
                stream.proposal =
                    judged(mapper, &source, &dest, stream, before, &[edit]).map_err(numbered)?;
            }
            ReviewEdit::Run(edit) => {
                run_edit(&mut stream.proposal.mapping, &edit).map_err(numbered)?;
                stream.proposal = judged(mapper, &source, &dest, stream, before, &[]).map_err(numbered)?;
            }
        }
        obey::check(stream.mapping(), &constraints).map_err(numbered)?;
    }
    Ok(streams)
}

/// Applies the mapper's edits and judges the whole mapping anew.
fn judged(
    mapper: &Mapper,
    source: &ApiSpec,
    dest: &ApiSpec,
    stream: &Stream,
    before: Vec<StreamRef>,
    edits: &[Edit],
) -> Result<crate::mapper::MappingProposal> {
    let pair = EndpointPair::new(source, &stream.source_endpoint, dest, &stream.dest_endpoint)?;
    let from = Side::Endpoint { spec: source, endpoint: pair.source };
    let to = Side::Endpoint { spec: dest, endpoint: pair.dest };
    let request = MapRequest { streams: before, ..MapRequest::default() };
    let mut proposal = mapper.edit(from, to, &request, stream.mapping(), edits)?;
    // The connection blocks stay as they are, and so does what is known of them.
    if proposal.facts.is_empty() {
        proposal.facts.clone_from(&stream.proposal.facts);
    }
    if proposal.gaps.is_empty() {
        proposal.gaps.clone_from(&stream.proposal.gaps);
    }
    Ok(proposal)
}

fn run_edit(mapping: &mut Mapping, edit: &RunEdit) -> Result<()> {
    match edit {
        RunEdit::Enable { dest_field, enabled } => {
            let at = line_at(mapping, dest_field)?;
            mapping.transformations[at].enabled = *enabled;
        }
        RunEdit::Require { dest_field, required } => {
            let at = line_at(mapping, dest_field)?;
            let line = &mut mapping.transformations[at];
            line.required = *required;
            // A required line that may be skipped would not be required.
            if *required && line.on_error == LineError::Skip {
                line.on_error = LineError::Fail;
            }
        }
    }
    Ok(())
}

impl Review {
    /// Edits that accept every line that is used, that nobody reviewed, and of which the mapper is at least so sure.
    pub fn accept_above(&self, confidence: f64) -> Vec<StreamEdit> {
        let mut edits = Vec::new();
        for stream in &self.streams {
            for line in stream.lines.iter().filter(|line| line.enabled && line.review.is_none()) {
                if line.confidence.is_some_and(|share| share >= confidence) {
                    let edit = ReviewEdit::Line(Edit::Accept { dest_field: line.dest_field.clone() });
                    edits.push(StreamEdit { stream: Some(stream.name.clone()), edit });
                }
            }
        }
        edits
    }

    /// The stream of that name.
    pub fn stream(&self, name: &str) -> Option<&StreamReview> {
        self.streams.iter().find(|stream| stream.name == name)
    }
}

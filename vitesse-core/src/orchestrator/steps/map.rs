use std::collections::BTreeMap;

use serde_json::{Map, json};
use uuid::Uuid;

use super::ingest::forget_test;
use crate::error::{Error, ErrorKind, Result};
use crate::mapper::{
    EndpointPair, LearnedLine, MapRequest, Mapper, MapperOptions, MappingProposal, ProposedPair, Side,
    StreamRef, pairs,
};
use crate::mapping::Functions;
use crate::orchestrator::lease::{Done, Failed, Job, Run, inputs};
use crate::orchestrator::outcome::{Mapped, next_step};
use crate::orchestrator::streams::{Kept, Stream, most_complex, of, reference, specs, used_lines};
use crate::orchestrator::whiteboard::{Priority, What, handover};
use crate::orchestrator::{Constraints, MapOptions, Preferences, StepName, StreamOptions, Vitesse, obey};
use crate::spec::{ApiSpec, Endpoint};
use crate::store::repository::{Action, AuditStatus, Integration, Status};

const JOB: Job = Job { name: StepName::Map.as_str(), agent: StepName::Map.agent(), action: Action::Updated };

/// Under which name a record keeps what the last mapping was asked for.
pub(in crate::orchestrator) const MAP_OPTIONS: &str = "map_options";

/// Everything that all streams share.
struct Work {
    source: ApiSpec,
    dest: ApiSpec,
    integration: Integration,
    constraints: Constraints,
    preferences: Preferences,
    /// Hints for whichever stream has the field.
    hints: BTreeMap<String, String>,
    /// The endpoints of all streams.
    all: Vec<EndpointPair>,
    learned: Vec<LearnedLine>,
    previous: Vec<Stream>,
    functions: Functions,
}

/// What one stream is asked for, with its endpoints settled.
struct Wanted {
    name: String,
    pair: EndpointPair,
    source_endpoint: String,
    dest_endpoint: String,
    options: StreamOptions,
    /// The streams that run before it: its records may refer to theirs.
    before: Vec<StreamRef>,
}

impl Vitesse {
    /// The third step: finds partners for the fields of both APIs. Tests that were there are dropped. The status is
    /// then `testing`.
    ///
    /// Without endpoints they are chosen by the intent, one stream for each resource it names. Mapped again, a stream
    /// keeps the lines that people reviewed. If nothing fits, the step ends well with [`Mapped::abstained`]: the
    /// status stays `mapping`, and the reason and the nearest candidates are kept.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`] before `ingest`, [`ErrorKind::NotFound`] for an endpoint that isn't there,
    /// [`ErrorKind::InvalidInput`] for a hint or a constraint that names no field.
    pub async fn map(&self, id: Uuid, options: MapOptions) -> Result<Mapped> {
        let run = self.begin(id, JOB, specs_are_there).await?;
        let outcome = self.map_all(&run, options).await;
        run.finish(outcome).await
    }

    async fn map_all(&self, run: &Run, mut options: MapOptions) -> Result<Done<Mapped>, Failed> {
        let integration = run.integration.clone();
        let (source, dest) = specs(&integration)?;
        let mut hints: BTreeMap<String, String> = BTreeMap::new();
        for (from, to) in &integration.mapping_hints {
            hints.extend(to.as_str().map(|to| (from.clone(), to.to_owned())));
        }
        let asked =
            serde_json::to_value(&MapOptions { restart: false, ..options.clone() }).unwrap_or_default();
        hints.append(&mut options.mapping_hints);
        let mut work = Work {
            learned: self.learned(&source.api_name, &dest.api_name).await?,
            constraints: Constraints::read(&integration.user_constraints)?,
            preferences: Preferences::read(&integration.user_preferences)?,
            previous: if options.restart { Vec::new() } else { of(&integration)? },
            functions: self.inner.functions.clone(),
            source,
            dest,
            integration,
            hints,
            all: Vec::new(),
        };
        let wanted = settle(&work, options)?;
        work.all = wanted.iter().map(|wanted| wanted.pair).collect();
        all_forbidden_known(&work, &wanted)?;
        let step = run.progress().step("map", Some(wanted.len() as u64));
        let mut streams = Vec::new();
        let work = std::sync::Arc::new(work);
        for wanted in wanted {
            step.check()?;
            let key = work.inputs(&wanted);
            let stream = match run.restore(&wanted.name, &key).await? {
                Some(stream) => stream,
                None => {
                    let (work, name) = (work.clone(), wanted.name.clone());
                    let stream = blocking(move || work.map_one(&wanted)).await?;
                    run.checkpoint(&name, &key, &stream).await?;
                    stream
                }
            };
            step.note(format!("{}: {} lines", stream.name, used_lines(std::slice::from_ref(&stream))));
            step.advance(1)?;
            streams.push(stream);
        }
        drop(step);
        Ok(done(&work, streams, asked)?)
    }
}

impl Work {
    /// Names everything that a stream's mapping follows from.
    fn inputs(&self, wanted: &Wanted) -> String {
        let Wanted { name, source_endpoint, dest_endpoint, options, before, .. } = wanted;
        let said = json!([
            options,
            before,
            self.hints,
            self.integration.user_constraints,
            self.integration.user_preferences,
            self.learned,
            self.previous.iter().map(|stream| stream.mapping().to_json()).collect::<Vec<_>>(),
        ]);
        inputs(&[
            name,
            source_endpoint,
            dest_endpoint,
            &self.integration.user_intent,
            &self.source.content_hash,
            &self.dest.content_hash,
            &said.to_string(),
        ])
    }

    fn map_one(&self, wanted: &Wanted) -> Result<Stream> {
        let named = |error: Error| error.with("stream", &wanted.name);
        let least = self.preferences.min_confidence.unwrap_or(0.0) * 1000.0;
        let mapper = Mapper::with_options(MapperOptions {
            // From 0 to 1, as it was checked.
            least_confidence: least.round() as u16,
            ..MapperOptions::default()
        })?
        .with_functions(self.functions.clone());
        let from = Side::Endpoint { spec: &self.source, endpoint: wanted.pair.source };
        let to = Side::Endpoint { spec: &self.dest, endpoint: wanted.pair.dest };
        let request = self.request(wanted)?;
        let kept = self.previous.iter().find(|stream| {
            stream.source_endpoint == wanted.source_endpoint && stream.dest_endpoint == wanted.dest_endpoint
        });
        let mut proposal = match kept {
            Some(previous) => mapper.remap(from, to, &request, previous.mapping()),
            None => mapper.map(from, to, &request),
        }
        .map_err(named)?;
        self.finish(wanted, &mut proposal).map_err(named)?;
        Ok(Stream {
            name: wanted.name.clone(),
            source_endpoint: wanted.source_endpoint.clone(),
            dest_endpoint: wanted.dest_endpoint.clone(),
            proposal,
        })
    }

    fn request(&self, wanted: &Wanted) -> Result<MapRequest> {
        let endpoint = self.endpoint(wanted)?;
        let mut hints = self.hints_for(wanted.pair, wanted.before.is_empty());
        hints.extend(wanted.options.mapping_hints.clone());
        Ok(MapRequest {
            intent: self.integration.user_intent.clone(),
            hints: hints.into_iter().collect(),
            constants: wanted.options.constants.clone().into_iter().collect(),
            never_send: obey::forbidden_here(&self.constraints, &self.source, endpoint),
            learned: self.learned.clone(),
            overrides: wanted.options.overrides.clone(),
            streams: wanted.before.clone(),
        })
    }

    /// The hints for all streams that concern one: those whose two fields it has. One that is for no stream at all
    /// stays with the first, where the mapper says what is wrong with it.
    fn hints_for(&self, pair: EndpointPair, first: bool) -> BTreeMap<String, String> {
        let has = |pair: EndpointPair, from: &str, to: &str| {
            let source = self.source.get(pair.source).and_then(obey::record_schema);
            let dest = self.dest.get(pair.dest).and_then(|endpoint| endpoint.request_schema);
            source.is_some_and(|root| self.source.schemas.field(root, from).is_some())
                && dest.is_some_and(|root| self.dest.schemas.field(root, to).is_some())
        };
        let some = |from: &str, to: &str| self.all.iter().any(|pair| has(*pair, from, to));
        let mut hints = self.hints.clone();
        hints.retain(|from, to| has(pair, from, to) || (first && !some(from, to)));
        hints
    }

    fn finish(&self, wanted: &Wanted, proposal: &mut MappingProposal) -> Result<()> {
        let mapping = &mut proposal.mapping;
        mapping.integration_id = self.integration.id.to_string();
        mapping.stream.clone_from(&wanted.name);
        obey::prefer(mapping, &self.preferences);
        if proposal.refused.is_none() {
            obey::without_forbidden_calls(mapping, &self.constraints)?;
        }
        Ok(())
    }

    fn endpoint(&self, wanted: &Wanted) -> Result<&Endpoint> {
        self.source.get(wanted.pair.source).ok_or_else(|| {
            Error::new(ErrorKind::Internal, "an endpoint was lost").in_operation("orchestrator.map")
        })
    }
}

fn specs_are_there(integration: &Integration) -> Result<()> {
    match integration.source_api_spec.is_some() && integration.dest_api_spec.is_some() {
        true => Ok(()),
        false => {
            Err(crate::orchestrator::streams::missing("the descriptions of both APIs", "ingest", integration))
        }
    }
}

/// Which streams there are to be, in their order.
fn settle(work: &Work, options: MapOptions) -> Result<Vec<Wanted>> {
    let MapOptions { source_endpoint, dest_endpoint, constants, overrides, streams, .. } = options;
    if !streams.is_empty() {
        if source_endpoint.is_some() || dest_endpoint.is_some() {
            return Err(Error::new(ErrorKind::InvalidInput, "give either streams or one pair of endpoints")
                .in_operation("orchestrator.map"));
        }
        let mut wanted: Vec<Wanted> = Vec::new();
        for stream in streams {
            wanted.extend(named(work, stream)?);
        }
        return unique(wanted);
    }
    let stream =
        StreamOptions { source_endpoint, dest_endpoint, constants, overrides, ..StreamOptions::default() };
    unique(named(work, stream)?)
}

/// The streams that one wish means: one, if it names endpoints; else those that the intent means.
fn named(work: &Work, options: StreamOptions) -> Result<Vec<Wanted>> {
    let blank =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let (source, dest) = (blank(&options.source_endpoint), blank(&options.dest_endpoint));
    if let (Some(source), Some(dest)) = (&source, &dest) {
        let pair = EndpointPair::new(&work.source, source, &work.dest, dest)?;
        let written = |spec: &ApiSpec, id| {
            spec.get(id).map(|e: &Endpoint| format!("{} {}", e.method, e.path)).unwrap_or_default()
        };
        let (from, to) = (written(&work.source, pair.source), written(&work.dest, pair.dest));
        let name = options.name.clone().unwrap_or_else(|| resource(&from));
        return Ok(vec![Wanted {
            name,
            pair,
            source_endpoint: from,
            dest_endpoint: to,
            options,
            before: Vec::new(),
        }]);
    }
    let found = pairs(&work.source, &work.dest, &work.integration.user_intent)?;
    let fits = |written: &str, asked: &Option<String>| {
        asked.as_ref().is_none_or(|asked| written == asked || written.ends_with(&format!(" {asked}")))
    };
    let found: Vec<ProposedPair> = found
        .into_iter()
        .filter(|pair| fits(&pair.source_endpoint, &source) && fits(&pair.dest_endpoint, &dest))
        .collect();
    if found.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "the intent doesn't say which endpoints belong together",
        )
        .in_operation("orchestrator.map")
        .with("intent", &work.integration.user_intent)
        .help("name source_endpoint and dest_endpoint, as in `GET /customers` and `POST /contacts`"));
    }
    let wanted = found.into_iter().map(|pair| Wanted {
        name: options.name.clone().unwrap_or(pair.stream),
        pair: pair.pair,
        source_endpoint: pair.source_endpoint,
        dest_endpoint: pair.dest_endpoint,
        options: options.clone(),
        before: Vec::new(),
    });
    Ok(wanted.collect())
}

/// Streams are known by their names; of the same name, later ones get a number. Each knows those before it.
fn unique(wanted: Vec<Wanted>) -> Result<Vec<Wanted>> {
    let mut names: Vec<String> = Vec::new();
    let mut before: Vec<StreamRef> = Vec::new();
    let mut all = wanted;
    for stream in &mut all {
        let base = stream.name.clone();
        let mut number = 2;
        while names.contains(&stream.name) {
            stream.name = format!("{base}-{number}");
            number += 1;
        }
        names.push(stream.name.clone());
        stream.before.clone_from(&before);
        before.push(reference(&stream.name, &stream.source_endpoint, &stream.dest_endpoint));
    }
    Ok(all)
}

/// `customers` of `GET /v2/customers/{id}`.
fn resource(endpoint: &str) -> String {
    let path = endpoint.split_once(' ').map_or(endpoint, |(_, path)| path);
    let word = path.split('/').rfind(|part| !part.is_empty() && !part.contains('{')).unwrap_or("records");
    word.to_owned()
}

fn all_forbidden_known(work: &Work, wanted: &[Wanted]) -> Result<()> {
    let mut known = Vec::new();
    let mut fields = Vec::new();
    for stream in wanted {
        let endpoint = work.endpoint(stream)?;
        known.extend(obey::forbidden_here(&work.constraints, &work.source, endpoint));
        if let Some(root) = obey::record_schema(endpoint) {
            fields
                .extend(work.source.schemas.fields(root, 4).into_iter().map(|field| field.path.to_string()));
        }
    }
    obey::all_known(&work.constraints, &known, &fields)
}

fn done(work: &Work, streams: Vec<Stream>, asked: serde_json::Value) -> Result<Done<Mapped>> {
    let abstained = streams.iter().all(|stream| stream.proposal.refused.is_some());
    let status = if abstained { Status::Mapping } else { Status::Testing };
    let (count, complexity) = (used_lines(&streams), most_complex(&streams));
    let reasons: Vec<String> = streams
        .iter()
        .filter_map(|s| Some(format!("{}: {}", s.name, s.proposal.refused.as_ref()?.reason)))
        .collect();
    let refused = reasons.len();
    let kept = Kept::new(&streams)?;
    let summary = json!({
        "transformation_count": count, "complexity_score": complexity, "refused": reasons,
        "streams": streams.iter().map(|s| [&s.source_endpoint, &s.dest_endpoint]).collect::<Vec<_>>(),
    });
    let says = match abstained {
        true => {
            handover(JOB.agent, "discovery", format!("nothing fits: {}", reasons.join("; ")), Priority::High)
        }
        false => handover(JOB.agent, "guardian", format!("{count} lines are to be tested"), Priority::Normal),
    };
    let all = streams.len();
    let value = Mapped {
        integration_id: work.integration.id,
        status,
        transformation_count: count,
        complexity_score: complexity,
        abstained,
        streams,
        next_step: next_step(status),
    };
    let rows = if abstained { Vec::new() } else { kept.rows.clone() };
    let mut done = Done::new(value, move |integration| {
        kept.write(integration);
        // What a file that says the same would be compared with.
        integration.extra_metadata.insert(MAP_OPTIONS.into(), asked.clone());
        if abstained {
            // What was proposed is kept for people to look at; it is no mapping to go on with.
            integration.mapping_logic = None;
        }
        forget_test(integration);
        integration.status = status;
    });
    done.status = match refused {
        0 => AuditStatus::Success,
        some if some < all => AuditStatus::Partial,
        _ => AuditStatus::Failed,
    };
    done.rows.transformations = Some(rows);
    done.details = Map::from_iter([("mapping".to_owned(), summary.clone())]);
    done.output = summary;
    done.input_keys =
        ["source_api_spec", "dest_api_spec", "user_intent", "user_constraints", "user_preferences"]
            .map(String::from)
            .to_vec();
    done.output_keys = vec!["mapping_logic".into()];
    done.says = vec![says];
    if !work.learned.is_empty() {
        let pattern = json!({"lines": work.learned.len()});
        done.says.push(What::Pattern { name: "learned_lines_used".into(), pattern });
    }
    Ok(done)
}

/// Does work that takes the processor for a while where it holds nobody up.
pub(in crate::orchestrator) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Error::new(ErrorKind::Internal, "a step broke off").in_operation("orchestrator.step").source(error)
    })?
}

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vitesse_core::config::Config;
use vitesse_core::ingestor::Ingestor;
use vitesse_core::mapper::{LanguageModel, MapRequest, Mapper, MappingProposal, ProposedPair, Side, pairs};
use vitesse_core::mapping::{RecordError, Transformation};
use vitesse_core::net::{Client, NetConfig};
use vitesse_core::spec::{ApiSpec, EndpointId, Method};
use vitesse_core::{Error, ErrorKind, Result, files};

use crate::args::Match;
use crate::ui::{Screen, Show, Ui};

pub(crate) fn run(args: &Match, config: Result<Config>, ui: &Ui) -> Result<()> {
    let mapper = Mapper::new()?;
    let (Some(source), Some(dest)) = (&args.source, &args.dest) else {
        return match (&args.batch, &args.out) {
            (Some(folder), Some(file)) => batch(&mapper, folder, file, ui),
            (Some(_), None) => Err(Error::new(ErrorKind::InvalidInput, "--batch needs --out")
                .help("name the file that the answers go to: --out FILE")),
            _ => Err(Error::new(ErrorKind::InvalidInput, "a source and a destination are needed")),
        };
    };
    let request = request(args)?;
    let model = language_model(args, &config)?;
    let map = |source: Side<'_>, dest: Side<'_>| match &model {
        Some(model) => super::wait(mapper.map_with(source, dest, &request, model)),
        None => mapper.map(source, dest, &request),
    };
    let (source, dest) = (Given::read(source, &config, ui)?, Given::read(dest, &config, ui)?);
    let (proposal, others) = match (&source, &dest) {
        (Given::Api(from, None), Given::Api(to, None)) => {
            let mut found = pairs(from, to, &request.intent)?;
            if found.is_empty() {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    "no endpoints of the two APIs fit each other",
                )
                .in_operation("cli.match")
                .help("name them: FILE#GET /path"));
            }
            let best = found.remove(0);
            let (source, dest) = (side(from, best.pair.source), side(to, best.pair.dest));
            (map(source, dest)?, found)
        }
        _ => (map(source.side()?, dest.side()?)?, Vec::new()),
    };
    if let Some(file) = &args.out {
        write(file, proposal.mapping.to_json().as_bytes())?;
    }
    let out = args.out.as_ref().map(|file| file.display().to_string());
    ui.report(&Report { proposal, other_pairs: others, out })
}

fn side(spec: &ApiSpec, endpoint: EndpointId) -> Side<'_> {
    Side::Endpoint { spec, endpoint }
}

/// The language model that the options name, if they name one.
fn language_model(args: &Match, config: &Result<Config>) -> Result<Option<LanguageModel>> {
    let Some(url) = &args.llm_url else { return Ok(None) };
    let config = usable(config)?;
    let client = Client::new(NetConfig::from_config(config)?)?;
    LanguageModel::at(url, args.llm_model.as_deref(), config, client).map(Some)
}

/// What the environment says; two files can be mapped whatever is wrong with it.
fn usable(config: &Result<Config>) -> Result<&Config> {
    config.as_ref().map_err(|error| {
        Error::new(ErrorKind::ConfigInvalid, error.message().to_owned()).in_operation("cli.match")
    })
}

fn request(args: &Match) -> Result<MapRequest> {
    let mut request = MapRequest {
        intent: args.intent.clone().unwrap_or_default(),
        never_send: args.never_send.clone(),
        ..MapRequest::default()
    };
    for hint in &args.hints {
        let (a, b) = hint.split_once('=').ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a hint is two paths with = between").with("hint", hint)
        })?;
        request.hints.push((a.trim().to_owned(), b.trim().to_owned()));
    }
    for constant in &args.constants {
        let (field, value) = constant.split_once('=').ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a constant is a path and a value with = between")
                .with("constant", constant)
        })?;
        // What isn't JSON is text: `channel=web` needs no quotes.
        let value = serde_json::from_str(value.trim()).unwrap_or_else(|_| Value::from(value.trim()));
        request.constants.push((field.trim().to_owned(), value));
    }
    Ok(request)
}

/// What was named on the command line.
enum Given {
    Schema(Value),
    Api(Box<ApiSpec>, Option<(Method, String)>),
}

impl Given {
    fn read(text: &str, config: &Result<Config>, ui: &Ui) -> Result<Self> {
        let (address, endpoint) = match text.rsplit_once('#').map(|(address, name)| (address, endpoint(name)))
        {
            Some((address, Some(endpoint))) => (address, Some(endpoint)),
            _ => (text, None),
        };
        let remote = address.starts_with("http://") || address.starts_with("https://");
        if endpoint.is_none() && !remote && address.ends_with(".json") {
            let value: Value = read(Path::new(address))?;
            if value.get("openapi").is_none() && value.get("swagger").is_none() {
                return Ok(Self::Schema(value));
            }
        }
        let ingestor = Ingestor::new(Client::new(NetConfig::from_config(usable(config)?)?)?)
            .with_progress(ui.progress());
        let found = super::wait(async { ingestor.read(address).await })?;
        Ok(Self::Api(Box::new(found.spec), endpoint))
    }

    fn side(&self) -> Result<Side<'_>> {
        match self {
            Self::Schema(schema) => Ok(Side::schema(schema)),
            Self::Api(spec, Some((method, path))) => Side::endpoint(spec, method, path),
            Self::Api(spec, None) => {
                Err(Error::new(ErrorKind::InvalidInput, "which endpoint is meant isn't said")
                    .with("api", &spec.api_name)
                    .help("name it: FILE#GET /path; or give two API descriptions and an intent"))
            }
        }
    }
}

/// `GET /customers`, or `/customers`.
fn endpoint(text: &str) -> Option<(Method, String)> {
    let (method, path) = text.trim().split_once(char::is_whitespace).unwrap_or(("GET", text.trim()));
    let path = path.trim();
    Some((Method::known(method)?, path.to_owned())).filter(|_| path.starts_with('/'))
}

#[derive(Deserialize)]
struct Case {
    id: String,
    #[serde(default)]
    intent: String,
    source: Record,
    dest: Record,
}

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    name: String,
    schema: Value,
}

impl Record {
    fn side(&self) -> Side<'_> {
        Side::Schema { name: &self.name, schema: &self.schema }
    }
}

fn batch(mapper: &Mapper, folder: &Path, out: &Path, ui: &Ui) -> Result<()> {
    let problem = |error: std::io::Error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let kind = if missing { ErrorKind::NotFound } else { ErrorKind::Io };
        Error::new(kind, "the folder can't be read").with("folder", folder.display()).source(error)
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    let mut answers = BTreeMap::new();
    let mut refused = Vec::new();
    for file in &files {
        let case: Case = read(file)?;
        let request = MapRequest { intent: case.intent.clone(), ..MapRequest::default() };
        let matches = mapper
            .match_fields(case.source.side(), case.dest.side(), &request)
            .map_err(|error| error.with("case", &case.id))?;
        let pair = |pair: &vitesse_core::mapper::matching::Pair| {
            let (s, d) = (&matches.source[pair.source], &matches.dest[pair.dest]);
            json!([s.path, d.path, f64::from(pair.confidence) / 1000.0])
        };
        let lines: Vec<_> = matches.pairs.iter().map(pair).collect();
        if matches.refused.is_some() {
            refused.push(case.id.clone());
        }
        answers.insert(case.id, lines);
    }
    let text = serde_json::to_vec(&answers).map_err(|error| {
        Error::new(ErrorKind::Internal, "the answers can't be written as JSON").source(error)
    })?;
    write(out, &text)?;
    ui.report(&Batch { cases: files.len(), refused, out: out.display().to_string() })
}

fn write(file: &Path, text: &[u8]) -> Result<()> {
    std::fs::write(file, text).map_err(|error| {
        Error::new(ErrorKind::Io, "the file can't be written").with("path", file.display()).source(error)
    })
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = files::read(path, files::MOST_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Error::new(ErrorKind::SpecInvalid, "the file is not the JSON that was expected")
            .with("path", path.display())
            .source(error)
            .help("give a JSON Schema file, or name an endpoint of an API description: FILE#GET /path")
    })
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    proposal: MappingProposal,
    /// Other pairs of endpoints for the intent, when none was named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_pairs: Vec<ProposedPair>,
    #[serde(skip)]
    out: Option<String>,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        let proposal = &self.proposal;
        let mapping = &proposal.mapping;
        if !mapping.source_endpoint.is_empty() {
            screen.heading(format!("{} → {}", mapping.source_endpoint, mapping.dest_endpoint));
        }
        let rows = mapping.transformations.iter().map(row).collect();
        screen.table(&["source", "", "destination", "confidence", "reason"], rows);
        if let Some(refused) = &proposal.refused {
            screen.warn(&refused.reason);
            for near in &refused.nearest {
                let share = near.confidence;
                screen.line(format!("  near: {} → {} ({share:.2})", near.source_field, near.dest_field));
            }
            if !refused.hints.is_empty() {
                let hints: Vec<_> = refused.hints.iter().map(|hint| format!("--hint '{hint}'")).collect();
                screen.hint(format!("complete one of {}", hints.join(", ")));
            }
        } else {
            screen.line(format!(
                "{} lines, complexity {:.1} of 10",
                proposal.transformation_count, proposal.complexity_score
            ));
        }
        for unmapped in &proposal.unmapped_required {
            screen.warn(format!(
                "the destination requires {} ({}), and nothing fills it: {}",
                unmapped.field, unmapped.holds, unmapped.help
            ));
        }
        for doubt in &proposal.may_be_empty {
            screen.warn(format!("{} may stay empty: {}", doubt.field, doubt.because));
        }
        if !proposal.notes.is_empty() {
            screen.heading("Notes");
            proposal.notes.iter().for_each(|note| screen.line(note));
        }
        if !proposal.gaps.is_empty() {
            screen.heading("Open questions about the connections");
            for gap in &proposal.gaps {
                let mark = if gap.blocks { " (blocks deploy)" } else { "" };
                screen.line(format!("{}: {}{mark}", gap.name, gap.question));
            }
        }
        if !self.other_pairs.is_empty() {
            screen.heading("Other pairs for the intent");
            for pair in &self.other_pairs {
                screen.line(format!("{} → {}: {}", pair.source_endpoint, pair.dest_endpoint, pair.reason));
            }
        }
        if let Some(file) = &self.out {
            let rest = match mapping.on_error {
                RecordError::DeadLetter => " --dead-letters FILE",
                _ => "",
            };
            screen.hint(format!("vitesse-runtime transform --mapping {file}{rest}"));
        }
    }
}

fn row(line: &Transformation) -> Vec<String> {
    let paths: Vec<_> = line.source_field.paths.iter().map(ToString::to_string).collect();
    let function = line.transform_config.get("function").and_then(|name| name.as_str());
    let arrow = match (line.enabled, function, line.transform_type.name()) {
        (false, ..) => "✗".to_owned(),
        (_, Some(function), _) => format!("{function} →"),
        (_, None, "direct" | "mapping") => "→".to_owned(),
        (_, None, kind) => format!("{kind} →"),
    };
    let confidence = line.confidence.map(|share| format!("{share:.2}")).unwrap_or_default();
    let reason = line.reason.clone().unwrap_or_default();
    vec![paths.join(" + "), arrow, line.dest_field.to_string(), confidence, reason]
}

#[derive(Serialize)]
struct Batch {
    cases: usize,
    /// The cases without a line.
    refused: Vec<String>,
    out: String,
}

impl Show for Batch {
    fn show(&self, screen: &mut Screen) {
        screen.done(format!("{} cases answered in {}; {} refused", self.cases, self.out, self.refused.len()));
    }
}

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vitesse_core::mapper::{Mapper, MappingProposal, Request};
use vitesse_core::{Error, ErrorKind, Result, files};

use crate::args::Match;
use crate::ui::{Screen, Show, Ui};

pub(crate) fn run(args: &Match, ui: &Ui) -> Result<()> {
    let mapper = Mapper::new()?;
    if let (Some(folder), Some(file)) = (&args.batch, &args.out) {
        return batch(&mapper, folder, file, ui);
    }
    let (Some(source), Some(dest)) = (&args.source, &args.dest) else {
        return Err(Error::new(ErrorKind::InvalidInput, "a source and a destination are needed"));
    };
    let mut request = Request::default();
    for hint in &args.hints {
        let (a, b) = hint.split_once('=').ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a hint is two paths with = between").with("hint", hint)
        })?;
        request.hints.push((a.trim().to_owned(), b.trim().to_owned()));
    }
    let (source, dest): (Value, Value) = (read(source)?, read(dest)?);
    request.source_name = title(&source);
    request.dest_name = title(&dest);
    ui.report(&Report { proposal: mapper.map(&source, &dest, &request)? })
}

fn title(schema: &Value) -> String {
    schema.get("title").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[derive(Deserialize)]
struct Case {
    id: String,
    source: Side,
    dest: Side,
}

#[derive(Deserialize)]
struct Side {
    #[serde(default)]
    name: String,
    schema: Value,
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
        let request =
            Request { source_name: case.source.name, dest_name: case.dest.name, ..Request::default() };
        let proposal = mapper
            .map(&case.source.schema, &case.dest.schema, &request)
            .map_err(|error| error.with("case", &case.id))?;
        let line = |line: &vitesse_core::mapper::ProposedLine| {
            json!([line.source, line.dest, f64::from(line.confidence) / 1000.0])
        };
        let lines: Vec<_> = proposal.lines.iter().map(line).collect();
        if proposal.refused.is_some() {
            refused.push(case.id.clone());
        }
        answers.insert(case.id, lines);
    }
    let text = serde_json::to_vec(&answers).map_err(|error| {
        Error::new(ErrorKind::Internal, "the answers can't be written as JSON").source(error)
    })?;
    std::fs::write(out, text).map_err(|error| {
        Error::new(ErrorKind::Io, "the file can't be written").with("path", out.display()).source(error)
    })?;
    ui.report(&Batch { cases: files.len(), refused, out: out.display().to_string() })
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = files::read(path, files::MOST_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Error::new(ErrorKind::SpecInvalid, "the file is not the JSON that was expected")
            .with("path", path.display())
            .source(error)
            .help("give a JSON Schema file")
    })
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    proposal: MappingProposal,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        let rows = self.proposal.lines.iter().map(|line| {
            let confidence = format!("{}.{:02}", line.confidence / 1000, line.confidence % 1000 / 10);
            vec![line.source.clone(), "→".into(), line.dest.clone(), confidence, line.reason.clone()]
        });
        screen.table(&["source", "", "destination", "confidence", "reason"], rows.collect());
        if let Some(reason) = &self.proposal.refused {
            screen.warn(reason);
        }
        for field in &self.proposal.unmapped_required {
            screen.warn(format!("the destination requires {field}, and nothing fills it"));
        }
    }
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

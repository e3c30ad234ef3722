//! `transform`: records in, records out.

mod input;
mod output;
mod report;
mod trace;
mod work;

use std::path::Path;

use vitesse_core::mapping::{FieldPath, Functions, Mapping, RecordError};
use vitesse_core::transform::Plan;
use vitesse_core::{Error, ErrorKind, Result, files};

use crate::args::{OnError, Transform};
pub(crate) use trace::Traced;

/// Runs the command.
pub(crate) fn run(options: &Transform, functions: &Functions) -> Result<()> {
    if options.check {
        return check(&options.mapping, functions);
    }
    let (mapping, plan) = ready(&options.mapping, functions)?;
    refuse_overwriting(options)?;
    let policy = policy(options, plan.compiled().on_error)?;
    let mut input = input::Input::open(options)?;
    let mut output = output::Output::create(options.output.as_deref(), options.output_compression)?;
    let mut dead_letters =
        options.dead_letters.as_deref().map(|path| output::Output::create(Some(path), None)).transpose()?;
    let id = mapping.source.as_ref().and_then(|source| source.id_field.clone());
    let id = id.unwrap_or_else(|| FieldPath::new([vitesse_core::mapping::Step::Key("id".to_owned())]));
    let tracer = options.trace.as_ref().map(|which| trace::Tracer { plan: &plan, which, id });
    let report = report::Report::new(options, input.total());
    let work = work::Work { plan: &plan, options, policy, report: &report, tracer: tracer.as_ref() };
    let done = work.run(&mut input, &mut output, dead_letters.as_mut());
    report.finish();
    // Dead letters are kept even if the run failed: they may be the reason.
    if let Some(dead_letters) = dead_letters {
        dead_letters.finish()?;
    }
    done?;
    output.finish()?;
    report.summary();
    Ok(())
}

/// Says whether this runtime can run a mapping.
fn check(mapping: &Path, functions: &Functions) -> Result<()> {
    let (_, plan) = ready(mapping, functions)?;
    let lines = plan.compiled().lines.len();
    let how = match (plan.is_fast(), plan.slow_lines()) {
        (true, []) => "all of them from bytes to bytes".to_owned(),
        (true, slow) => {
            let numbers: Vec<String> = slow.iter().map(usize::to_string).collect();
            format!("all from bytes to bytes but these, counted from 0: {}", numbers.join(", "))
        }
        (false, _) => {
            "each record is read as a whole, because conditions or a split change what lines take".to_owned()
        }
    };
    crate::say(&format!("{}: valid, {lines} lines; {how}", mapping.display()));
    Ok(())
}

fn ready(path: &Path, functions: &Functions) -> Result<(Mapping, Plan)> {
    let text = files::read(path, files::MOST_BYTES)?;
    let at = |error: Error| error.with("mapping", path.display());
    let mapping = Mapping::parse(&text).map_err(|problems| at(problems.into()))?;
    let plan = Plan::compile(&mapping, functions).map_err(at)?;
    Ok((mapping, plan))
}

/// An output that is also an input, or two outputs in one file, would destroy records.
fn refuse_overwriting(options: &Transform) -> Result<()> {
    let outputs = [(&options.output, "output"), (&options.dead_letters, "dead letters")];
    let mut taken: Vec<(std::path::PathBuf, &str)> =
        options.input.iter().filter_map(|path| Some((path.canonicalize().ok()?, "input"))).collect();
    for (path, what) in outputs.into_iter().filter_map(|(path, what)| Some((path.as_deref()?, what))) {
        if std::fs::metadata(path).is_ok_and(|facts| !facts.is_file()) {
            continue;
        }
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let Some((_, other)) = taken.iter().find(|(known, _)| *known == place) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("the {what} would go over the {other}: they are one file"),
            )
            .in_operation("runtime.transform")
            .with("file", path.display())
            .help("name another file"));
        }
        taken.push((place, what));
    }
    Ok(())
}

/// What happens to a record that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Fail,
    Skip,
    DeadLetter,
}

fn policy(options: &Transform, mapping: RecordError) -> Result<Policy> {
    Ok(match (options.on_error, &options.dead_letters, mapping) {
        (Some(OnError::Fail), ..) => Policy::Fail,
        (Some(OnError::Skip), ..) => Policy::Skip,
        (None, Some(_), _) => Policy::DeadLetter,
        (None, None, RecordError::Fail) => Policy::Fail,
        (None, None, RecordError::Skip) => Policy::Skip,
        (None, None, RecordError::DeadLetter) => {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the mapping sends failed records to the dead letters",
            )
            .in_operation("runtime.transform")
            .help("say where with --dead-letters FILE, or choose another way with --on-error"));
        }
    })
}

/// An error of reading or writing, with the place it happened at.
pub(crate) fn io(place: impl std::fmt::Display, error: std::io::Error) -> Error {
    let kind = if error.kind() == std::io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Io };
    Error::new(kind, error.to_string()).in_operation("runtime.transform").with("file", place)
}

fn name_of(path: Option<&Path>, otherwise: &str) -> String {
    path.map_or(otherwise.to_owned(), |path| path.display().to_string())
}

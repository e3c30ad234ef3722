//! A mapping line by line, and a person's word on it.

mod ask;
mod edits;

use std::io::{IsTerminal, Read as _};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;
use vitesse_core::orchestrator::{LineView, Review, StreamReview, Tried, Vitesse};
use vitesse_core::{Error, ErrorKind, Result, files};

use super::session::{Session, short};
use crate::args;
use crate::ui::{Screen, Show};

/// How many runners-up of a line are shown.
const CANDIDATES: usize = 3;

pub(crate) fn run(args: &args::Review, session: &Session<'_>) -> Result<()> {
    session.with(&args.which, async |vitesse, id| {
        let mut review = vitesse.review(id).await?;
        let edits = edits::of(args, &review)?;
        if !edits.is_empty() {
            vitesse.edit(id, Some(review.revision), edits).await?;
            review = vitesse.review(id).await?;
        } else if let Some(file) = &args.record {
            let record = record(file)?;
            let stream = args.stream.as_deref();
            let only = args.only.as_deref().map(|line| edits::field(&review, stream, line)).transpose()?;
            let tried = vitesse.try_record(id, stream, only.as_deref(), &record).await?;
            return session.ui.report(&Shown { tried });
        }
        let asked = args.interactive
            || (!session.ui.is_json()
                && args.edits_nothing()
                && std::io::stdin().is_terminal()
                && std::io::stdout().is_terminal());
        session.ui.report(&Report { review: only(review, args.stream.as_deref())?, next: !asked })?;
        match asked {
            true => ask::until_done(&vitesse, id, args.stream.as_deref(), session).await,
            false => Ok(()),
        }
    })
}

/// Only one stream of it, if one is named.
fn only(mut review: Review, stream: Option<&str>) -> Result<Review> {
    if let Some(name) = stream {
        edits::stream(&review, Some(name))?;
        review.streams.retain(|stream| stream.name == name);
    }
    Ok(review)
}

/// A record from a file, or from stdin.
fn record(file: &Path) -> Result<String> {
    let bytes = match file.as_os_str() == "-" {
        true => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().take(files::MOST_BYTES).read_to_end(&mut bytes).map_err(|error| {
                Error::new(ErrorKind::Io, "stdin can't be read").in_operation("cli.review").source(error)
            })?;
            bytes
        }
        false => files::read(file, files::MOST_BYTES)?,
    };
    String::from_utf8(bytes).map_err(|error| {
        Error::new(ErrorKind::RecordInvalid, "the record isn't valid UTF-8")
            .in_operation("cli.review")
            .source(error)
    })
}

/// Tries a record and shows what becomes of it.
async fn show_tried(
    vitesse: &Vitesse,
    id: Uuid,
    stream: Option<&str>,
    record: &str,
    session: &Session<'_>,
) -> Result<()> {
    let tried = vitesse.try_record(id, stream, None, record).await?;
    session.ui.report(&Shown { tried })
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    review: Review,
    #[serde(skip)]
    next: bool,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        show(&self.review, None, screen);
        if self.next {
            let id = short(self.review.integration_id);
            screen.hint(format!(
                "vitesse review {id} --accept-above 0.9, --set DEST=SOURCE, --reject LINE, --try FILE; or vitesse test {id}"
            ));
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Shown {
    tried: Tried,
}

impl Show for Shown {
    fn show(&self, screen: &mut Screen) {
        for (title, value) in [("Before", &self.tried.before), ("After", &self.tried.after)] {
            screen.heading(title);
            let text = serde_json::to_string_pretty(value).unwrap_or_default();
            text.lines().for_each(|line| screen.line(line));
        }
    }
}

/// Every stream with its lines, what is missing and what to know; or only one.
pub(super) fn show(review: &Review, only: Option<&str>, screen: &mut Screen) {
    for stream in review.streams.iter().filter(|stream| only.is_none_or(|name| stream.name == name)) {
        show_stream(stream, screen);
    }
}

/// Only the lines of each stream, and how sure the mapper is of them.
pub(super) fn show_lines(review: &Review, screen: &mut Screen) {
    for stream in &review.streams {
        screen.line(format!("{}: {} → {}", stream.name, stream.source_endpoint, stream.dest_endpoint));
        let short = |line: &LineView| row(line).into_iter().skip(1).take(4).collect();
        let rows = stream.lines.iter().filter(|line| line.enabled).map(short).collect();
        screen.table(&["source", "", "destination", "sure"], rows);
    }
}

fn show_stream(stream: &StreamReview, screen: &mut Screen) {
    screen.heading(format!("{}: {} → {}", stream.name, stream.source_endpoint, stream.dest_endpoint));
    let rows = stream.lines.iter().map(row).collect();
    screen.table(&["#", "source", "", "destination", "sure", "why"], rows);
    let used = stream.lines.iter().filter(|line| line.enabled).count();
    match &stream.refused {
        Some(refused) => {
            screen.warn(&refused.reason);
            for near in &refused.nearest {
                let share = near.confidence;
                screen.line(format!("  near: {} → {} ({share:.2})", near.source_field, near.dest_field));
            }
        }
        None => screen.line(format!("{used} lines, complexity {:.1} of 10", stream.complexity_score)),
    }
    for unmapped in &stream.unmapped_required {
        screen.warn(format!(
            "the destination requires {} ({}), and nothing fills it: {}",
            unmapped.field, unmapped.holds, unmapped.help
        ));
    }
    for doubt in &stream.may_be_empty {
        screen.warn(format!("{} may stay empty: {}", doubt.field, doubt.because));
    }
    for gap in &stream.gaps {
        let mark = if gap.blocks { " (blocks deploy)" } else { "" };
        screen.warn(format!("{}: {}{mark}", gap.name, gap.question));
    }
    stream.notes.iter().for_each(|note| screen.line(format!("note: {note}")));
    if !stream.unused_source.is_empty() {
        screen.line(format!("not sent: {}", stream.unused_source.join(", ")));
    }
}

fn row(line: &LineView) -> Vec<String> {
    let function = line.transform_config.get("function").and_then(Value::as_str);
    let arrow = match (line.enabled, function, line.transform_type.as_str()) {
        (false, ..) => "✗".to_owned(),
        (_, Some(function), _) => format!("{function} →"),
        (_, None, "direct" | "mapping") => "→".to_owned(),
        (_, None, kind) => format!("{kind} →"),
    };
    let mut why: Vec<String> = Vec::new();
    why.extend(line.review.clone());
    why.extend(line.required.then(|| "required".to_owned()));
    why.extend(line.reason.clone());
    why.extend(line.note.clone().map(|note| format!("note: {note}")));
    let or = candidates(line);
    if !or.is_empty() {
        why.push(format!("or {}", or.join(", ")));
    }
    vec![
        (line.line + 1).to_string(),
        line.source_fields.join(" + "),
        arrow,
        line.dest_field.clone(),
        line.confidence.map(|share| format!("{share:.2}")).unwrap_or_default(),
        why.join("; "),
    ]
}

/// The sources that came next, with how sure the mapper was.
fn candidates(line: &LineView) -> Vec<String> {
    let named = |one: &Value| {
        let name = one.get("source_field")?.as_str()?;
        let share = one.get("confidence").and_then(Value::as_f64);
        Some(share.map_or_else(|| name.to_owned(), |share| format!("{name} ({share:.2})")))
    };
    line.candidates.as_array().into_iter().flatten().filter_map(named).take(CANDIDATES).collect()
}

//! Edits as people type them.

use serde_json::json;
use vitesse_core::mapper::Edit;
use vitesse_core::orchestrator::{Review, ReviewEdit, RunEdit, StreamEdit, StreamReview};
use vitesse_core::{Error, ErrorKind, Result};

use crate::args;
use crate::commands::session::{pair, value};

/// The edits that options ask for.
pub(super) fn of(args: &args::Review, review: &Review) -> Result<Vec<StreamEdit>> {
    let stream = args.stream.as_deref();
    let mut edits = Vec::new();
    if args.accept_all {
        edits.extend(every(review, stream)?);
    }
    if let Some(least) = args.accept_above {
        if !(0.0..=1.0).contains(&least) {
            return Err(Error::new(ErrorKind::InvalidInput, "--accept-above is a share from 0 to 1")
                .in_operation("cli.review"));
        }
        let above = review.accept_above(least);
        edits.extend(above.into_iter().filter(|edit| stream.is_none() || edit.stream.as_deref() == stream));
    }
    for (verb, given) in [
        ("set", &args.set),
        ("constant", &args.constants),
        ("accept", &args.accept),
        ("reject", &args.reject),
        ("disable", &args.disable),
        ("enable", &args.enable),
        ("require", &args.require),
        ("note", &args.notes),
    ] {
        for words in given {
            edits.push(one(verb, words, review, stream)?);
        }
    }
    Ok(edits)
}

/// One edit: a verb and what it is about.
pub(super) fn one(verb: &str, words: &str, review: &Review, stream: Option<&str>) -> Result<StreamEdit> {
    let line = |words: &str| field(review, stream, words);
    let edit = match verb {
        "accept" => ReviewEdit::Line(Edit::Accept { dest_field: line(words)? }),
        "reject" => ReviewEdit::Line(Edit::Reject { dest_field: line(words)? }),
        "disable" => ReviewEdit::Run(RunEdit::Enable { dest_field: line(words)?, enabled: false }),
        "enable" => ReviewEdit::Run(RunEdit::Enable { dest_field: line(words)?, enabled: true }),
        "require" => ReviewEdit::Run(RunEdit::Require { dest_field: line(words)?, required: true }),
        "note" => {
            let (about, text) = pair("a note", words)?;
            ReviewEdit::Line(Edit::Note { dest_field: line(about)?, text: text.to_owned() })
        }
        "constant" => {
            let (dest, given) = pair("a constant", words)?;
            ReviewEdit::Line(Edit::Constant { dest_field: line(dest)?, value: value(given) })
        }
        _ => {
            let (dest, source) = pair("a line", words)?;
            ReviewEdit::Line(replace(line(dest)?, source))
        }
    };
    let name = self::stream(review, stream)?.name.clone();
    Ok(StreamEdit { stream: Some(name), edit })
}

/// The field that is meant: a line's number as the table shows it, or the field itself.
pub(super) fn field(review: &Review, stream: Option<&str>, words: &str) -> Result<String> {
    let Ok(number) = words.trim().parse::<usize>() else { return Ok(words.trim().to_owned()) };
    let lines = &self::stream(review, stream)?.lines;
    let line = lines.iter().find(|line| line.line + 1 == number);
    line.map(|line| line.dest_field.clone()).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("there is no line {number}"))
            .in_operation("cli.review")
            .help(format!("lines are numbered from 1 to {}", lines.len()))
    })
}

/// The stream that is meant: the only one, or the one that is named.
pub(super) fn stream<'r>(review: &'r Review, named: Option<&str>) -> Result<&'r StreamReview> {
    let names = || review.streams.iter().map(|stream| stream.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = match (named, review.streams.as_slice()) {
        (Some(name), _) => review.stream(name),
        (None, [only]) => Some(only),
        (None, _) => {
            return Err(Error::new(ErrorKind::InvalidInput, "the integration has several streams")
                .in_operation("cli.review")
                .help(format!("name one by --stream: {}", names())));
        }
    };
    found.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("there is no stream {:?}", named.unwrap_or_default()))
            .in_operation("cli.review")
            .help(format!("it has {}", names()))
    })
}

/// Accepts all that is used, of every stream or of one.
pub(super) fn every(review: &Review, stream: Option<&str>) -> Result<Vec<StreamEdit>> {
    let names: Vec<&str> = match stream {
        Some(name) => vec![&self::stream(review, Some(name))?.name],
        None => review.streams.iter().map(|stream| stream.name.as_str()).collect(),
    };
    let edit =
        |name: &str| StreamEdit { stream: Some(name.to_owned()), edit: ReviewEdit::Line(Edit::AcceptAll) };
    Ok(names.into_iter().map(edit).collect())
}

/// `email`, `street,city`, or a function of them: `upper(email)`.
fn replace(dest_field: String, source: &str) -> Edit {
    let (function, fields) = match source.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
        Some((function, fields)) => (Some(function.trim()), fields),
        None => (None, source),
    };
    Edit::Replace {
        dest_field,
        source_fields: fields.split(',').map(|field| field.trim().to_owned()).collect(),
        transform_type: function.map(|_| "custom".to_owned()),
        transform_config: function.map(|name| json!({"function": name})),
    }
}

impl args::Review {
    /// Whether only a look was asked for.
    pub(super) fn edits_nothing(&self) -> bool {
        let lists = [
            &self.accept,
            &self.reject,
            &self.set,
            &self.constants,
            &self.disable,
            &self.enable,
            &self.require,
            &self.notes,
        ];
        !self.accept_all && self.accept_above.is_none() && lists.iter().all(|list| list.is_empty())
    }
}

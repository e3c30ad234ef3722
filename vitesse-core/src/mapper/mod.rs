//! Fields of one schema find their partners in another: each line with a confidence, a reason and the
//! runners-up.
//!
//! ```
//! use serde_json::json;
//! use vitesse_core::mapper::{Mapper, Request};
//! let source = json!({"properties": {"first_name": {"type": "string"}, "zip": {"type": "string"}}});
//! let dest = json!({"properties": {"givenName": {"type": "string"}, "postalCode": {"type": "string"}}});
//! let proposal = Mapper::new()?.map(&source, &dest, &Request::default())?;
//! assert_eq!(proposal.lines[0].source, "first_name");
//! assert_eq!(proposal.lines[0].dest, "givenName");
//! # Ok::<(), vitesse_core::Error>(())
//! ```
//!
//! Nothing is sent anywhere, and all scores are integers: the same schemas give the same lines everywhere.

#![forbid(unsafe_code)]

mod assign;
mod confidence;
mod field;
mod lexicon;
mod score;

use serde::Serialize;
use serde_json::Value;

use crate::embed::{Embedder, split_words};
use crate::error::{Error, ErrorKind, Result, nearest};
use assign::Pair;
use field::{Field, fields};
use score::Scores;

/// What is known besides the schemas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// What a record of the source is called, such as `Shop order`.
    pub source_name: String,
    /// What a record of the destination is called.
    pub dest_name: String,
    /// Pairs of paths that hold whatever the evidence says.
    pub hints: Vec<(String, String)>,
}

/// What the mapper proposes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MappingProposal {
    /// The lines, by destination.
    pub lines: Vec<ProposedLine>,
    /// Required fields of the destination that no line fills.
    pub unmapped_required: Vec<String>,
    /// Why there is no line, if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// One line of a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposedLine {
    /// The path in the source.
    pub source: String,
    /// The path in the destination.
    pub dest: String,
    /// How likely it is right, in thousandths.
    pub confidence: u16,
    /// Why, in a few words.
    pub reason: String,
    /// The sources that came next, best first.
    pub candidates: Vec<String>,
}

/// Maps fields, with the built-in model.
#[derive(Clone, Copy, Debug)]
pub struct Mapper {
    model: &'static Embedder,
}

impl Mapper {
    /// A mapper; the model is read at first use.
    ///
    /// # Errors
    /// `internal` if the built-in model is damaged.
    pub fn new() -> Result<Self> {
        Ok(Self { model: Embedder::builtin()? })
    }

    /// Proposes the lines from a source's JSON Schema to a destination's.
    ///
    /// # Errors
    /// `spec_invalid` for a schema without fields, `invalid_input` for a hint that names no field; it says
    /// which one is nearest.
    pub fn map(&self, source: &Value, dest: &Value, request: &Request) -> Result<MappingProposal> {
        let entity = entity(request);
        let from = known(fields(source, &entity, self.model), "source")?;
        let mut to = known(fields(dest, &entity, self.model), "destination")?;
        field::mark_generated(&mut to);
        let mut taken = Vec::new();
        for (source, dest) in &request.hints {
            taken.push((place(source, &from, "source")?, place(dest, &to, "destination")?));
        }
        let mut scores = Scores::of(&from, &to, self.model);
        let mut pairs = assign::assign(&from, &to, &mut scores, &taken);
        let hinted = |pair: &Pair| taken.contains(&(pair.source, pair.dest));
        pairs.retain(|pair| {
            hinted(pair) || confidence::evidence(pair.score, pair.ahead) >= confidence::ENOUGH
        });
        if !pairs.iter().any(|pair| hinted(pair) || telling(pair, &from, &to)) {
            pairs.clear();
        }
        let lines: Vec<_> = pairs.iter().map(|pair| line(pair, &from, &to, &scores, &taken)).collect();
        let filled = |d: usize| pairs.iter().any(|pair| pair.dest == d);
        let missing = to.iter().enumerate().filter(|(d, field)| field.required && !filled(*d));
        let unmapped_required = missing.map(|(_, field)| field.path.clone()).collect();
        let refused = lines.is_empty().then(|| {
            "the two have nothing in common but what every record has; name the pairs you know as hints"
                .to_owned()
        });
        Ok(MappingProposal { lines, unmapped_required, refused })
    }
}

/// Words that nearly every record has a field for, whatever it is about.
const COMMON: &[&str] = &[
    "id",
    "name",
    "date",
    "updated",
    "created",
    "status",
    "type",
    "description",
    "url",
    "number",
    "code",
    "amount",
    "active",
];

/// Whether a line says that both records are about the same: an id and a name are in every record.
fn telling(pair: &Pair, from: &[Field], to: &[Field]) -> bool {
    let (s, d) = (&from[pair.source], &to[pair.dest]);
    let says = |field: &Field| field.words.iter().any(|(word, _)| !COMMON.contains(&word.as_str()));
    confidence::evidence(pair.score, pair.ahead) >= 850 && says(s) && says(d)
}

/// The words that name the records themselves, which say nothing within them: `order_status` is the status.
fn entity(request: &Request) -> Vec<String> {
    let mut words = Vec::new();
    for name in [&request.source_name, &request.dest_name] {
        words.extend(lexicon::canonical(&split_words(name)).pop());
    }
    words
}

fn known(fields: Vec<Field>, side: &'static str) -> Result<Vec<Field>> {
    if fields.is_empty() {
        return Err(Error::new(ErrorKind::SpecInvalid, format!("the schema of the {side} has no fields"))
            .in_operation("mapper.map")
            .help("give a JSON Schema of type object, with properties"));
    }
    Ok(fields)
}

fn place(path: &str, fields: &[Field], side: &'static str) -> Result<usize> {
    fields.iter().position(|field| field.path == path).ok_or_else(|| {
        let error =
            Error::new(ErrorKind::InvalidInput, format!("a hint names a field that the {side} doesn't have"))
                .in_operation("mapper.map")
                .with("field", path);
        match nearest(path, fields.iter().map(|field| field.path.as_str())) {
            Some(name) => error.help(format!("did you mean {name:?}?")),
            None => {
                error.help(format!("the {side} has {} fields, such as {:?}", fields.len(), fields[0].path))
            }
        }
    })
}

fn line(
    pair: &Pair,
    from: &[Field],
    to: &[Field],
    scores: &Scores,
    taken: &[(usize, usize)],
) -> ProposedLine {
    let (s, d) = (&from[pair.source], &to[pair.dest]);
    let hinted = taken.contains(&(pair.source, pair.dest));
    let mut others: Vec<_> = (0..from.len()).filter(|other| *other != pair.source).collect();
    others.sort_by_key(|other| (-scores.get(*other, pair.dest), *other));
    let candidates = others.iter().filter(|other| scores.get(**other, pair.dest) >= 400).take(3);
    ProposedLine {
        source: s.path.clone(),
        dest: d.path.clone(),
        confidence: if hinted { 1000 } else { confidence::of(confidence::evidence(pair.score, pair.ahead)) },
        reason: if hinted { "you said so".to_owned() } else { reason(s, d) },
        candidates: candidates.map(|other| from[*other].path.clone()).collect(),
    }
}

fn reason(s: &Field, d: &Field) -> String {
    let own = |field: &Field| -> Vec<String> {
        field.words[..field.own].iter().map(|(word, _)| word.clone()).collect()
    };
    let (a, b) = (own(s), own(d));
    if a == b {
        return format!("both are \"{}\"", a.join(" "));
    }
    let shared: Vec<_> = a.iter().filter(|word| b.contains(word)).cloned().collect();
    match shared.is_empty() {
        false => format!("both speak of \"{}\"", shared.join(" ")),
        true => format!("\"{}\" and \"{}\" are near in meaning", a.join(" "), b.join(" ")),
    }
}

#[cfg(test)]
mod tests;

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

pub mod matching;

use serde::Serialize;
use serde_json::Value;

use crate::error::Result;
use matching::{Known, Matches, Pair, Record, match_fields, read_json_schema};

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
pub struct Mapper;

impl Mapper {
    /// A mapper; the model is read at first use.
    ///
    /// # Errors
    /// `internal` if the built-in model is damaged.
    pub fn new() -> Result<Self> {
        crate::embed::Embedder::builtin()?;
        Ok(Self)
    }

    /// Proposes the lines from a source's JSON Schema to a destination's.
    ///
    /// # Errors
    /// `spec_invalid` for a schema without fields, `invalid_input` for a hint that names no field; it says
    /// which one is nearest.
    pub fn map(&self, source: &Value, dest: &Value, request: &Request) -> Result<MappingProposal> {
        let ((left, from), (right, to)) = (read_json_schema(source), read_json_schema(dest));
        let source = Record { name: &request.source_name, schemas: &left, root: from };
        let dest = Record { name: &request.dest_name, schemas: &right, root: to };
        let known = Known { hints: &request.hints, ..Known::default() };
        let matches = match_fields(source, dest, &known)?;
        let filled = |d: usize| matches.pairs.iter().any(|pair| pair.dest == d);
        let missing = matches.dest.iter().enumerate().filter(|(d, field)| field.required && !filled(*d));
        Ok(MappingProposal {
            unmapped_required: missing.map(|(_, field)| field.path.clone()).collect(),
            lines: matches.pairs.iter().map(|pair| line(pair, &matches)).collect(),
            refused: matches.refused.map(|refusal| refusal.reason),
        })
    }
}

fn line(pair: &Pair, matches: &Matches) -> ProposedLine {
    ProposedLine {
        source: matches.source[pair.source].path.clone(),
        dest: matches.dest[pair.dest].path.clone(),
        confidence: pair.confidence,
        reason: pair.evidence.first().map(ToString::to_string).unwrap_or_default(),
        candidates: pair.candidates.iter().map(|other| matches.source[other.source].path.clone()).collect(),
    }
}

#[cfg(test)]
mod tests;

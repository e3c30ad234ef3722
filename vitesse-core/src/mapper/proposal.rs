use serde::{Deserialize, Serialize};

use super::connect::{Fact, Gap};
use crate::mapping::Mapping;

/// What the mapper proposes: a complete mapping that compiles, and everything a person should know about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MappingProposal {
    /// The mapping. Each line has its confidence, its reason and the sources that came next; a line that
    /// was reviewed says so under `x-review`.
    pub mapping: Mapping,
    /// How many lines are used.
    pub transformation_count: usize,
    /// How involved the mapping is, from 1 to 10, not rounded.
    pub complexity_score: f64,
    /// Required fields of the destination that no line fills.
    pub unmapped_required: Vec<Unmapped>,
    /// Required fields of the destination whose source isn't in every record.
    pub may_be_empty: Vec<MayBeEmpty>,
    /// Fields of the source that no line uses.
    pub unused_source: Vec<String>,
    /// Why there is no line, if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// Where each value of the connection blocks comes from.
    pub facts: Vec<Fact>,
    /// What the descriptions don't say about the connections.
    pub gaps: Vec<Gap>,
    /// What else a person should know, such as values a conversion can't take.
    pub notes: Vec<Note>,
}

impl MappingProposal {
    /// Whether nothing stands in the way of deploying: all required fields are filled and no gap blocks.
    pub fn is_complete(&self) -> bool {
        self.refused.is_none() && self.unmapped_required.is_empty() && !self.gaps.iter().any(|gap| gap.blocks)
    }
}

/// A required field that stays empty, and what would fill it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unmapped {
    /// The path in the destination.
    pub field: String,
    /// What it holds, in a few words: `text, one of new, won, lost`.
    pub holds: String,
    /// Sources that come near, best first.
    pub candidates: Vec<Candidate>,
    /// What would fill it, in a sentence.
    pub help: String,
}

/// A source that could fill a destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The path in the source.
    pub source_field: String,
    /// How likely it would be right, from 0 to 1.
    pub confidence: f64,
}

/// A required field whose source isn't in every record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MayBeEmpty {
    /// The path in the destination.
    pub field: String,
    /// Which sources may be missing or null.
    pub because: String,
}

/// Why there is no line, and what would help.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// What the two sides lack.
    pub reason: String,
    /// The pairs that came nearest, best first.
    pub nearest: Vec<Nearest>,
    /// Hints that would help, ready to be completed: `?=email`.
    pub hints: Vec<String>,
}

/// A pair that was not good enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// The path in the source.
    pub source_field: String,
    /// The path in the destination.
    pub dest_field: String,
    /// How likely it would be right, from 0 to 1.
    pub confidence: f64,
}

/// Something a person should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The destination field it is about; none if it is about the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What to know.
    pub message: String,
}

impl Note {
    pub(super) fn on(field: impl ToString, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_string()), message: message.into() }
    }

    pub(super) fn all(message: impl Into<String>) -> Self {
        Self { field: None, message: message.into() }
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::connect::Overrides;

/// What is asked of the mapper besides the two sides. `MapRequest::default()` asks for nothing special.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MapRequest {
    /// What the integration is for, in a person's words. Hints may be in it: "put nickname into given_name",
    /// "never send phone".
    pub intent: String,
    /// Pairs of paths (source, destination) that hold whatever the evidence says. An unknown path is an error.
    pub hints: Vec<(String, String)>,
    /// Fields of the destination that always have the same value.
    pub constants: Vec<(String, Value)>,
    /// Fields of the source that are never sent, with all that is in them.
    pub never_send: Vec<String>,
    /// Lines of earlier mappings that people confirmed. Those between the same two APIs count as evidence.
    pub learned: Vec<LearnedLine>,
    /// Other streams of the same integration that run before this one: an order's customer becomes the contact
    /// that the customer's stream made.
    pub streams: Vec<StreamRef>,
    /// What people say about the connections; wins over what the descriptions say.
    pub overrides: Overrides,
}

/// Another stream of the same integration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRef {
    /// Its name.
    pub stream: String,
    /// The path it reads: `/customers`.
    pub source_endpoint: String,
    /// The path it writes: `/contacts`.
    pub dest_endpoint: String,
}

/// A line that people confirmed in an earlier mapping.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LearnedLine {
    /// The API it came from, by name; empty fits any.
    pub source_api: String,
    /// The API it went to, by name; empty fits any.
    pub dest_api: String,
    /// The path in the source.
    pub source_field: String,
    /// The path in the destination.
    pub dest_field: String,
    /// How the value was changed, when more than the two schemas say: the line's `transform_type`.
    pub transform_type: Option<String>,
    /// The line's `transform_config`.
    pub transform_config: Option<Value>,
}

impl LearnedLine {
    /// Whether it is about the same two APIs.
    pub(super) fn fits(&self, source_api: &str, dest_api: &str) -> bool {
        let same = |own: &str, other: &str| own.is_empty() || own.eq_ignore_ascii_case(other);
        same(&self.source_api, source_api) && same(&self.dest_api, dest_api)
    }
}

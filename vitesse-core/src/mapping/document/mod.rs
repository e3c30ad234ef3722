//! The mapping document: one stream, from a source through transformations to a destination.

mod auth;
mod condition;
mod destination;
mod source;
mod transformation;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use auth::{ApiKeyAuth, Auth, BasicAuth, BearerAuth, KeyPlace, NoAuth, OAuth2Auth, OAuth2Style};
pub use condition::Condition;
pub use destination::{
    Batch, BodyFormat, Bulk, BulkResults, DeletePolicy, Deletes, DeletesInFull, Destination, FileDestination,
    Idempotency, Operation, Operations,
};
pub use source::{
    Compression, CursorPages, FileFormat, FileSource, Incremental, IncrementalKind, KeysetPages, LinkPages,
    NextUrlPages, NoPages, OffsetPages, PagePages, Pagination, ParamPlace, Parent, RateLimit, ResponseAction,
    ResponseRule, Source, SourceKind, When,
};
pub use transformation::{
    ElementFilter, LineError, RecordError, Sources, Split, Strictness, TransformType, Transformation,
};

use super::part::{Part, Reading, parts};
use super::value::read;
use super::{Problem, Problems, Value};
use crate::error::Result;

/// The version of the document that this build reads and writes.
pub const VERSION: u64 = 1;

parts! {
    /// A mapping document: everything the runtime needs to move one stream, and no secrets.
    pub struct Mapping {
        /// The version of the document's form; 1.
        "version" version: u64;
        /// The integration it belongs to.
        "integration_id" integration_id: String = String::new();
        /// The name of the stream within the integration.
        "stream" stream: String = String::new();
        /// The path of the source endpoint, for people.
        "source_endpoint" source_endpoint: String = String::new();
        /// The path of the destination endpoint, for people.
        "dest_endpoint" dest_endpoint: String = String::new();
        /// Where records come from; not needed to transform records at hand.
        "source" source: Option<Source> = None;
        /// Where records go; not needed to transform records at hand.
        "destination" destination: Option<Destination> = None;
        /// Records that don't meet it are left out.
        "filter" filter: Option<Condition> = None;
        /// Makes one record into many.
        "split" split: Option<Split> = None;
        /// Elements of arrays that are left out before the lines see them.
        "element_filters" element_filters: Vec<ElementFilter> = Vec::new();
        /// The lines: each makes one field of the destination.
        "transformations" transformations: Vec<Transformation>;
        /// What becomes of a record that fails.
        "on_error" on_error: RecordError = RecordError::Fail;
        /// How a value of an unexpected shape is taken.
        "strictness" strictness: Strictness = Strictness::Lenient;
        /// How involved the mapping is, from 1 to 10.
        "complexity_score" complexity_score: Option<f64> = None;
    }
}

impl Mapping {
    /// A mapping of these lines and nothing else.
    pub fn of(transformations: impl IntoIterator<Item = Transformation>) -> Self {
        Self { version: VERSION, transformations: transformations.into_iter().collect(), ..Self::default() }
    }

    /// Reads a document's form: its JSON, keys and types. [`Mapping::validate`] judges what the lines say.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn parse(text: &[u8]) -> Result<Self, Problems> {
        let value =
            read(text).map_err(|error| Problems(vec![Problem::new("", format!("not JSON: {error}"))]))?;
        Self::from_value(&value)
    }

    /// The same for a document that is a value already.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_value(value: &Value) -> Result<Self, Problems> {
        // A later version may mean other things by the same keys, so nothing else is said about it.
        if let Some(version) = value.get("version").and_then(Value::as_number)
            && version.as_u64() != Some(VERSION)
        {
            let problem = Problem::new("/version", format!("version {version} is not known here"));
            let help = format!(
                "this build reads version {VERSION}: use a newer Vitesse, or export the mapping again"
            );
            return Err(Problems(vec![problem.help(help)]));
        }
        let mut reading = Reading::default();
        let mapping = <Self as Part>::read(value, &mut reading);
        match mapping {
            Some(mapping) if reading.problems.is_empty() => Ok(mapping),
            _ => Err(Problems(reading.problems)),
        }
    }

    /// The document as a value; what has its default is left out.
    pub fn to_value(&self) -> Value {
        self.write()
    }

    /// The document as indented JSON, with a line end.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        super::schema::indented(&self.to_value(), 0, &mut text);
        text.push('\n');
        text
    }
}

impl Serialize for Mapping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Mapping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let found = match Mapping::parse(text.as_bytes()) {
            Ok(mapping) => mapping.to_value().to_string(),
            Err(problems) => problems.to_string(),
        };
        assert_eq!(found, expect);
    }

    #[test]
    fn a_whole_document_comes_back_as_it_was() {
        let text = include_str!("example.json");
        let mapping = Mapping::parse(text.as_bytes()).unwrap();
        assert_eq!(mapping.to_json(), text);
        let by_serde: Mapping = serde_json::from_str(text).unwrap();
        assert_eq!(by_serde, mapping);
        assert_eq!(serde_json::to_string(&mapping).unwrap(), mapping.to_value().to_string());
    }

    #[test]
    fn all_problems_are_told_at_once_with_places_and_names() {
        check(
            r#"{"version": 1, "on_eror": "skip", "strictness": "strikt", "destination": {"operations": {}, "deletes": {"policy": "delete", "max_ratio": 2}},
                "source": {"pagination": {"kind": "ofset"}, "rate_limit": {"requests": "1", "per": "1 s"}},
                "transformations": [{"dest_field": "a"}, {"source_field": "a..b", "dest_field": "x", "transform_type": "direkt"}]}"#,
            r#"/on_eror: there is no such key; did you mean "on_error"?
/source/pagination/kind: "ofset" is not known here; did you mean "offset"?
/source/rate_limit/requests: a whole number was expected, a string was found
/source/rate_limit/per: "1 s" is not a span of time; write a whole number and ms, s, m, h or d: "500ms", "5m"
/destination/deletes/max_ratio: it is a part, from 0 to 1
line 0, /transformations/0: the key "transform_type" is missing
line 1, /transformations/1/source_field: "a..b" is not a path: a key was expected (column 3)
line 1, /transformations/1/transform_type: "direkt" is not known here; did you mean "direct"?
/strictness: "strikt" is not known here; did you mean "strict"?"#,
        );
    }

    #[test]
    fn what_is_not_a_document_of_this_version_is_refused() {
        check("{", "the document: not JSON: a key in quotes was expected at byte 1");
        check("[]", "the document: an object was expected, an array was found");
        check(
            r#"{"version": 2, "lines": []}"#,
            "/version: version 2 is not known here; this build reads version 1: use a newer Vitesse, or export the mapping again",
        );
        check(
            "{}",
            "the document: the key \"version\" is missing\nthe document: the key \"transformations\" is missing",
        );
    }

    #[test]
    fn keys_of_other_programs_are_kept() {
        let text = r#"{"version":1,"transformations":[{"source_field":"a","dest_field":"a","transform_type":"direct","x-seen":1.0}],"x-by":{"b":1,"a":2}}"#;
        check(text, text);
    }
}

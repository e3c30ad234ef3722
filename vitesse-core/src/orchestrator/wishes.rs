use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};

/// What an integration must not do. A key that isn't known here is refused: nobody would obey it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Constraints {
    /// Fields of the source that are never sent, with all that is in them.
    pub never_send: Vec<String>,
    /// Endpoints that are never called: a path, or a method and a path.
    pub never_call: Vec<String>,
    /// Regions that a deployment must be in.
    pub regions: Vec<String>,
}

impl Constraints {
    /// Reads them as an integration holds them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a key that isn't known or a value of another type.
    pub fn read(given: &Map<String, Value>) -> Result<Self> {
        read(given, "user_constraints")
    }

    /// Whether an endpoint may be called.
    pub fn allows_call(&self, method: &str, path: &str) -> bool {
        let same = |written: &str| match written.trim().split_once(' ') {
            Some((only, rest)) => only.eq_ignore_ascii_case(method) && rest.trim() == path,
            None => written.trim() == path,
        };
        !self.never_call.iter().any(|written| same(written))
    }

    /// Whether a field of the source may be sent: neither it nor anything around it is forbidden.
    pub fn allows_send(&self, field: &str) -> bool {
        let within = |outer: &str| {
            let outer = outer.trim_end_matches("[]");
            field.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        !self.never_send.iter().any(|outer| within(outer))
    }

    /// Whether a deployment may be in this region.
    pub fn allows_region(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.iter().any(|allowed| allowed.eq_ignore_ascii_case(region))
    }
}

/// What an integration should rather do. Keys that aren't known here are kept for whoever knows them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// How many records a test uses.
    pub sample_size: Option<u32>,
    /// Lines that the mapper is less sure of wait for a person: they are proposed, but not used.
    pub min_confidence: Option<f64>,
    /// What becomes of a record that fails: `fail`, `skip` or `dead_letter`.
    pub on_error: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Preferences {
    /// Reads them as an integration holds them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a value of another type or outside of its range.
    pub fn read(given: &Map<String, Value>) -> Result<Self> {
        let read: Self = read(given, "user_preferences")?;
        let wrong = |what: &str| {
            Err(Error::new(ErrorKind::InvalidInput, format!("user_preferences: {what}"))
                .in_operation("orchestrator.wishes"))
        };
        if read.sample_size == Some(0) {
            return wrong("sample_size must be greater than 0");
        }
        if read.min_confidence.is_some_and(|least| !(0.0..=1.0).contains(&least)) {
            return wrong("min_confidence is a number from 0 to 1");
        }
        if let Some(other) =
            read.on_error.as_deref().filter(|word| !matches!(*word, "fail" | "skip" | "dead_letter"))
        {
            return wrong(&format!("on_error is fail, skip or dead_letter, not {other:?}"));
        }
        Ok(read)
    }
}

fn read<T: DeserializeOwned>(given: &Map<String, Value>, what: &str) -> Result<T> {
    serde_json::from_value(Value::Object(given.clone())).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, format!("{what}: {error}")).in_operation("orchestrator.wishes")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn constraints(given: Value) -> Result<Constraints> {
        Constraints::read(given.as_object().unwrap())
    }

    #[test]
    fn what_nobody_would_obey_is_refused() {
        let error = constraints(json!({"never_sent": ["email"]})).unwrap_err().to_string();
        assert!(error.contains("never_sent") && error.contains("never_send"), "{error}");
        let given = json!({"tone": "formal", "sample_size": 20});
        let preferences = Preferences::read(given.as_object().unwrap()).unwrap();
        assert_eq!((preferences.sample_size, preferences.extra["tone"].as_str()), (Some(20), Some("formal")));
        for wrong in [json!({"sample_size": 0}), json!({"min_confidence": 2}), json!({"on_error": "cry"})] {
            assert!(Preferences::read(wrong.as_object().unwrap()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_field_is_forbidden_with_all_that_is_in_it() {
        let constraints = constraints(json!({"never_send": ["person.tax", "phones[]"]})).unwrap();
        for forbidden in ["person.tax", "person.tax.id", "phones", "phones[].number", "phones[0]"] {
            assert!(!constraints.allows_send(forbidden), "{forbidden}");
        }
        for allowed in ["person", "person.taxonomy", "phonebook"] {
            assert!(constraints.allows_send(allowed), "{allowed}");
        }
    }

    #[test]
    fn an_endpoint_is_forbidden_by_path_or_with_its_method() {
        let constraints = constraints(json!({"never_call": ["DELETE /contacts/{id}", "/admin"]})).unwrap();
        assert!(!constraints.allows_call("delete", "/contacts/{id}"));
        assert!(constraints.allows_call("GET", "/contacts/{id}"));
        assert!(!constraints.allows_call("POST", "/admin"));
        assert!(constraints.allows_region("eu-west-1"));
    }
}

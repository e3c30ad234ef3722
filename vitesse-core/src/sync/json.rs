//! Looking into JSON text without making a tree of it: a page's records stay the bytes they came as.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{FieldPath, Step, Value, value};

/// The text of a JSON document that is whole and well formed.
pub(super) fn document(text: &[u8]) -> Result<&RawValue> {
    let broken = |error: &dyn fmt::Display| {
        Error::new(ErrorKind::Unreachable, "the answer is not whole JSON")
            .temporary()
            .in_operation("sync.read")
            .with("at", error)
    };
    let text = std::str::from_utf8(text).map_err(|error| broken(&format!("byte {}", error.valid_up_to())))?;
    // The parser's own message may quote the text, and with it a secret.
    serde_json::from_str(text.trim())
        .map_err(|error| broken(&format!("line {} column {}", error.line(), error.column())))
}

/// The value at a path without `[]`.
pub(super) fn find<'a>(document: &'a RawValue, path: &FieldPath) -> Option<&'a RawValue> {
    path.steps().iter().try_fold(document, |value, step| match step {
        Step::Key(key) => field(value, key),
        Step::Index(index) => elements(value)?.get(*index).copied(),
        Step::Each => None,
    })
}

/// The value at a path, as a value.
pub(super) fn find_value(document: &RawValue, path: &FieldPath) -> Option<Value> {
    find(document, path).and_then(|raw| value::read(raw.get().as_bytes()).ok())
}

/// The records at a path: an array that is found stands for its elements. `None` if nothing is there.
pub(super) fn records<'a>(document: &'a RawValue, path: Option<&FieldPath>) -> Option<Vec<&'a RawValue>> {
    let steps = path.map(FieldPath::steps).unwrap_or_default();
    let mut found = vec![document];
    for step in steps {
        let mut next = Vec::new();
        for value in found {
            match step {
                Step::Key(key) => next.push(field(value, key)?),
                Step::Index(index) => next.push(elements(value)?.get(*index).copied()?),
                // Nothing in the list, as some APIs write it.
                Step::Each if value.get() == "null" => {}
                Step::Each => next.extend(elements(value)?),
            }
        }
        found = next;
    }
    if steps.last() == Some(&Step::Each) {
        return Some(found);
    }
    let mut records = Vec::new();
    for value in found {
        match value.get().as_bytes().first() {
            Some(b'[') => records.extend(elements(value)?),
            Some(b'n') => {}
            _ => records.push(value),
        }
    }
    Some(records)
}

/// The field of an object; the last, if it is there more than once.
fn field<'a>(object: &'a RawValue, key: &str) -> Option<&'a RawValue> {
    if !object.get().starts_with('{') {
        return None;
    }
    let mut reader = serde_json::Deserializer::from_str(object.get());
    FieldOf(key).deserialize(&mut reader).ok().flatten()
}

fn elements(array: &RawValue) -> Option<Vec<&RawValue>> {
    if !array.get().starts_with('[') {
        return None;
    }
    let mut reader = serde_json::Deserializer::from_str(array.get());
    Elements.deserialize(&mut reader).ok()
}

struct FieldOf<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for FieldOf<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FieldOf<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Is(self.0))? {
            if is_it {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a key is this one.
struct Is<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<bool, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

struct Elements;

impl<'de> DeserializeSeed<'de> for Elements {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(item) = items.next_element()? {
            found.push(item);
        }
        Ok(found)
    }
}

/// A value as text for a query, a path or an id: texts and numbers as they are, booleans as words.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.as_str().to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FieldPath {
        text.parse().unwrap()
    }

    #[test]
    fn records_keep_their_bytes() {
        let text = br#" {"data": [{"a": 1.0}, [2], "x"], "k\"": {"n": null}, "data2": {"items": [1]}} "#;
        let document = document(text).unwrap();
        let found = |at: &str| {
            records(document, Some(&path(at)))
                .map(|found| found.iter().map(|raw| raw.get()).collect::<Vec<_>>())
        };
        assert_eq!(found("data[]").unwrap(), [r#"{"a": 1.0}"#, "[2]", "\"x\""]);
        assert_eq!(found("data").unwrap(), [r#"{"a": 1.0}"#, "[2]", "\"x\""]);
        assert_eq!(found("data2.items").unwrap(), ["1"]);
        assert_eq!(found("data[0]").unwrap(), [r#"{"a": 1.0}"#]);
        assert_eq!(found(r#"["k\""].n"#).unwrap(), [""; 0]);
        assert_eq!(found(r#"["k\""].n[]"#).unwrap(), [""; 0]);
        assert!(found("missing[]").is_none() && found("data2[]").is_none());
        assert_eq!(find_value(document, &path("data[0].a")).unwrap().to_string(), "1.0");
    }

    #[test]
    fn a_text_that_breaks_off_is_not_taken() {
        for text in [&b"{\"data\": [1, 2"[..], b"", b"[1] 2", b"{\"a\": \"\xff\"}", b"<html>"] {
            assert!(document(text).unwrap_err().is_temporary(), "{text:?}");
        }
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let document = document(br#"{"a": 1, "a": 2}"#).unwrap();
        assert_eq!(find(document, &path("a")).unwrap().get(), "2");
    }
}

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON value kept as its text: a default, an example, a member of an enumeration.
///
/// Text is a fraction of the size of a tree, and numbers keep every digit.
///
/// ```
/// use vitesse_core::spec::Json;
/// let value = Json::new(&serde_json::json!({"a": 1}));
/// assert_eq!(value.text(), r#"{"a":1}"#);
/// assert_eq!(Json::new(&"on hold".into()).as_str().as_deref(), Some("on hold"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Json(Box<str>);

impl Json {
    /// The text of `value`.
    pub fn new(value: &Value) -> Self {
        Self(value.to_string().into())
    }

    /// Takes text that is known to be one JSON value, or `None` if it isn't.
    pub fn from_text(text: impl Into<Box<str>>) -> Option<Self> {
        let text = text.into();
        serde_json::from_str::<&RawValue>(&text).is_ok().then_some(Self(text))
    }

    /// Takes text that the caller has written as JSON itself.
    #[cfg(feature = "ingest")]
    pub(crate) fn trusted(text: String) -> Self {
        Self(text.into())
    }

    /// The JSON text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The value as a tree.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or(Value::Null)
    }

    /// The text of a JSON string; `None` if it is another kind of value.
    pub fn as_str(&self) -> Option<String> {
        if self.0.starts_with('"') { serde_json::from_str(&self.0).ok() } else { None }
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// As text, so that numbers keep their digits. Where serde buffers what it reads (flattened fields of a type around
/// this one), there is no text any more, and reading fails.
impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| Self(compact(raw.get())))
    }
}

/// For fields that may be missing: a null that is there is a value, and not a missing one.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// JSON text without the spaces between its parts.
fn compact(text: &str) -> Box<str> {
    let (mut inside, mut escaped) = (false, false);
    let keep = |c: &char| {
        let between = !inside && matches!(c, ' ' | '\n' | '\r' | '\t');
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ => {}
        }
        !between
    };
    text.chars().filter(keep).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_with_every_digit() {
        for text in
            ["1.10", "1e999", "null", r#"{"a":[1, 2.50],"b \" c":" d "}"#, "123456789012345678901234567890"]
        {
            let json = Json::from_text(compact(text)).unwrap();
            let written = serde_json::to_string(&[&json]).unwrap();
            assert_eq!(serde_json::from_str::<Vec<Json>>(&written).unwrap(), std::slice::from_ref(&json));
            let pretty = format!("[ {} ]", text.replace(',', " ,\n "));
            if !text.contains('"') {
                assert_eq!(serde_json::from_str::<[Json; 1]>(&pretty).unwrap(), [json]);
            }
        }
        let value = serde_json::json!({"a": 1.5});
        assert_eq!(serde_json::from_value::<Json>(value.clone()).unwrap().value(), value);
    }
}

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

// Through a tree and not through `RawValue`, which can't be read where serde buffers (flattened fields).
impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::new(&value))
    }
}

//! What a search answers, in the shape that `create` takes back.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// An API that was found, or named by the user.
///
/// The same shape goes out of a search and comes in with a new integration. What a caller adds is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiscoveryResult {
    /// What the API is called.
    pub api_name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Where it answers.
    pub base_url: String,
    /// Where people read about it.
    pub documentation_url: String,
    /// How well it fits the query, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_score: Option<f64>,
    /// Where the result comes from.
    #[serde(default)]
    pub source: Source,
    /// When it was found; stamped on create when it's missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovered_at: Option<Timestamp>,
    /// Where its specification is, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_url: Option<String>,
    /// Its id in the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<String>,
    /// What kind of API it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Whatever else the caller said.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Where a result comes from.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Source {
    /// The built-in catalogue.
    Catalog,
    /// The knowledge base.
    Knowledge,
    /// The user named it.
    #[default]
    Url,
    /// A repository on GitHub.
    Github,
    /// Something a caller has its own word for.
    Other(String),
}

impl Source {
    /// The word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Catalog => "catalog",
            Self::Knowledge => "knowledge",
            Self::Url => "url",
            Self::Github => "github",
            Self::Other(word) => word,
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Ok(match word.as_str() {
            "catalog" => Self::Catalog,
            "knowledge" => Self::Knowledge,
            "url" => Self::Url,
            "github" => Self::Github,
            _ => Self::Other(word),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_caller_leaves_out_has_a_default_and_what_it_adds_is_kept() {
        let given = json!({
            "api_name": "Shop", "base_url": "https://shop.example", "documentation_url": "https://docs.shop.example",
            "rating": 5
        });
        let result: DiscoveryResult = serde_json::from_value(given).unwrap();
        assert_eq!((result.confidence_score, &result.source), (None, &Source::Url));
        assert_eq!(serde_json::to_value(&result).unwrap()["rating"], 5);
    }

    #[test]
    fn every_source_keeps_its_word() {
        for word in ["catalog", "knowledge", "url", "github", "a friend"] {
            let source: Source = serde_json::from_value(json!(word)).unwrap();
            assert_eq!(serde_json::to_value(&source).unwrap(), json!(word));
        }
    }
}

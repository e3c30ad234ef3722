use crate::embed::split_words;
use crate::spec::{Json, Schema, SchemaId, Schemas, Type, Types};

/// What is known of one field: its schema and its alternatives' taken together.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    /// The words of its own name, in small letters.
    pub(super) words: Vec<String>,
    /// Its own name.
    pub(super) name: String,
    /// What it may hold, null left out; empty if nothing is said.
    pub(super) types: Types,
    pub(super) nullable: bool,
    pub(super) format: Option<&'a str>,
    pub(super) description: String,
    pub(super) values: Vec<&'a Json>,
    /// The schema itself, for what is rarely asked.
    pub(super) schema: &'a Schema,
}

impl<'a> Facts<'a> {
    /// The facts of the field at `path` with the schema `id`.
    pub(super) fn of(schemas: &'a Schemas, id: SchemaId, path: &str) -> Option<Self> {
        let schema = schemas.get(id)?;
        let name = leaf_name(path);
        let mut facts = Self {
            words: split_words(&name),
            name,
            types: schema.types.without(Type::Null),
            nullable: schema.types.has(Type::Null),
            format: schema.format.as_deref(),
            description: said(schema),
            values: schema.enum_values.iter().filter(|value| value.text() != "null").collect(),
            schema,
        };
        for other in schema.one_of.iter().chain(&schema.any_of).filter_map(|id| schemas.get(*id)) {
            facts.nullable |= other.types.has(Type::Null);
            if schema.types.without(Type::Null).is_any() {
                facts.types = facts.types.or(other.types.without(Type::Null));
            }
            facts.format = facts.format.or(other.format.as_deref());
            if schema.enum_values.is_empty() {
                facts.values.extend(other.enum_values.iter().filter(|value| value.text() != "null"));
            }
            if facts.description.is_empty() {
                facts.description = said(other);
            }
        }
        Some(facts)
    }

    /// Its one type, if it has one.
    pub(super) fn kind(&self) -> Option<Type> {
        match self.types.single() {
            None if self.types == Types::one(Type::Integer).with(Type::Number) => Some(Type::Number),
            // An enumeration says what its values are even when nothing else does.
            None if self.types.is_any() && !self.values.is_empty() => {
                let text = self.values.iter().all(|value| value.text().starts_with('"'));
                text.then_some(Type::String)
            }
            kind => kind,
        }
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self.kind(), Some(Type::Integer | Type::Number))
    }

    /// Whether its name has one of these words.
    pub(super) fn has_word(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(&word.as_str()))
    }

    /// Whether its description has one of these words or phrases.
    pub(super) fn says(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| contains_word(&self.description, phrase))
    }

    /// The sample value the schema gives.
    pub(super) fn example(&self) -> Option<&'a Json> {
        self.schema.details().example.as_ref()
    }

    /// What it holds, in a few words.
    pub(super) fn holds(&self) -> String {
        let mut text = match self.kind() {
            Some(Type::String) => "text".to_owned(),
            Some(Type::Integer) => "a whole number".to_owned(),
            Some(Type::Number) => "a number".to_owned(),
            Some(Type::Boolean) => "true or false".to_owned(),
            Some(Type::Array) => "a list".to_owned(),
            Some(Type::Object) => "an object".to_owned(),
            _ if self.types.is_any() => "any value".to_owned(),
            _ => self.types.to_string(),
        };
        if let Some(format) = self.format {
            text.push_str(&format!(" ({format})"));
        }
        if !self.values.is_empty() {
            let shown: Vec<_> = self.values.iter().take(8).map(|value| plain(value)).collect();
            let more = if self.values.len() > 8 { ", ..." } else { "" };
            text.push_str(&format!(", one of {}{more}", shown.join(", ")));
        }
        text
    }
}

/// A value as people write it: texts without quotes.
pub(super) fn plain(value: &Json) -> String {
    value.as_str().unwrap_or_else(|| value.text().to_owned())
}

/// The name a path ends in.
pub(super) fn leaf_name(path: &str) -> String {
    super::side::field_path(path).leaf_name().unwrap_or_default().to_owned()
}

fn said(schema: &Schema) -> String {
    let texts = [schema.title.as_deref(), schema.description.as_deref()];
    texts.into_iter().flatten().collect::<Vec<_>>().join(". ").to_lowercase()
}

/// Whether `phrase` stands in `text` with no letter or digit at either end.
fn contains_word(text: &str, phrase: &str) -> bool {
    let edge = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    text.match_indices(phrase).any(|(at, found)| {
        edge(text[..at].chars().next_back()) && edge(text[at + found.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::matching::read_json_schema;
    use super::*;

    #[test]
    fn alternatives_count_as_one_field() {
        let (schemas, root) = read_json_schema(&json!({"properties": {
            "at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}],
                   "description": "When it was paid, in UTC."}
        }}));
        let field = schemas.field(root, "at").unwrap();
        let facts = Facts::of(&schemas, field.schema, &field.path).unwrap();
        assert_eq!(
            (facts.kind(), facts.nullable, facts.format),
            (Some(Type::String), true, Some("date-time"))
        );
        assert!(facts.says(&["utc"]) && !facts.says(&["ut"]));
        assert_eq!(facts.holds(), "text (date-time)");
    }
}

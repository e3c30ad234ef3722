//! A schema from sample values.

use std::collections::HashSet;

use serde_json::Value;

use crate::spec::{Property, Schema, SchemaId, Type, Types};

/// How deep samples are looked into.
const DEEPEST: usize = 64;

/// The schema that all of `samples` are valid under, marked as guessed.
///
/// A field is required if every sample object has it. `add` keeps each schema that is made.
pub(crate) fn schema(samples: &[Value], add: &mut dyn FnMut(Schema) -> SchemaId) -> SchemaId {
    infer(&samples.iter().collect::<Vec<_>>(), add, 0)
}

// The depth of what serde_json reads is bounded, and so is this.
fn infer(samples: &[&Value], add: &mut dyn FnMut(Schema) -> SchemaId, depth: usize) -> SchemaId {
    let mut schema = Schema { guessed: true, ..Schema::default() };
    for sample in samples {
        let kind = match sample {
            Value::Null => Type::Null,
            Value::Bool(_) => Type::Boolean,
            Value::Number(number) if number.is_f64() => Type::Number,
            Value::Number(_) => Type::Integer,
            Value::String(_) => Type::String,
            Value::Array(_) => Type::Array,
            Value::Object(_) => Type::Object,
        };
        schema.types = schema.types.with(kind);
    }
    if schema.types.has(Type::Number) {
        schema.types = schema.types.without(Type::Integer);
    }
    // Only null was seen: nothing is known.
    if schema.types == Types::one(Type::Null) {
        schema.types = Types::ANY;
    }
    let objects: Vec<_> = samples.iter().filter_map(|sample| sample.as_object()).collect();
    if depth < DEEPEST && !objects.is_empty() {
        let mut names = HashSet::new();
        let all = objects.iter().flat_map(|object| object.keys()).filter(|name| names.insert(name.as_str()));
        let all: Vec<_> = all.collect();
        for name in all {
            let values: Vec<_> = objects.iter().filter_map(|object| object.get(name)).collect();
            let required = values.len() == objects.len();
            let id = infer(&values, add, depth + 1);
            schema.properties.push(Property { name: name.as_str().into(), schema: id, required });
        }
    }
    let items: Vec<_> = samples.iter().filter_map(|sample| sample.as_array()).flatten().collect();
    if depth < DEEPEST && schema.types.has(Type::Array) && !items.is_empty() {
        schema.items = Some(infer(&items, add, depth + 1));
    }
    let texts: Vec<_> = samples.iter().filter_map(|sample| sample.as_str()).collect();
    if !texts.is_empty() {
        schema.format =
            FORMATS.iter().find(|(_, is)| texts.iter().all(|text| is(text))).map(|(name, _)| (*name).into());
    }
    add(schema)
}

type Test = fn(&str) -> bool;

const FORMATS: [(&str, Test); 5] =
    [("date-time", is_date_time), ("date", is_date), ("uuid", is_uuid), ("email", is_email), ("uri", is_uri)];

fn is_date(text: &str) -> bool {
    shaped(text, "0000-00-00")
}

fn is_date_time(text: &str) -> bool {
    text.is_char_boundary(19) && shaped(&text[..19], "0000-00-00T00:00:00")
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| if matches!(at, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    !name.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(char::is_whitespace)
}

fn is_uri(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace)
}

/// Whether `text` has digits where `shape` has noughts and is the same elsewhere; `T` may be a space.
fn shaped(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(b, want)| match want {
            b'0' => b.is_ascii_digit(),
            b'T' => matches!(b, b'T' | b't' | b' '),
            _ => b == want,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Schemas;
    use serde_json::json;

    #[test]
    fn samples_agree_on_a_schema() {
        let mut schemas = Schemas::default();
        let root = schema(
            &[
                json!({"id": 1, "email": "a@b.test", "at": "2024-01-02T03:04:05Z", "tags": [], "x": null}),
                json!({"id": 2.5, "email": "c@d.test", "at": "2024-01-02 03:04:05", "tags": ["a"], "y": {"z": true}}),
            ],
            &mut |schema| schemas.add(schema),
        );
        let list: Vec<_> = schemas
            .fields(root, 9)
            .into_iter()
            .map(|field| {
                let schema = schemas.get(field.schema).unwrap();
                assert!(schema.guessed);
                let format = schema.format.as_deref().unwrap_or_default();
                format!("{} {} {format} {}", field.path, schema.types, field.required)
            })
            .collect();
        insta::assert_snapshot!(list.join("\n"), @r"
        at string date-time true
        email string email true
        id number  true
        tags[] string  true
        x any  false
        y.z boolean  false
        ");
    }
}

//! A record in the form an endpoint gives it, and out of the form it is sent in.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::body::essence;
use super::sample::Samples;
use super::state::{Kind, Record};
use crate::spec::{Media, Schema, SchemaId, Schemas};

/// A record as the answer of an endpoint: itself, in its wrapper, or what an answer of another form shares with it.
pub(super) fn dress(
    samples: &Samples,
    kind: &Kind,
    root: Option<SchemaId>,
    record: &Record,
    seed: u64,
) -> String {
    let schemas = samples.schemas();
    let Some(id) = root else { return record.text.to_string() };
    let Some(schema) = schemas.get(id) else { return record.text.to_string() };
    if kind.schemas.contains(&id) {
        return record.text.to_string();
    }
    let mut value = samples.sample(id, seed);
    if let Some(wrapper) = wrapper(schema, kind)
        && let Value::Object(map) = &mut value
    {
        map.insert(wrapper.to_owned(), record.value.clone());
        return value.to_string();
    }
    if let (Value::Object(map), Value::Object(known)) = (&mut value, &record.value) {
        for (name, value) in known {
            // Alternatives have their fields elsewhere, but the sample shows them.
            if schema.property(name).is_some() || map.contains_key(name) {
                map.insert(name.clone(), value.clone());
            }
        }
    }
    value.to_string()
}

/// The field of an answer or a request that holds the record.
fn wrapper<'s>(schema: &'s Schema, kind: &Kind) -> Option<&'s str> {
    schema
        .properties
        .iter()
        .find(|property| kind.schemas.contains(&property.schema))
        .map(|property| &*property.name)
}

/// A record out of what is sent around it: `{"customer": {...}}`, `{"data": {...}}`.
pub(super) fn unwrap(
    schemas: &Schemas,
    root: Option<SchemaId>,
    kind: &Kind,
    sent: Map<String, Value>,
) -> Map<String, Value> {
    let Some(schema) = root.and_then(|root| schemas.get(root)) else { return sent };
    let only = match schema.properties.as_slice() {
        [only] => Some(&*only.name),
        _ => wrapper(schema, kind),
    };
    let inside = only.filter(|name| sent.get(*name).is_some_and(Value::is_object));
    let own = |name: &str| {
        kind.schemas.iter().filter_map(|id| schemas.get(*id)).any(|schema| schema.property(name).is_some())
    };
    match inside.filter(|name| !own(name)) {
        Some(name) => match sent.get(name) {
            Some(Value::Object(inner)) => inner.clone(),
            _ => sent,
        },
        None => sent,
    }
}

/// The body of an answer nobody made: the description's example, or a generated one in the form of its type.
pub(super) fn body(samples: &Samples, media: &Media, dynamic: bool, seed: u64) -> Bytes {
    let kind = essence(&media.media_type);
    let example = media.example.as_ref().filter(|_| !dynamic);
    let made = || media.schema.map(|schema| samples.sample(schema, seed));
    if media.is_json() {
        return match example {
            Some(example) => example.text().to_owned().into(),
            None => made().unwrap_or(Value::Null).to_string().into(),
        };
    }
    let value = example.map(|example| example.value()).or_else(made);
    match value {
        None => Bytes::new(),
        Some(Value::String(text)) => text.into(),
        Some(value) if kind.contains("xml") => {
            let name = media
                .schema
                .and_then(|id| samples.schemas().get(id))
                .and_then(|schema| schema.name.as_deref());
            let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
            xml(&mut text, name.unwrap_or("root"), &value, 0);
            text.into()
        }
        Some(value) => value.to_string().into(),
    }
}

/// A value as plain XML: fields are elements, items repeat their list's.
fn xml(text: &mut String, name: &str, value: &Value, depth: usize) {
    let name: String =
        name.chars().map(|c| if c.is_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).collect();
    match value {
        Value::Array(items) if depth > 0 => items.iter().for_each(|item| xml(text, &name, item, depth + 1)),
        _ => {
            text.push_str(&format!("<{name}>"));
            match value {
                Value::Null => {}
                Value::Object(map) => map.iter().for_each(|(name, value)| xml(text, name, value, depth + 1)),
                Value::Array(items) => items.iter().for_each(|item| xml(text, "item", item, depth + 1)),
                Value::String(inner) => {
                    text.push_str(&inner.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
                }
                other => text.push_str(&other.to_string()),
            }
            text.push_str(&format!("</{name}>"));
        }
    }
}

//! The JSON Schema of the mapping document, made from the types.

use super::part::Part;
use super::value::Object;
use super::{Mapping, Value};

/// The JSON Schema (2020-12) of the mapping document, as indented text.
///
/// The same text is checked in as `docs/src/reference/mapping.schema.json`.
pub fn json_schema() -> String {
    schema_of::<Mapping>("Vitesse mapping document, version 1")
}

/// The JSON Schema of a part that stands for a document of its own.
pub(crate) fn schema_of<T: Part>(title: &str) -> String {
    let mut definitions = Object::new();
    let root = T::schema(&mut definitions);
    let mut schema = Object::new();
    schema.insert("$schema", "https://json-schema.org/draft/2020-12/schema");
    schema.insert("title", title);
    schema.insert("$ref", root.get("$ref").cloned().unwrap_or_default());
    schema.insert("$defs", definitions);
    let mut text = String::new();
    indented(&Value::Object(schema), 0, &mut text);
    text.push('\n');
    text
}

/// Puts a part into the definitions once, and gives the reference to it.
pub(crate) fn define(
    name: &str,
    definitions: &mut Object,
    make: impl FnOnce(&mut Object) -> Object,
) -> Value {
    if !definitions.contains_key(name) {
        // Held before it is made, so that parts which contain themselves end.
        definitions.insert(name, Value::Null);
        let schema = make(definitions);
        definitions.insert(name, schema);
    }
    [("$ref", format!("#/$defs/{name}"))].into_iter().collect::<Object>().into()
}

/// The schema with another description.
pub(crate) fn described(schema: Value, doc: &str) -> Value {
    let mut described = Object::new();
    described.insert("description", doc);
    if let Value::Object(schema) = schema {
        for (key, value) in schema.into_iter().filter(|(key, _)| key != "description") {
            described.insert(key, value);
        }
    }
    described.into()
}

pub(crate) fn indented(value: &Value, depth: usize, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                out.push(if at == 0 { '[' } else { ',' });
                line(out, depth + 1);
                indented(item, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        Value::Object(object) if !object.is_empty() => {
            for (at, (key, value)) in object.iter().enumerate() {
                out.push(if at == 0 { '{' } else { ',' });
                line(out, depth + 1);
                super::value::write_string(key, out);
                out.push_str(": ");
                indented(value, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        other => super::value::write_value(other, out),
    }
}

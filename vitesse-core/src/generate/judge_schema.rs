//! A table of schemas as one document of JSON Schema 2020-12, which a validator can be made of.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::Way;
use crate::spec::{Additional, Schema, SchemaId, Schemas, Type};

/// The schema `root` with everything it leads to. Patterns of `without` are left out.
pub(super) fn document(schemas: &Schemas, root: SchemaId, way: Way, without: &HashSet<String>) -> Value {
    let mut writer = Writer { schemas, way, without, open: vec![root], seen: HashSet::from([root]) };
    let mut definitions = Map::new();
    while let Some(id) = writer.open.pop() {
        let form = schemas.get(id).map_or(Value::Bool(true), |schema| writer.form(schema));
        definitions.insert(name(id), form);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/$defs/{}", name(root)),
        "$defs": definitions,
    })
}

/// Every pattern that `root` leads to.
pub(super) fn patterns(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for form in document["$defs"].as_object().into_iter().flat_map(Map::values) {
        collect(form, &mut found);
    }
    found
}

fn collect(form: &Value, found: &mut Vec<String>) {
    match form {
        Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), value) {
                    ("pattern", Value::String(pattern)) => found.push(pattern.clone()),
                    ("patternProperties", Value::Object(patterns)) => found.extend(patterns.keys().cloned()),
                    _ => collect(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn name(id: SchemaId) -> String {
    format!("s{}", id.0)
}

struct Writer<'a> {
    schemas: &'a Schemas,
    way: Way,
    without: &'a HashSet<String>,
    open: Vec<SchemaId>,
    seen: HashSet<SchemaId>,
}

impl Writer<'_> {
    /// A reference; what leads no further stands in its place, which spares the validator the way.
    fn at(&mut self, id: SchemaId) -> Value {
        match self.schemas.get(id) {
            None => Value::Bool(true),
            Some(schema) if is_leaf(schema) => self.form(schema),
            Some(_) => {
                if self.seen.insert(id) {
                    self.open.push(id);
                }
                json!({"$ref": format!("#/$defs/{}", name(id))})
            }
        }
    }

    fn all(&mut self, ids: &[SchemaId]) -> Value {
        ids.iter().map(|id| self.at(*id)).collect()
    }

    fn form(&mut self, schema: &Schema) -> Value {
        let mut form = Map::new();
        let mut set = |key: &str, value: Value| form.insert(key.to_owned(), value);
        let details = schema.details();
        if !schema.types.is_any() {
            set("type", schema.types.iter().map(Type::as_str).collect());
        }
        if let Some(format) = &schema.format {
            set("format", json!(format));
        }
        if !schema.enum_values.is_empty() {
            let mut values: Vec<Value> = schema.enum_values.iter().map(|json| json.value()).collect();
            if schema.nullable() && !values.contains(&Value::Null) {
                values.push(Value::Null);
            }
            set("enum", Value::Array(values));
        }
        let bounds = [
            ("minimum", &details.minimum),
            ("maximum", &details.maximum),
            ("exclusiveMinimum", &details.exclusive_minimum),
            ("exclusiveMaximum", &details.exclusive_maximum),
            ("multipleOf", &details.multiple_of),
        ];
        for (key, bound) in bounds {
            if let Some(value) = bound.as_ref().map(|json| json.value()).filter(Value::is_number) {
                set(key, value);
            }
        }
        if schema.format.as_deref() == Some("int32") {
            for (key, bound, end) in
                [("minimum", &details.minimum, i32::MIN), ("maximum", &details.maximum, i32::MAX)]
            {
                if bound.is_none() {
                    set(key, json!(end));
                }
            }
        }
        let counts = [
            ("minLength", details.min_length),
            ("maxLength", details.max_length),
            ("minItems", details.min_items),
            ("maxItems", details.max_items),
            ("minProperties", details.min_properties),
            ("maxProperties", details.max_properties),
        ];
        for (key, count) in counts {
            if let Some(count) = count {
                set(key, json!(count));
            }
        }
        if let Some(pattern) = details.pattern.as_deref().filter(|pattern| !self.without.contains(*pattern)) {
            set("pattern", json!(pattern));
        }
        if details.unique_items {
            set("uniqueItems", json!(true));
        }
        if !schema.properties.is_empty() {
            let members: Map<_, _> =
                schema.properties.iter().map(|p| (p.name.to_string(), self.at(p.schema))).collect();
            set("properties", Value::Object(members));
        }
        let carried = |id| self.schemas.get(id).is_none_or(|schema| self.way.carries(schema));
        let required = schema.properties.iter().filter(|p| p.required && carried(p.schema)).map(|p| &p.name);
        let required: Vec<_> = required.chain(&details.also_required).collect();
        if !required.is_empty() {
            set("required", json!(required));
        }
        match schema.additional {
            Additional::Any => {}
            Additional::None => drop(set("additionalProperties", json!(false))),
            Additional::Schema(id) => drop(set("additionalProperties", self.at(id))),
        }
        if !details.pattern_properties.is_empty() {
            let known =
                details.pattern_properties.iter().filter(|(pattern, _)| !self.without.contains(&**pattern));
            let members: Map<_, _> = known.map(|(pattern, id)| (pattern.to_string(), self.at(*id))).collect();
            set("patternProperties", Value::Object(members));
        }
        if !details.prefix_items.is_empty() {
            set("prefixItems", self.all(&details.prefix_items));
        }
        if let Some(items) = schema.items {
            set("items", self.at(items));
        }
        if !schema.one_of.is_empty() {
            set("oneOf", self.all(&schema.one_of));
        }
        if !schema.any_of.is_empty() {
            set("anyOf", self.all(&schema.any_of));
        }
        if let Some(not) = details.not {
            set("not", self.at(not));
        }
        Value::Object(form)
    }
}

fn is_leaf(schema: &Schema) -> bool {
    let details = schema.details();
    schema.properties.is_empty()
        && schema.items.is_none()
        && schema.one_of.is_empty()
        && schema.any_of.is_empty()
        && !matches!(schema.additional, Additional::Schema(_))
        && details.not.is_none()
        && details.prefix_items.is_empty()
        && details.pattern_properties.is_empty()
}

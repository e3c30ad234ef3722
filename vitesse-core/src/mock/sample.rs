//! Values for schemas. INTERIM: replaced by the room `generate`.
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::spec::{Additional, ApiSpec, Media, SchemaId, Schemas, Step, Type, parse_path};

/// Makes values for the schemas of an API: always the same for the same seed.
#[derive(Debug)]
pub(super) struct Samples {
    spec: Arc<ApiSpec>,
}

impl Samples {
    pub(super) fn new(spec: Arc<ApiSpec>) -> Self {
        Self { spec }
    }

    pub(super) fn schemas(&self) -> &Schemas {
        &self.spec.schemas
    }

    /// A value of a schema: its own example first, else a generated one.
    pub(super) fn sample(&self, id: SchemaId, seed: u64) -> Value {
        sample(self.schemas(), id, seed)
    }

    /// The records in the example of a list's answer.
    pub(super) fn records_of_example(&self, list: Option<usize>) -> Vec<Value> {
        let found = || {
            let endpoint = self.spec.endpoints.get(list?)?;
            let records = endpoint.records.as_deref()?;
            let example = Media::preferred(&endpoint.success()?.response.content)?.example.as_ref()?.value();
            let mut at = &example;
            for step in parse_path(&records.path)? {
                if let Step::Key(key) = step {
                    at = at.get(&key)?;
                }
            }
            at.as_array().cloned()
        };
        found().unwrap_or_default()
    }
}

pub(super) fn json_schema(schemas: &Schemas, root: SchemaId) -> Value {
    let mut all = Vec::new();
    for (_, s) in schemas.iter() {
        let mut out = Map::new();
        if !s.types.is_any() {
            out.insert("type".into(), s.types.iter().map(Type::as_str).collect::<Vec<_>>().into());
        }
        if let Some(f) = &s.format {
            out.insert("format".into(), (&**f).into());
        }
        let r = |id: SchemaId| json!({"$ref": format!("#/$defs/{}", id.0)});
        if !s.properties.is_empty() {
            out.insert(
                "properties".into(),
                Value::Object(s.properties.iter().map(|p| (p.name.to_string(), r(p.schema))).collect()),
            );
            let required: Vec<Value> = s
                .properties
                .iter()
                .filter(|p| p.required && !schemas.get(p.schema).is_some_and(|s| s.read_only))
                .map(|p| (&*p.name).into())
                .collect();
            out.insert("required".into(), required.into());
        }
        match s.additional {
            Additional::None => {
                out.insert("additionalProperties".into(), false.into());
            }
            Additional::Schema(id) => {
                out.insert("additionalProperties".into(), r(id));
            }
            Additional::Any => {}
        }
        if let Some(i) = s.items {
            out.insert("items".into(), r(i));
        }
        if !s.one_of.is_empty() {
            out.insert("oneOf".into(), s.one_of.iter().map(|i| r(*i)).collect());
        }
        if !s.any_of.is_empty() {
            out.insert("anyOf".into(), s.any_of.iter().map(|i| r(*i)).collect());
        }
        if !s.enum_values.is_empty() {
            out.insert("enum".into(), s.enum_values.iter().map(|v| v.value()).collect());
        }
        let d = s.details();
        for (k, v) in [("minimum", &d.minimum), ("maximum", &d.maximum)] {
            if let Some(v) = v {
                out.insert(k.into(), v.value());
            }
        }
        for (k, v) in [
            ("minLength", d.min_length),
            ("maxLength", d.max_length),
            ("minItems", d.min_items),
            ("maxItems", d.max_items),
        ] {
            if let Some(v) = v {
                out.insert(k.into(), v.into());
            }
        }
        if let Some(p) = &d.pattern {
            out.insert("pattern".into(), (&**p).into());
        }
        all.push(Value::Object(out));
    }
    let defs: Map<String, Value> = all.into_iter().enumerate().map(|(i, s)| (i.to_string(), s)).collect();
    json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": defs, "$ref": format!("#/$defs/{}", root.0)})
}

pub(super) fn sample(schemas: &Schemas, id: SchemaId, seed: u64) -> Value {
    make(schemas, id, seed, 0)
}

fn make(schemas: &Schemas, id: SchemaId, seed: u64, depth: usize) -> Value {
    let Some(s) = schemas.get(id) else { return Value::Null };
    if let Some(e) = &s.details().example {
        return e.value();
    }
    if !s.enum_values.is_empty() {
        return s.enum_values[(seed % s.enum_values.len() as u64) as usize].value();
    }
    if depth > 6 {
        return Value::Null;
    }
    if let Some(first) = s.one_of.first().or(s.any_of.first()) {
        return make(schemas, *first, seed, depth + 1);
    }
    match s.types.single() {
        Some(Type::String) => match s.format.as_deref() {
            Some("date-time") => "2026-01-01T00:00:00Z".into(),
            Some("date") => "2026-01-01".into(),
            Some("uuid") => super::random::uuid(seed).into(),
            Some("email") => format!("p{}@example.com", seed % 100_000).into(),
            Some("uri" | "url") => "https://example.com/".into(),
            _ => {
                let d = s.details();
                let n = d.min_length.unwrap_or(6).max(1).min(d.max_length.unwrap_or(12));
                super::random::word(seed, n as usize).into()
            }
        },
        Some(Type::Integer | Type::Number) => {
            s.details().minimum.as_ref().map_or(json!(seed % 100), |m| m.value())
        }
        Some(Type::Boolean) => (seed & 1 == 0).into(),
        Some(Type::Array) => s.items.map_or(json!([]), |i| json!([make(schemas, i, seed, depth + 1)])),
        _ if !s.properties.is_empty() => Value::Object(
            s.properties
                .iter()
                .map(|p| {
                    (
                        p.name.to_string(),
                        make(schemas, p.schema, super::random::mix_text(seed, &p.name), depth + 1),
                    )
                })
                .collect(),
        ),
        Some(Type::Object) => json!({}),
        _ => "text".into(),
    }
}

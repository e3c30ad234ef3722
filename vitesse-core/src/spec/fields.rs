//! Looking fields up by path, and listing them.

use std::collections::HashSet;

use super::{Additional, Schema, SchemaId, Schemas, Type};

/// One step of a path into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A field's name.
    Key(String),
    /// Each item, or one of them: to a schema they are the same.
    Items,
}

/// A field of a schema, with the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The way: `customer.tags[].name`.
    pub path: String,
    /// What it holds.
    pub schema: SchemaId,
    /// Whether it is there in every valid value: it and every object around it is required.
    pub required: bool,
    /// Whether it is inside a list.
    pub repeated: bool,
}

/// Reads a path: `a.b`, `a["odd.key"]`, `items[0].x`, `items[].x`; the empty path is the value itself.
///
/// `None` if it isn't written correctly.
///
/// ```
/// use vitesse_core::spec::{Step, parse_path};
/// let key = |name: &str| Step::Key(name.into());
/// assert_eq!(parse_path(r#"a["b.c"][0].d"#).unwrap(), [key("a"), key("b.c"), Step::Items, key("d")]);
/// assert_eq!(parse_path("").unwrap(), []);
/// assert!(parse_path("a..b").is_none() && parse_path("a[").is_none());
/// ```
pub fn parse_path(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path;
    let mut fresh = true;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            if inner.starts_with('"') {
                let mut texts = serde_json::Deserializer::from_str(inner).into_iter::<String>();
                let key = texts.next()?.ok()?;
                rest = inner[texts.byte_offset()..].strip_prefix(']')?;
                steps.push(Step::Key(key));
            } else {
                let (index, after) = inner.split_once(']')?;
                if !index.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                rest = after;
                steps.push(Step::Items);
            }
        } else {
            rest = if fresh { rest } else { rest.strip_prefix('.')? };
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Key(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        fresh = false;
    }
    Some(steps)
}

impl Schemas {
    /// The field a path leads to from `root`; `None` if the path is written wrongly or the schema has no
    /// such field.
    ///
    /// A step looks into the schema, then its alternatives (`oneOf`, `anyOf`), then what it says of fields
    /// without a name.
    pub fn field(&self, root: SchemaId, path: &str) -> Option<Field> {
        let steps = parse_path(path)?;
        let mut found = Field { path: path.to_owned(), schema: root, required: true, repeated: false };
        for step in &steps {
            let (schema, required) = self.step(found.schema, step)?;
            found.schema = schema;
            found.required &= required;
            found.repeated |= *step == Step::Items;
        }
        Some(found)
    }

    /// Every field of `root` that has no fields of its own, down to `depth` steps, in the document's order.
    ///
    /// A schema inside itself ends the way there; so the list is finite whatever the schema.
    pub fn fields(&self, root: SchemaId, depth: usize) -> Vec<Field> {
        /// More fields than any record has; schemas can describe far more than that.
        const MOST: usize = 20_000;
        struct Visit {
            field: Field,
            way: Vec<SchemaId>,
        }
        let start = Field { path: String::new(), schema: root, required: true, repeated: false };
        let mut open = vec![Visit { field: start, way: Vec::new() }];
        let mut leaves = Vec::new();
        while let Some(Visit { field, mut way }) = open.pop() {
            if leaves.len() >= MOST || open.len() >= MOST {
                break;
            }
            let inner = if way.len() < depth && !way.contains(&field.schema) {
                way.push(field.schema);
                self.inside(&field)
            } else {
                Vec::new()
            };
            if inner.is_empty() {
                leaves.push(field);
            } else {
                open.extend(inner.into_iter().rev().map(|field| Visit { field, way: way.clone() }));
            }
        }
        leaves
    }

    /// The fields directly inside a field, its alternatives' among them.
    fn inside(&self, field: &Field) -> Vec<Field> {
        let mut inner: Vec<Field> = Vec::new();
        let mut names = HashSet::new();
        for (schema, certain) in self.alternatives(field.schema) {
            for property in &schema.properties {
                if names.insert(&property.name) {
                    inner.push(Field {
                        path: join(&field.path, &property.name),
                        schema: property.schema,
                        required: field.required && certain && property.required,
                        repeated: field.repeated,
                    });
                }
            }
            if let Some(items) = schema.items
                && schema.properties.is_empty()
                && inner.is_empty()
            {
                let path = format!("{}[]", field.path);
                inner.push(Field { path, schema: items, required: field.required, repeated: true });
            }
        }
        inner
    }

    fn step(&self, from: SchemaId, step: &Step) -> Option<(SchemaId, bool)> {
        let all = self.alternatives(from);
        match step {
            Step::Items => all.iter().find_map(|(schema, _)| schema.items).map(|items| (items, true)),
            Step::Key(name) => all
                .iter()
                .find_map(|(schema, certain)| {
                    let property = schema.property(name)?;
                    Some((property.schema, *certain && property.required))
                })
                .or_else(|| {
                    all.iter().find_map(|(schema, _)| match schema.additional {
                        Additional::Schema(id) => Some((id, false)),
                        _ => None,
                    })
                }),
        }
    }

    /// A schema and all its alternatives, each once; the flag tells whether it always holds.
    fn alternatives(&self, id: SchemaId) -> Vec<(&Schema, bool)> {
        let mut seen = vec![id];
        let mut found = Vec::new();
        let mut next = 0;
        while let Some(id) = seen.get(next).copied() {
            if let Some(schema) = self.get(id) {
                found.push((schema, next == 0));
                for other in schema.one_of.iter().chain(&schema.any_of) {
                    if !seen.contains(other) && seen.len() < 256 {
                        seen.push(*other);
                    }
                }
            }
            next += 1;
        }
        // `null` alone is no alternative to look into.
        found.retain(|(schema, _)| schema.types.single() != Some(Type::Null));
        found
    }
}

/// `path` and then `key`, quoted where a plain name won't do.
fn join(path: &str, key: &str) -> String {
    let plain =
        !key.is_empty() && !key.contains(['.', '[', ']', '"', '\\']) && !key.contains(char::is_control);
    if plain && path.is_empty() {
        key.to_owned()
    } else if plain {
        format!("{path}.{key}")
    } else {
        format!("{path}[{}]", serde_json::Value::from(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Property;

    fn object(properties: &[(&str, SchemaId, bool)]) -> Schema {
        let properties = properties
            .iter()
            .map(|(name, schema, required)| Property {
                name: (*name).into(),
                schema: *schema,
                required: *required,
            })
            .collect();
        Schema { properties, ..Schema::of(Type::Object) }
    }

    #[test]
    fn recursive_types_end_and_odd_keys_are_quoted() {
        let mut schemas = Schemas::default();
        let text = schemas.add(Schema::of(Type::String));
        let node = schemas.add(Schema::default());
        let children = schemas.add(Schema { items: Some(node), ..Schema::of(Type::Array) });
        *schemas.get_mut(node).unwrap() =
            object(&[("name", text, true), ("odd.key", text, false), ("children", children, true)]);
        let paths: Vec<_> = schemas.fields(node, 9).into_iter().map(|field| field.path).collect();
        assert_eq!(paths, ["name", r#"["odd.key"]"#, "children[]"]);
        let deep = schemas.field(node, r#"children[3].children[]["odd.key"]"#).unwrap();
        assert!(deep.schema == text && deep.repeated && !deep.required);
        assert!(schemas.field(node, "children.name").is_none());
    }

    #[test]
    fn alternatives_and_maps_are_looked_into() {
        let mut schemas = Schemas::default();
        let text = schemas.add(Schema::of(Type::String));
        let card = schemas.add(object(&[("number", text, true)]));
        let bank = schemas.add(object(&[("iban", text, true)]));
        let pay = schemas.add(Schema { one_of: vec![card, bank], ..Schema::default() });
        let map = schemas.add(Schema { additional: Additional::Schema(pay), ..Schema::of(Type::Object) });
        let found = schemas.field(map, "anything.iban").unwrap();
        assert!(found.schema == text && !found.required);
        let paths: Vec<_> = schemas.fields(pay, 5).into_iter().map(|field| field.path).collect();
        assert_eq!(paths, ["number", "iban"]);
    }
}

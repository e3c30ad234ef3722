use std::collections::HashMap;

use serde_json::Value;

use crate::spec::{Details, Json, Property, Schema, SchemaId, Schemas, Type, Types};

/// How many references and parts of `allOf` in a row are followed.
const STEPS: usize = 32;

/// Reads a plain JSON Schema into a table, and gives the handle of its root.
///
/// Whatever it is, there is an answer: a keyword that isn't as it should be says nothing. References within
/// the document are followed, `allOf` is merged, a schema that leads back to itself is one entry.
///
/// ```
/// use serde_json::json;
/// use vitesse_core::mapper::matching::read_json_schema;
/// let (schemas, root) = read_json_schema(&json!({"properties": {
///     "email": {"type": "string", "format": "email"},
///     "parent": {"$ref": "#"}
/// }}));
/// assert_eq!(schemas.field(root, "parent.parent.email").unwrap().path, "parent.parent.email");
/// ```
pub fn read_json_schema(document: &Value) -> (Schemas, SchemaId) {
    let mut reader = Reader { document, schemas: Schemas::default(), known: HashMap::new() };
    let root = reader.id(document);
    (reader.schemas, root)
}

struct Reader<'a> {
    document: &'a Value,
    schemas: Schemas,
    /// Where each part of the document is in the table.
    known: HashMap<*const Value, SchemaId>,
}

impl<'a> Reader<'a> {
    fn id(&mut self, value: &'a Value) -> SchemaId {
        let value = self.resolve(value);
        if let Some(id) = self.known.get(&std::ptr::from_ref(value)) {
            return *id;
        }
        let id = self.schemas.add(Schema::default());
        self.known.insert(std::ptr::from_ref(value), id);
        let mut schema = Schema::default();
        self.read(value, &mut schema, 0);
        if let Some(place) = self.schemas.get_mut(id) {
            *place = schema;
        }
        id
    }

    fn resolve(&self, value: &'a Value) -> &'a Value {
        let mut value = value;
        for _ in 0..STEPS {
            let target = value.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
            match target.and_then(|pointer| self.document.pointer(pointer)) {
                Some(found) => value = found,
                None => break,
            }
        }
        value
    }

    /// Adds what `value` says to `schema`; what is there already stands.
    fn read(&mut self, value: &'a Value, schema: &mut Schema, depth: usize) {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(Box::from);
        let list = |name: &str| value.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        schema.types = schema.types.and(types(value));
        schema.format = schema.format.take().or_else(|| text("format"));
        schema.title = schema.title.take().or_else(|| text("title"));
        schema.description = schema.description.take().or_else(|| text("description"));
        schema.read_only |= value.get("readOnly") == Some(&Value::Bool(true));
        schema.write_only |= value.get("writeOnly") == Some(&Value::Bool(true));
        schema.deprecated |= value.get("deprecated") == Some(&Value::Bool(true));
        if schema.enum_values.is_empty() {
            schema.enum_values = list("enum").iter().chain(value.get("const")).map(Json::new).collect();
        }
        read_details(value, schema);
        for (name, child) in value.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if schema.property(name).is_none() {
                let child = self.id(child);
                schema.properties.push(Property {
                    name: name.as_str().into(),
                    schema: child,
                    required: false,
                });
            }
        }
        if let Some(items) = value.get("items").filter(|items| items.is_object()) {
            schema.items = schema.items.or_else(|| Some(self.id(items)));
        }
        for part in list("oneOf") {
            schema.one_of.push(self.id(part));
        }
        for part in list("anyOf") {
            schema.any_of.push(self.id(part));
        }
        for part in list("allOf").iter().filter(|_| depth < STEPS) {
            let part = self.resolve(part);
            self.read(part, schema, depth + 1);
        }
        // After the parts: one may require what another describes.
        for must in list("required").iter().filter_map(Value::as_str) {
            match schema.properties.iter_mut().find(|there| *there.name == *must) {
                Some(there) => there.required = true,
                None => details(schema).also_required.push(must.into()),
            }
        }
        if depth == 0 {
            let Schema { properties, details, .. } = schema;
            for must in details.iter_mut().flat_map(|details| std::mem::take(&mut details.also_required)) {
                properties
                    .iter_mut()
                    .filter(|there| there.name == must)
                    .for_each(|there| there.required = true);
            }
        }
    }
}

fn details(schema: &mut Schema) -> &mut Details {
    schema.details.get_or_insert_with(Box::default)
}

fn read_details(value: &Value, schema: &mut Schema) {
    let example = value.get("example").or_else(|| value.get("examples")?.as_array()?.first());
    if let Some(example) = example {
        details(schema).example.get_or_insert_with(|| Json::new(example));
    }
    if let Some(default) = value.get("default") {
        details(schema).default.get_or_insert_with(|| Json::new(default));
    }
    if let Some(pattern) = value.get("pattern").and_then(Value::as_str) {
        details(schema).pattern.get_or_insert_with(|| pattern.into());
    }
    if let Some(most) = value.get("maxLength").and_then(Value::as_u64) {
        details(schema).max_length.get_or_insert(most);
    }
}

fn types(value: &Value) -> Types {
    let named = |name: &Value| Type::ALL.into_iter().find(|kind| Some(kind.as_str()) == name.as_str());
    let mut types: Types = match value.get("type") {
        Some(Value::Array(names)) => names.iter().filter_map(named).collect(),
        Some(name) => named(name).into_iter().collect(),
        None => Types::ANY,
    };
    if value.get("nullable") == Some(&Value::Bool(true)) && !types.is_any() {
        types = types.with(Type::Null);
    }
    types
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_schema_says_nothing_and_what_leads_nowhere_ends() {
        for odd in [json!(null), json!(7), json!({"type": 3, "properties": [], "required": "x", "enum": {}})]
        {
            let (schemas, root) = read_json_schema(&odd);
            assert_eq!(schemas.get(root), Some(&Schema::default()));
        }
        let (schemas, root) = read_json_schema(&json!({"$ref": "#"}));
        assert_eq!(schemas.fields(root, 4).len(), 1);
        let (schemas, root) = read_json_schema(&json!({"allOf": [{"$ref": "#"}], "properties": {"a": {}}}));
        assert_eq!(schemas.fields(root, 4).len(), 1);
    }

    #[test]
    fn parts_are_merged() {
        let (schemas, root) = read_json_schema(&json!({
            "allOf": [{"$ref": "#/$defs/base"}, {"required": ["name"]}],
            "properties": {"name": {"type": ["string", "null"], "pattern": "^a", "examples": ["ab"]}},
            "$defs": {"base": {"type": "object", "properties": {"id": {"const": 7}}, "required": ["id"]}}
        }));
        let fields = schemas.fields(root, 4);
        let paths: Vec<_> = fields.iter().map(|field| (field.path.as_str(), field.required)).collect();
        assert_eq!(paths, [("name", true), ("id", true)]);
        let name = schemas.get(fields[0].schema).unwrap();
        assert!(name.nullable() && name.details().pattern.as_deref() == Some("^a"));
    }
}

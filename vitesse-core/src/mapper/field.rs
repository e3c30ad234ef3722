use serde_json::Value;

use super::lexicon::canonical;
use crate::embed::{Embedder, Vector, split_words};

/// How deep a schema is followed; deeper fields are left to hints.
const DEPTH: usize = 12;

/// How many fields of a schema are looked at; references can make more of them than anyone could map.
const MOST_FIELDS: usize = 10_000;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Date,
    Number,
    Integer,
    Boolean,
    Object,
    Any,
}

/// A field as the mapper sees it.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Its path, with `[]` where an array is.
    pub(super) path: String,
    /// The path of what it is in.
    pub(super) parent: String,
    /// What its own name says, then what the names around it say, each with a weight.
    pub(super) words: Vec<(String, i32)>,
    /// How many of `words` are its own.
    pub(super) own: usize,
    pub(super) kind: Kind,
    pub(super) required: bool,
    /// Its own name as it is written, in lower case words.
    pub(super) raw: Vec<String>,
    /// The number its name ends in, as in `street_2`.
    pub(super) digits: Option<u32>,
    /// Whether its array is named as it is: `emails[].email`.
    pub(super) listed: bool,
    /// Whether the destination makes it itself.
    pub(super) generated: bool,
    /// The meaning of the words together.
    pub(super) vector: Vector,
}

impl Field {
    pub(super) fn repeated(&self) -> bool {
        self.path.contains("[]")
    }
}

/// A destination that keeps the id of a record elsewhere makes its own id itself.
pub(super) fn mark_generated(fields: &mut [Field]) {
    let elsewhere = |field: &Field| {
        field.raw.len() == 2
            && field.raw[1] == "id"
            && ["remote", "external", "foreign", "original", "thirdparty"].contains(&field.raw[0].as_str())
    };
    let parents: Vec<_> = fields.iter().filter(|f| elsewhere(f)).map(|f| f.parent.clone()).collect();
    for field in fields {
        field.generated = field.raw == ["id"] && parents.contains(&field.parent);
    }
}

/// The fields of a schema that hold values, in the schema's order.
pub(super) fn fields(schema: &Value, entity: &[String], model: &Embedder) -> Vec<Field> {
    let mut walk = Walk { root: schema, entity, model, found: Vec::new(), open: Vec::new() };
    walk.node(schema, &mut Vec::new(), "", true, 0);
    walk.found
}

struct Walk<'a> {
    root: &'a Value,
    entity: &'a [String],
    model: &'a Embedder,
    found: Vec<Field>,
    /// The schemas the walk is inside of: one that leads back to itself is not entered again.
    open: Vec<*const Value>,
}

impl<'a> Walk<'a> {
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..8 {
            let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'))
            else {
                break;
            };
            match self.root.pointer(target) {
                Some(found) => schema = found,
                None => break,
            }
        }
        schema
    }

    fn node(
        &mut self,
        schema: &'a Value,
        names: &mut Vec<&'a str>,
        path: &str,
        required: bool,
        depth: usize,
    ) {
        let schema = self.resolve(schema);
        if self.found.len() >= MOST_FIELDS || self.open.contains(&std::ptr::from_ref(schema)) {
            return;
        }
        self.open.push(schema);
        let mut properties = Vec::new();
        self.properties(schema, &mut properties, 0);
        if depth < DEPTH && !properties.is_empty() {
            for (name, child, must) in properties {
                let dot = if path.is_empty() { "" } else { "." };
                names.push(name);
                self.node(child, names, &format!("{path}{dot}{name}"), must && required, depth + 1);
                names.pop();
            }
        } else if depth < DEPTH
            && let Some(items) = schema.get("items").filter(|items| items.is_object())
        {
            self.node(items, names, &format!("{path}[]"), required, depth + 1);
        } else if !names.is_empty() {
            self.leaf(schema, names, path, required);
        }
        self.open.pop();
    }

    /// The properties of an object, those of `allOf` included.
    fn properties(&self, schema: &'a Value, into: &mut Vec<(&'a str, &'a Value, bool)>, depth: usize) {
        let must = schema.get("required").and_then(Value::as_array);
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (name, child) in properties {
                let must = must.is_some_and(|must| must.iter().any(|must| must.as_str() == Some(name)));
                match into.iter_mut().find(|(known, ..)| known == name) {
                    Some((.., required)) => *required |= must,
                    None => into.push((name, child, must)),
                }
            }
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten().filter(|_| depth < 4)
        {
            self.properties(self.resolve(part), into, depth + 1);
        }
    }

    fn leaf(&mut self, schema: &Value, names: &[&str], path: &str, required: bool) {
        let name = names.last().copied().unwrap_or_default();
        let mut raw = split_words(name);
        let mut own_name = canonical(&raw);
        if own_name.iter().any(|word| !self.entity.contains(word)) {
            raw.retain(|word| {
                !canonical(std::slice::from_ref(word)).iter().any(|word| self.entity.contains(word))
            });
        }
        let head = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = name[head.len()..].parse().ok();
        // `address2` is a line of an address, not a second address.
        if digits.is_some() && own_name == ["address"] {
            own_name = vec!["street".to_owned()];
        }
        let mut above: Vec<_> =
            names[..names.len() - 1].iter().map(|name| canonical(&split_words(name))).collect();
        // `price.value` and `name[].value` are the price and the name.
        let empty = |words: &[String]| matches!(words, [one] if ["amount", "data", "field", "string"].contains(&one.as_str()));
        if empty(&own_name)
            && let Some(parent) = above.pop()
        {
            own_name = parent;
        }
        let array = path.contains("[]") && above.last().is_none_or(|above| *above == own_name);
        let specific = own_name.iter().filter(|word| !self.entity.contains(word)).count();
        let mut words: Vec<(String, i32)> = Vec::new();
        for word in own_name {
            let weight = if specific > 0 && self.entity.contains(&word) { 1 } else { 4 };
            words.push((word, weight));
        }
        let own = words.len();
        for (distance, name) in above.iter().rev().enumerate() {
            for word in name {
                let weight = if distance == 0 { 2 } else { 1 };
                if !self.entity.contains(word)
                    && !super::score::FRAMES.contains(&word.as_str())
                    && words.iter().all(|(known, _)| known != word)
                {
                    words.push((word.clone(), weight));
                }
            }
        }
        let vector =
            self.model.embed_words(words.iter().map(|(word, weight)| (word.as_str(), i64::from(*weight))));
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent).to_owned();
        self.found.push(Field {
            path: path.to_owned(),
            parent,
            words,
            own,
            kind: kind(schema),
            required,
            raw,
            digits,
            listed: array,
            generated: false,
            vector,
        });
    }
}

fn kind(schema: &Value) -> Kind {
    let named = match schema.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("")
        }
        _ => "",
    };
    let format = schema.get("format").and_then(Value::as_str).unwrap_or("");
    match (named, format) {
        ("string", "date" | "date-time") => Kind::Date,
        ("string", _) => Kind::Text,
        ("integer", _) => Kind::Integer,
        ("number", _) => Kind::Number,
        ("boolean", _) => Kind::Boolean,
        ("object", _) => Kind::Object,
        _ => Kind::Any,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_that_lead_back_to_themselves_end() {
        let node = json!({"properties": {
            "name": {"type": "string"}, "a": {"$ref": "#"}, "b": {"$ref": "#"}, "c": {"$ref": "#"},
            "kids": {"type": "array", "items": {"$ref": "#"}}
        }});
        let model = Embedder::builtin().unwrap();
        let paths: Vec<_> = fields(&node, &[], model).into_iter().map(|field| field.path).collect();
        assert_eq!(paths, ["name"]);

        // No circle, but three ways at each of twelve levels.
        let mut levels = json!({});
        for level in 0..12 {
            let next = format!("#/levels/{}", level + 1);
            levels[level.to_string()] =
                json!({"properties": {"x": {"$ref": next}, "y": {"$ref": next}, "z": {"$ref": next}}});
        }
        levels["12"] = json!({"type": "string"});
        let wide = json!({"$ref": "#/levels/0", "levels": levels});
        assert!(fields(&wide, &[], model).len() <= MOST_FIELDS);
    }
}

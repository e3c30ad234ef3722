//! The form of a mapping that names it, and what differs between two.

use std::fmt;

use sha2::Digest as _;

use super::functions::codes::hex;
use super::part::is_extension;
use super::value::{Object, write_string, write_value};
use super::{Functions, Mapping, TransformType, Transformation, Value};

/// What people and the mapper say about a line; it changes nothing.
const ANNOTATIONS: [&str; 4] = ["confidence", "reason", "candidates", "note"];

impl Mapping {
    /// The canonical form: keys in the order of RFC 8785, no white space, numbers as they are written, defaults
    /// left out, functions by their proper names. Confidence, reason, candidates, notes, the complexity score and
    /// keys that start with `x-` are not part of it.
    pub fn canonical(&self) -> String {
        let mut mapping = self.clone();
        mapping.complexity_score = None;
        for line in &mut mapping.transformations {
            (line.confidence, line.reason, line.note) = (None, None, None);
            line.candidates.clear();
            resolve_alias(line);
        }
        let mut out = String::new();
        // Only outside of settings and constants is a key of `x-` an extension; see `meaning`.
        sorted(&meaning(mapping.to_value()), &mut out);
        out
    }

    /// The mapping's name: the SHA-256 of its canonical form, in hexadecimal digits. Two documents have the same
    /// if they mean the same.
    ///
    /// ```
    /// use vitesse_core::mapping::Mapping;
    /// let a = Mapping::parse(br#"{"version": 1, "transformations": []}"#).unwrap();
    /// let b = Mapping::parse(br#"{"transformations": [], "on_error": "fail", "version": 1}"#).unwrap();
    /// assert_eq!(a.hash(), b.hash());
    /// ```
    pub fn hash(&self) -> String {
        hex(&sha2::Sha256::digest(self.canonical()))
    }

    /// What differs from this mapping to a newer one, for people.
    pub fn diff(&self, newer: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let (old, new) = (self.to_value(), newer.to_value());
        differ("", &rest(&old), &rest(&new), &mut changes);
        let name = |line: &Transformation| line.dest_field.to_string();
        // Lines are known by what they write; of two that write the same, the first counts.
        let find = |lines: &[Transformation], wanted: &str| {
            lines.iter().position(|line| name(line) == wanted).map(|at| lines[at].clone())
        };
        for line in &self.transformations {
            let field = name(line);
            match find(&newer.transformations, &field) {
                None => changes.push(Change { place: field, what: Difference::Removed(shown(line)) }),
                Some(other) => {
                    let (before, after) = (line_value(line), line_value(&other));
                    differ(&field, &before, &after, &mut changes);
                }
            }
        }
        for line in &newer.transformations {
            if find(&self.transformations, &name(line)).is_none() {
                changes.push(Change { place: name(line), what: Difference::Added(shown(line)) });
            }
        }
        changes
    }
}

/// One difference between two mappings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The destination field of the line, or the place in the rest of the document.
    pub place: String,
    /// What differs there.
    pub what: Difference,
}

/// How two mappings differ in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Only the newer one has it.
    Added(String),
    /// Only the older one has it.
    Removed(String),
    /// Both have it, before and after.
    Changed(String, String),
}

/// One line: `+` for what is new, `-` for what is gone, `~` for what is other.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Difference::Added(new) => write!(f, "+ {}: {new}", self.place),
            Difference::Removed(old) => write!(f, "- {}: {old}", self.place),
            Difference::Changed(old, new) => write!(f, "~ {}: {old} -> {new}", self.place),
        }
    }
}

fn resolve_alias(line: &mut Transformation) {
    if line.transform_type != TransformType::Custom {
        return;
    }
    let proper = line.transform_config.get("function").and_then(Value::as_str).and_then(Functions::find);
    if let Some(function) = proper {
        line.transform_config.insert("function", function.name);
    }
}

/// The document without extensions. Values that records can get, and settings, are left whole: there a key is
/// data, whatever it starts with.
fn meaning(value: Value) -> Value {
    const DATA: [&str; 14] = [
        "transform_config",
        "default",
        "params",
        "headers",
        "body",
        "equals",
        "not_equals",
        "in",
        "less_than",
        "greater_than",
        "initial",
        "ok",
        "status",
        "candidates",
    ];
    match value {
        Value::Object(object) => object
            .into_iter()
            .filter(|(key, _)| !is_extension(key))
            .map(|(key, value)| {
                let value = if DATA.contains(&key.as_str()) { value } else { meaning(value) };
                (key, value)
            })
            .collect::<Object>()
            .into(),
        Value::Array(items) => items.into_iter().map(meaning).collect::<Vec<_>>().into(),
        other => other,
    }
}

fn sorted(value: &Value, out: &mut String) {
    match value {
        Value::Object(object) => {
            let mut fields: Vec<_> = object.iter().collect();
            // By UTF-16 units, as RFC 8785 says; this differs from the order of UTF-8 above U+D7FF.
            fields.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (at, (key, value)) in fields.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                sorted(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                sorted(item, out);
            }
            out.push(']');
        }
        other => write_value(other, out),
    }
}

/// The document without its lines.
fn rest(document: &Value) -> Value {
    let mut rest = document.as_object().cloned().unwrap_or_default();
    rest.remove("transformations");
    rest.into()
}

fn line_value(line: &Transformation) -> Value {
    use super::part::Part as _;
    let mut value = line.write().as_object().cloned().unwrap_or_default();
    value.remove("dest_field");
    for annotation in ANNOTATIONS.iter().filter(|annotation| **annotation != "note") {
        value.remove(annotation);
    }
    value.into()
}

fn shown(line: &Transformation) -> String {
    let sources: Vec<_> = line.source_field.paths.iter().map(ToString::to_string).collect();
    let config = match line.transform_config.is_empty() {
        true => String::new(),
        false => format!(" {}", Value::from(line.transform_config.clone())),
    };
    let from = if sources.is_empty() { "nothing".to_owned() } else { sources.join(", ") };
    format!("{} from {from}{config}", line.transform_type)
}

/// Goes down as long as both sides are objects.
fn differ(place: &str, old: &Value, new: &Value, changes: &mut Vec<Change>) {
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        if old != new {
            let what = Difference::Changed(old.to_string(), new.to_string());
            changes.push(Change { place: place.to_owned(), what });
        }
        return;
    };
    let inner = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place} > {key}") };
    for (key, value) in before.iter() {
        match after.get(key) {
            Some(other) => differ(&inner(key), value, other, changes),
            None => changes.push(Change { place: inner(key), what: Difference::Removed(value.to_string()) }),
        }
    }
    for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(key)) {
        changes.push(Change { place: inner(key), what: Difference::Added(value.to_string()) });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = include_str!("document/example.json");

    fn example() -> Mapping {
        Mapping::parse(EXAMPLE.as_bytes()).unwrap()
    }

    /// The same document with the keys of every object in another order.
    fn shuffled(value: &Value, seed: u64) -> Value {
        match value {
            Value::Object(object) => {
                let mut fields: Vec<_> = object.iter().collect();
                let rank = |key: &str| {
                    key.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100000001b3))
                };
                fields.sort_by_key(|(key, _)| rank(key));
                fields.into_iter().map(|(key, value)| (key, shuffled(value, seed))).collect::<Object>().into()
            }
            Value::Array(items) => items.iter().map(|item| shuffled(item, seed)).collect::<Vec<_>>().into(),
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn the_hash_doesnt_see_order_space_or_annotations(seed in any::<u64>(), note in any::<String>(), sure in 0.0..1.0f64, at in 0usize..5) {
            let mapping = example();
            let mut value = shuffled(&mapping.to_value(), seed);
            prop_assert_eq!(Mapping::parse(value.to_string().as_bytes()).unwrap().hash(), mapping.hash());
            let mut other = Mapping::from_value(&value).unwrap();
            other.transformations[at].note = Some(note.clone());
            other.transformations[at].reason = Some(note.clone());
            other.transformations[at].confidence = Some(sure);
            other.transformations[at].candidates = vec![note.into()];
            other.complexity_score = Some(sure);
            prop_assert_eq!(other.hash(), mapping.hash());
            if let Value::Object(object) = &mut value {
                object.insert("x-seen", true);
            }
            prop_assert_eq!(Mapping::from_value(&value).unwrap().hash(), mapping.hash());
        }

        #[test]
        fn the_hash_sees_every_meaning(name in "[a-z]{1,8}", at in 0usize..5) {
            let mapping = example();
            let mut other = mapping.clone();
            other.transformations[at].dest_field = format!("zz_{name}").parse().unwrap();
            prop_assert_ne!(other.hash(), mapping.hash());
            let mut other = mapping.clone();
            other.transformations[at].transform_config.insert("x-y", name.as_str());
            prop_assert_ne!(other.hash(), mapping.hash());
            let mut other = mapping.clone();
            other.transformations.swap(0, 1);
            prop_assert_ne!(other.hash(), mapping.hash());
        }
    }

    #[test]
    fn numbers_keep_their_text_and_aliases_their_meaning() {
        let mapping = |function: &str, number: &str| {
            let text = format!(
                r#"{{"version": 1, "transformations": [{{"dest_field": "a", "transform_type": "custom",
                "transform_config": {{"function": "{function}", "params": {{"value": {number}}}}}}}]}}"#
            );
            Mapping::parse(text.as_bytes()).unwrap()
        };
        assert_eq!(mapping("constant", "1.0").hash(), mapping("literal", "1.0").hash());
        assert_ne!(mapping("constant", "1.0").hash(), mapping("constant", "1").hash());
        assert_eq!(mapping("static", "1.0").canonical(),
            r#"{"transformations":[{"dest_field":"a","source_field":null,"transform_config":{"function":"constant","params":{"value":1.0}},"transform_type":"custom"}],"version":1}"#
                .replace("\"source_field\":null,", ""));
    }

    #[test]
    fn a_diff_is_read_line_by_line() {
        let (old, mut new) = (example(), example());
        new.transformations.remove(0);
        new.transformations[0].required = false;
        new.transformations[2]
            .transform_config
            .insert("params", [("by", 10)].into_iter().collect::<Object>());
        new.transformations[3].note = Some("checked".to_owned());
        let mut added = new.transformations[0].clone();
        added.dest_field = "mail".parse().unwrap();
        new.transformations.push(added);
        new.stream = "people".to_owned();
        let told: Vec<_> = old.diff(&new).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                r#"~ stream: "customers" -> "people""#,
                "- given_name: mapping from first_name",
                "- email > required: true",
                "~ amount_cents > transform_config > params > by: 100 -> 10",
                r#"- amount_cents > transform_config > params > to: "integer""#,
                r#"+ lines[].sku > note: "checked""#,
                "+ mail: direct from email",
            ]
        );
        assert!(old.diff(&old).is_empty());
    }
}

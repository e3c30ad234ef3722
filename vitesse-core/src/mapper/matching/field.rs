//! A field as the mapper sees it.

use std::collections::{HashMap, HashSet};

use super::lexicon::{QUALIFIERS, WRAPPERS, canonical};
use crate::embed::split_words;
use crate::spec::{self, Schema, Schemas, Step, Type, parse_path};

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

/// The most words of a path that count.
const MOST_WORDS: usize = 12;

/// Names of arrays and objects that only hold the parts of a record.
const FRAMES: &[&str] = &["value", "amount", "entry", "list", "result", "item"];

/// Names that say nothing without what they are in: `price.value` is the price.
const EMPTY: &[&str] = &["amount", "value", "data", "field", "string", "content", "text"];

/// Names that say which property of the thing around them is meant: `customer.id` is the customer's id.
const BOUND: &[&str] = &["id", "name", "email", "number", "code", "type", "url", "title", "key"];

#[derive(Clone, Debug)]
pub(super) struct Field {
    /// The path of what it is in.
    pub(super) parent: String,
    /// What its own name says, then what the names around it say, each with a weight.
    pub(super) words: Vec<(String, i32)>,
    /// How many of `words` are its own.
    pub(super) own: usize,
    pub(super) kind: Kind,
    pub(super) required: bool,
    /// Its own name as it is written, in lower case letters.
    pub(super) raw: String,
    /// The number its name ends in, as in `street_2`.
    pub(super) digits: Option<u32>,
    /// The word that makes it the second of two alike, where the record has the first too: `shipping_city` beside
    /// `billing_city`.
    pub(super) second: Option<&'static str>,
    /// The path of the list whose objects it is in; empty if it is in none.
    pub(super) list: String,
    /// How many lists it is in, or is.
    pub(super) lists: i32,
    /// How many of these lists are of objects that it is in.
    pub(super) within: i32,
    /// How many names there are above its own.
    pub(super) depth: i32,
    /// Whether its list is named as it is: `emails[].email`.
    pub(super) listed: bool,
    /// Whether the destination makes it itself.
    pub(super) generated: bool,
    /// The first sentence of its description.
    pub(super) description: Vec<String>,
    /// The values it may have, in lower case letters.
    pub(super) values: Vec<String>,
    /// What a text of it looks like, by format, example or pattern.
    pub(super) look: Option<Look>,
}

/// What a text looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Email,
    Link,
    Uuid,
    Date,
    Number,
    Phone,
}

/// The words of names that were seen: most objects' names stand in many paths.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, Vec<String>>);

impl Names {
    fn words(&mut self, name: &str) -> Vec<String> {
        if let Some(words) = self.0.get(name) {
            return words.clone();
        }
        let words = canonical(&split_words(name));
        self.0.insert(name.to_owned(), words.clone());
        words
    }
}

impl Field {
    /// What the mapper makes of a schema's field. `entity` are the words that name the records themselves.
    pub(super) fn new(field: &spec::Field, schemas: &Schemas, entity: &[String], said: &mut Names) -> Self {
        let nothing = Schema::default();
        let schema = schemas.get(field.schema).unwrap_or(&nothing);
        let steps = parse_path(&field.path).unwrap_or_default();
        let names: Vec<&str> = steps.iter().filter_map(name_of).collect();
        let (name, around) = names.split_last().map_or(("", &[][..]), |(name, around)| (*name, around));
        let head = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = name[head.len()..].parse().ok();
        let mut own = said.words(name);
        // `address2` is a line of an address, not a second address.
        if digits.is_some() && own == ["address"] {
            own = vec!["street".to_owned()];
        }
        let mut above: Vec<_> = around.iter().map(|name| said.words(name)).collect();
        let is = |words: &[String], list: &[&str]| matches!(words, [one] if list.contains(&one.as_str()));
        let says = |word: &String| {
            !entity.contains(word) && !FRAMES.contains(&word.as_str()) && !WRAPPERS.contains(&word.as_str())
        };
        let mut bound = None;
        if let Some(parent) = above.last().filter(|parent| parent.iter().any(says)) {
            if is(&own, EMPTY) {
                own.clone_from(parent);
                above.pop();
            } else if is(&own, BOUND) {
                bound = own.last().filter(|word| *word == "name").cloned();
                own = canonical(&[parent.as_slice(), &own].concat());
                above.pop();
            }
        }
        let repeated = field.path.contains("[]");
        let listed = repeated && above.last().is_none_or(|above| *above == own);
        let mut words: Vec<(String, i32)> = Vec::new();
        let specific = own.iter().any(|word| !entity.contains(word));
        let more = own.len() > 1;
        for word in own {
            let weight = match () {
                () if specific && entity.contains(&word) => 1,
                () if more && (QUALIFIERS.contains(&word.as_str()) || bound.as_ref() == Some(&word)) => 2,
                () => 4,
            };
            words.push((word, weight));
        }
        words.truncate(MOST_WORDS);
        let own = words.len();
        for (distance, name) in above.iter().rev().enumerate() {
            for word in name.iter().filter(|word| says(word)) {
                if words.len() < MOST_WORDS && words.iter().all(|(known, _)| known != word) {
                    words.push((word.clone(), if distance == 0 { 2 } else { 1 }));
                }
            }
        }
        let lists = steps.iter().filter(|step| **step == Step::Items).count() as i32
            + i32::from(schema.types.single() == Some(Type::Array));
        Self {
            parent: field.path.rsplit_once('.').map_or("", |(parent, _)| parent).to_owned(),
            words,
            own,
            kind: kind(schema),
            required: field.required,
            raw: letters(name),
            digits,
            second: None,
            list: field.path.rfind("[].").map_or("", |at| &field.path[..at + 2]).to_owned(),
            lists,
            within: steps.windows(2).filter(|next| matches!(next, [Step::Items, Step::Key(_)])).count()
                as i32,
            depth: around.len() as i32,
            listed,
            generated: false,
            description: description(schema),
            values: values(schema),
            look: look(schema),
        }
    }

    /// The words of its own name.
    pub(super) fn own_words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().take(self.own).map(|(word, _)| word.as_str())
    }

    /// The words of what it is in.
    pub(super) fn words_around(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(self.own).map(|(word, _)| word.as_str())
    }

    /// Whether the word is in its path.
    pub(super) fn says(&self, word: &str) -> bool {
        self.words.iter().any(|(own, _)| own == word)
    }
}

fn name_of(step: &Step) -> Option<&str> {
    match step {
        Step::Key(name) => Some(name),
        Step::Items => None,
    }
}

fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A destination that keeps the id of a record elsewhere makes its own id itself.
pub(super) fn mark_generated(fields: &mut [Field]) {
    const ELSEWHERE: &[&str] = &["remote", "external", "foreign", "original", "thirdparty", "source"];
    let elsewhere =
        |field: &Field| field.raw.strip_suffix("id").is_some_and(|start| ELSEWHERE.contains(&start));
    let parents: Vec<_> = fields.iter().filter(|f| elsewhere(f)).map(|f| f.parent.clone()).collect();
    for field in fields {
        field.generated = field.raw == "id" && parents.contains(&field.parent);
    }
}

/// Of two alike fields, such as a billing and a shipping address, one is what is meant where only one is asked for.
pub(super) fn mark_second(fields: &mut [Field]) {
    const FIRST: &[(&str, &[&str])] = &[
        ("shipping", &["billing", "mailing"]),
        ("other", &["mailing", "primary", ""]),
        ("secondary", &["primary", ""]),
        ("alternate", &["primary", ""]),
    ];
    let name = |field: &Field| letters(&field.parent) + &field.raw;
    let names: HashSet<String> = fields.iter().map(name).collect();
    for field in fields {
        let own = name(field);
        let beside = |(second, firsts): &&(&str, &[&str])| {
            own.contains(second) && firsts.iter().any(|first| names.contains(&own.replacen(second, first, 1)))
        };
        field.second = FIRST.iter().find(beside).map(|(second, _)| *second);
    }
}

fn kind(schema: &Schema) -> Kind {
    match (schema.types.single(), schema.format.as_deref()) {
        (Some(Type::String), Some("date" | "date-time")) => Kind::Date,
        (Some(Type::String), _) => Kind::Text,
        (Some(Type::Integer), _) => Kind::Integer,
        (Some(Type::Number), _) => Kind::Number,
        (Some(Type::Boolean), _) => Kind::Boolean,
        (Some(Type::Object), _) => Kind::Object,
        _ => Kind::Any,
    }
}

fn description(schema: &Schema) -> Vec<String> {
    /// Words that say nothing of what is described.
    const STOP: &[&str] = &[
        "the", "a", "an", "of", "in", "is", "to", "for", "this", "that", "and", "or", "be", "it", "its",
        "with", "as", "by", "on", "are", "was", "which", "from", "if", "can", "will", "e", "g", "i",
        "context", "object", "record",
    ];
    let text = schema.description.as_deref().or(schema.title.as_deref()).unwrap_or_default();
    let first = text.split(['.', '\n', ';', '(']).next().unwrap_or_default();
    let short = first.char_indices().nth(160).map_or(first, |(end, _)| &first[..end]);
    let mut words = split_words(short);
    words.retain(|word| !STOP.contains(&word.as_str()));
    canonical(&words)
}

fn values(schema: &Schema) -> Vec<String> {
    let texts = schema.enum_values.iter().filter_map(spec::Json::as_str);
    let mut values: Vec<String> =
        texts.take(64).map(|text| letters(&text)).filter(|text| !text.is_empty()).collect();
    values.sort_unstable();
    values.dedup();
    values
}

fn look(schema: &Schema) -> Option<Look> {
    match schema.format.as_deref() {
        Some("email" | "idn-email") => return Some(Look::Email),
        Some("uri" | "url" | "iri" | "uri-reference") => return Some(Look::Link),
        Some("uuid" | "guid") => return Some(Look::Uuid),
        Some("date" | "date-time" | "datetime" | "timestamp" | "unix-time") => return Some(Look::Date),
        Some("decimal" | "money") => return Some(Look::Number),
        Some("phone" | "e164" | "tel") => return Some(Look::Phone),
        _ => {}
    }
    let details = schema.details();
    if let Some(pattern) = &details.pattern {
        if pattern.contains('@') {
            return Some(Look::Email);
        } else if pattern.contains("http") {
            return Some(Look::Link);
        } else if pattern.contains("\\d{4}-\\d{2}") || pattern.contains("[0-9]{4}-[0-9]{2}") {
            return Some(Look::Date);
        }
    }
    look_of(&details.example.as_ref()?.as_str()?)
}

/// What an example shows; `None` for what could be anything.
fn look_of(text: &str) -> Option<Look> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let only = |set: &str| text.chars().all(|c| c.is_ascii_digit() || set.contains(c));
    let dated = text.get(..10).is_some_and(|day| {
        day.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() })
    });
    let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    if text.contains('@') && text.contains('.') && !text.contains(' ') {
        Some(Look::Email)
    } else if text.starts_with("http://") || text.starts_with("https://") {
        Some(Look::Link)
    } else if dated {
        Some(Look::Date)
    } else if text.len() == 36 && text.chars().all(hex) && text.matches('-').count() == 4 {
        Some(Look::Uuid)
    } else if text.starts_with('+') && digits >= 7 && only("+-() ") {
        Some(Look::Phone)
    } else if digits > 0 && only("-.") && text.matches('.').count() == 1 {
        Some(Look::Number)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::read_json_schema;
    use super::*;

    fn only(schema: Value, entity: &[String]) -> Field {
        let (schemas, root) = read_json_schema(&schema);
        Field::new(&schemas.fields(root, 12)[0], &schemas, entity, &mut Names::default())
    }

    fn at(path: &str, leaf: Value) -> Value {
        path.rsplit('.').fold(leaf, |inner, name| match name.strip_suffix("[]") {
            Some(name) => json!({"properties": {name: {"type": "array", "items": inner}}}),
            None => json!({"properties": {name: inner}}),
        })
    }

    fn own(path: &str) -> Vec<String> {
        only(at(path, json!({"type": "string"})), &["order".into()]).own_words().map(str::to_owned).collect()
    }

    #[test]
    fn a_name_that_says_nothing_alone_takes_what_it_is_in() {
        assert_eq!(own("CustomerRef.value"), own("customer_id"));
        assert_eq!(own("price.amount"), ["price"]);
        assert_eq!(own("customer.id"), own("customerId"));
        assert_eq!(own("order.id"), ["id"]);
        assert_eq!(own("address2"), ["street"]);
    }

    #[test]
    fn what_a_field_holds_is_read_from_format_pattern_and_example() {
        let look = |leaf| only(at("x", leaf), &[]).look;
        assert_eq!(look(json!({"format": "email"})), Some(Look::Email));
        assert_eq!(look(json!({"pattern": r"^\d{4}-\d{2}-\d{2}$"})), Some(Look::Date));
        assert_eq!(look(json!({"example": "https://a.example"})), Some(Look::Link));
        assert_eq!(look(json!({"example": "+4915112345678"})), Some(Look::Phone));
        assert_eq!(look(json!({"example": "12.50"})), Some(Look::Number));
        assert_eq!(look(json!({"example": "2024-10-01T12:00:00Z"})), Some(Look::Date));
        assert_eq!(look(json!({"example": "Grün"})), None);
    }

    #[test]
    fn of_two_alike_one_is_the_second() {
        let (schemas, root) = read_json_schema(&json!({"properties": {
            "billing_city": {}, "shipping_city": {}, "shipping_method": {}, "fax": {}, "other_fax": {}
        }}));
        let leaves = schemas.fields(root, 4);
        let mut names = Names::default();
        let mut fields: Vec<_> =
            leaves.iter().map(|leaf| Field::new(leaf, &schemas, &[], &mut names)).collect();
        mark_second(&mut fields);
        let second: Vec<_> =
            fields.iter().filter_map(|field| Some((field.raw.as_str(), field.second?))).collect();
        assert_eq!(second, [("otherfax", "other"), ("shippingcity", "shipping")]);
    }

    #[test]
    fn a_destination_with_a_foreign_id_makes_its_own() {
        let (schemas, root) = read_json_schema(&json!({"properties": {"id": {}, "remote_id": {}}}));
        let mut names = Names::default();
        let leaves = schemas.fields(root, 4);
        let mut fields: Vec<_> =
            leaves.iter().map(|leaf| Field::new(leaf, &schemas, &[], &mut names)).collect();
        mark_generated(&mut fields);
        assert!(fields[0].generated && !fields[1].generated);
    }
}

use super::lexicon::canonical;
use crate::embed::{Embedder, Vector, split_words};
use crate::spec::{self, Schema, Step, Type, parse_path};

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
    /// What the mapper makes of a schema's field. `entity` are the words that name the records themselves.
    pub(super) fn new(field: &spec::Field, schema: &Schema, entity: &[String], model: &Embedder) -> Self {
        let path = field.path.as_str();
        let mut names = parse_path(path).unwrap_or_default();
        names.retain(|step| matches!(step, Step::Key(_)));
        let names: Vec<&str> = names
            .iter()
            .map(|step| match step {
                Step::Key(name) => name.as_str(),
                Step::Items => "",
            })
            .collect();
        let name = names.last().copied().unwrap_or_default();
        let mut raw = split_words(name);
        let mut own_name = canonical(&raw);
        if own_name.iter().any(|word| !entity.contains(word)) {
            raw.retain(|word| {
                !canonical(std::slice::from_ref(word)).iter().any(|word| entity.contains(word))
            });
        }
        let head = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = name[head.len()..].parse().ok();
        // `address2` is a line of an address, not a second address.
        if digits.is_some() && own_name == ["address"] {
            own_name = vec!["street".to_owned()];
        }
        let mut above: Vec<_> =
            names[..names.len().saturating_sub(1)].iter().map(|name| canonical(&split_words(name))).collect();
        // `price.value` and `name[].value` are the price and the name.
        let empty = |words: &[String]| matches!(words, [one] if ["amount", "data", "field", "string"].contains(&one.as_str()));
        if empty(&own_name)
            && let Some(parent) = above.pop()
        {
            own_name = parent;
        }
        let array = path.contains("[]") && above.last().is_none_or(|above| *above == own_name);
        let specific = own_name.iter().filter(|word| !entity.contains(word)).count();
        let mut words: Vec<(String, i32)> = Vec::new();
        for word in own_name {
            let weight = if specific > 0 && entity.contains(&word) { 1 } else { 4 };
            words.push((word, weight));
        }
        let own = words.len();
        for (distance, name) in above.iter().rev().enumerate() {
            for word in name {
                let weight = if distance == 0 { 2 } else { 1 };
                if !entity.contains(word)
                    && !super::score::FRAMES.contains(&word.as_str())
                    && words.iter().all(|(known, _)| known != word)
                {
                    words.push((word.clone(), weight));
                }
            }
        }
        let vector =
            model.embed_words(words.iter().map(|(word, weight)| (word.as_str(), i64::from(*weight))));
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent).to_owned();
        Self {
            path: path.to_owned(),
            parent,
            words,
            own,
            kind: kind(schema),
            required: field.required,
            raw,
            digits,
            listed: array,
            generated: false,
            vector,
        }
    }

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

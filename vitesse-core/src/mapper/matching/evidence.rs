//! What speaks for and against two fields, as numbers, and what they come to.

use super::alike::{Alike, Cover, Weighed};
use super::field::{Field, Kind, Look};
use super::weights::Weights;
use crate::embed::{Embedder, Vector};

/// How many kinds of evidence there are for a pair by itself.
pub(super) const KINDS: usize = 22;

/// Their names, in the order of the numbers: what the fitting script calls them.
#[cfg(feature = "testing")]
pub(super) const NAMES: [&str; KINDS] = [
    "own",
    "path",
    "meaning",
    "own_meaning",
    "same_written",
    "same_name",
    "same_path",
    "spelling",
    "aspects",
    "kinds",
    "digits",
    "more_lists",
    "fewer_lists",
    "deeper",
    "shallower",
    "around",
    "both_top",
    "description",
    "values",
    "generated",
    "required",
    "plain_apart",
];

/// The evidence for one pair, each kind from -1000 to 1000.
pub(super) type Row = [i32; KINDS];

/// One side, ready to be compared.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) fields: Vec<Field>,
    pub(super) words: Vec<Weighed>,
    vectors: Vec<Vector>,
    own_vectors: Vec<Vector>,
    descriptions: Vec<Option<Vector>>,
    traits: Vec<Traits>,
}

/// What is worked out once for each field, since each is compared with many.
#[derive(Debug)]
struct Traits {
    /// The runs of three letters in its name, in order.
    runs: Vec<[u8; 3]>,
    /// Which of `ASPECTS` its own name says, a bit for each.
    own_aspects: u32,
    /// Which of them its path says.
    aspects: u32,
    /// Whether its own name says only what every record says.
    plain: bool,
    /// The words around its name.
    around: Vec<(usize, i32)>,
}

/// Both sides.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) source: Side,
    pub(super) dest: Side,
    alike: Alike,
}

impl Compared {
    pub(super) fn new(source: Vec<Field>, dest: Vec<Field>, model: &Embedder) -> Self {
        let (alike, left, right) = Alike::of(&source, &dest, model);
        Self { source: side(source, left, model), dest: side(dest, right, model), alike }
    }

    /// How near a source field is to each destination field at first sight: what decides which get a second look.
    pub(super) fn glances(&self, s: usize, covers: &mut Vec<Cover>) -> impl Iterator<Item = i32> {
        self.alike.covers(s, &self.source.words[s], &self.dest.words, covers);
        let vector = &self.source.vectors[s];
        let pairs = covers.iter().zip(&self.dest.vectors);
        pairs.map(|(cover, other)| cover.own * 3 + cover.path * 4 + vector.similarity(other).max(0) * 3)
    }

    /// All the evidence for a pair.
    pub(super) fn row(&self, s: usize, d: usize) -> Row {
        let (a, b) = (&self.source.fields[s], &self.dest.fields[d]);
        let cover = self.alike.cover((s, &self.source.words[s]), (d, &self.dest.words[d]));
        let (one, other) = (&self.source.traits[s], &self.dest.traits[d]);
        let around = self.alike.between(&one.around, &other.around);
        let same_name = a.own_words().eq(b.own_words());
        let yes = |what: bool| if what { 1000 } else { 0 };
        let steps = |more: i32| more.clamp(0, 4) * 250;
        let tops = |field: &Field| field.words.len() == field.own;
        [
            cover.own,
            cover.path,
            self.source.vectors[s].similarity(&self.dest.vectors[d]).max(0),
            self.source.own_vectors[s].similarity(&self.dest.own_vectors[d]).max(0),
            yes(a.raw == b.raw),
            yes(same_name),
            yes(same_name && a.words.len() == b.words.len() && a.words.iter().all(|(word, _)| b.says(word))),
            spelling(&one.runs, &other.runs),
            aspects(one, other),
            clash(a.kind, b.kind),
            digits(a, b),
            steps(a.lists - b.lists),
            if b.listed { 0 } else { steps(b.lists - a.lists) },
            steps(a.depth - b.depth),
            steps(b.depth - a.depth),
            around,
            yes(tops(a) && tops(b)),
            self.description(s, d),
            values(a, b),
            yes(b.generated),
            yes(b.required),
            if one.plain && other.plain && !(tops(a) && tops(b)) { 1000 - around } else { 0 },
        ]
    }

    /// How well what is said about one field fits what is said about the other; 0 unless both are described.
    fn description(&self, s: usize, d: usize) -> i32 {
        match (&self.source.descriptions[s], &self.dest.descriptions[d]) {
            (Some(a), Some(b)) => a.similarity(b).max(0),
            _ => 0,
        }
    }
}

fn side(fields: Vec<Field>, words: Vec<Weighed>, model: &Embedder) -> Side {
    let vector = |words: &[(String, i32)]| {
        model.embed_words(words.iter().map(|(word, weight)| (word.as_str(), i64::from(*weight))))
    };
    let described = |field: &Field| {
        let words = field.description.iter().map(|word| (word.as_str(), 4));
        (!field.description.is_empty()).then(|| model.embed_words(words))
    };
    let vectors = fields.iter().map(|field| vector(&field.words)).collect();
    let own_vectors = fields.iter().map(|field| vector(&field.words[..field.own])).collect();
    let descriptions = fields.iter().map(described).collect();
    let traits = fields.iter().zip(&words).map(|(field, words)| traits(field, words)).collect();
    Side { fields, words, vectors, own_vectors, descriptions, traits }
}

fn traits(field: &Field, words: &Weighed) -> Traits {
    let bytes = [b"<", field.raw.as_bytes(), b">"].concat();
    let mut runs: Vec<[u8; 3]> = bytes.windows(3).map(|run| [run[0], run[1], run[2]]).collect();
    runs.sort_unstable();
    runs.dedup();
    let bits = |says: &dyn Fn(&str) -> bool| {
        let said = ASPECTS.iter().enumerate().filter(|(_, aspect)| says(aspect));
        said.fold(0, |bits, (at, _)| bits | 1 << at)
    };
    Traits {
        runs,
        own_aspects: bits(&|aspect| field.own_words().any(|word| word == aspect)),
        aspects: bits(&|aspect| {
            field.says(aspect) || aspect == "price" && MONEY.iter().any(|word| field.says(word))
        }),
        plain: field.own_words().all(|word| PLAIN.contains(&word)),
        around: words.words.iter().skip(words.own).copied().collect(),
    }
}

/// What the evidence comes to, in thousandths of a unit of log odds.
pub(super) fn sum(row: &Row, weights: &Weights) -> i32 {
    weights.pair_base
        + row.iter().zip(&weights.pair).map(|(value, weight)| value * weight / 1000).sum::<i32>()
}

/// Words that every record has fields of, whatever it is about: what they are about stands around them.
pub(super) const PLAIN: &[&str] = &[
    "id",
    "name",
    "date",
    "updated",
    "created",
    "status",
    "type",
    "description",
    "url",
    "number",
    "code",
    "amount",
    "active",
    "title",
    "value",
    "note",
    "key",
    "position",
    "order",
    "label",
    "count",
    "quantity",
    "total",
    "deleted",
    "version",
    "user",
    "owner",
    "content",
    "text",
    "tag",
    "state",
    "price",
    "currency",
    "image",
    "start",
    "end",
];

/// Words that say which property of a thing is meant: a type is no number, whatever both belong to.
const ASPECTS: &[&str] = &[
    "type", "id", "status", "date", "number", "url", "price", "currency", "tax", "discount", "updated",
    "created", "count", "size", "start", "end", "birth", "forename", "surname", "rate",
];

/// Words that say a price without the word.
const MONEY: &[&str] = &["amount", "cost", "subtotal", "total"];

fn aspects(a: &Traits, b: &Traits) -> i32 {
    let clashes = a.own_aspects & !b.aspects | b.own_aspects & !a.aspects;
    (clashes.count_ones() as i32 * 333).min(1000)
}

/// What speaks against two fields being the same of several alike ones: by the number they end in, or because one
/// is the second and the other doesn't say so.
fn digits(a: &Field, b: &Field) -> i32 {
    let second = |one: &Field, other: &Field| one.second.is_some_and(|word| !other.says(word));
    let apart = if second(a, b) || second(b, a) { 450 } else { 0 };
    let numbers = match (a.digits.unwrap_or(0), b.digits.unwrap_or(0)) {
        (a, b) if a == b => 0,
        (0, 1) | (1, 0) => 50,
        (0, _) | (_, 0) => 450,
        _ => 1000,
    };
    numbers.max(apart)
}

/// The share of runs of three letters that both names have.
fn spelling(left: &[[u8; 3]], right: &[[u8; 3]]) -> i32 {
    let shared = left.iter().filter(|run| right.binary_search(run).is_ok()).count();
    (2000 * shared / (left.len() + right.len()).max(1)) as i32
}

/// What the values that both may have say: shared ones speak for the pair, others against it.
fn values(a: &Field, b: &Field) -> i32 {
    let listed = if a.values.is_empty() || b.values.is_empty() {
        0
    } else {
        let shared = a.values.iter().filter(|value| b.values.binary_search(value).is_ok()).count();
        (1000 * shared / a.values.len().min(b.values.len())) as i32 - if shared == 0 { 200 } else { 0 }
    };
    let looks = match (a.look, b.look) {
        (Some(a), Some(b)) if a == b && matches!(a, Look::Date | Look::Number) => 150,
        (Some(a), Some(b)) if a == b => 500,
        (Some(_), Some(_)) => -700,
        (Some(look), None) => unlike(look, b),
        (None, Some(look)) => unlike(look, a),
        (None, None) => 0,
    };
    (listed + looks).clamp(-1000, 1000)
}

/// What speaks against a field holding texts of a look, by its own values or kind.
fn unlike(look: Look, field: &Field) -> i32 {
    let listed = !field.values.is_empty();
    match (look, field.kind) {
        (Look::Email | Look::Link | Look::Uuid | Look::Phone, Kind::Boolean | Kind::Date | Kind::Number) => {
            -700
        }
        (Look::Date, Kind::Boolean) => -700,
        _ if listed => -500,
        _ => 0,
    }
}

/// What speaks against values of one kind in a field of another.
fn clash(s: Kind, d: Kind) -> i32 {
    use Kind::{Any, Boolean, Date, Integer, Number, Object, Text};
    match (s, d) {
        (Any, _) | (_, Any) => 0,
        (a, b) if a == b => 0,
        (Object, _) | (_, Object) => 600,
        (Boolean, Date) | (Date, Boolean) => 1000,
        (Date, Number) | (Number, Date) | (Boolean, Number | Integer) | (Number | Integer, Boolean) => 500,
        (Text, Date) | (Date, Text) | (Integer, Date) | (Date, Integer) => 80,
        (Boolean, _) | (_, Boolean) => 250,
        _ => 40,
    }
}

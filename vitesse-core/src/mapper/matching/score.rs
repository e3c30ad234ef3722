use std::collections::HashMap;

use super::field::{Field, Kind};
use crate::embed::{Embedder, Vector};

/// Names of arrays and objects that only hold the parts of a record.
pub(super) const FRAMES: &[&str] = &["value", "amount", "entry", "list", "result"];

/// How alike each source and destination field are, in thousandths.
#[derive(Debug)]
pub(super) struct Scores {
    width: usize,
    values: Vec<i32>,
}

impl Scores {
    pub(super) fn of(source: &[Field], dest: &[Field], model: &Embedder) -> Self {
        let (left, left_words) = numbered(source);
        let (right, right_words) = numbered(dest);
        let vectors = |words: &[&str]| -> Vec<Vector> {
            words.iter().map(|word| model.embed_words([(*word, 4)])).collect()
        };
        let (left_vectors, right_vectors) = (vectors(&left_words), vectors(&right_words));
        let mut alike = Vec::with_capacity(left_words.len() * right_words.len());
        for (a, va) in left_words.iter().zip(&left_vectors) {
            alike.extend(right_words.iter().zip(&right_vectors).map(|(b, vb)| words_alike(a, va, b, vb)));
        }
        let table = Table { alike: &alike, width: right_words.len() };
        let mut values = Vec::with_capacity(source.len() * dest.len());
        for (s, a) in source.iter().zip(&left) {
            for (d, b) in dest.iter().zip(&right) {
                values.push(if d.generated { 0 } else { score(s, a, d, b, &table) });
            }
        }
        Self { width: dest.len(), values }
    }

    pub(super) fn get(&self, source: usize, dest: usize) -> i32 {
        self.values.get(source * self.width + dest).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, source: usize, dest: usize, more: i32) {
        if let Some(value) = self.values.get_mut(source * self.width + dest) {
            *value += more;
        }
    }
}

struct Table<'a> {
    alike: &'a [i32],
    width: usize,
}

type Numbered = Vec<(usize, i32)>;

/// Each field's words by number, so that two words are compared once.
fn numbered(fields: &[Field]) -> (Vec<Numbered>, Vec<&str>) {
    let (mut numbers, mut words) = (HashMap::new(), Vec::new());
    let lists = fields.iter().map(|field| {
        let number = |(word, weight): &'_ (String, i32)| (word.clone(), *weight);
        field.words.iter().map(number).collect::<Vec<_>>()
    });
    let lists: Vec<Vec<(String, i32)>> = lists.collect();
    let mut out = Vec::with_capacity(fields.len());
    for (list, field) in lists.iter().zip(fields) {
        let mut row = Vec::with_capacity(list.len());
        for ((_, weight), (word, _)) in list.iter().zip(&field.words) {
            let number = *numbers.entry(word.as_str()).or_insert_with(|| {
                words.push(word.as_str());
                words.len() - 1
            });
            row.push((number, *weight));
        }
        out.push(row);
    }
    (out, words)
}

fn words_alike(a: &str, va: &Vector, b: &str, vb: &Vector) -> i32 {
    if a == b {
        return 1000;
    }
    // Whether something is done or active is a status.
    if matches!((a, b), ("done" | "active", "status") | ("status", "done" | "active")) {
        return 700;
    }
    let meaning = (va.similarity(vb).max(0) * 6) / 10;
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let written =
        if short.len() >= 3 && (long.starts_with(short) || long.ends_with(short) && short.len() >= 4) {
            750
        } else if short.len() >= 5 && strsim::levenshtein(a, b) <= 1 {
            800
        } else {
            0
        };
    meaning.max(written)
}

/// How well two lists of weighted words cover each other.
fn cover(a: &[(usize, i32)], b: &[(usize, i32)], table: &Table<'_>) -> i32 {
    let one = |x: usize, y: usize| table.alike.get(x * table.width + y).copied().unwrap_or(0);
    let (mut total, mut weights) = (0, 0);
    for (x, weight) in a {
        total += weight * b.iter().map(|(y, _)| one(*x, *y)).max().unwrap_or(0);
        weights += weight;
    }
    for (y, weight) in b {
        total += weight * a.iter().map(|(x, _)| one(*x, *y)).max().unwrap_or(0);
        weights += weight;
    }
    total / weights.max(1)
}

fn score(s: &Field, a: &[(usize, i32)], d: &Field, b: &[(usize, i32)], table: &Table<'_>) -> i32 {
    let own = cover(&a[..s.own.min(a.len())], &b[..d.own.min(b.len())], table);
    let path = cover(a, b, table);
    let meaning = s.vector.similarity(&d.vector).max(0);
    (own * 3 + path * 4 + meaning * 3) / 10 + shape(s, d) - clash(s.kind, d.kind)
}

/// Words that say which property of a thing is meant: a type is no number, whatever both belong to.
const ASPECTS: &[&str] = &[
    "type", "id", "status", "date", "number", "url", "price", "currency", "tax", "discount", "shipping",
    "updated", "created",
];

/// What spelling, numbers and place say beyond the words.
fn shape(s: &Field, d: &Field) -> i32 {
    let mut sum = if s.raw == d.raw { 30 } else { 0 };
    sum += match (s.digits.unwrap_or(0), d.digits.unwrap_or(0)) {
        (a, b) if a == b => 0,
        (0, 1) | (1, 0) => -5,
        (0, _) | (_, 0) => -90,
        _ => -200,
    };
    let says = |field: &Field, aspect: &str| field.words.iter().any(|(word, _)| word == aspect);
    let own = |field: &Field, aspect: &str| field.words[..field.own].iter().any(|(word, _)| word == aspect);
    for aspect in ASPECTS {
        if own(s, aspect) && !says(d, aspect) || own(d, aspect) && !says(s, aspect) {
            sum -= 80;
        }
    }
    let arrays = |field: &Field| field.path.matches("[]").count() as i32;
    sum += match arrays(s) - arrays(d) {
        more if more > 0 => -50 * more,
        _ if d.listed => 0,
        fewer => 25 * fewer,
    };
    sum - 6 * (s.path.matches('.').count() as i32 - d.path.matches('.').count() as i32).max(0)
}

/// What speaks against values of one kind in a field of another.
fn clash(s: Kind, d: Kind) -> i32 {
    use Kind::{Any, Boolean, Date, Integer, Number, Object, Text};
    match (s, d) {
        (Any, _) | (_, Any) => 0,
        (a, b) if a == b => 0,
        (Object, _) | (_, Object) => 150,
        (Boolean, Date) | (Date, Boolean) => 250,
        (Date, Number) | (Number, Date) | (Boolean, Number | Integer) | (Number | Integer, Boolean) => 120,
        (Text, Date) | (Date, Text) | (Integer, Date) | (Date, Integer) => 20,
        (Boolean, _) | (_, Boolean) => 60,
        _ => 10,
    }
}

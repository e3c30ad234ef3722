//! How alike the words of two records are, each two compared once.

use std::collections::HashMap;

use super::field::Field;
use super::lexicon;
use crate::embed::{Embedder, Vector};

/// A field's words by their numbers in a table, each with what it weighs.
#[derive(Clone, Debug)]
pub(super) struct Weighed {
    pub(super) words: Vec<(usize, i32)>,
    /// How many are the field's own.
    pub(super) own: usize,
}

impl Weighed {
    fn own(&self) -> &[(usize, i32)] {
        self.words.get(..self.own).unwrap_or(&self.words)
    }

    fn path(&self) -> &[(usize, i32)] {
        &self.words
    }
}

type Part = fn(&Weighed) -> &[(usize, i32)];

/// The parts of a field's words that are compared apart.
const PARTS: [Part; 2] = [Weighed::own, Weighed::path];

/// The words of two records and how alike each two of them are, in thousandths.
///
/// Every field is compared with every other, so what a word is to a field is worked out only once.
#[derive(Debug)]
pub(super) struct Alike {
    /// By the source's word and then by the destination's.
    words: Table,
    /// How near each word of the source is to the nearest of each destination field's own, and of its path's.
    to_dest: [Table; 2],
    /// By source field and then by the destination's word: how near that is to the field's nearest.
    to_source: [Table; 2],
    /// What the words of each field weigh: its own, and its path's.
    source_weights: Vec<[i32; 2]>,
    dest_weights: Vec<[i32; 2]>,
}

/// How well two lists of weighted words cover each other, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cover {
    /// Their own names only.
    pub(super) own: i32,
    /// The whole paths.
    pub(super) path: i32,
}

#[derive(Debug, Default)]
struct Table {
    width: usize,
    cells: Vec<i16>,
}

impl Table {
    fn row(&self, at: usize) -> &[i16] {
        self.cells.get(at * self.width..(at + 1) * self.width).unwrap_or_default()
    }
}

fn cell(row: &[i16], at: usize) -> i32 {
    row.get(at).copied().map_or(0, i32::from)
}

impl Alike {
    /// Numbers the words of both sides' fields, and compares them.
    pub(super) fn of(
        source: &[Field],
        dest: &[Field],
        model: &Embedder,
    ) -> (Self, Vec<Weighed>, Vec<Weighed>) {
        let (left, left_words) = weighed(source);
        let (right, right_words) = weighed(dest);
        let (left_words, right_words) = (known(&left_words, model), known(&right_words, model));
        let mut cells = Vec::with_capacity(left_words.len() * right_words.len());
        for a in &left_words {
            cells.extend(right_words.iter().map(|b| word(a, b) as i16));
        }
        let words = Table { width: right_words.len(), cells };
        // The nearest of a field's words: of its own, and of all.
        let nearest = |row: &[i16], words: &[(usize, i32)]| {
            words.iter().filter_map(|(y, _)| row.get(*y)).copied().max().unwrap_or(0)
        };
        let to_dest = PARTS.map(|part| {
            let rows = (0..left_words.len()).map(|x| words.row(x));
            let cells = rows.flat_map(|row| right.iter().map(move |field| nearest(row, part(field))));
            Table { width: right.len(), cells: cells.collect() }
        });
        let to_source = PARTS.map(|part| {
            let mut cells = vec![0; left.len() * words.width];
            for (field, best) in left.iter().zip(cells.chunks_mut(words.width.max(1))) {
                for (x, _) in part(field) {
                    best.iter_mut().zip(words.row(*x)).for_each(|(best, alike)| *best = (*best).max(*alike));
                }
            }
            Table { width: words.width, cells }
        });
        let (source_weights, dest_weights) = (weights(&left), weights(&right));
        (Self { words, to_dest, to_source, source_weights, dest_weights }, left, right)
    }

    /// How well the words of a source field and of each destination field cover each other.
    pub(super) fn covers(&self, s: usize, a: &Weighed, dest: &[Weighed], out: &mut Vec<Cover>) {
        out.clear();
        out.resize(dest.len(), Cover::default());
        for (at, (x, weight)) in a.words.iter().enumerate() {
            for (cover, near) in out.iter_mut().zip(self.to_dest[1].row(*x)) {
                cover.path += weight * i32::from(*near);
            }
            if at < a.own {
                for (cover, near) in out.iter_mut().zip(self.to_dest[0].row(*x)) {
                    cover.own += weight * i32::from(*near);
                }
            }
        }
        let rows = [self.to_source[0].row(s), self.to_source[1].row(s)];
        let weights = self.source_weights.get(s).copied().unwrap_or_default();
        for ((cover, b), to) in out.iter_mut().zip(dest).zip(&self.dest_weights) {
            cover.add(b, rows, weights, *to);
        }
    }

    /// How well the words of two fields cover each other.
    pub(super) fn cover(&self, (s, a): (usize, &Weighed), (d, b): (usize, &Weighed)) -> Cover {
        let mut cover = Cover::default();
        for (at, (x, weight)) in a.words.iter().enumerate() {
            cover.path += weight * cell(self.to_dest[1].row(*x), d);
            if at < a.own {
                cover.own += weight * cell(self.to_dest[0].row(*x), d);
            }
        }
        let weights = |of: &[[i32; 2]], at: usize| of.get(at).copied().unwrap_or_default();
        let rows = [self.to_source[0].row(s), self.to_source[1].row(s)];
        cover.add(b, rows, weights(&self.source_weights, s), weights(&self.dest_weights, d));
        cover
    }

    /// How well two lists of words cover each other.
    pub(super) fn between(&self, a: &[(usize, i32)], b: &[(usize, i32)]) -> i32 {
        let alike = |x: usize, y: usize| cell(self.words.row(x), y);
        let mut sum = 0;
        for (x, weight) in a {
            sum += weight * b.iter().map(|(y, _)| alike(*x, *y)).max().unwrap_or(0);
        }
        for (y, weight) in b {
            sum += weight * a.iter().map(|(x, _)| alike(*x, *y)).max().unwrap_or(0);
        }
        sum / a.iter().chain(b).map(|(_, weight)| weight).sum::<i32>().max(1)
    }
}

impl Cover {
    /// Adds how well the words of `b` are covered, and divides by what all words weigh.
    fn add(&mut self, b: &Weighed, [own, path]: [&[i16]; 2], left: [i32; 2], right: [i32; 2]) {
        for (at, (y, weight)) in b.words.iter().enumerate() {
            self.path += weight * cell(path, *y);
            if at < b.own {
                self.own += weight * cell(own, *y);
            }
        }
        self.own /= (left[0] + right[0]).max(1);
        self.path /= (left[1] + right[1]).max(1);
    }
}

fn weights(fields: &[Weighed]) -> Vec<[i32; 2]> {
    let sum = |words: &[(usize, i32)]| words.iter().map(|(_, weight)| weight).sum();
    fields.iter().map(|field| [sum(field.own()), sum(&field.words)]).collect()
}

/// A word with what is known of it.
struct Word<'a> {
    text: &'a str,
    vector: Vector,
    groups: &'static [usize],
}

fn known<'a>(words: &[&'a str], model: &Embedder) -> Vec<Word<'a>> {
    let known = |text: &&'a str| Word {
        text,
        vector: model.embed_words([(*text, 4)]),
        groups: lexicon::groups(text),
    };
    words.iter().map(known).collect()
}

/// Each field's words by number. A word that half of the record's fields have says less than a rare one.
fn weighed(fields: &[Field]) -> (Vec<Weighed>, Vec<&str>) {
    let (mut numbers, mut words, mut spread) = (HashMap::new(), Vec::new(), Vec::new());
    let mut out = Vec::with_capacity(fields.len());
    for field in fields {
        let mut row = Vec::with_capacity(field.words.len());
        for (word, weight) in &field.words {
            let number = *numbers.entry(word.as_str()).or_insert_with(|| {
                words.push(word.as_str());
                spread.push(0_usize);
                words.len() - 1
            });
            if let Some(count) = spread.get_mut(number) {
                *count += 1;
            }
            row.push((number, *weight));
        }
        out.push(Weighed { words: row, own: field.own });
    }
    let all = fields.len().max(1);
    for (number, weight) in out.iter_mut().flat_map(|field| &mut field.words) {
        let rarity = 100 - 70 * spread.get(*number).copied().unwrap_or(0) / all;
        *weight *= rarity as i32;
    }
    (out, words)
}

fn word(left: &Word<'_>, right: &Word<'_>) -> i32 {
    let (a, b) = (left.text, right.text);
    if a == b {
        return 1000;
    }
    let meaning = left.vector.similarity(&right.vector).max(0) * 6 / 10;
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let written =
        if short.len() >= 3 && (long.starts_with(short) || short.len() >= 4 && long.ends_with(short)) {
            750
        } else if short.len() >= 5 && long.len() - short.len() <= 1 && strsim::levenshtein(a, b) <= 1 {
            800
        } else {
            0
        };
    meaning.max(written).max(lexicon::nearness(left.groups, right.groups))
}

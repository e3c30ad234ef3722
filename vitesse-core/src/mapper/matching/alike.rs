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

/// The words of two records and how alike each two of them are, in thousandths.
#[derive(Debug)]
pub(super) struct Alike {
    width: usize,
    table: Vec<i16>,
}

/// How well two lists of weighted words cover each other, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cover {
    /// Their own names only.
    pub(super) own: i32,
    /// The whole paths.
    pub(super) path: i32,
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
        let vectors = |words: &[&str]| -> Vec<Vector> {
            words.iter().map(|word| model.embed_words([(*word, 4)])).collect()
        };
        let (left_vectors, right_vectors) = (vectors(&left_words), vectors(&right_words));
        let mut table = Vec::with_capacity(left_words.len() * right_words.len());
        for (a, va) in left_words.iter().zip(&left_vectors) {
            table.extend(right_words.iter().zip(&right_vectors).map(|(b, vb)| word(a, va, b, vb) as i16));
        }
        (Self { width: right_words.len(), table }, left, right)
    }

    /// How well the words of two fields cover each other.
    pub(super) fn cover(&self, a: &Weighed, b: &Weighed) -> Cover {
        let mut best_own = [0_i32; 16];
        let mut best_all = [0_i32; 16];
        let (mut own, mut own_weight, mut path, mut path_weight) = (0, 0, 0, 0);
        for (at, (x, weight)) in a.words.iter().enumerate() {
            let row = self.table.get(x * self.width..(x + 1) * self.width).unwrap_or_default();
            let (mut row_own, mut row_all) = (0, 0);
            for (other, ((y, _), (best_own, best_all))) in
                b.words.iter().zip(best_own.iter_mut().zip(&mut best_all)).enumerate()
            {
                let alike = row.get(*y).copied().map_or(0, i32::from);
                row_all = row_all.max(alike);
                *best_all = alike.max(*best_all);
                if other < b.own && at < a.own {
                    row_own = row_own.max(alike);
                    *best_own = alike.max(*best_own);
                }
            }
            path += weight * row_all;
            path_weight += weight;
            if at < a.own {
                own += weight * row_own;
                own_weight += weight;
            }
        }
        for (other, ((_, weight), (best_own, best_all))) in
            b.words.iter().zip(best_own.iter().zip(&best_all)).enumerate()
        {
            path += weight * best_all;
            path_weight += weight;
            if other < b.own {
                own += weight * best_own;
                own_weight += weight;
            }
        }
        Cover { own: own / own_weight.max(1), path: path / path_weight.max(1) }
    }
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

fn word(a: &str, va: &Vector, b: &str, vb: &Vector) -> i32 {
    if a == b {
        return 1000;
    }
    let meaning = va.similarity(vb).max(0) * 6 / 10;
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let written =
        if short.len() >= 3 && (long.starts_with(short) || short.len() >= 4 && long.ends_with(short)) {
            750
        } else if short.len() >= 5 && long.len() - short.len() <= 1 && strsim::levenshtein(a, b) <= 1 {
            800
        } else {
            0
        };
    meaning.max(written).max(lexicon::near(a, b))
}

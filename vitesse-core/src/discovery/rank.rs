//! How well each entry fits a query.

use std::collections::HashMap;

use super::index::Index;
use super::words::{Stems, also, words};
use crate::embed::Embedder;
use crate::error::Result;

/// An entry that fits.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) entry: usize,
    pub(super) confidence: f64,
}

/// Below this share of the query, an entry has nothing to do with it.
const LEAST: f32 = 0.12;
/// From this on, a word of the query counts as answered.
const TOUCHED: f32 = 0.15;
/// What each further result of one provider is worth, so that one provider doesn't fill the list.
const AGAIN: f32 = 0.82;
/// From so many services on, a provider is a cloud, and each of them counts a little less.
const CROWD: u32 = 100;
const CROWDED: f32 = 0.9;
/// A word of the same meaning counts as this much of the word itself.
const MEANT: f32 = 0.55;
const ALSO: f32 = 0.55;
/// Another form of the word: `marketing` for `market`.
const STEM: f32 = 0.8;
const BEGUN: f32 = 0.6;

/// One word of the query: the words of the catalogue that answer it, each with how well.
struct Wanted {
    answers: HashMap<u32, f32>,
    weight: f32,
}

/// The best entries for a query, best first.
pub(super) fn rank(index: &Index, query: &str, limit: usize) -> Result<Vec<Hit>> {
    let wanted = wanted(index, query)?;
    let all: f32 = wanted.iter().map(|one| one.weight).sum();
    if all <= 0.0 {
        return Ok(Vec::new());
    }
    let mut shares = vec![0.0_f32; index.len()];
    let mut answered = shares.clone();
    let mut best = shares.clone();
    for one in &wanted {
        best.fill(0.0);
        for (number, how) in &one.answers {
            for (entry, says) in index.term(*number).entries() {
                if let Some(value) = best.get_mut(entry) {
                    *value = value.max(how * says);
                }
            }
        }
        for (at, value) in best.iter().enumerate() {
            shares[at] += value * one.weight / all;
            answered[at] += if *value >= TOUCHED { one.weight / all } else { 0.0 };
        }
    }
    // Some of each word is better than all of one.
    shares.iter_mut().zip(&answered).for_each(|(share, answered)| *share *= answered.sqrt());
    let mut hits: Vec<(usize, f32)> =
        shares.into_iter().enumerate().filter(|(_, share)| *share >= LEAST).collect();
    // A larger API is more likely the one that is meant, where nothing else decides.
    // So is one that stands for itself, beside one of a cloud's hundreds of services.
    let mut services: HashMap<u16, u32> = HashMap::new();
    (0..index.len()).for_each(|entry| *services.entry(index.provider(entry)).or_default() += 1);
    let prior = |entry: usize| {
        let crowd = if services[&index.provider(entry)] > CROWD { CROWDED } else { 1.0 };
        crowd * (1.0 + 0.01 * (f32::from(index.endpoints(entry)) + 1.0).log2())
    };
    for (entry, share) in &mut hits {
        *share *= prior(*entry);
    }
    hits.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    Ok(spread(hits, index, limit))
}

/// The best of the hits, where each further one of a provider counts less.
fn spread(hits: Vec<(usize, f32)>, index: &Index, limit: usize) -> Vec<Hit> {
    let mut seen: HashMap<u16, i32> = HashMap::new();
    let mut ranked: Vec<(usize, f32, f32)> = Vec::with_capacity(hits.len());
    for (entry, share) in hits {
        let again = seen.entry(index.provider(entry)).or_default();
        ranked.push((entry, share * AGAIN.powi(*again), share));
        *again += 1;
    }
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let hit = |(entry, _, share): (usize, f32, f32)| Hit {
        entry,
        confidence: (f64::from(share.clamp(0.0, 1.0)).sqrt() * 100.0).round() / 100.0,
    };
    ranked.into_iter().take(limit).map(hit).collect()
}

fn wanted(index: &Index, query: &str) -> Result<Vec<Wanted>> {
    let model = Embedder::builtin()?;
    let stems = Stems::new();
    let said = words(query);
    let mut wanted: Vec<Wanted> = Vec::new();
    for word in &said {
        let stem = stems.stem(word);
        let mut answers: HashMap<u32, f32> = HashMap::new();
        let mut add = |number: u32, how: f32| {
            let value = answers.entry(number).or_default();
            *value = value.max(how);
        };
        let exact = index.number(&stem);
        index.exact(word).into_iter().for_each(|number| add(number, 1.0));
        exact.into_iter().for_each(|number| add(number, STEM));
        also(&stem, &stems).filter_map(|stem| index.number(&stem)).for_each(|number| add(number, ALSO));
        index
            .meant_by(model, &model.embed(word))
            .into_iter()
            .for_each(|(number, near)| add(number, near * MEANT));
        if exact.is_none() {
            index.begun_by(&stem).into_iter().for_each(|number| add(number, BEGUN));
        }
        if exact.is_none() && !model.knows(word) {
            index.spelt_like(&stem).into_iter().for_each(|(number, how)| add(number, how));
        }
        let rarity = |number: u32| index.term(number).rarity;
        // An unknown word is as telling as the best of what it may have meant.
        let weight = exact.map_or_else(|| answers.keys().map(|n| rarity(*n)).fold(3.0, f32::max), rarity);
        wanted.push(Wanted { answers, weight });
    }
    // Names are written apart and together: `git hub` and `github` are one.
    for at in 1..said.len() {
        let joined = stems.stem(&format!("{}{}", said[at - 1], said[at]));
        if let Some(number) = index.number(&joined) {
            for one in &mut wanted[at - 1..=at] {
                one.answers.insert(number, 1.0);
            }
        }
    }
    Ok(wanted)
}

//! When two records have nothing to do with each other.

use std::collections::{BTreeMap, BTreeSet};

use super::choose::Candidate;
use super::evidence::{Compared, PLAIN};
use super::field::Field;
use super::{Refusal, lexicon};

/// From how much on two records are taken to be about the same, in thousandths of a telling pair.
///
/// Of those of 71 pairs that belong together whose names differ the lowest has 1041; of 35 pairs of endpoints of published
/// descriptions that don't, the highest has 469.
const RELATED: i32 = 800;

/// What two records have in common.
pub(super) struct Kinship<'a> {
    /// The pairs that are alike enough.
    pub(super) chosen: &'a [&'a Candidate],
    /// How alike the names of the records are.
    pub(super) records: i32,
    /// How alike the fields of a pair are.
    pub(super) alike: &'a dyn Fn(&Candidate) -> u16,
}

/// Says why there is no answer, if there should be none. `sure` gives a candidate's confidence.
pub(super) fn refuse(
    compared: &Compared,
    looked: &[Candidate],
    kinship: &Kinship<'_>,
    hinted: &[(usize, usize)],
    sure: &dyn Fn(&Candidate) -> u16,
) -> Option<Refusal> {
    let same = kinship.records >= 1000 && !kinship.chosen.is_empty();
    if !hinted.is_empty() || same || related(compared, kinship) >= RELATED {
        return None;
    }
    let mut nearest: Vec<_> =
        looked.iter().filter(|pair| pair.chosen).map(|pair| (pair.source, pair.dest, sure(pair))).collect();
    nearest.sort_by_key(|(s, d, confidence)| (std::cmp::Reverse(*confidence), *d, *s));
    nearest.truncate(5);
    let mut hints_for: Vec<usize> =
        (0..compared.dest.fields.len()).filter(|d| !compared.dest.fields[*d].generated).collect();
    hints_for.sort_by_key(|d| {
        let field = &compared.dest.fields[*d];
        (!field.required, !says(field), field.depth, *d)
    });
    hints_for.truncate(5);
    let reason = match kinship.chosen.is_empty() {
        true => "no field of one is alike enough to a field of the other; name the pairs you know as hints",
        false => {
            "the two have nothing in common but what every record has, such as an id or a name; name the pairs \
             you know as hints"
        }
    };
    Some(Refusal { reason: reason.to_owned(), nearest, hints_for })
}

/// How much says that both records are about the same: what they have in common that says more than an id and a
/// name, by how much of the smaller one it is, and the names of the records.
fn related(compared: &Compared, kinship: &Kinship<'_>) -> i32 {
    let Kinship { chosen, records, alike } = *kinship;
    // A word counts once: a record with five addresses has a city five times, and is no more about cities.
    let mut telling: BTreeMap<&str, i32> = BTreeMap::new();
    // What the fields are in says as much as they do, for the best two in it: the price and the quantity of
    // an order's lines are those of a deal's lines.
    let mut frames: BTreeMap<(&str, &str), Vec<i32>> = BTreeMap::new();
    for pair in chosen {
        let (s, d) = (&compared.source.fields[pair.source], &compared.dest.fields[pair.dest]);
        let alike = i32::from(alike(pair));
        if let Some(word) = shared(s.own_words(), d.own_words()) {
            let best = telling.entry(word).or_default();
            *best = alike.max(*best);
        }
        if shared(s.words_around(), d.words_around()).is_some() {
            frames.entry((&s.parent, &d.parent)).or_default().push(alike);
        }
    }
    let framed = frames.values_mut().map(|within| {
        within.sort_unstable_by_key(|confidence| std::cmp::Reverse(*confidence));
        within.iter().take(2).sum::<i32>()
    });
    let common = telling.values().sum::<i32>() + framed.sum::<i32>();
    // Of two large records some fields are alike by chance, so the share of them counts more than their number.
    let share = covered(compared, chosen);
    common * share / 1000 * (share * 1000).isqrt() / 1000 + records
}

/// The share of the smaller record's fields that have a counterpart, in thousandths.
fn covered(compared: &Compared, chosen: &[&Candidate]) -> i32 {
    let distinct =
        |side: fn(&Candidate) -> usize| chosen.iter().map(|pair| side(pair)).collect::<BTreeSet<_>>().len();
    let matched = distinct(|pair| pair.source).min(distinct(|pair| pair.dest));
    let fields = compared.source.fields.len().min(compared.dest.fields.len());
    i32::try_from(matched * 1000 / fields.max(1)).unwrap_or(1000)
}

/// A word in which two names agree and that not every record has: the left one.
fn shared<'a>(left: impl Iterator<Item = &'a str>, right: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let right: Vec<_> = right.filter(|word| !PLAIN.contains(word)).collect();
    let mut left = left.filter(|word| !PLAIN.contains(word));
    left.find(|a| right.iter().any(|b| a == b || lexicon::near(a, b) >= 700))
}

/// Whether a field's name says something that not every record says.
fn says(field: &Field) -> bool {
    field.own_words().any(|word| !PLAIN.contains(&word))
}

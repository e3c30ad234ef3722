//! When two records have nothing to do with each other.

use std::collections::BTreeMap;

use super::choose::Candidate;
use super::evidence::{Compared, PLAIN};
use super::field::Field;
use super::{Refusal, lexicon};

/// From how much on two records are taken to be about the same, in thousandths of a telling pair.
const RELATED: i32 = 1100;

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

/// How much says that both records are about the same: pairs that say more than an id and a name, and the
/// names of the records.
fn related(compared: &Compared, kinship: &Kinship<'_>) -> i32 {
    let Kinship { chosen, records, alike } = *kinship;
    let telling = chosen
        .iter()
        .filter(|pair| agree(&compared.source.fields[pair.source], &compared.dest.fields[pair.dest]));
    let named = telling.map(|pair| i32::from(alike(pair))).sum::<i32>();
    // What the fields are in says as much as they do, for the best two in it: the price and the quantity of
    // an order's lines are those of a deal's lines.
    let mut frames: BTreeMap<(&str, &str), Vec<i32>> = BTreeMap::new();
    for pair in chosen {
        let (s, d) = (&compared.source.fields[pair.source], &compared.dest.fields[pair.dest]);
        if shared(s.words_around(), d.words_around()) {
            frames.entry((&s.parent, &d.parent)).or_default().push(i32::from(alike(pair)));
        }
    }
    let framed = frames.values_mut().map(|within| {
        within.sort_unstable_by_key(|confidence| std::cmp::Reverse(*confidence));
        within.iter().take(2).sum::<i32>()
    });
    named + framed.sum::<i32>() + records
}

/// Whether two names agree in a word that not every record has.
fn agree(s: &Field, d: &Field) -> bool {
    shared(s.own_words(), d.own_words())
}

fn shared<'a>(left: impl Iterator<Item = &'a str>, right: impl Iterator<Item = &'a str>) -> bool {
    let right: Vec<_> = right.filter(|word| !PLAIN.contains(word)).collect();
    let mut left = left.filter(|word| !PLAIN.contains(word));
    left.any(|a| right.iter().any(|b| a == *b || lexicon::near(a, b) >= 700))
}

/// Whether a field's name says something that not every record says.
fn says(field: &Field) -> bool {
    field.own_words().any(|word| !PLAIN.contains(&word))
}

//! For the script that fits the weights: the same road with other weights, and what is seen on the way.

use serde::Serialize;

pub use super::weights::Weights;
use super::{Known, Matches, Record, choose, confidence, decide, evidence};
use crate::error::Result;

/// A pair that got a second look, with every number that was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Look {
    /// The source's path.
    pub source: String,
    /// The destination's path.
    pub dest: String,
    /// The evidence of the pair by itself, in the order of [`pair_names`].
    pub pair: Vec<i32>,
    /// What it has to do with the other pairs, in the order of [`relation_names`].
    pub relations: Vec<i32>,
    /// What everything comes to.
    pub score: i32,
    /// What confidence is made of, in the order of [`sign_names`].
    pub signs: Vec<i32>,
    /// Whether it is kept apart from the fitting, because a rule decided.
    pub by_rule: bool,
}

/// What the kinds of evidence are called.
pub fn pair_names() -> &'static [&'static str] {
    &evidence::NAMES
}

/// What the relations are called.
pub fn relation_names() -> &'static [&'static str] {
    &choose::RELATION_NAMES
}

/// What the signs are called.
pub fn sign_names() -> &'static [&'static str] {
    &confidence::SIGN_NAMES
}

/// [`match_fields`](super::match_fields) with other weights.
///
/// # Errors
/// As there.
pub fn match_with(
    source: Record<'_>,
    dest: Record<'_>,
    known: &Known<'_>,
    weights: &Weights,
) -> Result<Matches> {
    Ok(decide::Work::new(source, dest, known, weights)?.matches(weights))
}

/// Every pair that got a second look.
///
/// # Errors
/// As [`match_fields`](super::match_fields).
pub fn looks(
    source: Record<'_>,
    dest: Record<'_>,
    known: &Known<'_>,
    weights: &Weights,
) -> Result<Vec<Look>> {
    let work = decide::Work::new(source, dest, known, weights)?;
    let look = |looked: &choose::Candidate| Look {
        source: work.source[looked.source].path.clone(),
        dest: work.dest[looked.dest].path.clone(),
        pair: looked.row.to_vec(),
        relations: looked.relations.to_vec(),
        score: looked.score,
        signs: work.signs(looked).to_vec(),
        by_rule: looked.together,
    };
    Ok(work.looked.iter().map(look).collect())
}

//! The plain road: what a mapping means, written so that one can see that it is right.
//!
//! A record is read whole into a [`Value`], each field of the output is looked up and made, and the result is
//! written. The fast road must give the same for every input; where they differ, this one is right.

#![forbid(unsafe_code)]

mod evaluate;
mod lookup;
mod trace;

pub(super) use evaluate::{line, part};
pub use trace::trace;

use crate::error::Error;
use crate::mapping::value::{MAX_DEPTH, read_within};
use crate::mapping::{Compiled, Value};

/// What became of one record, or of one part of a record that was split.
#[derive(Debug)]
pub enum Outcome {
    /// The record that was made, as compact JSON.
    Made(Vec<u8>),
    /// The filter left it out.
    Filtered,
    /// It failed; what then happens is for the caller, by the mapping's `on_error`.
    Failed(Error),
}

/// Applies a mapping to one record.
///
/// There is one outcome, except that a split gives one for each element of its array. A text that isn't JSON
/// fails with the byte in the error's context; the caller adds the number of the record.
///
/// ```
/// use vitesse_core::mapping::{Functions, Mapping};
/// use vitesse_core::transform::plain::{Outcome, apply};
/// let mapping = Mapping::parse(br#"{"version": 1, "transformations": [
///     {"source_field": "items[].sku", "dest_field": "lines[].code", "transform_type": "mapping"}
/// ]}"#).unwrap();
/// let compiled = mapping.compile(&Functions::builtin()).unwrap();
/// let outcomes = apply(&compiled, br#"{"items": [{"sku": "A"}, {}]}"#);
/// assert!(matches!(&outcomes[..], [Outcome::Made(json)] if json == br#"{"lines":[{"code":"A"},{}]}"#));
/// ```
pub fn apply(mapping: &Compiled, record: &[u8]) -> Vec<Outcome> {
    apply_within(mapping, record, MAX_DEPTH)
}

/// The same with a nesting limit of the caller's choice.
pub fn apply_within(mapping: &Compiled, record: &[u8], max_depth: usize) -> Vec<Outcome> {
    match read_within(record, max_depth) {
        Ok(record) => apply_value(mapping, record)
            .into_iter()
            .map(|result| match result {
                Ok(Some(value)) => Outcome::Made(value.to_string().into_bytes()),
                Ok(None) => Outcome::Filtered,
                Err(error) => Outcome::Failed(error),
            })
            .collect(),
        Err(error) => vec![Outcome::Failed(Error::from(error))],
    }
}

/// The same for a record that is a value already: each result is a record, or `None` if it was filtered out.
pub fn apply_value(mapping: &Compiled, record: Value) -> Vec<Result<Option<Value>, Error>> {
    match evaluate::parts(mapping, record) {
        Ok(None) => vec![Ok(None)],
        Ok(Some(parts)) => parts.iter().map(|part| evaluate::record(mapping, part).map(Some)).collect(),
        Err(error) => vec![Err(error)],
    }
}

#[cfg(test)]
#[cfg(feature = "jq")]
mod judge;
#[cfg(test)]
mod tests;

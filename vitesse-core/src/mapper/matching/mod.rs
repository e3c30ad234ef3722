//! Which field of one record belongs to which field of another: the evidence, the choice and the confidence.
//!
//! The door is [`match_fields`]: two [`Record`]s and what is [`Known`] besides go in, [`Matches`] come out.
//! It decides about pairs only; what turns a value into the other side's (the conversion) is the rest of
//! `mapper`.
//!
//! ```
//! use serde_json::json;
//! use vitesse_core::mapper::matching::{Known, Record, match_fields, read_json_schema};
//! let (shop, customer) = read_json_schema(&json!({"properties": {"first_name": {"type": "string"}}}));
//! let (crm, contact) = read_json_schema(&json!({"properties": {"givenName": {"type": "string"}}}));
//! let source = Record { name: "Shop customer", schemas: &shop, root: customer };
//! let dest = Record { name: "CRM contact", schemas: &crm, root: contact };
//! let matches = match_fields(source, dest, &Known::default())?;
//! let pair = &matches.pairs[0];
//! assert_eq!(matches.source[pair.source].path, "first_name");
//! assert_eq!(matches.dest[pair.dest].path, "givenName");
//! # Ok::<(), vitesse_core::Error>(())
//! ```

mod alike;
mod answer;
mod choose;
mod confidence;
mod decide;
mod evidence;
mod field;
mod groups;
mod json_schema;
mod lexicon;
mod parts;
mod reasons;
mod refuse;
#[cfg(feature = "testing")]
pub mod tuning;
#[cfg_attr(
    not(feature = "testing"),
    expect(unreachable_pub, reason = "the program that fits them reaches it")
)]
mod weights;

pub use answer::{Candidate, Evidence, Group, GroupKind, Matches, Pair, Refusal};
pub use json_schema::read_json_schema;

use crate::error::Result;
use crate::spec::{SchemaId, Schemas};

/// A record of one side, by its schema.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What a record is called, such as `Shop order`; may be empty.
    pub name: &'a str,
    /// The table its schema is in.
    pub schemas: &'a Schemas,
    /// Its schema: an object's.
    pub root: SchemaId,
}

/// What is known besides the schemas.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// What the integration is for, in a person's words; may be empty.
    pub intent: &'a str,
    /// Pairs of paths (source, destination) that hold whatever the evidence says. Several may share a source
    /// or a destination.
    pub hints: &'a [(String, String)],
    /// Pairs of paths that people confirmed in earlier mappings of a similar pair. Paths that aren't in the
    /// records are passed over.
    pub learned: &'a [(String, String)],
}

/// Finds the pairs of fields that belong together. The same input gives the same answer on every platform.
///
/// Paths are written as `mapping::FieldPath` writes them, with `[]` for each item of a list. The first 10,000 fields of a
/// record, down to twelve steps, are looked at; hints may name only those.
///
/// # Errors
/// `spec_invalid` for a record without fields; `invalid_input` for a hint that names no field, with the
/// nearest name.
pub fn match_fields(source: Record<'_>, dest: Record<'_>, known: &Known<'_>) -> Result<Matches> {
    let weights = &weights::Weights::BUILTIN;
    Ok(decide::Work::new(source, dest, known, weights)?.matches(weights))
}

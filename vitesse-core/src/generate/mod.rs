//! Synthetic records of a schema: realistic ones by name and format, adversarial ones by constraint.
//!
//! A [`Generator`] makes records, always the same ones for the same schema and seed, on every platform. A
//! [`Judge`] tells whether a record is one of the schema, and what is wrong with it. [`shrink`] makes a
//! record that fails as small as it can be.
//!
//! ```
//! use vitesse_core::generate::{Generator, Judge, Way};
//! use vitesse_core::spec::{Property, Schema, Schemas, Type};
//!
//! let mut schemas = Schemas::default();
//! let text = schemas.add(Schema { format: Some("email".into()), ..Schema::of(Type::String) });
//! let customer = schemas.add(Schema {
//!     properties: vec![Property { name: "email".into(), schema: text, required: true }],
//!     ..Schema::of(Type::Object)
//! });
//! let generator = Generator::new(&schemas, customer, 7);
//! let records: Vec<_> = generator.realistic(3).collect();
//! assert!(records.iter().all(|record| record.valid && record.value["email"].is_string()));
//! assert_eq!(generator.realistic(3).collect::<Vec<_>>(), records);
//!
//! let probes = generator.adversarial();
//! assert!(probes.iter().any(|sample| sample.probe.to_string() == "email is null where null is not allowed"));
//!
//! let judge = Judge::new(&schemas, customer, Way::Request)?;
//! assert!(judge.accepts(&records[0].value));
//! assert_eq!(judge.violations(&serde_json::json!({}))[0].to_string(), "email is missing");
//! # Ok::<(), vitesse_core::Error>(())
//! ```
//!
//! Deliberately absent: chance. Nothing here reads a clock or the system's random numbers.

#![forbid(unsafe_code)]

mod adversarial;
mod data;
mod draw;
mod generator;
mod judge;
mod judge_schema;
mod meaning;
mod number;
mod pattern;
mod probe;
mod random;
mod shrink;
mod text;
#[cfg(test)]
mod tests;

pub use generator::{Generator, Sample};
#[cfg(feature = "guardian")]
pub(crate) use judge::short;
pub use judge::{Judge, Violation, ViolationKind};
#[cfg(feature = "guardian")]
pub(crate) use meaning::Meaning;
pub use probe::{Probe, ProbeKind};
pub use shrink::shrink;

/// Which way a record goes, since some fields are only in requests or only in answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Way {
    /// In an answer: fields that are only written aren't there.
    #[default]
    Response,
    /// In a request: fields that are only read aren't there.
    Request,
}

impl Way {
    /// Whether a field of this schema goes this way.
    pub fn carries(self, schema: &crate::spec::Schema) -> bool {
        match self {
            Self::Response => !schema.write_only,
            Self::Request => !schema.read_only,
        }
    }
}

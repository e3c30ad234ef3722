//! Two sides, an intent and hints become a [`Mapping`](crate::mapping::Mapping): each line with a confidence,
//! a reason and the runners-up, its conversion chosen from both schemas.
//!
//! [`Mapper::map`] is the door. A [`Side`] is an endpoint of an API or a plain JSON Schema; what comes out is a
//! [`MappingProposal`], whose mapping always compiles. [`pairs`] chooses the endpoints for an intent, [`connect`]
//! fills the connection blocks, [`Mapper::edit`] and [`Mapper::remap`] take a person's word on single lines.
//!
//! ```
//! use serde_json::json;
//! use vitesse_core::mapper::{MapRequest, Mapper, Side};
//! let source = json!({"properties": {"first_name": {"type": "string"}, "spent": {"type": "string"}}});
//! let dest = json!({"properties": {"givenName": {"type": "string"}, "spentCents": {"type": "integer"}}});
//! let proposal = Mapper::new()?.map(Side::schema(&source), Side::schema(&dest), &MapRequest::default())?;
//! let line = &proposal.mapping.transformations[0];
//! assert_eq!(line.source_field.paths[0].to_string(), "first_name");
//! assert_eq!(line.dest_field.to_string(), "givenName");
//! # Ok::<(), vitesse_core::Error>(())
//! ```
//!
//! Nothing is sent anywhere, and all scores are integers: the same schemas give the same lines everywhere.

#![forbid(unsafe_code)]

mod complexity;
mod connect;
mod convert;
mod draft;
mod explain;
mod facts;
mod fill;
mod hints;
mod judge;
#[cfg(feature = "store")]
mod learned;
#[cfg(feature = "llm")]
mod llm;
mod map;
pub mod matching;
mod pairs;
mod proposal;
mod request;
mod review;
mod side;

pub use complexity::complexity;
pub use connect::{Connected, Fact, Gap, Overrides, connect};
pub use explain::{Explanation, explain};
#[cfg(feature = "store")]
pub use learned::LearnedLines;
#[cfg(feature = "llm")]
pub use llm::LanguageModel;
pub use map::{Mapper, MapperOptions};
pub use pairs::{EndpointPair, ProposedPair, pairs};
pub use proposal::{Candidate, MappingProposal, MayBeEmpty, Nearest, Note, Refused, Unmapped};
pub use request::{LearnedLine, MapRequest, StreamRef};
pub use review::{Edit, learned_lines};
pub use side::Side;

#[cfg(test)]
mod tests;

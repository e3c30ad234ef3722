//! A person's word on a mapping: line by line, tried on a record, kept as learned.

mod edit;
mod look;
mod rows;

pub use edit::{ReviewEdit, Reviewed, RunEdit, StreamEdit};
pub use look::{LineView, Review, StreamReview, Tried};
pub use rows::{FieldMapping, NewFieldMapping, NewTransformationRule, TransformationRule};

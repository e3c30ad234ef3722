//! A compiled mapping turns JSON records into JSON records.
//!
//! [`Plan`] is a mapping made ready; [`Stream`] runs it over any amount of text. There are two roads with one
//! meaning: [`plain`] is the specification, and the fast one goes from bytes to bytes without a tree. What the
//! fast road can't decide it leaves to the plain one, record by record.

#[cfg(any(test, feature = "testing"))]
mod generated;
mod hot;
pub mod plain;
mod plan;
mod stream;
#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "testing"))]
pub use generated::both_roads_agree;
pub use plan::Plan;
pub use stream::{BLOCK, Failure, Stream};

//! What a mapping *is*: the versioned document, its paths, its functions, and what makes it valid.
//!
//! [`Mapping`] is the document. [`Mapping::parse`] reads its form, [`Mapping::compile`] judges what it says
//! and gives the [`Compiled`] form that `transform` runs; both name everything that is wrong at once.
//! [`Value`] is JSON that keeps digits and order, [`FieldPath`] names a field, [`Functions`] is what lines
//! of type `custom` can call.

#![forbid(unsafe_code)]

mod canonical;
mod compile;
#[cfg(test)]
mod compile_tests;
mod compiled;
mod connection;
mod document;
pub mod functions;
pub(crate) mod part;
mod path;
mod predicate;
mod problem;
mod reference;
pub(crate) mod schema;
mod tree;
pub mod value;

pub use canonical::{Change, Difference};
pub use compiled::{Compiled, Line, Node, Op};
pub use document::*;
pub use functions::{Function, Functions};
pub use path::{FieldPath, Step};
#[cfg(test)]
pub(crate) use predicate::equal as value_equal;
pub use predicate::{Predicate, Test};
pub use problem::{Problem, Problems};
pub use reference::function_reference;
pub use schema::json_schema;
pub use value::{Number, Object, Value};

//! A compiled mapping turns JSON records into JSON records.
//!
//! There are two roads with one meaning: [`plain`] is the specification, the other is fast.

pub mod plain;

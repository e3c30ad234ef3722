//! Pieces of the book that are no programs of their own, compiled as they stand there.

#![forbid(unsafe_code)]

#[doc = include_str!("../../../docs/src/explanation/workflow.md")]
mod workflow {}

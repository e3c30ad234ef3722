//! Pieces of the book that are no programs of their own, compiled as they stand there.

#![forbid(unsafe_code)]

#[doc = include_str!("../../../docs/src/explanation/workflow.md")]
mod workflow {}

#[doc = include_str!("../../../docs/src/explanation/guardian.md")]
mod guardian {}

#[doc = include_str!("../../../docs/src/how-to/mock-an-api.md")]
mod mock_an_api {}

//! The ingestor against documents that nobody here wrote.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]
#![cfg(feature = "ingest")]

mod corpus;
mod documents;
#[cfg(feature = "net")]
mod loopback;
mod mutations;
mod whole;

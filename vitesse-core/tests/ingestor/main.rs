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
mod data;
mod documents;
mod entries;
#[cfg(feature = "net")]
mod loopback;
mod mutations;
mod raw;
mod regressions;
mod versions;
mod whole;

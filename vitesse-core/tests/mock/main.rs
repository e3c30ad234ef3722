//! The room `mock`: whole conversations with APIs that are only described.
#![cfg(all(feature = "mock", feature = "ingest", feature = "net"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stand outside of the functions that clippy exempts"
)]

mod access;
#[path = "../ingestor/corpus.rs"]
mod corpus;
mod directory;
mod faults;
mod laws;
mod lists;
mod requests;
mod socket;
mod stateful;
mod talk;

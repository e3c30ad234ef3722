//! The guardian on whole integrations: good ones, ones that were broken on purpose, and live ones.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod breaks;
mod honesty;
mod integrations;
mod live;
mod rehearsal;

//! The steps of an integration on every store, alone, in order, against each other and broken off.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking, and programs the tests start speak on stdout"
)]

mod common;
mod connections;
mod deployments;
mod killed;
mod project;
#[path = "../deployer/stand_in.rs"]
mod stand_in;
mod steps;
mod target;
mod way;

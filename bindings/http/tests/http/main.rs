//! The control plane, asked over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod callers;
mod deployments;
mod events;
mod operations;
mod reference;
mod world;

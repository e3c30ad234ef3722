//! The service as it ships: the binary, started, asked, killed, with real peers on loopback.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod admin;
mod checks;
mod data;
mod life;
mod peer;
#[cfg(feature = "otel")]
mod traces;
mod webhooks;
mod world;

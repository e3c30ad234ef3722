//! The store's backends, each against the real thing.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod behaviour;
mod crash;
mod embedded;
mod parts;
mod postgres;
mod postgres_failures;
mod postgres_tls;
mod secret;

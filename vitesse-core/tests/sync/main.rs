//! Records moved between real servers on loopback that misbehave, with state in every kind of store.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]
#![allow(dead_code, reason = "helpers shared with other suites")]

mod batches;
mod crash;
mod deliver;
mod keep;
#[path = "../store/parts.rs"]
mod parts;
#[path = "../net/peer.rs"]
mod peer;
mod reading;
mod replicas;
mod retention;
mod rules;
mod world;

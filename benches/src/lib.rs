//! Shared pieces of the benches.

pub mod mapping;
pub mod workloads;

//! The target `process`, with a program that stands in for the runtime: what is tested here is how a process is
//! started, watched, adopted and ended. The suite of the runtime runs the same promises with the real binary.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod process;
mod stand_in;

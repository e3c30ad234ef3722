//! The target `process`, with a program that stands in for the runtime: what is tested here is how a process is
//! started, watched, adopted and ended. The real runtime is held to the same promises.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking, and the program they start speaks on stdout"
)]

mod process;
mod stand_in;

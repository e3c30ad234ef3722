//! The deployment targets, each with what it really runs on: `process` with a program that stands in for the runtime
//! and with the runtime itself, `local` with a Docker Engine, images with a registry.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking, and the program they start speaks on stdout"
)]

mod docker;
mod image;
mod local;
mod parts;
mod process;
mod stand_in;
mod traefik;

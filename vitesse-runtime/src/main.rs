//! The data plane: see the library of the same name.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    vitesse_runtime::run(vitesse_core::mapping::Functions::builtin())
}

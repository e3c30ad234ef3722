//! The data plane: see the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    vitesse_runtime::run(vitesse_core::mapping::Functions::builtin())
}

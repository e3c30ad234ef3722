//! The data plane: see the library of the same name.

#![forbid(unsafe_code)]

use std::process::ExitCode;

// musl's own allocator takes a lock for each call; see the page about performance. Without huge pages, which would
// make an idle service twice as large.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    vitesse_runtime::run(vitesse_core::mapping::Functions::builtin())
}

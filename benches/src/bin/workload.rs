//! Writes a workload to stdout: `workload a shuffled 64` gives 64 MiB of shuffled contacts.

use std::io::Write as _;
use std::process::ExitCode;

use vitesse_benches::workloads::{Variant, generate};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let data = match arguments.as_slice() {
        [name, variant, mib] => Variant::ALL
            .into_iter()
            .find(|(id, _)| id == variant)
            .zip(mib.parse::<usize>().ok())
            .and_then(|((_, variant), mib)| generate(name.chars().next()?, variant, mib << 20)),
        _ => None,
    };
    let written = data.is_some_and(|data| std::io::stdout().write_all(&data).is_ok());
    if written { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! The data plane of Vitesse: one small static binary that runs a mapping.
//!
//! The binary is `run` with the built-in functions. A program that calls [`run`] with functions of its own is
//! a runtime that knows these too:
//!
//! ```no_run
//! use vitesse_core::mapping::{Functions, Value};
//!
//! fn main() -> std::process::ExitCode {
//!     let functions = Functions::builtin().with("shout", |inputs| {
//!         Ok(inputs[0].and_then(Value::as_str).map(|text| text.to_uppercase().into()))
//!     });
//!     vitesse_runtime::run(functions)
//! }
//! ```
//!
//! `--version --json` lists the functions that a runtime has, and `transform --check` refuses a mapping that names another.

#![forbid(unsafe_code)]

mod args;
mod serve;
mod sync;
mod transform;

use std::process::ExitCode;

use clap::Parser as _;
use vitesse_core::mapping::{Functions, VERSION};
use vitesse_core::{Error, Result};

/// Does what the command line says and gives the exit code.
pub fn run(functions: Functions) -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(args, &functions) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("vitesse-runtime: {error}"));
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn dispatch(args: args::Args, functions: &Functions) -> Result<()> {
    if args.version {
        let version = env!("CARGO_PKG_VERSION");
        let line = if args.json {
            let names: Vec<String> = functions.names().map(|name| format!("{name:?}")).collect();
            format!(
                "{{\"version\":\"{version}\",\"mapping_versions\":[{VERSION}],\"functions\":[{}]}}\n",
                names.join(",")
            )
        } else {
            format!("vitesse-runtime {version} (mapping version {VERSION})\n")
        };
        return print(&line);
    }
    match args.command {
        Some(args::Command::Transform(options)) => transform::run(&options, functions),
        Some(args::Command::Sync(options)) => sync::run(&options, functions),
        Some(args::Command::Serve(options)) => serve::run(&options, functions),
        Some(args::Command::Health { listen }) => serve::health(listen),
        Some(args::Command::Check { env, offline, json, place }) => {
            serve::check::run(&serve::check::Asked { env, offline, json, place }, functions)
        }
        Some(command) => sync::upkeep::run(command, functions),
        None => Err(Error::new(vitesse_core::ErrorKind::InvalidInput, "no command was given")
            .help("`vitesse-runtime --help` lists them")),
    }
}

/// Text to stdout; a reader who went away is no failure.
fn print(text: &str) -> Result<()> {
    match std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(transform::io("stdout", error)),
        _ => Ok(()),
    }
}

/// One line to stderr; nobody can be told if that fails.
fn say(line: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes());
}

//! `vitesse`, the command people type.
//!
//! A face: it turns words into calls of `vitesse-core` and answers into tables or JSON. It holds no rules.
//! To add a command: a variant in [`args`], a file in `commands`, a report type that serialises and shows
//! itself.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod ui;

use std::process::ExitCode;

use clap::Parser;
use vitesse_core::Result;
use vitesse_core::config::Config;

use args::Cli;
use ui::Ui;

// Descriptions are many small pieces, which the system's allocator gives back slowly; see the page about reading them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ui::usage(&error),
    };
    let ui = Ui::new(&cli.global);
    match run(cli, &ui) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ui.fail(&error),
    }
}

fn run(cli: Cli, ui: &Ui) -> Result<()> {
    // A wrong environment stops only what needs it: `vitesse env` must be able to show what is wrong.
    let config = Config::from_env();
    let filter = config.as_ref().map_or("warn", |config| &config.log);
    ui::logs::start(filter, cli.global.verbose, cli.global.json)?;
    commands::run(cli, config, ui)
}

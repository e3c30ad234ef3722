//! One file a command: call the core, hand the report to [`Ui`].

mod completions;
mod discover;
mod env;
mod errors;
mod man;
mod match_fields;
mod mock;
mod spec;
mod store;

use vitesse_core::config::Config;
use vitesse_core::{Error, ErrorKind, Result};

use crate::args::{Cli, Command};
use crate::ui::Ui;

pub(crate) fn run(cli: Cli, config: Result<Config>, ui: &Ui) -> Result<()> {
    let config = config.map(|mut config| {
        if let Some(url) = cli.global.store {
            config.store = Some(url.into());
        }
        config
    });
    match cli.command {
        Command::Store(command) => store::run(&command, &config?, ui),
        Command::Discover(args) => discover::run(&args, ui),
        Command::Spec(args) => spec::run(&args, &config?, ui),
        Command::Env { example } => env::run(example, &config, ui),
        Command::Errors { id } => errors::run(id.as_deref(), ui),
        Command::Completions { shell } => completions::run(shell, ui),
        Command::Match(args) => match_fields::run(&args, config, ui),
        Command::Mock(args) => mock::run(&args, &config?, ui),
        Command::Man { folder } => man::run(&folder, ui),
    }
}

/// Runs a future to its end: for commands that talk to a store or a network.
fn wait<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, "the worker threads can't be started").source(error))?
        .block_on(work)
}

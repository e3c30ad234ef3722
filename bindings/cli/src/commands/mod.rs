//! One file a command: call the core, hand the report to [`Ui`](crate::ui::Ui).

mod completions;
mod env;
mod errors;
mod man;

use vitesse_core::Result;
use vitesse_core::config::Config;

use crate::args::{Cli, Command};
use crate::ui::Ui;

pub(crate) fn run(cli: Cli, config: Result<Config>, ui: &Ui) -> Result<()> {
    match cli.command {
        Command::Env { example } => env::run(example, &config, ui),
        Command::Errors { id } => errors::run(id.as_deref(), ui),
        Command::Completions { shell } => completions::run(shell, ui),
        Command::Man { folder } => man::run(&folder, ui),
    }
}

use clap::CommandFactory;
use clap_complete::Shell;
use vitesse_core::Result;

use crate::args::Cli;
use crate::ui::Ui;

pub(crate) fn run(shell: Shell, ui: &Ui) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "vitesse", &mut script);
    ui.raw(&script)
}

use std::path::Path;

use clap::CommandFactory;
use serde::Serialize;
use vitesse_core::{Error, ErrorKind, Result};

use crate::args::Cli;
use crate::ui::{Screen, Show, Ui};

pub(crate) fn run(folder: &Path, ui: &Ui) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Io, "the manual pages can't be written")
            .in_operation("cli.man")
            .with("folder", folder.display())
            .source(error)
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    let mut pages: Vec<_> = std::fs::read_dir(folder)
        .map_err(failed)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("vitesse") && name.ends_with(".1"))
        .collect();
    pages.sort();
    ui.report(&Written { folder: folder.display().to_string(), pages })
}

#[derive(Serialize)]
struct Written {
    folder: String,
    pages: Vec<String>,
}

impl Show for Written {
    fn show(&self, screen: &mut Screen) {
        screen.line(format!("{} manual pages in {}", self.pages.len(), self.folder));
        screen.hint(format!("man -l {}/vitesse.1", self.folder));
    }
}

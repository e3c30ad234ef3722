//! How answers, errors and progress look: for people on a terminal, as JSON for programs.

mod failure;
pub(crate) mod logs;
mod progress;
mod screen;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anstream::ColorChoice;
use serde::Serialize;
use vitesse_core::progress::Progress;
use vitesse_core::{Error, ErrorKind, Result};

pub(crate) use failure::usage;
pub(crate) use screen::{Screen, Show};

use crate::args::{Color, Global};

/// Where a command's answer goes.
#[derive(Debug)]
pub(crate) struct Ui {
    json: bool,
    quiet: bool,
}

impl Ui {
    pub(crate) fn new(global: &Global) -> Self {
        match global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        }
        .write_global();
        Self { json: global.json, quiet: global.quiet }
    }

    /// Whether a program is listening.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether nothing but the answer is wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints the answer of a command.
    pub(crate) fn report(&self, report: &(impl Show + Serialize)) -> Result<()> {
        if self.json {
            let mut text = serde_json::to_string_pretty(report).map_err(|error| {
                Error::new(ErrorKind::Internal, "the answer can't be written as JSON").source(error)
            })?;
            text.push('\n');
            return self.raw(text.as_bytes());
        }
        let mut screen = Screen::new(!self.quiet);
        report.show(&mut screen);
        written(anstream::stdout().lock().write_all(screen.finish().as_bytes()))
    }

    /// Prints bytes as they are.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<()> {
        let mut stdout = io::stdout().lock();
        written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }

    /// Prints a part of an answer that comes bit by bit; programs get it as a whole.
    pub(crate) fn show(&self, part: impl FnOnce(&mut Screen)) -> Result<()> {
        if self.json {
            return Ok(());
        }
        let mut screen = Screen::new(!self.quiet);
        part(&mut screen);
        let mut stdout = anstream::stdout().lock();
        written(stdout.write_all(screen.finish().as_bytes()).and_then(|()| stdout.flush()))
    }

    /// Prints a few lines for a person who is asked something.
    pub(crate) fn say(&self, text: &str) -> Result<()> {
        written(writeln!(anstream::stdout().lock(), "{text}"))
    }

    /// Prints an error that ends nothing.
    pub(crate) fn tell(&self, error: &Error) {
        failure::print(error, self.json);
    }

    /// Prints an error and gives the code to exit with.
    pub(crate) fn fail(&self, error: &Error) -> ExitCode {
        failure::print(error, self.json);
        ExitCode::from(error.kind().exit_code())
    }

    /// Long work reports here: bars on a terminal, nothing elsewhere.
    pub(crate) fn progress(&self) -> Progress {
        match !self.json && !self.quiet && io::stderr().is_terminal() {
            true => Progress::to(progress::Bars::new()),
            false => Progress::none(),
        }
    }
}

/// A reader that went away, as `head` does, is not an error: there is nobody left to tell.
fn written(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Io, "the answer can't be written to stdout").source(error))
        }
        _ => Ok(()),
    }
}

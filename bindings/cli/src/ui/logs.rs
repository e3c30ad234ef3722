//! Logs go to stderr, so that answers on stdout stay clean.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};
use vitesse_core::{Error, ErrorKind, Result};

/// Starts logging: `filter` is `VITESSE_LOG`, and each `-v` raises our own rooms above it.
pub(crate) fn start(filter: &str, verbose: u8, json: bool) -> Result<()> {
    let mut targets: Targets = filter.parse().map_err(|error| {
        Error::new(ErrorKind::ConfigInvalid, format!("VITESSE_LOG can't be read: {filter:?}"))
            .help("use error, warn, info, debug or trace, or `vitesse_core::net=debug`")
            .source(error)
    })?;
    let own = match verbose {
        0 => None,
        1 => Some(LevelFilter::INFO),
        2 => Some(LevelFilter::DEBUG),
        _ => Some(LevelFilter::TRACE),
    };
    if let Some(level) = own {
        targets = targets.with_target("vitesse", level);
    }
    let layer = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let layer = match json {
        true => layer.json().boxed(),
        false => layer.compact().boxed(),
    };
    // Only a test that calls twice could fail here, and it has its logs then.
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
    Ok(())
}

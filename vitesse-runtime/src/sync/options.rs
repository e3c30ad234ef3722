use std::time::Duration;

use vitesse_core::config::Config;
use vitesse_core::sync::{FailureWindow, Options, Retention};
use vitesse_core::{Error, ErrorKind, Result};

use crate::args;

/// The options that arguments and environment give.
pub(crate) fn options(arguments: &args::Sync, config: &Config) -> Result<Options> {
    let defaults = Options::default();
    let seconds = |name: &str, given: Option<f64>, otherwise: Duration| match given {
        None => Ok(otherwise),
        Some(seconds) => Duration::try_from_secs_f64(seconds)
            .map_err(|_| Error::new(ErrorKind::InvalidInput, format!("{name} {seconds} is no span of time"))),
    };
    Ok(Options {
        concurrency: arguments.concurrency.map_or(defaults.concurrency, Into::into),
        batch: config.batch_size.map(|size| u64::from(size.get())),
        tries: arguments.tries.unwrap_or(defaults.tries).max(1),
        deadline: seconds("--deadline", arguments.deadline, defaults.deadline)?,
        backoff: arguments.backoff.map_or(defaults.backoff, Duration::from_millis),
        settle: seconds("--settle", arguments.settle, defaults.settle)?,
        drain: seconds("--drain", arguments.drain, defaults.drain)?,
        patience: seconds("--patience", arguments.patience, defaults.patience)?,
        lease: seconds("--lease", arguments.lease, defaults.lease)?,
        max_pages: arguments.max_pages.unwrap_or(defaults.max_pages),
        limit: arguments.limit,
        full: arguments.full,
        dry_run: arguments.dry_run,
        failures: window(arguments.max_failures.as_deref(), defaults.failures)?,
        observer: None,
        retention: retention(&arguments.keep),
        redact: arguments.redact.iter().map(|field| field.parse()).collect::<Result<_>>()?,
    })
}

/// How long what is no longer needed is kept.
pub(crate) fn retention(keep: &args::Keep) -> Retention {
    let days = |days: u64| Duration::from_secs(days.saturating_mul(24 * 3600));
    let mut retention = Retention::default();
    retention.age = days(keep.keep);
    retention.letters = keep.keep_letters.map(days);
    retention.bytes = keep.max_state.map(|mib| mib.saturating_mul(1 << 20));
    retention
}

fn window(text: Option<&str>, otherwise: FailureWindow) -> Result<FailureWindow> {
    let Some(text) = text else { return Ok(otherwise) };
    text.split_once('/')
        .and_then(|(failures, records)| {
            Some(FailureWindow { failures: failures.parse().ok()?, records: records.parse().ok()? })
        })
        .filter(|window| window.failures > 0 && window.records >= window.failures)
        .ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, format!("--max-failures {text} is not FAILURES/RECORDS"))
                .help("100/200 stops when 100 of the last 200 records failed")
        })
}

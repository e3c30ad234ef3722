use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Mapping;

/// How a [`Sync`](super::Sync) behaves, where the mapping doesn't say.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many requests to the destination are under way at once, unless the mapping says.
    pub concurrency: usize,
    /// How many records go into one write, instead of what the mapping says.
    pub batch: Option<u64>,
    /// How often a write is tried before it is given up.
    pub tries: u32,
    /// For one request, with its whole answer.
    pub deadline: Duration,
    /// The first wait before another try; it doubles.
    pub backoff: Duration,
    /// How long after a write was sent to a destination it may still be carried out, though nobody waits for the
    /// answer: so long nothing is looked up.
    pub settle: Duration,
    /// How long what is under way may take after the sync was told to stop.
    pub drain: Duration,
    /// A destination that fails is left alone for longer and longer, and given up after this long.
    pub patience: Duration,
    /// A read that needs more pages than this is cut short, and so an error.
    pub max_pages: u64,
    /// Stops after so many records of each stream.
    pub limit: Option<u64>,
    /// Reads everything, though an incremental read were possible.
    pub full: bool,
    /// Shows the writes and makes none.
    pub dry_run: bool,
    /// Too many failures at once stop the sync.
    pub failures: FailureWindow,
    /// Fields of source records that the dead letters don't keep.
    pub redact: Vec<crate::mapping::FieldPath>,
    /// How long what is no longer needed is kept.
    pub retention: Retention,
    /// How long the lease on shared state lasts without being renewed.
    pub lease: Duration,
    /// Who is told what the sync does.
    pub observer: Option<super::Observer>,
}

/// Of the last `records`, this many `failures` stop the sync: it then is not the records' fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureWindow {
    /// How many records are looked at.
    pub records: usize,
    /// How many of them may fail.
    pub failures: usize,
}

impl Default for FailureWindow {
    fn default() -> Self {
        Self { records: 200, failures: 100 }
    }
}

impl Options {
    /// Checks what only the mapping can tell: that no batch is larger than the destination takes.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if [`batch`](Self::batch) is, [`ErrorKind::MappingInvalid`] if the mapping's own is.
    pub fn check(&self, mapping: &Mapping) -> Result<()> {
        let Some(declared) = mapping.destination.as_ref().and_then(|dest| dest.batch.as_ref()) else {
            return Ok(());
        };
        let Some(most) = declared.max_records else { return Ok(()) };
        let (kind, what, records) = match self.batch {
            Some(batch) => (ErrorKind::ConfigInvalid, "BATCH_SIZE", batch),
            None => (ErrorKind::MappingInvalid, "batch.records of the mapping", declared.records),
        };
        if records <= most {
            return Ok(());
        }
        Err(Error::new(kind, format!("{what} is more than the destination takes"))
            .in_operation("sync.open")
            .with("stream", &mapping.stream)
            .with("records", records)
            .with("max_records", most)
            .help(format!("{most} at most go into one request")))
    }
}

/// How long what is no longer needed is kept. What is dropped is looked for once a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// How many runs are remembered.
    pub runs: usize,
    /// How long runs are remembered, and that a record was removed at the destination.
    pub age: Duration,
    /// How long dead letters are kept; for ever unless told otherwise. Those of unknown outcome are, in any case.
    pub letters: Option<Duration>,
    /// How many bytes embedded state may take. Where compacting it and dropping what is old does not suffice, nothing
    /// more is read.
    pub bytes: Option<u64>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { runs: 500, age: Duration::from_secs(90 * 24 * 3600), letters: None, bytes: None }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: 8,
            batch: None,
            tries: 8,
            deadline: Duration::from_secs(30),
            backoff: Duration::from_millis(200),
            settle: Duration::from_secs(1),
            drain: Duration::from_secs(20),
            patience: Duration::from_secs(300),
            max_pages: 100_000,
            limit: None,
            full: false,
            dry_run: false,
            failures: FailureWindow::default(),
            redact: Vec::new(),
            retention: Retention::default(),
            lease: Duration::from_secs(30),
            observer: None,
        }
    }
}

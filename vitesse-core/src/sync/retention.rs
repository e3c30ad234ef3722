//! What is dropped after a while, so that the state does not grow for ever.

use std::time::Duration;

use serde::Serialize;

use super::clock::now;
use super::letters::{LetterReason, Letters};
use super::run::Sync;
use super::state::{Entry, State, decode};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Cancel;
use crate::store::Batch;

/// How often it is looked for what is old.
const EACH: Duration = Duration::from_secs(24 * 3600);
/// From so many dropped documents on, compacting is worth its time.
const MANY: u64 = 1000;
/// What a run's history is never shortened to less than, for want of space.
const RUNS_AT_LEAST: usize = 20;

/// What was dropped, and how large the state is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// Runs of the history.
    pub runs: u64,
    /// The ledger's entries of records that were removed at the destination long ago.
    pub entries: u64,
    /// Dead letters.
    pub letters: u64,
    /// Bytes of embedded state before.
    pub bytes_before: Option<u64>,
    /// And after.
    pub bytes_after: Option<u64>,
}

impl Sync {
    /// Drops now what is older than [`Options::retention`](super::Options::retention) says, and gives the space back.
    ///
    /// # Errors
    /// What the store fails with.
    pub async fn compact(&self) -> Result<Dropped> {
        let hold = self.hold(&Cancel::new()).await?;
        hold.during(self.retain(&hold.state, true)).await
    }

    /// Before anything is read: state that has outgrown its limit must shrink first.
    pub(super) async fn check_size(&self) -> Result<()> {
        let Some(most) = self.options.retention.bytes else { return Ok(()) };
        if self.state.store().size().await?.is_none_or(|size| size <= most) {
            return Ok(());
        }
        let size = self.retain(&self.state, true).await?.bytes_after.unwrap_or(0);
        if size <= most {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::LimitExceeded,
            "the state is larger than it may be, and nothing in it is old",
        )
        .in_operation("sync.retain")
        .with("bytes", size)
        .with("allowed", most)
        .help("raise --max-state, or look after the dead letters: nothing is read until there is room"))
    }

    /// Drops what is old, once a day or `at_once`.
    pub(super) async fn retain(&self, state: &State, at_once: bool) -> Result<Dropped> {
        let keep = &self.options.retention;
        let mut dropped = Dropped { bytes_before: state.store().size().await?, ..Dropped::default() };
        let tight = keep.bytes.is_some_and(|most| dropped.bytes_before.is_some_and(|size| size > most));
        let last: Option<i64> = state.get("retained", "all", "last").await?;
        let due = last.is_none_or(|last| last < before(EACH));
        dropped.runs =
            self.drop_runs(state, if tight { RUNS_AT_LEAST.min(keep.runs) } else { keep.runs }).await?;
        if due || at_once || tight {
            for stream in &self.streams {
                let age = if tight { Duration::ZERO } else { keep.age };
                dropped.entries += drop_removed(state, &stream.name, before(age)).await?;
                if let Some(age) = keep.letters {
                    dropped.letters += drop_letters(state, &stream.name, before(age)).await?;
                }
            }
            state.commit(state.put(Batch::new(), "retained", "all", "last", &now())?).await?;
        }
        if at_once || tight || dropped.runs + dropped.entries + dropped.letters >= MANY {
            state.store().compact().await?;
        }
        dropped.bytes_after = state.store().size().await?;
        Ok(dropped)
    }

    /// Drops runs beyond those that are remembered; the history is in the order of time.
    async fn drop_runs(&self, state: &State, most: usize) -> Result<u64> {
        let oldest = before(self.options.retention.age);
        let runs = self.all_runs().await?;
        let beyond = runs.len().saturating_sub(most);
        let old = runs.iter().enumerate().filter(|(at, run)| *at < beyond || run.started_at < oldest);
        let mut batch = Batch::new();
        for (_, run) in old {
            batch = state.delete(batch, "run", "all", &run.id);
        }
        commit(state, batch).await
    }
}

/// Drops entries of records that are removed at the destination since before `oldest`.
async fn drop_removed(state: &State, stream: &str, oldest: i64) -> Result<u64> {
    let mut scan = state.scan("ledger", stream).limit(500);
    let mut dropped = 0;
    loop {
        let page = state.store().scan(&scan).await?;
        let mut batch = Batch::new();
        for document in page.documents {
            let entry: Entry = decode(&document.key, &document.value)?;
            if entry.gone && entry.letter.is_none() && entry.at < oldest {
                batch = state.delete(batch, "ledger", stream, &document.key.id);
            }
        }
        dropped += commit(state, batch).await?;
        match page.next {
            Some(next) => scan.after = Some(next),
            None => return Ok(dropped),
        }
    }
}

/// Drops letters that last failed before `oldest`, but for those that a person must decide on.
async fn drop_letters(state: &State, stream: &str, oldest: i64) -> Result<u64> {
    let letters = Letters::new(state);
    let (mut after, mut dropped) = (None, 0);
    loop {
        let (page, more) = letters.list(stream, after.as_deref(), 100).await?;
        after = page.last().map(|letter| letter.id.clone());
        for letter in page {
            if letter.last_at < oldest && letter.reason != LetterReason::UnknownOutcome {
                letters.drop_letter(stream, &letter.id).await?;
                dropped += 1;
            }
        }
        if !more {
            return Ok(dropped);
        }
    }
}

async fn commit(state: &State, batch: Batch) -> Result<u64> {
    let count = batch.writes.len() as u64;
    if count > 0 {
        state.commit(batch).await?;
    }
    Ok(count)
}

fn before(age: Duration) -> i64 {
    now().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}

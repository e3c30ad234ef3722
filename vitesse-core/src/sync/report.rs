//! What a run did, for people and for the history.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many records met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Read from the source.
    pub read: u64,
    /// Made at the destination.
    pub created: u64,
    /// Changed there, or made or changed as it found.
    pub updated: u64,
    /// Removed there.
    pub deleted: u64,
    /// There already, as they are.
    pub unchanged: u64,
    /// Left out by the mapping's filter, or by its `on_error`.
    pub skipped: u64,
    /// Gone at the source, and reported.
    pub gone: u64,
    /// Put among the dead letters.
    pub dead: u64,
    /// Of these, waiting for a record of another stream.
    pub deferred: u64,
    /// Of these, with an outcome that nobody knows.
    pub unknown: u64,
}

impl Counts {
    /// How many are where they belong.
    pub fn settled(&self) -> u64 {
        self.created + self.updated + self.deleted + self.unchanged + self.skipped + self.gone + self.dead
    }

    /// Adds another's figures.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.gone += other.gone;
        self.dead += other.dead;
        self.deferred += other.deferred;
        self.unknown += other.unknown;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} read", self.read)?;
        let parts = [
            (self.created, "created"),
            (self.updated, "updated"),
            (self.deleted, "deleted"),
            (self.unchanged, "unchanged"),
            (self.skipped, "left out"),
            (self.gone, "gone at the source"),
            (self.dead, "dead letters"),
        ];
        for (count, word) in parts.iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {word}")?;
        }
        if self.unknown > 0 {
            write!(f, " ({} of unknown outcome)", self.unknown)?;
        }
        Ok(())
    }
}

/// What a run did with one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamReport {
    /// The stream.
    pub stream: String,
    /// What became of its records.
    pub counts: Counts,
    /// Whether the source was read to its end.
    pub complete: bool,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// Each stream, in order.
    pub streams: Vec<StreamReport>,
}

impl RunReport {
    /// All streams together.
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.streams.iter().for_each(|stream| total.add(&stream.counts));
        total
    }
}

/// A run, as the history keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its id; later runs have greater ones.
    pub id: String,
    /// When it began, in milliseconds since the epoch.
    pub started_at: i64,
    /// When it ended; `None` while it runs, or if its process was killed.
    pub finished_at: Option<i64>,
    /// Why it stopped, if it did not come to its end.
    pub error: Option<String>,
    /// What it did.
    pub report: RunReport,
}

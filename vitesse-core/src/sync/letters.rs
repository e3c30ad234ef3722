//! Dead letters: records that were read and could not be delivered, each with its reason.

use serde::{Deserialize, Serialize};

use super::keys::document_id;
use super::state::{Entry, State, decode};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Batch, Expect};

/// A record that could not be delivered. Kept sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The record's id at the source; for a record without one, a hash of it that starts with `?`.
    pub id: String,
    /// The stream it belongs to.
    pub stream: String,
    /// What kind of failure it was.
    pub reason: LetterReason,
    /// What was said about it, in a line.
    pub message: String,
    /// What the source gave, without the fields that are kept out of dead letters.
    pub source: String,
    /// Whether fields were kept out: such a record can be read again from the source, but not replayed.
    #[serde(default)]
    pub redacted: bool,
    /// What the mapping made of it, if it got that far.
    pub made: Option<String>,
    /// The hash of what was to be delivered.
    pub hash: String,
    /// For an unknown outcome: this is what the source gave since, not what may have been written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub newer: bool,
    /// How often it was tried, by all runs.
    pub attempts: u64,
    /// How often the record had been delivered when it failed: more now means that something newer was since.
    pub version: u64,
    /// When it first failed, in milliseconds since the epoch.
    pub first_at: i64,
    /// When it last failed.
    pub last_at: i64,
    /// The hash of the mapping it failed with.
    pub mapping: String,
    /// The idempotency key of the write, if one was sent.
    #[serde(default)]
    pub key: Option<String>,
}

/// What kind of failure brought a record to the dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LetterReason {
    /// It has no id.
    NoId,
    /// The mapping could not be applied to it.
    Transform,
    /// It is larger than what can be moved. Its content is not kept.
    TooLarge,
    /// The destination refused it.
    Refused,
    /// The destination failed with it again and again, and not with others.
    Exhausted,
    /// Several records of the destination match it.
    Ambiguous,
    /// It changed, and the destination has no way to change records.
    NoUpdate,
    /// Another stream's record that it refers to isn't delivered yet. Tried again by itself.
    Deferred,
    /// It may or may not have been written, and the destination offers no way to find out.
    UnknownOutcome,
}

impl LetterReason {
    /// The stable name.
    pub fn id(self) -> &'static str {
        match self {
            Self::NoId => "no_id",
            Self::Transform => "transform",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
            Self::Exhausted => "exhausted",
            Self::Ambiguous => "ambiguous",
            Self::NoUpdate => "no_update",
            Self::Deferred => "deferred",
            Self::UnknownOutcome => "unknown_outcome",
        }
    }
}

/// The dead letters of an integration's streams.
#[derive(Clone, Debug)]
pub struct Letters {
    state: State,
}

impl Letters {
    /// Those kept in `state`.
    pub fn new(state: &State) -> Self {
        Self { state: state.clone() }
    }

    /// Up to `limit` letters of a stream in the order of their ids, after the one with the id `after`, and whether
    /// there are more.
    ///
    /// # Errors
    /// What the store fails with, or if a letter can't be opened with the keys at hand.
    pub async fn list(&self, stream: &str, after: Option<&str>, limit: usize) -> Result<(Vec<Letter>, bool)> {
        let mut scan = self.state.scan("letter", stream).limit(limit);
        scan.after = after.map(document_id);
        let page = self.state.store().scan(&scan).await?;
        let mut letters = Vec::new();
        for document in &page.documents {
            if let Some((_, letter)) = self.state.sealed().get::<Letter>(&document.key).await? {
                letters.push(letter);
            }
        }
        Ok((letters, page.next.is_some()))
    }

    /// The letter about one record.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none.
    pub async fn get(&self, stream: &str, id: &str) -> Result<Letter> {
        self.state.letter(stream, id).await?.map(|(_, letter)| letter).ok_or_else(|| missing(stream, id))
    }

    /// Throws a letter away. The record is written again when the source gives it again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none.
    pub async fn drop_letter(&self, stream: &str, id: &str) -> Result<()> {
        self.get(stream, id).await?;
        self.remove(stream, id, |_| ()).await
    }

    /// Settles a letter of unknown outcome: the record was written after all, with this id at the destination if it
    /// is known.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none.
    pub async fn delivered(&self, stream: &str, id: &str, dest_id: Option<String>) -> Result<()> {
        let letter = self.get(stream, id).await?;
        self.remove(stream, id, |entry| {
            entry.dest_id = dest_id.clone().or(entry.dest_id.take());
            // What stands there is not what waits: that is written over it next.
            entry.hash = Some(if letter.newer { "older".to_owned() } else { letter.hash.clone() });
            entry.version += 1;
            entry.gone = false;
        })
        .await
    }

    async fn remove(&self, stream: &str, id: &str, change: impl Fn(&mut Entry)) -> Result<()> {
        let name = document_id(id);
        let key = self.state.key("ledger", stream, &name);
        let mut tries = 0;
        loop {
            let present = self.state.store().get(&key).await?;
            let expect = present.as_ref().map_or(Expect::Absent, |document| Expect::At(document.revision));
            let mut entry: Entry =
                present.map(|document| decode(&key, &document.value)).transpose()?.unwrap_or_default();
            entry.letter = None;
            change(&mut entry);
            let batch = self.state.delete(Batch::new(), "letter", stream, &name);
            match self.state.commit(self.state.put_expecting(batch, &key, expect, &entry)?).await {
                // A sync that runs wrote of the same record.
                Err(error) if error.kind() == ErrorKind::Conflict && tries < 5 => tries += 1,
                done => return done,
            }
        }
    }
}

pub(super) fn missing(stream: &str, id: &str) -> Error {
    Error::new(ErrorKind::NotFound, "there is no dead letter about this record")
        .in_operation("sync.letters")
        .with("stream", stream)
        .with("record", id)
        .help("`vitesse-runtime dead-letters list` shows those there are")
}

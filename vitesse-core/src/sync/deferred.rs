//! Letters that are tried again: those that waited for another record by themselves, others when a person says so.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::clerk::Clerk;
use super::letters::{Letter, LetterReason, Letters, missing};
use super::records::{Handover, SourceRecord};
use super::report::{Counts, RunReport};
use super::run::Sync;
use super::state::State;
use super::stream::Stream;
use crate::error::{Error, ErrorKind, Result};
use crate::net::Bytes;
use crate::progress::Progress;

/// How many letters are looked at together.
const GROUP: usize = 100;

impl Sync {
    /// Tries the records again that waited for others, in the order of the streams, as long as that moves something.
    pub(super) async fn try_deferred(
        &self,
        state: &State,
        report: &mut RunReport,
        progress: &Progress,
    ) -> Result<()> {
        loop {
            let mut moved = 0;
            for stream in &self.streams {
                let mut after = None;
                loop {
                    let (letters, more) =
                        Letters::new(state).list(&stream.name, after.as_deref(), GROUP).await?;
                    after = letters.last().map(|letter| letter.id.clone());
                    let waiting: Vec<Letter> = letters
                        .into_iter()
                        .filter(|letter| letter.reason == LetterReason::Deferred && !letter.redacted)
                        .collect();
                    if !waiting.is_empty() {
                        let count = waiting.len() as u64;
                        let counts = self.send_letters(stream, state, waiting, false, progress).await?;
                        moved += count - counts.deferred.min(count);
                        if let Some(own) = report.streams.iter_mut().find(|own| own.stream == stream.name) {
                            // They were counted as dead when they came to wait.
                            own.counts.dead = own.counts.dead.saturating_sub(count);
                            own.counts.deferred = own.counts.deferred.saturating_sub(count);
                            own.counts.add(&counts);
                        }
                    }
                    if !more {
                        break;
                    }
                }
            }
            if moved == 0 {
                return Ok(());
            }
        }
    }

    /// Tries a dead letter again, through the mapping as it is now. With `force` also one that something newer was
    /// delivered since, or whose outcome nobody knows.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such letter, [`ErrorKind::Conflict`] if it needs `force`,
    /// [`ErrorKind::Prerequisite`] if fields of it were not kept; else what stops a run.
    pub async fn replay(&self, stream: &str, id: &str, force: bool, progress: &Progress) -> Result<Counts> {
        let known = self.stream(stream)?;
        let hold = self.hold(progress.cancel()).await?;
        let state = &hold.state;
        hold.during(async {
            let letter = Letters::new(state).get(stream, id).await?;
            let refuse = |kind, message: &'static str| {
                Error::new(kind, message)
                    .in_operation("sync.replay")
                    .with("stream", stream)
                    .with("record", id)
            };
            if letter.redacted {
                return Err(refuse(
                    ErrorKind::Prerequisite,
                    "fields of this record were kept out of its letter",
                )
                .help("drop the letter, and the record is delivered when the source gives it again"));
            }
            let entry = state.entry(stream, id).await?.unwrap_or_default();
            if entry.version > letter.version && !force {
                return Err(refuse(
                    ErrorKind::Conflict,
                    "something newer was delivered for this record since",
                )
                .permanent()
                .help("--force delivers the older content all the same"));
            }
            if letter.reason == LetterReason::UnknownOutcome && !force {
                return Err(refuse(ErrorKind::Conflict, "nobody knows whether this record was written")
                    .permanent()
                    .help(
                        "look at the destination: if it is there, `dead-letters delivered`; if not, --force",
                    ));
            }
            self.send_letters(known, state, vec![letter], true, progress).await
        })
        .await
    }

    async fn send_letters(
        &self,
        stream: &Arc<Stream>,
        state: &State,
        letters: Vec<Letter>,
        released: bool,
        progress: &Progress,
    ) -> Result<Counts> {
        let step = progress.step(format!("replay {}", stream.name), Some(letters.len() as u64));
        let read = state
            .get::<super::source::Position>("position", &stream.name, "now")
            .await?
            .map_or(0, |position| position.read);
        let mut clerk = Clerk::new(Arc::clone(stream), state, progress.cancel(), Some(&step), read, false)
            .keeping_failures();
        clerk.clear_up().await?;
        let records = letters
            .into_iter()
            .map(|letter| SourceRecord {
                released,
                // One part of a record that is split: the whole would give all parts.
                made: letter.made.filter(|_| stream.splits),
                ..SourceRecord::new(Ok(letter.id), Bytes::from(letter.source))
            })
            .collect();
        let (hand, taken) = mpsc::channel(1);
        let feed = async move {
            let _ = hand.send(Handover { records, ..Handover::default() }).await;
        };
        let ((), written) = tokio::join!(feed, clerk.run(taken));
        clerk.counts.read = 0;
        written.map(|()| clerk.counts)
    }

    pub(super) fn stream(&self, name: &str) -> Result<&Arc<Stream>> {
        self.streams.iter().find(|stream| stream.name == name).ok_or_else(|| {
            let known: Vec<_> = self.streams().collect();
            Error::new(ErrorKind::NotFound, format!("there is no stream {name:?}"))
                .help(format!("there are {}", known.join(", ")))
        })
    }

    /// The letter about a record, for those who only know that there should be one.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none.
    pub async fn letter(&self, stream: &str, id: &str) -> Result<Letter> {
        self.state.letter(stream, id).await?.map(|(_, letter)| letter).ok_or_else(|| missing(stream, id))
    }
}

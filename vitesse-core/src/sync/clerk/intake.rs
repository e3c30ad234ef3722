//! From what the reader hands over to records in the queue, transformed and each with its place.

use super::Clerk;
use crate::error::{Error, Result};
use crate::mapping::RecordError;
use crate::net::Bytes;
use crate::sync::decide::Work;
use crate::sync::letters::LetterReason;
use crate::sync::records::{Handover, SourceRecord};
use crate::sync::source::nameless;
use crate::sync::state::State;
use crate::sync::stream::Stream;

/// How many bytes a record may have: what is kept of a write must fit a document of the store several times over.
const LARGEST: usize = 12 << 20;

/// What the mapping makes of a record.
pub(in crate::sync) enum Made {
    /// A line for each.
    Records(String),
    Failed(Error),
    /// A reference isn't there: its stream and id.
    Deferred(String, String),
}

pub(in crate::sync) async fn transform(stream: &Stream, state: &State, text: &[u8]) -> Result<Made> {
    let mut out = Vec::new();
    loop {
        out.clear();
        let done = stream.plan.apply(text, &mut out);
        let asked = stream.references.asked();
        if asked.is_empty() {
            return Ok(match done {
                Ok(()) => Made::Records(String::from_utf8_lossy(&out).into_owned()),
                Err(error) => Made::Failed(error),
            });
        }
        if let Some((stream, id)) = stream.references.look_up(state, asked).await? {
            return Ok(Made::Deferred(stream, id));
        }
    }
}

impl Clerk<'_> {
    /// Transforms records and queues what they become.
    pub(super) async fn take(&mut self, handover: Handover) -> Result<()> {
        if let (Some(step), Some(total)) = (self.step, handover.total) {
            step.set_total(total.saturating_sub(self.already));
        }
        for record in handover.records {
            self.counts.read += 1;
            self.take_record(record).await?;
            if self.stop.is_some() {
                return Ok(());
            }
        }
        if let Some(checkpoint) = handover.checkpoint {
            self.checkpoints.push_back((self.next_place, checkpoint));
        }
        Ok(())
    }

    async fn take_record(&mut self, record: SourceRecord) -> Result<()> {
        let id = match record.id {
            Ok(id) => id,
            Err(error) => {
                let id = nameless(&record.text);
                self.fail(id, record.text, LetterReason::NoId, error);
                return Ok(());
            }
        };
        if record.text.len() > LARGEST {
            let message =
                format!("the record has {} bytes, and {LARGEST} at most are moved", record.text.len());
            self.enqueue(Work::failed(id, record.text, LetterReason::TooLarge, message));
            return Ok(());
        }
        if record.gone {
            let flag = crate::mapping::Value::Object(self.stream.dest.deletes.flag.clone()).to_string();
            self.enqueue(Work { gone: true, ..Work::new(id, record.text, flag) });
            return Ok(());
        }
        let transformed = match record.made {
            Some(made) => {
                self.enqueue(Work { released: record.released, ..Work::new(id, record.text, made) });
                return Ok(());
            }
            None => self.transform(&record.text).await?,
        };
        let made = match transformed {
            Made::Records(made) if made.len() > LARGEST => {
                let message = format!(
                    "what the mapping makes has {} bytes, and {LARGEST} at most are moved",
                    made.len()
                );
                self.enqueue(Work::failed(id, record.text, LetterReason::TooLarge, message));
                return Ok(());
            }
            Made::Records(made) => made,
            Made::Failed(error) => {
                self.fail(id, record.text, LetterReason::Transform, error);
                return Ok(());
            }
            Made::Deferred(stream, missing) => {
                let message = format!(
                    "it refers to the record {missing} of the stream {stream}, which isn't delivered yet"
                );
                self.enqueue(Work::failed(id, record.text, LetterReason::Deferred, message));
                return Ok(());
            }
        };
        let mut lines = made.lines();
        match (lines.next(), self.stream.splits) {
            (None, _) => self.counts.skipped += 1,
            (Some(line), false) => {
                let work = Work::new(id, record.text, line.to_owned());
                self.enqueue(Work { released: record.released, ..work });
            }
            (Some(line), true) => {
                for (at, line) in std::iter::once(line).chain(lines).enumerate() {
                    self.enqueue(Work::new(format!("{id}#{at}"), record.text.clone(), line.to_owned()));
                }
            }
        }
        Ok(())
    }

    async fn transform(&self, text: &[u8]) -> Result<Made> {
        transform(&self.stream, self.state, text).await
    }

    /// What the mapping's `on_error` says becomes of a record that fails by itself.
    fn fail(&mut self, id: String, source: Bytes, reason: LetterReason, error: Error) {
        match self.on_error() {
            RecordError::Skip => self.counts.skipped += 1,
            RecordError::Fail => {
                // Its place stays open, so that nothing passes it.
                self.place();
                self.stop_with(self.failed_record(&id, error));
            }
            RecordError::DeadLetter => self.enqueue(Work::failed(id, source, reason, error.to_string())),
        }
    }

    pub(super) fn failed_record(&self, id: &str, error: Error) -> Error {
        error
            .in_operation("sync.record")
            .with("stream", &self.stream.name)
            .with("record", id)
            .help("with \"on_error\": \"dead_letter\" it would be kept aside and the sync would go on")
    }

    fn place(&mut self) -> u64 {
        let place = self.next_place;
        self.next_place += 1;
        self.open.insert(place);
        place
    }

    fn enqueue(&mut self, work: Work) {
        let place = self.place();
        self.queue.push_back(Work { place, ..work });
    }
}

//! The one commit of a turn.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{Clerk, Settled};
use crate::error::Result;
use crate::store::Batch;
use crate::sync::letters::LetterReason;
use crate::sync::outcome::{delivered, keep_delivered, keep_failed};
use crate::sync::state::{Held, Member};

impl Clerk<'_> {
    pub(super) fn has_news(&self) -> bool {
        !self.settled.is_empty()
            || !self.ready.is_empty()
            || (self.file.is_some() && !self.drafts.is_empty())
            || self.checkpoint_due()
    }

    fn checkpoint_due(&self) -> bool {
        self.checkpoints.front().is_some_and(|(place, _)| self.open.first().is_none_or(|open| open >= place))
    }

    /// The one commit of a turn.
    pub(super) async fn commit(&mut self) -> Result<()> {
        let stream = Arc::clone(&self.stream);
        let name = &stream.name;
        let mut batch = Batch::new();
        if self.file.is_some() && !self.drafts.is_empty() {
            batch = self.append(batch).await?;
        }
        let settled = std::mem::take(&mut self.settled);
        let mut done_intents = BTreeSet::new();
        let mut freed = Vec::new();
        for one in settled {
            match one {
                Settled::Delivered { intent, mut member, kind, dest_id, place } => {
                    member.before.letter = self.letter_now(&member.id, member.before.letter).await?;
                    let entry = delivered(&member, kind, dest_id, self.read);
                    batch = keep_delivered(self.state, &stream, batch, &member, &entry)?;
                    done_intents.insert(intent);
                    self.close(place);
                    freed.push(member.id);
                }
                Settled::Failed { intent, failed, place } => {
                    self.counts.dead += 1;
                    self.counts.unknown += u64::from(failed.reason == LetterReason::UnknownOutcome);
                    self.counts.deferred += u64::from(failed.reason == LetterReason::Deferred);
                    freed.push(failed.id.clone());
                    batch = keep_failed(self.state, &stream, batch, failed, self.read).await?;
                    done_intents.extend(intent);
                    self.close(place);
                }
                Settled::Seen { id, mut entry, place } => {
                    entry.letter = self.letter_now(&id, entry.letter).await?;
                    entry.seen = self.read;
                    batch = self.state.put_entry(batch, name, &id, &entry)?;
                    self.open.remove(&place);
                    freed.push(id);
                }
                Settled::Dropped { intent, ended } => {
                    done_intents.insert(intent);
                    if let Some((id, place)) = ended {
                        self.close(place);
                        freed.push(id);
                    }
                }
            }
        }
        for intent in done_intents.iter().filter(|intent| !intent.is_empty()) {
            batch = self.state.delete(batch, "intent", name, intent);
        }
        for intent in &self.ready {
            batch = self.state.put_intent(batch, name, intent)?;
        }
        let mut marks = HashMap::new();
        let mut position = None;
        while self.checkpoint_due() {
            let Some((_, checkpoint)) = self.checkpoints.pop_front() else { break };
            marks.extend(checkpoint.parent);
            position = Some(checkpoint.position);
        }
        for (parent, mark) in &marks {
            batch = self.state.put(batch, "mark", name, parent, mark)?;
        }
        if let Some(position) = &position {
            batch = self.state.put(batch, "position", name, "now", position)?;
        }
        if !batch.writes.is_empty() {
            self.state.commit(batch).await?;
        }
        let settled = freed.len() as u64 + std::mem::take(&mut self.passed);
        for work in std::mem::take(&mut self.again) {
            // Before the others with its id, which come back right after it.
            freed.retain(|id| *id != work.id);
            self.free(&work.id);
            self.queue.push_front(work);
        }
        freed.iter().for_each(|id| self.free(id));
        self.waiting.extend(self.ready.drain(..));
        if let Some(step) = self.step
            && settled > 0
        {
            // Whether to go on is asked elsewhere.
            let _ = step.advance(settled);
        }
        Ok(())
    }

    /// Appends all drafts to the file, and adds how long it is then.
    async fn append(&mut self, batch: Batch) -> Result<Batch> {
        let Some(mut file) = self.file.take() else { return Ok(batch) };
        let mut lines = String::new();
        let drafts = std::mem::take(&mut self.drafts);
        for (work, ..) in &drafts {
            lines.push_str(&work.made);
            lines.push('\n');
        }
        file.append(lines).await?;
        for (work, entry, draft) in drafts {
            let member = Member {
                id: work.id.clone(),
                hash: work.hash,
                key: None,
                source: String::from_utf8_lossy(&work.source).into_owned(),
                made: String::new(),
                before: entry,
            };
            self.counts.created += 1;
            self.settled.push(Settled::Delivered {
                intent: String::new(),
                member,
                kind: draft.kind,
                dest_id: None,
                place: Some(work.place),
            });
        }
        let batch = self.state.put(batch, "file", &self.stream.name, "length", &file.length())?;
        self.file = Some(file);
        Ok(batch)
    }

    /// What the ledger says now of a letter it told of when the record was decided on: a person may have dropped it since.
    async fn letter_now(&self, id: &str, then: Option<Held>) -> Result<Option<Held>> {
        match then {
            None => Ok(None),
            Some(_) => Ok(self.state.entry(&self.stream.name, id).await?.and_then(|entry| entry.letter)),
        }
    }

    fn close(&mut self, place: Option<u64>) {
        if let Some(place) = place {
            self.open.remove(&place);
        }
    }
}

//! From records in the queue to requests that are ready to be kept: what is to be done with each, and which go together.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{AHEAD, Clerk, Flight, LOW, Settled};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::value;
use crate::sync::decide::{Decision, Work, decide};
use crate::sync::destination::{Draft, build};
use crate::sync::json::plain;
use crate::sync::letters::LetterReason;
use crate::sync::outcome::Failed;
use crate::sync::state::{Entry, Member, WriteKind};
use crate::sync::stream::Stream;

/// How many bytes of records are under way at most, if they are more than one.
const WEIGHT: usize = 4 << 20;
/// How many bytes of records one intent may keep: it is one document of the store.
const KEPT: usize = 24 << 20;

impl Clerk<'_> {
    /// Removes no more than this, whatever the mapping says.
    pub(in crate::sync) fn limit_deletes(&mut self, most: Option<u64>) {
        self.deletes.most = most;
    }

    /// Whether one more record may be decided on.
    pub(super) fn may_decide(&self) -> bool {
        self.room() > self.drafts.len() && self.bears_more()
    }

    /// Whether the records under way are not too many bytes: each is held several times over, as it was read and made, in
    /// its intent, sealed, and in the pages of the state's file.
    fn bears_more(&self) -> bool {
        let bulk = self.stream.dest.operations.bulk.is_some();
        self.busy.is_empty() || self.weight < if bulk { WEIGHT + KEPT } else { WEIGHT }
    }

    /// Decides on waiting records as far as there is room. Those that need no write take none.
    pub(super) async fn decide_all(&mut self) -> Result<()> {
        while self.settled.len() < LOW && self.stop.is_none() && self.decide_some().await? {}
        self.close_batches(false)
    }

    /// Decides on a group of records; false if there was none to decide on.
    async fn decide_some(&mut self) -> Result<bool> {
        let mut room = self.room().saturating_sub(self.drafts.len());
        let mut group = Vec::new();
        while room > 0 && self.bears_more() {
            let Some(work) = self.queue.pop_front() else { break };
            if let Some(followers) = self.busy.get_mut(&work.id) {
                followers.push_back(work);
                continue;
            }
            self.busy.insert(work.id.clone(), VecDeque::new());
            let weight = work.made.len() + work.source.len();
            self.weights.insert(work.id.clone(), weight);
            self.weight += weight;
            group.push(work);
            room -= 1;
        }
        if group.is_empty() {
            return Ok(false);
        }
        // The ledger is asked for all of them at once: over a network one by one would take long.
        let mut asked = JoinSet::new();
        for (at, work) in group.iter().enumerate() {
            let (state, stream, id) = (self.state.clone(), self.stream.name.clone(), work.id.clone());
            asked.spawn(async move { (at, state.entry(&stream, &id).await) });
        }
        let mut entries: Vec<Entry> = vec![Entry::default(); group.len()];
        while let Some(answer) = asked.join_next().await {
            let (at, entry) = answer.map_err(|error| {
                Error::new(ErrorKind::Internal, "a look into the ledger failed").source(error)
            })?;
            if let Some(entry) = entry? {
                entries[at] = entry;
            }
        }
        for (work, entry) in group.into_iter().zip(entries) {
            self.decide_on(work, entry)?;
        }
        self.close_batches(false)?;
        Ok(true)
    }

    pub(super) fn decide_on(&mut self, work: Work, entry: Entry) -> Result<()> {
        match decide(&self.stream, &work, &entry) {
            Decision::Unchanged => {
                self.counts.unchanged += 1;
                // What stands there is well: a few that fail again in each full read are few among many.
                self.note(false);
                self.seen(work, entry);
            }
            Decision::Nothing => self.seen(work, entry),
            Decision::Held => {
                self.counts.skipped += 1;
                self.seen(work, entry);
            }
            Decision::Reported => {
                self.counts.gone += 1;
                if let Some(step) = self.step {
                    step.note(format!("the record {} is gone at the source", work.id));
                }
                self.seen(work, entry);
            }
            Decision::Look => {
                if let Some(key) = natural_key(&self.stream, &work.made) {
                    if let Some(held) = self.looked.get_mut(&key) {
                        held.push_back(work);
                        return Ok(());
                    }
                    self.looked.insert(key.clone(), VecDeque::new());
                    self.natural.insert(work.id.clone(), key);
                }
                let sender = self.sender.clone();
                self.sending += 1;
                self.flights.spawn(async move {
                    let found = sender.look(&work.made).await;
                    Flight::Looked { work: Box::new(work), entry: Box::new(entry), found }
                });
            }
            Decision::Dead(reason, message) => {
                let failed = Failed::of_work(&work, reason, message);
                self.settled.push(Settled::Failed { intent: None, failed, place: Some(work.place) });
                self.note(!matches!(reason, LetterReason::Deferred));
            }
            Decision::Write(draft) => {
                if (draft.kind == WriteKind::Delete || work.gone) && !self.may_remove() {
                    return Ok(());
                }
                self.drafts.push((work, entry, draft));
                self.since_draft.get_or_insert_with(Instant::now);
            }
        }
        Ok(())
    }

    /// Whether one more record may be removed; if not, the run stops.
    fn may_remove(&mut self) -> bool {
        let policy = &self.stream.dest.deletes;
        let most = self.deletes.most.or(policy.max_records);
        if most.is_some_and(|most| self.deletes.done >= most) {
            self.stop.get_or_insert_with(|| too_many_removed(self.deletes.done + 1, most.unwrap_or(0)));
            return false;
        }
        self.deletes.done += 1;
        true
    }

    fn seen(&mut self, work: Work, entry: Entry) {
        if self.mark_seen && entry.seen != self.read && entry.version > 0 {
            self.settled.push(Settled::Seen { id: work.id, entry, place: work.place });
        } else {
            self.open.remove(&work.place);
            self.passed += 1;
            self.free(&work.id);
        }
    }

    /// How many more writes may be decided on now.
    pub(super) fn room(&self) -> usize {
        let concurrency = self.stream.concurrency();
        let records = self.batch_records();
        // At a destination where nothing can be found out, only what goes at once is decided: each durable intent is a
        // record of unknown outcome if the process is killed.
        let finds_out = self.stream.dest.idempotency.is_some() || self.stream.dest.operations.find.is_some();
        let most = if finds_out { concurrency * (1 + AHEAD) } else { concurrency };
        let taken = self.flights.len() + self.ready.len() + self.waiting.len();
        most.saturating_sub(taken) * records
    }

    fn batch_records(&self) -> usize {
        if self.file.is_some() {
            return 500;
        }
        match &self.stream.dest.operations.bulk {
            Some(_) => {
                let declared = self.stream.dest.batch.as_ref().map_or(100, |batch| batch.records);
                usize::try_from(self.stream.options.batch.unwrap_or(declared)).unwrap_or(usize::MAX).max(1)
            }
            None => 1,
        }
    }

    pub(super) fn batch_due(&self) -> Option<Instant> {
        let within = self.stream.dest.batch.as_ref().and_then(|batch| batch.within);
        let since = self.since_draft.filter(|_| !self.drafts.is_empty())?;
        // Nothing is gained by waiting when nothing else is under way.
        Some(since + within.unwrap_or(Duration::from_millis(20)))
    }

    /// Makes requests of the drafts: of single writes at once, of bulk writes when a batch is full or `all` is asked for.
    pub(super) fn close_batches(&mut self, all: bool) -> Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let most = self.batch_records();
        let most_bytes = self.stream.dest.batch.as_ref().and_then(|batch| batch.bytes).unwrap_or(8 << 20);
        let mut batch: Vec<(Work, Entry, Draft)> = Vec::new();
        let (mut bytes, mut kept) = (0u64, 0);
        let mut later = Vec::new();
        for (work, entry, draft) in std::mem::take(&mut self.drafts) {
            let bulk = matches!(draft.kind, WriteKind::Bulk | WriteKind::BulkUpsert);
            if draft.adopted || !bulk || work.alone {
                self.make_ready(vec![(work, entry, draft)])?;
                continue;
            }
            let size = work.made.len() as u64 + 2;
            let whole = 2 * work.made.len() + work.source.len();
            let full = batch.len() >= most || bytes + size > most_bytes || kept + whole > KEPT;
            if !batch.is_empty() && (full || batch[0].2.kind != draft.kind) {
                let full = std::mem::take(&mut batch);
                (bytes, kept) = (0, 0);
                self.make_ready(full)?;
            }
            bytes += size;
            kept += whole;
            batch.push((work, entry, draft));
        }
        let full = batch.len() >= most || bytes >= most_bytes || kept >= KEPT;
        if !batch.is_empty() && (full || all) {
            self.make_ready(batch)?;
        } else {
            later = batch;
        }
        self.drafts = later;
        self.since_draft =
            if self.drafts.is_empty() { None } else { self.since_draft.or_else(|| Some(Instant::now())) };
        Ok(())
    }

    fn make_ready(&mut self, group: Vec<(Work, Entry, Draft)>) -> Result<()> {
        let Some(first) = group.first() else { return Ok(()) };
        let (kind, adopted) = (first.2.kind, first.2.adopted);
        let parts: Vec<(Work, Entry, Option<String>)> =
            group.into_iter().map(|(work, entry, draft)| (work, entry, draft.dest_id)).collect();
        if adopted {
            for (work, entry, dest_id) in parts {
                let before = Entry { dest_id: dest_id.clone(), ..entry };
                let member = Member {
                    id: work.id.clone(),
                    hash: work.hash.clone(),
                    key: None,
                    source: String::from_utf8_lossy(&work.source).into_owned(),
                    made: String::new(),
                    before,
                };
                self.counts.unchanged += 1;
                self.settled.push(Settled::Delivered {
                    intent: String::new(),
                    member,
                    kind,
                    dest_id,
                    place: Some(work.place),
                });
            }
            return Ok(());
        }
        match build(&self.stream, kind, &parts) {
            Ok(intent) => {
                for (work, ..) in parts {
                    self.works.insert(work.id.clone(), work);
                }
                self.ready.push(intent);
            }
            // One record's fault: its fields don't fill the request.
            Err(error) if parts.len() == 1 && error.kind() == ErrorKind::RecordInvalid => {
                for (work, ..) in parts {
                    let failed = Failed::of_work(&work, LetterReason::Transform, error.to_string());
                    self.settled.push(Settled::Failed { intent: None, failed, place: Some(work.place) });
                    self.note(true);
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Lets the next record with this id go.
    pub(super) fn free(&mut self, id: &str) {
        self.weight -= self.weights.remove(id).unwrap_or(0);
        let held = self.natural.remove(id).and_then(|key| self.looked.remove(&key)).unwrap_or_default();
        for work in held.into_iter().rev() {
            self.weight -= self.weights.remove(&work.id).unwrap_or(0);
            for follower in self.busy.remove(&work.id).unwrap_or_default().into_iter().rev() {
                self.queue.push_front(follower);
            }
            self.queue.push_front(work);
        }
        self.works.remove(id);
        if let Some(followers) = self.busy.remove(id) {
            for work in followers.into_iter().rev() {
                self.queue.push_front(work);
            }
        }
    }
}

/// What the destination would find a record by, as text; letters' case makes no difference.
fn natural_key(stream: &Stream, made: &str) -> Option<String> {
    let record = value::read(made.as_bytes()).ok()?;
    let parts = stream.dest.match_on.iter().map(|field| plain(field.find(&record)?));
    let parts: Option<Vec<String>> = parts.collect();
    Some(parts?.join("\0").to_ascii_lowercase())
}

pub(in crate::sync) fn too_many_removed(would: u64, most: u64) -> Error {
    Error::new(ErrorKind::LimitExceeded, "more records would be removed than the mapping allows")
        .in_operation("sync.deletes")
        .with("would", would)
        .with("allowed", most)
        .help("if they really are gone, raise max_records or max_ratio of the destination's `deletes`")
}

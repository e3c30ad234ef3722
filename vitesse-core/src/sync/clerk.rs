//! The writer's loop: it alone decides, commits and sends, so that what is durable when can be read in one place.
//!
//! In each turn it commits once. That commit holds the outcomes of all writes that came back since the last one, with
//! the ledger's entries and the position they allow, and the intents of the writes that go next. Only after it
//! are these sent. A record stays busy from its decision until its outcome is committed, and another one with its id
//! waits: so writes of one id never overtake each other, and the ledger that a decision reads is never behind.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::decide::{Decision, Found, Work, decide};
use super::destination::{Draft, FileWriter, Landed, MemberOutcome, Sender, build, resolve};
use super::letters::LetterReason;
use super::outcome::{Failed, delivered, keep_delivered, keep_failed};
use super::records::{Checkpoint, Handover, SourceRecord};
use super::report::Counts;
use super::source::nameless;
use super::state::{Entry, Intent, State, WriteKind};
use super::stream::Stream;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{DeletePolicy, RecordError};
use crate::net::Bytes;
use crate::progress::{Cancel, Step};
use crate::store::Batch;

/// Below so many waiting records more are taken from the reader.
const LOW: usize = 256;
/// How many durable intents wait for a free place, for each request under way: sending then doesn't wait for commits.
const AHEAD: usize = 2;

pub(super) struct Clerk<'c> {
    stream: Arc<Stream>,
    state: &'c State,
    sender: Sender,
    cancel: &'c Cancel,
    step: Option<&'c Step<'c>>,
    pub(super) counts: Counts,
    /// The number of the read, for what was seen.
    read: u64,
    mark_seen: bool,
    next_place: u64,
    /// Places of records that are not settled.
    open: BTreeSet<u64>,
    checkpoints: VecDeque<(u64, Checkpoint)>,
    queue: VecDeque<Work>,
    /// Ids under way, each with the records that wait for it.
    busy: HashMap<String, VecDeque<Work>>,
    flights: JoinSet<Flight>,
    sending: usize,
    /// Decided, and not durable yet.
    drafts: Vec<(Work, Entry, Draft)>,
    since_draft: Option<Instant>,
    ready: Vec<Intent>,
    /// Durable, and waiting for a free place.
    waiting: VecDeque<Intent>,
    /// The works behind the intents, by id.
    works: HashMap<String, Work>,
    settled: Vec<Settled>,
    again: Vec<Work>,
    failures: VecDeque<bool>,
    stop: Option<Error>,
    /// Nothing new is begun any more.
    draining: bool,
    deletes: Deletes,
    total: Option<u64>,
    file: Option<FileWriter>,
}

/// How much may be removed in this run.
#[derive(Debug, Default)]
struct Deletes {
    done: u64,
    most: Option<u64>,
}

enum Flight {
    Looked { work: Box<Work>, entry: Box<Entry>, found: Result<Found> },
    Landed(Box<Landed>),
}

/// A record whose fate is known and not committed yet.
enum Settled {
    Delivered {
        intent: String,
        member: super::state::Member,
        kind: WriteKind,
        dest_id: Option<String>,
        place: Option<u64>,
    },
    Failed {
        intent: Option<String>,
        failed: Failed,
        place: Option<u64>,
    },
    /// Only seen.
    Seen {
        id: String,
        entry: Entry,
        place: u64,
    },
    /// Nothing is kept of it but that its intent is done with; with its id and place if that ends it.
    Dropped {
        intent: String,
        ended: Option<(String, Option<u64>)>,
    },
}

impl<'c> Clerk<'c> {
    pub(super) fn new(
        stream: Arc<Stream>,
        state: &'c State,
        cancel: &'c Cancel,
        step: Option<&'c Step<'c>>,
        read: u64,
        full: bool,
    ) -> Self {
        let mark_seen = full && stream.dest.deletes.policy != DeletePolicy::Ignore;
        Self {
            sender: Sender::new(Arc::clone(&stream)),
            stream,
            state,
            cancel,
            step,
            counts: Counts::default(),
            read,
            mark_seen,
            next_place: 0,
            open: BTreeSet::new(),
            checkpoints: VecDeque::new(),
            queue: VecDeque::new(),
            busy: HashMap::new(),
            flights: JoinSet::new(),
            sending: 0,
            drafts: Vec::new(),
            since_draft: None,
            ready: Vec::new(),
            waiting: VecDeque::new(),
            works: HashMap::new(),
            settled: Vec::new(),
            again: Vec::new(),
            failures: VecDeque::new(),
            stop: None,
            draining: false,
            deletes: Deletes::default(),
            total: None,
            file: None,
        }
    }

    /// Clears up what an earlier process left under way. Comes before anything is read.
    pub(super) async fn clear_up(&mut self) -> Result<()> {
        if let Some(file) = &self.stream.dest.file {
            let committed: Option<u64> = self.state.get("file", &self.stream.name, "length").await?;
            self.file = Some(FileWriter::open(&file.path, committed).await?);
            return Ok(());
        }
        let mut pending: VecDeque<Intent> = self.state.intents(&self.stream.name).await?.into();
        while !pending.is_empty() || self.sending > 0 {
            while self.sending < self.stream.concurrency() && self.stop.is_none() {
                let Some(intent) = pending.pop_front() else { break };
                let sender = self.sender.clone();
                self.sending += 1;
                self.flights.spawn(async move { Flight::Landed(Box::new(resolve(sender, intent).await)) });
            }
            if self.sending == 0 {
                break;
            }
            let flight = tokio::select! {
                flight = self.flights.join_next() => flight,
                () = self.cancel.cancelled() => {
                    self.flights.shutdown().await;
                    return self.cancel.check();
                }
            };
            if let Some(flight) = flight {
                self.landed(flight)?;
            }
            self.commit().await?;
        }
        // What is to be decided on anew is read again: its position was never passed.
        self.again.clear();
        match self.stop.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Writes what the reader hands over, until it hands over no more.
    pub(super) async fn run(&mut self, mut from: mpsc::Receiver<Handover>) -> Result<()> {
        let mut reading = true;
        let mut drain: Option<Instant> = None;
        loop {
            if drain.is_none() && (self.stop.is_some() || self.cancel.is_cancelled()) {
                // Nothing new is begun; what is under way is given time to end.
                drain = Some(Instant::now() + self.stream.options.drain);
                from.close();
                reading = false;
                self.queue.clear();
                self.drafts.clear();
                self.ready.clear();
                self.drop_unsent();
                self.draining = true;
            }
            if drain.is_none() {
                self.decide_all().await?;
            }
            if self.has_news() {
                self.commit().await?;
            }
            if drain.is_none() {
                self.launch();
            }
            let idle = self.flights.is_empty() && self.drafts.is_empty() && self.waiting.is_empty();
            if idle && !self.has_news() && self.queue.is_empty() && !reading {
                break;
            }
            if idle && drain.is_some() {
                break;
            }
            if drain.is_none() && !self.queue.is_empty() && self.room() > self.drafts.len() {
                // The commit gave records back that can be decided on at once.
                continue;
            }
            let batch_due = self.batch_due();
            tokio::select! {
                biased;
                () = until(drain) => {
                    // What could not end in time is cleared up at the next start: its intents are durable.
                    self.flights.shutdown().await;
                    break;
                }
                () = self.cancel.cancelled(), if drain.is_none() => {}
                Some(flight) = self.flights.join_next(), if !self.flights.is_empty() => {
                    self.landed(flight)?;
                    while let Some(flight) = self.flights.try_join_next() {
                        self.landed(flight)?;
                    }
                }
                handover = from.recv(), if reading && self.queue.len() < LOW => match handover {
                    Some(handover) => self.take(handover).await?,
                    None => reading = false,
                },
                () = until(batch_due), if batch_due.is_some() => self.close_batches(true)?,
                () = std::future::ready(()), if !reading && !self.drafts.is_empty() => self.close_batches(true)?,
            }
        }
        if self.has_news() {
            self.commit().await?;
        }
        match self.stop.take() {
            Some(error) => Err(error),
            None => self.cancel.check(),
        }
    }

    /// Transforms records and queues what they become.
    async fn take(&mut self, handover: Handover) -> Result<()> {
        self.total = handover.total.or(self.total);
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
        match self.stream.on_error {
            RecordError::Skip => self.counts.skipped += 1,
            RecordError::Fail => {
                // Its place stays open, so that nothing passes it.
                self.place();
                self.stop_with(self.failed_record(&id, error));
            }
            RecordError::DeadLetter => self.enqueue(Work::failed(id, source, reason, error.to_string())),
        }
    }

    fn failed_record(&self, id: &str, error: Error) -> Error {
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

    /// How many more writes may be decided on now.
    fn room(&self) -> usize {
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

    /// Decides on waiting records as far as there is room. Those that need no write take none.
    async fn decide_all(&mut self) -> Result<()> {
        while self.settled.len() < LOW && self.stop.is_none() && self.decide_some().await? {}
        self.close_batches(false)
    }

    /// Decides on a group of records; false if there was none to decide on.
    async fn decide_some(&mut self) -> Result<bool> {
        let mut room = self.room().saturating_sub(self.drafts.len());
        let mut group = Vec::new();
        while room > 0 {
            let Some(work) = self.queue.pop_front() else { break };
            if let Some(followers) = self.busy.get_mut(&work.id) {
                followers.push_back(work);
                continue;
            }
            self.busy.insert(work.id.clone(), VecDeque::new());
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

    fn decide_on(&mut self, work: Work, entry: Entry) -> Result<()> {
        match decide(&self.stream, &work, &entry) {
            Decision::Unchanged => {
                self.counts.unchanged += 1;
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

    /// Removes no more than this, whatever the mapping says.
    pub(super) fn limit_deletes(&mut self, most: Option<u64>) {
        self.deletes.most = most;
    }

    fn close(&mut self, place: Option<u64>) {
        if let Some(place) = place {
            self.open.remove(&place);
        }
    }

    fn seen(&mut self, work: Work, entry: Entry) {
        if self.mark_seen && entry.seen != self.read && entry.version > 0 {
            self.settled.push(Settled::Seen { id: work.id, entry, place: work.place });
        } else {
            self.open.remove(&work.place);
            self.free(&work.id);
        }
    }

    /// Lets the next record with this id go.
    fn free(&mut self, id: &str) {
        self.works.remove(id);
        if let Some(followers) = self.busy.remove(id) {
            for work in followers.into_iter().rev() {
                self.queue.push_front(work);
            }
        }
    }

    fn batch_due(&self) -> Option<Instant> {
        let within = self.stream.dest.batch.as_ref().and_then(|batch| batch.within);
        let since = self.since_draft.filter(|_| !self.drafts.is_empty())?;
        // Nothing is gained by waiting when nothing else is under way.
        Some(since + within.unwrap_or(Duration::from_millis(20)))
    }

    /// Makes requests of the drafts: of single writes at once, of bulk writes when a batch is full or `all` is asked for.
    fn close_batches(&mut self, all: bool) -> Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let most = self.batch_records();
        let most_bytes = self.stream.dest.batch.as_ref().and_then(|batch| batch.bytes).unwrap_or(8 << 20);
        let mut batch: Vec<(Work, Entry, Draft)> = Vec::new();
        let mut bytes = 0u64;
        let mut later = Vec::new();
        for (work, entry, draft) in std::mem::take(&mut self.drafts) {
            let bulk = matches!(draft.kind, WriteKind::Bulk | WriteKind::BulkUpsert);
            if draft.adopted || !bulk || work.alone {
                self.make_ready(vec![(work, entry, draft)])?;
                continue;
            }
            let size = work.made.len() as u64 + 2;
            if !batch.is_empty()
                && (batch.len() >= most || bytes + size > most_bytes || batch[0].2.kind != draft.kind)
            {
                let full = std::mem::take(&mut batch);
                bytes = 0;
                self.make_ready(full)?;
            }
            bytes += size;
            batch.push((work, entry, draft));
        }
        if batch.len() >= most || (all && !batch.is_empty()) {
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
                let member = super::state::Member {
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

    fn has_news(&self) -> bool {
        !self.settled.is_empty()
            || !self.ready.is_empty()
            || (self.file.is_some() && !self.drafts.is_empty())
            || self.checkpoint_due()
    }

    fn checkpoint_due(&self) -> bool {
        self.checkpoints.front().is_some_and(|(place, _)| self.open.first().is_none_or(|open| open >= place))
    }

    /// The one commit of a turn.
    async fn commit(&mut self) -> Result<()> {
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
                Settled::Delivered { intent, member, kind, dest_id, place } => {
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
        let settled = freed.len() as u64;
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
            let member = super::state::Member {
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

    /// Sends what is durable, as far as there are free places.
    fn launch(&mut self) {
        while self.sending < self.stream.concurrency() {
            let Some(intent) = self.waiting.pop_front() else { break };
            let sender = self.sender.clone();
            self.sending += 1;
            self.flights.spawn(async move { Flight::Landed(Box::new(sender.send(intent).await)) });
        }
    }

    /// Intents that were never sent are taken back, so that nobody wonders later what became of them.
    fn drop_unsent(&mut self) {
        for intent in std::mem::take(&mut self.waiting) {
            self.settled.push(Settled::Dropped { intent: intent.key, ended: None });
        }
    }

    fn landed(&mut self, flight: Result<Flight, tokio::task::JoinError>) -> Result<()> {
        self.sending = self.sending.saturating_sub(1);
        let flight =
            flight.map_err(|error| Error::new(ErrorKind::Internal, "a write failed").source(error))?;
        let landed = match flight {
            Flight::Looked { .. } if self.draining => return Ok(()),
            Flight::Looked { mut work, entry, found } => {
                match found {
                    Ok(found) => {
                        work.found = Some(found);
                        self.decide_on(*work, *entry)?;
                        self.close_batches(false)?;
                    }
                    Err(error) => self.stop_with(error),
                }
                return Ok(());
            }
            Flight::Landed(landed) => *landed,
        };
        if let Some(error) = landed.stop {
            self.stop_with(error);
        }
        let intent = landed.intent;
        let stopping = self.stop.is_some();
        for (member, outcome) in intent.members.into_iter().zip(landed.outcomes) {
            let work = self.works.get(&member.id).cloned();
            let place = work.as_ref().map(|work| work.place);
            match outcome {
                MemberOutcome::Delivered { dest_id, made_new } => {
                    match (intent.kind, made_new) {
                        (WriteKind::Delete, _) => self.counts.deleted += 1,
                        (_, true) => self.counts.created += 1,
                        (_, false) => self.counts.updated += 1,
                    }
                    self.note(false);
                    self.settled.push(Settled::Delivered {
                        intent: intent.key.clone(),
                        member,
                        kind: intent.kind,
                        dest_id,
                        place,
                    });
                }
                MemberOutcome::Gone if intent.kind == WriteKind::Delete => {
                    self.counts.deleted += 1;
                    self.settled.push(Settled::Delivered {
                        intent: intent.key.clone(),
                        member,
                        kind: intent.kind,
                        dest_id: None,
                        place,
                    });
                }
                MemberOutcome::Gone => match work {
                    // It was removed there: it is made again, as another one.
                    Some(work) if self.stream.dest.operations.create.is_some() && !work.gone => {
                        self.again.push(Work { found: None, ..work });
                        self.forget_there(member, &intent.key);
                    }
                    // Read again later, and then it is new.
                    None if self.stream.dest.operations.create.is_some() => {
                        self.forget_there(member, &intent.key)
                    }
                    _ => {
                        let message = "the destination has it no more".to_owned();
                        let failed = Failed::of_member(&member, LetterReason::Refused, message, 1);
                        self.settled.push(Settled::Failed {
                            intent: Some(intent.key.clone()),
                            failed,
                            place,
                        });
                        self.note(true);
                    }
                },
                MemberOutcome::Dead { reason, message, attempts } => {
                    let failed = Failed::of_member(&member, reason, message, attempts);
                    self.note(true);
                    match self.stream.on_error {
                        RecordError::DeadLetter => {}
                        _ if reason == LetterReason::UnknownOutcome => {}
                        RecordError::Skip => {
                            self.counts.skipped += 1;
                            let ended = Some((member.id.clone(), place));
                            self.settled.push(Settled::Dropped { intent: intent.key.clone(), ended });
                            continue;
                        }
                        RecordError::Fail => {
                            let error = Error::new(ErrorKind::RecordInvalid, failed.message.clone());
                            self.stop_with(self.failed_record(&member.id, error.in_operation("sync.write")));
                            self.settled.push(Settled::Dropped { intent: intent.key.clone(), ended: None });
                            continue;
                        }
                    }
                    self.settled.push(Settled::Failed { intent: Some(intent.key.clone()), failed, place });
                }
                MemberOutcome::Again { alone } => {
                    self.settled.push(Settled::Dropped { intent: intent.key.clone(), ended: None });
                    if let Some(mut work) = work.filter(|_| !stopping) {
                        work.alone |= alone;
                        work.found = None;
                        self.again.push(work);
                    }
                }
            }
        }
        Ok(())
    }

    /// What the destination has no more is new there.
    fn forget_there(&mut self, member: super::state::Member, intent: &str) {
        self.settled.push(Settled::Dropped { intent: intent.to_owned(), ended: None });
        let generation = member.before.generation + 1;
        let entry = Entry { dest_id: None, hash: None, generation, gone: true, ..member.before };
        self.settled.push(Settled::Seen { id: member.id, entry, place: u64::MAX });
    }

    fn stop_with(&mut self, error: Error) {
        self.stop.get_or_insert(error);
    }

    /// Too many failures at once are not the records' fault.
    fn note(&mut self, failed: bool) {
        let window = self.stream.options.failures;
        self.failures.push_back(failed);
        if self.failures.len() > window.records {
            self.failures.pop_front();
        }
        let failures = self.failures.iter().filter(|failed| **failed).count();
        if failed && failures >= window.failures.max(1) {
            let error = Error::new(ErrorKind::LimitExceeded, "too many records fail")
                .in_operation("sync.write")
                .with("stream", &self.stream.name)
                .with("failed", failures)
                .with("of the last", self.failures.len())
                .help("look at the dead letters and correct the mapping; the sync goes on where it stopped");
            self.stop_with(error);
        }
    }
}

/// What the mapping makes of a record.
pub(super) enum Made {
    /// A line for each.
    Records(String),
    Failed(Error),
    /// A reference isn't there: its stream and id.
    Deferred(String, String),
}

pub(super) async fn transform(stream: &Stream, state: &State, text: &[u8]) -> Result<Made> {
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

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

pub(super) fn too_many_removed(would: u64, most: u64) -> Error {
    Error::new(ErrorKind::LimitExceeded, "more records would be removed than the mapping allows")
        .in_operation("sync.deletes")
        .with("would", would)
        .with("allowed", most)
        .help("if they really are gone, raise max_records or max_ratio of the destination's `deletes`")
}

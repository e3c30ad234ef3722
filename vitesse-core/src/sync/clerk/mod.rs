//! The writer's loop: it alone decides, commits and sends, so that what is durable when can be read in one place.
//!
//! In each turn it commits once. That commit holds the outcomes of all writes that came back since the last one, with
//! the ledger's entries and the position they allow, and the intents of the writes that go next. Only after it
//! are these sent. A record stays busy from its decision until its outcome is committed, and another one with its id
//! waits: so writes of one id never overtake each other, and the ledger that a decision reads is never behind.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::decide::{Found, Work};
use super::destination::{Draft, FileWriter, Landed, Sender, resolve};
use super::outcome::Failed;
use super::records::{Checkpoint, Handover};
use super::report::Counts;
use super::state::{Entry, Intent, Member, State, WriteKind};
use super::stream::Stream;
use crate::error::{Error, Result};
use crate::mapping::{DeletePolicy, RecordError};
use crate::progress::{Cancel, Step};

mod commit;
mod deciding;
mod intake;
mod landing;

pub(super) use deciding::too_many_removed;
pub(super) use intake::{Made, transform};

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
    /// How many bytes the records under way have, each and in all.
    weights: HashMap<String, usize>,
    weight: usize,
    /// Natural keys that are looked up or written, each with the records that have it too and wait: of two that are new,
    /// one is made, and the other finds it.
    looked: HashMap<String, VecDeque<Work>>,
    /// The natural key that a record holds, by its id.
    natural: HashMap<String, String>,
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
    /// Records that needed nothing, and of which nobody was told yet.
    passed: u64,
    /// How many records of this read earlier runs had seen.
    already: u64,
    /// What fails becomes a letter, whatever the mapping says.
    keeps_failures: bool,
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
        member: Member,
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
            weights: HashMap::new(),
            weight: 0,
            looked: HashMap::new(),
            natural: HashMap::new(),
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
            passed: 0,
            already: 0,
            keeps_failures: false,
            file: None,
        }
    }

    /// The same, for a read that goes on after so many records.
    pub(super) fn after(self, records: u64) -> Self {
        Self { already: records, ..self }
    }

    /// The same, for records that have a letter already: where one fails again it keeps it, and the others are tried.
    pub(super) fn keeping_failures(self) -> Self {
        Self { keeps_failures: true, ..self }
    }

    fn on_error(&self) -> RecordError {
        if self.keeps_failures { RecordError::DeadLetter } else { self.stream.on_error }
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
            if drain.is_none() && !self.queue.is_empty() && self.may_decide() {
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

    fn stop_with(&mut self, error: Error) {
        self.stop.get_or_insert(error);
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

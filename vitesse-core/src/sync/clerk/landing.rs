//! Requests on their way, and what comes back of them.

use super::{Clerk, Flight, Settled};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::RecordError;
use crate::sync::decide::Work;
use crate::sync::destination::MemberOutcome;
use crate::sync::letters::LetterReason;
use crate::sync::outcome::Failed;
use crate::sync::state::{Entry, Member, WriteKind};

impl Clerk<'_> {
    /// Sends what is durable, as far as there are free places.
    pub(super) fn launch(&mut self) {
        while self.sending < self.stream.concurrency() {
            let Some(intent) = self.waiting.pop_front() else { break };
            let sender = self.sender.clone();
            self.sending += 1;
            self.flights.spawn(async move { Flight::Landed(Box::new(sender.send(intent).await)) });
        }
    }

    /// Intents that were never sent are taken back, so that nobody wonders later what became of them.
    pub(super) fn drop_unsent(&mut self) {
        for intent in std::mem::take(&mut self.waiting) {
            self.settled.push(Settled::Dropped { intent: intent.key, ended: None });
        }
    }

    pub(super) fn landed(&mut self, flight: Result<Flight, tokio::task::JoinError>) -> Result<()> {
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
                    match self.on_error() {
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
    fn forget_there(&mut self, member: Member, intent: &str) {
        self.settled.push(Settled::Dropped { intent: intent.to_owned(), ended: None });
        let generation = member.before.generation + 1;
        let entry = Entry { dest_id: None, hash: None, generation, gone: true, ..member.before };
        self.settled.push(Settled::Seen { id: member.id, entry, place: u64::MAX });
    }

    /// Too many failures at once are not the records' fault.
    pub(super) fn note(&mut self, failed: bool) {
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

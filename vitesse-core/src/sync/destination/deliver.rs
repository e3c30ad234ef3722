//! Sending a write until it is known what became of it.

use std::sync::Arc;
use std::time::Duration;

use super::super::breaker::{Breaker, Pass};
use super::super::clock::now;
use super::super::decide::Found;
use super::super::letters::LetterReason;
use super::super::observe::Seen;
use super::super::state::{Intent, WriteKind};
use super::super::stream::Stream;
use super::answer::{Answer, Done, OfRecord, once};
use super::find::{backoff, find, given_up};
use crate::error::{Error, ErrorKind, Result};

/// Sends the writes of one stream. Cheap to clone; clones share the circuit breaker.
#[derive(Clone)]
pub(in crate::sync) struct Sender {
    pub(in crate::sync) stream: Arc<Stream>,
    pub(in crate::sync) breaker: Arc<Breaker>,
}

/// What became of a write.
#[derive(Debug)]
pub(in crate::sync) struct Landed {
    pub(in crate::sync) intent: Intent,
    /// For each record of the intent; empty if it is not known and has to be found out later.
    pub(in crate::sync) outcomes: Vec<MemberOutcome>,
    /// Why nothing more can be sent.
    pub(in crate::sync) stop: Option<Error>,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sync) enum MemberOutcome {
    Delivered {
        dest_id: Option<String>,
        made_new: bool,
    },
    Dead {
        reason: LetterReason,
        message: String,
        attempts: u64,
    },
    /// The record that was to be changed or removed isn't there any more.
    Gone,
    /// It was not carried out, and is to be decided on anew, in a request of its own or not.
    Again {
        alone: bool,
    },
}

impl Sender {
    pub(in crate::sync) fn new(stream: Arc<Stream>) -> Self {
        let breaker = Arc::new(Breaker::new(stream.options.patience));
        Self { stream, breaker }
    }

    /// Looks whether the destination has a record.
    pub(in crate::sync) async fn look(&self, made: &str) -> Result<Found> {
        find(&self.stream, &self.breaker, made).await
    }

    /// Whether what is unclear is found out by sending the same again.
    fn repeats(&self, intent: &Intent) -> bool {
        self.stream.dest.idempotency.is_some() || intent.kind.repeats_harmlessly()
    }

    /// How long a write may still be carried out though nobody waits for its answer. One that bears a key does no harm
    /// then; another one could come after what is sent next for its record.
    fn lateness(&self) -> Duration {
        if self.stream.dest.idempotency.is_some() { Duration::ZERO } else { self.stream.options.settle }
    }

    /// Waits until what was sent at `at`, by a process that is no more, is carried out or never will be.
    async fn wait_for_late(&self, at: i64) {
        let age = Duration::from_millis(u64::try_from(now().saturating_sub(at)).unwrap_or(0));
        tokio::time::sleep(self.lateness().saturating_sub(age)).await;
    }

    /// Sends a write whose intent is durable.
    pub(in crate::sync) async fn send(self, intent: Intent) -> Landed {
        let stream = &self.stream;
        if let Some(observer) = &stream.options.observer {
            observer.tell(&Seen::Write { stream: &stream.name, records: intent.members.len() });
        }
        let (mut tries, mut attempts) = (0u32, 0u64);
        // Whether it is certain that nothing was carried out.
        let mut clear = true;
        loop {
            match self.breaker.enter() {
                Pass::Go => {}
                Pass::Wait(wait) => {
                    tokio::time::sleep(wait).await;
                    continue;
                }
                Pass::GiveUp(after) => return stopped(intent, given_up(after), clear),
            }
            attempts += 1;
            let answer = once(stream, &intent).await;
            match &answer {
                Answer::Unclear { .. } | Answer::NotDone { limited: false, .. } => self.breaker.failed(),
                Answer::NotDone { limited: true, .. } | Answer::Stop(_) => self.breaker.abandoned(),
                _ => self.breaker.answered(),
            }
            let (message, wait) = match answer {
                Answer::Done(done) => return self.done(intent, done, attempts),
                Answer::Stop(error) => return stopped(intent, error, clear),
                Answer::Refused { status, message } => {
                    return self.refused(intent, status, message, attempts);
                }
                Answer::Gone => return all(intent, MemberOutcome::Gone),
                Answer::Exists { message } => {
                    if stream.dest.operations.find.is_none() {
                        return self.refused(intent, 409, message, attempts);
                    }
                    match self.found_after_all(&intent).await {
                        Ok(Some(outcome)) => return all(intent, outcome),
                        // Neither there nor to be made: the destination knows why.
                        Ok(None) => return self.refused(intent, 409, message, attempts),
                        Err(error) => return stopped(intent, error, clear),
                    }
                }
                Answer::NotDone { message, wait, limited, most } => {
                    if !limited {
                        tries += 1;
                    }
                    if u64::from(tries) >= most.unwrap_or_else(|| u64::from(stream.options.tries)) {
                        return self.exhausted(intent, message, attempts, clear);
                    }
                    (message, wait)
                }
                Answer::Unclear { message } if self.repeats(&intent) => {
                    tries += 1;
                    clear = false;
                    let wait = backoff(stream.options.backoff, tries);
                    (message, Some(wait.max(self.lateness())))
                }
                Answer::Unclear { message } => {
                    if stream.dest.operations.find.is_none() {
                        return all(
                            intent,
                            MemberOutcome::Dead { reason: LetterReason::UnknownOutcome, message, attempts },
                        );
                    }
                    // It may still be carried out, though nobody waits for the answer.
                    tokio::time::sleep(stream.options.settle).await;
                    match self.clear_up(&intent).await {
                        Ok(outcomes) => return Landed { intent, outcomes, stop: None },
                        Err(error) => return stopped(intent, error, false),
                    }
                }
            };
            if tries >= stream.options.tries && !self.breaker.is_open() {
                return self.exhausted(intent, message, attempts, clear);
            }
            tokio::time::sleep(wait.unwrap_or_else(|| backoff(stream.options.backoff, tries))).await;
        }
    }

    /// Finds out what became of each record of a write by looking for them.
    async fn clear_up(&self, intent: &Intent) -> Result<Vec<MemberOutcome>> {
        let mut outcomes = Vec::with_capacity(intent.members.len());
        for member in &intent.members {
            outcomes.push(match self.look(&member.made).await? {
                Found::One(id) => MemberOutcome::Delivered { dest_id: Some(id), made_new: true },
                Found::Nothing => MemberOutcome::Again { alone: false },
                Found::Several(many) => MemberOutcome::Dead {
                    reason: LetterReason::Ambiguous,
                    message: format!("{many} records of the destination match it"),
                    attempts: 1,
                },
            });
        }
        Ok(outcomes)
    }

    /// A create was refused since the record is there: it is changed instead. `None` if it isn't there.
    async fn found_after_all(&self, intent: &Intent) -> Result<Option<MemberOutcome>> {
        let Some(member) = intent.members.first() else { return Ok(None) };
        Ok(match self.look(&member.made).await? {
            Found::Nothing => None,
            // Decided on anew, and then it is found.
            Found::One(_) => Some(MemberOutcome::Again { alone: false }),
            Found::Several(many) => Some(MemberOutcome::Dead {
                reason: LetterReason::Ambiguous,
                message: format!("{many} records of the destination match it"),
                attempts: 1,
            }),
        })
    }

    fn done(&self, intent: Intent, done: Done, attempts: u64) -> Landed {
        let made_new = matches!(intent.kind, WriteKind::Create | WriteKind::Bulk);
        let outcomes = match done {
            Done::One(id) => {
                let known = intent.members.first().and_then(|member| member.before.dest_id.clone());
                vec![MemberOutcome::Delivered { dest_id: id.or(known), made_new }]
            }
            Done::Each(each) => each
                .into_iter()
                .map(|one| match one {
                    OfRecord::Done(dest_id) => MemberOutcome::Delivered { dest_id, made_new },
                    OfRecord::Refused(message) => {
                        MemberOutcome::Dead { reason: LetterReason::Refused, message, attempts }
                    }
                    OfRecord::Again => MemberOutcome::Again { alone: false },
                    OfRecord::Unsaid
                        if self.repeats(&intent) || self.stream.dest.operations.find.is_some() =>
                    {
                        MemberOutcome::Again { alone: true }
                    }
                    OfRecord::Unsaid => MemberOutcome::Dead {
                        reason: LetterReason::UnknownOutcome,
                        message: "the answer says nothing of this record".into(),
                        attempts,
                    },
                })
                .collect(),
        };
        Landed { intent, outcomes, stop: None }
    }

    fn refused(&self, intent: Intent, _status: u16, message: String, attempts: u64) -> Landed {
        // One bad record must not take the others with it.
        if intent.members.len() > 1 {
            return all(intent, MemberOutcome::Again { alone: true });
        }
        all(intent, MemberOutcome::Dead { reason: LetterReason::Refused, message, attempts })
    }

    fn exhausted(&self, intent: Intent, message: String, attempts: u64, clear: bool) -> Landed {
        if self.breaker.is_open() {
            let error = Error::new(ErrorKind::Unreachable, "the destination fails")
                .temporary()
                .in_operation("sync.write")
                .with("answer", message);
            return stopped(intent, error, clear);
        }
        if intent.members.len() > 1 {
            return all(intent, MemberOutcome::Again { alone: true });
        }
        all(intent, MemberOutcome::Dead { reason: LetterReason::Exhausted, message, attempts })
    }
}

/// Nothing more can be sent. What certainly was not carried out is decided on anew at the next start; of the rest the
/// intent stays, to be cleared up then.
fn stopped(intent: Intent, error: Error, clear: bool) -> Landed {
    let outcomes =
        if clear { vec![MemberOutcome::Again { alone: false }; intent.members.len()] } else { Vec::new() };
    Landed { intent, outcomes, stop: Some(error) }
}

/// Finds out what became of a write that was under way when an earlier process ended.
pub(in crate::sync) async fn resolve(sender: Sender, intent: Intent) -> Landed {
    let stream = Arc::clone(&sender.stream);
    if sender.repeats(&intent) {
        sender.wait_for_late(intent.at).await;
        return sender.send(intent).await;
    }
    if stream.dest.operations.find.is_none() {
        let message =
            "the process ended while it was sent, and the destination offers no way to find out".to_owned();
        return all(
            intent,
            MemberOutcome::Dead { reason: LetterReason::UnknownOutcome, message, attempts: 1 },
        );
    }
    sender.wait_for_late(intent.at).await;
    match sender.clear_up(&intent).await {
        Ok(outcomes) => Landed { intent, outcomes, stop: None },
        Err(error) => stopped(intent, error, false),
    }
}

fn all(intent: Intent, outcome: MemberOutcome) -> Landed {
    let outcomes = vec![outcome; intent.members.len()];
    Landed { intent, outcomes, stop: None }
}

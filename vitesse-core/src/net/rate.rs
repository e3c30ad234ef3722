use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::config::Retry;
use super::hints::{Hints, Quota};

/// At most this many requests per time.
///
/// ```
/// use std::time::Duration;
/// use vitesse_core::net::Rate;
/// let rate = Rate::new(10, Duration::from_secs(1));
/// assert_eq!(rate.burst, 1, "evenly spaced unless told otherwise");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many requests.
    pub requests: u32,
    /// In any span of this length.
    pub per: Duration,
    /// How many of them may go at once after a pause. The rest are spaced wider for it, so that no span of
    /// `per` ever sees more than `requests`.
    pub burst: u32,
}

impl Rate {
    /// `requests` per `per`, evenly spaced.
    pub fn new(requests: u32, per: Duration) -> Self {
        Self { requests, per, burst: 1 }
    }
}

/// A token bucket, kept as the moment at which it would be full again.
#[derive(Debug)]
struct Bucket {
    interval: Duration,
    slack: Duration,
    full_at: Instant,
}

impl Bucket {
    fn new(rate: Rate, now: Instant) -> Self {
        let requests = rate.requests.max(1);
        let burst = rate.burst.clamp(1, requests);
        // `burst` at once and then one per interval are `requests` within `per`. Rounded up, to stay below.
        let interval = Duration::from_nanos(
            u64::try_from(rate.per.as_nanos().div_ceil(u128::from(requests + 1 - burst))).unwrap_or(u64::MAX),
        );
        Self { interval, slack: interval.saturating_mul(burst - 1), full_at: now }
    }

    /// When the next request may go.
    fn next(&self, now: Instant) -> Instant {
        self.full_at.checked_sub(self.slack).unwrap_or(now).max(now)
    }

    /// Takes one token for the moment [`next`](Self::next) gave.
    fn take(&mut self, at: Instant) {
        self.full_at = self.full_at.max(at) + self.interval;
    }
}

/// What is known of one origin: its rate, what its last answers said, and how many retries it has left.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    bucket: Option<Bucket>,
    /// No request before this: the peer said so.
    blocked: Option<Instant>,
    /// How many more requests the peer takes until then.
    window: Option<(u64, Instant)>,
    /// Sent, and not answered yet: an older answer's count doesn't know of them.
    in_flight: u64,
    budget: f64,
}

impl Gate {
    pub(super) fn new(rate: Option<Rate>, retry: &Retry) -> Self {
        Self {
            state: Mutex::new(State {
                bucket: rate.map(|rate| Bucket::new(rate, Instant::now())),
                blocked: None,
                window: None,
                in_flight: 0,
                budget: retry.budget.into(),
            }),
            changed: Notify::new(),
        }
    }

    pub(super) fn set_rate(&self, rate: Option<Rate>) {
        self.lock().bucket = rate.map(|rate| Bucket::new(rate, Instant::now()));
        self.changed.notify_waiters();
    }

    /// Waits until a request may go; the permit lives until its answer's headers are there. Gives the time
    /// it would have to wait if that is after `deadline`.
    pub(super) async fn enter(&self, deadline: Instant) -> Result<Permit<'_>, Duration> {
        // The token is taken first, in the order of arrival, and only then is the peer's own word asked: it
        // may have changed meanwhile.
        let slot = {
            let mut state = self.lock();
            let now = Instant::now();
            let slot = state.bucket.as_ref().map_or(now, |bucket| bucket.next(now));
            if slot > deadline {
                return Err(slot - now);
            }
            if let Some(bucket) = &mut state.bucket {
                bucket.take(slot);
            }
            slot
        };
        tokio::time::sleep_until(slot).await;
        loop {
            let changed = self.changed.notified();
            let until = {
                let mut state = self.lock();
                let now = Instant::now();
                match state.closed_until(now) {
                    None => {
                        state.in_flight += 1;
                        if let Some((left, _)) = &mut state.window {
                            *left = left.saturating_sub(1);
                        }
                        return Ok(Permit { gate: self });
                    }
                    Some(until) if until > deadline => return Err(until - now),
                    Some(until) => until,
                }
            };
            let _ = tokio::time::timeout_at(until, changed).await;
        }
    }

    /// Earns back a part of a retry; called once a request.
    pub(super) fn earn(&self, retry: &Retry) {
        let mut state = self.lock();
        state.budget = (state.budget + retry.budget_per_request).min(retry.budget.into());
    }

    /// Takes one retry from the budget, if there is one.
    pub(super) fn spend(&self) -> bool {
        let mut state = self.lock();
        let enough = state.budget >= 1.0;
        if enough {
            state.budget -= 1.0;
        }
        enough
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn closed_until(&mut self, now: Instant) -> Option<Instant> {
        self.blocked = self.blocked.filter(|until| *until > now);
        self.window = self.window.filter(|(_, until)| *until > now);
        let spent = self.window.filter(|(left, _)| *left == 0).map(|(_, until)| until);
        self.blocked.max(spent)
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    gate: &'a Gate,
}

impl Permit<'_> {
    /// Learns from an answer's headers before anyone waits for its body.
    pub(super) fn answered(self, hints: &Hints) {
        let mut state = self.gate.lock();
        let now = Instant::now();
        if let Some(wait) = hints.wait {
            state.blocked = state.blocked.max(now.checked_add(wait));
        }
        if let Some(Quota { remaining, reset }) = hints.quota {
            // Other requests under way may or may not be counted in what remains: assume they aren't.
            let others = state.in_flight.saturating_sub(1);
            if let Some(until) = now.checked_add(reset) {
                state.window = Some((remaining.saturating_sub(others), until));
            }
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        drop(state);
        self.gate.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_span_sees_more_than_the_rate(
            requests in 1u32..40, burst in 1u32..60, per_ms in 1u64..5000,
            gaps in prop::collection::vec(0u64..2000, 1..200),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let _entered = runtime.enter();
            let per = Duration::from_millis(per_ms);
            let mut now = Instant::now();
            let mut bucket = Bucket::new(Rate { requests, per, burst }, now);
            let mut sent: Vec<Instant> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                let at = bucket.next(now);
                bucket.take(at);
                sent.push(at);
            }
            for (index, start) in sent.iter().enumerate() {
                let within = sent[index..].iter().filter(|at| **at - *start < per).count();
                prop_assert!(within <= requests as usize, "{within} of {requests} within {per:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_even_rate_is_used_wholly() {
        let gate = Gate::new(Some(Rate::new(10, Duration::from_secs(1))), &Retry::default());
        let start = Instant::now();
        for _ in 0..31 {
            gate.enter(start + Duration::from_secs(60)).await.unwrap();
        }
        assert_eq!(start.elapsed().as_millis(), 3000);
        let error = gate.enter(Instant::now()).await.unwrap_err();
        assert_eq!(error.as_millis(), 100, "what can't be waited for is said, not slept through");
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_peer_says_is_obeyed_by_everyone() {
        let gate = Gate::new(None, &Retry::default());
        let far = Instant::now() + Duration::from_secs(600);
        let quota = |remaining, reset| Hints {
            wait: None,
            quota: Some(Quota { remaining, reset: Duration::from_secs(reset) }),
        };
        gate.enter(far).await.unwrap().answered(&quota(2, 30));
        let start = Instant::now();
        let first = gate.enter(far).await.unwrap();
        let _second = gate.enter(far).await.unwrap();
        assert!(start.elapsed().is_zero());
        assert!(gate.enter(start + Duration::from_secs(29)).await.is_err());
        // Of the one that remains by this answer, the second request may not be counted yet.
        first.answered(&quota(1, 20));
        let _third = gate.enter(far).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 20);

        gate.enter(far).await.unwrap().answered(&Hints { wait: Some(Duration::from_secs(7)), quota: None });
        let start = Instant::now();
        assert_eq!(gate.enter(start + Duration::from_secs(6)).await.unwrap_err().as_secs(), 7);
        let both = async { tokio::join!(gate.enter(far), gate.enter(far)) }.await;
        assert!(both.0.is_ok() && both.1.is_ok());
        assert_eq!(start.elapsed().as_secs(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn retries_are_earned() {
        let retry = Retry { budget: 2, budget_per_request: 0.5, ..Retry::default() };
        let gate = Gate::new(None, &retry);
        assert!(gate.spend() && gate.spend() && !gate.spend());
        gate.earn(&retry);
        assert!(!gate.spend());
        gate.earn(&retry);
        assert!(gate.spend());
        (0..100).for_each(|_| gate.earn(&retry));
        assert!(gate.spend() && gate.spend() && !gate.spend(), "no more than the budget is saved up");
    }
}

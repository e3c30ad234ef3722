//! A circuit breaker: a destination that fails is left alone for a while, and then asked by one request alone.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row open the circuit.
const THRESHOLD: u32 = 16;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Breaker {
    state: Mutex<State>,
    patience: Duration,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    failing_since: Option<Instant>,
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    until: Instant,
    pause: Duration,
    /// Somebody is asking.
    probing: bool,
}

/// Whether a request may go.
pub(super) enum Pass {
    Go,
    Wait(Duration),
    /// The destination has failed for too long.
    GiveUp(Duration),
}

impl Breaker {
    pub(super) fn new(patience: Duration) -> Self {
        Self { state: Mutex::default(), patience }
    }

    pub(super) fn enter(&self) -> Pass {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let since = state.failing_since;
        let Some(open) = &mut state.open else { return Pass::Go };
        if let Some(since) = since.filter(|since| since.elapsed() > self.patience) {
            return Pass::GiveUp(since.elapsed());
        }
        let now = Instant::now();
        if open.probing || open.until > now {
            let wait = open.until.saturating_duration_since(now).max(Duration::from_millis(20));
            return Pass::Wait(wait);
        }
        open.probing = true;
        Pass::Go
    }

    /// Any answer that says the destination works, whatever it thinks of the record.
    pub(super) fn answered(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    pub(super) fn failed(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        state.failures += 1;
        state.failing_since.get_or_insert(now);
        let many = state.failures >= THRESHOLD;
        match &mut state.open {
            Some(open) if open.probing => {
                open.pause = (open.pause * 2).min(LONGEST_PAUSE);
                open.until = now + open.pause;
                open.probing = false;
            }
            Some(_) => {}
            None if many => {
                state.open = Some(Open { until: now + FIRST_PAUSE, pause: FIRST_PAUSE, probing: false });
            }
            None => {}
        }
    }

    /// A request that had leave to go never went.
    pub(super) fn abandoned(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &mut state.open {
            open.probing = false;
        }
    }

    /// Whether more than this one request fails.
    pub(super) fn is_open(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).open.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_opens_probes_and_closes() {
        let breaker = Breaker::new(Duration::from_secs(60));
        for _ in 0..THRESHOLD {
            assert!(matches!(breaker.enter(), Pass::Go));
            breaker.failed();
        }
        assert!(matches!(breaker.enter(), Pass::Wait(_)) && breaker.is_open());
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(matches!(breaker.enter(), Pass::Go), "one probe");
        assert!(matches!(breaker.enter(), Pass::Wait(_)), "and no second");
        breaker.failed();
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(matches!(breaker.enter(), Pass::Wait(_)), "the pause doubled");
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(matches!(breaker.enter(), Pass::Go));
        breaker.answered();
        assert!(matches!(breaker.enter(), Pass::Go) && !breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn it_gives_up_in_the_end() {
        let breaker = Breaker::new(Duration::from_secs(60));
        (0..THRESHOLD).for_each(|_| breaker.failed());
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(matches!(breaker.enter(), Pass::GiveUp(_)));
    }
}

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

/// The clock of a listener, in seconds since it began; moved on by whoever watches over its connections.
pub(super) type Clock = Arc<AtomicU32>;

/// When something last moved on a connection. One task looks at all of them now and then, which costs less than a timer
/// for each request.
#[derive(Debug)]
pub struct Pulse {
    clock: Clock,
    peer: Option<SocketAddr>,
    last: AtomicU32,
    /// Bytes that came since.
    bytes: AtomicU32,
    /// The connection is to end after what is being answered.
    ends: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

/// It is our turn, however long that takes.
const OURS: u32 = u32::MAX;
/// A body must bring so much within the time a connection may stand still.
const ENOUGH: u32 = 16 << 10;

impl Pulse {
    pub(super) fn new(clock: Clock) -> Self {
        let last = AtomicU32::new(clock.load(Ordering::Relaxed));
        let (bytes, ends, waker) = (AtomicU32::new(0), AtomicBool::new(false), Mutex::default());
        Self { clock, peer: None, last, bytes, ends, waker }
    }

    /// The same, of a connection with this caller.
    pub(super) fn of(self, peer: SocketAddr) -> Self {
        Self { peer: Some(peer), ..self }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Who is woken when the connection is to end; told once, since a connection is one task.
    pub(super) fn wakes(&self, waker: &Waker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    /// Lets the connection end after what is being answered.
    pub(super) fn end(&self) {
        self.ends.store(true, Ordering::Release);
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether it is to end.
    pub fn ends(&self) -> bool {
        self.ends.load(Ordering::Acquire)
    }

    /// It is the caller's turn from now on.
    pub fn beat(&self) {
        self.last.store(self.clock.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The caller sent so many bytes. A few of them are not enough: whoever sends one now and then stands still.
    pub fn came(&self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(ENOUGH);
        let all = self.bytes.load(Ordering::Relaxed).saturating_add(bytes);
        if all >= ENOUGH {
            self.bytes.store(0, Ordering::Relaxed);
            self.beat();
        } else {
            self.bytes.store(all, Ordering::Relaxed);
        }
    }

    /// We work, and the caller waits.
    pub fn ours(&self) {
        self.last.store(OURS, Ordering::Relaxed);
    }

    /// Whether the caller was silent for longer than `most` seconds while it was its turn.
    pub(super) fn is_silent(&self, most: u32) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        last != OURS && self.clock.load(Ordering::Relaxed).saturating_sub(last) > most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_drips_is_silent_and_who_waits_for_us_is_not() {
        let clock = Clock::default();
        let pulse = Pulse::new(clock.clone());
        clock.store(50, Ordering::Relaxed);
        pulse.came(1);
        clock.store(61, Ordering::Relaxed);
        assert!(pulse.is_silent(60), "one byte is not enough");
        pulse.came(16 << 10);
        assert!(!pulse.is_silent(60));
        pulse.ours();
        clock.store(5000, Ordering::Relaxed);
        assert!(!pulse.is_silent(60));
        pulse.beat();
        clock.store(5061, Ordering::Relaxed);
        assert!(pulse.is_silent(60));
    }
}

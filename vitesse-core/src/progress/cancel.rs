use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::{Error, ErrorKind, Result};

/// A token that stops work: checked by code that runs, awaited by code that waits. Clones share it.
///
/// ```
/// use vitesse_core::progress::Cancel;
/// let cancel = Cancel::new();
/// let other = cancel.clone();
/// other.cancel();
/// assert!(cancel.is_cancelled() && cancel.check().is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<State>);

#[derive(Debug, Default)]
struct State {
    cancelled: AtomicBool,
    waiting: Mutex<Waiting>,
}

/// Who is to be woken. Each waits under a number of its own, so that one who goes away leaves nothing behind.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl Cancel {
    /// A token nobody has cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the work. Calling it again does nothing.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        let wakers = std::mem::take(&mut self.0.waiting().wakers);
        wakers.into_values().for_each(Waker::wake);
    }

    /// Whether the work should stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// The same as an error to pass on with `?`.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`] if the work should stop.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled before it was done"));
        }
        Ok(())
    }

    /// Completes once the token is cancelled: for `select!` beside the work.
    pub fn cancelled(&self) -> Cancelled {
        Cancelled { state: self.0.clone(), number: None }
    }
}

impl State {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The future of [`Cancel::cancelled`].
#[derive(Debug)]
pub struct Cancelled {
    state: Arc<State>,
    number: Option<u64>,
}

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let state = self.state.clone();
        let mut waiting = state.waiting();
        // Checked under the lock: `cancel` sets the flag first and takes the wakers after, so one that is
        // left here is either woken by it or not needed.
        if state.cancelled.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            waiting.next += 1;
            waiting.next
        });
        waiting.wakers.insert(number, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.state.waiting().wakers.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn whoever_waits_is_woken() {
        let cancel = Cancel::new();
        let waiters: Vec<_> = (0..3).map(|_| tokio::spawn(cancel.cancelled())).collect();
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(waiters.iter().all(|waiter| !waiter.is_finished()));
        cancel.cancel();
        for waiter in waiters {
            tokio::time::timeout(Duration::from_secs(5), waiter).await.unwrap().unwrap();
        }
        cancel.cancelled().await;
    }
    #[tokio::test]
    async fn who_stops_waiting_leaves_nothing_behind() {
        let cancel = Cancel::new();
        for _ in 0..10 {
            tokio::select! {
                biased;
                () = cancel.cancelled() => unreachable!(),
                () = tokio::task::yield_now() => {}
            }
        }
        assert!(cancel.0.waiting().wakers.is_empty());
    }
}

//! Typed events of long work, and a way to stop it.
//!
//! Work that takes longer than a blink accepts a [`Progress`]. It tells what it is doing through typed
//! [`Event`]s and asks now and then whether it should stop. A terminal draws the events as a bar, the HTTP
//! face streams them, a test collects them.
//!
//! ```
//! use vitesse_core::progress::{Event, Progress};
//! # fn main() -> vitesse_core::Result<()> {
//! let (progress, events) = Progress::collected();
//! {
//!     let step = progress.step("reading", Some(2));
//!     step.advance(1)?;
//!     step.advance(1)?;
//! }
//! assert!(matches!(&events.take()[..], [Event::Started { .. }, Event::Advanced { done: 1, .. },
//!     Event::Advanced { done: 2, .. }, Event::Finished { .. }]));
//!
//! progress.cancel().cancel();
//! assert!(progress.step("more", None).advance(1).is_err());
//! # Ok(()) }
//! ```
//!
//! Deliberately absent: drawing, timing and transport. They belong to whoever listens.

#![forbid(unsafe_code)]

mod cancel;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

pub use cancel::{Cancel, Cancelled};

use crate::error::Result;

/// Something that happened in long work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A step began.
    Started {
        /// What is being done, in a word or two: `ingest source`.
        step: String,
        /// How much there is to do, when known.
        total: Option<u64>,
    },
    /// A step got further.
    Advanced {
        /// The step's name.
        step: String,
        /// How much is done in all.
        done: u64,
        /// How much there is to do, when known.
        total: Option<u64>,
    },
    /// Something a person would want to know while waiting.
    Note {
        /// The step's name.
        step: String,
        /// One line.
        message: String,
    },
    /// A step ended, well or not; the result tells which.
    Finished {
        /// The step's name.
        step: String,
        /// How much was done in all.
        done: u64,
    },
}

/// Receives events. Called from whatever thread does the work; it must be quick and not block.
pub trait Listener: Send + Sync {
    /// One event, in order per step.
    fn on(&self, event: Event);
}

impl<F: Fn(Event) + Send + Sync> Listener for F {
    fn on(&self, event: Event) {
        self(event);
    }
}

/// Where long work reports to, and learns that it should stop. Cheap to clone.
#[derive(Clone)]
pub struct Progress {
    listener: Option<Arc<dyn Listener>>,
    cancel: Cancel,
}

impl Progress {
    /// Reports to nobody and is never cancelled unless a clone's token is.
    pub fn none() -> Self {
        Self { listener: None, cancel: Cancel::new() }
    }

    /// Reports to `listener`.
    pub fn to(listener: impl Listener + 'static) -> Self {
        Self { listener: Some(Arc::new(listener)), cancel: Cancel::new() }
    }

    /// Reports into a list, for tests.
    pub fn collected() -> (Self, Collected) {
        let collected = Collected::default();
        let into = collected.clone();
        (Self::to(move |event| into.0.lock().unwrap_or_else(PoisonError::into_inner).push(event)), collected)
    }

    /// The same listener under another token: cancelling it stops only work that was given this copy.
    #[must_use]
    pub fn with_cancel(&self, cancel: Cancel) -> Self {
        Self { listener: self.listener.clone(), cancel }
    }

    /// The same, and this listener hears it too, before the one that is there.
    #[must_use]
    pub fn heard_by(&self, also: impl Listener + 'static) -> Self {
        let first = self.listener.clone();
        let both = move |event: Event| {
            also.on(event.clone());
            if let Some(first) = &first {
                first.on(event);
            }
        };
        Self { listener: Some(Arc::new(both)), cancel: self.cancel.clone() }
    }

    /// The token that stops the work.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Begins a step. The step ends when the returned value is dropped.
    pub fn step(&self, name: impl Into<String>, total: Option<u64>) -> Step<'_> {
        let name = name.into();
        self.emit(|| Event::Started { step: name.clone(), total });
        Step {
            progress: self,
            name,
            total: AtomicU64::new(total.unwrap_or(UNKNOWN)),
            done: AtomicU64::new(0),
        }
    }

    fn emit(&self, event: impl FnOnce() -> Event) {
        if let Some(listener) = &self.listener {
            listener.on(event());
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("listened", &self.listener.is_some())
            .field("cancelled", &self.cancel.is_cancelled())
            .finish()
    }
}

/// A step of long work; dropping it ends the step.
#[derive(Debug)]
pub struct Step<'a> {
    progress: &'a Progress,
    name: String,
    /// [`UNKNOWN`] where it is not known.
    total: AtomicU64,
    done: AtomicU64,
}

/// In place of a total that is not known.
const UNKNOWN: u64 = u64::MAX;

impl Step<'_> {
    /// Says how much there is to do in all, once that is known.
    pub fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// Reports `more` units done.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) if the work should stop.
    pub fn advance(&self, more: u64) -> Result<()> {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        let total = Some(self.total.load(Ordering::Relaxed)).filter(|total| *total != UNKNOWN);
        self.progress.emit(|| Event::Advanced { step: self.name.clone(), done, total });
        self.check()
    }

    /// Tells a waiting person something, in one line.
    pub fn note(&self, message: impl Into<String>) {
        self.progress.emit(|| Event::Note { step: self.name.clone(), message: message.into() });
    }

    /// Asks whether to go on.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) if the work should stop.
    pub fn check(&self) -> Result<()> {
        self.progress.cancel.check().map_err(|error| error.with("step", &self.name))
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        let done = self.done.load(Ordering::Relaxed);
        self.progress.emit(|| Event::Finished { step: std::mem::take(&mut self.name), done });
    }
}

/// The events a [`Progress::collected`] heard.
#[derive(Clone, Debug, Default)]
pub struct Collected(Arc<Mutex<Vec<Event>>>);

impl Collected {
    /// Everything heard since the last call.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

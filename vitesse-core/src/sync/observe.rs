//! Who is told what a sync does, for metrics.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::letters::LetterReason;
use crate::net::{Exchange, TraceParent, Watch};

/// Which API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Where records come from.
    Source,
    /// Where they go.
    Destination,
}

impl Side {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }
}

/// Something a sync did.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Seen<'s> {
    /// A request was answered, or wasn't.
    Request {
        /// The stream it was made for.
        stream: &'s str,
        /// Whom it was made to.
        side: Side,
        /// How it went.
        exchange: &'s Exchange,
    },
    /// A write was sent.
    Write {
        /// Its stream.
        stream: &'s str,
        /// How many records it has.
        records: usize,
    },
    /// A record goes to the dead letters.
    Dead {
        /// Its stream.
        stream: &'s str,
        /// Its id at the source.
        record: &'s str,
        /// What kind of failure it was.
        reason: LetterReason,
    },
}

/// Somebody who is told of everything [`Seen`]. Called where it happens; it must be quick.
#[derive(Clone)]
pub struct Observer {
    told: Arc<dyn Fn(&Seen<'_>) + Send + Sync>,
    trace: Arc<dyn Fn() -> Option<TraceParent> + Send + Sync>,
}

impl Observer {
    /// Tells `listener`.
    pub fn new(listener: impl Fn(&Seen<'_>) + Send + Sync + 'static) -> Self {
        Self { told: Arc::new(listener), trace: Arc::new(|| None) }
    }

    /// The same, and each request tells its peer which trace it belongs to, if it belongs to one.
    #[must_use]
    pub fn tracing(self, next: impl Fn() -> Option<TraceParent> + Send + Sync + 'static) -> Self {
        Self { trace: Arc::new(next), ..self }
    }

    pub(super) fn tell(&self, seen: &Seen<'_>) {
        (self.told)(seen);
    }

    /// One who tells of the requests to one side.
    pub(super) fn watch(&self, stream: &str, side: Side) -> Watch {
        let (observer, stream, trace) = (self.clone(), stream.to_owned(), self.trace.clone());
        Watch::new(move |exchange| observer.tell(&Seen::Request { stream: &stream, side, exchange }))
            .tracing(move || trace())
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

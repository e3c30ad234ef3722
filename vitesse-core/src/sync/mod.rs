//! Data moves: records are read from a source, transformed, and written to a destination, and none is lost.
//!
//! [`Sync`] runs the streams of one integration by their mapping documents. What it promises, and how, is written down
//! in the book's page on delivery. In short:
//!
//! - A record that was read is delivered, or in the dead letters with its reason, or will be read again.
//! - An intent is durable before a write is sent. Outcome, ledger and position are one commit after it.
//! - What may or may not have happened is found out: by asking again with the same key, by looking the record up, or, at a
//!   destination that offers neither, by a person.
//!
//! Deliberately absent: a schedule, listeners and a process's signals. Whoever runs a [`Sync`] brings them.

#![forbid(unsafe_code)]

mod breaker;
mod clerk;
mod clock;
mod connection;
mod deferred;
mod decide;
mod deletes;
mod destination;
mod facts;
mod inbox;
mod json;
mod keys;
mod lease;
mod letters;
mod observe;
mod options;
mod outcome;
mod place;
mod preview;
mod records;
mod references;
mod report;
mod retention;
mod rules;
mod run;
mod source;
mod state;
mod stream;
mod upkeep;

pub use connection::{Credentials, Peers};
pub use facts::Probe;
pub use letters::{Letter, LetterReason, Letters};
pub use observe::{Observer, Seen, Side};
pub use options::{FailureWindow, Options, Retention};
pub use place::{load_mappings, open_state};
pub use preview::Planned;
pub use report::{Counts, RunRecord, RunReport, StreamReport};
pub use retention::Dropped;
pub use run::Sync;
pub use state::{Entry, Held, State};
pub use stream::name_of;

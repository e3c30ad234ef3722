//! What each stage read and found, in one log that all stages and people can read.
//!
//! The log is append-only, in the store, one document an entry, so that nothing that was said is lost however many
//! write. [`Whiteboard`] is the shared state that the log and the integration's record add up to; agent activities,
//! messages, metrics and statistics are views of the same log.

mod entry;
mod log;
mod state;
mod views;

pub use entry::{AgentContribution, Entry, Message, Priority, What};
pub use log::WhiteboardPage;
pub(super) use log::{after_all, append, entries};
pub use state::Whiteboard;
pub use views::{AgentActivity, AgentMetrics, AgentState, Collaboration, Communication};
pub(super) use views::{activities, collaboration, communications, handover, metrics};

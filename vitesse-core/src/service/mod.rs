//! A sync as a service: what each container runs.
//!
//! [`Service`] listens twice. On the data side it transforms records and takes webhooks; on the admin side, which is
//! for operators and never routed, it is started, stopped, looked into and measured. Between them runs a
//! [`Schedule`]. [`Admin`] is a client of the admin side, with the same types.
//!
//! ```no_run
//! use vitesse_core::service::Admin;
//! # async fn example() -> vitesse_core::Result<()> {
//! let admin = Admin::new("http://127.0.0.1:9464", None)?;
//! let status = admin.status().await?;
//! println!("next run: {:?}, succeeded: {} %", status.next_run, status.health.success_rate);
//! for run in admin.runs(5).await? {
//!     println!("{} {}", run.id, run.report.total());
//! }
//! # Ok(()) }
//! ```
//!
//! The rules of delivery are those of the room `sync`; here is only when it runs, and who may ask for it.
//! Deliberately absent: TLS (what routes to a container ends it), signals and the process's exit: they belong to the
//! binary.

#![forbid(unsafe_code)]

mod alerts;
mod check;
mod client;
mod hooks;
mod http;
mod loaded;
mod log;
mod metrics;
mod options;
mod schedule;
mod shared;
mod status;
mod traces;
mod worker;

/// For faces that speak HTTP: taking connections, ending those that stand still, reading bodies, counting.
///
/// What these do for the service they do for every listener of ours, so that a caller who drips or takes nothing is
/// ended by one rule.
pub mod wire {
    pub use super::http::{Answers, Body, Frame, Incoming, Pulse, accept, bind, whole};
    pub use super::metrics::{Counter, Histogram, Page};
}

pub use check::{Finding, check};
pub use client::{Admin, health};
pub use hooks::{Hook, Hooks, Scheme};
pub use log::{Level, Line, Log};
pub use metrics::METRICS;
pub use options::{Limits, ServiceOptions};
pub use schedule::Schedule;
pub use shared::Service;
pub use status::{
    DeadLetters, HealthInputs, LetterSummary, MappingStatus, Running, StartSync, Status, StreamMapping,
    StreamStatus,
};

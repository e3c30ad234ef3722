//! The two listeners.

mod admin;
mod answer;
mod body;
mod data;
mod lines;
mod listen;
mod pulse;
mod transform;

pub(super) use admin::Admin;
pub use body::whole;
pub(super) use data::Data;
pub use hyper::body::{Body, Frame, Incoming};
pub use listen::{Answers, accept, bind};
pub use pulse::Pulse;

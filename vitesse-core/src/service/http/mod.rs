//! The two listeners.

mod admin;
mod answer;
mod body;
mod data;
mod door;
mod lines;
mod listen;
mod made;
mod pulse;
mod transform;
mod wire;

pub use body::whole;
pub(super) use door::{Door, Whom};
pub use hyper::body::{Body, Frame, Incoming};
pub use listen::{Answers, accept, bind};
pub use pulse::Pulse;

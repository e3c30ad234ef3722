//! The store's backends, each against the real thing.

mod behaviour;

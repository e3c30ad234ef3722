//! The store's backends, each against the real thing.

mod behaviour;
mod crash;
mod embedded;
mod parts;
mod postgres;

//! The rules of the house, read off the sources: what no compiler checks and no reviewer should have to.
//!
//! Set `VITESSE_UPDATE=1` (or `make generate`) to write the files these tests compare.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and so do its helpers")]

mod book;
mod dependencies;
mod generated;
mod rooms;
mod sources;

//! The steps, each in its file, and what else takes the lease of one.

mod delete;
mod deploy;
mod ingest;
mod live;
mod map;
mod order;
mod test;
mod update;
mod whole;

pub(super) use ingest::forget_test;
pub(super) use map::{MAP_OPTIONS, blocking};
pub(super) use order::mappings_to_run;
pub(super) use test::TEST_OPTIONS;

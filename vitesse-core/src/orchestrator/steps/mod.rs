//! The steps, each in its file, and what else takes the lease of one.

mod delete;
mod ingest;
mod map;

//! Writing: requests that are built once and kept, sent until it is known what became of them.

mod answer;
mod build;
mod deliver;
mod file;
mod find;

pub(super) use build::{Draft, build};
pub(super) use deliver::{Landed, MemberOutcome, Sender, resolve};
pub(super) use file::FileWriter;

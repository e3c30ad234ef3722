//! What goes from the reader to the writer.

use crate::error::Error;
use crate::net::Bytes;

use super::source::{Mark, Position};

/// One record as the source gave it.
#[derive(Debug)]
pub(super) struct SourceRecord {
    pub(super) id: Result<String, Error>,
    pub(super) text: Bytes,
    /// It says that it is gone at the source.
    pub(super) gone: bool,
    /// A person decided that it is sent, though nobody knows what became of an earlier write.
    pub(super) released: bool,
    /// What the mapping made of it before, where that is to be sent as it is.
    pub(super) made: Option<String>,
}

impl SourceRecord {
    pub(super) fn new(id: Result<String, Error>, text: Bytes) -> Self {
        Self { id, text, gone: false, released: false, made: None }
    }
}

/// What the reader hands over: some records, and where reading goes on once they are settled.
#[derive(Debug, Default)]
pub(super) struct Handover {
    pub(super) records: Vec<SourceRecord>,
    pub(super) checkpoint: Option<Checkpoint>,
    /// How many records there are in all, where the source said so.
    pub(super) total: Option<u64>,
}

/// What is kept when everything before it is settled.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint {
    pub(super) position: Position,
    /// Up to where the records under one parent were read.
    pub(super) parent: Option<(String, Mark)>,
}

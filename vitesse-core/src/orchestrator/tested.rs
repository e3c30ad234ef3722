//! What a test said, and about which mappings: a deployment asks for exactly these.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::streams::Stream;
use crate::error::{Error, ErrorKind, Result};
use crate::store::repository::Integration;

/// The verdict of the last test, as the record keeps it beside the reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Verdict {
    pub(super) passed: bool,
    /// What decided, in a sentence.
    pub(super) reason: String,
    /// The hashes of the mappings that were tested, in the streams' order.
    pub(super) hashes: Vec<String>,
    pub(super) at: Timestamp,
}

impl Verdict {
    /// The verdict of an integration's last test, if there was one.
    pub(super) fn of(integration: &Integration) -> Result<Option<Self>> {
        let Some(report) = &integration.test_report else { return Ok(None) };
        Self::deserialize(report).map(Some).map_err(|error| {
            Error::new(ErrorKind::StoreFailed, "the last test can't be read")
                .in_operation("orchestrator.test")
                .with("integration", integration.id)
                .source(error)
                .help("run `test` again")
        })
    }

    /// Whether it is about exactly these mappings.
    pub(super) fn is_about(&self, streams: &[Stream]) -> bool {
        self.hashes == hashes(streams)
    }

    /// Whether these may be deployed.
    pub(super) fn covers(&self, streams: &[Stream]) -> bool {
        self.passed && self.is_about(streams)
    }
}

/// What names the mappings of streams; those without a mapping don't count.
pub(super) fn hashes(streams: &[Stream]) -> Vec<String> {
    let there = streams.iter().filter(|stream| stream.proposal.refused.is_none());
    there.map(|stream| stream.mapping().hash()).collect()
}

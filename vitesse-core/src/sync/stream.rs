//! One stream, ready to run: its mapping compiled, its rules checked, its peers connected.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::connection::{Peer, Peers};
use super::json::{find_value, plain};
use super::options::Options;
use super::records::SourceRecord;
use super::references::References;
use super::rules::Rules;
use super::source::nameless;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{Destination, Functions, Mapping, Predicate, Problems, Source, value};
use crate::net::Bytes;
use crate::transform::Plan;

pub(super) struct Stream {
    pub(super) name: String,
    pub(super) integration: String,
    pub(super) mapping_hash: String,
    pub(super) on_error: crate::mapping::RecordError,
    pub(super) plan: Plan,
    pub(super) source: Source,
    pub(super) dest: Destination,
    pub(super) source_rules: Rules,
    pub(super) dest_rules: Rules,
    pub(super) gone: Option<Predicate>,
    pub(super) peers: Peers,
    pub(super) options: Arc<Options>,
    pub(super) references: References,
    pub(super) splits: bool,
}

/// What a mapping's stream is called.
pub fn name_of(mapping: &Mapping) -> &str {
    if mapping.stream.is_empty() { "default" } else { &mapping.stream }
}

impl Stream {
    pub(super) fn new(
        mapping: &Mapping,
        functions: &Functions,
        peers: Peers,
        options: Arc<Options>,
    ) -> Result<Self> {
        let missing = |block: &str| {
            Error::new(ErrorKind::MappingInvalid, format!("the mapping has no block {block:?}"))
                .in_operation("sync.open")
                .with("stream", &mapping.stream)
                .help("`vitesse map` writes it; without it records can only be transformed")
        };
        let source = mapping.source.clone().ok_or_else(|| missing("source"))?;
        let dest = mapping.destination.clone().ok_or_else(|| missing("destination"))?;
        let references = References::default();
        let functions = references.bring(functions.clone());
        let plan = Plan::compile(mapping, &functions)?;
        let mut problems = Vec::new();
        let gone = source
            .deleted
            .as_ref()
            .and_then(|condition| Predicate::new(condition, "/source/deleted", &functions, &mut problems));
        if !problems.is_empty() {
            return Err(Problems(problems).into());
        }
        Ok(Self {
            name: name_of(mapping).to_owned(),
            integration: mapping.integration_id.clone(),
            mapping_hash: mapping.hash(),
            on_error: mapping.on_error,
            source_rules: Rules::new(&source.responses, "/source/responses", &functions)?,
            dest_rules: Rules::new(&dest.responses, "/destination/responses", &functions)?,
            plan,
            source,
            dest,
            gone,
            peers,
            options,
            references,
            splits: mapping.split.is_some(),
        })
    }

    pub(super) fn source_peer(&self) -> Result<&Peer> {
        self.peers.source.as_ref().ok_or_else(|| Error::new(ErrorKind::Internal, "the source is no API"))
    }

    pub(super) fn dest_peer(&self) -> Result<&Peer> {
        self.peers.dest.as_ref().ok_or_else(|| Error::new(ErrorKind::Internal, "the destination is no API"))
    }

    /// How many requests to the destination may be under way at once.
    pub(super) fn concurrency(&self) -> usize {
        self.peers.dest.as_ref().and_then(|peer| peer.concurrency).unwrap_or(self.options.concurrency).max(1)
    }

    /// Gives up the token at hand, so that the next request gets another.
    pub(super) fn refresh(&self, peer: &Peer) {
        if let Some(auth) = &peer.auth {
            auth.renew();
        }
    }

    /// A record of the source with its id.
    pub(super) fn record(&self, raw: &RawValue, text: Bytes) -> Result<SourceRecord> {
        let id = match &self.source.id_field {
            None => Ok(nameless(raw.get().as_bytes())),
            Some(field) => {
                find_value(raw, field).and_then(|value| plain(&value)).filter(|id| !id.is_empty()).ok_or_else(
                    || Error::new(ErrorKind::RecordInvalid, "the record has no id").with("field", field),
                )
            }
        };
        let gone = match &self.gone {
            None => false,
            Some(condition) => condition.holds(value::read(text.as_ref()).ok().as_ref())?,
        };
        Ok(SourceRecord { gone, ..SourceRecord::new(id, text) })
    }
}

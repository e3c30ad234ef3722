//! What is to be done with a record, given what is known of it.

use super::destination::Draft;
use super::keys::hash;
use super::letters::LetterReason;
use super::state::{Entry, WriteKind};
use super::stream::Stream;
use crate::mapping::DeletePolicy;
use crate::net::Bytes;

/// A record on its way to the destination.
#[derive(Clone, Debug)]
pub(super) struct Work {
    /// Its place among all that were read.
    pub(super) place: u64,
    pub(super) id: String,
    pub(super) source: Bytes,
    /// What the mapping made of it.
    pub(super) made: String,
    pub(super) hash: String,
    /// It is gone at the source.
    pub(super) gone: bool,
    /// Goes in a request of its own, since one with others was refused.
    pub(super) alone: bool,
    /// What a look at the destination found.
    pub(super) found: Option<Found>,
    /// It can't be delivered, and why.
    pub(super) failed: Option<(LetterReason, String)>,
    /// A person decided that it is sent, though nobody knows what became of an earlier write.
    pub(super) released: bool,
}

impl Work {
    /// A record that is to be delivered.
    pub(super) fn new(id: String, source: Bytes, made: String) -> Self {
        let hash = hash(made.as_bytes());
        Self {
            place: 0,
            id,
            source,
            made,
            hash,
            gone: false,
            alone: false,
            found: None,
            failed: None,
            released: false,
        }
    }

    /// A record that can't be.
    pub(super) fn failed(id: String, source: Bytes, reason: LetterReason, message: String) -> Self {
        let hash = hash_of_source(&source);
        let failed = Some((reason, message));
        Self { hash, failed, ..Self::new(id, source, String::new()) }
    }
}

/// The hash that names a content nothing was made of.
pub(super) fn hash_of_source(source: &[u8]) -> String {
    format!("source:{}", hash(source))
}

/// What a look at the destination by the natural key found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// One record, by its id.
    One(String),
    Several(usize),
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Decision {
    /// It stands there already.
    Unchanged,
    /// Nothing is to be done, and that is right.
    Nothing,
    /// It is gone at the source, and people are told.
    Reported,
    /// A person has to say first what became of an earlier write.
    Held,
    /// The destination is asked whether it has it.
    Look,
    Write(Draft),
    Dead(LetterReason, String),
}

pub(super) fn decide(stream: &Stream, work: &Work, entry: &Entry) -> Decision {
    if let Some(letter) = entry.letter.as_ref().filter(|letter| letter.unknown && !work.released) {
        return if letter.hash == work.hash || work.gone || work.failed.is_some() {
            Decision::Held
        } else {
            let message = "the outcome of an earlier write is not known; this is newer, and waits for the same decision";
            Decision::Dead(LetterReason::UnknownOutcome, message.into())
        };
    }
    if let Some((reason, message)) = &work.failed {
        return Decision::Dead(*reason, message.clone());
    }
    if work.gone {
        return gone(stream, work, entry);
    }
    let operations = &stream.dest.operations;
    if !entry.gone && entry.hash.as_deref() == Some(&work.hash) {
        return Decision::Unchanged;
    }
    if stream.dest.file.is_some() {
        return Decision::Write(Draft::new(WriteKind::Create, None));
    }
    let known = entry.dest_id.clone().filter(|_| !entry.gone);
    let bulk = operations.bulk.as_ref();
    if let Some(bulk) = bulk.filter(|bulk| bulk.upsert) {
        let _ = bulk;
        return Decision::Write(Draft::new(WriteKind::BulkUpsert, known));
    }
    if operations.upsert.is_some() {
        return Decision::Write(Draft::new(WriteKind::Upsert, known));
    }
    let existing = match (&known, &work.found) {
        (Some(id), _) => Some(id.clone()),
        (None, Some(Found::One(id))) => Some(id.clone()),
        (None, Some(Found::Several(many))) => {
            let fields: Vec<_> = stream.dest.match_on.iter().map(ToString::to_string).collect();
            return Decision::Dead(
                LetterReason::Ambiguous,
                format!("{many} records of the destination match it by {}", fields.join(", ")),
            );
        }
        (None, Some(Found::Nothing)) => None,
        (None, None) if operations.find.is_some() => return Decision::Look,
        (None, None) => None,
    };
    let delivered = entry.hash.is_some() && !entry.gone;
    match existing {
        Some(id) if operations.update.is_some() => Decision::Write(Draft::new(WriteKind::Update, Some(id))),
        // It is there, and can't be changed: it is taken as it is.
        Some(id) if !delivered => Decision::Write(Draft::adopted(id)),
        Some(_) => Decision::Dead(
            LetterReason::NoUpdate,
            "it changed, and the destination has no operation update".into(),
        ),
        None if delivered => Decision::Dead(
            LetterReason::NoUpdate,
            "it changed, and the destination's id of it is not known".into(),
        ),
        None if bulk.is_some() => Decision::Write(Draft::new(WriteKind::Bulk, None)),
        None if operations.create.is_some() => Decision::Write(Draft::new(WriteKind::Create, None)),
        None => Decision::Dead(
            LetterReason::Refused,
            "it is new, and the destination has no operation create".into(),
        ),
    }
}

fn gone(stream: &Stream, work: &Work, entry: &Entry) -> Decision {
    let deletes = &stream.dest.deletes;
    // Telling of it needs no name at the destination.
    if deletes.policy == DeletePolicy::Report && !entry.gone && entry.version > 0 {
        return Decision::Reported;
    }
    let Some(id) = entry.dest_id.clone().filter(|_| !entry.gone) else { return Decision::Nothing };
    match deletes.policy {
        DeletePolicy::Ignore | DeletePolicy::Report => Decision::Nothing,
        DeletePolicy::Delete if stream.dest.operations.delete.is_some() => {
            Decision::Write(Draft::new(WriteKind::Delete, Some(id)))
        }
        DeletePolicy::Delete => Decision::Dead(
            LetterReason::NoUpdate,
            "it is gone at the source, and the destination has no operation delete".into(),
        ),
        DeletePolicy::Flag if entry.hash.as_deref() == Some(&work.hash) => Decision::Unchanged,
        DeletePolicy::Flag if stream.dest.operations.update.is_some() => {
            Decision::Write(Draft::new(WriteKind::Update, Some(id)))
        }
        DeletePolicy::Flag => Decision::Dead(
            LetterReason::NoUpdate,
            "it is gone at the source, and the destination has no operation update to mark it".into(),
        ),
    }
}

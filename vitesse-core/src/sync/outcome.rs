//! From what became of a record to what is kept of it.

use super::clock::now;
use super::decide::{Work, hash_of_source};
use super::keys::document_id;
use super::letters::{Letter, LetterReason};
use super::observe::Seen;
use super::state::{Entry, Held, Member, State, WriteKind};
use super::stream::Stream;
use crate::error::Result;
use crate::mapping::{FieldPath, Step, Value, value};
use crate::store::Batch;

/// The ledger's entry for a record that was delivered.
pub(super) fn delivered(member: &Member, kind: WriteKind, dest_id: Option<String>, read: u64) -> Entry {
    let before = &member.before;
    if kind == WriteKind::Delete {
        return Entry {
            version: before.version + 1,
            generation: before.generation + 1,
            gone: true,
            at: now(),
            ..Entry::default()
        };
    }
    Entry {
        dest_id: dest_id.or_else(|| before.dest_id.clone()),
        hash: Some(member.hash.clone()),
        version: before.version + 1,
        generation: before.generation,
        gone: false,
        // A letter about something older stays until a person looks at it.
        letter: before.letter.clone().filter(|letter| {
            letter.hash != member.hash && letter.source != hash_of_source(member.source.as_bytes())
        }),
        seen: before.seen.max(read),
        at: now(),
    }
}

/// Adds to a batch what is kept of a delivered record.
pub(super) fn keep_delivered(
    state: &State,
    stream: &Stream,
    batch: Batch,
    member: &Member,
    entry: &Entry,
) -> Result<Batch> {
    let batch = match &member.before.letter {
        Some(_) if entry.letter.is_none() => {
            state.delete(batch, "letter", &stream.name, &document_id(&member.id))
        }
        _ => batch,
    };
    state.put_entry(batch, &stream.name, &member.id, entry)
}

/// What is to be kept of a record that can't be delivered.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) made: Option<String>,
    pub(super) hash: String,
    pub(super) reason: LetterReason,
    pub(super) message: String,
    pub(super) attempts: u64,
    pub(super) key: Option<String>,
}

impl Failed {
    pub(super) fn of_work(work: &Work, reason: LetterReason, message: String) -> Self {
        Self {
            id: work.id.clone(),
            source: String::from_utf8_lossy(&work.source).into_owned(),
            made: Some(work.made.clone()).filter(|made| !made.is_empty()),
            hash: work.hash.clone(),
            reason,
            message,
            attempts: 1,
            key: None,
        }
    }

    pub(super) fn of_member(member: &Member, reason: LetterReason, message: String, attempts: u64) -> Self {
        Self {
            id: member.id.clone(),
            source: member.source.clone(),
            made: Some(member.made.clone()),
            hash: member.hash.clone(),
            reason,
            message,
            attempts,
            key: member.key.clone(),
        }
    }
}

/// Adds to a batch what is kept of a record that can't be delivered.
pub(super) async fn keep_failed(
    state: &State,
    stream: &Stream,
    batch: Batch,
    failed: Failed,
    read: u64,
) -> Result<Batch> {
    if let Some(observer) = &stream.options.observer {
        observer.tell(&Seen::Dead { stream: &stream.name, record: &failed.id, reason: failed.reason });
    }
    let entry = state.entry(&stream.name, &failed.id).await?;
    let earlier = match entry.as_ref().and_then(|entry| entry.letter.as_ref()) {
        Some(_) => state.letter(&stream.name, &failed.id).await?.map(|(_, letter)| letter),
        None => None,
    };
    let newer = failed.reason == LetterReason::UnknownOutcome
        && earlier.as_ref().is_some_and(|letter| {
            letter.reason == LetterReason::UnknownOutcome && (letter.newer || letter.hash != failed.hash)
        });
    let same = earlier.filter(|letter| letter.hash == failed.hash);
    let mut entry = entry.unwrap_or_default();
    let at = now();
    let (source, redacted) = match failed.reason {
        LetterReason::TooLarge => (String::new(), true),
        _ => redact(&failed.source, &stream.options.redact),
    };
    let letter = Letter {
        id: failed.id.clone(),
        stream: stream.name.clone(),
        reason: failed.reason,
        message: failed.message,
        source,
        redacted,
        made: failed.made.filter(|_| !redacted),
        hash: failed.hash.clone(),
        newer,
        attempts: same.as_ref().map_or(0, |letter| letter.attempts) + failed.attempts,
        version: entry.version,
        first_at: same.map_or(at, |letter| letter.first_at),
        last_at: at,
        mapping: stream.mapping_hash.clone(),
        key: failed.key,
    };
    entry.letter = Some(Held {
        source: hash_of_source(failed.source.as_bytes()),
        hash: failed.hash,
        unknown: failed.reason == LetterReason::UnknownOutcome,
        refused: failed.reason == LetterReason::Refused,
    });
    entry.seen = entry.seen.max(read);
    let batch = state.put_entry(batch, &stream.name, &failed.id, &entry)?;
    state.put_letter(batch, &stream.name, &letter)
}

/// The record without the fields that dead letters don't keep, and whether it had any of them.
fn redact(source: &str, fields: &[FieldPath]) -> (String, bool) {
    if fields.is_empty() {
        return (source.to_owned(), false);
    }
    let Ok(mut record) = value::read(source.as_bytes()) else {
        // What can't be read can't be redacted.
        return (String::new(), true);
    };
    let mut found = false;
    for field in fields {
        found |= blank(&mut record, field.steps());
    }
    if found { (record.to_string(), true) } else { (source.to_owned(), false) }
}

fn blank(value: &mut Value, steps: &[Step]) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        *value = "[redacted]".into();
        return true;
    };
    match (step, value) {
        (Step::Key(key), Value::Object(object)) => {
            object.get_mut(key).is_some_and(|value| blank(value, rest))
        }
        (Step::Index(index), Value::Array(items)) => {
            items.get_mut(*index).is_some_and(|value| blank(value, rest))
        }
        (Step::Each, Value::Array(items)) => {
            items.iter_mut().fold(false, |found, value| blank(value, rest) | found)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_kept_out() {
        let fields: Vec<FieldPath> =
            ["a.secret", "list[].s"].iter().map(|text| text.parse().unwrap()).collect();
        let (text, redacted) = redact(r#"{"a":{"secret":1,"b":2},"list":[{"s":1},{"t":2}]}"#, &fields);
        assert_eq!(text, r#"{"a":{"secret":"[redacted]","b":2},"list":[{"s":"[redacted]"},{"t":2}]}"#);
        assert!(redacted);
        assert_eq!(redact("{}", &fields), ("{}".into(), false));
        assert_eq!(redact("{", &fields), (String::new(), true));
    }
}

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::{Entry, What};
use crate::error::{Error, ErrorKind, Result};
use crate::store::repository::{Repository, WHITEBOARD};
use crate::store::{Batch, Document, Expect, Key, Scan};

/// A part of the log, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WhiteboardPage {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The position to go on after; `None` at the end.
    pub next: Option<String>,
}

/// Adds entries to a batch, so that they are written with whatever they tell of. They get their order from `at`
/// and, within one batch, from their own.
pub(crate) fn append(
    mut batch: Batch,
    repository: &Repository,
    integration: Uuid,
    at: Timestamp,
    head: (&Uuid, &str, &str),
    what: Vec<What>,
) -> Result<Batch> {
    let (run, step, actor) = head;
    for (number, what) in what.into_iter().enumerate() {
        // Nobody else writes this key: the last part is random. So no contribution can be lost to another.
        let position = format!("{:020}-{number:03}-{}", at.as_microsecond().max(0), short(Uuid::new_v4()));
        let entry = Entry {
            position: String::new(),
            at,
            run: *run,
            step: step.to_owned(),
            actor: actor.to_owned(),
            what,
        };
        let value = serde_json::to_vec(&entry).map_err(|error| {
            Error::new(ErrorKind::Internal, "an entry of the whiteboard can't be written").source(error)
        })?;
        let key = Key::new(repository.namespace(), WHITEBOARD, format!("{integration}/{position}"));
        batch = batch.put(key, Expect::Absent, value);
    }
    Ok(batch)
}

/// One page of an integration's log.
pub(crate) async fn entries(
    repository: &Repository,
    integration: Uuid,
    after: Option<&str>,
    limit: usize,
) -> Result<WhiteboardPage> {
    let prefix = format!("{integration}/");
    let mut scan = Scan::new(repository.namespace(), WHITEBOARD).prefix(&prefix).limit(limit);
    if let Some(after) = after {
        scan = scan.after(format!("{prefix}{after}"));
    }
    let page = repository.store().scan(&scan).await?;
    let entries =
        page.documents.iter().map(|document| read(document, prefix.len())).collect::<Result<_>>()?;
    Ok(WhiteboardPage { entries, next: page.next.map(|next| next[prefix.len()..].to_owned()) })
}

/// Every entry of one integration, or of all.
pub(crate) async fn after_all(
    repository: &Repository,
    integration: Option<Uuid>,
) -> Result<Vec<(Uuid, Entry)>> {
    let prefix = integration.map(|id| format!("{id}/")).unwrap_or_default();
    let mut scan = Scan::new(repository.namespace(), WHITEBOARD).prefix(prefix).limit(500);
    let mut all = Vec::new();
    loop {
        let page = repository.store().scan(&scan).await?;
        for document in &page.documents {
            // An id is 36 characters long, and a stroke.
            let id = document.key.id.get(..36).and_then(|id| id.parse().ok()).unwrap_or_default();
            all.push((id, read(document, 37)?));
        }
        match page.next {
            Some(next) => scan = scan.after(next),
            None => return Ok(all),
        }
    }
}

fn read(document: &Document, prefix: usize) -> Result<Entry> {
    let mut entry: Entry = serde_json::from_slice(&document.value).map_err(|error| {
        Error::new(ErrorKind::StoreFailed, "an entry of the whiteboard can't be read")
            .in_operation("orchestrator.whiteboard")
            .with("key", &document.key)
            .source(error)
    })?;
    entry.position = document.key.id.get(prefix..).unwrap_or_default().to_owned();
    Ok(entry)
}

fn short(id: Uuid) -> String {
    id.simple().to_string().chars().take(8).collect()
}

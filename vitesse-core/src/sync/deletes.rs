//! Records that are gone at the source: what a full read did not see.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::clerk::{Clerk, too_many_removed};
use super::keys::hash;
use super::records::{Handover, SourceRecord};
use super::report::StreamReport;
use super::run::Sync;
use super::source::Position;
use super::state::{Entry, State, decode};
use super::stream::Stream;
use crate::error::Result;
use crate::mapping::{DeletePolicy, Value};
use crate::net::Bytes;
use crate::progress::Progress;
use crate::store::{Document, Scan};

impl Sync {
    /// Removes, marks or reports what the full read that just ended did not see; after a read of another kind nothing.
    pub(super) async fn remove_missing(
        &self,
        stream: &Arc<Stream>,
        state: &State,
        progress: &Progress,
        report: &mut StreamReport,
    ) -> Result<()> {
        if stream.dest.deletes.policy == DeletePolicy::Ignore {
            return Ok(());
        }
        let position: Position = state.get("position", &stream.name, "now").await?.unwrap_or_default();
        if !position.complete || !position.full {
            return Ok(());
        }
        let policy = &stream.dest.deletes;
        let marked = hash(Value::Object(policy.flag.clone()).to_string().as_bytes());
        // What is marked already, or can't be named at the destination, is no news.
        let missing_now = |entry: &Entry| {
            !entry.gone
                && entry.version > 0
                && entry.seen < position.read
                && (policy.policy == DeletePolicy::Report || entry.dest_id.is_some())
                && (policy.policy != DeletePolicy::Flag || entry.hash.as_ref() != Some(&marked))
        };
        let (mut known, mut missing) = (0u64, 0u64);
        let mut entries = Entries::of(stream, state);
        while let Some(page) = entries.next().await? {
            known += page.iter().filter(|(_, entry)| !entry.gone && entry.version > 0).count() as u64;
            missing += page.iter().filter(|(_, entry)| missing_now(entry)).count() as u64;
        }
        if missing == 0 {
            return Ok(());
        }
        // More than that is rather a source that answers wrongly than records that are gone.
        let by_ratio = (known as f64 * stream.dest.deletes.max_ratio) as u64;
        let most = stream.dest.deletes.max_records.map_or(by_ratio, |most| most.min(by_ratio));
        if missing > most && stream.dest.deletes.policy != DeletePolicy::Report {
            return Err(too_many_removed(missing, most));
        }
        let step = progress.step(format!("sync {}: removed at the source", stream.name), Some(missing));
        let mut clerk =
            Clerk::new(Arc::clone(stream), state, progress.cancel(), Some(&step), position.read, false);
        clerk.limit_deletes(Some(missing));
        let (hand, taken) = mpsc::channel(1);
        let feed = async move {
            let mut entries = Entries::of(stream, state);
            while let Some(page) = entries.next().await? {
                let records = page
                    .into_iter()
                    .filter(|(_, entry)| missing_now(entry))
                    .map(|(id, _)| SourceRecord {
                        gone: true,
                        ..SourceRecord::new(Ok(id), Bytes::from_static(b"{}"))
                    })
                    .collect();
                if hand.send(Handover { records, ..Handover::default() }).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        let (fed, written) = tokio::join!(feed, clerk.run(taken));
        clerk.counts.read = 0;
        report.counts.add(&clerk.counts);
        written.and(fed)
    }
}

/// The entries of a stream's ledger, page by page.
struct Entries<'s> {
    state: &'s State,
    next: Option<Scan>,
}

impl<'s> Entries<'s> {
    fn of(stream: &Stream, state: &'s State) -> Self {
        Self { state, next: Some(state.scan("ledger", &stream.name).limit(500)) }
    }

    async fn next(&mut self) -> Result<Option<Vec<(String, Entry)>>> {
        let Some(scan) = self.next.take() else { return Ok(None) };
        let page = self.state.store().scan(&scan).await?;
        self.next = page.next.map(|next| scan.after(next));
        let read =
            |document: Document| Ok((document.key.id.clone(), decode(&document.key, &document.value)?));
        page.documents.into_iter().map(read).collect::<Result<_>>().map(Some)
    }
}

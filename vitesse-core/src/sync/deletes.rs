//! Records that are gone at the source: what a full read did not see.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::clerk::{Clerk, too_many_removed};
use super::records::{Handover, SourceRecord};
use super::report::StreamReport;
use super::run::Sync;
use super::source::Position;
use super::state::{Entry, State, decode};
use super::stream::Stream;
use crate::error::Result;
use crate::mapping::DeletePolicy;
use crate::net::Bytes;
use crate::progress::Progress;

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
        let (mut known, mut missing) = (0u64, 0u64);
        each_entry(stream, state, async |_, entry| {
            known += u64::from(!entry.gone && entry.version > 0);
            missing += u64::from(is_missing(&entry, position.read));
            Ok(true)
        })
        .await?;
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
        let mut clerk = Clerk::new(Arc::clone(stream), state, progress.cancel(), Some(&step), position.read, false);
        clerk.limit_deletes(Some(missing));
        let (hand, taken) = mpsc::channel(1);
        let feed = async move {
            each_entry(stream, state, async |id, entry| {
                if !is_missing(&entry, position.read) {
                    return Ok(true);
                }
                let record = SourceRecord { gone: true, ..SourceRecord::new(Ok(id), Bytes::from_static(b"{}")) };
                Ok(hand.send(Handover { records: vec![record], ..Handover::default() }).await.is_ok())
            })
            .await
        };
        let (fed, written) = tokio::join!(feed, clerk.run(taken));
        clerk.counts.read = 0;
        report.counts.add(&clerk.counts);
        written.and(fed)
    }
}

fn is_missing(entry: &Entry, read: u64) -> bool {
    !entry.gone && entry.version > 0 && entry.seen < read
}

/// Gives every entry of a stream's ledger, until told to stop.
async fn each_entry(
    stream: &Stream,
    state: &State,
    mut take: impl AsyncFnMut(String, Entry) -> Result<bool>,
) -> Result<()> {
    let mut scan = state.scan("ledger", &stream.name).limit(500);
    loop {
        let page = state.store().scan(&scan).await?;
        for document in page.documents {
            let entry = decode(&document.key, &document.value)?;
            if !take(document.key.id, entry).await? {
                return Ok(());
            }
        }
        match page.next {
            Some(next) => scan.after = Some(next),
            None => return Ok(()),
        }
    }
}

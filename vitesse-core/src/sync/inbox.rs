//! Records that are brought, and not fetched: what a webhook carries.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::clerk::Clerk;
use super::json::{document, records};
use super::records::{Handover, SourceRecord};
use super::report::Counts;
use super::run::Sync;
use super::source::{Position, nameless};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::FieldPath;
use crate::net::Bytes;
use crate::progress::Progress;

impl Sync {
    /// The records at a path of a document; without one, the document itself or the elements of an array.
    ///
    /// # Errors
    /// [`ErrorKind::RecordInvalid`] if it isn't JSON, or has nothing at the path.
    pub fn records_in(body: &[u8], path: Option<&FieldPath>) -> Result<Vec<String>> {
        let wrong = |message: &'static str| {
            Error::new(ErrorKind::RecordInvalid, message).in_operation("sync.records_in")
        };
        let document = document(body).map_err(|error| {
            let at = error.context().first().map_or_else(String::new, |(_, value)| value.clone());
            wrong("the body is not whole JSON").with("at", at)
        })?;
        let found = records(document, path).ok_or_else(|| match path {
            Some(path) => wrong("the body has no records where they should be").with("records", path),
            None => wrong("the body has no records"),
        })?;
        Ok(found.into_iter().map(|record| record.get().to_owned()).collect())
    }

    /// Delivers records of a stream that somebody brought, by the rules of delivery: when it returns, each is at the
    /// destination or among the dead letters. The position of the stream stays, so a read sees them too, and finds
    /// them unchanged.
    ///
    /// # Errors
    /// What stops a run; then some were delivered, and bringing all of them again does no harm.
    pub async fn deliver(&self, stream: &str, brought: Vec<String>, progress: &Progress) -> Result<Counts> {
        let known = self.stream(stream)?;
        let hold = self.hold(progress.cancel()).await?;
        hold.during(async {
            let state = &hold.state;
            let step = progress.step(format!("deliver {stream}"), Some(brought.len() as u64));
            let read = state.get::<Position>("position", &known.name, "now").await?;
            let read = read.map_or(0, |position| position.read);
            let mut clerk = Clerk::new(Arc::clone(known), state, progress.cancel(), Some(&step), read, false);
            clerk.clear_up().await?;
            let records = brought.into_iter().map(|text| record(known, text)).collect::<Result<Vec<_>>>()?;
            let (hand, taken) = mpsc::channel(1);
            let feed = async move {
                let _ = hand.send(Handover { records, ..Handover::default() }).await;
            };
            let ((), written) = tokio::join!(feed, clerk.run(taken));
            written.map(|()| clerk.counts)
        })
        .await
    }
}

fn record(stream: &super::stream::Stream, text: String) -> Result<SourceRecord> {
    let bytes = Bytes::from(text);
    match serde_json::from_slice::<&RawValue>(&bytes) {
        Ok(raw) => stream.record(raw, bytes.clone()),
        Err(_) => Ok(SourceRecord::new(Ok(nameless(&bytes)), bytes)),
    }
}

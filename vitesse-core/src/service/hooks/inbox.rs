//! Where records of webhooks wait, durably, until they are delivered.

use serde::{Deserialize, Serialize};

use super::Proof;
use crate::error::{Error, ErrorKind, Result};
use crate::net::TraceParent;
use crate::store::{Batch, Expect, Key, Scan};
use crate::sync::State;

/// How long a signature without a time is remembered.
const REMEMBERED: i64 = 7 * 24 * 3600 * 1000;
/// A signed time is checked before, so its signature need not be remembered for longer than twice any tolerance.
const REMEMBERED_TIMED: i64 = 24 * 3600 * 1000;
/// How many records are taken out at once.
const GROUP: usize = 200;

/// The records of webhooks that wait.
#[derive(Clone, Debug)]
pub(in crate::service) struct Inbox {
    state: State,
}

/// Records that were taken out, to be removed once they are delivered.
pub(in crate::service) struct Kept {
    pub(in crate::service) records: Vec<String>,
    /// For each, the request that brought it, where traces are kept.
    pub(in crate::service) traces: Vec<Option<TraceParent>>,
    keys: Vec<Key>,
}

/// What one sending brought.
pub(in crate::service) struct Brought<'a> {
    pub(in crate::service) records: &'a [String],
    /// The request, where traces are kept.
    pub(in crate::service) trace: Option<TraceParent>,
    /// When, in milliseconds.
    pub(in crate::service) at: i64,
}

/// A record that waits.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Waiting {
    Plain(String),
    Traced { record: String, trace: String },
}

#[derive(Serialize, Deserialize)]
struct Seen {
    until: i64,
}

impl Inbox {
    pub(in crate::service) fn new(state: &State) -> Self {
        Self { state: state.clone() }
    }

    /// Keeps records, durably when it returns; false if this very sending was kept before.
    pub(in crate::service) async fn keep(
        &self,
        hook: &str,
        stream: &str,
        proof: &Proof,
        brought: &Brought<'_>,
    ) -> Result<bool> {
        let now = brought.at;
        let mut batch = Batch::new();
        if let Some(once) = &proof.once {
            let until = now + if proof.timed { REMEMBERED_TIMED } else { REMEMBERED };
            let seen = serde_json::to_vec(&Seen { until })
                .map_err(|error| Error::new(ErrorKind::Internal, "state can't be written").source(error))?;
            batch = batch.put(self.state.key("hook-seen", hook, once), Expect::Absent, seen);
        }
        // In the order they came; the number tells those of one moment apart.
        let unique = uuid::Uuid::new_v4().simple().to_string();
        for (at, record) in brought.records.iter().enumerate() {
            let key = self.state.key("hook-inbox", stream, &format!("{now:013}-{}-{at:06}", &unique[..8]));
            let record = record.clone();
            let waiting = match brought.trace {
                None => Waiting::Plain(record),
                Some(trace) => Waiting::Traced { record, trace: trace.to_string() },
            };
            batch = self.state.sealed().put(batch, &key, Expect::Any, &waiting)?;
        }
        if batch.writes.is_empty() {
            return Ok(true);
        }
        match self.state.store().commit(batch).await {
            Ok(_) => Ok(true),
            // Only the sending's own name can be in the way.
            Err(error) if error.kind() == ErrorKind::Conflict && proof.once.is_some() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The oldest records of a stream; none if none wait.
    pub(in crate::service) async fn next(&self, stream: &str) -> Result<Option<Kept>> {
        let page = self.state.store().scan(&self.scan(stream).limit(GROUP)).await?;
        let mut kept = Kept { records: Vec::new(), traces: Vec::new(), keys: Vec::new() };
        for document in page.documents {
            if let Some((_, waiting)) = self.state.sealed().get::<Waiting>(&document.key).await? {
                let (record, trace) = match waiting {
                    Waiting::Plain(record) => (record, None),
                    Waiting::Traced { record, trace } => (record, trace.parse().ok()),
                };
                kept.records.push(record);
                kept.traces.push(trace);
            }
            kept.keys.push(document.key);
        }
        Ok((!kept.keys.is_empty()).then_some(kept))
    }

    /// Forgets records that are delivered.
    pub(in crate::service) async fn done(&self, kept: Kept) -> Result<()> {
        let batch = kept.keys.into_iter().fold(Batch::new(), |batch, key| batch.delete(key, Expect::Any));
        self.state.store().commit(batch).await.map(drop)
    }

    /// How many records of a stream wait.
    pub(in crate::service) async fn count(&self, stream: &str) -> Result<u64> {
        let mut scan = self.scan(stream).limit(1000);
        let mut count = 0;
        loop {
            let page = self.state.store().scan(&scan).await?;
            count += page.documents.len() as u64;
            match page.next {
                Some(next) => scan.after = Some(next),
                None => return Ok(count),
            }
        }
    }

    /// Forgets signatures that can't come again or may.
    pub(in crate::service) async fn forget_old(&self, hook: &str, now: i64) -> Result<()> {
        let mut scan = self.state.scan("hook-seen", hook).limit(500);
        loop {
            let page = self.state.store().scan(&scan).await?;
            let old = page.documents.into_iter().filter(|document| {
                serde_json::from_slice::<Seen>(&document.value).map_or(true, |seen| seen.until < now)
            });
            let batch = old.fold(Batch::new(), |batch, document| batch.delete(document.key, Expect::Any));
            if !batch.writes.is_empty() {
                self.state.store().commit(batch).await?;
            }
            match page.next {
                Some(next) => scan.after = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn scan(&self, stream: &str) -> Scan {
        self.state.scan("hook-inbox", stream)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::secret::KeyRing;
    use crate::store::{MemoryStore, Store};

    #[tokio::test]
    async fn a_sending_is_kept_once_and_records_come_out_in_order() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let ring = Arc::new(KeyRing::parse(&KeyRing::generate()).unwrap());
        let inbox = Inbox::new(&State::new(store.clone(), ring, "i"));
        let proof = |once: &str| Proof { once: Some(once.into()), timed: false };
        let records = |from: u32| (from..from + 3).map(|n| format!("{{\"id\":{n}}}")).collect::<Vec<_>>();
        let trace: TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        let keep = async |hook: &str, once: &str, records: &[String], trace, at| {
            inbox.keep(hook, "s", &proof(once), &Brought { records, trace, at }).await.unwrap()
        };
        assert!(keep("h", "a", &records(0), None, 1000).await);
        assert!(!keep("h", "a", &records(0), None, 1001).await);
        assert!(keep("h", "b", &records(3), Some(trace), 2000).await);
        assert!(keep("other", "a", &[], None, 2000).await, "names are each hook's own");
        assert_eq!(inbox.count("s").await.unwrap(), 6);
        let kept = inbox.next("s").await.unwrap().unwrap();
        assert_eq!(kept.records, [records(0), records(3)].concat());
        assert_eq!(kept.traces, [[None; 3], [Some(trace); 3]].concat());
        inbox.done(kept).await.unwrap();
        assert!(inbox.next("s").await.unwrap().is_none());

        inbox.forget_old("h", 1000 + REMEMBERED).await.unwrap();
        assert!(!keep("h", "a", &records(0), None, 3000).await, "still remembered");
        inbox.forget_old("h", 1001 + REMEMBERED).await.unwrap();
        assert!(keep("h", "a", &records(0), None, 4000).await);
        assert!(!keep("h", "b", &records(0), None, 4000).await);
    }
}

//! A lease on state that several processes share, so that a source is read once at a time.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::clock::now;
use super::state::{State, decode};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Cancel;
use crate::store::{Batch, Expect, Key, Revision, Store};

/// A lease that is held. Whoever lost it can commit nothing any more.
#[derive(Debug)]
pub(super) struct Lease {
    store: Arc<dyn Store>,
    key: Key,
    holder: String,
    lasts: Duration,
    /// Locked while something is committed, so that a renewal doesn't come in between.
    revision: Mutex<Revision>,
}

#[derive(Serialize, Deserialize)]
struct Held {
    holder: String,
    until: i64,
}

impl Lease {
    /// Takes the lease, waiting for one that is held until it is given back or runs out.
    pub(super) async fn take(state: &State, lasts: Duration, cancel: &Cancel) -> Result<Self> {
        let key = state.key("lease", "all", "reader");
        let store = Arc::clone(state.store());
        let holder = uuid::Uuid::new_v4().to_string();
        let deadline = now() + i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX / 2) + 2_000;
        loop {
            let present = store.get(&key).await?;
            let held: Option<Held> =
                present.as_ref().map(|document| decode(&key, &document.value)).transpose()?;
            if held.as_ref().is_none_or(|held| held.until <= now()) {
                let expect = present.map_or(Expect::Absent, |document| Expect::At(document.revision));
                match store.commit(Batch::new().put(key.clone(), expect, text(&holder, lasts)?)).await {
                    Ok(revision) => {
                        return Ok(Self { store, key, holder, lasts, revision: Mutex::new(revision) });
                    }
                    Err(error) if error.kind() == ErrorKind::Conflict => {}
                    Err(error) => return Err(error),
                }
            }
            if now() > deadline {
                return Err(Error::new(ErrorKind::Conflict, "another process reads for this integration")
                    .in_operation("sync.lease")
                    .with("holder", held.map_or_else(String::new, |held| held.holder))
                    .help("that is as it should be with several replicas; this one can try again later"));
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(250)) => {}
                () = cancel.cancelled() => cancel.check()?,
            }
        }
    }

    /// Commits if the lease is still held.
    pub(super) async fn commit(&self, batch: Batch) -> Result<()> {
        let revision = self.revision.lock().await;
        let batch = batch.check(self.key.clone(), Expect::At(*revision));
        self.store.commit(batch).await.map(drop).map_err(|error| match error.kind() {
            ErrorKind::Conflict => lost().source(error),
            _ => error,
        })
    }

    /// Makes it last from now on.
    pub(super) async fn renew(&self) -> Result<()> {
        let mut revision = self.revision.lock().await;
        let batch =
            Batch::new().put(self.key.clone(), Expect::At(*revision), text(&self.holder, self.lasts)?);
        *revision = self.store.commit(batch).await.map_err(|error| match error.kind() {
            ErrorKind::Conflict => lost().source(error),
            _ => error,
        })?;
        Ok(())
    }

    /// Renews it for as long as nothing fails; gives the failure.
    pub(super) async fn keep(self: Arc<Self>) -> Error {
        let mut failing_since = None;
        loop {
            tokio::time::sleep(self.lasts / 3).await;
            match self.renew().await {
                Ok(()) => failing_since = None,
                Err(error) => {
                    // A short outage of the database is no reason to stop: without the lease nothing is committed.
                    let since = *failing_since.get_or_insert_with(tokio::time::Instant::now);
                    if !error.is_temporary()
                        || error.kind() == ErrorKind::Conflict
                        || since.elapsed() > self.lasts
                    {
                        return error;
                    }
                }
            }
        }
    }

    /// Gives it back. If that fails it runs out by itself.
    pub(super) async fn release(&self) {
        let revision = *self.revision.lock().await;
        let _ = self.store.commit(Batch::new().delete(self.key.clone(), Expect::At(revision))).await;
    }
}

fn text(holder: &str, lasts: Duration) -> Result<Vec<u8>> {
    let until = now().saturating_add(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX));
    serde_json::to_vec(&Held { holder: holder.to_owned(), until })
        .map_err(|error| Error::new(ErrorKind::Internal, "the lease can't be written").source(error))
}

fn lost() -> Error {
    Error::new(ErrorKind::Conflict, "another process took the lease over")
        .in_operation("sync.lease")
        .help("this one was too slow to renew it; what it had not committed is done by the other one")
}

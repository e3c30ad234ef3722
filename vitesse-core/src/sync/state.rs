//! What a sync keeps: positions, the ledger, intents, dead letters, runs. All of it in one store, so that what
//! belongs together is one commit.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keys::{document_id, hash};
use super::lease::Lease;
use super::letters::Letter;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::KeyRing;
use crate::store::{Batch, Expect, Key, Revision, Scan, Sealed, Store};

/// The state of one integration's streams.
#[derive(Clone, Debug)]
pub struct State {
    store: Arc<dyn Store>,
    sealed: Sealed,
    namespace: String,
    lease: Option<Arc<Lease>>,
}

/// What is known of one source record at the destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id at the destination, if that told one.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub dest_id: Option<String>,
    /// The hash of what was last delivered; `None` if nothing was, or nobody knows what stands there.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// How often it was delivered.
    #[serde(rename = "v", default)]
    pub version: u64,
    /// How often it was removed.
    #[serde(rename = "g", default, skip_serializing_if = "is_zero")]
    pub generation: u64,
    /// It was removed, and not made again.
    #[serde(rename = "x", default, skip_serializing_if = "is_false")]
    pub gone: bool,
    /// Whether a letter about it is among the dead letters.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<Held>,
    /// The last full read that saw it.
    #[serde(rename = "s", default, skip_serializing_if = "is_zero")]
    pub seen: u64,
    /// When it was last written, in milliseconds since the epoch.
    #[serde(rename = "t", default)]
    pub at: i64,
}

/// What a letter about a record means for the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The hash of what was to be delivered.
    #[serde(rename = "h")]
    pub hash: String,
    /// The hash of what the source gave: once that is delivered, by whatever mapping, the letter is done with.
    #[serde(rename = "s", default)]
    pub source: String,
    /// Nobody knows whether it was carried out, so nothing may be sent for this record until a person decides.
    #[serde(rename = "u", default, skip_serializing_if = "is_false")]
    pub unknown: bool,
    /// The destination refused it, so it had no effect there.
    #[serde(rename = "r", default, skip_serializing_if = "is_false")]
    pub refused: bool,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// A write that was decided on, kept before it is sent, with everything needed to send the very same again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intent {
    /// The request's idempotency key, and its name here.
    pub(super) key: String,
    pub(super) kind: WriteKind,
    pub(super) method: String,
    /// After the base URL: the path and the query.
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content_type: String,
    pub(super) body: Option<String>,
    pub(super) members: Vec<Member>,
    /// When it was decided, in milliseconds since the epoch.
    pub(super) at: i64,
    /// The hash of the mapping that decided it.
    pub(super) mapping: String,
}

/// One record of an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) id: String,
    /// The hash of `made`.
    pub(super) hash: String,
    /// Its own key, where the request has several records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// What the source gave.
    pub(super) source: String,
    /// What the mapping made of it.
    pub(super) made: String,
    /// What the ledger said when the write was decided.
    pub(super) before: Entry,
}

/// What a write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WriteKind {
    Create,
    Update,
    Upsert,
    Bulk,
    BulkUpsert,
    Delete,
}

impl WriteKind {
    /// Whether doing it twice leaves the destination as doing it once does.
    pub(super) fn repeats_harmlessly(self) -> bool {
        matches!(self, Self::Update | Self::Upsert | Self::BulkUpsert | Self::Delete)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Bulk | Self::BulkUpsert => "bulk",
            Self::Delete => "delete",
        }
    }
}

impl State {
    /// The state of an integration in `store`. What is sensitive in it is sealed with `ring`.
    pub fn new(store: Arc<dyn Store>, ring: Arc<KeyRing>, integration: &str) -> Self {
        let sealed = Sealed::new(Arc::clone(&store), ring);
        let name = if integration.is_empty() { "default" } else { integration };
        let name = if name.len() > 200 { hash(name.as_bytes()) } else { name.to_owned() };
        Self { store, sealed, namespace: format!("sync/{name}"), lease: None }
    }

    /// The store it is kept in.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The same, with every commit depending on a lease.
    pub(super) fn under(&self, lease: Arc<Lease>) -> Self {
        Self { lease: Some(lease), ..self.clone() }
    }

    pub(crate) fn key(&self, collection: &str, stream: &str, id: &str) -> Key {
        Key::new(&self.namespace, format!("{collection}/{}", document_id(stream)), id)
    }

    pub(crate) fn scan(&self, collection: &str, stream: &str) -> Scan {
        Scan::new(&self.namespace, format!("{collection}/{}", document_id(stream)))
    }

    /// Commits, if the lease still holds.
    pub(super) async fn commit(&self, batch: Batch) -> Result<()> {
        if matches!(self.store.backend(), "memory" | "embedded") {
            return self.store.commit(batch).await.map(drop);
        }
        let mut tries = 0;
        loop {
            let done = match &self.lease {
                Some(lease) => lease.commit(batch.clone()).await,
                None => self.store.commit(batch.clone()).await.map(drop),
            };
            match done {
                // A database that restarts is back soon; committing the same twice changes nothing.
                Err(error)
                    if error.kind() == ErrorKind::StoreUnavailable && error.is_temporary() && tries < 6 =>
                {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(100 << tries)).await;
                }
                done => return done,
            }
        }
    }

    /// What the ledger says of a record.
    ///
    /// # Errors
    /// What the store fails with.
    pub async fn entry(&self, stream: &str, id: &str) -> Result<Option<Entry>> {
        self.get("ledger", stream, &document_id(id)).await
    }

    pub(super) fn put_entry(&self, batch: Batch, stream: &str, id: &str, entry: &Entry) -> Result<Batch> {
        self.put(batch, "ledger", stream, &document_id(id), entry)
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        collection: &str,
        stream: &str,
        id: &str,
    ) -> Result<Option<T>> {
        let key = self.key(collection, stream, id);
        match self.store.get(&key).await? {
            Some(document) => decode(&key, &document.value).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn put<T: Serialize>(
        &self,
        batch: Batch,
        collection: &str,
        stream: &str,
        id: &str,
        value: &T,
    ) -> Result<Batch> {
        self.put_expecting(batch, &self.key(collection, stream, id), Expect::Any, value)
    }

    pub(super) fn put_expecting<T: Serialize>(
        &self,
        batch: Batch,
        key: &Key,
        expect: Expect,
        value: &T,
    ) -> Result<Batch> {
        let text = serde_json::to_vec(value).map_err(|error| {
            Error::new(ErrorKind::Internal, "state can't be written as JSON").with("key", key).source(error)
        })?;
        Ok(batch.put(key.clone(), expect, text))
    }

    pub(super) fn delete(&self, batch: Batch, collection: &str, stream: &str, id: &str) -> Batch {
        batch.delete(self.key(collection, stream, id), Expect::Any)
    }

    pub(super) fn put_intent(&self, batch: Batch, stream: &str, intent: &Intent) -> Result<Batch> {
        self.sealed.put(batch, &self.key("intent", stream, &intent.key), Expect::Any, intent)
    }

    /// All pending intents of a stream: no more than were under way at once.
    pub(super) async fn intents(&self, stream: &str) -> Result<Vec<Intent>> {
        let mut scan = self.scan("intent", stream);
        let mut intents = Vec::new();
        loop {
            let page = self.store.scan(&scan).await?;
            for document in &page.documents {
                if let Some((_, intent)) = self.sealed.get::<Intent>(&document.key).await? {
                    intents.push(intent);
                }
            }
            match page.next {
                Some(next) => scan.after = Some(next),
                None => break,
            }
        }
        intents.sort_by_key(|intent| intent.at);
        Ok(intents)
    }

    pub(super) fn put_letter(&self, batch: Batch, stream: &str, letter: &Letter) -> Result<Batch> {
        self.sealed.put(batch, &self.key("letter", stream, &document_id(&letter.id)), Expect::Any, letter)
    }

    pub(super) async fn letter(&self, stream: &str, id: &str) -> Result<Option<(Revision, Letter)>> {
        self.sealed.get(&self.key("letter", stream, &document_id(id))).await
    }

    pub(crate) fn sealed(&self) -> &Sealed {
        &self.sealed
    }
}

pub(super) fn decode<T: DeserializeOwned>(key: &Key, text: &[u8]) -> Result<T> {
    serde_json::from_slice(text).map_err(|error| {
        Error::new(
            ErrorKind::StoreFailed,
            "the state can't be read: it is damaged, or a newer version wrote it",
        )
        .in_operation("sync.state")
        .with("key", key)
        .source(error)
        .help("use the version of vitesse-runtime that wrote it, or restore a backup")
    })
}

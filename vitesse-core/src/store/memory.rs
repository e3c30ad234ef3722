use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use async_trait::async_trait;

use super::{Batch, Document, Key, PAGE_BYTES, Page, Revision, Scan, Store, Write};
use crate::error::Result;

/// Documents in memory: gone when the process ends. For tests, demonstrations, and embedding.
///
/// ```
/// use vitesse_core::store::{Batch, Expect, Key, MemoryStore, Store};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = MemoryStore::new();
/// let key = Key::new("default", "notes", "a");
/// let written = store.commit(Batch::new().put(key.clone(), Expect::Absent, b"hello".to_vec())).await?;
///
/// let note = store.get(&key).await?.expect("it was just written");
/// assert_eq!((note.revision, &note.value[..]), (written, &b"hello"[..]));
///
/// let stale = store.commit(Batch::new().delete(key, Expect::Absent)).await.unwrap_err();
/// assert_eq!(stale.kind(), vitesse_core::ErrorKind::Conflict);
/// # Ok::<(), vitesse_core::Error>(()) }).unwrap();
/// ```
#[derive(Default)]
pub struct MemoryStore {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    documents: BTreeMap<Key, (Revision, Vec<u8>)>,
    last: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let documents = self.state.read().unwrap_or_else(PoisonError::into_inner).documents.len();
        f.debug_struct("MemoryStore").field("documents", &documents).finish()
    }
}

// A lock poisoned by a panicking thread is taken over: every change below is made after all checks passed
// and can't fail halfway, so what is behind the lock is always whole.
#[async_trait]
impl Store for MemoryStore {
    fn backend(&self) -> &'static str {
        "memory"
    }

    async fn get(&self, key: &Key) -> Result<Option<Document>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        Ok(state.documents.get(key).map(|(revision, value)| Document {
            key: key.clone(),
            revision: *revision,
            value: value.clone(),
        }))
    }

    async fn scan(&self, scan: &Scan) -> Result<Page> {
        let from = match &scan.after {
            Some(after) if *after >= scan.prefix => {
                Bound::Excluded(Key::new(&scan.namespace, &scan.collection, after))
            }
            _ => Bound::Included(Key::new(&scan.namespace, &scan.collection, &scan.prefix)),
        };
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut page = Page::default();
        let mut bytes = 0;
        for (key, (revision, value)) in state.documents.range((from, Bound::Unbounded)) {
            let inside = key.namespace == scan.namespace
                && key.collection == scan.collection
                && key.id.starts_with(&scan.prefix);
            if !inside {
                break;
            }
            let full = page.documents.len() >= scan.limit.max(1) || bytes + value.len() > PAGE_BYTES;
            if full && let Some(last) = page.documents.last() {
                page.next = Some(last.key.id.clone());
                break;
            }
            bytes += value.len();
            page.documents.push(Document { key: key.clone(), revision: *revision, value: value.clone() });
        }
        Ok(page)
    }

    async fn commit(&self, batch: Batch) -> Result<Revision> {
        batch.validate()?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for (key, expect) in batch.expectations() {
            expect.holds(key, state.documents.get(key).map(|(revision, _)| *revision))?;
        }
        if batch.writes.is_empty() {
            return Ok(Revision(state.last));
        }
        state.last += 1;
        let revision = Revision(state.last);
        for write in batch.writes {
            match write {
                Write::Put { key, value, .. } => {
                    state.documents.insert(key, (revision, value));
                }
                Write::Delete { key, .. } => {
                    state.documents.remove(&key);
                }
            }
        }
        Ok(revision)
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

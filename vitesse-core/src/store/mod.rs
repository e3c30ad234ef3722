//! Pluggable persistence: documents by key, each with a revision, and one atomic [`commit`](Store::commit).
//!
//! The trait is small on purpose: what every backend must promise fits on a page, and one behaviour suite
//! holds all of them to it. Everything typed is written once, on top.
//!
//! Deliberately absent: queries other than by key order, streams, and transactions that stay open. A caller
//! reads, decides, and commits with the revisions it read; a conflict tells it to read again.

#![forbid(unsafe_code)]

use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::Result;

mod document;
#[cfg(feature = "store-embedded")]
mod embedded;
mod memory;
mod open;
#[cfg(feature = "store-postgres")]
mod postgres;
pub mod repository;
mod sealed;

pub use document::{
    Batch, Check, Document, Expect, Key, MAX_KEY_BYTES, MAX_VALUE_BYTES, Page, Revision, Scan, Write,
};
#[cfg(feature = "store-embedded")]
pub use embedded::{EmbeddedOptions, EmbeddedStore};
pub use memory::MemoryStore;
pub use open::{OpenOptions, open};
#[cfg(feature = "store-postgres")]
pub use postgres::{PostgresOptions, PostgresStore};
pub use sealed::Sealed;

pub(crate) use document::PAGE_BYTES;

/// A place that keeps documents. Object-safe; shared as `Arc<dyn Store>`.
#[async_trait]
pub trait Store: Send + Sync + Debug {
    /// The backend's short name: `memory`, `embedded`, `postgres`.
    fn backend(&self) -> &'static str;

    /// Reads one document.
    ///
    /// # Behaviour
    /// - A key that was never written, or was deleted, gives `None`.
    /// - Sees every commit that was acknowledged before the call, by any process.
    /// - Keys may hold any characters, the empty string and NUL included.
    async fn get(&self, key: &Key) -> Result<Option<Document>>;

    /// Reads documents of one collection whose ids begin with a prefix, in the byte order of their ids.
    ///
    /// # Behaviour
    /// - At most `limit` documents (0 counts as 1) and about 8 MiB a page, but always at least one if there
    ///   is one.
    /// - [`Page::next`] is the id to continue after, or `None` at the end. A last page may be empty.
    /// - Under concurrent writes, a document that was there before the first page and is still there after
    ///   the last, unchanged or changed, is seen exactly once; ids never come out of order or twice.
    /// - Other namespaces and collections are never seen.
    async fn scan(&self, scan: &Scan) -> Result<Page>;

    /// Applies all writes, or none.
    ///
    /// # Behaviour
    /// - Every [`Expect`] is compared with the state just before the commit. If one doesn't hold, nothing is
    ///   written and the error is [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) naming the key.
    /// - Commits are serializable, checks included: the result is as if they had run one after the other.
    /// - When it returns `Ok`, the writes survive a crash of the process and of the machine (memory excepted).
    /// - All documents written by one commit carry the returned revision. It is greater than every revision
    ///   these keys ever had, so a document deleted and made again never repeats an old one.
    /// - A batch that names a key twice, among writes and checks together, is refused as invalid input, an
    ///   oversized key or document as a limit exceeded: [`Batch::validate`] does it for all backends.
    /// - A batch without writes only does its checks and returns a revision that no later commit repeats.
    /// - Cancelling the call by dropping it leaves either all or nothing written.
    async fn commit(&self, batch: Batch) -> Result<Revision>;

    /// Asks the backend whether it can serve, cheaply: for readiness checks.
    async fn ping(&self) -> Result<()>;

    /// How many bytes it takes, if the backend can tell; what was deleted counts until it is compacted.
    async fn size(&self) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Gives the space of what was deleted back, where the backend doesn't do so by itself. Others wait meanwhile.
    async fn compact(&self) -> Result<()> {
        Ok(())
    }
}

/// The ids of every page of a scan. Mostly for tests and small collections: it holds them all.
///
/// # Errors
/// Whatever [`Store::scan`] fails with.
pub async fn collect_ids(store: &dyn Store, mut scan: Scan) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    loop {
        let page = store.scan(&scan).await?;
        ids.extend(page.documents.into_iter().map(|document| document.key.id));
        match page.next {
            Some(next) => scan.after = Some(next),
            None => return Ok(ids),
        }
    }
}

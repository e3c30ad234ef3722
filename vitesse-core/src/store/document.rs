use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// How many bytes of content a page holds at most, so that a reader's memory stays bounded.
pub(crate) const PAGE_BYTES: usize = 8 << 20;

/// How large a document may be. Larger things belong in files or object storage.
pub const MAX_VALUE_BYTES: usize = 64 << 20;

/// How long the three parts of a key may be together.
pub const MAX_KEY_BYTES: usize = 2048;

/// Names a document: a namespace (a tenant or an installation), a collection (a type of document), an id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Namespaces can't see each other.
    pub namespace: String,
    /// The type of document.
    pub collection: String,
    /// The document within its collection; any characters.
    pub id: String,
}

impl Key {
    /// Puts the three parts together.
    pub fn new(namespace: impl Into<String>, collection: impl Into<String>, id: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), collection: collection.into(), id: id.into() }
    }

    /// The bytes of the three parts together.
    pub(crate) fn len(&self) -> usize {
        self.namespace.len() + self.collection.len() + self.id.len()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.collection, self.id.escape_debug())
    }
}

/// Which commit a document was last written by. Opaque but for its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A document as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub key: Key,
    /// The commit that wrote it.
    pub revision: Revision,
    /// Its content; the store doesn't look inside.
    pub value: Vec<u8>,
}

/// What a write or a check requires of the key's present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Anything: the last writer wins.
    Any,
    /// No such document.
    Absent,
    /// The document, unchanged since it was read at this revision.
    At(Revision),
}

impl Expect {
    /// Compares with the key's present revision; for backends.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] that names the key, what was expected and what was found.
    pub fn holds(self, key: &Key, present: Option<Revision>) -> Result<()> {
        let expected = match (self, present) {
            (Self::Any, _) | (Self::Absent, None) => return Ok(()),
            (Self::At(expected), Some(present)) if expected == present => return Ok(()),
            (Self::Absent, Some(_)) => "no document".to_owned(),
            (Self::At(expected), _) => format!("revision {expected}"),
        };
        let found = present.map_or_else(|| "no document".to_owned(), |found| format!("revision {found}"));
        Err(Error::new(ErrorKind::Conflict, "the document was changed by somebody else")
            .in_operation("store.commit")
            .with("key", key)
            .with("expected", expected)
            .with("found", found)
            .help("read it again and decide anew"))
    }
}

/// One change of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Writes the document's whole content.
    Put {
        /// Which document.
        key: Key,
        /// What must hold before.
        expect: Expect,
        /// The new content.
        value: Vec<u8>,
    },
    /// Removes the document; removing what isn't there is fine unless `expect` says otherwise.
    Delete {
        /// Which document.
        key: Key,
        /// What must hold before.
        expect: Expect,
    },
}

impl Write {
    /// The document it changes.
    pub fn key(&self) -> &Key {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } => key,
        }
    }

    /// What must hold before.
    pub fn expect(&self) -> Expect {
        match self {
            Self::Put { expect, .. } | Self::Delete { expect, .. } => *expect,
        }
    }
}

/// A key that is only read, but must not have changed for the commit to stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which document.
    pub key: Key,
    /// What must hold.
    pub expect: Expect,
}

/// Writes and checks that are applied together or not at all.
///
/// ```
/// use vitesse_core::store::{Batch, Expect, Key};
/// let batch = Batch::new()
///     .put(Key::new("default", "integrations", "a"), Expect::Absent, b"{}".to_vec())
///     .delete(Key::new("default", "leases", "a"), Expect::Any);
/// assert_eq!(batch.writes.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The changes. A key may appear once among writes and checks together.
    pub writes: Vec<Write>,
    /// What else must hold.
    pub checks: Vec<Check>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a put.
    #[must_use]
    pub fn put(mut self, key: Key, expect: Expect, value: Vec<u8>) -> Self {
        self.writes.push(Write::Put { key, expect, value });
        self
    }

    /// Adds a delete.
    #[must_use]
    pub fn delete(mut self, key: Key, expect: Expect) -> Self {
        self.writes.push(Write::Delete { key, expect });
        self
    }

    /// Adds a check.
    #[must_use]
    pub fn check(mut self, key: Key, expect: Expect) -> Self {
        self.checks.push(Check { key, expect });
        self
    }

    /// Everything that must hold, of writes and checks alike; for backends.
    pub fn expectations(&self) -> impl Iterator<Item = (&Key, Expect)> {
        let writes = self.writes.iter().map(|write| (write.key(), write.expect()));
        writes.chain(self.checks.iter().map(|check| (&check.key, check.expect)))
    }

    /// Refuses what no backend may accept; every backend calls it first.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if a key is named twice, [`ErrorKind::LimitExceeded`] for a key longer
    /// than [`MAX_KEY_BYTES`] or a value larger than [`MAX_VALUE_BYTES`].
    pub fn validate(&self) -> Result<()> {
        let mut seen = std::collections::HashSet::new();
        for (key, _) in self.expectations() {
            if key.len() > MAX_KEY_BYTES {
                return Err(Error::new(ErrorKind::LimitExceeded, "the key is too long")
                    .in_operation("store.commit")
                    .with("collection", &key.collection)
                    .with("bytes", key.len())
                    .help(format!("namespace, collection and id may have {MAX_KEY_BYTES} bytes together")));
            }
            if !seen.insert(key) {
                return Err(Error::new(ErrorKind::InvalidInput, "the batch names a document twice")
                    .in_operation("store.commit")
                    .with("key", key)
                    .help("a commit holds one write or one check for each document"));
            }
        }
        for write in &self.writes {
            if let Write::Put { key, value, .. } = write
                && value.len() > MAX_VALUE_BYTES
            {
                return Err(Error::new(ErrorKind::LimitExceeded, "the document is too large")
                    .in_operation("store.commit")
                    .with("key", key)
                    .with("bytes", value.len())
                    .help(format!("a document may have {MAX_VALUE_BYTES} bytes")));
            }
        }
        Ok(())
    }
}

/// What to scan for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The namespace.
    pub namespace: String,
    /// The collection.
    pub collection: String,
    /// Only ids that begin with this; empty for all.
    pub prefix: String,
    /// Only ids greater than this: the [`Page::next`] of the page before.
    pub after: Option<String>,
    /// At most this many documents.
    pub limit: usize,
}

impl Scan {
    /// The first hundred documents of a collection.
    pub fn new(namespace: impl Into<String>, collection: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            collection: collection.into(),
            prefix: String::new(),
            after: None,
            limit: 100,
        }
    }

    /// Only ids that begin with `prefix`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Only ids greater than `id`.
    #[must_use]
    pub fn after(mut self, id: impl Into<String>) -> Self {
        self.after = Some(id.into());
        self
    }

    /// At most `limit` documents a page.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// One page of a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The documents, in the byte order of their ids.
    pub documents: Vec<Document>,
    /// Pass it as [`Scan::after`] for the next page; `None` at the end.
    pub next: Option<String>,
}

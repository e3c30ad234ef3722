use std::fmt;

use serde::{Deserialize, Serialize};

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
    /// The changes, at most one a key.
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

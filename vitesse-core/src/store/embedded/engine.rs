//! The file itself. Everything here blocks.

use std::fs;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use redb::{
    CompactionError, Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};

use super::make;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Batch, Document, Key, PAGE_BYTES, Page, Revision, Scan, Write};

/// Namespace, collection and id give revision and content. The engine compares the parts one by one, bytes
/// by bytes, so no separator is needed that an id could hold.
const DOCUMENTS: TableDefinition<(&str, &str, &str), (u64, &[u8])> = TableDefinition::new("documents");
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// What this code reads and writes; raised when the tables change their meaning.
const FORMAT: u64 = 1;
/// From this size on a commit also writes which pages are free. Commits cost up to twice as much then, but
/// opening after a kill takes no walk over the file, which costs 0.6 s a gigabyte.
const QUICK_REPAIR_FROM: u64 = 256 << 20;

pub(super) struct Engine {
    path: PathBuf,
    cache_bytes: usize,
    /// `None` after an I/O error until the file could be opened again.
    database: Option<Database>,
}

impl Engine {
    pub(super) fn open(path: PathBuf, cache_bytes: usize) -> Result<Self> {
        make::make(&path, |making| open(making, cache_bytes).map(drop))?;
        let database = open(&path, cache_bytes)?;
        Ok(Self { path, cache_bytes, database: Some(database) })
    }

    /// Closes and opens the file anew after an I/O error.
    pub(super) fn reopen(&mut self) {
        self.database = None;
        self.database = open(&self.path, self.cache_bytes).ok();
    }

    fn database(&self) -> Result<&Database> {
        self.database.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::StoreFailed, "the store is closed after a failed write")
                .with("file", self.path.display())
                .help("free some space on the disk, or check it, and try again")
                .temporary()
        })
    }

    /// How many bytes the file has.
    pub(super) fn size(&self) -> Result<u64> {
        fs::metadata(&self.path)
            .map(|data| data.len())
            .map_err(|error| io_failed(&self.path, "the store's file can't be looked at", error))
    }

    /// Gives the space of what was deleted back to the file system.
    pub(super) fn compact(&mut self) -> Result<()> {
        self.database()?;
        let Some(database) = self.database.as_mut() else { return Ok(()) };
        match database.compact() {
            Ok(_) => Ok(()),
            Err(CompactionError::Storage(error)) => Err(self.failed("compacted", error)),
            // Somebody reads: it is only put off.
            Err(_) => Ok(()),
        }
    }

    pub(super) fn ping(&self) -> Result<()> {
        let read = self.database()?.begin_read().map_err(|error| self.failed("read", error))?;
        read.open_table(META).map_err(|error| self.failed("read", error)).map(drop)
    }

    pub(super) fn get(&self, key: &Key) -> Result<Option<Document>> {
        let get = || -> Result<_, redb::Error> {
            let table = self.database_or_io()?.begin_read()?.open_table(DOCUMENTS)?;
            let name = (key.namespace.as_str(), key.collection.as_str(), key.id.as_str());
            Ok(table.get(name)?.map(|found| {
                let (revision, value) = found.value();
                Document { key: key.clone(), revision: Revision(revision), value: value.to_vec() }
            }))
        };
        self.database()?;
        get().map_err(|error| self.failed("read", error))
    }

    pub(super) fn scan(&self, scan: &Scan) -> Result<Page> {
        self.database()?;
        self.page(scan).map_err(|error| self.failed("read", error))
    }

    fn page(&self, scan: &Scan) -> Result<Page, redb::Error> {
        let table = self.database_or_io()?.begin_read()?.open_table(DOCUMENTS)?;
        let (namespace, collection) = (scan.namespace.as_str(), scan.collection.as_str());
        let from = match &scan.after {
            Some(after) if *after >= scan.prefix => Bound::Excluded((namespace, collection, after.as_str())),
            _ => Bound::Included((namespace, collection, scan.prefix.as_str())),
        };
        let mut page = Page::default();
        let mut bytes = 0;
        for entry in table.range::<(&str, &str, &str)>((from, Bound::Unbounded))? {
            let (name, found) = entry?;
            let (in_namespace, in_collection, id) = name.value();
            if in_namespace != namespace || in_collection != collection || !id.starts_with(&scan.prefix) {
                break;
            }
            let (revision, value) = found.value();
            let full = page.documents.len() >= scan.limit.max(1) || bytes + value.len() > PAGE_BYTES;
            if full && let Some(last) = page.documents.last() {
                page.next = Some(last.key.id.clone());
                break;
            }
            bytes += value.len();
            page.documents.push(Document {
                key: Key::new(namespace, collection, id),
                revision: Revision(revision),
                value: value.to_vec(),
            });
        }
        Ok(page)
    }

    /// Applies the batches one after the other in one transaction: one flush of the disk for all. A batch
    /// whose expectations don't hold is left out; a failing disk fails them all.
    pub(super) fn commit(&self, batches: Vec<Batch>) -> Vec<Result<Revision>> {
        let count = batches.len();
        let group = || -> Result<Vec<Result<Revision>>, redb::Error> {
            let mut write = self.database_or_io()?.begin_write()?;
            write
                .set_quick_repair(fs::metadata(&self.path).is_ok_and(|data| data.len() >= QUICK_REPAIR_FROM));
            let results = apply(&write, batches)?;
            if results.iter().any(Result::is_ok) {
                write.commit()?;
            } else {
                write.abort()?;
            }
            Ok(results)
        };
        if let Err(error) = self.database() {
            return fail_all(count, || error_again(&error));
        }
        group().unwrap_or_else(|error| {
            let error = self.failed("written", error);
            fail_all(count, || error_again(&error))
        })
    }

    /// For closures that speak the engine's errors; the callers have asked [`Self::database`] before.
    fn database_or_io(&self) -> Result<&Database, redb::Error> {
        self.database.as_ref().ok_or(redb::Error::PreviousIo)
    }

    fn failed(&self, done: &str, error: impl Into<redb::Error>) -> Error {
        let error = error.into();
        let failed = Error::new(ErrorKind::StoreFailed, format!("the store's file could not be {done}"))
            .with("file", self.path.display());
        let failed = match &error {
            redb::Error::Corrupted(what) => failed.with("damaged", what).help("restore a backup"),
            redb::Error::Io(io) if io.kind() == io::ErrorKind::StorageFull => {
                failed.help("the disk is full: free some space and try again").temporary()
            }
            _ => failed.help("check the disk and its permissions"),
        };
        failed.source(error)
    }
}

fn fail_all(count: usize, error: impl Fn() -> Error) -> Vec<Result<Revision>> {
    (0..count).map(|_| Err(error())).collect()
}

/// Errors hold their causes and can't be copied; every waiting caller gets the same words.
fn error_again(error: &Error) -> Error {
    let mut again = Error::new(error.kind(), error.message().to_owned()).in_operation("store.commit");
    for (key, value) in error.context() {
        again = again.with(key, value);
    }
    if let Some(cause) = error.causes().next() {
        again = again.with("cause", cause);
    }
    if let Some(help) = error.help_text() {
        again = again.help(help.to_owned());
    }
    if error.is_temporary() { again.temporary() } else { again }
}

fn apply(write: &WriteTransaction, batches: Vec<Batch>) -> Result<Vec<Result<Revision>>, redb::Error> {
    let mut documents = write.open_table(DOCUMENTS)?;
    let mut meta = write.open_table(META)?;
    let mut last = meta.get("revision")?.map_or(0, |last| last.value());
    let mut results = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut holds = Ok(());
        for (key, expect) in batch.expectations() {
            let present = documents.get(name(key))?.map(|found| Revision(found.value().0));
            holds = expect.holds(key, present);
            if holds.is_err() {
                break;
            }
        }
        if let Err(conflict) = holds {
            results.push(Err(conflict));
            continue;
        }
        last += u64::from(!batch.writes.is_empty());
        for change in &batch.writes {
            match change {
                Write::Put { key, value, .. } => documents.insert(name(key), (last, value.as_slice()))?,
                Write::Delete { key, .. } => documents.remove(name(key))?,
            };
        }
        results.push(Ok(Revision(last)));
    }
    meta.insert("revision", last)?;
    Ok(results)
}

fn name(key: &Key) -> (&str, &str, &str) {
    (&key.namespace, &key.collection, &key.id)
}

fn open(path: &Path, cache_bytes: usize) -> Result<Database> {
    let database =
        Database::builder().set_cache_size(cache_bytes).create(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => {
                Error::new(ErrorKind::StoreUnavailable, "another process has the store open")
                    .with("file", path.display())
                    .help("stop it first, or use a PostgreSQL store, which many processes can share")
            }
            DatabaseError::UpgradeRequired(found) => newer(path, u64::from(found)),
            DatabaseError::Storage(redb::StorageError::Io(error)) => match error.kind() {
                io::ErrorKind::InvalidData => not_ours(path).source(error),
                _ => io_failed(path, "the store's file can't be opened", error),
            },
            error => not_ours(path).source(error),
        })?;
    let format = format(&database).map_err(|error| not_ours(path).source(error))?;
    if format == FORMAT { Ok(database) } else { Err(newer(path, format)) }
}

/// Reads the format version; a file that is new gets ours.
fn format(database: &Database) -> Result<u64, redb::Error> {
    let write = database.begin_write()?;
    let found = {
        let mut meta = write.open_table(META)?;
        let found = meta.get("format")?.map(|format| format.value());
        if found.is_none() {
            meta.insert("format", FORMAT)?;
            write.open_table(DOCUMENTS)?;
        }
        found
    };
    match found {
        Some(format) => write.abort().map(|()| format)?,
        None => write.commit().map(|()| FORMAT)?,
    };
    Ok(found.unwrap_or(FORMAT))
}

fn not_ours(path: &Path) -> Error {
    Error::new(ErrorKind::StoreFailed, "the file is not a store of Vitesse, or is damaged")
        .with("file", path.display())
        .help("check the path; restore a backup if it is the right one")
}

fn newer(path: &Path, found: u64) -> Error {
    Error::new(ErrorKind::StoreFailed, "the store was written in another format")
        .with("file", path.display())
        .with("format", found)
        .with("known", FORMAT)
        .help("open it with the version of Vitesse that wrote it, or a newer one")
}

pub(super) fn io_failed(path: &Path, what: &'static str, error: io::Error) -> Error {
    Error::new(ErrorKind::StoreFailed, what)
        .with("file", path.display())
        .with("cause", &error)
        .help("check the folder's permissions and the space left")
        .source(error)
}

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::{Batch, Document, Key, Page, Revision, Scan, Store};
use crate::error::{Error, ErrorKind, Result};

mod engine;
mod make;

use engine::Engine;

/// How a store in a local file is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EmbeddedOptions {
    /// Memory for pages of the file, in bytes. The operating system caches the file as well, so a small
    /// figure costs little; 2 MiB unless told otherwise.
    pub cache_bytes: usize,
    /// How long to wait for another process that has the file open; not at all unless told otherwise.
    pub wait: Duration,
}

/// How often it is looked whether the file is free.
const LOOK: Duration = Duration::from_millis(20);

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self { cache_bytes: 2 << 20, wait: Duration::ZERO }
    }
}

/// Documents in one local file, held by one process at a time.
///
/// What [`commit`](Store::commit) acknowledged is on disk. The engine is blocking and lives on two threads of its own:
/// one commits, one reads. The committing thread takes everything that waits in its queue into one
/// transaction, so eight writers share one flush of the disk.
///
/// ```
/// use vitesse_core::store::{Batch, EmbeddedStore, Expect, Key, Store};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("state.redb");
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EmbeddedStore::open(&path, Default::default()).await?;
/// let key = Key::new("default", "notes", "a");
/// store.commit(Batch::new().put(key.clone(), Expect::Any, b"kept".to_vec())).await?;
/// drop(store);
///
/// let store = EmbeddedStore::open(&path, Default::default()).await?;
/// assert_eq!(store.get(&key).await?.unwrap().value, b"kept");
/// # Ok::<(), vitesse_core::Error>(()) }).unwrap();
/// ```
pub struct EmbeddedStore {
    path: PathBuf,
    // `None` only while it is dropped: the threads end when their queues close.
    queues: Option<Queues>,
    threads: Vec<JoinHandle<()>>,
}

struct Queues {
    commits: mpsc::Sender<Commit>,
    reads: mpsc::Sender<Read>,
}

type Answer<T> = oneshot::Sender<Result<T>>;

struct Commit {
    batch: Batch,
    answer: Answer<Revision>,
}

enum Read {
    Get(Key, Answer<Option<Document>>),
    Scan(Scan, Answer<Page>),
    Ping(Answer<()>),
    Size(Answer<u64>),
    /// Not a read, but as seldom as it is, it needs no queue of its own.
    Compact(Answer<()>),
}

/// How many callers may wait before the next one waits to be allowed to wait.
const QUEUE: usize = 1024;
/// How much one transaction takes from the queue at most, so that no caller waits long for the others.
const GROUP_BATCHES: usize = 256;
const GROUP_BYTES: usize = 16 << 20;

impl EmbeddedStore {
    /// Opens the file, or makes it, with the folders above it. A folder is taken as the place for
    /// `vitesse.redb`.
    ///
    /// # Errors
    /// - [`ErrorKind::StoreUnavailable`] if a process, this one included, has it open, longer than we may
    ///   [`wait`](EmbeddedOptions::wait).
    /// - [`ErrorKind::StoreFailed`] if the file is something else, is damaged, or was written by a newer
    ///   version.
    pub async fn open(path: impl AsRef<Path>, options: EmbeddedOptions) -> Result<Self> {
        let mut path = path.as_ref().to_owned();
        if path.is_dir() {
            path.push("vitesse.redb");
        }
        let until = Instant::now() + options.wait;
        loop {
            match Self::open_now(path.clone(), &options).await {
                // What is temporary here is that somebody else has it.
                Err(error) if error.is_temporary() && Instant::now() < until => {
                    tokio::time::sleep(LOOK).await
                }
                opened => return opened,
            }
        }
    }

    async fn open_now(path: PathBuf, options: &EmbeddedOptions) -> Result<Self> {
        let (commits, commit_queue) = mpsc::channel(QUEUE);
        let (reads, read_queue) = mpsc::channel(QUEUE);
        let (opened, wait) = oneshot::channel();
        let starter = {
            let (path, cache) = (path.clone(), options.cache_bytes);
            spawn("vitesse-store", move || {
                match Engine::open(path, cache) {
                    Ok(engine) => {
                        let engine = std::sync::Arc::new(RwLock::new(engine));
                        let readers = engine.clone();
                        let reader = spawn("vitesse-reads", move || serve_reads(&readers, read_queue));
                        let reader = match reader {
                            Ok(reader) => reader,
                            Err(error) => return drop(opened.send(Err(error))),
                        };
                        let _ = opened.send(Ok(()));
                        serve_commits(&engine, commit_queue);
                        let _ = reader.join();
                    }
                    Err(error) => drop(opened.send(Err(error))),
                };
            })?
        };
        let store = Self { path, queues: Some(Queues { commits, reads }), threads: vec![starter] };
        wait.await
            .unwrap_or_else(|_| Err(store.stopped()))
            .map_err(|error| error.in_operation("store.open"))?;
        Ok(store)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn read<T>(&self, ask: impl FnOnce(Answer<T>) -> Read) -> Result<T> {
        let (answer, wait) = oneshot::channel();
        let queues = self.queues.as_ref().ok_or_else(|| self.stopped())?;
        queues.reads.send(ask(answer)).await.map_err(|_| self.stopped())?;
        wait.await.map_err(|_| self.stopped())?
    }

    fn stopped(&self) -> Error {
        Error::new(ErrorKind::StoreFailed, "the store's engine has stopped")
            .with("file", self.path.display())
            .help("the file may be damaged: see the log, restart, and restore a backup if that doesn't help")
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).stack_size(512 << 10).spawn(work).map_err(|error| {
        Error::new(ErrorKind::StoreFailed, "no thread could be started for the store").source(error)
    })
}

fn serve_commits(engine: &RwLock<Engine>, mut queue: mpsc::Receiver<Commit>) {
    while let Some(first) = queue.blocking_recv() {
        let mut bytes = size(&first.batch);
        let mut group = vec![first];
        while group.len() < GROUP_BATCHES
            && bytes < GROUP_BYTES
            && let Ok(next) = queue.try_recv()
        {
            bytes += size(&next.batch);
            group.push(next);
        }
        let (batches, answers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|commit| (commit.batch, commit.answer)).unzip();
        let results = engine.read().unwrap_or_else(PoisonError::into_inner).commit(batches);
        // An engine that met an I/O error (a full disk) refuses everything until it is opened again.
        let broken = results
            .iter()
            .any(|result| result.as_ref().is_err_and(|error| error.kind() == ErrorKind::StoreFailed));
        for (answer, result) in answers.into_iter().zip(results) {
            let _ = answer.send(result);
        }
        if broken {
            engine.write().unwrap_or_else(PoisonError::into_inner).reopen();
        }
    }
}

fn size(batch: &Batch) -> usize {
    let value = |write: &super::Write| match write {
        super::Write::Put { value, .. } => value.len(),
        super::Write::Delete { .. } => 0,
    };
    batch.writes.iter().map(value).sum()
}

fn serve_reads(lock: &RwLock<Engine>, mut queue: mpsc::Receiver<Read>) {
    while let Some(read) = queue.blocking_recv() {
        let engine = lock.read().unwrap_or_else(PoisonError::into_inner);
        match read {
            Read::Compact(answer) => {
                drop(engine);
                let mut engine = lock.write().unwrap_or_else(PoisonError::into_inner);
                let done = engine.compact();
                if done.is_err() {
                    engine.reopen();
                }
                drop(answer.send(done));
            }
            Read::Size(answer) => drop(answer.send(engine.size())),
            Read::Get(key, answer) => drop(answer.send(engine.get(&key))),
            Read::Scan(scan, answer) => drop(answer.send(engine.scan(&scan))),
            Read::Ping(answer) => drop(answer.send(engine.ping())),
        }
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    fn backend(&self) -> &'static str {
        "embedded"
    }

    async fn get(&self, key: &Key) -> Result<Option<Document>> {
        self.read(|answer| Read::Get(key.clone(), answer)).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page> {
        self.read(|answer| Read::Scan(scan.clone(), answer)).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision> {
        batch.validate()?;
        let (answer, wait) = oneshot::channel();
        let queues = self.queues.as_ref().ok_or_else(|| self.stopped())?;
        queues.commits.send(Commit { batch, answer }).await.map_err(|_| self.stopped())?;
        wait.await.map_err(|_| self.stopped())?
    }

    async fn ping(&self) -> Result<()> {
        self.read(Read::Ping).await
    }

    async fn size(&self) -> Result<Option<u64>> {
        self.read(Read::Size).await.map(Some)
    }

    async fn compact(&self) -> Result<()> {
        self.read(Read::Compact).await
    }
}

/// Waits for what is queued, so that the file is free when the store is gone.
impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.queues = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").field("path", &self.path).finish_non_exhaustive()
    }
}

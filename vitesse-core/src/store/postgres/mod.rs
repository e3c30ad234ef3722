use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{Client, Hook, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::Row;

mod address;
mod failure;
mod migrate;
mod tls;

use super::{Batch, Document, Expect, Key, PAGE_BYTES, Page, Revision, Scan, Store, Write};
use crate::error::{Error, ErrorKind, Result};
use failure::{cuts_off, failed, is_retryable, pool_failed};

/// How a PostgreSQL database is used.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PostgresOptions {
    /// The most connections this process holds; 8 unless told otherwise.
    pub connections: usize,
    /// How long to wait for a connection; 10 seconds unless told otherwise.
    pub connect_timeout: Duration,
    /// How long the server may take for one statement; 30 seconds unless told otherwise.
    pub statement_timeout: Duration,
    /// Authorities trusted beside the built-in ones for `sslmode=verify-full`: what `SSL_CERT_FILE` names.
    pub ca_file: Option<PathBuf>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections: 8,
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(30),
            ca_file: std::env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()).map(PathBuf::from),
        }
    }
}

/// Documents in a PostgreSQL database, shared by many processes.
///
/// A commit is one call of a function in the database: one round trip, applied wholly or not at all even if
/// the caller goes away. Commits lock their keys in one order, so they are serializable without retries.
///
/// Behind a connection pooler, use its session mode: settings of the session are relied on.
pub struct PostgresStore {
    pool: Pool,
    place: String,
}

/// The lock every commit takes: small ones together, a large one alone. Even, where locks of keys are odd.
const GATE: i64 = 0x7669_7465_7373_6530;
/// The server keeps room for 64 locks a connection; a commit of more keys takes the gate instead.
const LOCKS: usize = 48;
/// How often a commit that the server undid because of others is tried again.
const ATTEMPTS: u32 = 5;

impl PostgresStore {
    /// Connects, and brings the schema up to date, under a lock: processes may start together.
    ///
    /// `sslmode` in the URL is `disable`, `prefer` (as given), `require` or `verify-full`. Only the last makes sure
    /// that the server is the right one.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`] if the URL can't be read.
    /// - [`ErrorKind::StoreUnavailable`], temporary, if the server can't be reached; permanent if it refuses the
    ///   user, the password or the database.
    /// - [`ErrorKind::StoreFailed`] if a newer version of Vitesse has migrated the database.
    pub async fn open(url: &str, options: PostgresOptions) -> Result<Self> {
        let (config, tls) = address::parse(url, options.connect_timeout)?;
        let place = format!(
            "{}/{}",
            config.get_hosts().iter().map(host).collect::<Vec<_>>().join(","),
            config.get_dbname().unwrap_or_default()
        );
        let connector = tls::connector(tls, options.ca_file.as_deref())?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let session = format!(
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;
             SET synchronous_commit = on; SET statement_timeout = {}",
            options.statement_timeout.as_millis()
        );
        let pool = Pool::builder(Manager::from_config(config, connector, recycling))
            .max_size(options.connections.max(1))
            .wait_timeout(Some(options.connect_timeout))
            .create_timeout(Some(options.connect_timeout))
            .recycle_timeout(Some(options.connect_timeout))
            .runtime(Runtime::Tokio1)
            .post_create(Hook::async_fn(move |client, _| {
                let session = session.clone();
                Box::pin(async move {
                    client.batch_execute(&session).await.map_err(deadpool_postgres::HookError::Backend)
                })
            }))
            .build()
            .map_err(|error| Error::new(ErrorKind::Internal, "the pool can't be made").source(error))?;
        let store = Self { pool, place };
        let opened = async { migrate::migrate(&mut store.client().await?).await };
        opened.await.map_err(|error| error.in_operation("store.open").with("database", &store.place))?;
        Ok(store)
    }

    async fn client(&self) -> Result<Client> {
        self.pool.get().await.map_err(pool_failed)
    }

    /// A connection that answers: a commit that meets a dead one could not tell whether it was done.
    async fn sound_client(&self) -> Result<Client> {
        // As many may be dead as the pool holds; the next one is new.
        let mut left = self.pool.status().max_size;
        loop {
            let client = self.client().await?;
            match client.simple_query("").await {
                Ok(_) => return Ok(client),
                Err(error) if left > 0 && (error.is_closed() || error.code().is_some_and(cuts_off)) => {
                    left -= 1;
                    drop(Client::take(client));
                }
                Err(error) => return Err(failed("written", error)),
            }
        }
    }

    async fn try_commit(&self, batch: &Batch) -> Result<Row, CommitError> {
        let locks = locks(batch);
        let keys: Vec<_> = batch.expectations().collect();
        let part =
            |part: fn(&Key) -> &str| keys.iter().map(|(key, _)| part(key).as_bytes()).collect::<Vec<_>>();
        let (namespaces, collections, ids) =
            (part(|k| &k.namespace), part(|k| &k.collection), part(|k| &k.id));
        let expects: Vec<i64> = keys.iter().map(|(_, expect)| number(*expect)).collect();
        let of_writes = batch.writes.iter().map(|write| match write {
            Write::Put { value, .. } => (1i16, Some(value.as_slice())),
            Write::Delete { .. } => (2, None),
        });
        let of_checks = batch.checks.iter().map(|_| (0, None));
        let (kinds, contents): (Vec<i16>, Vec<Option<&[u8]>>) = of_writes.chain(of_checks).unzip();
        let client = self.sound_client().await.map_err(CommitError::Before)?;
        let statement = client
            .prepare_cached(
                "SELECT revision, conflict, present FROM vitesse_commit($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .await
            .map_err(|error| CommitError::Before(failed("written", error)))?;
        client
            .query_one(
                &statement,
                &[&GATE, &locks, &namespaces, &collections, &ids, &kinds, &expects, &contents],
            )
            .await
            .map_err(CommitError::During)
    }
}

enum CommitError {
    /// Nothing was sent.
    Before(Error),
    /// The server may have done it, unless it says that it has not.
    During(tokio_postgres::Error),
}

#[async_trait]
impl Store for PostgresStore {
    fn backend(&self) -> &'static str {
        "postgres"
    }

    async fn get(&self, key: &Key) -> Result<Option<Document>> {
        let mut again = true;
        let row = loop {
            let read = async {
                let client = self.client().await?;
                let statement = client
                    .prepare_cached(
                        "SELECT revision, value FROM vitesse_documents
                         WHERE namespace = $1 AND collection = $2 AND id = $3",
                    )
                    .await
                    .map_err(|error| failed("read", error))?;
                let (namespace, collection, id) = bytes(key);
                client
                    .query_opt(&statement, &[&namespace, &collection, &id])
                    .await
                    .map_err(|error| failed("read", error))
            };
            match read.await {
                Err(error) if again && met_dead(&error) => again = false,
                other => break other,
            }
        };
        let row = row.map_err(|error| self.here("store.get", error))?;
        row.map(|row| {
            let revision = revision(column(&row, 0)?);
            Ok(Document { key: key.clone(), revision, value: column(&row, 1)? })
        })
        .transpose()
    }

    async fn scan(&self, scan: &Scan) -> Result<Page> {
        let (from, inclusive) = match &scan.after {
            Some(after) if *after >= scan.prefix => (after, false),
            _ => (&scan.prefix, true),
        };
        let limit = i64::try_from(scan.limit.max(1)).unwrap_or(i64::MAX - 1).min(i64::MAX - 1);
        let mut again = true;
        let rows = loop {
            let read = async {
                let client = self.client().await?;
                // The sizes are summed up in the database, so that a page of large documents is not sent in vain.
                let statement = client
                    .prepare_cached(
                        "SELECT id, revision, value, more FROM (
                            SELECT id, revision, value,
                                row_number() OVER place AS n, lead(true, 1, false) OVER place AS more,
                                sum(octet_length(value)) OVER place AS bytes
                            FROM (SELECT id, revision, value FROM vitesse_documents
                                WHERE namespace = $1 AND collection = $2
                                    AND id >= $3 AND ($4 OR id > $3) AND ($5::bytea IS NULL OR id < $5)
                                ORDER BY id LIMIT $6::bigint + 1) AS reach
                            WINDOW place AS (ORDER BY id)) AS page
                         WHERE n <= $6::bigint AND (bytes <= $7::bigint OR n = 1) ORDER BY n",
                    )
                    .await
                    .map_err(|error| failed("read", error))?;
                let end = behind(scan.prefix.as_bytes());
                let page = i64::try_from(PAGE_BYTES).unwrap_or(i64::MAX);
                client
                    .query(
                        &statement,
                        &[
                            &scan.namespace.as_bytes(),
                            &scan.collection.as_bytes(),
                            &from.as_bytes(),
                            &inclusive,
                            &end,
                            &limit,
                            &page,
                        ],
                    )
                    .await
                    .map_err(|error| failed("read", error))
            };
            match read.await {
                Err(error) if again && met_dead(&error) => again = false,
                other => break other,
            }
        };
        let rows = rows.map_err(|error| self.here("store.scan", error))?;
        let mut page = Page::default();
        let mut more = false;
        for row in &rows {
            let id = String::from_utf8(column(row, 0)?).map_err(|error| {
                Error::new(ErrorKind::StoreFailed, "an id in the database is not UTF-8").source(error)
            })?;
            more = column(row, 3)?;
            page.documents.push(Document {
                key: Key::new(&scan.namespace, &scan.collection, id),
                revision: revision(column(row, 1)?),
                value: column(row, 2)?,
            });
        }
        if more {
            page.next = page.documents.last().map(|last| last.key.id.clone());
        }
        Ok(page)
    }

    async fn commit(&self, batch: Batch) -> Result<Revision> {
        batch.validate()?;
        let mut attempt = 1;
        let row = loop {
            match self.try_commit(&batch).await {
                Ok(row) => break row,
                Err(CommitError::During(error))
                    if attempt < ATTEMPTS && error.code().is_some_and(is_retryable) =>
                {
                    tokio::time::sleep(Duration::from_millis(5 << attempt)).await;
                    attempt += 1;
                }
                Err(CommitError::Before(error)) => return Err(self.here("store.commit", error)),
                Err(CommitError::During(error)) => {
                    let unknown = error.code().is_none_or(cuts_off);
                    let error = failed("written", error);
                    let error = if unknown {
                        error.help("the commit may have been done: read before you write again")
                    } else {
                        error
                    };
                    return Err(self.here("store.commit", error));
                }
            }
        };
        if let Some(at) = column::<Option<i64>>(&row, 1)? {
            let index = usize::try_from(at - 1).unwrap_or(usize::MAX);
            let found: i64 = column(&row, 2)?;
            if let Some((key, expect)) = batch.expectations().nth(index) {
                expect.holds(key, (found != 0).then(|| revision(found)))?;
            }
            return Err(Error::new(ErrorKind::Internal, "the database reports a conflict that is none"));
        }
        Ok(revision(column(&row, 0)?))
    }

    async fn ping(&self) -> Result<()> {
        let mut again = true;
        let pong = loop {
            let ping = async {
                let client = self.client().await?;
                client.batch_execute("SELECT 1").await.map_err(|error| failed("read", error))
            };
            match ping.await {
                Err(error) if again && met_dead(&error) => again = false,
                other => break other,
            }
        };
        pong.map_err(|error| self.here("store.ping", error))
    }
}

/// Whether a read is to be tried again: its connection turned out to be dead, and a read changes nothing.
fn met_dead(error: &Error) -> bool {
    error.kind() == ErrorKind::StoreUnavailable && error.is_temporary()
}

impl PostgresStore {
    fn here(&self, operation: &'static str, error: Error) -> Error {
        error.in_operation(operation).with("database", &self.place)
    }
}

fn column<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, at: usize) -> Result<T> {
    row.try_get(at).map_err(|error| failed("read", error))
}

fn bytes(key: &Key) -> (&[u8], &[u8], &[u8]) {
    (key.namespace.as_bytes(), key.collection.as_bytes(), key.id.as_bytes())
}

fn revision(stored: i64) -> Revision {
    Revision(u64::try_from(stored).unwrap_or_default())
}

fn number(expect: Expect) -> i64 {
    match expect {
        Expect::Any => -1,
        Expect::Absent => 0,
        // No document carries revision 0 or one beyond the sequence: such an expectation never holds.
        Expect::At(Revision(0)) => i64::MAX,
        Expect::At(Revision(revision)) => i64::try_from(revision).unwrap_or(i64::MAX),
    }
}

/// The locks of a batch in the one order all processes use; none if it has so many keys that it takes the gate.
fn locks(batch: &Batch) -> Vec<i64> {
    let mut locks: Vec<i64> = batch.expectations().map(|(key, _)| lock(key)).collect();
    locks.sort_unstable();
    locks.dedup();
    // An empty batch locks the gate's odd neighbour, so that it doesn't stop everybody.
    match locks.len() {
        0 => vec![GATE | 1],
        1..=LOCKS => locks,
        _ => Vec::new(),
    }
}

/// FNV-1a over the three parts: it must give the same in every version and on every machine. Two keys that
/// meet only wait for each other.
fn lock(key: &Key) -> i64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for part in [&key.namespace, &key.collection, &key.id] {
        // 0xFF is in no UTF-8 text, so it ends a part unmistakably.
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    i64::from_ne_bytes((hash | 1).to_ne_bytes())
}

/// The least bytes that are greater than everything that begins with `prefix`.
fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

fn host(host: &tokio_postgres::config::Host) -> String {
    match host {
        tokio_postgres::config::Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
    }
}

/// Where it is; never the user's password.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("database", &self.place).finish_non_exhaustive()
    }
}

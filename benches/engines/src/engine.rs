//! Each engine behind the same few lines, set up as `store-embedded` would use it: every batch is on disk
//! before `commit` returns, and caches are as small as the engine allows.

use std::error::Error;
use std::path::Path;

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

pub trait Engine: Send {
    /// Writes all batches, each atomically, and returns when they are on disk.
    fn commit(&mut self, batches: &[Pairs]) -> Result<()>;
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;
}

pub const NAMES: &[&str] = &["sled", "sled1", "redb", "redb-quick", "fjall"];

pub fn open(name: &str, path: &Path) -> Result<Box<dyn Engine>> {
    Ok(match name {
        "sled" => Box::new(Sled(
            sled::Config::new().path(path).cache_capacity(2 << 20).flush_every_ms(None).open()?,
        )),
        "sled1" => {
            let mut config = sled1::Config::new().path(path);
            config.cache_capacity_bytes = 2 << 20;
            config.flush_every_ms = None;
            Box::new(Sled1(config.open()?))
        }
        "redb" | "redb-quick" => {
            std::fs::create_dir_all(path)?;
            let db = redb::Database::builder().set_cache_size(2 << 20).create(path.join("data.redb"))?;
            Box::new(Redb(db, name == "redb-quick"))
        }
        "fjall" => {
            let db = fjall::Database::builder(path)
                .cache_size(2 << 20)
                .max_journaling_size(64 << 20)
                .worker_threads(1)
                .max_cached_files(Some(32))
                .open()?;
            let options = || fjall::KeyspaceCreateOptions::default().max_memtable_size(1 << 20);
            let documents = db.keyspace("documents", options)?;
            Box::new(Fjall(db, documents))
        }
        other => return Err(format!("no engine {other}; there are {NAMES:?}").into()),
    })
}

struct Sled(sled::Db);

impl Engine for Sled {
    fn commit(&mut self, batches: &[Pairs]) -> Result<()> {
        for pairs in batches {
            let mut batch = sled::Batch::default();
            for (key, value) in pairs {
                batch.insert(key.as_slice(), value.as_slice());
            }
            self.0.apply_batch(batch)?;
        }
        self.0.flush()?;
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.get(key)?.map(|value| value.to_vec()))
    }
}

struct Sled1(sled1::Db<1024>);

impl Engine for Sled1 {
    fn commit(&mut self, batches: &[Pairs]) -> Result<()> {
        for pairs in batches {
            let mut batch = sled1::Batch::default();
            for (key, value) in pairs {
                batch.insert(key.as_slice(), value.as_slice());
            }
            self.0.apply_batch(batch)?;
        }
        self.0.flush()?;
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.get(key)?.map(|value| value.to_vec()))
    }
}

struct Redb(redb::Database, bool);

const TABLE: redb::TableDefinition<&[u8], &[u8]> = redb::TableDefinition::new("documents");

impl Engine for Redb {
    fn commit(&mut self, batches: &[Pairs]) -> Result<()> {
        let mut write = self.0.begin_write()?;
        write.set_quick_repair(self.1);
        {
            let mut table = write.open_table(TABLE)?;
            for (key, value) in batches.iter().flatten() {
                table.insert(key.as_slice(), value.as_slice())?;
            }
        }
        write.commit()?;
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        use redb::{ReadableDatabase, ReadableTable};
        match self.0.begin_read()?.open_table(TABLE) {
            Ok(table) => Ok(ReadableTable::get(&table, key)?.map(|value| value.value().to_vec())),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

struct Fjall(fjall::Database, fjall::Keyspace);

impl Engine for Fjall {
    fn commit(&mut self, batches: &[Pairs]) -> Result<()> {
        for pairs in batches {
            let mut batch = self.0.batch();
            for (key, value) in pairs {
                batch.insert(&self.1, key.as_slice(), value.as_slice());
            }
            batch.commit()?;
        }
        self.0.persist(fjall::PersistMode::SyncAll)?;
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.1.get(key)?.map(|value| value.to_vec()))
    }
}

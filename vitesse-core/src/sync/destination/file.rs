//! Records appended to a file, each exactly once: how long the file is belongs to the same commit as the ledger.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};

/// A file that records are appended to.
#[derive(Clone, Debug)]
pub(in crate::sync) struct FileWriter {
    file: Arc<File>,
    path: Arc<PathBuf>,
    length: u64,
}

impl FileWriter {
    /// Opens the file and cuts off what was appended and never committed.
    pub(in crate::sync) async fn open(path: &str, committed: Option<u64>) -> Result<Self> {
        let path = Arc::new(PathBuf::from(path));
        let place = Arc::clone(&path);
        blocking(&path, move || {
            // Truncating is for what was not committed only.
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&*place)?;
            let present = file.metadata()?.len();
            let length = committed.unwrap_or(present);
            if present < length {
                return Err(std::io::Error::other("the file is shorter than what was written to it"));
            }
            file.set_len(length)?;
            Ok((file, length))
        })
        .await
        .map(|(file, length)| Self { file: Arc::new(file), path, length })
    }

    /// How long it is, with all that was appended.
    pub(in crate::sync) fn length(&self) -> u64 {
        self.length
    }

    /// Appends lines; they are on the disk when it returns.
    pub(in crate::sync) async fn append(&mut self, lines: String) -> Result<()> {
        let (file, at) = (Arc::clone(&self.file), self.length);
        let length = lines.len() as u64;
        blocking(&self.path, move || {
            let mut file = &*file;
            file.seek(SeekFrom::Start(at))?;
            file.write_all(lines.as_bytes())?;
            file.sync_data()
        })
        .await?;
        self.length += length;
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let outcome =
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    outcome.map_err(|error| {
        Error::new(ErrorKind::Io, error.to_string()).in_operation("sync.write").with("file", path.display())
    })
}

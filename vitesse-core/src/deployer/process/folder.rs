//! What a deployment leaves on the disk, and nowhere else.
//!
//! ```text
//! HOME/deployments/ID/            readable by its owner alone
//!   lock                          held by whoever watches over it
//!   deployment.json               what runs: process, ports, release, restarts
//!   releases/N/mapping.json       or mapping/ with a file a stream
//!   releases/N/environment.json   credentials too, so readable by its owner alone
//!   state/                        the runtime's own
//!   log/runtime.log               and runtime.log.1, the one before
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::identity::Identity;
use crate::deployer::{Deployment, LogLine, LogPage, LogQuery};
use crate::error::{Error, ErrorKind, Result};

/// A log longer than this is put aside, and a new one begun.
const LOG_BYTES: u64 = 10 << 20;
/// How much of a log is read at once.
const PAGE_BYTES: u64 = 1 << 20;

/// The folder of one deployment.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

/// What is remembered of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) integration_id: Uuid,
    pub(super) release: u32,
    pub(super) mapping_hash: String,
    pub(super) runtime: PathBuf,
    pub(super) runtime_version: String,
    pub(super) port: u16,
    pub(super) admin_port: u16,
    pub(super) paused: bool,
    /// The process, if one was started and not seen to end.
    pub(super) process: Option<String>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) restarts: u32,
    /// How the last process ended.
    pub(super) last_exit: Option<String>,
}

impl Record {
    pub(super) fn identity(&self) -> Option<Identity> {
        self.process.as_ref()?.parse().ok()
    }
}

impl Folder {
    pub(super) fn new(home: &Path, integration: Uuid) -> Self {
        Self { path: home.join("deployments").join(integration.to_string()) }
    }

    /// The integrations that have a folder.
    pub(super) fn all(home: &Path) -> Result<Vec<Uuid>> {
        let place = home.join("deployments");
        let entries = match fs::read_dir(&place) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("list", &place, error)),
        };
        let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        Ok(ids.collect())
    }

    pub(super) fn exists(&self) -> bool {
        self.path.join("deployment.json").is_file()
    }

    /// Makes the folder and takes the lock that says who watches over the deployment.
    pub(super) fn lock(&self) -> Result<File> {
        for folder in [&self.path, &self.path.join("state"), &self.path.join("log")] {
            private_folder(folder)?;
        }
        let path = self.path.join("lock");
        let lock = private_file(&path, false).map_err(|error| failed("open", &path, error))?;
        self.take(lock)
    }

    /// The same for whoever only looks: makes nothing, and takes nothing where nothing is.
    pub(super) fn lock_if_there(&self) -> Result<Option<File>> {
        let path = self.path.join("lock");
        match File::open(&path) {
            Ok(lock) => self.take(lock).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("open", &path, error)),
        }
    }

    fn take(&self, lock: File) -> Result<File> {
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(fs::TryLockError::WouldBlock) => {
                Err(Error::new(ErrorKind::Conflict, "another control plane watches over this deployment")
                    .in_operation("deployer.process")
                    .with("folder", self.path.display())
                    .help("do it through that one: `vitesse` finds a local server by itself"))
            }
            Err(fs::TryLockError::Error(error)) => Err(failed("lock", &self.path.join("lock"), error)),
        }
    }

    pub(super) fn record(&self) -> Result<Option<Record>> {
        let path = self.path.join("deployment.json");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &path, error)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            Error::new(ErrorKind::StoreFailed, "what is remembered of a deployment can't be read")
                .in_operation("deployer.process")
                .with("file", path.display())
                .source(error)
                .help("delete the deployment and deploy it again")
        })
    }

    pub(super) fn remember(&self, record: &Record) -> Result<()> {
        self.write("deployment.json", &json(record)?)
    }

    /// Writes the files of a release.
    pub(super) fn write_release(
        &self,
        number: u32,
        deployment: &Deployment,
        environment: &BTreeMap<String, String>,
    ) -> Result<()> {
        let release = self.release(number);
        self.remove_release(number)?;
        private_folder(&release)?;
        match deployment.mappings.as_slice() {
            [only] => self.write(&format!("releases/{number}/mapping.json"), only.to_json().as_bytes())?,
            all => {
                private_folder(&release.join("mapping"))?;
                for (at, mapping) in all.iter().enumerate() {
                    let name = format!("releases/{number}/mapping/{:03}.json", at + 1);
                    self.write(&name, mapping.to_json().as_bytes())?;
                }
            }
        }
        self.write(&format!("releases/{number}/environment.json"), &json(environment)?)
    }

    /// Where the mapping of a release is: a file, or a folder with one a stream.
    pub(super) fn mapping(&self, number: u32) -> PathBuf {
        let file = self.release(number).join("mapping.json");
        if file.is_file() { file } else { self.release(number).join("mapping") }
    }

    pub(super) fn environment(&self, number: u32) -> Result<BTreeMap<String, String>> {
        let path = self.release(number).join("environment.json");
        let text = fs::read(&path).map_err(|error| failed("read", &path, error))?;
        serde_json::from_slice(&text).map_err(|_| {
            Error::new(ErrorKind::StoreFailed, "the environment of a deployment can't be read")
                .in_operation("deployer.process")
                .with("file", path.display())
        })
    }

    /// Leaves only this release.
    pub(super) fn keep_only(&self, number: u32) -> Result<()> {
        let place = self.path.join("releases");
        let entries = fs::read_dir(&place).map_err(|error| failed("list", &place, error))?;
        for other in entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok()) {
            if other != number {
                self.remove_release(other)?;
            }
        }
        Ok(())
    }

    pub(super) fn remove_release(&self, number: u32) -> Result<()> {
        remove(&self.release(number))
    }

    pub(super) fn remove(&self) -> Result<()> {
        remove(&self.path)
    }

    pub(super) fn log_file(&self) -> PathBuf {
        self.path.join("log/runtime.log")
    }

    /// The log, to append to.
    pub(super) fn open_log(&self) -> Result<File> {
        let path = self.log_file();
        private_file(&path, true).map_err(|error| failed("open", &path, error))
    }

    /// Adds a line of our own to the log. That it can't be written is no reason to stop anything.
    pub(super) fn note(&self, line: &str) {
        if let Ok(mut log) = self.open_log() {
            let _ = writeln!(log, "vitesse: {line}");
        }
    }

    /// Puts a log that has grown too long aside. Whoever writes to it goes on with an empty one.
    pub(super) fn rotate_log(&self) {
        let path = self.log_file();
        if fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_BYTES)
            && fs::copy(&path, path.with_extension("log.1")).is_ok()
            && let Ok(log) = OpenOptions::new().write(true).open(&path)
        {
            let _ = log.set_len(0);
        }
    }

    /// The last lines, for an error.
    pub(super) fn tail(&self, lines: usize) -> Vec<String> {
        let page = self.log_page(&LogQuery { after: None, limit: lines }).unwrap_or_default();
        page.lines.into_iter().map(|line| line.text).collect()
    }

    pub(super) fn log_page(&self, query: &LogQuery) -> Result<LogPage> {
        let path = self.log_file();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LogPage::default()),
            Err(error) => return Err(failed("read", &path, error)),
        };
        let length = file.metadata().map_err(|error| failed("read", &path, error))?.len();
        let asked = match &query.after {
            Some(after) => Some(after.parse::<u64>().map_err(|_| {
                Error::new(ErrorKind::InvalidInput, "the log can't go on from there")
                    .in_operation("deployer.logs")
                    .with("after", after.escape_debug())
                    .help("pass the `next` of the page before, unchanged")
            })?),
            None => None,
        };
        // A log that became shorter was put aside: its successor is read from the beginning.
        let from = match asked {
            Some(asked) if asked <= length => asked,
            Some(_) => 0,
            None => length.saturating_sub(PAGE_BYTES),
        };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))
            .and_then(|_| file.take(PAGE_BYTES).read_to_end(&mut bytes))
            .map_err(|error| failed("read", &path, error))?;
        let mut at = from;
        let mut lines = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            // A line that is still being written comes with a later page, unless it fills one by itself.
            if !line.ends_with(b"\n") && line.len() < usize::try_from(PAGE_BYTES).unwrap_or(usize::MAX) {
                break;
            }
            if asked.is_some() && lines.len() == query.limit.max(1) {
                break;
            }
            at += line.len() as u64;
            let text = String::from_utf8_lossy(line);
            lines.push(LogLine { text: text.trim_end_matches(['\r', '\n']).to_owned() });
        }
        if asked.is_none() {
            // The first line may be the end of one that began before this page.
            lines.drain(..usize::from(from > 0).min(lines.len()));
            lines.drain(..lines.len().saturating_sub(query.limit.max(1)));
        }
        Ok(LogPage { lines, next: Some(at.to_string()) })
    }

    fn release(&self, number: u32) -> PathBuf {
        self.path.join("releases").join(number.to_string())
    }

    /// Replaces a file at once, readable by its owner alone.
    fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let new = path.with_extension("new");
        let replace = || {
            let mut file = private_file(&new, false)?;
            file.set_len(0)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        replace().map_err(|error| failed("write", &path, error))
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(|error| {
        Error::new(ErrorKind::Internal, "a deployment can't be written as JSON").source(error)
    })
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, error)),
        _ => Ok(()),
    }
}

fn private_folder(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| failed("make", path, error))
}

fn private_file(path: &Path, append: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true);
    match append {
        true => options.append(true),
        false => options.write(true).truncate(false),
    };
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn failed(done: &str, path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("could not {done} a file of a deployment"))
        .in_operation("deployer.process")
        .with("path", path.display())
        .with("cause", &error)
        .source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::new(home.path(), Uuid::new_v4());
        folder.lock().unwrap();
        (home, folder)
    }

    fn texts(page: &LogPage) -> Vec<&str> {
        page.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn a_log_is_read_from_its_end_and_followed() {
        let (_home, folder) = folder();
        assert_eq!(folder.log_page(&LogQuery::default()).unwrap(), LogPage::default());
        (1..=5).for_each(|n| folder.note(&format!("line {n}")));
        let last = folder.log_page(&LogQuery { after: None, limit: 2 }).unwrap();
        assert_eq!(texts(&last), ["vitesse: line 4", "vitesse: line 5"]);

        folder.note("line 6");
        folder.open_log().unwrap().write_all(b"half a li").unwrap();
        let more = folder.log_page(&LogQuery { after: last.next, limit: 10 }).unwrap();
        assert_eq!(texts(&more), ["vitesse: line 6"]);
        folder.open_log().unwrap().write_all(b"ne\n").unwrap();
        let rest = folder.log_page(&LogQuery { after: more.next, limit: 10 }).unwrap();
        assert_eq!(texts(&rest), ["half a line"]);

        // Put aside: who follows goes on at the beginning of the new one.
        OpenOptions::new().write(true).open(folder.log_file()).unwrap().set_len(0).unwrap();
        folder.note("anew");
        let anew = folder.log_page(&LogQuery { after: rest.next, limit: 10 }).unwrap();
        assert_eq!(texts(&anew), ["vitesse: anew"]);
        let error = folder.log_page(&LogQuery { after: Some("x".into()), limit: 1 }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it_and_one_watches() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_home, folder) = folder();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let deployment = Deployment::new(Uuid::new_v4(), "x", vec![Default::default()]);
        let environment = BTreeMap::from([("VITESSE_SOURCE_TOKEN".to_owned(), "s3cret".to_owned())]);
        folder.write_release(1, &deployment, &environment).unwrap();
        assert_eq!(mode(&folder.path), 0o700);
        assert_eq!(mode(&folder.path.join("releases/1/environment.json")), 0o600);
        assert_eq!(folder.environment(1).unwrap(), environment);

        let held = folder.lock().unwrap();
        assert_eq!(folder.lock().unwrap_err().kind(), ErrorKind::Conflict);
        drop(held);
        folder.lock().unwrap();
    }
}

//! Where mappings come from and state goes, by the names that people give.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::state::State;
use crate::error::{Error, ErrorKind, Result};
use crate::files;
use crate::mapping::Mapping;
use crate::secret::{CredentialSource, EncryptedSource, KeyRing, Secret};
use crate::store::{self, OpenOptions};

/// Reads the mapping document at `path`, or those of a folder in the order of their names.
///
/// # Errors
/// If there is none, one is wrong, or they belong to different integrations.
pub fn load_mappings(path: &Path) -> Result<Vec<Mapping>> {
    let io = |path: &Path, error: std::io::Error| {
        let kind =
            if error.kind() == std::io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Io };
        Error::new(kind, error.to_string()).in_operation("sync.load").with("mapping", path.display())
    };
    let mut names = vec![path.to_owned()];
    if path.is_dir() {
        names = fs::read_dir(path)
            .and_then(|entries| {
                entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
            })
            .map_err(|error| io(path, error))?;
        names.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
        names.sort();
        if names.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "the folder holds no mapping")
                .in_operation("sync.load")
                .with("folder", path.display())
                .help("put one .json file for each stream there"));
        }
    }
    let mut mappings: Vec<Mapping> = Vec::with_capacity(names.len());
    for file in names {
        let text = files::read(&file, files::MOST_BYTES)?;
        let mapping = Mapping::parse(&text)
            .map_err(|problems| Error::from(problems).with("mapping", file.display()))?;
        if let Some(first) = mappings.first()
            && first.integration_id != mapping.integration_id
        {
            return Err(Error::new(
                ErrorKind::MappingInvalid,
                "the mappings belong to different integrations",
            )
            .in_operation("sync.load")
            .with("mapping", file.display())
            .help("run each integration by itself, with state of its own"));
        }
        mappings.push(mapping);
    }
    Ok(mappings)
}

/// Opens the state that `url` names, as [`store::open`] does. What is sensitive in it is sealed with `key`; without one, an
/// embedded state gets a key of its own in a file beside it, readable by its owner alone.
///
/// The second part is where refresh tokens are kept that an API replaced, if there is a place for them.
///
/// # Errors
/// [`ErrorKind::ConfigInvalid`] if shared state has no key, or what opening it fails with.
pub async fn open_state(
    url: &str,
    key: Option<&Secret>,
    integration: &str,
    options: &OpenOptions,
) -> Result<(State, Option<Arc<dyn CredentialSource>>)> {
    let store = store::open(url, options).await?;
    let (key, kept) = match store.backend() {
        "memory" => (key.cloned().unwrap_or_else(KeyRing::generate), None),
        "embedded" => {
            let path = PathBuf::from(url.strip_prefix("embedded:").unwrap_or(url));
            let base = if path.is_dir() { path.join("vitesse") } else { path };
            let beside = |ending: &str| PathBuf::from(format!("{}.{ending}", base.display()));
            let key = match key {
                Some(key) => key.clone(),
                None => key_beside(&beside("key"))?,
            };
            let kept = EncryptedSource::open(beside("credentials"), KeyRing::parse(&key)?)?;
            (key, Some(Arc::new(kept) as Arc<dyn CredentialSource>))
        }
        _ => {
            let key = key.cloned().ok_or_else(|| {
                Error::new(ErrorKind::ConfigInvalid, "SECRET_KEY is not set")
                    .in_operation("sync.open_state")
                    .help("shared state holds records that wait or failed; make a key with `openssl rand -base64 32`")
            })?;
            (key, None)
        }
    };
    Ok((State::new(store, Arc::new(KeyRing::parse(&key)?), integration), kept))
}

/// The key in a file, made if there is none.
fn key_beside(path: &Path) -> Result<Secret> {
    let io = |error: std::io::Error| {
        Error::new(ErrorKind::Io, format!("the key of the state can't be kept: {error}"))
            .in_operation("sync.open_state")
            .with("file", path.display())
    };
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(Secret::new(text.trim())),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
    }
    let key = KeyRing::generate();
    let mut options = fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(io)?;
    // Durable before anything is sealed with it.
    file.write_all(key.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    }
    Ok(key)
}

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{CredentialSource, KeyRing, Secret};
use crate::error::{Error, ErrorKind, Result};

/// Secrets in one encrypted file that can also be written: names and values are sealed together by a [`KeyRing`].
///
/// Writing replaces the file at once and durably, readable by its owner alone; processes that share it take turns.
///
/// ```
/// use vitesse_core::secret::{CredentialSource, EncryptedSource, KeyRing, Secret};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("credentials");
/// let source = EncryptedSource::open(&path, KeyRing::parse(&KeyRing::generate())?)?;
/// source.put("CRM_REFRESH_TOKEN", &Secret::new("r-1"))?;
/// assert!(source.require("CRM_REFRESH_TOKEN")?.is("r-1"));
/// # Ok::<(), vitesse_core::Error>(())
/// ```
#[derive(Debug)]
pub struct EncryptedSource {
    path: PathBuf,
    ring: KeyRing,
}

const CONTEXT: &[u8] = b"vitesse credentials 1";

type Credentials = BTreeMap<String, Zeroizing<String>>;

impl EncryptedSource {
    /// Uses the file at `path`; it is made by the first [`put`](CredentialSource::put). What it holds is opened
    /// once, so that a wrong key is noticed now.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if its key is missing, [`ErrorKind::StoreFailed`] if it was changed.
    pub fn open(path: impl Into<PathBuf>, ring: KeyRing) -> Result<Self> {
        let source = Self { path: path.into(), ring };
        source.read()?;
        Ok(source)
    }

    /// The same with the keys of `SECRET_KEY` or `SECRET_KEY_FILE`.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if there is no key, saying what to set.
    pub fn open_with_env(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open(path, KeyRing::from_env()?)
    }

    /// Seals everything anew with the newest key, after which older ones are not needed here.
    ///
    /// # Errors
    /// If the file can't be opened or written.
    pub fn rotate(&self) -> Result<()> {
        self.change(|_| ())
    }

    /// The names of all secrets, in order.
    ///
    /// # Errors
    /// If the file can't be opened.
    pub fn names(&self) -> Result<Vec<String>> {
        Ok(self.read()?.into_keys().collect())
    }

    fn read(&self) -> Result<Credentials> {
        let sealed = match fs::read(&self.path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Credentials::new()),
            Err(error) => return Err(self.failed("read", error)),
        };
        let plain =
            self.ring.open(&sealed, CONTEXT).map_err(|error| error.with("file", self.path.display()))?;
        let credentials: BTreeMap<String, String> = serde_json::from_slice(&plain).map_err(|_| {
            Error::new(ErrorKind::StoreFailed, "the credential file holds something else")
                .with("file", self.path.display())
        })?;
        Ok(credentials.into_iter().map(|(name, value)| (name, Zeroizing::new(value))).collect())
    }

    fn change(&self, change: impl FnOnce(&mut Credentials)) -> Result<()> {
        let folder =
            self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| self.failed("written", error))?;
        // The lock is a file of its own: the credential file is replaced, and a lock on it would go with it.
        let lock = private(&self.beside("lock")).map_err(|error| self.failed("locked", error))?;
        lock.lock().map_err(|error| self.failed("locked", error))?;
        let mut credentials = self.read()?;
        change(&mut credentials);
        let plain: BTreeMap<&str, &str> =
            credentials.iter().map(|(name, value)| (&**name, &***value)).collect();
        let plain = serde_json::to_vec(&plain)
            .map(Zeroizing::new)
            .map_err(|error| Error::new(ErrorKind::Internal, "credentials can't be written").source(error))?;
        let sealed = self.ring.seal(&plain, CONTEXT);
        let new = self.beside("new");
        let replace = || {
            let mut file = private(&new)?;
            file.set_len(0)?;
            file.write_all(&sealed)?;
            file.sync_all()?;
            fs::rename(&new, &self.path)?;
            #[cfg(unix)]
            File::open(folder)?.sync_all()?;
            Ok(())
        };
        replace().map_err(|error: io::Error| self.failed("written", error))
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(ending);
        self.path.with_file_name(name)
    }

    fn failed(&self, done: &str, error: io::Error) -> Error {
        Error::new(ErrorKind::Io, format!("the credential file could not be {done}"))
            .in_operation("secret.encrypted")
            .with("file", self.path.display())
            .with("cause", &error)
            .source(error)
    }
}

impl CredentialSource for EncryptedSource {
    fn get(&self, name: &str) -> Result<Option<Secret>> {
        Ok(self.read()?.remove(name).map(|value| Secret::new(&**value)))
    }

    fn put(&self, name: &str, secret: &Secret) -> Result<()> {
        let value = Zeroizing::new(secret.expose().to_owned());
        self.change(|credentials| drop(credentials.insert(name.to_owned(), value)))
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.change(|credentials| drop(credentials.remove(name)))
    }

    fn describe(&self) -> String {
        format!("the encrypted file {}", self.path.display())
    }
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_leaves_the_old_key_without_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let (old, new) = (KeyRing::generate(), KeyRing::generate());
        let source = EncryptedSource::open(&path, KeyRing::parse(&old).unwrap()).unwrap();
        source.put("A", &Secret::new("plaintext-one")).unwrap();
        source.put("B", &Secret::new("plaintext-two")).unwrap();
        let raw = fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&raw).contains("plaintext"));

        let error = EncryptedSource::open(&path, KeyRing::parse(&new).unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.to_string().contains("SECRET_KEY"), "{error}");

        let both = Secret::new(format!("{},{}", new.expose(), old.expose()));
        EncryptedSource::open(&path, KeyRing::parse(&both).unwrap()).unwrap().rotate().unwrap();
        let source = EncryptedSource::open(&path, KeyRing::parse(&new).unwrap()).unwrap();
        assert_eq!(source.names().unwrap(), ["A", "B"]);
        assert!(source.get("A").unwrap().unwrap().is("plaintext-one"));
        source.remove("A").unwrap();
        assert!(source.get("A").unwrap().is_none());
    }

    #[test]
    fn a_changed_file_is_refused_and_a_new_one_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let key = KeyRing::generate();
        let open = || EncryptedSource::open(&path, KeyRing::parse(&key).unwrap());
        open().unwrap().put("A", &Secret::new("one")).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let mut raw = fs::read(&path).unwrap();
        *raw.last_mut().unwrap() ^= 1;
        fs::write(&path, &raw).unwrap();
        let error = open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreFailed);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }

    #[test]
    fn writers_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("credentials"), KeyRing::generate());
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let source = EncryptedSource::open(&path, KeyRing::parse(&key).unwrap()).unwrap();
                scope.spawn(move || {
                    for n in 0..5 {
                        source.put(&format!("{writer}-{n}"), &Secret::new("x")).unwrap();
                    }
                });
            }
        });
        let source = EncryptedSource::open(&path, KeyRing::parse(&key).unwrap()).unwrap();
        assert_eq!(source.names().unwrap().len(), 20);
    }
}

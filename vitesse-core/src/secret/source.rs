use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use super::Secret;
use crate::error::{Error, ErrorKind, Result};

/// Hands out secrets by name.
///
/// Blocking, since a source is asked when a connection is made, not per request.
pub trait CredentialSource: Send + Sync + Debug {
    /// The secret of that name; `None` if the source has none.
    ///
    /// # Errors
    /// If the source itself can't be read. A missing name is not an error.
    fn get(&self, name: &str) -> Result<Option<Secret>>;

    /// Keeps a secret, durably before it returns: a rotated refresh token is worthless if it is lost.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for sources that can only be read.
    fn put(&self, name: &str, secret: &Secret) -> Result<()>;

    /// Removes a secret, durably; one that isn't there is fine.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for sources that can only be read.
    fn remove(&self, name: &str) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, format!("{name} can't be removed from {}", self.describe()))
            .in_operation("secret.remove"))
    }

    /// Like [`get`](Self::get), where a missing name is an error that says where it was looked for.
    ///
    /// # Errors
    /// [`ErrorKind::CredentialRefused`] if there is none.
    fn require(&self, name: &str) -> Result<Secret> {
        self.get(name)?.ok_or_else(|| {
            Error::new(ErrorKind::CredentialRefused, format!("the credential {name} is missing"))
                .in_operation("secret.require")
                .with("looked in", self.describe())
        })
    }

    /// Where this source looks, for messages: `the environment`.
    fn describe(&self) -> String;
}

/// Secrets from the process's environment: `NAME`, or the file that `NAME_FILE` points to.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnvSource;

impl CredentialSource for EnvSource {
    fn get(&self, name: &str) -> Result<Option<Secret>> {
        match std::env::var(name) {
            Ok(value) if !value.is_empty() => return Ok(Some(Secret::new(value))),
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(Error::new(ErrorKind::ConfigInvalid, format!("{name} is not valid UTF-8")));
            }
            _ => {}
        }
        match std::env::var_os(format!("{name}_FILE")) {
            Some(path) if !path.is_empty() => read(&PathBuf::from(path), name).map(Some),
            _ => Ok(None),
        }
    }

    fn put(&self, name: &str, _: &Secret) -> Result<()> {
        Err(read_only(name, "the environment"))
    }

    fn describe(&self) -> String {
        "the environment".into()
    }
}

/// Secrets from several sources: the first that has one gives it, and new ones are kept in the first.
#[derive(Clone, Debug)]
pub struct Layered(pub Vec<Arc<dyn CredentialSource>>);

impl CredentialSource for Layered {
    fn get(&self, name: &str) -> Result<Option<Secret>> {
        for source in &self.0 {
            if let Some(found) = source.get(name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn put(&self, name: &str, secret: &Secret) -> Result<()> {
        match self.0.first() {
            Some(first) => first.put(name, secret),
            None => Err(read_only(name, "no source at all")),
        }
    }

    fn remove(&self, name: &str) -> Result<()> {
        match self.0.first() {
            Some(first) => first.remove(name),
            None => Ok(()),
        }
    }

    fn describe(&self) -> String {
        let all: Vec<String> = self.0.iter().map(|source| source.describe()).collect();
        all.join(" and ")
    }
}

/// Secrets from a folder with one file a name, as Docker and Kubernetes mount them.
#[derive(Clone, Debug)]
pub struct FileSource {
    folder: PathBuf,
}

impl FileSource {
    /// Reads the files of `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

impl CredentialSource for FileSource {
    fn get(&self, name: &str) -> Result<Option<Secret>> {
        // A name is a file name here: one that could leave the folder is refused, not looked up.
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("{name:?} can't be a credential's name"),
            ));
        }
        let path = self.folder.join(name);
        if !path.try_exists().unwrap_or(true) {
            return Ok(None);
        }
        read(&path, name).map(Some)
    }

    fn put(&self, name: &str, _: &Secret) -> Result<()> {
        Err(read_only(name, &self.describe()))
    }

    fn describe(&self) -> String {
        format!("the folder {}", self.folder.display())
    }
}

fn read(path: &std::path::Path, name: &str) -> Result<Secret> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::ConfigInvalid, format!("the file of the credential {name} can't be read"))
            .with("file", path.display())
            .source(error)
    })?;
    // Editors and `echo` end files with a line break that no key has.
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

fn read_only(name: &str, place: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{name} can't be kept: {place} can only be read"))
        .in_operation("secret.put")
        .help("keep credentials that change, such as rotating refresh tokens, in the encrypted store")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lose_their_last_line_break_and_stay_in_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("TOKEN"), "s3cret\r\n").unwrap();
        let source = FileSource::new(folder.path());
        assert!(source.get("TOKEN").unwrap().unwrap().is("s3cret"));
        assert!(source.get("OTHER").unwrap().is_none());
        assert_eq!(source.get("../TOKEN").unwrap_err().kind(), ErrorKind::InvalidInput);
        let missing = source.require("OTHER").unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::CredentialRefused);
        assert!(missing.to_string().contains(folder.path().to_str().unwrap()));
        assert_eq!(source.put("TOKEN", &Secret::new("x")).unwrap_err().kind(), ErrorKind::Unsupported);
    }
}

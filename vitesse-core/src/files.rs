//! Files that people name, read whole and only up to a size.
//!
//! ```
//! let folder = std::env::temp_dir();
//! let error = vitesse_core::files::read(&folder.join("no such file"), 1024).unwrap_err();
//! assert_eq!(error.kind(), vitesse_core::ErrorKind::NotFound);
//! ```
//!
//! Deliberately absent: writing, and reading piece by piece. Records are streamed by the rooms that move them.

#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// The largest description, mapping or schema that is read: far above any that people or programs write.
pub const MOST_BYTES: u64 = 64 << 20;

/// Everything in the file, if that is at most `most` bytes. A pipe or a device is read no further.
///
/// # Errors
/// [`ErrorKind::NotFound`] or [`ErrorKind::Io`] if it can't be read, [`ErrorKind::LimitExceeded`] if it is
/// larger; each names the file.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let failed = |error| unreadable(path, error);
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(Error::new(ErrorKind::LimitExceeded, "the file is too large")
            .with("file", path.display())
            .with("limit", limit(most)));
    }
    Ok(bytes)
}

/// As [`read`], for names that a document gives rather than a person: only a regular file is opened, since
/// others may never end or never begin.
///
/// # Errors
/// Those of [`read`], and [`ErrorKind::InvalidInput`] for what is no regular file.
pub fn read_regular(path: &Path, most: u64) -> Result<Vec<u8>> {
    let facts = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if !facts.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "this is not a regular file")
            .with("file", path.display())
            .help("name a file, or /dev/stdin"));
    }
    read(path, most)
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    let missing = error.kind() == io::ErrorKind::NotFound;
    Error::new(if missing { ErrorKind::NotFound } else { ErrorKind::Io }, "the file can't be read")
        .with("file", path.display())
        .source(error)
}

fn limit(most: u64) -> String {
    if most >= 1 << 20 { format!("{} MiB", most >> 20) } else { format!("{most} bytes") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        let error = read(&path, 4).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert!(error.to_string().contains("4 bytes"), "{error}");
        assert_eq!(read(folder.path(), 5).unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(read_regular(folder.path(), 5).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(read_regular(&path, 5).unwrap(), b"12345");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_never_ends_is_read_no_further() {
        assert_eq!(read(Path::new("/dev/zero"), 9).unwrap_err().kind(), ErrorKind::LimitExceeded);
        assert_eq!(read_regular(Path::new("/dev/zero"), 9).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

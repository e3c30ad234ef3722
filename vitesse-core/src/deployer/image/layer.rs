use sha2::{Digest as _, Sha256};

use super::OWNER;
use crate::error::{Error, ErrorKind, Result};
use crate::net::Bytes;

/// Something that a layer holds.
pub(super) enum Entry<'a> {
    /// A folder; the flag says whether it belongs to whoever runs in the image.
    Folder(&'a str, bool),
    /// A file, and whether it can be run.
    File(&'a str, &'a [u8], bool),
}

/// A part of an image's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What is in it, in a few words.
    pub about: &'static str,
    /// `sha256:` and the hash of its bytes.
    pub digest: String,
    /// An archive as `tar` makes them, not compressed.
    pub bytes: Bytes,
}

impl Layer {
    /// The same entries make the same bytes: no time, no name of this machine, one order.
    pub(super) fn of<'a>(about: &'static str, entries: impl IntoIterator<Item = Entry<'a>>) -> Result<Self> {
        let mut archive = tar::Builder::new(Vec::new());
        for entry in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mtime(0);
            let (path, content) = match entry {
                Entry::Folder(path, owned) => {
                    header.set_entry_type(tar::EntryType::Directory);
                    header.set_mode(0o755);
                    let owner = if owned { OWNER } else { 0 };
                    header.set_uid(owner);
                    header.set_gid(owner);
                    (path, &[][..])
                }
                Entry::File(path, content, can_run) => {
                    header.set_entry_type(tar::EntryType::Regular);
                    header.set_mode(if can_run { 0o755 } else { 0o644 });
                    header.set_uid(0);
                    header.set_gid(0);
                    (path, content)
                }
            };
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, path, content).map_err(|error| failed(path, error))?;
        }
        let bytes = archive.into_inner().map_err(|error| failed("the end", error))?;
        Ok(Self { about, digest: digest(&bytes), bytes: bytes.into() })
    }
}

/// The name that a registry gives some bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(bytes))
}

fn failed(path: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::BuildFailed, "a layer of the image can't be written")
        .in_operation("deployer.image")
        .with("path", path)
        .with("cause", &error)
        .source(error)
}

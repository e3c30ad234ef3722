//! Secrets reach a container as files in a volume of its own: neither an image nor `docker inspect` shows them, and
//! they go with the container.

use std::collections::BTreeMap;
use std::io::Read as _;

use crate::deployer::image::OWNER;
use crate::error::{Error, ErrorKind, Result};
use crate::net::Bytes;
use crate::secret::Secret;

/// Where they are.
pub(super) const FOLDER: &str = "/run/secrets";

/// Secrets by the name of their variable.
pub(super) type Secrets = BTreeMap<String, Secret>;

/// The files, each readable by whoever runs in the container and nobody else.
pub(super) fn pack(secrets: &Secrets) -> Result<Bytes> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, secret) in secrets {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o400);
        header.set_uid(OWNER);
        header.set_gid(OWNER);
        header.set_mtime(0);
        header.set_size(secret.expose().len() as u64);
        archive.append_data(&mut header, name, secret.expose().as_bytes()).map_err(unreadable)?;
    }
    archive.into_inner().map(Bytes::from).map_err(unreadable)
}

/// What a container was given.
pub(super) fn unpack(archive: &[u8]) -> Result<Secrets> {
    let mut secrets = Secrets::new();
    for entry in tar::Archive::new(archive).entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let path = entry.path().map_err(unreadable)?.into_owned();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let mut text = String::new();
        entry.read_to_string(&mut text).map_err(unreadable)?;
        secrets.insert(name, Secret::new(text));
    }
    Ok(secrets)
}

/// Whether they are the same, name by name.
pub(super) fn same(a: &Secrets, b: &Secrets) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|((a, x), (b, y))| a == b && x.is(y.expose()))
}

fn unreadable(error: std::io::Error) -> Error {
    Error::new(ErrorKind::DeployFailed, "the secrets of a container can't be read or written")
        .in_operation("deployer.local")
        .source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_told_apart() {
        let secrets = Secrets::from([
            ("VITESSE_SOURCE_TOKEN".to_owned(), Secret::new("a\n b\"")),
            ("VITESSE_DEST_TOKEN".to_owned(), Secret::new("")),
        ]);
        let archive = pack(&secrets).unwrap();
        assert!(same(&unpack(&archive).unwrap(), &secrets));
        let mut other = secrets.clone();
        other.insert("VITESSE_DEST_TOKEN".into(), Secret::new("x"));
        assert!(!same(&other, &secrets));
        other.remove("VITESSE_DEST_TOKEN");
        assert!(!same(&other, &secrets));
        let header =
            tar::Archive::new(&archive[..]).entries().unwrap().next().unwrap().unwrap().header().clone();
        assert_eq!((header.mode().unwrap(), header.uid().unwrap()), (0o400, 65532));
        assert!(unpack(b"no archive at all").map_or(true, |none| none.is_empty()));
    }
}

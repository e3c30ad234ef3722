//! The real parts that tests share.

use std::process::Command;

/// What the script of the parts says: for `docker start`, where the engine is.
pub(crate) fn parts(words: &[&str]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.ci/parts");
    let output = Command::new(script).args(words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

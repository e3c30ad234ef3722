//! Each program does what it says.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn check(program: &str, arguments: &[&str], said: &str) {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .env("VITESSE_HOME", home.path())
        .env("VITESSE_RUNTIME", runtime(program))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), said, "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
}

/// The runtime that ships where there is one, else that built beside us whenever the workspace's tests are.
fn runtime(program: &str) -> PathBuf {
    std::env::var_os("VITESSE_RUNTIME")
        .map_or_else(|| Path::new(program).with_file_name("vitesse-runtime"), Into::into)
}

#[test]
fn a_mapping_transforms_records() {
    check(env!("CARGO_BIN_EXE_transform"), &[], "");
}

#[test]
fn fields_find_their_partners() {
    check(env!("CARGO_BIN_EXE_match_fields"), &[], "");
}

#[test]
fn five_steps_move_records_and_leave_nothing() {
    check(env!("CARGO_BIN_EXE_five_steps"), &[], "");
}

#[test]
fn a_file_is_applied_once() {
    check(env!("CARGO_BIN_EXE_apply_file"), &["examples/crm-to-marketing/vitesse.yaml"], "");
}

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
    let said = "{\"full_name\":\"Ada\",\"lines\":[{\"code\":\"LAMP-7\"},{\"code\":\"MUG-1\"}],\"cents\":10440}\n\
        it is not a number (line: 2, field: cents)\n";
    check(env!("CARGO_BIN_EXE_transform"), &[], said);
}

#[test]
fn fields_find_their_partners() {
    let said = "mail       -> email       0.96  both are \"email\"; they hold the same kind of values\n\
        last_name  -> familyName  0.95  both are \"surname\"\n\
        first_name -> givenName   0.95  both are \"forename\"\n\
        zip        -> postalCode  0.95  both are \"zip\"\n\
        spent      -> spentCents  0.89  both speak of \"spent\"; times 100, to cents\n\
        not sent: nickname\n";
    check(env!("CARGO_BIN_EXE_match_fields"), &[], said);
}

#[test]
fn five_steps_move_records_and_leave_nothing() {
    check(env!("CARGO_BIN_EXE_five_steps"), &[], include_str!("five_steps.txt"));
}

#[test]
fn one_call_goes_as_far_as_it_can() {
    check(env!("CARGO_BIN_EXE_one_call"), &[], "ready to be deployed\n");
}

#[test]
fn a_file_is_applied_once() {
    let said = "plan: create, ingest, map, test\napplied, with a score of 96.5\nplan: nothing to do\n";
    check(env!("CARGO_BIN_EXE_apply_file"), &["examples/shop-to-crm/vitesse.yaml"], said);
}

//! The function works in this runtime, can be asked for, and is refused by a runtime without it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::process::{Command, Output};

const MAPPING: &str = r#"{"version": 1, "transformations": [
    {"source_field": "name", "dest_field": "headline", "transform_type": "custom", "transform_config": {"function": "shout"}},
    {"source_field": "id", "dest_field": "id", "transform_type": "direct"}
]}"#;

fn own(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_own-functions")).args(arguments).output().unwrap()
}

#[test]
fn the_function_runs_and_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (mapping, input) = (folder.path().join("m.json"), folder.path().join("in.ndjson"));
    std::fs::write(&mapping, MAPPING).unwrap();
    std::fs::write(&input, "{\"id\":1,\"name\":\"grün\"}\n{\"id\":2}\n").unwrap();
    let (mapping, input) = (mapping.to_str().unwrap(), input.to_str().unwrap());

    let output = own(&["transform", "--mapping", mapping, "--input", input]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "{\"headline\":\"GRÜN!\",\"id\":1}\n{\"id\":2}\n");
    assert!(own(&["transform", "--check", "--mapping", mapping]).status.success());
    let version = String::from_utf8(own(&["--version", "--json"]).stdout).unwrap();
    assert!(version.contains("\"functions\":[\"shout\","), "{version}");
}

//! Integrations from the command line: the cases in `tests/steps`, each with a data folder of its own, and what they
//! can't show.
//!
//! `TRYCMD=overwrite` writes what was printed into the cases.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SHOP: &str = "../../examples/apis/shop.yaml";
const CRM: &str = "../../examples/apis/crm.json";

/// Each case uses the store, which one process holds at a time.
fn case(file: &str) {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    trycmd::TestCases::new()
        .env("VITESSE_HOME", path("home"))
        .env("NO_COLOR", "1")
        .env("USER", "anna")
        .env("SECRET_KEY", "NvwKeS0Npk4oOIw0xiZnfjJVRnnYWEIuqnHXpq69hOU=")
        .env("SHOP_KEY", "s3cret")
        .env("CRM_CLIENT", "me:s3cret")
        .register_bin("vitesse", trycmd::cargo::cargo_bin!("vitesse"))
        .case(format!("tests/steps/{file}.md"))
        .run();
}

#[test]
fn the_steps() {
    case("steps");
}

#[test]
fn a_review() {
    case("review");
}

#[test]
fn a_file() {
    case("file");
}

#[test]
fn connections() {
    case("connections");
}

#[test]
fn keys() {
    case("keys");
}

fn vitesse(home: &Path, words: &[&str], typed: &str) -> Output {
    let mut child = Command::new(trycmd::cargo::cargo_bin!("vitesse"))
        .args(words)
        .env("VITESSE_HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn json(home: &Path, words: &[&str]) -> Value {
    let output = vitesse(home, &[words, &["--json"]].concat(), "");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_review_takes_one_edit_a_line_and_survives_mistakes() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    json(home, &["create", "Shop", SHOP, CRM, "--intent", "sync customers and orders"]);
    json(home, &["ingest", "Shop"]);
    json(home, &["map", "Shop"]);
    let typed = "accept 7\nacept 8\nset given_name=upper(first_name)\nset nothing=at_all\nstream ordrs\nstream orders\n\
                 set name=number\naccept above 0.9\ntry {\"id\": \"o1\", \"number\": 7, \"total_price\": \"9.90\", \"status\": \"open\", \"customer_id\": \"c1\"}\nhelp\nshow\ndone\nreject 1\n";
    let output = vitesse(home, &["review", "Shop", "--interactive", "--quiet"], typed);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    for mistake in ["did you mean \"accept\"?", "nothing", "it has customers, orders"] {
        assert!(err.contains(mistake), "{mistake}: {err}");
    }
    assert!(out.contains("lines kept") && out.contains("\"name\": \"7\""), "{out}");
    let review = json(home, &["review", "Shop"]);
    let line = |stream: usize, field: &str| {
        let lines = review["streams"][stream]["lines"].as_array().unwrap();
        lines.iter().find(|line| line["dest_field"] == field).unwrap().clone()
    };
    assert_eq!(line(0, "email_address")["review"], "accepted");
    assert_eq!(line(0, "given_name")["transform_config"]["function"], "upper");
    assert_eq!(line(1, "currency")["review"], "accepted");
    assert_eq!(line(1, "name")["source_fields"][0], "number");
    assert_eq!(line(0, "address.city")["enabled"], true, "what comes after `done` is not read");
}

#[test]
fn what_is_listed_as_json_can_be_gone_on_with() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    for name in ["one", "two", "three"] {
        json(home, &["create", name, SHOP, CRM]);
    }
    let first = json(home, &["list", "--limit", "2"]);
    let after = first["next"].as_str().unwrap();
    let second = json(home, &["list", "--limit", "2", "--after", after]);
    assert_eq!(
        (first["integrations"].as_array().unwrap().len(), second["integrations"][0]["name"].as_str()),
        (2, Some("one"))
    );
    // An integration is named by its name, its id, or the beginning of its id.
    let id = second["integrations"][0]["id"].as_str().unwrap();
    for which in [id, &id[..8], "one"] {
        assert_eq!(json(home, &["status", which])["name"], "one");
    }
    let output = vitesse(home, &["status", "thre"], "");
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean \"three\"?"));
    json(home, &["create", "one", SHOP, CRM]);
    let output = vitesse(home, &["status", "one"], "");
    assert_eq!(output.status.code(), Some(2), "two of a name are told apart by id");
    assert!(String::from_utf8_lossy(&output.stderr).contains(id));
}

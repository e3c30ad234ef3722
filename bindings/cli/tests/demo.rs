//! The demonstration, as `make demo` shows it, with fewer customers.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::process::Command;

use serde_json::Value;

#[test]
fn customers_and_their_orders_move_and_nothing_is_left() {
    let place = tempfile::tempdir().unwrap();
    let vitesse = trycmd::cargo::cargo_bin!("vitesse");
    let mut command = Command::new(vitesse);
    command.args(["demo", "--customers", "40", "--json"]).env("TMPDIR", place.path());
    if std::env::var_os("VITESSE_RUNTIME").is_none() {
        // Built beside ours whenever the workspace's tests are.
        command.env("VITESSE_RUNTIME", vitesse.with_file_name("vitesse-runtime"));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).unwrap();
    assert!(report["scores"][0].as_f64().unwrap() < 70.0 && report["scores"][1].as_f64().unwrap() >= 70.0);
    let (people, orders) =
        (&report["moved"]["streams"][0]["counts"], &report["moved"]["streams"][1]["counts"]);
    assert_eq!((people["read"].as_u64(), orders["read"].as_u64()), (Some(40), Some(81)));
    // Everything that was read is there, or set aside with its reason.
    assert_eq!(people["created"].as_u64(), Some(number("/contacts")));
    assert_eq!(orders["created"].as_u64(), Some(number("/deals")));
    assert_eq!(number("/contacts") + people["dead"].as_u64().unwrap(), 40);
    assert_eq!(number("/deals") + orders["dead"].as_u64().unwrap(), 81);
    let letters = report["moved"]["dead_letters"].as_array().unwrap();
    assert!(
        letters.iter().any(|letter| letter["message"].as_str().unwrap().contains("not a number")),
        "{letters:?}"
    );
    assert_eq!(report["after"]["external_id"], report["before"]["id"]);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "it cleans up");
}

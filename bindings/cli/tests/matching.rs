//! From two API descriptions to records: what `vitesse match` writes is what `vitesse-runtime` runs.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn vitesse(words: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(trycmd::cargo::cargo_bin!("vitesse"))
        .args(words)
        .current_dir(root())
        .env("VITESSE_HOME", home.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn a_mapping_between_two_apis_transforms_their_records() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = folder.path().join("mapping.json");
    let mapping = mapping.to_str().unwrap();
    let (shop, crm) = ("examples/apis/shop.yaml#GET /customers", "examples/apis/crm.json#POST /contacts");
    let hints = [
        "first_name=given_name",
        "last_name=family_name",
        "email=email_address",
        "accepts_marketing=marketing_consent",
        "lifetime_value=lifetime_value_cents",
        "tags=labels",
        "default_address.street=address.lines",
        "default_address.street2=address.lines",
        "created_at=signed_up_at",
        "id=external_id",
    ];
    let mut words = vec!["match", shop, crm, "--out", mapping, "--json"];
    hints.iter().for_each(|hint| words.extend(["--hint", hint]));
    let report: Value = serde_json::from_slice(&vitesse(&words).stdout).unwrap();
    assert_eq!(report["unmapped_required"], json!([]));
    assert_eq!(report["mapping"]["source"]["pagination"]["kind"], "cursor");
    assert_eq!(report["mapping"]["destination"]["match_on"], json!(["email_address"]));
    let written: Value = serde_json::from_slice(&std::fs::read(mapping).unwrap()).unwrap();
    assert_eq!(written, report["mapping"], "the file is the document that was printed");

    let record = json!({
        "id": "cus_1", "email": "ada@example.test", "first_name": "Ada", "last_name": "Lovelace", "phone": null,
        "accepts_marketing": "yes", "lifetime_value": "1204.50", "tags": ["vip"],
        "default_address": {"street": "High St 1", "street2": null, "city": "Oslo", "zip": "0150", "country_code": "NO"},
        "created_at": "2024-02-29T10:30:00Z", "updated_at": "2024-03-01T00:00:00Z"
    });
    let input = folder.path().join("records.ndjson");
    std::fs::write(&input, format!("{record}\n")).unwrap();
    // Built beside ours whenever the workspace's tests are.
    let runtime = trycmd::cargo::cargo_bin!("vitesse").with_file_name("vitesse-runtime");
    let letters = folder.path().join("letters.ndjson");
    let output = Command::new(runtime)
        .args(["transform", "--dead-letters", letters.to_str().unwrap()])
        .args(["--quiet", "--mapping", mapping, "--input", input.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (pointer, expect) in [
        ("/given_name", json!("Ada")),
        ("/family_name", json!("Lovelace")),
        ("/email_address", json!("ada@example.test")),
        ("/marketing_consent", json!(true)),
        ("/lifetime_value_cents", json!(120450)),
        ("/labels", json!(["vip"])),
        ("/address/lines", json!(["High St 1"])),
        ("/address/city", json!("Oslo")),
        ("/external_id", json!("cus_1")),
        ("/signed_up_at", json!(1709202600)),
    ] {
        assert_eq!(made.pointer(pointer), Some(&expect), "{pointer} of {made}");
    }
}

#[test]
fn an_intent_alone_chooses_the_endpoints() {
    let words = [
        "match",
        "examples/apis/shop.yaml",
        "examples/apis/crm.json",
        "--intent",
        "sync customers and orders",
        "--json",
    ];
    let report: Value = serde_json::from_slice(&vitesse(&words).stdout).unwrap();
    assert_eq!(report["mapping"]["source_endpoint"], "/customers");
    assert_eq!(report["mapping"]["dest_endpoint"], "/contacts");
    assert_eq!(report["other_pairs"][0]["dest_endpoint"], "POST /deals");
}

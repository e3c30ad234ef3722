//! From two API descriptions to records: what `vitesse match` writes is what `vitesse-runtime` runs.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
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

/// A language model that chooses the last candidate of each field, or answers `status` alone; gives its address.
fn language_model(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        while let Ok((socket, _)) = listener.accept() {
            let mut reader = BufReader::new(socket);
            let (mut length, mut key) = (0, false);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim().to_lowercase();
                if let Some(count) = line.strip_prefix("content-length:") {
                    length = count.trim().parse().unwrap();
                }
                key |= line == "authorization: bearer sk-test";
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert!(key && body["model"] == "small", "{body}");
            let asked: Value =
                serde_json::from_str(body["messages"][1]["content"].as_str().unwrap()).unwrap();
            let answers: Vec<Value> = asked["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| {
                    let last = one["candidates"].as_array().unwrap().last().unwrap();
                    json!({"field": one["destination"]["field"], "source": last["field"]})
                })
                .collect();
            let content = json!({"answers": answers}).to_string();
            let answer =
                json!({"choices": [{"message": {"role": "assistant", "content": content}}]}).to_string();
            let length = answer.len();
            let head =
                format!("HTTP/1.1 {status} Word\r\ncontent-type: application/json\r\nconnection: close");
            let mut socket = reader.into_inner();
            socket
                .write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{answer}").as_bytes())
                .unwrap();
        }
    });
    url
}

#[test]
fn a_language_model_chooses_among_candidates_and_its_failure_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let schema = |name: &str, fields: &[&str]| {
        let properties: serde_json::Map<_, _> =
            fields.iter().map(|field| ((*field).to_owned(), json!({"type": "string"}))).collect();
        let file = folder.path().join(name);
        std::fs::write(&file, json!({"properties": properties}).to_string()).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let source = schema(
        "a.json",
        &["email", "first_name", "last_name", "city", "home_tel", "work_tel", "status_word"],
    );
    let dest =
        schema("b.json", &["email", "given_name", "family_name", "city", "contact_number", "state_of_mind"]);
    let report = |url: Option<&str>| -> Value {
        let mut words = vec!["match", source.as_str(), dest.as_str(), "--json"];
        if let Some(url) = url {
            words.extend(["--llm-url", url, "--llm-model", "small"]);
        }
        let output = Command::new(trycmd::cargo::cargo_bin!("vitesse"))
            .args(&words)
            .env("VITESSE_HOME", folder.path())
            .env("VITESSE_ALLOW", "127.0.0.0/8")
            .env("OPENAI_API_KEY", "sk-test")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let offline = report(None);
    let helped = report(Some(&language_model(200)));
    let told = helped["mapping"]["transformations"].as_array().unwrap();
    let said =
        |line: &&Value| line["reason"].as_str().is_some_and(|reason| reason.contains("language model"));
    assert!(told.iter().any(|line| said(&line)), "{told:#?}");
    let refused = report(Some(&language_model(401)));
    assert_eq!(refused["mapping"], offline["mapping"]);
    assert!(refused["notes"].to_string().contains("the mapping is the offline one"), "{}", refused["notes"]);
}

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::net::{Guard, NetConfig, Retry};

/// A server that gives each request the same answer, and keeps what it was sent.
async fn server(status: u16, body: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            loop {
                let count = socket.read(&mut chunk).await.unwrap_or(0);
                request.extend_from_slice(&chunk[..count]);
                let text = String::from_utf8_lossy(&request).to_lowercase();
                let Some((head, rest)) = text.split_once("\r\n\r\n") else { continue };
                let length =
                    head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                if count == 0 || rest.len() >= length.unwrap_or(0) {
                    break;
                }
            }
            kept.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
            let answer = format!(
                "HTTP/1.1 {status} Word\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, seen)
}

fn model(url: &str) -> LanguageModel {
    let guard = Guard::from_list(["127.0.0.1/32"]).unwrap();
    let client = Client::new(NetConfig { guard, retry: Retry::never(), ..NetConfig::default() }).unwrap();
    LanguageModel { client, url: url.to_owned(), key: Some(Secret::new("sk-test")), model: "small".into() }
}

fn completion(content: &str) -> String {
    json!({"choices": [{"message": {"role": "assistant", "content": content}}]}).to_string()
}

fn sides() -> (Value, Value) {
    let text = || json!({"type": "string"});
    (
        json!({"properties": {"email": text(), "first_name": text(), "last_name": text(), "street": text(),
            "city": text(), "zip": text(), "home_tel": text(), "work_tel": text(), "remark": text()}}),
        json!({"required": ["contact_number"], "properties": {"email": text(), "given_name": text(),
            "family_name": text(), "street": text(), "city": text(), "postal_code": text(),
            "contact_number": text(), "observations": text(), "voice_line": text()}}),
    )
}

const FIELD: &str = "contact_number";

/// What was found, with one field that the evidence doesn't decide.
fn undecided<'a>(source: &'a Value, dest: &'a Value, request: &MapRequest) -> Found<'a> {
    let mapper = Mapper::new().unwrap();
    let mut found = mapper.find(&Side::schema(source), &Side::schema(dest), request, None).unwrap();
    let matches = &mut found.matches;
    let d = matches.dest.iter().position(|field| field.path == FIELD).unwrap();
    let source = |path: &str| matches.source.iter().position(|field| field.path == path).unwrap();
    let candidate = |path: &str, confidence| Candidate { source: source(path), confidence };
    let candidates = vec![candidate("home_tel", 400), candidate("work_tel", 390)];
    matches.pairs.retain(|pair| pair.dest != d && pair.confidence >= UNDECIDED);
    matches.undecided = vec![(d, candidates)];
    found
}

fn request() -> MapRequest {
    MapRequest { intent: "sync people".into(), ..MapRequest::default() }
}

/// Maps with a server that answers `body`, and gives the proposal with what the server was sent.
async fn mapped(status: u16, body: String) -> (MappingProposal, Vec<String>) {
    let (url, seen) = server(status, body).await;
    let (source, dest) = sides();
    let found = undecided(&source, &dest, &request());
    let proposal = Mapper::new().unwrap().decide_with(found, &request(), &model(&url)).await.unwrap();
    let seen = seen.lock().unwrap().clone();
    (proposal, seen)
}

#[tokio::test]
async fn a_choice_among_the_candidates_is_taken() {
    let content = json!({"answers": [{"field": FIELD, "source": "work_tel"}]}).to_string();
    let (proposal, seen) = mapped(200, completion(&content)).await;
    let line =
        proposal.mapping.transformations.iter().find(|line| line.dest_field.to_string() == FIELD).unwrap();
    assert_eq!(line.source_field.paths[0].to_string(), "work_tel");
    assert!(line.reason.as_ref().unwrap().contains("language model"), "{line:?}");
    assert!(proposal.notes.is_empty(), "{:?}", proposal.notes);
    let sent = &seen[0];
    assert!(sent.starts_with("POST /v1/chat/completions ") && sent.contains("Bearer sk-test"), "{sent}");
    // What is decided is nobody's business.
    assert!(!sent.contains("postal_code") && sent.contains("sync people"), "{sent}");
}

#[tokio::test]
async fn on_any_failure_the_offline_answer_stands_with_a_note() {
    let (source, dest) = sides();
    let found = undecided(&source, &dest, &request());
    let offline = Mapper::new().unwrap().assemble(found, &request(), None, &[]).unwrap();
    let stranger = json!({"answers": [{"field": FIELD, "source": "password"}]}).to_string();
    let elsewhere = json!({"answers": [{"field": "salary", "source": null}]}).to_string();
    for (status, body) in [
        (500, String::new()),
        (401, "{}".to_owned()),
        (200, "not json".to_owned()),
        (200, completion("I think it is the phone.")),
        (200, completion(r#"{"answers": [], "also": 1}"#)),
        (200, completion(&stranger)),
        (200, completion(&elsewhere)),
    ] {
        let (proposal, _) = mapped(status, body.clone()).await;
        assert_eq!(proposal.mapping, offline.mapping, "{status} {body}");
        assert!(proposal.notes.iter().any(|note| note.message.contains("offline")), "{status} {body}");
    }
}

#[test]
fn an_address_that_is_none_is_told_at_once() {
    let client = || Client::new(NetConfig::default()).unwrap();
    let config = Config::read(|name| (name == "LLM_MODEL").then(|| "usual".to_owned())).unwrap();
    for url in ["", "localhost:8080", "https://", "http://a b"] {
        let error = LanguageModel::at(url, None, &config, client()).unwrap_err();
        assert_eq!(error.kind().id(), "invalid_input", "{url}");
    }
    let model = LanguageModel::at("http://a.test/v1", None, &config, client()).unwrap();
    assert_eq!((model.model.as_str(), model.key.is_none()), ("usual", true));
}

#[tokio::test]
async fn the_door_asks_only_if_something_is_undecided() {
    let (url, seen) = server(200, completion(r#"{"answers": []}"#)).await;
    let email = json!({"properties": {"email": {"type": "string"}}});
    let (source, dest) = (Side::schema(&email), Side::schema(&email));
    let proposal = Mapper::new().unwrap().map_with(source, dest, &request(), &model(&url)).await.unwrap();
    assert_eq!(proposal.transformation_count, 1);
    assert!(seen.lock().unwrap().is_empty());
}

//! A control plane, two APIs beside it, and a caller who shows every byte.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vitesse_core::config::Config;
use vitesse_core::deployer::{ProcessOptions, ProcessTarget, RuntimeSearch};
use vitesse_core::net::{Client, NetConfig};
use vitesse_core::orchestrator::Vitesse;
use vitesse_core::secret::{EncryptedSource, KeyRing, Secret};
use vitesse_core::store::{MemoryStore, Store};
use vitesse_http::{Exchange, ServeOptions, Server, serve};

pub(crate) const API: &str = "/api/v1/vitesse";

/// A control plane and what it told its log.
pub(crate) struct World {
    pub(crate) server: Option<Server>,
    pub(crate) vitesse: Vitesse,
    pub(crate) address: String,
    pub(crate) log: Arc<std::sync::Mutex<Vec<Exchange>>>,
    _home: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}{}", self.head, self.text());
        self
    }
}

/// The runtime as it ships, if it is named; else the one that the workspace's tests build.
fn runtime() -> std::path::PathBuf {
    let built = || std::env::current_exe().unwrap().with_file_name("../vitesse-runtime");
    let path = std::env::var_os("VITESSE_RUNTIME").map_or_else(built, Into::into);
    assert!(path.is_file(), "build it first: cargo build -p vitesse-runtime ({})", path.display());
    path.canonicalize().unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Arc::new(MemoryStore::new()), |_| {}).await
    }

    pub(crate) async fn with(store: Arc<dyn Store>, change: impl FnOnce(&mut ServeOptions)) -> Self {
        let home = tempfile::tempdir().unwrap();
        // Only the test's own servers are on loopback.
        let config = Config::read(|name| (name == "VITESSE_ALLOW").then(|| "127.0.0.1".to_owned())).unwrap();
        let mut process = ProcessOptions::new(home.path());
        let search = RuntimeSearch { option: Some(runtime()), ..RuntimeSearch::default() };
        process.runtime = search.clone();
        let ring = KeyRing::parse(&Secret::new("NvwKeS0Npk4oOIw0xiZnfjJVRnnYWEIuqnHXpq69hOU=")).unwrap();
        let credentials = EncryptedSource::open(home.path().join("credentials"), ring).unwrap();
        let vitesse = Vitesse::builder(store)
            .namespace(uuid::Uuid::new_v4().to_string())
            .client(Client::new(NetConfig::from_config(&config).unwrap()).unwrap())
            .target(Arc::new(ProcessTarget::new(process).unwrap()))
            .runtime(search)
            .credentials(Arc::new(credentials))
            .build()
            .unwrap();
        let log: Arc<std::sync::Mutex<Vec<Exchange>>> = Arc::default();
        let into = log.clone();
        let mut options = ServeOptions {
            listen: ([127, 0, 0, 1], 0).into(),
            log: Arc::new(move |exchange| into.lock().unwrap().push(exchange.clone())),
            ..ServeOptions::default()
        };
        change(&mut options);
        let server = serve(vitesse.clone(), options).await.unwrap();
        let address = server.address().to_string();
        Self { server: Some(server), vitesse, address, log, _home: home }
    }

    /// Sends a request as it is written, and reads to the end of the connection.
    pub(crate) async fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        parse(&all)
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        let reply = self.raw(format!("{text}\r\n{body}").as_bytes()).await;
        as_documented(method, path, &reply);
        reply
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask("GET", &format!("{API}{path}"), &[], "").await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.send_with(method, path, &[], body).await
    }

    pub(crate) async fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Reply {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.ask(method, &format!("{API}{path}"), &headers, &body.to_string()).await
    }

    /// An integration of the two example APIs, read from the given documents; nothing is fetched.
    pub(crate) async fn ingested(&self) -> String {
        let made = self.send("POST", "/integrations", &shop_to_crm()).await.is(200).json();
        let id = made["integration_id"].as_str().unwrap().to_owned();
        let asked = json!({"source_document": example("shop.yaml"), "dest_document": example("crm.json")});
        self.send("POST", &format!("/integrations/{id}/ingest"), &asked).await.is(200);
        id
    }

    pub(crate) async fn mapped(&self) -> String {
        let id = self.ingested().await;
        let asked = json!({
            "source_endpoint": "/customers", "dest_endpoint": "/contacts",
            "mapping_hints": {"accepts_marketing": "marketing_consent", "lifetime_value": "lifetime_value_cents",
                "tags": "labels", "created_at": "signed_up_at"},
        });
        self.send("POST", &format!("/integrations/{id}/map"), &asked).await.is(200);
        id
    }
}

pub(crate) fn example(name: &str) -> String {
    let path = format!("{}/../../examples/apis/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

pub(crate) fn shop_to_crm() -> Value {
    let found = |name: &str| {
        json!({
            "api_name": name, "description": "for a test", "base_url": "https://api.example.com",
            "documentation_url": "https://example.com/docs", "confidence_score": 0.95, "source": "catalog",
        })
    };
    json!({
        "name": "Shop to CRM", "source_discovery": found("Fjord Shop"), "dest_discovery": found("Lighthouse CRM"),
        "user_intent": "Sync customers to contacts", "deployment_target": "process",
    })
}

fn parse(all: &[u8]) -> Reply {
    let Some(end) = all.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Reply { status: 0, head: String::from_utf8_lossy(all).into_owned(), body: Vec::new() };
    };
    let head = String::from_utf8_lossy(&all[..end + 2]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut body = all[end + 4..].to_vec();
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        body = unchunked(&body);
    }
    Reply { status, head, body }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|bytes| bytes == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 4 + length..];
    }
    body
}

/// Gives the same document to whoever asks, for as long as the test runs; its address stands in it as `{base}`.
pub(crate) async fn describe(document: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let text = document.replace("{base}", &base);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let text = text.clone();
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let _ = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut head)).await;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                    text.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    base
}

/// Whether the answer is one that the document tells of, of the type and the shape that it tells.
fn as_documented(method: &str, path: &str, reply: &Reply) {
    static DOCUMENT: std::sync::OnceLock<Value> = std::sync::OnceLock::new();
    let document = DOCUMENT.get_or_init(vitesse_http::document);
    let path: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
    let fits = |known: &str| {
        let known: Vec<&str> = known.split('/').collect();
        known.len() == path.len() && known.iter().zip(&path).all(|(a, b)| a.starts_with('{') || a == b)
    };
    let mut places: Vec<_> =
        document["paths"].as_object().unwrap().iter().filter(|(known, _)| fits(known)).collect();
    // A path that is written out wins over one with names in it.
    places.sort_by_key(|(known, _)| known.matches('{').count());
    let Some((known, place)) = places.first() else { return };
    let Some(operation) = place.get(method.to_lowercase()) else { return };
    let response = &operation["responses"][reply.status.to_string()];
    let response = match response["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => response,
    };
    assert!(response.is_object(), "{method} {known} answers {}: {}", reply.status, reply.text());
    let Some(content) = response.get("content") else { return };
    let kind = reply.header("content-type").unwrap_or_default().split(';').next().unwrap();
    let schema = &content[kind]["schema"];
    assert!(schema.is_object(), "{method} {known} answers {kind}");
    if kind == "application/json" {
        let schema = json!({"allOf": [schema], "components": document["components"]});
        let judge = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let wrong: Vec<String> = judge
            .iter_errors(&reply.json())
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{method} {known}: {wrong:#?}");
    }
}

//! The mock on a socket, called by the client of the house and by bare hands.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vitesse_core::mock::{Exchange, MockOptions, Script, Server, serve, serve_with};

use crate::talk::{CRM, SHOP, mock};

async fn started(document: &str, options: MockOptions) -> Server {
    serve(Arc::new(mock(document, options)), ([127, 0, 0, 1], 0).into()).await.unwrap()
}

/// Sends bytes and reads until the other side ends.
async fn raw(server: &Server, request: &str) -> String {
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_keep_their_records() {
    let contacts = Arc::new(mock(CRM, MockOptions { stateful: true, records: 0, ..MockOptions::default() }));
    let log: Arc<Mutex<Vec<Exchange>>> = Arc::default();
    let told = log.clone();
    let server = serve_with(contacts.clone(), ([127, 0, 0, 1], 0).into(), move |exchange| {
        told.lock().unwrap().push(exchange.clone());
    })
    .await
    .unwrap();
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let address = server.address();
            tokio::spawn(async move {
                let mut socket = TcpStream::connect(address).await.unwrap();
                for turn in 0..25 {
                    let body = format!(r#"{{"email_address": "c{caller}t{turn}@example.com", "family_name": "B"}}"#);
                    let request = format!(
                        "POST /api/v1/contacts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    socket.write_all(request.as_bytes()).await.unwrap();
                    let mut answer = vec![0; 16 << 10];
                    let read = socket.read(&mut answer).await.unwrap();
                    assert!(answer[..read].starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(&answer[..read]));
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(contacts.records("contacts").unwrap().len(), 200);
    server.stop().await;
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 200);
    assert!(log.iter().all(|exchange| exchange.status == 201 && exchange.operation == "createContact"));
}

#[tokio::test]
async fn answers_break_off_as_the_script_says() {
    let script = r#"{"rules": [
        {"when": {"path": "/products"}, "times": 1, "then": {"fault": "truncate"}},
        {"when": {"path": "/products"}, "times": 1, "then": {"fault": "reset"}},
        {"when": {"path": "/products"}, "times": 1, "then": {"fault": "garbage"}},
        {"when": {"path": "/orders"}, "then": {"fault": "hang"}}]}"#;
    let server = started(
        SHOP,
        MockOptions { script: Script::parse(script.as_bytes()).unwrap(), ..MockOptions::default() },
    )
    .await;
    let ask = "GET /v2/products HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-shop-key: k\r\n\r\n";
    let cut = raw(&server, ask).await;
    let (head, body) = cut.split_once("\r\n\r\n").unwrap();
    let length: usize = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned))
        .unwrap()
        .parse()
        .unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && body.len() == length / 2, "{length}: {head}");
    assert_eq!(raw(&server, ask).await, "");
    assert!(raw(&server, ask).await.contains("upstream error"));
    assert!(raw(&server, ask).await.contains("\"data\""));
    let silent = raw(&server, "GET /orders HTTP/1.1\r\nhost: x\r\nx-shop-key: k\r\n\r\n");
    assert!(tokio::time::timeout(Duration::from_millis(300), silent).await.is_err());
    // What is no HTTP, or no end, does no harm.
    assert!(raw(&server, "nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    let next = raw(&server, ask).await;
    assert!(next.contains("{\"data\""), "{next}");
    server.stop().await;
}

#[tokio::test]
async fn a_log_shows_no_key_and_a_taken_port_is_told() {
    let document = SHOP.replace("in: header\n      name: X-Shop-Key", "in: query\n      name: key");
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = log.clone();
    let server = serve_with(
        Arc::new(mock(&document, MockOptions::default())),
        ([127, 0, 0, 1], 0).into(),
        move |exchange| {
            told.lock().unwrap().push(exchange.target.clone());
        },
    )
    .await
    .unwrap();
    let answer =
        raw(&server, "GET /products?limit=1&key=s3cret HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(*log.lock().unwrap(), ["/products?limit=1&key=***"]);
    let error = serve(Arc::new(mock(SHOP, MockOptions::default())), server.address()).await.unwrap_err();
    assert!(error.to_string().contains("choose another port"), "{error}");
}

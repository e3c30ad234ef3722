//! Finding and fetching, against a real server on the loopback interface.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vitesse_core::ErrorKind;
use vitesse_core::ingestor::Ingestor;
use vitesse_core::net::{Auth, Client, Guard, NetConfig, Retry, Scheme};
use vitesse_core::secret::Secret;

const SPEC: &str = r##"{"openapi": "3.0.0", "info": {"title": "T", "version": "1"}, "paths": {"/a": {"get": {"responses":
    {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "parts.yaml#/Thing"}}}}}}}}}"##;

/// Serves pages by path, and keeps each request's head.
async fn serve(pages: &'static [(&'static str, &'static str)]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if socket.read(&mut byte).await.unwrap_or(0) == 0 {
                        return;
                    }
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let path = head.split(' ').nth(1).unwrap().to_owned();
                log.lock().unwrap().push(head);
                let page = pages.iter().find(|(known, _)| *known == path);
                let (status, body) = page.map_or(("404 Not Found", "no"), |(_, body)| ("200 OK", body));
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = socket.write_all(answer.as_bytes()).await;
            });
        }
    });
    (address, asked)
}

fn ingestor() -> Ingestor {
    let guard = Guard { allow_private: true, ..Guard::default() };
    Ingestor::new(Client::new(NetConfig { guard, retry: Retry::never(), ..NetConfig::default() }).unwrap())
}

#[tokio::test]
async fn a_description_is_read_with_what_it_refers_to_and_nothing_is_searched() {
    let (address, asked) = serve(&[
        ("/s.json", SPEC),
        ("/parts.yaml", "Thing: {type: object, properties: {id: {type: integer}}}"),
    ])
    .await;
    let auth = Auth::new(&address, Scheme::Bearer(Secret::new("t0ken"))).unwrap();
    let found = ingestor().with_auth(auth).read(&format!("{address}/s.json")).await.unwrap();
    let thing = found.spec.endpoints[0].response_schema.unwrap();
    assert!(found.spec.schemas.field(thing, "id").is_some());
    assert_eq!(found.spec.base_url.as_deref(), Some(address.as_str()));
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|head| head.to_ascii_lowercase().contains("authorization: bearer t0ken")));
}

#[tokio::test]
async fn descriptions_are_found_where_pages_and_catalogues_say_and_at_usual_places() {
    let page = "<html><body><script>SwaggerUIBundle({url: '/hidden/spec.json'})</script></body></html>";
    let list = r#"{"linkset": [{"service-desc": [{"href": "/listed.json"}]}]}"#;
    let sites: [&'static [(&str, &str)]; 3] = [
        Box::leak(Box::new([("/", page), ("/hidden/spec.json", SPEC)])),
        Box::leak(Box::new([("/.well-known/api-catalog", list), ("/listed.json", SPEC)])),
        &[("/openapi.json", SPEC)],
    ];
    for (pages, at) in sites.into_iter().zip(["/hidden/spec.json", "/listed.json", "/openapi.json"]) {
        let (address, _) = serve(pages).await;
        let found = ingestor().find(&address).await.unwrap();
        assert_eq!(found.diagnostics[0].kind.id(), "found_elsewhere");
        assert!(found.diagnostics[0].message.contains(at), "{}", found.diagnostics[0].message);
    }
}

#[tokio::test]
async fn nothing_there_unreachable_and_refused_are_told_apart() {
    let (address, _) = serve(&[("/", "<html><body>Hello</body></html>")]).await;
    assert_eq!(ingestor().find(&address).await.unwrap_err().kind(), ErrorKind::SpecInvalid);
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(
        ingestor().find(&format!("http://{closed}")).await.unwrap_err().kind(),
        ErrorKind::Unreachable
    );
    let guarded = Ingestor::new(Client::new(NetConfig::default()).unwrap());
    assert_eq!(
        guarded.read(&format!("{address}/s.json")).await.unwrap_err().kind(),
        ErrorKind::AddressRefused
    );
}

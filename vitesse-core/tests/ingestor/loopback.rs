//! Finding and fetching, against a real server on the loopback interface.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vitesse_core::ErrorKind;
use vitesse_core::ingestor::{IngestRequest, Ingestor, KnownDescription};
use vitesse_core::net::{Auth, Client, Guard, NetConfig, Retry, Scheme};
use vitesse_core::progress::{Event, Progress};
use vitesse_core::secret::Secret;

const SPEC: &str = r##"{"openapi": "3.0.0", "info": {"title": "T", "version": "1"}, "paths": {"/a": {"get": {"responses":
    {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "parts.yaml#/Thing"}}}}}}}}}"##;

/// Serves pages by path, and keeps each request's head.
async fn serve(pages: &'static [(&'static str, &'static str)]) -> (String, Arc<Mutex<Vec<String>>>) {
    serve_as(pages, "etag: \"v1\"", "if-none-match: \"v1\"").await
}

/// The same for a server that tells a version in its own way, and knows it by that again.
async fn serve_as(
    pages: &'static [(&'static str, &'static str)],
    version: &'static str,
    asked_for: &'static str,
) -> (String, Arc<Mutex<Vec<String>>>) {
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
                let same = head.to_ascii_lowercase().contains(asked_for);
                log.lock().unwrap().push(head);
                let page = pages.iter().find(|(known, _)| *known == path);
                let (status, body) = match page {
                    Some(_) if same => ("304 Not Modified", ""),
                    Some((_, body)) => ("200 OK", *body),
                    None => ("404 Not Found", "no"),
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\n{version}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
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

#[tokio::test]
async fn credentials_stay_with_their_origin_when_a_description_refers_to_another() {
    let (other, asked_there) =
        serve(&[("/parts.yaml", "Thing: {type: object, properties: {id: {type: string}}}")]).await;
    let text = SPEC.replace("parts.yaml", &format!("{other}/parts.yaml"));
    let pages: &'static [(&str, &str)] = Box::leak(Box::new([("/s.json", &*String::leak(text))]));
    let (address, asked_here) = serve(pages).await;
    let request: IngestRequest = serde_json::from_value(serde_json::json!({
        "spec_url": format!("{address}/s.json"),
        "auth_details": {"type": "bearer", "token": "t0ken"},
    }))
    .unwrap();
    let found = ingestor().ingest(&request).await.unwrap();
    assert!(found.spec.schemas.field(found.spec.endpoints[0].response_schema.unwrap(), "id").is_some());
    assert!(asked_here.lock().unwrap()[0].contains("t0ken"));
    let there = asked_there.lock().unwrap();
    assert!(there.len() == 1 && !there[0].contains("t0ken"), "{there:?}");
}

#[tokio::test]
async fn errors_name_which_of_two_descriptions_failed() {
    let (address, _) = serve(&[("/s.json", "{}")]).await;
    let request = IngestRequest {
        api_name: Some("Shop".into()),
        spec_url: Some(format!("{address}/s.json")),
        side: Some("source".into()),
        ..IngestRequest::default()
    };
    let error = ingestor().ingest(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SpecInvalid);
    let shown = error.to_string();
    assert!(shown.contains("side: source") && shown.contains("api: Shop"), "{shown}");
    let nothing = ingestor().ingest(&IngestRequest::default()).await.unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::InvalidInput);
}

#[cfg(feature = "store")]
#[tokio::test]
async fn an_unchanged_description_is_not_sent_again() {
    use vitesse_core::store::MemoryStore;
    let pages: &'static [(&str, &str)] = &[("/s.json", SPEC), ("/parts.yaml", "Thing: {type: object}")];
    let (address, asked) = serve(pages).await;
    let ingestor = ingestor().with_cache(Arc::new(MemoryStore::new()), "default");
    let first = ingestor.read(&format!("{address}/s.json")).await.unwrap();
    let again = ingestor.read(&format!("{address}/s.json")).await.unwrap();
    assert_eq!(first, again);
    let asked = asked.lock().unwrap().clone();
    let conditional = asked.iter().filter(|head| head.to_ascii_lowercase().contains("if-none-match")).count();
    assert_eq!((asked.len(), conditional), (4, 2));
    // What is behind a login isn't kept.
    let auth = Auth::new(&address, Scheme::Bearer(Secret::new("t0ken"))).unwrap();
    let (private, asked) = serve(&[("/s.json", SPEC)]).await;
    let ingestor = ingestor.with_auth(auth.also_for(&private).unwrap());
    for _ in 0..2 {
        ingestor.read(&format!("{private}/s.json")).await.unwrap();
    }
    assert!(!asked.lock().unwrap().iter().any(|head| head.to_ascii_lowercase().contains("if-none-match")));
}

#[cfg(feature = "store")]
#[tokio::test]
async fn a_date_is_enough_to_know_that_nothing_changed() {
    use vitesse_core::store::MemoryStore;
    let date = "last-modified: Wed, 21 Oct 2015 07:28:00 GMT";
    let asked_for = "if-modified-since: wed, 21 oct 2015 07:28:00 gmt";
    let (address, asked) =
        serve_as(&[("/s.json", SPEC), ("/parts.yaml", "Thing: {type: object}")], date, asked_for).await;
    let ingestor = ingestor().with_cache(Arc::new(MemoryStore::new()), "default");
    let first = ingestor.read(&format!("{address}/s.json")).await.unwrap();
    assert_eq!(ingestor.read(&format!("{address}/s.json")).await.unwrap(), first);
    let asked = asked.lock().unwrap();
    let conditional = asked.iter().filter(|head| head.to_ascii_lowercase().contains(asked_for)).count();
    assert_eq!((asked.len(), conditional), (4, 2));
}

#[tokio::test]
async fn a_description_may_be_spread_over_hundreds_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: String, text: String| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let mut root = "openapi: 3.0.0\ninfo: {title: T, version: '1'}\npaths:\n".to_owned();
    for number in 0..300 {
        root += &format!("  /things{number}:\n    get:\n      $ref: \"operations/{number}.yml\"\n");
        let answer = format!(
            "responses:\n  '200':\n    description: ''\n    content:\n      application/json:\n        schema:\n          \
             $ref: '../models/thing.yml#/thing'\n    x-number: {number}\n"
        );
        write(format!("operations/{number}.yml"), answer);
    }
    write("models/thing.yml".into(), "thing: {type: object, properties: {id: {$ref: id.yml}}}\n".into());
    write("models/id.yml".into(), "type: integer\n".into());
    write("root.yaml".into(), root);
    let found = ingestor().read(folder.path().join("root.yaml").to_str().unwrap()).await.unwrap();
    assert_eq!(found.diagnostics, []);
    assert_eq!(found.spec.endpoints.len(), 300);
    for endpoint in &found.spec.endpoints {
        let thing = endpoint.response_schema.unwrap();
        assert!(found.spec.schemas.field(thing, "id").is_some(), "{}", endpoint.path);
    }
}

#[tokio::test]
async fn a_known_description_is_taken_where_the_api_shows_none() {
    let (address, _) = serve(&[("/", "<html><body>Hello</body></html>")]).await;
    let catalogue = |keeps: bool| {
        let ingestor = ingestor().with_known(move |wanted| {
            let copy = KnownDescription {
                keeper: "a list of ours".into(),
                address: "https://copies.test/shop.json".into(),
                document: Some(SPEC.replace("parts.yaml#/Thing", "#/a").into_bytes()),
            };
            if keeps && wanted.name == Some("Shop") { vec![copy] } else { Vec::new() }
        });
        let address = address.clone();
        async move {
            let request = IngestRequest {
                api_name: Some("Shop".into()),
                api_url: Some(address),
                ..IngestRequest::default()
            };
            ingestor.ingest(&request).await
        }
    };
    let found = catalogue(true).await.unwrap();
    let first = &found.diagnostics[0];
    assert_eq!(first.kind.id(), "third_party_copy");
    assert!(first.message.contains("a list of ours: https://copies.test/shop.json"), "{}", first.message);
    assert_eq!(catalogue(false).await.unwrap_err().kind(), ErrorKind::SpecInvalid);
}

#[tokio::test]
async fn fetching_tells_what_it_fetches() {
    let (address, _) = serve(&[("/s.json", SPEC), ("/parts.yaml", "Thing: {}")]).await;
    let (progress, events) = Progress::collected();
    ingestor().with_progress(progress).read(&format!("{address}/s.json")).await.unwrap();
    let notes = events.take().into_iter().filter_map(|event| match event {
        Event::Note { message, .. } => Some(message),
        _ => None,
    });
    assert_eq!(notes.collect::<Vec<_>>(), [format!("{address}/s.json"), format!("{address}/parts.yaml")]);
}

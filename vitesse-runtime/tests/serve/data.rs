//! The data side.

use std::io::{BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::peer::{Answer, ask, get, post, read_answer, read_chunk, read_head};
use crate::world::{Running, World};

fn ndjson(running: &Running, path: &str, body: &str) -> Answer {
    ask(running.data, "POST", path, &[("content-type", "application/x-ndjson")], body)
}

#[test]
fn objects_arrays_and_streams_become_what_the_mapping_says() {
    let world = World::new(0);
    let running = world.serve(&[]);
    let one = post(running.data, "/transform", r#" {"id": 1, "name": "a\nb", "price": "12.50"}"#);
    assert_eq!((one.status, one.json()), (200, json!({"ext": 1, "title": "a\nb", "cents": 1250})));
    assert!(one.head.to_ascii_lowercase().contains("content-type: application/json\r\n"), "{}", one.head);
    let named = post(running.data, "/transform/things", r#"{"id": 1}"#);
    assert_eq!(named.json(), json!({"ext": 1}));
    let many = post(running.data, "/transform", r#"[{"id": 1}, {"id": 2, "name": "x"}]"#);
    assert_eq!((many.status, many.json()), (200, json!([{"ext": 1}, {"ext": 2, "title": "x"}])));
    assert_eq!(post(running.data, "/transform", "[]").body, "[]");
    let lines = ndjson(&running, "/transform", "{\"id\": 1}\n\n{\"id\": 12345678901234567890123}");
    assert_eq!(lines.body, "{\"ext\":1}\n{\"ext\":12345678901234567890123}\n");
    assert!(lines.whole && lines.head.contains("application/x-ndjson"), "{lines:?}");
    let large: String = (0..20_000).map(|id| format!("{{\"id\": {id}, \"name\": \"{id}\"}}\n")).collect();
    let lines = ndjson(&running, "/transform", &large);
    assert_eq!(lines.body.lines().count(), 20_000);
    assert!(lines.body.ends_with("{\"ext\":19999,\"title\":\"19999\"}\n"));
    assert_eq!(get(running.data, "/health").json()["status"], "healthy");
}

#[test]
fn a_record_that_fails_is_named_by_its_number() {
    let world = World::new(0);
    let mut mapping = world.mapping("title");
    mapping["on_error"] = json!("fail");
    world.write_mapping(&mapping);
    let running = world.serve(&[]);
    let failed = |answer: &Answer, record: u64| {
        let body: Value = serde_json::from_str(answer.body.lines().last().unwrap()).unwrap();
        assert_eq!((&body["status"], &body["http_status"]), (&json!("failed"), &json!(422)), "{body}");
        assert_eq!((&body["kind"], &body["record"]), (&json!("record_invalid"), &json!(record)), "{body}");
    };
    let one = post(running.data, "/transform", r#"{"id": 1, "price": "cheap"}"#);
    assert_eq!(one.status, 422);
    failed(&one, 1);
    failed(&post(running.data, "/transform", "{\"id\": 1"), 1);
    let bad = r#"[{"id": 1}, {"id": 2, "price": "x"}, {"id": 3}]"#;
    let many = post(running.data, "/transform", bad);
    assert_eq!(many.status, 422);
    failed(&many, 2);
    failed(&post(running.data, "/transform", r#"[{"id": 1}"#), 2);
    assert_eq!(post(running.data, "/transform?on_error=skip", bad).json(), json!([{"ext": 1}, {"ext": 3}]));
    let told = post(running.data, "/transform?on_error=report", bad).json();
    assert_eq!((&told[0]["ext"], &told[1]["record"], &told[2]["ext"]), (&json!(1), &json!(2), &json!(3)));
    assert_eq!(post(running.data, "/transform?on_error=skip", r#"{"price": "x"}"#).status, 204);

    // A stream that can't go on breaks off, so that nobody takes it for the whole.
    let lines = "{\"id\":1}\n{\"id\":2,\"price\":\"x\"}\n{\"id\":3}\n";
    let broken = ndjson(&running, "/transform", lines);
    assert!(broken.body.starts_with("{\"ext\":1}\n") && !broken.whole, "{broken:?}");
    failed(&broken, 2);
    let told = ndjson(&running, "/transform?on_error=report", lines);
    assert!(told.whole && told.body.lines().count() == 3, "{told:?}");
    let skipped = ndjson(&running, "/transform?on_error=skip", lines);
    assert_eq!((skipped.body.as_str(), skipped.whole), ("{\"ext\":1}\n{\"ext\":3}\n", true));
}

#[test]
fn what_can_not_be_answered_says_why() {
    let world = World::new(0);
    let running = world.serve(&[("VITESSE_KEY", "k3y")]);
    let with = |method: &str, path: &str, key: &str, body: &str| {
        ask(running.data, method, path, &[("authorization", key)], body)
    };
    assert_eq!(with("POST", "/transform", "Bearer k3y", r#"{"id":1}"#).status, 200);
    assert_eq!(ask(running.data, "POST", "/transform", &[("x-api-key", "k3y")], r#"{"id":1}"#).status, 200);
    for wrong in ["Bearer k3", "Bearer k3yy", "Basic k3y", "k3y", ""] {
        assert_eq!(with("POST", "/transform", wrong, "{}").status, 401, "{wrong}");
    }
    let check = |answer: &Answer, status: u16, says: &str| {
        assert_eq!(answer.status, status, "{answer:?}");
        let body = answer.json();
        assert_eq!((&body["status"], &body["http_status"]), (&json!("failed"), &json!(status)));
        assert!(answer.body.contains(says), "{}", answer.body);
    };
    check(&with("GET", "/transform", "Bearer k3y", ""), 405, "POST");
    check(&with("POST", "/transform/nothing", "Bearer k3y", "{}"), 404, "things");
    check(&with("POST", "/transform", "Bearer k3y", " \n"), 422, "empty");
    check(&with("POST", "/transform?on_error=ignore", "Bearer k3y", "{}"), 400, "report");
    check(&get(running.data, "/metrics"), 404, "/metrics");
    check(&get(running.data, "/sync"), 404, "/sync");
    assert_eq!(get(running.data, "/health").status, 200, "no key is needed there");

    // A body that is announced to be too long isn't waited for.
    let mut socket = TcpStream::connect(running.data).unwrap();
    write!(
        socket,
        "POST /transform HTTP/1.1\r\nhost: x\r\nx-api-key: k3y\r\ncontent-length: 999999999\r\n\r\n"
    )
    .unwrap();
    check(&read_answer(&mut BufReader::new(socket)), 413, "too long");
    let mut socket = TcpStream::connect(running.data).unwrap();
    // It is answered before all of it is sent.
    let _ = write!(socket, "POST /transform HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(100_000));
    assert!(read_head(&mut BufReader::new(socket)).contains("431"));
}

#[test]
fn streams_go_both_ways_at_once_and_no_faster_than_they_are_taken() {
    let world = World::new(0);
    let running = world.serve(&[]);
    let mut socket = TcpStream::connect(running.data).unwrap();
    let head = "POST /transform HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    let send = |socket: &mut TcpStream, text: &str| write!(socket, "{:x}\r\n{text}\r\n", text.len());
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    send(&mut socket, "{\"id\": 1}\n").unwrap();
    assert!(read_head(&mut reader).contains("200 OK"));
    assert_eq!(read_chunk(&mut reader).unwrap(), b"{\"ext\":1}\n", "answered before the next is sent");
    // Half a record waits for its other half.
    send(&mut socket, "{\"id\": ").unwrap();
    send(&mut socket, "2}\n").unwrap();
    assert_eq!(read_chunk(&mut reader).unwrap(), b"{\"ext\":2}\n");

    // Nobody reads: the service stops taking, and holds little.
    socket.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let before = running.memory();
    let record = format!("{{\"id\": 3, \"name\": \"{}\"}}\n", "x".repeat(60_000));
    let mut sent = 0;
    let stopped = loop {
        match send(&mut socket, &record) {
            Ok(()) => sent += record.len(),
            Err(error) => break error,
        }
        assert!(sent < 256 << 20, "it takes without end");
    };
    assert!(matches!(stopped.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{stopped}");
    assert!(running.memory() < before + (16 << 10), "{before} KiB became {} KiB", running.memory());
    // Others aren't kept waiting.
    assert_eq!(post(running.data, "/transform", r#"{"id":1}"#).status, 200);
}

#[test]
fn answers_on_one_connection_have_nothing_of_each_other() {
    let world = World::new(0);
    let running = world.serve(&[]);
    let mut socket = TcpStream::connect(running.data).unwrap();
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    // What one answer took is used for the next: longer, shorter, beyond what leaves in one piece, and without a body.
    for name in [10, 3_000, 0, 5_000, 100_000, 1, 20].map(|length| "n".repeat(length)) {
        let body = json!({ "id": 1, "name": name }).to_string();
        let head = format!(
            "POST /transform HTTP/1.1\r\nhost: x\r\nx-mine: 1\r\nallow: all\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all((head + &body).as_bytes()).unwrap();
        let answer = read_answer(&mut reader);
        assert_eq!((answer.status, answer.json()), (200, json!({ "ext": 1, "title": name })));
        let head = answer.head.to_ascii_lowercase();
        assert!(!head.contains("x-mine") && !head.contains("allow") && !head.contains("host"), "{head}");
    }
    socket
        .write_all(b"PUT /transform HTTP/1.1\r\nhost: x\r\nallow: all\r\ncontent-length: 0\r\n\r\n")
        .unwrap();
    let answer = read_answer(&mut reader);
    assert_eq!(answer.status, 405);
    assert!(answer.head.to_ascii_lowercase().contains("allow: post\r\n"), "{}", answer.head);
    // Two at once are answered one after the other.
    let one = "POST /transform HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{\"id\": 7}";
    socket.write_all(one.repeat(2).as_bytes()).unwrap();
    for _ in 0..2 {
        assert_eq!(read_answer(&mut reader).json(), json!({ "ext": 7 }));
    }
}

#[test]
fn a_caller_that_says_no_more_is_answered() {
    let world = World::new(0);
    let running = world.serve(&[]);
    for kind in ["application/json", "application/x-ndjson"] {
        let mut socket = TcpStream::connect(running.data).unwrap();
        let asked = format!(
            "POST /transform HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: 9\r\n\r\n{{\"id\": 7}}"
        );
        socket.write_all(asked.as_bytes()).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let mut reader = BufReader::new(socket);
        assert_eq!(read_answer(&mut reader).json(), json!({ "ext": 7 }));
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty(), "and the connection ends");
    }
}

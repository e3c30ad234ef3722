//! The command as it is killed: SIGKILL at moments spread over its work, and nothing is lost or made twice.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

const RECORDS: usize = 400;

/// What the destination made, by idempotency key.
#[derive(Default)]
struct Made {
    keys: BTreeMap<String, usize>,
    ids: Vec<u64>,
}

/// A source of numbered records, and a destination that honours keys and loses every ninth answer.
fn serve() -> (String, Arc<Mutex<Made>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let made: Arc<Mutex<Made>> = Arc::default();
    let shared = Arc::clone(&made);
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || answer(&socket.unwrap(), &shared));
        }
    });
    (address, made)
}

/// Answers until the client goes away, as one that is killed does.
fn answer(socket: &TcpStream, made: &Mutex<Made>) -> Option<()> {
    let mut reader = BufReader::new(socket);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                text => lines.push(text.to_owned()),
            }
        }
        let header = |name: &str| {
            lines.iter().find_map(|line| {
                let (known, value) = line.split_once(": ")?;
                known.eq_ignore_ascii_case(name).then(|| value.to_owned())
            })
        };
        let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).ok()?;
        let target = lines[0].split(' ').nth(1).unwrap().to_owned();
        let reply = if lines[0].starts_with("GET") {
            let offset: usize = target
                .split(['?', '&'])
                .find_map(|pair| pair.strip_prefix("offset="))
                .map_or(0, |text| text.parse().unwrap());
            let page: Vec<Value> = (offset..RECORDS.min(offset + 50))
                .map(|id| json!({"id": id, "name": format!("n{id}")}))
                .collect();
            json!({"data": page, "total": RECORDS})
        } else {
            let record: Value = serde_json::from_slice(&body).unwrap();
            let mut made = made.lock().unwrap();
            let fresh = made.ids.len();
            let at = *made.keys.entry(header("idempotency-key").unwrap()).or_insert(fresh);
            if at == fresh {
                made.ids.push(record["ext"].as_u64().unwrap());
                if fresh % 9 == 4 {
                    return None;
                }
            }
            json!({ "id": at })
        };
        let text = reply.to_string();
        let mut socket = socket;
        write!(socket, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()).ok()?;
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vitesse-runtime"));
    command
        .args(arguments)
        .args(["--mapping", "mapping.json", "--state", "state"])
        .current_dir(folder)
        .env("VITESSE_ALLOW", "private")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output = command(folder, arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn prepare(folder: &Path, address: &str) {
    let mapping = json!({
        "version": 1, "integration_id": "killed", "stream": "numbers",
        "source": {
            "base_url": address, "path": "/numbers", "records": "data[]", "id_field": "id",
            "pagination": {"kind": "offset", "param": "offset", "size": 50, "total": "total"},
        },
        "destination": {
            "base_url": address, "idempotency": {},
            "operations": {"create": {"method": "POST", "path": "/made", "id": "id"}},
        },
        "transformations": [
            {"source_field": "id", "dest_field": "ext", "transform_type": "mapping"},
            {"source_field": "name", "dest_field": "name", "transform_type": "direct"},
        ],
        "on_error": "dead_letter",
    });
    std::fs::write(folder.join("mapping.json"), mapping.to_string()).unwrap();
}

#[test]
fn crash_by_sigkill_loses_nothing_and_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (address, made) = serve();
    prepare(folder.path(), &address);
    let mut killed = 0;
    for round in 0..20u64 {
        let mut child = command(folder.path(), &["sync", "--quiet", "--backoff", "5"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(10 + round * 7 % 60));
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 0, "every run ended before it was killed");
    run(folder.path(), &["sync", "--quiet", "--backoff", "5"]);
    let made = made.lock().unwrap();
    let distinct: BTreeSet<u64> = made.ids.iter().copied().collect();
    assert_eq!(made.ids.len(), RECORDS, "nothing is made twice");
    assert_eq!(distinct, (0..RECORDS as u64).collect(), "nothing is lost");
    drop(made);
    assert!(run(folder.path(), &["dead-letters", "list"]).stdout.is_empty());
    let runs = run(folder.path(), &["runs"]);
    assert!(String::from_utf8_lossy(&runs.stdout).contains("ended"));
}

#[test]
fn a_preview_shows_the_writes_and_check_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let (address, made) = serve();
    prepare(folder.path(), &address);
    let output = run(folder.path(), &["sync", "--dry-run", "--limit", "2"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("\"request\":\"POST /made\"") && text.contains("\\\"ext\\\":1"), "{text}");
    assert!(made.lock().unwrap().ids.is_empty());

    let mapping = std::fs::read_to_string(folder.path().join("mapping.json")).unwrap();
    let with_batch =
        mapping.replacen("\"idempotency\"", "\"batch\":{\"records\":5,\"max_records\":9},\"idempotency\"", 1);
    std::fs::write(folder.path().join("mapping.json"), with_batch).unwrap();
    for (size, fits) in [("9", true), ("10", false)] {
        let output =
            command(folder.path(), &["check", "--offline"]).env("BATCH_SIZE", size).output().unwrap();
        assert_eq!(output.status.success(), fits, "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stderr).contains("BATCH_SIZE"), !fits);
    }
    let with_token = mapping.replacen("\"idempotency\"", "\"auth\":{\"type\":\"bearer\"},\"idempotency\"", 1);
    std::fs::write(folder.path().join("mapping.json"), with_token).unwrap();
    let output = command(folder.path(), &["check", "--env"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.lines().any(|line| line.starts_with("VITESSE_DEST_TOKEN") && line.contains("MISSING")),
        "{text}"
    );
}

//! The command under what happens to processes: a disk that is full, a signal to stop, records from a pipe.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const RECORDS: usize = 300;
const PAGE: usize = 20;

/// What the peers saw.
#[derive(Default)]
struct Seen {
    pages: usize,
    /// Each write by its key, and how often it came.
    writes: BTreeMap<String, usize>,
    /// The destination doesn't take the record 3.
    refuses: bool,
}

/// A source of records of 20 KB, and a destination that takes `slowness` for each.
fn serve(slowness: Duration) -> (String, Arc<Mutex<Seen>>) {
    serve_texts(slowness, 20_000)
}

fn serve_texts(slowness: Duration, bytes: usize) -> (String, Arc<Mutex<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let shared = Arc::clone(&seen);
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || talk(&socket.unwrap(), &shared, slowness, bytes));
        }
    });
    (address, seen)
}

fn talk(mut socket: &TcpStream, seen: &Mutex<Seen>, slowness: Duration, bytes: usize) -> Option<()> {
    let mut reader = BufReader::new(socket);
    loop {
        let (mut first, mut key, mut length) = (String::new(), None, 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if first.is_empty() {
                first = line.to_owned();
            }
            match line.split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().unwrap()
                }
                Some((name, value)) if name.eq_ignore_ascii_case("idempotency-key") => {
                    key = Some(value.to_owned())
                }
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let reply = match first.split(' ').nth(1).unwrap().split_once("offset=") {
            Some((_, offset)) => {
                seen.lock().unwrap().pages += 1;
                let offset: usize = offset.split(['&', ' ']).next().unwrap().parse().unwrap();
                let record = |id: usize| json!({"id": id, "text": "x".repeat(bytes)});
                let page: Vec<Value> = (offset..RECORDS.min(offset + PAGE)).map(record).collect();
                json!({"data": page, "total": RECORDS})
            }
            None => {
                *seen.lock().unwrap().writes.entry(key.unwrap()).or_default() += 1;
                std::thread::sleep(slowness);
                json!({"id": 1})
            }
        };
        let text = reply.to_string();
        if body.starts_with(b"{\"id\":3,") && seen.lock().unwrap().refuses {
            write!(socket, "HTTP/1.1 422 No\r\ncontent-length: 9\r\n\r\nno threes").ok()?;
            continue;
        }
        write!(socket, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()).ok()?;
    }
}

fn mapping(address: &str) -> Value {
    json!({
        "version": 1, "integration_id": "operated", "stream": "texts",
        "source": {
            "base_url": address, "path": "/texts", "records": "data[]", "id_field": "id",
            "pagination": {"kind": "offset", "param": "offset", "size": PAGE, "total": "total"},
        },
        "destination": {
            "base_url": address, "idempotency": {},
            "operations": {"create": {"method": "POST", "path": "/made"}},
        },
        "transformations": [
            {"source_field": "id", "dest_field": "id", "transform_type": "direct"},
            {"source_field": "text", "dest_field": "text", "transform_type": "direct"},
        ],
        "on_error": "dead_letter",
    })
}

/// A shell that does something first, and then is the command.
fn command(folder: &Path, before: &str, arguments: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{before} exec \"$RUNTIME\" {arguments} --mapping mapping.json --state state")])
        .env("RUNTIME", env!("CARGO_BIN_EXE_vitesse-runtime"))
        .env("VITESSE_ALLOW", "private")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_full_disk_stops_reading_before_anything_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (address, seen) = serve(Duration::from_millis(5));
    std::fs::write(folder.path().join("mapping.json"), mapping(&address).to_string()).unwrap();
    // Made while there is room; then files may be a little larger than this one is, as on a disk that is nearly full.
    assert!(command(folder.path(), "", "runs").output().unwrap().status.success());
    let blocks = std::fs::metadata(folder.path().join("state")).unwrap().len() / 512 + 400;
    let full = format!("trap '' XFSZ; ulimit -f {blocks};");
    let output = command(folder.path(), &full, "sync --quiet").output().unwrap();
    assert!(!output.status.success(), "there was room: {}", said(&output));
    assert!(said(&output).contains("store"), "{}", said(&output));
    let (pages, written) = {
        let seen = seen.lock().unwrap();
        (seen.pages, seen.writes.len())
    };
    assert!(pages < RECORDS / PAGE, "it went on reading: {pages} pages");
    assert!(written < RECORDS, "{written}");
    let output = command(folder.path(), "", "sync --json").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.writes.len(), RECORDS, "each is delivered once there is room");
    let letters = command(folder.path(), "", "dead-letters list").output().unwrap();
    assert!(letters.status.success() && letters.stdout.is_empty());
}

#[test]
fn a_signal_to_stop_lets_what_is_under_way_end() {
    let folder = tempfile::tempdir().unwrap();
    let (address, seen) = serve(Duration::from_millis(150));
    std::fs::write(folder.path().join("mapping.json"), mapping(&address).to_string()).unwrap();
    let child = command(folder.path(), "", "sync --quiet").spawn().unwrap();
    while seen.lock().unwrap().writes.len() < 10 {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success() && said(&output).contains("cancelled"), "{}", said(&output));
    let written = seen.lock().unwrap().writes.len();
    assert!(written < RECORDS, "it went on to the end");
    // Everything that was sent was waited for: nothing of it is sent again.
    assert!(command(folder.path(), "", "sync --quiet --concurrency 64").output().unwrap().status.success());
    let seen = seen.lock().unwrap();
    assert_eq!(seen.writes.len(), RECORDS);
    assert!(seen.writes.values().all(|times| *times == 1), "{:?}", seen.writes);
}

#[test]
fn a_signal_to_stop_is_obeyed_within_its_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let (address, seen) = serve(Duration::from_secs(3600));
    std::fs::write(folder.path().join("mapping.json"), mapping(&address).to_string()).unwrap();
    let child = command(folder.path(), "", "sync --quiet --deadline 3000 --drain 0.2").spawn().unwrap();
    while seen.lock().unwrap().writes.is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let started = Instant::now();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    // Far from the 3000 seconds that the answers may take; how busy the machine is makes no difference.
    assert!(!output.status.success() && started.elapsed() < Duration::from_secs(100), "{}", said(&output));
    // What was under way is known to the next process.
    let letters = command(folder.path(), "", "dead-letters list").output().unwrap();
    assert!(letters.status.success() && letters.stdout.is_empty(), "{}", said(&letters));
}

#[test]
fn letters_are_listed_shown_replayed_and_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let (address, seen) = serve_texts(Duration::ZERO, 10);
    seen.lock().unwrap().refuses = true;
    std::fs::write(folder.path().join("mapping.json"), mapping(&address).to_string()).unwrap();
    let run = |arguments: &str| command(folder.path(), "", arguments).output().unwrap();
    let printed = |arguments: &str| {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let report = printed("sync --json");
    assert!(report.contains("\"created\":299") && report.contains("\"dead\":1"), "{report}");
    let listed = printed("dead-letters list");
    assert!(listed.starts_with("3  refused  HTTP 422 from /made: no threes"), "{listed}");
    let shown: Value = serde_json::from_str(&printed("dead-letters show 3")).unwrap();
    assert_eq!((&shown["reason"], &shown["attempts"]), (&json!("refused"), &json!(1)));
    assert!(shown["source"].as_str().unwrap().contains("xxx") && shown["made"].is_string());
    assert_eq!(printed("dead-letters replay 3"), "3  failed again\n");
    seen.lock().unwrap().refuses = false;
    assert_eq!(printed("dead-letters replay --all"), "3  delivered\n");
    assert_eq!(printed("dead-letters list"), "");
    let output = run("dead-letters show 3");
    assert!(output.status.code() == Some(4) && said(&output).contains("no dead letter"), "{}", said(&output));

    // Forgotten, it is new again; refused again, its letter can be thrown away.
    seen.lock().unwrap().refuses = true;
    printed("forget 3");
    printed("sync --quiet");
    printed("dead-letters drop 3");
    assert_eq!(printed("dead-letters list"), "");
    assert_eq!(run("forget 4711").status.code(), Some(4));
    let runs = printed("runs --json --limit 1");
    let last: Value = serde_json::from_str(&runs).unwrap();
    assert_eq!(last["report"]["streams"][0]["counts"]["unchanged"], 299);
    assert!(printed("compact").contains("\"bytes_after\":"));
    let output = run("reset --from 2026-01-01T00:00:00Z");
    assert!(said(&output).contains("not read incrementally"), "{}", said(&output));
    printed("reset");
}

#[test]
fn records_come_from_a_pipe_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let mut mapping = mapping("http://127.0.0.1:1");
    mapping["destination"] = json!({"file": {"path": "out.ndjson"}});
    let ndjson = "{\"id\":1,\"text\":\"a\"}\n\n{\"id\":2,\"text\":\"b\"}";
    let array = " [{\"id\":1,\"text\":\"a\"},\n{\"id\":2,\"text\":\"b\"}] ";
    let csv = "id,text\n1,a\n2,\"b\"\n";
    let concatenated = "{\"id\":1,\"text\":\"a\"} {\"id\":2,\n\"text\":\"b\"}";
    for (format, input, number) in [
        ("auto", ndjson, true),
        ("auto", array, true),
        ("csv", csv, false),
        ("concatenated", concatenated, true),
    ] {
        mapping["stream"] = format!("{format}{}", input.len()).into();
        mapping["source"] =
            json!({"type": "stdin", "id_field": "id", "file": {"path": "-", "format": format}});
        std::fs::write(folder.path().join("mapping.json"), mapping.to_string()).unwrap();
        let _ = std::fs::remove_file(folder.path().join("out.ndjson"));
        let mut child = command(folder.path(), "", "sync --quiet").stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let written = std::fs::read_to_string(folder.path().join("out.ndjson")).unwrap();
        let expect = match number {
            true => "{\"id\":1,\"text\":\"a\"}\n{\"id\":2,\"text\":\"b\"}\n",
            false => "{\"id\":\"1\",\"text\":\"a\"}\n{\"id\":\"2\",\"text\":\"b\"}\n",
        };
        assert_eq!(written, expect, "{format}");
    }
    // What is broken is said, with its place.
    mapping["stream"] = "broken".into();
    mapping["source"]["file"]["format"] = "csv".into();
    std::fs::write(folder.path().join("mapping.json"), mapping.to_string()).unwrap();
    let mut child = command(folder.path(), "", "sync --quiet").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"id,text\n1,a,b\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success() && said(&output).contains("CSV"), "{}", said(&output));
}

#[test]
fn a_terminal_shows_how_far_it_is_and_a_file_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _seen) = serve_texts(Duration::from_millis(4), 10);
    std::fs::write(folder.path().join("mapping.json"), mapping(&address).to_string()).unwrap();
    let terminal =
        rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
    rustix::pty::grantpt(&terminal).unwrap();
    rustix::pty::unlockpt(&terminal).unwrap();
    let name = rustix::pty::ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let screen = std::fs::File::options().read(true).write(true).open(name).unwrap();
    let mut started = command(folder.path(), "", "sync --concurrency 2");
    started.stderr(Stdio::from(screen));
    let mut child = started.spawn().unwrap();
    // Held by the command only, so that its end is the end of what is read.
    drop(started);
    let mut shown = Vec::new();
    // At the end Linux says that the other side is gone, instead of nothing.
    let _ = std::fs::File::from(terminal).read_to_end(&mut shown);
    assert!(child.wait().unwrap().success());
    let shown = String::from_utf8(shown).unwrap();
    // Each time the line is taken away and written anew, with a bar, since the source tells its total.
    let bars: Vec<&str> = shown.split("\r\x1b[2K").filter(|line| line.contains('░')).collect();
    assert!(!bars.is_empty(), "{shown:?}");
    for bar in &bars {
        assert!(bar.contains(&format!(" of {RECORDS}, ")) && bar.contains(" records/s"), "{bar:?}");
        let whole = bar.chars().filter(|part| matches!(part, '█' | '░')).count();
        assert_eq!(whole, 20, "{bar:?}");
    }
    let last = shown.rsplit("\r\x1b[2K").next().unwrap();
    assert_eq!(
        last.trim_end(),
        format!("texts: {RECORDS} read, {RECORDS} created"),
        "the bar is taken off at the end"
    );

    let output = command(folder.path(), "", "sync").output().unwrap();
    assert!(!said(&output).contains(['\r', '\x1b']), "{:?}", said(&output));
}

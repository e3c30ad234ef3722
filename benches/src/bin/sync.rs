//! Measures `vitesse-runtime sync` from outside: records a second between peers on loopback, the part of the time it spends
//! waiting rather than computing, its memory idle and at work, and the size of the binary.
//!
//! `sync RUNTIME [RECORDS]`. The peers are threads of this process, so what they compute is not counted; on a machine with
//! few cores they still take time from the runtime.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for measuring, which reports and fails loudly"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PAGE: usize = 200;

#[derive(Clone, Copy)]
struct Peers {
    records: usize,
    /// How long a page and a write take.
    read: Duration,
    write: Duration,
    /// How long a record's note is.
    note: usize,
}

fn main() {
    let mut words = std::env::args().skip(1);
    let runtime = words.next().unwrap_or_else(|| "target/runtime/vitesse-runtime".into());
    let runtime = std::fs::canonicalize(runtime).unwrap();
    let records = words.next().map_or(20_000, |text| text.parse().unwrap());
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "binary: {:.1} MB; load before: {}",
        megabytes(std::fs::metadata(&runtime).unwrap().len()),
        load.trim()
    );
    println!("idle, waiting for a source that does not answer: {:.1} MB", idle(&runtime));
    println!();
    println!("| peers | records | records/s | waiting | most memory |");
    println!("|---|---|---|---|---|");
    let now = Duration::ZERO;
    for (name, each, wait, bulk, arguments) in [
        ("answer at once, one record a request", 1, now, false, ""),
        ("answer at once, 100 records a request", 5, now, true, ""),
        ("answer after 10 ms, one record a request", 1, Duration::from_millis(10), false, ""),
        ("answer after 10 ms, 64 requests at once", 1, Duration::from_millis(10), false, "--concurrency 64"),
        ("answer after 100 ms, 100 records a request", 5, Duration::from_millis(100), true, ""),
    ] {
        let records = records * each / if wait.is_zero() { 1 } else { 4 };
        measure(&runtime, name, Peers { records, read: wait, write: wait, note: 60 }, bulk, arguments);
    }
    // Pages of 20 MB, and a destination that takes its time: memory follows the pages, not what comes through.
    for records in [2000, 4000] {
        let peers = Peers { records, read: now, write: Duration::from_millis(5), note: 100_000 };
        measure(&runtime, "records of 100 KB in pages of 20 MB", peers, false, "");
    }
}

/// A folder under `target`, on a real disk, that is removed in the end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = Path::new("target").join(format!("bench-sync-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn start(runtime: &Path, folder: &Path, bulk: bool, peers: Peers, arguments: &str) -> Child {
    let address = serve(peers);
    let operations = if bulk {
        r#""bulk": {"method": "POST", "path": "/made", "wrap": "records"}"#
    } else {
        r#""create": {"method": "POST", "path": "/made", "id": "id"}"#
    };
    let mapping = format!(
        r#"{{"version": 1, "integration_id": "bench", "stream": "people",
        "source": {{"base_url": "{address}", "path": "/people", "records": "data[]", "id_field": "id",
            "pagination": {{"kind": "offset", "param": "offset", "size": {PAGE}, "total": "total"}}}},
        "destination": {{"base_url": "{address}", "idempotency": {{}}, "batch": {{"records": 100}}, "operations": {{{operations}}}}},
        "transformations": [
            {{"source_field": "id", "dest_field": "ext", "transform_type": "mapping"}},
            {{"source_field": "first_name", "dest_field": "given_name", "transform_type": "mapping"}},
            {{"source_field": "address.city", "dest_field": "city", "transform_type": "mapping"}},
            {{"source_field": "email", "dest_field": "email", "transform_type": "direct"}},
            {{"source_field": "notes", "dest_field": "notes", "transform_type": "direct"}}
        ], "on_error": "dead_letter"}}"#
    );
    std::fs::write(folder.join("mapping.json"), mapping).unwrap();
    Command::new(runtime)
        .args(["sync", "--quiet", "--mapping", "mapping.json", "--state", "state"])
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("VITESSE_ALLOW", "private")
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

fn measure(runtime: &Path, name: &str, peers: Peers, bulk: bool, arguments: &str) {
    let folder = Folder::new();
    let started = Instant::now();
    let mut child = start(runtime, &folder.0, bulk, peers, arguments);
    let (mut used, mut most) = (Duration::ZERO, 0);
    let status = loop {
        used = cpu(child.id()).unwrap_or(used);
        most = memory(child.id(), "VmHWM").unwrap_or(most);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let took = started.elapsed();
    assert!(status.success(), "{name}: it failed");
    println!(
        "| {name} | {} | {:.0} | {:.0} % | {:.1} MB |",
        peers.records,
        peers.records as f64 / took.as_secs_f64(),
        100.0 * (1.0 - used.as_secs_f64() / took.as_secs_f64()),
        megabytes(most),
    );
}

fn idle(runtime: &Path) -> f64 {
    let folder = Folder::new();
    let peers = Peers { records: 1, read: Duration::from_secs(3600), write: Duration::ZERO, note: 60 };
    let mut child = start(runtime, &folder.0, false, peers, "--deadline 3000");
    std::thread::sleep(Duration::from_secs(2));
    let size = memory(child.id(), "VmRSS").unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    megabytes(size)
}

/// What a process computed so far, itself and for it.
fn cpu(process: u32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let after = text.rsplit_once(") ")?.1;
    let ticks: u64 = after.split(' ').skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    // One that has ended has no figures any more.
    (ticks > 0).then(|| Duration::from_millis(ticks * 10))
}

fn memory(process: u32, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

fn serve(peers: Peers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            std::thread::spawn(move || talk(&socket, peers));
        }
    });
    address
}

fn talk(mut socket: &TcpStream, peers: Peers) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    let mut reader = BufReader::with_capacity(64 << 10, socket);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let (mut first, mut length) = (String::new(), 0);
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if first.is_empty() {
                first = text.to_owned();
            } else if let Some((name, value)) = text.split_once(": ")
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.parse().unwrap();
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body).ok()?;
        let (wait, reply) = match first.split_once("offset=") {
            Some((_, offset)) => {
                let offset = offset.split(['&', ' ']).next()?.parse().unwrap();
                (peers.read, page(offset, peers))
            }
            None => (peers.write, r#"{"id": "d-17"}"#.to_owned()),
        };
        std::thread::sleep(wait);
        let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{reply}", reply.len());
        socket.write_all(text.as_bytes()).ok()?;
    }
}

fn page(from: usize, peers: Peers) -> String {
    let (records, note) = (peers.records, "figures, not words; ".repeat(peers.note / 20));
    let page: Vec<String> = (from..records.min(from + PAGE))
        .map(|id| {
            format!(
                r#"{{"id":{id},"first_name":"Ada","last_name":"Lovelace","email":"ada{id}@example.org","phone":"+44 20 7946 0{id:03}","address":{{"street":"12 St James's Square","city":"London","zip":"SW1Y 4JH"}},"tags":["a","b"],"created_at":"2026-01-02T03:04:05Z","notes":"{note}"}}"#
            )
        })
        .collect();
    format!(r#"{{"data":[{}],"total":{records}}}"#, page.join(","))
}

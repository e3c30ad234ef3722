//! Measures the control plane from outside: each operation under 32 callers, a thousand integrations, a soak.
//!
//! `http VITESSE [--store URL] [--seconds N] [--soak MINUTES]`
//!
//! The store is to be empty; without a URL it is a file of its own.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a measurement: it prints, and ends where it can't go on"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const API: &str = "/api/v1/vitesse";
const CALLERS: usize = 32;
const INTEGRATIONS: usize = 1000;

fn main() {
    let mut words = std::env::args().skip(1);
    let vitesse = words.next().unwrap_or_else(|| panic!("name the vitesse that is to be measured"));
    let home = tempfile::tempdir().unwrap();
    let (mut store, mut seconds, mut soak) =
        (format!("embedded:{}", home.path().join("store").display()), 5.0_f64, 0.0_f64);
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--store" => store = value,
            "--seconds" => seconds = value.parse().unwrap(),
            "--soak" => soak = value.parse().unwrap(),
            other => panic!("what is {other}?"),
        }
    }
    let server = Server::start(&vitesse, &store, home.path());
    let backend = store.split(':').next().unwrap();
    println!("memory after the start: {:.1} MiB", server.memory());
    println!("store: {backend}, {CALLERS} callers, {} cores", std::thread::available_parallelism().unwrap());
    println!("{:<46} {:>9} {:>9} {:>9} {:>9}", "operation", "req/s", "p50 ms", "p99 ms", "max ms");
    let ids = fill(&server);
    let id = |caller: usize, turn: usize| ids[(caller * 31 + turn) % ids.len()].clone();
    let within = Duration::from_secs_f64(seconds);
    let look = |name: &str, path: &(dyn Fn(usize, usize) -> String + Sync)| {
        let asked = |caller: usize, turn: usize| ("GET", path(caller, turn), String::new());
        tell(name, &server.under(CALLERS, within, usize::MAX, &asked));
    };
    look("GET /health", &|_, _| "/health".into());
    look("GET /ready", &|_, _| "/ready".into());
    look("GET /integrations (50 of 1,000)", &|_, _| format!("{API}/integrations"));
    look("GET /integrations/{id}", &|a, b| format!("{API}/integrations/{}", id(a, b)));
    look("GET /integrations/{id}/details", &|a, b| format!("{API}/integrations/{}/details", id(a, b)));
    look("GET /integrations/{id}/history", &|a, b| format!("{API}/integrations/{}/history", id(a, b)));
    look("GET /integrations/{id}/whiteboard", &|a, b| format!("{API}/integrations/{}/whiteboard", id(a, b)));
    look("GET /discover", &|_, turn| {
        format!("{API}/discover?query={}&limit=5", ["crm", "shop+orders", "Salesforce"][turn % 3])
    });
    look("GET /status", &|_, _| format!("{API}/status"));
    look("GET /integrations/stats", &|_, _| format!("{API}/integrations/stats"));
    look("GET /agents/mapper/metrics", &|_, _| format!("{API}/agents/mapper/metrics"));
    look("GET /metrics", &|_, _| "/metrics".into());
    look("GET /openapi.json", &|_, _| "/openapi.json".into());
    let patch = |caller: usize, turn: usize| {
        // Each caller changes integrations of its own: two at once would be refused.
        let own = &ids[(caller * (INTEGRATIONS / CALLERS) + turn % (INTEGRATIONS / CALLERS)) % ids.len()];
        ("PATCH", format!("{API}/integrations/{own}"), json!({"description": format!("{turn}")}).to_string())
    };
    tell("PATCH /integrations/{id}", &server.under(CALLERS, within, usize::MAX, &patch));
    let documents =
        json!({"source_document": example("shop.yaml"), "dest_document": example("crm.json")}).to_string();
    let pair = json!({"source_endpoint": "/customers", "dest_endpoint": "/contacts"}).to_string();
    for (name, body) in [("ingest", documents.as_str()), ("map", &pair), ("test", "{}")] {
        let step = |caller: usize, _| {
            ("POST", format!("{API}/integrations/{}/{name}", ids[caller]), body.to_owned())
        };
        tell(
            &format!("POST /integrations/{{id}}/{name}"),
            &server.under(CALLERS, within * 2, usize::MAX, &step),
        );
    }
    for part in [
        "review",
        "mappings",
        "field-mappings",
        "transformation-rules",
        "tests",
        "test-results",
        "deployments",
        "deployment-configs",
        "descriptions/source",
        "whiteboard/log",
        "status",
        "export",
    ] {
        // Only these got so far.
        let path = |caller: usize, _| format!("{API}/integrations/{}/{part}", ids[caller]);
        look(&format!("GET /integrations/{{id}}/{part}"), &path);
    }
    for path in ["/connections", "/keys", "/agents/activities", "/agents/communications", "/agents/stats"] {
        look(&format!("GET {path}"), &|_, _| format!("{API}{path}"));
    }
    list_all(&server);
    println!("memory after all of this: {:.1} MiB", server.memory());
    if soak > 0.0 {
        self::soak(&server, &ids, soak);
    }
}

/// Makes the integrations, and tells how long that took.
fn fill(server: &Server) -> Vec<String> {
    let found = |name: &str| json!({"api_name": name, "base_url": "https://api.example.com"});
    let body = json!({
        "name": "Shop to CRM", "source_discovery": found("Shop"), "dest_discovery": found("CRM"),
        "user_intent": "Sync customers to contacts", "deployment_target": "process",
    })
    .to_string();
    let asked = |_, _| ("POST", format!("{API}/integrations"), body.clone());
    tell("POST /integrations", &server.under(CALLERS, Duration::MAX, INTEGRATIONS, &asked));
    let mut ids = Vec::new();
    let mut caller = Caller::new(&server.address);
    let mut path = format!("{API}/integrations?limit=500");
    loop {
        let page: Value = serde_json::from_slice(&caller.ask("GET", &path, "").1).unwrap();
        ids.extend(page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => path = format!("{API}/integrations?limit=500&after={}", next.replace('/', "%2F")),
            None => return ids,
        }
    }
}

fn list_all(server: &Server) {
    let mut caller = Caller::new(&server.address);
    let mut took = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let (mut seen, mut path) = (0, format!("{API}/integrations?limit=500"));
        loop {
            let page: Value = serde_json::from_slice(&caller.ask("GET", &path, "").1).unwrap();
            seen += page["count"].as_u64().unwrap();
            match page["next"].as_str() {
                Some(next) => {
                    path = format!("{API}/integrations?limit=500&after={}", next.replace('/', "%2F"))
                }
                None => break,
            }
        }
        took.push((began.elapsed().as_secs_f64() * 1000.0, seen));
    }
    took.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!("all {} integrations listed by one caller: {:.0} ms (median of 5)", took[2].1, took[2].0);
}

/// A mixed load for minutes; memory is told now and then.
fn soak(server: &Server, ids: &[String], minutes: f64) {
    let until = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let (stop, done, failed) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    println!("soak for {minutes} minutes: minute, MiB held by the server, requests so far, of them failed");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (stop, done, failed, address) = (&stop, &done, &failed, server.address.as_str());
            scope.spawn(move || {
                let mut caller = Caller::new(address);
                let mut turn = number;
                while !stop.load(Ordering::Relaxed) {
                    let id = &ids[turn * 7 % ids.len()];
                    let (status, _) = match turn % 20 {
                        0 => {
                            let body = json!({"description": format!("{turn}")}).to_string();
                            let own = &ids[number * 100 + turn % 100];
                            caller.ask("PATCH", &format!("{API}/integrations/{own}"), &body)
                        }
                        1 => {
                            let path = format!("{API}/integrations/{}/events?follow=false", ids[number]);
                            caller.ask("GET", &path, "")
                        }
                        2 => {
                            caller.hang_up();
                            caller = Caller::new(address);
                            caller.ask("GET", "/ready", "")
                        }
                        3..=9 => caller.ask("GET", &format!("{API}/integrations"), ""),
                        _ => caller.ask("GET", &format!("{API}/integrations/{id}"), ""),
                    };
                    failed.fetch_add(usize::from(status >= 300), Ordering::Relaxed);
                    done.fetch_add(1, Ordering::Relaxed);
                    turn += 1;
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
        }
        let mut minute = 0;
        loop {
            let (done, failed) = (done.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
            println!("  {minute:>3}  {:>7.1}  {done:>9}  {failed}", server.memory());
            if Instant::now() >= until {
                break;
            }
            let next = Duration::from_secs(60).min(until.saturating_duration_since(Instant::now()));
            std::thread::sleep(next);
            minute += 1;
        }
        stop.store(true, Ordering::Relaxed);
    });
}

fn tell(name: &str, measured: &(Vec<f64>, f64)) {
    let (mut times, took) = measured.clone();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() as f64 * share) as usize).min(times.len() - 1)];
    println!(
        "{name:<46} {:>9.0} {:>9.2} {:>9.2} {:>9.2}",
        times.len() as f64 / took,
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn example(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../examples/apis/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The control plane, as a process.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(vitesse: &str, store: &str, home: &std::path::Path) -> Self {
        let child = Command::new(vitesse)
            .args(["serve", "--listen", "127.0.0.1:0", "--store", store, "--json", "--quiet"])
            .env("VITESSE_HOME", home)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Ended however this ends.
        let mut server = Self { child, address: String::new() };
        let mut text = String::new();
        for line in BufReader::new(server.child.stdout.take().unwrap()).lines() {
            text.push_str(&line.unwrap());
            if let Ok(told) = serde_json::from_str::<Value>(&text) {
                told["url"].as_str().unwrap().trim_start_matches("http://").clone_into(&mut server.address);
                break;
            }
        }
        assert!(!server.address.is_empty(), "the control plane did not start: {text}");
        server
    }

    /// Asks with so many callers for so long, or so often; how long each answer took in milliseconds, and all of it
    /// in seconds.
    fn under(
        &self,
        callers: usize,
        within: Duration,
        most: usize,
        asked: &(dyn Fn(usize, usize) -> (&'static str, String, String) + Sync),
    ) -> (Vec<f64>, f64) {
        let began = Instant::now();
        let left = AtomicUsize::new(0);
        let times = std::thread::scope(|scope| {
            let work = |number: usize| {
                let (left, address) = (&left, self.address.as_str());
                move || {
                    let mut caller = Caller::new(address);
                    let mut times = Vec::new();
                    for turn in 0.. {
                        if began.elapsed() >= within || left.fetch_add(1, Ordering::Relaxed) >= most {
                            break;
                        }
                        let (method, path, body) = asked(number, turn);
                        let start = Instant::now();
                        let (status, answer) = caller.ask(method, &path, &body);
                        times.push(start.elapsed().as_secs_f64() * 1000.0);
                        // A test that doesn't pass the gate is answered with 400, and is measured all the same.
                        let gate = path.ends_with("/test") && status == 400;
                        assert!(
                            status < 300 || gate,
                            "{method} {path}: {status} {}",
                            String::from_utf8_lossy(&answer)
                        );
                    }
                    times
                }
            };
            let all: Vec<_> = (0..callers).map(|number| scope.spawn(work(number))).collect();
            all.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        (times, began.elapsed().as_secs_f64())
    }

    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection that is kept.
struct Caller {
    stream: BufReader<TcpStream>,
    address: String,
}

impl Caller {
    fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), address: address.to_owned() }
    }

    /// Goes away in the middle of a request.
    fn hang_up(&mut self) {
        let half = format!("POST {API}/integrations HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{{");
        self.stream.get_mut().write_all(half.as_bytes()).unwrap();
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> (u16, Vec<u8>) {
        let head = match body.is_empty() {
            true => String::new(),
            false => format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()),
        };
        let text = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n{head}\r\n{body}", self.address);
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
        let (mut status, mut length, mut line) = (0, None, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let text = line.trim_end();
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some((name, value)) = text.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.trim().parse::<usize>().unwrap());
            } else if text.is_empty() {
                break;
            }
        }
        match length {
            Some(length) => {
                let mut answer = vec![0; length];
                self.stream.read_exact(&mut answer).unwrap();
                (status, answer)
            }
            None => (status, self.chunks()),
        }
    }

    fn chunks(&mut self) -> Vec<u8> {
        let (mut all, mut line) = (Vec::new(), String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            let mut piece = vec![0; length + 2];
            self.stream.read_exact(&mut piece).unwrap();
            if length == 0 {
                return all;
            }
            all.extend_from_slice(&piece[..length]);
        }
    }
}

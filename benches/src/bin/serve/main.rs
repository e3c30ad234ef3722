//! What a service costs: `serve RUNTIME ECHO` measures the runtime binary at that path, beside an echo on the same stack,
//! built as it is (`benches/echo`).
//!
//! Both are processes with one worker thread each, asked in turns over the same kind of connections, so that whatever
//! else the machine does meets both. What a request costs is CPU time of the process (user and system), from its
//! own clock in nanoseconds.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that fails should stop and say where, and prints what it found"
)]

mod client;
mod process;

use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use client::{Load, post, request};
use process::Server;
use vitesse_benches::workloads::{Variant, generate};

const ROUNDS: usize = 1_201;
const REQUESTS: usize = 320;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [runtime, echo] => measure(Path::new(runtime), Path::new(echo), None),
        [runtime, echo, only] => measure(Path::new(runtime), Path::new(echo), Some(only)),
        _ => println!("usage: serve RUNTIME ECHO [start|cost|streams|crowd]"),
    }
}

fn measure(runtime: &Path, echo: &Path, only: Option<&str>) {
    client::raise_limit();
    let folder = tempfile::tempdir().unwrap();
    let mapping = folder.path().join("a.json");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/workloads/a.json"), &mapping).unwrap();
    let serve = |threads: &str| Server::runtime(runtime, &mapping, threads);
    let body = record(1024);

    let asked = |part| only.is_none_or(|only| only == part);
    if asked("start") {
        start(&serve);
    }
    if asked("cost") {
        cost(&Server::echo(echo), &serve("1"), &body);
    }
    if asked("streams") {
        streams(runtime, &mapping, &serve);
    }
    if asked("crowd") {
        crowd(&serve, &body);
    }
}

/// A record of workload A, its job title lengthened until the whole has so many bytes.
fn record(bytes: usize) -> String {
    let text = String::from_utf8(generate('a', Variant::Plain, 2_000).unwrap()).unwrap();
    let line = text.lines().next().unwrap();
    let more = "x".repeat(bytes.saturating_sub(line.len()));
    line.replacen("\"job_title\":\"", &format!("\"job_title\":\"{more}"), 1)
}

/// From the start of the process to the end of the answer to the first request.
fn start(serve: &dyn Fn(&str) -> Server) {
    let mut times = Vec::new();
    let mut memory = 0;
    for _ in 0..21 {
        let began = Instant::now();
        let server = serve("2");
        assert_eq!(post(server.address, "/transform", "application/json", "{\"id\":1}").0, 200);
        times.push(began.elapsed());
        std::thread::sleep(Duration::from_millis(200));
        memory = server.memory();
    }
    times.sort_unstable();
    println!("start to first answer: median {:.1} ms, slowest of 21 {:.1} ms", ms(times[10]), ms(times[20]));
    println!("idle memory (RSS): {memory} KiB");
}

/// CPU time of a request, beside the echo.
fn cost(echo: &Server, runtime: &Server, body: &str) {
    let answer = post(runtime.address, "/transform", "application/json", body);
    assert_eq!(answer.0, 200, "{}", answer.1);
    let servers = [echo, runtime];
    servers.iter().for_each(|server| server.pin());
    // The thread that asks is one of its own, so that nothing else of this program stays where it is kept.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            process::pin(None, 1);
            compare(servers, body);
        });
    });
}

fn compare(servers: [&Server; 2], body: &str) {
    let asked = request("/transform", "application/json", body);
    let mut load = servers.map(|server| Load::new(server.address, 32));
    let (mut costs, mut more) = ([Vec::new(), Vec::new()], Vec::new());
    for round in 0..=ROUNDS {
        let mut now = [0.0; 2];
        // In turns, so that whoever comes second doesn't always do so.
        for at in [round % 2, (round + 1) % 2] {
            let before = servers[at].cpu();
            load[at].run(&asked, REQUESTS);
            now[at] = (servers[at].cpu() - before).as_secs_f64() * 1e6 / REQUESTS as f64;
        }
        if round > 0 {
            costs[0].push(now[0]);
            costs[1].push(now[1]);
            more.push(now[1] - now[0]);
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    println!(
        "CPU of a request of {} bytes, 32 connections: echo {:.2} us, /transform {:.2} us, above it {:.2} us (median of {ROUNDS} rounds of {REQUESTS}; half of them {:.2} to {:.2})",
        body.len(),
        median(&mut costs[0]),
        median(&mut costs[1]),
        median(&mut more),
        more[more.len() / 4],
        more[more.len() * 3 / 4],
    );
}

/// Streams of records over HTTP, beside the command.
fn streams(runtime: &Path, mapping: &Path, serve: &dyn Fn(&str) -> Server) {
    let text = generate('a', Variant::Plain, 64 << 20).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.ndjson");
    std::fs::write(&file, &text).unwrap();
    let server = serve("2");
    let megabytes = text.len() as f64 / 1e6;
    let (mut http, mut http_cpu, mut command, mut command_cpu) = (vec![], vec![], vec![], vec![]);
    for _ in 0..7 {
        let (before, began) = (server.cpu(), Instant::now());
        let lines = stream(server.address, &text);
        http.push(megabytes / began.elapsed().as_secs_f64());
        http_cpu.push(megabytes / (server.cpu() - before).as_secs_f64());
        assert_eq!(lines, text.iter().filter(|byte| **byte == b'\n').count());

        let (before, began) = (process::children(), Instant::now());
        let mut child = Command::new(runtime)
            .args(["transform", "--quiet", "--on-error", "fail", "--mapping"])
            .arg(mapping)
            .stdin(std::fs::File::open(&file).unwrap())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Read by somebody, as the answer over HTTP is.
        let mut out = child.stdout.take().unwrap();
        let mut space = vec![0; 256 << 10];
        while out.read(&mut space).unwrap() > 0 {}
        assert!(child.wait().unwrap().success());
        command.push(megabytes / began.elapsed().as_secs_f64());
        command_cpu.push(megabytes / (process::children() - before).as_secs_f64());
    }
    let median = |rates: &mut Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    let (http, command) = (median(&mut http), median(&mut command));
    let (http_cpu, command_cpu) = (median(&mut http_cpu), median(&mut command_cpu));
    println!(
        "NDJSON, MB of input a second: over HTTP {http:.0}, the command into a pipe {command:.0}: {:.0} %",
        http * 100.0 / command
    );
    println!(
        "NDJSON, MB of input a second of CPU: over HTTP {http_cpu:.0}, the command {command_cpu:.0}: {:.0} %",
        http_cpu * 100.0 / command_cpu
    );
    println!("memory after streams of {megabytes:.0} MB: {} KiB", server.memory());
}

/// Sends a stream and reads its answer meanwhile; gives the lines that came.
fn stream(address: SocketAddr, text: &[u8]) -> usize {
    let socket = TcpStream::connect(address).unwrap();
    let mut sending = socket.try_clone().unwrap();
    let head = format!(
        "POST /transform HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        text.len()
    );
    std::thread::scope(|scope| {
        scope.spawn(move || {
            sending.write_all(head.as_bytes()).unwrap();
            sending.write_all(text).unwrap();
        });
        let mut reader = BufReader::with_capacity(256 << 10, socket);
        client::count_lines(&mut reader)
    })
}

/// What others do to those who ask.
fn crowd(serve: &dyn Fn(&str) -> Server, body: &str) {
    let server = serve("2");
    let address = server.address;
    let tell = |what: &str, connections: usize, requests: usize| {
        let times = client::latencies(address, body, connections, requests);
        println!(
            "{what}: {connections} connections, {:.0} requests a second, p50 {:.2} ms, p99 {:.2} ms, slowest {:.1} ms",
            times.rate,
            ms(times.p50),
            ms(times.p99),
            ms(times.slowest)
        );
    };
    tell("alone", 256, 200_000);
    tell("alone", 8, 40_000);

    let idle: Vec<TcpStream> = (0..10_000).map(|_| TcpStream::connect(address).unwrap()).collect();
    std::thread::sleep(Duration::from_millis(500));
    println!("memory with 10,000 idle connections: {} KiB", server.memory());
    tell("beside 10,000 idle connections", 8, 40_000);
    drop(idle);

    let stop = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let over = stop.clone();
        scope.spawn(move || {
            let mut slow: Vec<TcpStream> = (0..2_000).map(|_| TcpStream::connect(address).unwrap()).collect();
            slow.iter_mut().for_each(|socket| socket.write_all(b"POST /transform HTTP/1.1\r\nx: ").unwrap());
            while !over.load(Ordering::Relaxed) {
                slow.iter_mut().for_each(|socket| drop(socket.write_all(b"y")));
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        std::thread::sleep(Duration::from_millis(500));
        tell("beside 2,000 that send their head byte by byte", 8, 40_000);
        stop.store(true, Ordering::Relaxed);
    });

    let stop = Arc::new(AtomicBool::new(false));
    let huge: String = format!("[{}]", vec![body; (15 << 20) / (body.len() + 1)].join(","));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (over, huge) = (stop.clone(), huge.as_str());
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(post(address, "/transform", "application/json", huge).0, 200);
                }
            });
        }
        std::thread::sleep(Duration::from_millis(500));
        tell("beside 2 that send arrays of 15 MB without end", 8, 10_000);
        stop.store(true, Ordering::Relaxed);
    });
    println!("memory after all this: {} KiB", server.memory());
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

//! Whoever asks: plain sockets, as little of them as it takes.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A request as it goes over the wire.
pub(crate) fn request(path: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Asks once; gives the status and the body.
pub(crate) fn post(address: SocketAddr, path: &str, kind: &str, body: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(&request(path, kind, body)).unwrap();
    let mut reader = BufReader::new(socket);
    let mut body = Vec::new();
    let status = answer(&mut reader, &mut body);
    (status, String::from_utf8(body).unwrap())
}

fn answer(reader: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> u16 {
    let (mut status, mut length) = (0, 0);
    let mut line = String::new();
    loop {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the answer ended in its head");
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        if status == 0 {
            status = text.split(' ').nth(1).unwrap().parse().unwrap();
        } else if let Some(value) = text.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
    }
    body.resize(length, 0);
    reader.read_exact(body).unwrap();
    status
}

/// Connections that stay open.
pub(crate) struct Load {
    connections: Vec<BufReader<TcpStream>>,
}

impl Load {
    pub(crate) fn new(address: SocketAddr, connections: usize) -> Self {
        let connect = |_| {
            let socket = TcpStream::connect(address).unwrap();
            socket.set_nodelay(true).unwrap();
            BufReader::with_capacity(16 << 10, socket)
        };
        Self { connections: (0..connections).map(connect).collect() }
    }

    /// Asks on every connection, then reads every answer, until so many were asked.
    pub(crate) fn run(&mut self, asked: &[u8], requests: usize) {
        let mut body = Vec::new();
        for _ in 0..requests / self.connections.len() {
            self.connections.iter_mut().for_each(|socket| socket.get_mut().write_all(asked).unwrap());
            for socket in self.connections.iter_mut().rev() {
                assert_eq!(answer(socket, &mut body), 200);
            }
        }
    }
}

/// How long answers took.
pub(crate) struct Latencies {
    pub(crate) rate: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) slowest: Duration,
}

/// Every connection asks again as soon as it was answered.
pub(crate) fn latencies(address: SocketAddr, body: &str, connections: usize, requests: usize) -> Latencies {
    let asked = request("/transform", "application/json", body);
    let began = Instant::now();
    let each = requests / connections;
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|_| {
                std::thread::Builder::new()
                    .stack_size(128 << 10)
                    .spawn_scoped(scope, || {
                        let mut socket =
                            BufReader::with_capacity(8 << 10, TcpStream::connect(address).unwrap());
                        socket.get_ref().set_nodelay(true).unwrap();
                        let mut body = Vec::new();
                        let one = |_| {
                            let began = Instant::now();
                            socket.get_mut().write_all(&asked).unwrap();
                            assert_eq!(answer(&mut socket, &mut body), 200);
                            began.elapsed()
                        };
                        (0..each).map(one).collect::<Vec<_>>()
                    })
                    .unwrap()
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    Latencies { rate, p50: at(0.5), p99: at(0.99), slowest: at(1.0) }
}

/// Reads an answer in chunks, and counts its lines.
pub(crate) fn count_lines(reader: &mut impl BufRead) -> usize {
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the answer ended in its head");
    }
    let (mut lines, mut chunk) = (0, Vec::new());
    loop {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the answer broke off");
        let size = usize::from_str_radix(line.trim(), 16).expect("the size of a chunk");
        chunk.resize(size + 2, 0);
        reader.read_exact(&mut chunk).unwrap();
        if size == 0 {
            return lines;
        }
        lines += chunk[..size].iter().filter(|byte| **byte == b'\n').count();
    }
}

/// Ten thousand connections take ten thousand descriptors.
pub(crate) fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
}

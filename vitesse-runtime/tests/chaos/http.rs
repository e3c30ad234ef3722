//! As much of HTTP/1.1 as it takes, on bare sockets: only so can an answer be cut off in the middle.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A request as it came.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// What is done with the connection.
pub(crate) enum Reply {
    /// Status, headers and body.
    Whole(u16, &'static str, String),
    /// A good answer that breaks off in its body.
    CutOff(String),
    /// The connection is closed without a word.
    Close,
    /// Nothing for so long, and then the connection is closed.
    Silence(Duration),
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn param(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            .map(|value| value.replace("%40", "@"))
    }
}

/// Connections that are open.
static OPEN: AtomicUsize = AtomicUsize::new(0);
/// Requests that came, without those of the judge.
static REQUESTS: AtomicUsize = AtomicUsize::new(0);

/// Serves until standard input ends: so no peer outlives the proof. Says on standard output where it listens.
///
/// `resets` says whether a connection is reset before the request is even read. Paths that begin with `/_/` are the
/// judge's, and no fault touches them.
pub(crate) fn serve(
    resets: impl Fn() -> bool + Send + Sync + 'static,
    answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // A peer that errs is no peer any more, and the proof fails.
    std::panic::set_hook(Box::new(|error| {
        eprintln!("a peer failed: {error}");
        std::process::abort();
    }));
    println!("peer at {}", listener.local_addr().unwrap());
    let (resets, answer) = (Arc::new(resets), Arc::new(answer));
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            OPEN.fetch_add(1, Ordering::SeqCst);
            let (resets, answer) = (Arc::clone(&resets), Arc::clone(&answer));
            std::thread::spawn(move || {
                talk(&socket, &*resets, &*answer);
                drop(socket);
                OPEN.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn talk(mut socket: &TcpStream, resets: &dyn Fn() -> bool, answer: &dyn Fn(&Request) -> Reply) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(socket);
    loop {
        let mut start = [0; 16];
        let seen = socket.peek(&mut start).ok()?;
        let judge = start[..seen].windows(4).any(|bytes| bytes == b" /_/");
        // Closed with something unread, the kernel resets the connection.
        if seen == 0 || (!judge && resets()) {
            return None;
        }
        let request = read(&mut reader)?;
        let reply = match request.path() {
            "/_/open" => Reply::Whole(200, "", (OPEN.load(Ordering::SeqCst) - 1).to_string()),
            "/_/requests" => Reply::Whole(200, "", REQUESTS.load(Ordering::SeqCst).to_string()),
            path => {
                if !path.starts_with("/_/") {
                    REQUESTS.fetch_add(1, Ordering::SeqCst);
                }
                answer(&request)
            }
        };
        match reply {
            Reply::Whole(status, headers, body) => {
                let text = format!(
                    "HTTP/1.1 {status} Word\r\ncontent-length: {}\r\n{headers}\r\n{body}",
                    body.len()
                );
                socket.write_all(text.as_bytes()).ok()?;
            }
            Reply::CutOff(body) => {
                let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len() + 1);
                socket.write_all(text.as_bytes()).ok()?;
                socket.write_all(&body.as_bytes()[..body.len() / 2]).ok()?;
                return None;
            }
            Reply::Close => return None,
            Reply::Silence(time) => {
                std::thread::sleep(time);
                return None;
            }
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
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
    let mut words = lines.first()?.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut request = Request { method, target, headers: lines.split_off(1), body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// Asks a peer as its judge.
pub(crate) fn ask(address: &str, target: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    // In one piece: by its beginning it is known as the judge's.
    socket.write_all(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
    let mut reader = BufReader::new(socket);
    let mut length = 0;
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the peer is gone");
        if let Some(text) = line.strip_prefix("content-length: ") {
            length = text.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

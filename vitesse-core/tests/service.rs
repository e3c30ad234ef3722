//! What callers may not do to a service: stand still, drip, or crowd others out.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use vitesse_core::config::Config;
use vitesse_core::mapping::Functions;
use vitesse_core::progress::Cancel;
use vitesse_core::service::{Limits, Log, Service, ServiceOptions};

/// A service in this process that ends connections after two seconds, and holds forty.
struct Serving {
    at: SocketAddr,
    stop: Cancel,
    thread: Option<std::thread::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Serving {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mapping = folder.path().join("mapping.json");
        let text = r#"{"version": 1, "transformations": [
            {"source_field": "a", "dest_field": "b", "transform_type": "mapping"}]}"#;
        std::fs::write(&mapping, text).unwrap();
        let config = Config::read(|name| match name {
            "VITESSE_MAPPING" => Some(mapping.display().to_string()),
            "VITESSE_LISTEN" | "VITESSE_ADMIN_LISTEN" => Some("127.0.0.1:0".into()),
            _ => None,
        })
        .unwrap();
        let mut options = ServiceOptions::from_config(&config).unwrap();
        options.limits = Limits { idle: Duration::from_secs(2), connections: 40, ..Limits::default() };
        let stop = Cancel::new();
        let (tell, told) = std::sync::mpsc::channel();
        let until = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.unwrap().block_on(async {
                let service =
                    Service::open(Functions::builtin(), &config, options, Log::none()).await.unwrap();
                tell.send(service.address().unwrap()).unwrap();
                service.serve(&until).await.unwrap();
            });
        });
        Self { at: told.recv().unwrap(), stop, thread: Some(thread), _folder: folder }
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.at).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        socket
    }

    /// Asks for one record; gives whether it was answered.
    fn is_answered(&self) -> bool {
        let mut socket = self.connect();
        let body = r#"{"a": 1}"#;
        let head = format!(
            "POST /transform HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}",
            body.len()
        );
        socket.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).is_ok() && answer.contains("{\"b\":1}")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.cancel();
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

/// Sends `text`, then a byte every so often, until the service ends the connection.
fn drip(mut socket: TcpStream, text: &str) {
    let began = Instant::now();
    socket.write_all(text.as_bytes()).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    while began.elapsed() < Duration::from_secs(30) {
        let gone = socket.write_all(b"x").is_err();
        match socket.read(&mut [0; 100]) {
            Ok(_) => return,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::ConnectionReset) => {
                return;
            }
            Err(_) if gone => return,
            Err(_) => {}
        }
    }
    unreachable!("it is never ended")
}

#[test]
fn whoever_drips_is_ended_and_keeps_nobody_waiting() {
    let serving = Serving::start();
    let heads = [
        "",
        "POST /transform HTTP/1.1\r\nx: ",
        "POST /transform HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n{",
        "POST /transform HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ncontent-length: 100000\r\n\r\n{",
    ];
    std::thread::scope(|scope| {
        // All places are taken by those who drip; whoever waits for one gets it when they are ended.
        let slow: Vec<_> = (0..40)
            .map(|at| {
                let socket = serving.connect();
                scope.spawn(move || drip(socket, heads[at % heads.len()]))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(200));
        assert!(serving.is_answered());
        for slow in slow {
            slow.join().unwrap();
        }
    });
}

#[test]
fn whoever_takes_no_answer_is_ended() {
    let serving = Serving::start();
    let mut socket = serving.connect();
    let head = "POST /transform HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    let record = format!("{{\"a\": \"{}\"}}\n", "x".repeat(100_000));
    let chunk = format!("{:x}\r\n{record}\r\n", record.len());
    socket.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    let ended = loop {
        if let Err(error) = socket.write_all(chunk.as_bytes()) {
            break error;
        }
    };
    let kind = ended.kind();
    assert!(
        matches!(kind, std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe),
        "it was ended, and not left waiting: {ended}"
    );
    assert!(serving.is_answered());
}

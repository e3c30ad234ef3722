//! The same promises where the peer speaks HTTP/2.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use vitesse_core::ErrorKind;
use vitesse_core::net::{Bytes, Client, Limits, Retry};

use crate::tls::{acceptor, client_trusting};

type Answer = http::Response<BoxBody<Bytes, std::io::Error>>;

struct Server {
    client: Client,
    port: u16,
    connections: Arc<AtomicUsize>,
    _folder: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        let (acceptor, ca) = acceptor("api.example", &["h2"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let socket = acceptor.accept(socket).await.unwrap();
                    let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
                    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let client = client_trusting(&ca, &folder.path().join("own.pem"));
        Self { client, port, connections, _folder: folder }
    }

    fn url(&self, path: &str) -> String {
        format!("https://api.example:{}{path}", self.port)
    }
}

async fn answer(request: http::Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let whole = |bytes: Bytes| Full::new(bytes).map_err(|never: Infallible| match never {}).boxed();
    let cut_off = || {
        let frames = [Ok(Frame::data(Bytes::from_static(b"half"))), Err(std::io::Error::other("gone"))];
        Frames(frames.into()).boxed()
    };
    let mut answer = http::Response::new(match path.as_str() {
        "/large" => whole(vec![b'x'; 2000].into()),
        "/cut" | "/cut-after-length" => cut_off(),
        _ => {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            whole([path.as_bytes(), b" ", &body].concat().into())
        }
    });
    let headers = answer.headers_mut();
    match path.as_str() {
        "/headers" => {
            for n in 0..200 {
                headers.append("x-filler", n.to_string().parse().unwrap());
            }
        }
        "/cut-after-length" => {
            headers.insert("content-length", "10".parse().unwrap());
        }
        _ => {}
    }
    answer
}

/// A body of frames that are there already.
struct Frames(std::collections::VecDeque<Result<Frame<Bytes>, std::io::Error>>);

impl hyper::body::Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(self.0.pop_front())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_callers_share_one_connection() {
    let server = Server::start().await;
    server.client.get(server.url("/first")).fetch().await.unwrap();
    let calls: Vec<_> = (0..32)
        .map(|n| {
            let request =
                server.client.post(server.url(&format!("/{n}"))).body("text/plain", format!("body {n}"));
            tokio::spawn(request.fetch())
        })
        .collect();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap().body, format!("/{n} body {n}"));
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn limits_and_broken_bodies_are_errors_here_too() {
    let server = Server::start().await;
    let limits = Limits { body: 1000, ..Limits::default() };
    for (path, kind) in [
        ("/large", ErrorKind::LimitExceeded),
        ("/headers", ErrorKind::LimitExceeded),
        ("/cut", ErrorKind::Unreachable),
        ("/cut-after-length", ErrorKind::Unreachable),
    ] {
        let request = server.client.get(server.url(path)).limits(limits).retry(Retry::never());
        let error = request.fetch().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{path}: {error:?}");
    }
    let fine = server.client.get(server.url("/fine")).fetch().await.unwrap();
    assert_eq!(fine.body, "/fine ", "a broken answer doesn't break the client");
}

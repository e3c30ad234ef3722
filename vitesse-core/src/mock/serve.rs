//! A mock on an address.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::answer::{Answer, Fault, too_long};
use super::engine::Mock;
use crate::error::{Error, ErrorKind, Result};

/// More connections at once wait.
const CONNECTIONS: usize = 1024;

/// How long silence lasts that a script asks for; any caller has given up by then.
const SILENCE: Duration = Duration::from_secs(600);

/// How long a caller may take to send its head.
const HEAD: Duration = Duration::from_secs(30);

/// How long a body that breaks off waits first, so that its beginning leaves the house.
const FLUSH: Duration = Duration::from_millis(20);

/// How long a shutdown waits for what is being answered.
const GRACE: Duration = Duration::from_secs(5);

/// One request and what became of it, for a log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// Path and query, keys left out.
    pub target: String,
    /// The status.
    pub status: u16,
    /// The length of the answer's body.
    pub bytes: usize,
    /// How long it took, delays of the script included.
    pub took: Duration,
    /// The operation; empty if the request met none.
    pub operation: String,
    /// Why the answer is what it is, where that isn't plain.
    pub note: String,
    /// What happened to the answer on the wire.
    pub fault: Option<Fault>,
}

/// Where exchanges are told.
type Log = Arc<dyn Fn(&Exchange) + Send + Sync>;

/// A mock that listens. Dropped, it stops at once.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Lets a mock listen on an address; port 0 takes a free one.
///
/// ```
/// # use std::sync::Arc;
/// # use vitesse_core::mock::{Mock, MockOptions, serve};
/// # use vitesse_core::spec::{ApiSpec, Endpoint, Method};
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let mut spec = ApiSpec::new("Shop");
/// # spec.endpoints.push(Endpoint::new("/ping", Method::Get));
/// let mock = Arc::new(Mock::new(Arc::new(spec), MockOptions::default())?);
/// let server = serve(mock, ([127, 0, 0, 1], 0).into()).await?;
/// println!("listening on {}", server.url());
/// server.stop().await;
/// # Ok::<(), vitesse_core::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// [`ErrorKind::Io`] if the address can't be listened on.
pub async fn serve(mock: Arc<Mock>, address: SocketAddr) -> Result<Server> {
    serve_with(mock, address, |_| {}).await
}

/// The same, with each exchange told to `log`.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with(
    mock: Arc<Mock>,
    address: SocketAddr,
    log: impl Fn(&Exchange) + Send + Sync + 'static,
) -> Result<Server> {
    let failed = |error: std::io::Error| {
        let help = match error.kind() {
            std::io::ErrorKind::AddrInUse => "choose another port, or 0 for a free one",
            _ => "choose an address of this machine and a port from 1024 on",
        };
        Error::new(ErrorKind::Io, "the mock can't listen there")
            .in_operation("mock.serve")
            .with("address", address)
            .help(help)
            .source(error)
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(accept(listener, mock, Arc::new(log), stopped));
    Ok(Server { address, stop, task })
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no more connections, answers what was asked, and ends.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        // Whatever hangs on purpose isn't waited for.
        let _ = tokio::time::timeout(GRACE, &mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, mock: Arc<Mock>, log: Log, mut stopped: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut running = JoinSet::new();
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { break };
        let socket = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
        };
        while running.try_join_next().is_some() {}
        match socket {
            Ok((socket, _)) => {
                let (mock, log, stopped) = (mock.clone(), log.clone(), stopped.clone());
                running.spawn(async move {
                    connection(socket, mock, log, stopped).await;
                    drop(permit);
                });
            }
            // Out of descriptors, most likely: others must end first.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    while running.join_next().await.is_some() {}
}

async fn connection(socket: TcpStream, mock: Arc<Mock>, log: Log, mut stopped: watch::Receiver<bool>) {
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request| exchange(request, mock.clone(), log.clone()));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(socket), service));
    // A caller that goes away or sends what isn't HTTP is its own problem.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Ends a connection without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the script ends the connection here")
    }
}

impl std::error::Error for Cut {}

async fn exchange(request: Request<Incoming>, mock: Arc<Mock>, log: Log) -> Result<Response<Partial>, Cut> {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    let (method, target) = (head.method.to_string(), mock.shown(&head.uri));
    let answer = match Limited::new(body, mock.max_body()).collect().await {
        Ok(body) => mock.answer(&Request::from_parts(head, body.to_bytes())),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => too_long(mock.max_body()).answer(),
        // The caller went away in the middle of its body.
        Err(_) => return Err(Cut),
    };
    if !answer.delay.is_zero() {
        tokio::time::sleep(answer.delay).await;
    }
    let Answer { response, fault, operation, note, .. } = answer;
    log(&Exchange {
        method,
        target,
        status: response.status().as_u16(),
        bytes: response.body().len(),
        took: began.elapsed(),
        operation,
        note,
        fault,
    });
    match fault {
        Some(Fault::Reset | Fault::ResetAfter) => Err(Cut),
        Some(Fault::Hang | Fault::HangAfter) => {
            tokio::time::sleep(SILENCE).await;
            Err(Cut)
        }
        Some(Fault::Truncate) => {
            let (mut head, body) = response.into_parts();
            // The length of the whole is told, and half of it comes.
            head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len().max(1)));
            let half = body.slice(..body.len() / 2);
            Ok(Response::from_parts(
                head,
                Partial { rest: Some(half), breaks: Some(Box::pin(tokio::time::sleep(FLUSH))) },
            ))
        }
        _ => Ok(response.map(|body| Partial { rest: Some(body), breaks: None })),
    }
}

/// A body that may break off.
#[derive(Debug)]
struct Partial {
    rest: Option<Bytes>,
    /// It ends so long after the rest, before its end.
    breaks: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Body for Partial {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match (self.rest.take().filter(|rest| !rest.is_empty()), &mut self.breaks) {
            (Some(rest), _) => Poll::Ready(Some(Ok(Frame::data(rest)))),
            (None, Some(breaks)) => breaks.as_mut().poll(context).map(|()| Some(Err(Cut))),
            (None, None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.breaks.is_none() && self.rest.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        match self.breaks {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.rest.as_ref().map_or(0, |rest| rest.len() as u64)),
        }
    }
}

//! Taking connections, and ending those that stand still.

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, Id, JoinSet};

use super::pulse::{Clock, Pulse};
use super::wire::Wire;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Cancel;
use crate::service::options::Limits;

/// What answers the requests to a listener.
pub trait Answers: Clone + Send + Sync + 'static {
    /// The bodies of its answers.
    type Body: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static;

    /// Answers one request, whatever is wrong with it. Whoever answers says by the [`Pulse`] whose turn it is.
    fn answer(
        &self,
        request: Request<Incoming>,
        pulse: &Arc<Pulse>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Infallible>> + Send;

    /// Counts the connections that are open.
    fn open(&self) -> &AtomicI64;

    /// Whether an answer is given up when its caller goes away meanwhile. To notice that at once, each connection listens
    /// while it is answered, which costs something for each request; else it is noticed when the answer is sent.
    fn gives_up(&self) -> bool {
        true
    }
}

/// Listens on an address.
///
/// # Errors
/// [`ErrorKind::Io`] naming the variable that says where.
pub async fn bind(address: SocketAddr, variable: &'static str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let help = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another program listens there: choose another port",
            _ => "choose an address of this machine and a port from 1024 on",
        };
        Error::new(ErrorKind::Io, format!("the service can't listen there: {error}"))
            .in_operation("service.listen")
            .with(variable, address)
            .help(help)
    })
}

/// Answers whoever connects until it is to stop; then what is being answered may take as long as `drain`.
pub async fn accept(
    listener: TcpListener,
    answers: impl Answers,
    (limits, drain): (Limits, Duration),
    stop: Cancel,
) {
    let clock = Clock::default();
    let idle = u32::try_from(limits.idle.as_secs()).unwrap_or(u32::MAX - 1);
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    let mut tasks = JoinSet::new();
    let mut connections: HashMap<Id, (Arc<Pulse>, AbortHandle)> = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = tick.tick() => {
                clock.fetch_add(1, Ordering::Relaxed);
                for (_, task) in connections.values().filter(|(pulse, _)| pulse.is_silent(idle)) {
                    task.abort();
                }
            }
            Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                let id = match ended {
                    Ok((id, ())) => id,
                    Err(error) => error.id(),
                };
                connections.remove(&id);
                answers.open().store(connections.len() as i64, Ordering::Relaxed);
            }
            accepted = listener.accept(), if connections.len() < limits.connections => match accepted {
                Ok((socket, peer)) => {
                    let pulse = Arc::new(Pulse::new(clock.clone()).of(peer));
                    let work = connection(socket, answers.clone(), pulse.clone(), limits);
                    let task = tasks.spawn(work);
                    connections.insert(task.id(), (pulse, task));
                    answers.open().store(connections.len() as i64, Ordering::Relaxed);
                }
                // Out of descriptors, most likely: others must end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
        }
    }
    drop(listener);
    connections.values().for_each(|(pulse, _)| pulse.end());
    let ending = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(drain, ending).await;
}

async fn connection(socket: TcpStream, answers: impl Answers, pulse: Arc<Pulse>, limits: Limits) {
    let _ = socket.set_nodelay(true);
    let service = service_fn(|request| answers.answer(request, &pulse));
    let mut server = http1::Builder::new();
    // The pulse ends what stands still; hyper's own timer would cost something for each request.
    server.header_read_timeout(None).max_header_size(limits.head).half_close(!answers.gives_up());
    let mut connection = std::pin::pin!(server.serve_connection(Wire(TokioIo::new(socket)), service));
    // Looked at by a flag: waiting for the end beside the connection would cost something each time it is woken.
    let (mut told, mut asked) = (false, false);
    // A caller that goes away or sends what isn't HTTP is its own problem.
    let _ = std::future::poll_fn(|context| {
        if !told {
            told = true;
            pulse.wakes(context.waker());
        }
        if !asked && pulse.ends() {
            asked = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(context)
    })
    .await;
}

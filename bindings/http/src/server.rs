use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, broadcast};
use tokio::task::JoinHandle;
use vitesse_core::orchestrator::Vitesse;
use vitesse_core::progress::Cancel;
use vitesse_core::service::wire::{accept, bind};
use vitesse_core::{Error, ErrorKind, Result};

use crate::access::Access;
use crate::app::{App, Gate};
use crate::metrics::Metrics;
use crate::options::ServeOptions;

/// How many events of running steps wait for those who follow.
const PROGRESS: usize = 256;
/// How often answers that nobody can ask for any more are forgotten.
const TIDY: Duration = Duration::from_secs(3600);
/// How long steps that were told to stop may take to say so.
const GIVE_UP: Duration = Duration::from_secs(5);

/// A control plane that listens. Dropped, it stops at once, and steps that run go on when they are called again.
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    listener: JoinHandle<()>,
    tidy: JoinHandle<()>,
}

/// Listens and answers.
///
/// # Errors
/// [`ErrorKind::ConfigInvalid`] if others than this machine could ask without a key, [`ErrorKind::Io`] if it can't
/// listen there, and whatever the store fails with.
pub async fn serve(vitesse: Vitesse, options: ServeOptions) -> Result<Server> {
    let access = Access::new(options.key.clone());
    if !options.listen.ip().is_loopback() && !access.is_needed(&vitesse).await? {
        return Err(Error::new(
            ErrorKind::ConfigInvalid,
            "the control plane would be open to the network without a key",
        )
        .in_operation("http.serve")
        .with("address", options.listen)
        .help("make one with `vitesse keys add NAME` or set VITESSE_HTTP_KEY, or listen on 127.0.0.1"));
    }
    let socket = bind(options.listen, "VITESSE_HTTP_LISTEN").await?;
    let address = socket.local_addr().map_err(|error| {
        Error::new(ErrorKind::Io, "the address that is listened on is not known").source(error)
    })?;
    let (limits, drain) = (options.limits, options.drain);
    let app = Arc::new(App {
        access,
        metrics: Metrics::new(),
        progress: broadcast::Sender::new(PROGRESS),
        stop: Cancel::new(),
        give_up: Cancel::new(),
        room: Arc::new(Semaphore::new(options.concurrency)),
        followers: Arc::new(Semaphore::new(options.followers)),
        started: Instant::now(),
        vitesse: vitesse.clone(),
        options,
    });
    let gate = Gate::new(app.clone());
    let listener = tokio::spawn(accept(socket, gate, (limits, drain), app.stop.clone()));
    let tidy = tokio::spawn(async move {
        loop {
            tokio::time::sleep(TIDY).await;
            // What can't be forgotten now is forgotten in an hour.
            let _ = vitesse.forget_old_answers().await;
        }
    });
    Ok(Server { address, app, listener, tidy })
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

    /// Takes no more requests, finishes what is being done within the time for that, and ends. A step that needs longer
    /// is stopped, and goes on where it was when it is called again.
    pub async fn stop(mut self) {
        let until = Instant::now() + self.app.options.drain;
        self.app.stop.cancel();
        let _ = (&mut self.listener).await;
        // Callers who went away left work behind: it has the same time.
        let all = u32::try_from(self.app.options.concurrency).unwrap_or(u32::MAX);
        let room = self.app.room.clone();
        let left = until.saturating_duration_since(Instant::now());
        if tokio::time::timeout(left, room.acquire_many(all)).await.is_err() {
            self.app.give_up.cancel();
            let _ = tokio::time::timeout(GIVE_UP, room.acquire_many(all)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.app.stop.cancel();
        self.app.give_up.cancel();
        self.listener.abort();
        self.tidy.abort();
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

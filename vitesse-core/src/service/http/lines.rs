//! Records as a stream: NDJSON in, NDJSON out, never more in memory than a block and no faster than it is taken.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use tokio::sync::mpsc;

use super::answer::{Cut, envelope};
use super::body::next;
use super::made::Made;
use super::pulse::Pulse;
use super::transform::{OnError, Stopped, run};
use crate::error::{Error, ErrorKind};
use crate::service::loaded::Loaded;
use crate::service::shared::Shared;
use crate::transform::{BLOCK, Stream};

/// How long an answer that breaks off waits first, so that its last line leaves the house.
const FLUSH: Duration = Duration::from_millis(20);

/// The lines of an answer, made as they are taken.
pub(in crate::service) struct Lines {
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    made: mpsc::Receiver<Result<Made, Cut>>,
}

impl Lines {
    /// Transforms what `body` brings by one version of the mapping.
    pub(super) fn new(
        shared: Arc<Shared>,
        loaded: Arc<Loaded>,
        at: usize,
        on_error: OnError,
        body: Incoming,
        pulse: Arc<Pulse>,
    ) -> Self {
        let (send, made) = mpsc::channel(1);
        let work = async move {
            if let Err(stopped) = transform(&shared, &loaded, at, on_error, body, &pulse, &send).await {
                // A caller that went away hears nothing.
                if let Some(error) = stopped {
                    let _ = send.send(Ok(format!("{}\n", envelope(&error)).into_bytes().into())).await;
                    tokio::time::sleep(FLUSH).await;
                }
                let _ = send.send(Err(Cut)).await;
            }
        };
        Self { work: Some(Box::pin(work)), made }
    }

    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Made, Cut>>> {
        loop {
            if let Poll::Ready(next) = self.made.poll_recv(context) {
                return Poll::Ready(next);
            }
            match &mut self.work {
                Some(work) => {
                    if work.as_mut().poll(context).is_ready() {
                        self.work = None;
                    } else {
                        return self.made.poll_recv(context);
                    }
                }
                None => return Poll::Ready(None),
            }
        }
    }
}

async fn transform(
    shared: &Shared,
    loaded: &Loaded,
    at: usize,
    on_error: OnError,
    mut body: Incoming,
    pulse: &Pulse,
    send: &mpsc::Sender<Result<Made, Cut>>,
) -> Result<(), Option<Error>> {
    let Some(ready) = loaded.streams.get(at) else { return Ok(()) };
    let mut stream = Stream::new(&ready.plan).record_limit(shared.options.limits.record);
    let mut out = Vec::with_capacity(BLOCK / 4);
    let mut told = 0;
    // What came since the last run, and how much of a record was left then: a long record isn't looked at anew for
    // each piece of it.
    let (mut fresh, mut left) = (0, 0);
    loop {
        pulse.beat();
        let piece = next(&mut body).await.map_err(|_| None)?;
        let last = piece.is_none();
        let mut piece = piece.unwrap_or_default();
        pulse.came(piece.len());
        shared.metrics.transform.came(piece.len());
        while !piece.is_empty() {
            let space = stream.space();
            let count = piece.len().min(space.len());
            space[..count].copy_from_slice(&piece.split_to(count));
            stream.filled(count);
            fresh += count;
        }
        if !last && fresh < left / 2 {
            continue;
        }
        let passed = stream.bytes();
        let done = run(&mut stream, last, on_error, &mut out);
        left = (left + fresh).saturating_sub((stream.bytes() - passed) as usize);
        fresh = 0;
        let failed = match &done {
            Ok(failed) => *failed,
            Err(stopped) => stopped.failed,
        };
        shared.metrics.transform.took(stream.records() - told, failed);
        told = stream.records();
        if !out.is_empty() {
            let room = out.len() + out.len() / 4;
            let made = std::mem::replace(&mut out, Vec::with_capacity(room));
            pulse.beat();
            send.send(Ok(made.into())).await.map_err(|_| None)?;
        }
        if let Err(Stopped { error, .. }) = done {
            return Err(Some(error));
        }
        if last {
            return Ok(());
        }
    }
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        match stopped.error.kind() {
            ErrorKind::Internal => stopped.error,
            _ => stopped.error.in_operation("service.transform"),
        }
    }
}

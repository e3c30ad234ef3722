//! What happens to an integration, as it happens: server-sent events.
//!
//! Each entry of the whiteboard's log is an event with its position as id, so that whoever lost the connection goes on
//! after the last one they have. How far a running step is comes between them, without an id: it is told once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use uuid::Uuid;
use vitesse_core::orchestrator::Vitesse;
use vitesse_core::orchestrator::whiteboard::Entry;
use vitesse_core::service::wire::{Body as HttpBody, Frame, Pulse};
use vitesse_core::{Error, ErrorKind};

use crate::answer::{Answer, Content, Failure, Outcome};
use crate::app::App;
use crate::call::Call;

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How often something is said when nothing happens, so that nobody on the way takes the connection for dead.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// How many entries are read at once.
const PAGE: usize = 100;

pub(crate) async fn follow(call: Call) -> Outcome {
    let id = call.id()?;
    // Said now, with a status that tells it, and not in the middle of a stream.
    call.vitesse.repository().light(id).await?;
    let last = call.header(&HeaderName::from_static("last-event-id")).or(call.text("after"));
    let after = last.filter(|id| !id.is_empty()).map(str::to_owned);
    let Ok(permit) = call.app.followers.clone().try_acquire_owned() else {
        let error = Error::new(ErrorKind::LimitExceeded, "too many callers follow events")
            .in_operation("http.events")
            .help("try again later, or read the whiteboard's log");
        return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, error));
    };
    let (say, heard) = mpsc::channel(16);
    let once = call.text("follow") == Some("false");
    let telling = Telling { app: call.app.clone(), vitesse: call.vitesse.clone(), id, say };
    tokio::spawn(telling.tell(after, once));
    let body = Body::new(Stream { heard, pulse: call.pulse.clone(), _permit: permit });
    let content = Content::Stream(HeaderValue::from_static("text/event-stream"), body);
    let answer = Answer { status: StatusCode::OK, headers: Vec::new(), content };
    // Proxies that collect answers would hold the events back.
    Ok(answer.with_header(HeaderName::from_static("x-accel-buffering"), "no"))
}

struct Telling {
    app: Arc<App>,
    vitesse: Vitesse,
    id: Uuid,
    say: mpsc::Sender<Bytes>,
}

/// Nobody listens any more, or there is nothing to tell.
struct Over;

impl Telling {
    async fn tell(self, after: Option<String>, once: bool) {
        let Over = self.until_over(after, once).await;
    }

    async fn until_over(&self, mut after: Option<String>, once: bool) -> Over {
        let mut progress = self.app.progress.subscribe();
        let mut silent = tokio::time::Instant::now();
        if self.say.send(Bytes::from_static(b"retry: 1000\n\n")).await.is_err() {
            return Over;
        }
        loop {
            match self.catch_up(&mut after).await {
                Ok(told) if told => silent = tokio::time::Instant::now(),
                Ok(_) => {}
                Err(over) => return over,
            }
            if once {
                return Over;
            }
            if silent.elapsed() >= SIGN_OF_LIFE {
                silent = tokio::time::Instant::now();
                if self
                    .vitesse
                    .repository()
                    .light(self.id)
                    .await
                    .is_err_and(|error| error.kind() == ErrorKind::NotFound)
                {
                    let _ = self.say.send(Bytes::from_static(b"event: deleted\ndata: {}\n\n")).await;
                    return Over;
                }
                if self.say.send(Bytes::from_static(b": still here\n\n")).await.is_err() {
                    return Over;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.app.stop.cancelled() => return Over,
                () = self.say.closed() => return Over,
                heard = progress.recv() => match heard {
                    Ok((id, event)) if id == self.id => {
                        let text = format!("event: progress\ndata: {}\n\n", json!(event));
                        if self.say.send(text.into()).await.is_err() {
                            return Over;
                        }
                    }
                    // Who is slow misses some of them; the log misses nothing.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Over,
                },
            }
        }
    }

    /// Tells what is new in the log; whether anything was.
    async fn catch_up(&self, after: &mut Option<String>) -> Result<bool, Over> {
        let mut told = false;
        loop {
            // A store that fails now may answer at the next look.
            let Ok(page) = self.vitesse.whiteboard_log(self.id, after.as_deref(), PAGE).await else {
                return Ok(told);
            };
            for entry in &page.entries {
                self.say.send(event(entry).into()).await.map_err(|_| Over)?;
                *after = Some(entry.position.clone());
                told = true;
            }
            if page.next.is_none() {
                return Ok(told);
            }
        }
    }
}

/// One entry as an event. Its name is what kind of entry it is.
fn event(entry: &Entry) -> String {
    let value = json!(entry);
    let name = value["entry"].as_str().unwrap_or("message").to_owned();
    format!("id: {}\nevent: {name}\ndata: {value}\n\n", entry.position)
}

/// The body of the answer.
struct Stream {
    heard: mpsc::Receiver<Bytes>,
    pulse: Arc<Pulse>,
    _permit: OwnedSemaphorePermit,
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = self.heard.poll_recv(context);
        if let Poll::Ready(Some(_)) = next {
            // It is asked for when the one before is on its way: the caller takes what is said.
            self.pulse.beat();
        }
        next.map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}

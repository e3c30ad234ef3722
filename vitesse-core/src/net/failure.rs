use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use hyper_util::client::legacy;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::progress::Cancel;

/// How long the peer of a [`ErrorKind::RateLimited`] error asked to wait, if it said so.
///
/// ```
/// use vitesse_core::{Error, ErrorKind};
/// assert_eq!(vitesse_core::net::wait_of(&Error::new(ErrorKind::RateLimited, "too fast")), None);
/// ```
pub fn wait_of(error: &Error) -> Option<Duration> {
    StdError::source(error)?.downcast_ref::<Asked>().map(|asked| asked.0)
}

/// Whether nothing of the request can have reached the peer, so that sending it again repeats nothing.
///
/// ```
/// use vitesse_core::{Error, ErrorKind};
/// assert!(!vitesse_core::net::is_unsent(&Error::new(ErrorKind::Unreachable, "the answer broke off")));
/// ```
pub fn is_unsent(error: &Error) -> bool {
    // These are found out before a connection is asked for.
    matches!(error.kind(), ErrorKind::CredentialRefused | ErrorKind::RateLimited)
        || error.context().iter().any(|(key, value)| *key == SENT && value == "no")
}

/// The fact that [`is_unsent`] looks for.
pub(super) const SENT: &str = "sent";

/// The error of a peer that wants to be left alone, where it is known, for `wait`.
pub(super) fn rate_limited(url: String, wait: Option<Duration>) -> Error {
    let error = Error::new(ErrorKind::RateLimited, "the peer asks to slow down").with("url", url);
    match wait {
        Some(wait) => asked(error.with("wait", format!("{:.1} s", wait.as_secs_f64())), wait),
        None => error,
    }
}

/// The error with what [`wait_of`] gives.
pub(super) fn asked(error: Error, wait: Duration) -> Error {
    error.source(Asked(wait))
}

#[derive(Debug)]
struct Asked(Duration);

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the next request may come in {:.1} s", self.0.as_secs_f64())
    }
}

impl StdError for Asked {}

/// Carries one of our errors through hyper, which gives it back only by reference.
#[derive(Debug)]
pub(super) struct Carried(Mutex<Option<Error>>);

impl Carried {
    pub(super) fn new(error: Error) -> Self {
        Self(Mutex::new(Some(error)))
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection")
    }
}

impl StdError for Carried {}

/// What became of a request that got no answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) error: Error,
    /// Nothing of the request can have reached the peer, so that sending it again repeats nothing.
    pub(super) unsent: bool,
}

impl Unanswered {
    pub(super) fn of(error: legacy::Error) -> Self {
        let unsent = error.is_connect();
        let carried = chain(&error)
            .find_map(|cause| cause.downcast_ref::<Carried>())
            .and_then(|carried| carried.0.lock().unwrap_or_else(PoisonError::into_inner).take());
        let error = match carried {
            Some(error) => error,
            None => broken(chain(&error).find_map(|cause| cause.downcast_ref::<hyper::Error>()), &error),
        };
        Self { error, unsent }
    }
}

impl From<Error> for Unanswered {
    fn from(error: Error) -> Self {
        Self { error, unsent: false }
    }
}

/// The error of a status line and headers beyond the limit.
pub(super) fn too_large_head() -> Error {
    Error::new(ErrorKind::LimitExceeded, "the answer's headers are larger or more than the limit")
        .help("raise `limits.head` or `limits.headers` if this peer is trusted")
}

/// The error of a body that broke off.
pub(super) fn broken_body(error: hyper::Error) -> Error {
    broken(Some(&error), &error)
}

fn broken(hyper: Option<&hyper::Error>, outer: &(dyn StdError + 'static)) -> Error {
    let causes = chain(outer).skip(1).map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let causes = if causes.is_empty() { outer.to_string() } else { causes };
    match hyper {
        // hyper has a method for it, but only for servers.
        Some(error) if error.is_parse() && error.to_string().contains("too large") => too_large_head(),
        Some(error) if error.is_parse() => {
            Error::new(ErrorKind::Unreachable, format!("the answer is not valid HTTP: {causes}"))
                .permanent()
                .help("check that the address and port are those of an HTTP server, and http or https")
        }
        Some(error) if error.is_timeout() => {
            Error::new(ErrorKind::Timeout, "the peer did not answer in time")
        }
        _ => Error::new(ErrorKind::Unreachable, format!("the answer broke off: {causes}")),
    }
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// The moment after this much time, which may be as good as never.
pub(super) fn after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or_else(|| now + Duration::from_secs(30 * 365 * 24 * 60 * 60))
}

/// Awaits `work` unless the deadline passes or the caller cancels first.
pub(super) async fn within<T>(
    work: impl Future<Output = T>,
    deadline: Instant,
    cancel: Option<&Cancel>,
) -> Result<T, Error> {
    let mut work = pin!(work);
    let mut timer = pin!(tokio::time::sleep_until(deadline));
    let mut cancelled = cancel.map(Cancel::cancelled);
    std::future::poll_fn(|cx| {
        if let Some(cancelled) = &mut cancelled
            && std::pin::Pin::new(cancelled).poll(cx).is_ready()
        {
            return Poll::Ready(Err(Error::new(
                ErrorKind::Cancelled,
                "cancelled before the answer was there",
            )));
        }
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Ok(done));
        }
        timer
            .as_mut()
            .poll(cx)
            .map(|()| Err(Error::new(ErrorKind::Timeout, "there was no whole answer before the deadline")))
    })
    .await
}

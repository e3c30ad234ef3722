//! What every request passes on its way to an operation and back.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request as Asked};
use axum::routing::{MethodFilter, MethodRouter, any, on};
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, header};
use tokio::sync::{Semaphore, broadcast};
use tower_service::Service as _;
use uuid::Uuid;
use vitesse_core::orchestrator::{Answered, Once, Vitesse};
use vitesse_core::progress::{Cancel, Event};
use vitesse_core::service::wire::{Answers, Incoming, Pulse, whole};
use vitesse_core::{Error, ErrorKind, Result};

use crate::access::{self, Access};
use crate::answer::{Answer, Content, Failure, Outcome};
use crate::api::{LEGACY, OPERATIONS, Operation};
use crate::call::{Call, Raw};
use crate::metrics::Metrics;
use crate::options::ServeOptions;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const IDEMPOTENCY: HeaderName = HeaderName::from_static("idempotency-key");

/// Everything the operations share.
pub(crate) struct App {
    pub(crate) vitesse: Vitesse,
    pub(crate) options: ServeOptions,
    pub(crate) access: Access,
    pub(crate) metrics: Metrics,
    /// How far running steps are, for those who follow.
    pub(crate) progress: broadcast::Sender<(Uuid, Event)>,
    /// No more requests are taken.
    pub(crate) stop: Cancel,
    /// What still runs is to end at once.
    pub(crate) give_up: Cancel,
    /// One permit for each request that is worked on.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) followers: Arc<Semaphore>,
    pub(crate) started: Instant,
}

/// A request and what became of it, for a log. There is nothing in it that a caller would want kept from a log: no
/// query, no header, no body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// Names the request, in the answer's header `x-request-id` too.
    pub request_id: String,
    /// Who asked: whom `X-User-ID` names, else the name of their key.
    pub actor: Option<String>,
    /// From where.
    pub peer: Option<std::net::SocketAddr>,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The operation; empty if the request met none.
    pub operation: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// How long it took to answer; of streams, to begin with.
    pub took: Duration,
}

/// What a request carries with it through the router.
#[derive(Clone)]
struct Way {
    app: Arc<App>,
    pulse: Arc<Pulse>,
    actor: String,
    request: Arc<str>,
}

/// Which operation gave an answer.
#[derive(Clone, Copy)]
struct By(&'static Operation);

/// Answers requests by the table of operations.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) app: Arc<App>,
    router: Router,
}

impl Gate {
    pub(crate) fn new(app: Arc<App>) -> Self {
        let mut router: Router = Router::new();
        for operation in OPERATIONS {
            let handler = move |path: RawPathParams, asked: Asked| dispatch(operation, path, asked);
            let filter = MethodFilter::try_from(method(operation)).unwrap_or(MethodFilter::GET);
            let route: MethodRouter = on(filter, handler);
            router = router.route(&operation.full_path(), route);
        }
        for path in [LEGACY.to_owned(), format!("{LEGACY}/"), format!("{LEGACY}/{{*rest}}")] {
            router = router.route(&path, any(gone));
        }
        let router = router.fallback(nothing).method_not_allowed_fallback(not_so);
        Self { app, router }
    }

    async fn exchange(
        &self,
        head: Parts,
        body: Incoming,
        pulse: &Arc<Pulse>,
        way: &mut Way,
    ) -> Response<Body> {
        let fail = |error: Error| Failure::from(error).into_response(&way.request);
        let open = OPERATIONS.iter().any(|operation| operation.open && operation.path == head.uri.path());
        // What probes ask is open and must not wait for anybody.
        let permit = match open {
            true => None,
            false => {
                match self.app.access.allow(&self.app.vitesse, &head).await {
                    Ok(key) => way.actor = key,
                    Err(error) => return fail(error),
                }
                match access::spoken_for(&head) {
                    Ok(Some(user)) => way.actor = user,
                    Ok(None) => {}
                    Err(error) => return fail(error),
                }
                match self.app.room.clone().try_acquire_owned() {
                    Ok(permit) => Some(permit),
                    Err(_) => return busy().into_response(&way.request),
                }
            }
        };
        let body = match whole(body, self.app.options.limits.body, pulse).await {
            Ok(body) => body,
            Err(error) => {
                let mut response = fail(error);
                // What is left of the body is not waited for.
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                return response;
            }
        };
        // Whatever takes time from here on is ours.
        pulse.ours();
        let changes = !matches!(head.method, Method::GET | Method::HEAD);
        let mut request = Request::from_parts(head, Body::from(body));
        request.extensions_mut().insert(way.clone());
        let mut router = self.router.clone();
        let work = async move {
            let response = router.call(request).await;
            drop(permit);
            match response {
                Ok(response) => response,
                Err(never) => match never {},
            }
        };
        if changes {
            // A caller who goes away doesn't stop what they began.
            return match tokio::spawn(work).await {
                Ok(response) => response,
                Err(_) => fail(Error::new(ErrorKind::Internal, "the request could not be worked on")),
            };
        }
        match tokio::time::timeout(self.app.options.patience, work).await {
            Ok(response) => response,
            Err(_) => {
                let error = Error::new(ErrorKind::Timeout, "it took too long to look that up")
                    .in_operation("http.request");
                Failure::new(StatusCode::SERVICE_UNAVAILABLE, error).into_response(&way.request)
            }
        }
    }
}

impl Answers for Gate {
    type Body = Body;

    async fn answer(
        &self,
        request: Request<Incoming>,
        pulse: &Arc<Pulse>,
    ) -> Result<Response<Body>, Infallible> {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        let (name, path) = (head.method.to_string(), head.uri.path().to_owned());
        let mut way = Way {
            app: self.app.clone(),
            pulse: pulse.clone(),
            actor: String::new(),
            request: request_id(&head).into(),
        };
        let mut response = self.exchange(head, body, pulse, &mut way).await;
        let by = response.extensions_mut().remove::<By>();
        dress(&mut response, &way.request);
        let (status, took) = (response.status().as_u16(), began.elapsed());
        self.app.metrics.count(by.map(|by| by.0.id), status, took);
        (self.app.options.log)(&Exchange {
            request_id: way.request.to_string(),
            actor: Some(way.actor).filter(|actor| !actor.is_empty()),
            peer: pulse.peer(),
            method: name,
            path,
            operation: by.map_or("", |by| by.0.id),
            status,
            took,
        });
        // From here on it is the caller's turn to take the answer, and to ask again.
        pulse.beat();
        Ok(response)
    }

    fn open(&self) -> &AtomicI64 {
        &self.app.metrics.connections
    }
}

async fn dispatch(operation: &'static Operation, path: RawPathParams, asked: Asked) -> Response<Body> {
    let (head, body) = asked.into_parts();
    let Some(way) = head.extensions.get::<Way>().cloned() else { return Response::new(Body::empty()) };
    // The body was read before, up to its limit.
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let raw = Raw { headers: head.headers, query, path, body };
    let mut response = match once(operation, &way, head.uri.path(), raw).await {
        Ok(answer) => answer.into_response(),
        Err(failure) => failure.into_response(&way.request),
    };
    response.extensions_mut().insert(By(operation));
    response
}

/// Does what is asked; a request that says by its key that it was sent before gets the answer that was given then.
async fn once(operation: &'static Operation, way: &Way, path: &str, raw: Raw) -> Outcome {
    let vitesse = way.app.vitesse.by(&way.actor);
    let key = raw.headers.get(IDEMPOTENCY).map(|key| key.to_str().unwrap_or_default().to_owned());
    let (query, body) = (raw.query.clone(), raw.body.clone());
    let call = Call::new(operation, (way.app.clone(), vitesse.clone(), way.pulse.clone()), raw)?;
    let (Some(key), true) = (key, operation.repeatable) else { return (operation.run)(call).await };
    let request: [&[u8]; 4] = [operation.method.as_bytes(), path.as_bytes(), query.as_bytes(), &body];
    let doing = match vitesse.once(&key, &request).await? {
        Once::Again(answered) => {
            let status = StatusCode::from_u16(answered.status).unwrap_or(StatusCode::OK);
            let content = Content::Json(Bytes::from(answered.body));
            let answer = Answer { status, headers: Vec::new(), content };
            return Ok(answer.with_header(HeaderName::from_static("idempotency-replayed"), "true"));
        }
        Once::First(doing) => doing,
    };
    let outcome = (operation.run)(call).await;
    match &outcome {
        Ok(Answer { status, content: Content::Json(body), .. }) => {
            let body = String::from_utf8_lossy(body).into_owned();
            doing.keep(Answered { status: status.as_u16(), body }).await?;
        }
        // Whatever was in its way may be gone when it is tried again.
        _ => doing.forget().await?,
    }
    outcome
}

async fn nothing(asked: Asked) -> Response<Body> {
    let error = Error::new(ErrorKind::NotFound, "there is nothing at this path")
        .in_operation("http.route")
        .with("path", asked.uri().path().escape_debug())
        .help("GET /openapi.json describes everything there is");
    Failure::from(error).into_response(&request_of(&asked))
}

async fn not_so(asked: Asked) -> Response<Body> {
    let error = Error::new(ErrorKind::InvalidInput, format!("{} is not possible here", asked.method()))
        .in_operation("http.route")
        .with("path", asked.uri().path().escape_debug())
        .help("the header `allow` says what is");
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, error).into_response(&request_of(&asked))
}

/// The paths of the one-call builder, which is no more.
async fn gone(asked: Asked) -> Response<Body> {
    let rest = asked.uri().path().strip_prefix(LEGACY).unwrap_or_default().trim_end_matches('/');
    let same = OPERATIONS.iter().any(|operation| fits(operation.path, rest));
    let instead = format!("{}{}", crate::api::PREFIX, if same { rest } else { "/integrations" });
    let error = Error::new(ErrorKind::NotFound, "this path is no more: an integration is made in five steps")
        .in_operation("http.route")
        .help(format!("use {instead}; the book's page on the workflow tells the steps"));
    Failure::new(StatusCode::GONE, error).with("replaced_by", instead).into_response(&request_of(&asked))
}

/// Whether a path is one of a pattern's.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern.iter().zip(&path).all(|(known, part)| known.starts_with('{') || known == part)
}

fn busy() -> Failure {
    let error = Error::new(ErrorKind::LimitExceeded, "too many requests are being worked on")
        .in_operation("http.request")
        .help("try again in a moment");
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, error)
}

/// The id that the caller gave, if it can stand in a log, or a new one.
fn request_id(head: &Parts) -> String {
    let given = head.headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let sound = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    given.filter(sound).map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

fn request_of(asked: &Asked) -> String {
    asked.extensions().get::<Way>().map(|way| way.request.to_string()).unwrap_or_default()
}

/// What every answer says besides.
fn dress(response: &mut Response<Body>, request: &str) {
    const SAID: &[(HeaderName, &str)] = &[
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    let headers = response.headers_mut();
    for (name, value) in SAID {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(request) {
        headers.insert(REQUEST_ID, id);
    }
}

fn method(operation: &Operation) -> Method {
    Method::from_bytes(operation.method.as_bytes()).unwrap_or(Method::GET)
}

impl App {
    /// Whether it answers and its store does.
    pub(crate) async fn ready(&self) -> Result<()> {
        if self.stop.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "it is stopping").in_operation("http.ready"));
        }
        self.vitesse.repository().store().ping().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_its_paths() {
        assert!(fits("/integrations/{id}/map", "/integrations/7/map"));
        assert!(!fits("/integrations/{id}/map", "/integrations/7"));
        assert!(!fits("/integrations/{id}/map", "/integrations/7/test"));
    }

    #[test]
    fn a_request_id_that_could_break_a_log_is_replaced() {
        let check = |id: &str| {
            let request = Request::builder().header("x-request-id", id).body(()).unwrap();
            request_id(&request.into_parts().0)
        };
        assert_eq!(check("abc-1_2.3:4"), "abc-1_2.3:4");
        for wrong in ["", "a b", "{\"a\":1}", &"x".repeat(129)] {
            assert_eq!(check(wrong).len(), 36, "{wrong}");
        }
    }
}

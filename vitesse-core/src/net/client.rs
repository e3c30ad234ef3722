use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::Full;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;
use url::Url;

use super::auth::{Applied, Auth};
use super::body::Body;
use super::config::{Exchange, Limits, NetConfig, Retry, Watch};
use super::connect::{Connector, tls};
use super::failure::{SENT, Unanswered, after, rate_limited, too_large_head, within};
use super::hints::Hints;
use super::rate::{Gate, Rate};
use super::redact::redacted;
use super::request::RequestBuilder;
use super::resolve::{Resolve, SystemResolver};
use super::response::Response;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Cancel;
use crate::secret::Secret;

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Sends requests to addresses that users name. Cheap to clone; clones share connections, rates and budgets.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    config: NetConfig,
    http: legacy::Client<Connector, Full<Bytes>>,
    gates: Mutex<HashMap<String, Arc<Gate>>>,
    random: Arc<dyn Fn() -> f64 + Send + Sync>,
}

/// The parts of a [`Client`] that tests and unusual hosts replace.
#[derive(Clone)]
pub struct Parts {
    /// Looks host names up.
    pub resolver: Arc<dyn Resolve>,
    /// Numbers in `0.0..1.0` for the jitter of retries.
    pub random: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl Client {
    /// A client for `config`. It needs no runtime to be made, and uses the one it is called from.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if the file of certificates can't be used.
    pub fn new(config: NetConfig) -> Result<Self> {
        Self::with_parts(config, Parts::default())
    }

    /// The same with other parts.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_parts(config: NetConfig, parts: Parts) -> Result<Self> {
        HeaderValue::from_str(&config.user_agent).map_err(|_| {
            Error::new(ErrorKind::ConfigInvalid, "the user agent can't be sent")
                .with("value", &config.user_agent)
        })?;
        let tls = tls(config.ca_file.as_deref())?;
        let connector = Connector::new(config.guard.clone(), parts.resolver, tls, config.limits.connect);
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(32)
            .http1_max_headers(config.limits.headers)
            // hyper takes no less than 8 KiB.
            .http1_max_buf_size((config.limits.head as usize).max(8 << 10))
            .http2_max_header_list_size(config.limits.head)
            .http2_adaptive_window(true)
            .build(connector);
        Ok(Self(Arc::new(Inner { config, http, gates: Mutex::default(), random: parts.random })))
    }

    /// A request that reads.
    pub fn get(&self, url: impl Into<String>) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// A request that makes something.
    pub fn post(&self, url: impl Into<String>) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Any request.
    pub fn request(&self, method: Method, url: impl Into<String>) -> RequestBuilder {
        RequestBuilder::new(self.clone(), method, url.into())
    }

    /// Holds the origin of `url` to `rate` from now on, or frees it.
    ///
    /// # Errors
    /// As [`Guard::check_url`](super::Guard::check_url).
    pub fn limit_rate(&self, url: &str, rate: Option<Rate>) -> Result<()> {
        let url = self.0.config.guard.check_url(url)?;
        self.gate(&url).set_rate(rate);
        Ok(())
    }

    /// What it was made with.
    pub fn config(&self) -> &NetConfig {
        &self.0.config
    }

    /// Sends a request as often as it needs and may. With `whole`, the answer's body is read too.
    pub(super) async fn run(&self, request: &Prepared, whole: bool) -> Result<Response> {
        let deadline = after(request.limits.total);
        let gate = self.gate(&request.url);
        gate.earn(&request.retry);
        let (mut tries, mut renewed) = (1, false);
        loop {
            let outcome = self.follow(request, deadline, whole).await;
            // A request that was refused had no effect, so it is sent again whatever its method.
            if let (Some(auth), Ok(Response { status: StatusCode::UNAUTHORIZED, token: Some(token), .. })) =
                (&request.auth, &outcome)
                && !renewed
                && auth.reject(token)
            {
                renewed = true;
                continue;
            }
            let backoff = request.retry.backoff(tries + 1, (self.0.random)());
            let left = deadline.saturating_duration_since(Instant::now());
            let wait = match request.verdict(&outcome) {
                Verdict::Done => None,
                // The peer's own word costs no try: it is no failure, and the deadline bounds it. Some jitter
                // on top, since everybody it was given to comes back at the same moment.
                Verdict::Asked(wait) if wait <= request.retry.max_wait => {
                    Some(wait + request.retry.backoff(2, (self.0.random)()))
                }
                Verdict::Asked(_) => None,
                Verdict::Failed if tries < request.retry.tries && backoff < left && gate.spend() => {
                    tries += 1;
                    Some(backoff)
                }
                Verdict::Failed => None,
            };
            let Some(wait) = wait.filter(|wait| *wait < left) else {
                return outcome.map_err(|unanswered| {
                    let Unanswered { error, unsent } = unanswered;
                    told(if unsent { error.with(SENT, "no") } else { error }, request, tries)
                });
            };
            within(tokio::time::sleep(wait), deadline, request.cancel.as_ref())
                .await
                .map_err(|error| told(error, request, tries))?;
        }
    }

    /// Sends a request once, and again wherever it is redirected to.
    async fn follow(
        &self,
        request: &Prepared,
        deadline: Instant,
        whole: bool,
    ) -> Result<Response, Unanswered> {
        let mut hop = Hop {
            url: request.url.clone(),
            method: request.method.clone(),
            with_body: request.body.is_some(),
        };
        let mut redirects = 0;
        loop {
            let mut response = self.once(request, &hop, deadline).await?;
            let Some(target) = self.redirect(request, &hop, &response)? else {
                if whole {
                    response.body = response.body.loaded().await?;
                }
                return Ok(response);
            };
            redirects += 1;
            if redirects > request.limits.redirects {
                return Err(Error::new(
                    ErrorKind::LimitExceeded,
                    format!("there are more than {} redirects", request.limits.redirects),
                )
                .with("url", redacted(&hop.url))
                .with("next", redacted(&target.url))
                .help("use the address they lead to")
                .into());
            }
            hop = target;
        }
    }

    async fn once(&self, request: &Prepared, hop: &Hop, deadline: Instant) -> Result<Response, Unanswered> {
        let cancel = request.cancel.as_ref();
        let at = redacted(&hop.url);
        let (mut message, token) = within(self.message(request, hop), deadline, cancel).await??;
        let trace = self.0.config.watch.as_ref().and_then(Watch::next_trace);
        if let Some(Ok(trace)) = trace.map(|trace| HeaderValue::try_from(trace.to_string())) {
            message.headers_mut().insert(TRACE_PARENT, trace);
        }
        let gate = self.gate(&hop.url);
        let asked = Instant::now();
        let permit = within(gate.enter(deadline), deadline, cancel).await?.map_err(|wait| {
            rate_limited(at.clone(), Some(wait)).help("lower the rate of requests, or allow more time")
        })?;
        let sent = Instant::now();
        let answer = within(self.0.http.request(message), deadline, cancel)
            .await
            .map_err(Unanswered::from)
            .and_then(|answer| answer.map_err(Unanswered::of));
        if let Some(watch) = &self.0.config.watch {
            watch.tell(&Exchange {
                status: answer.as_ref().ok().map(http::Response::status),
                failure: answer.as_ref().err().map(|unanswered| unanswered.error.kind()),
                took: sent.elapsed(),
                waited: sent - asked,
                trace,
            });
        }
        let (parts, peer) = answer?.into_parts();
        let hints = Hints::read(parts.status, &parts.headers, SystemTime::now());
        permit.answered(&hints);
        check_head(&parts.headers, &request.limits).map_err(|error| error.with("url", &at))?;
        let body = Body::new(peer, &parts.headers, request.limits, deadline, request.cancel.clone(), at)?;
        Ok(Response {
            status: parts.status,
            headers: parts.headers,
            url: hop.url.clone(),
            body,
            wait: hints.wait,
            token,
        })
    }

    async fn message(
        &self,
        request: &Prepared,
        hop: &Hop,
    ) -> Result<(http::Request<Full<Bytes>>, Option<Secret>)> {
        let mut url = hop.url.clone();
        let home = hop.url.origin() == request.url.origin();
        let mut headers = request.headers.clone();
        if !home {
            // Nobody knows which headers are keys, so only those that can't be one go elsewhere.
            headers = HeaderMap::new();
            for name in [header::ACCEPT, header::ACCEPT_LANGUAGE] {
                request.headers.get_all(&name).iter().for_each(|value| {
                    headers.append(name.clone(), value.clone());
                });
            }
        }
        if !hop.with_body {
            headers.remove(header::CONTENT_TYPE);
        }
        let applied = match request.auth.as_ref().filter(|auth| home || auth.is_for(&hop.url)) {
            Some(auth) => Some(auth.applied().await?),
            None => None,
        };
        let (applied, token) = applied.unzip();
        match applied {
            Some(Applied::Header(name, value)) if name == header::COOKIE => {
                headers.append(name, value);
            }
            Some(Applied::Header(name, value)) => {
                headers.insert(name, value);
            }
            Some(Applied::Query(name, value)) => {
                url.query_pairs_mut().append_pair(&name, value.expose());
            }
            None => {}
        }
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
        if let Ok(agent) = HeaderValue::from_str(&self.0.config.user_agent) {
            headers.entry(header::USER_AGENT).or_insert(agent);
        }
        let body = request.body.clone().filter(|_| hop.with_body).unwrap_or_default();
        let mut message = http::Request::new(Full::new(body));
        *message.method_mut() = hop.method.clone();
        *message.headers_mut() = headers;
        *message.uri_mut() = url.as_str().parse().map_err(|_| {
            Error::new(ErrorKind::InvalidInput, "the URL can't be sent").with("url", redacted(&hop.url))
        })?;
        Ok((message, token.flatten()))
    }

    /// Where a response sends us, if it does and we may go there.
    fn redirect(&self, request: &Prepared, hop: &Hop, response: &Response) -> Result<Option<Hop>> {
        let place = match response.status.as_u16() {
            301 | 302 | 303 | 307 | 308 => response.headers.get(header::LOCATION),
            _ => None,
        };
        let Some(place) = place else { return Ok(None) };
        let from = || redacted(&hop.url);
        let target = std::str::from_utf8(place.as_bytes())
            .ok()
            .and_then(|place| hop.url.join(place).ok())
            .ok_or_else(|| {
                Error::new(ErrorKind::Unreachable, "the address is redirected to what is not a URL")
                    .permanent()
                    .with("url", from())
            })?;
        let refused = |why: &'static str| {
            Error::new(ErrorKind::AddressRefused, why)
                .in_operation("net.redirect")
                .with("url", from())
                .with("redirected to", redacted(&target))
        };
        if hop.url.scheme() == "https" && target.scheme() == "http" {
            return Err(refused("the redirect leads from https to http")
                .help("use the address it leads to, if sending without encryption is acceptable"));
        }
        let url = self
            .0
            .config
            .guard
            .check_parsed(target.clone())
            .map_err(|error| error.in_operation("net.redirect").with("redirected from", from()))?;
        let keeps_method = matches!(response.status.as_u16(), 307 | 308)
            || matches!(hop.method, Method::GET | Method::HEAD)
            || (matches!(response.status.as_u16(), 301 | 302) && hop.method != Method::POST);
        let with_body = hop.with_body && keeps_method;
        if with_body && url.origin() != request.url.origin() {
            return Err(refused("the redirect would send the request's body to another host")
                .help("use the address it leads to, if it is the right one"));
        }
        let method = if keeps_method { hop.method.clone() } else { Method::GET };
        Ok(Some(Hop { url, method, with_body }))
    }

    fn gate(&self, url: &Url) -> Arc<Gate> {
        let mut gates = self.0.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= 1024 {
            // Someone who visits that many hosts gains nothing from remembering those nobody waits at.
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        let config = &self.0.config;
        gates
            .entry(url.origin().ascii_serialization())
            .or_insert_with(|| Arc::new(Gate::new(config.rate, &config.retry)))
            .clone()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl Default for Parts {
    fn default() -> Self {
        // Jitter needs no good randomness, only different numbers in different processes: the keys that the
        // standard library draws for its hash maps do.
        let random = || (RandomState::new().hash_one(0) >> 11) as f64 / (1u64 << 53) as f64;
        Self { resolver: Arc::new(SystemResolver), random: Arc::new(random) }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("resolver", &self.resolver).finish_non_exhaustive()
    }
}

/// A checked request.
pub(super) struct Prepared {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    pub(super) auth: Option<Auth>,
    pub(super) limits: Limits,
    pub(super) retry: Retry,
    pub(super) cancel: Option<Cancel>,
    pub(super) repeatable: bool,
}

impl Prepared {
    fn verdict(&self, outcome: &Result<Response, Unanswered>) -> Verdict {
        match outcome {
            Ok(response) if !self.repeatable || !can_pass(response.status) => Verdict::Done,
            // A wait of nothing says nothing, and must not be asked for without end.
            Ok(Response { wait: Some(wait), .. }) if *wait >= self.retry.base => Verdict::Asked(*wait),
            Ok(_) => Verdict::Failed,
            Err(unanswered) => match unanswered.error.kind() {
                ErrorKind::Unreachable | ErrorKind::Timeout
                    if unanswered.error.is_temporary() && (self.repeatable || unanswered.unsent) =>
                {
                    Verdict::Failed
                }
                _ => Verdict::Done,
            },
        }
    }
}

/// What becomes of a request after a try.
enum Verdict {
    Done,
    Asked(Duration),
    Failed,
}

/// One station on the way of a request.
struct Hop {
    url: Url,
    method: Method,
    with_body: bool,
}

/// hyper reads a little more than it is told, and counts nothing in HTTP/2.
fn check_head(headers: &HeaderMap, limits: &Limits) -> Result<()> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if headers.len() > limits.headers || bytes > limits.head as usize {
        return Err(too_large_head());
    }
    Ok(())
}

/// Statuses of a peer that may answer better the next time.
fn can_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

fn told(error: Error, request: &Prepared, tries: u32) -> Error {
    let named = error.context().iter().any(|(key, _)| matches!(*key, "url" | "host"));
    let timed_out = error.kind() == ErrorKind::Timeout && error.help_text().is_none();
    let error = if named { error } else { error.with("url", redacted(&request.url)) };
    let error = if tries > 1 { error.with("tries", tries) } else { error };
    let error =
        if timed_out { error.help(format!("the deadline is {:?}", request.limits.total)) } else { error };
    error.in_operation("net.send")
}

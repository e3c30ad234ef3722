//! The way of a request through the mock.

mod again;
mod example;
mod list;
mod origin;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::error::{Error, ErrorKind, Result};
use crate::mock::answer::{Answer, Fault, Problem, response, too_long};
use crate::mock::judge::Judge;
use crate::mock::limit::Limiter;
use crate::mock::negotiate::{self, Wishes};
use crate::mock::oauth::Tokens;
use crate::mock::options::MockOptions;
use crate::mock::parameter::Carried;
use crate::mock::random::{mix, mix_text};
use crate::mock::request::{Taken, take};
use crate::mock::route::{Found, Router, decode};
use crate::mock::sample::Samples;
use crate::mock::script::{Playing, Scripted};
use crate::mock::state::{Change, Kind, Place, Record, State, Within, missing};
use crate::mock::{auth, dress};
use crate::spec::{ApiSpec, Endpoint, EndpointRole, Location, Media, SchemeKind};

use again::Replays;
use example::{content_type, not_acceptable, success};
use origin::{is_preflight, share_with_pages};

/// An API that answers from its description.
///
/// It can be called from many threads at once. What it keeps is bounded by its [`MockOptions`].
#[derive(Debug)]
pub struct Mock {
    spec: Arc<ApiSpec>,
    options: MockOptions,
    router: Router,
    judge: Judge,
    samples: Arc<Samples>,
    tokens: Tokens,
    limiter: Option<Limiter>,
    playing: Playing,
    state: State,
    /// What was answered to which idempotency key.
    replays: Mutex<Replays>,
    /// What stands around the records of each list, made once.
    envelopes: Mutex<HashMap<usize, Arc<Value>>>,
    count: AtomicU64,
}

/// A request on its way.
struct Asked<'r> {
    request: &'r Request<Bytes>,
    position: usize,
    endpoint: &'r Endpoint,
    carried: Carried<'r>,
    taken: Taken,
    wishes: Wishes,
    /// `http://host`, as the caller knows it.
    origin: String,
    seed: u64,
}

impl Mock {
    /// A mock of an API.
    ///
    /// # Errors
    /// [`ErrorKind::SpecInvalid`] if the API has no endpoint; [`ErrorKind::InvalidInput`] if the script of the
    /// options has a rule that can't be meant.
    pub fn new(spec: Arc<ApiSpec>, options: MockOptions) -> Result<Self> {
        if spec.endpoints.is_empty() {
            return Err(Error::new(ErrorKind::SpecInvalid, "the API has no endpoint that could answer")
                .in_operation("mock.new")
                .with("api", &spec.api_name));
        }
        options.script.check().map_err(|error| error.in_operation("mock.new"))?;
        let samples = Arc::new(Samples::new(spec.clone()));
        Ok(Self {
            router: Router::new(&spec),
            judge: Judge::new(spec.clone()),
            tokens: Tokens::new(&spec, options.seed),
            limiter: options.rate_limit.map(|rule| Limiter::new(&spec, rule)),
            playing: Playing::new(&options.script, options.seed),
            state: State::new(&spec, samples.clone(), options.seed, options.records, options.max_records),
            samples,
            replays: Mutex::default(),
            envelopes: Mutex::default(),
            count: AtomicU64::new(0),
            spec,
            options,
        })
    }

    /// The API it stands for.
    pub fn spec(&self) -> &ApiSpec {
        &self.spec
    }

    /// The longest body it takes.
    pub(super) fn max_body(&self) -> usize {
        self.options.max_body
    }

    /// Answers a request. Nothing waits here: delays and faults are told in the [`Answer`].
    pub fn answer(&self, request: &Request<Bytes>) -> Answer {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let path = request.uri().path();
        let query = request.uri().query().unwrap_or_default();
        let holds = |name: &str, value: &str| {
            request.headers().get(name).is_some_and(|sent| sent.as_bytes() == value.as_bytes())
                || form_urlencoded::parse(query.as_bytes())
                    .any(|(known, sent)| known == name && sent == value)
        };
        let found = self.router.find(request.method().as_str(), path, &holds);
        let endpoint = match &found {
            Found::Endpoint(position, _) => self.spec.endpoints.get(*position),
            _ => None,
        };
        let latency = self
            .options
            .latency
            .map_or(Duration::ZERO, |latency| latency.pick(mix(self.options.seed, number)));
        let scripted = self.playing.next(request.method().as_str(), path, endpoint);
        let delay = scripted
            .and_then(|(_, then)| then.delay)
            .map(|delay| delay.pick(mix(!self.options.seed, number)));
        let fault = scripted.and_then(|(_, then)| then.fault);
        let mut answer = match scripted {
            Some((_, then)) if then.fault.is_some_and(|fault| !fault.is_after()) => {
                self.scripted(then, endpoint, request)
            }
            _ => self.counted(request, found, scripted.map(|(_, then)| then)),
        };
        if let Some((rule, _)) = scripted {
            let note = format!("rule {rule} of the script");
            answer.note = if answer.note.is_empty() { note } else { format!("{note}; {}", answer.note) };
        }
        if answer.operation.is_empty()
            && let Some(endpoint) = endpoint
        {
            answer.operation = match &endpoint.operation_id {
                Some(id) => id.to_string(),
                None => format!("{} {}", endpoint.method, endpoint.path),
            };
        }
        answer.delay = delay.unwrap_or(latency);
        answer.fault = fault;
        if fault == Some(Fault::Garbage) {
            *answer.response.body_mut() = Bytes::from_static(b"<html><body>upstream error</body></html>");
        }
        share_with_pages(request, &mut answer.response);
        if request.method() == http::Method::HEAD {
            let length = answer.response.body().len();
            answer.response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            *answer.response.body_mut() = Bytes::new();
        }
        answer
    }

    /// Answers a request that is given in parts: `ask("GET", "/orders?limit=2", &[("X-Key", "k")], "")`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the parts make no request.
    pub fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let wrong = |error: http::Error| {
            Error::new(ErrorKind::InvalidInput, "this is no request")
                .in_operation("mock.ask")
                .with("target", target)
                .source(error)
        };
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(self.answer(&request.body(body.into()).map_err(wrong)?))
    }

    /// A request's address as it may stand in a log: without keys.
    pub(super) fn shown(&self, uri: &http::Uri) -> String {
        let keys = |name: &str| {
            self.spec.auth.schemes.iter().any(|scheme| match &scheme.kind {
                SchemeKind::ApiKey {
                    location: Location::Query | Location::QueryString, parameter, ..
                } => **parameter == *name,
                _ => false,
            })
        };
        let Some(query) = uri.query() else { return uri.path().to_owned() };
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if keys(&decode(name)) => format!("{name}=***"),
            _ => pair.to_owned(),
        });
        format!("{}?{}", uri.path(), pairs.collect::<Vec<_>>().join("&"))
    }

    /// The records of a collection, by its path (`/orders`) or its word (`orders`), as they are now.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the API has no such collection.
    pub fn records(&self, collection: &str) -> Result<Vec<Value>> {
        Ok(self.state.records(collection)?.iter().map(|record| record.value.clone()).collect())
    }

    /// Puts records into a collection in place of the generated ones. They are taken and sent byte by byte as they
    /// are, whatever is wrong with them.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the API has no such collection, [`ErrorKind::LimitExceeded`] if there are more
    /// than [`MockOptions::max_records`].
    pub fn load(&self, collection: &str, records: &[Box<RawValue>]) -> Result<usize> {
        self.state.load(collection, records)
    }

    /// Loads a JSON document of collections and their records: `{"orders": [{...}], "/customers": [...]}`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if it isn't of that form, and as [`Mock::load`].
    pub fn load_document(&self, document: &[u8]) -> Result<usize> {
        let all: BTreeMap<String, Vec<Box<RawValue>>> =
            serde_json::from_slice(document).map_err(|error| {
                Error::new(ErrorKind::InvalidInput, format!("the records can't be read: {error}"))
                    .in_operation("mock.load")
                    .help("write an object of collections, each a list of records")
            })?;
        let mut count = 0;
        for (collection, records) in &all {
            count += self.load(collection, records)?;
        }
        Ok(count)
    }

    /// Rate limits come before all else, as they do where a gateway keeps them.
    fn counted(&self, request: &Request<Bytes>, found: Found, scripted: Option<&Scripted>) -> Answer {
        let standing =
            self.limiter.as_ref().map(|limiter| (limiter, limiter.count(self.options.clock.now())));
        let mut answer = match (standing, scripted) {
            (Some((limiter, standing)), _) if standing.over => limiter.refusal(standing).answer(),
            (_, Some(then)) if then.status.is_some() => {
                let endpoint = match &found {
                    Found::Endpoint(position, _) => self.spec.endpoints.get(*position),
                    _ => None,
                };
                self.scripted(then, endpoint, request)
            }
            _ => self.proceed(request, found).unwrap_or_else(Problem::answer),
        };
        if let Some((limiter, standing)) = standing {
            limiter.tell(standing, &mut answer.response);
        }
        answer
    }

    fn scripted(&self, then: &Scripted, endpoint: Option<&Endpoint>, request: &Request<Bytes>) -> Answer {
        let status = then.status.unwrap_or(503);
        let described = endpoint.and_then(|endpoint| negotiate::of_status(endpoint, &status.to_string()));
        let mut answer = match (&then.body, described) {
            (Some(Value::String(text)), _) => Answer::new(response(status, "text/plain", text.clone())),
            (Some(body), _) => Answer::new(response(status, "application/json", body.to_string())),
            (None, Some(described)) => {
                let found = self.example(described, request, &Wishes::default(), self.options.seed);
                found.unwrap_or_else(Problem::answer)
            }
            (None, None) => {
                Problem::new(status, "As the script says", "a rule of the script asked for this status")
                    .answer()
            }
        };
        *answer.response.status_mut() =
            http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::SERVICE_UNAVAILABLE);
        for (name, value) in &then.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                answer.response.headers_mut().insert(name, value);
            }
        }
        answer
    }

    fn proceed(&self, request: &Request<Bytes>, found: Found) -> Result<Answer, Problem> {
        let path = request.uri().path();
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let host =
            host.or(request.uri().authority().map(|authority| authority.as_str())).unwrap_or("localhost");
        let origin = format!("http://{host}");
        let now = self.options.clock.now();
        if let Some(answer) =
            self.tokens.answer(request, &self.options.auth, self.options.token_lifetime, &origin, now)
        {
            return Ok(answer);
        }
        let (position, values) = match found {
            Found::Endpoint(position, values) => (position, values),
            Found::OtherMethods(_) | Found::Nothing if is_preflight(request) => {
                return Ok(Answer::new(response(204, "", Bytes::new())));
            }
            Found::OtherMethods(methods) => {
                let methods = methods.join(", ");
                let detail = format!("{} is no method of {path}; it has {methods}", request.method());
                return Err(Problem::new(405, "Method not allowed", detail).header(header::ALLOW, methods));
            }
            Found::Nothing => {
                return Err(Problem::new(
                    404,
                    "Not found",
                    format!("there is no path {path} in {}", self.spec.api_name),
                ));
            }
        };
        let Some(endpoint) = self.spec.endpoints.get(position) else {
            return Err(missing("endpoints", path));
        };
        let carried = Carried::new(values, request.uri().query().unwrap_or_default(), request.headers());
        auth::check(&self.spec, endpoint, &carried, &self.options.auth, &self.tokens, now)?;
        if request.body().len() > self.options.max_body {
            return Err(too_long(self.options.max_body));
        }
        let taken = take(&self.judge, endpoint, &carried, request.body(), self.options.validate)?;
        let seed = mix_text(mix_text(self.options.seed, endpoint.method.as_str()), path);
        let wishes = Wishes::of(request.headers());
        let asked = Asked { request, position, endpoint, carried, taken, wishes, origin, seed };
        if let Some(code) = &asked.wishes.code {
            let Some(described) = negotiate::of_status(endpoint, code) else {
                return Err(Problem::new(
                    400,
                    "Invalid request",
                    format!("the description has no answer {code} here, which Prefer asks for"),
                ));
            };
            let mut answer = self.example(described, request, &asked.wishes, seed)?;
            if let Ok(status) = code.parse::<http::StatusCode>() {
                *answer.response.status_mut() = status;
            }
            return Ok(answer);
        }
        self.once(&asked)
    }

    fn carry_out(&self, asked: &Asked<'_>) -> Result<Answer, Problem> {
        let endpoint = asked.endpoint;
        let Some(described) = success(endpoint) else {
            return Ok(Answer::new(response(200, "", Bytes::new())));
        };
        let media =
            negotiate::media(&described.response.content, asked.request.headers()).map_err(not_acceptable)?;
        let place = self.state.place(asked.position).filter(|_| media.is_none_or(Media::is_json));
        let Some((place, kind)) = place else {
            return self.example(described, asked.request, &asked.wishes, asked.seed);
        };
        let told = media
            .filter(|_| !asked.wishes.dynamic && !self.options.stateful)
            .and_then(|media| media.example.as_ref());
        // An example of a page would lead to the same page again, so lists that are paged are always made.
        if told.is_some() && (place.role != EndpointRole::List || endpoint.pagination.is_none()) {
            return self.example(described, asked.request, &asked.wishes, asked.seed);
        }
        let value = |name: &str| {
            asked.carried.path.iter().find(|(known, _)| known == name).map(|(_, value)| decode(value))
        };
        let within: Within =
            place.scopes.iter().filter_map(|scope| Some((scope.clone(), value(&scope.param)?))).collect();
        if self.options.stateful {
            self.state.parents(&within)?;
        }
        let key = place.one.as_deref().and_then(value);
        let done = match place.role {
            EndpointRole::List => return self.list(asked, described, media, place, kind, &within),
            EndpointRole::Get => self.get(asked, place, kind, &within, key.as_deref())?,
            _ => self.write(asked, place, kind, &within, key.as_deref())?,
        };
        let location = done.as_ref().filter(|_| place.role == EndpointRole::Create).and_then(|record| {
            let collection = asked.request.uri().path().trim_end_matches('/');
            HeaderValue::from_str(&format!("{collection}/{}", record.key())).ok()
        });
        let mut answer = match (done, media) {
            (_, None) => self.example(described, asked.request, &asked.wishes, asked.seed)?,
            (None, Some(_)) => self.example(described, asked.request, &asked.wishes, asked.seed)?,
            (Some(record), Some(media)) => {
                let dressed = dress::dress(&self.samples, kind, media.schema, &record, asked.seed);
                let made = Answer::new(response(negotiate::status(described), &content_type(media), dressed));
                self.with_headers(made, described, asked.seed)
            }
        };
        if let Some(location) = location {
            answer.response.headers_mut().insert(header::LOCATION, location);
        }
        Ok(answer)
    }

    fn get(
        &self,
        asked: &Asked<'_>,
        place: &Place,
        kind: &Kind,
        within: &Within,
        key: Option<&str>,
    ) -> Result<Option<Arc<Record>>, Problem> {
        if let Some(record) = self.state.get(place, within, key) {
            return Ok(Some(record));
        }
        if self.options.stateful
            && let Some(key) = key
        {
            return Err(missing(&kind.name, key));
        }
        let mut given = Map::new();
        if let Some(key) = key {
            given.insert(kind.key.to_string(), self.state.key_value(kind, key));
        }
        Ok(Some(Arc::new(self.state.preview(kind, given, asked.seed, self.options.clock.now(), true))))
    }

    /// Creates, changes or deletes. `None` if it was something that isn't about one record.
    fn write(
        &self,
        asked: &Asked<'_>,
        place: &Place,
        kind: &Kind,
        within: &Within,
        key: Option<&str>,
    ) -> Result<Option<Arc<Record>>, Problem> {
        let now = self.options.clock.now();
        if !self.options.stateful {
            let Some(Value::Object(sent)) = &asked.taken.body else { return Ok(None) };
            let mut sent =
                dress::unwrap(&self.spec.schemas, asked.endpoint.request_schema, kind, sent.clone());
            if let Some(key) = key {
                sent.insert(kind.key.to_string(), self.state.key_value(kind, key));
            }
            return Ok(Some(Arc::new(self.state.preview(kind, sent, asked.seed, now, false))));
        }
        let gone = || missing(&kind.name, key.unwrap_or_default());
        if place.role == EndpointRole::Delete {
            let Some(key) = key else { return Ok(None) };
            return self.state.delete(place, within, key).map(Some).ok_or_else(gone);
        }
        let change = match &asked.taken.body {
            Some(Value::Object(sent)) => {
                let sent =
                    dress::unwrap(&self.spec.schemas, asked.endpoint.request_schema, kind, sent.clone());
                match place.role {
                    EndpointRole::Create => return self.state.create(place, within, sent, now).map(Some),
                    EndpointRole::Replace => Change::Replace(sent),
                    _ => Change::Merge(sent),
                }
            }
            Some(Value::Array(operations)) if place.role == EndpointRole::Update => {
                Change::Patch(operations.clone())
            }
            None if place.role == EndpointRole::Create => {
                return self.state.create(place, within, Map::new(), now).map(Some);
            }
            _ => return Ok(None),
        };
        self.state.change(place, within, key, change, now)?.map(Some).ok_or_else(gone)
    }
}

//! What an answer to a write means.

use std::time::Duration;

use super::super::json::plain;
use super::super::rules::Ruled;
use super::super::state::{Intent, WriteKind};
use super::super::stream::Stream;
use super::build::kept_id;
use crate::error::{Error, ErrorKind};
use crate::mapping::{BulkResults, FieldPath, ResponseAction, Step, Value, value};
use crate::net::{Bytes, HeaderMap, Method, StatusCode, is_unsent, wait_of};

/// What became of a request that was sent once.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was carried out.
    Done(Done),
    /// The destination says no; that is about the record, or about one of several.
    Refused { status: u16, message: String },
    /// Such a record is there already.
    Exists { message: String },
    /// The record to be changed isn't there.
    Gone,
    /// It was certainly not carried out, and may be tried again.
    NotDone { message: String, wait: Option<Duration>, limited: bool, most: Option<u64> },
    /// It may or may not have been carried out.
    Unclear { message: String },
    /// Nothing more can be sent at all.
    Stop(Error),
}

/// What a request that was carried out says.
#[derive(Debug)]
pub(super) enum Done {
    /// The record's id, if it was told.
    One(Option<String>),
    /// What became of each record.
    Each(Vec<OfRecord>),
}

/// What a bulk request says of one record.
#[derive(Clone, Debug)]
pub(super) enum OfRecord {
    Done(Option<String>),
    Refused(String),
    /// To be tried again.
    Again,
    /// The answer says nothing of it.
    Unsaid,
}

/// Sends a request once.
pub(super) async fn once(stream: &Stream, intent: &Intent) -> Answer {
    let peer = match stream.dest_peer() {
        Ok(peer) => peer,
        Err(error) => return Answer::Stop(error),
    };
    let Ok(method) = Method::from_bytes(intent.method.as_bytes()) else {
        let message = format!("{:?} is no HTTP method", intent.method);
        return Answer::Stop(Error::new(ErrorKind::MappingInvalid, message));
    };
    // Only what never reached the peer is sent again by the client itself: nothing, by its rules.
    let mut request = peer
        .client
        .request(method, format!("{}{}", peer.base_url, intent.target))
        .header("accept", "application/json")
        .repeatable(false);
    if let Some(auth) = &peer.auth {
        request = request.auth(auth);
    }
    for (name, value) in &intent.headers {
        request = request.header(name, value);
    }
    if let Some(body) = &intent.body {
        request = request.body(&intent.content_type, body.clone());
    }
    if let Some(how) = stream.dest.idempotency.as_ref().filter(|how| how.field.is_none()) {
        request = request.header(&how.header, &intent.key);
    }
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return without_answer(error),
    };
    let (status, headers, url) = (response.status, response.headers, response.url);
    // A success whose body breaks off was carried out; only what it says is lost.
    let body = response.body.bytes().await;
    let read = || value::read(body.as_ref().ok()?).ok();
    let ruled = match stream.dest_rules.for_answer(status, &headers, read) {
        Ok(ruled) => ruled,
        Err(error) => return Answer::Stop(error),
    };
    let message = || format!("HTTP {} from {}{}", status.as_u16(), url.path(), excerpt(body.as_ref().ok()));
    let asked = asked_wait(status, &headers);
    if let Some(Ruled { action, after, max_tries }) = ruled {
        return match action {
            ResponseAction::Succeed => done(stream, intent, &headers, body.as_ref().ok()),
            ResponseAction::Ignore => Answer::Done(Done::One(None)),
            ResponseAction::Fail => Answer::Refused { status: status.as_u16(), message: message() },
            ResponseAction::Retry => {
                Answer::NotDone { message: message(), wait: asked.or(after), limited: false, most: max_tries }
            }
            ResponseAction::RateLimited => Answer::NotDone {
                message: message(),
                wait: asked.or(after).or(Some(Duration::from_secs(1))),
                limited: true,
                most: max_tries,
            },
            ResponseAction::Refresh => {
                stream.refresh(peer);
                Answer::NotDone {
                    message: message(),
                    wait: asked.or(after),
                    limited: false,
                    most: max_tries.or(Some(2)),
                }
            }
            ResponseAction::RestartPaging => Answer::Refused { status: status.as_u16(), message: message() },
        };
    }
    let refused = || Answer::Refused { status: status.as_u16(), message: message() };
    match status.as_u16() {
        200..=299 => match &body {
            Err(error) if needs_body(stream, intent) => {
                Answer::Unclear { message: error.message().to_owned() }
            }
            _ => done(stream, intent, &headers, body.as_ref().ok()),
        },
        401 => Answer::Stop(
            Error::new(ErrorKind::CredentialRefused, "the destination refuses the credentials")
                .in_operation("sync.write")
                .with("status", 401)
                .help("check VITESSE_DEST_*; what was under way is sent again at the next start"),
        ),
        404 | 410 if matches!(intent.kind, WriteKind::Update | WriteKind::Delete) => Answer::Gone,
        409 if intent.kind == WriteKind::Create => Answer::Exists { message: message() },
        408 | 425 => Answer::NotDone { message: message(), wait: None, limited: false, most: None },
        429 => Answer::NotDone {
            message: message(),
            wait: asked.or(Some(Duration::from_secs(1))),
            limited: true,
            most: None,
        },
        503 if asked.is_some() => {
            Answer::NotDone { message: message(), wait: asked, limited: false, most: None }
        }
        500 | 502 | 503 | 504 => Answer::Unclear { message: message() },
        _ => refused(),
    }
}

/// Whether the answer says something that isn't known otherwise.
fn needs_body(stream: &Stream, intent: &Intent) -> bool {
    match intent.kind {
        WriteKind::Create | WriteKind::Upsert => {
            intent.members.iter().any(|member| member.before.dest_id.is_none())
        }
        WriteKind::Bulk | WriteKind::BulkUpsert => {
            stream.dest.operations.bulk.as_ref().is_some_and(|bulk| bulk.results.is_some())
        }
        WriteKind::Update | WriteKind::Delete => false,
    }
}

fn without_answer(error: Error) -> Answer {
    let message = error.message().to_owned();
    if is_unsent(&error) && error.is_temporary() {
        let limited = error.kind() == ErrorKind::RateLimited;
        return Answer::NotDone { message, wait: wait_of(&error), limited, most: None };
    }
    match error.kind() {
        ErrorKind::Unreachable | ErrorKind::Timeout if error.is_temporary() => Answer::Unclear { message },
        // An answer that can't be understood came after the request was there.
        ErrorKind::Unreachable | ErrorKind::LimitExceeded | ErrorKind::Unsupported if !is_unsent(&error) => {
            Answer::Unclear { message }
        }
        _ => Answer::Stop(error.in_operation("sync.write")),
    }
}

fn asked_wait(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if !matches!(status.as_u16(), 429 | 503) {
        return None;
    }
    let seconds: f64 = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    (seconds > 0.0 && seconds < 86_400.0).then(|| Duration::from_secs_f64(seconds))
}

fn done(stream: &Stream, intent: &Intent, headers: &HeaderMap, body: Option<&Bytes>) -> Answer {
    let body = body.and_then(|body| value::read(body).ok());
    let operations = &stream.dest.operations;
    if matches!(intent.kind, WriteKind::Bulk | WriteKind::BulkUpsert) {
        let results = operations.bulk.as_ref().and_then(|bulk| bulk.results.as_ref());
        return match results {
            None => Answer::Done(Done::Each(vec![OfRecord::Done(None); intent.members.len()])),
            Some(how) => Answer::Done(Done::Each(each(how, body.as_ref(), intent.members.len()))),
        };
    }
    let operation = match intent.kind {
        WriteKind::Create => operations.create.as_ref(),
        WriteKind::Upsert => operations.upsert.as_ref(),
        _ => None,
    };
    let told = match operation.and_then(|operation| operation.id.as_ref()) {
        Some(path) => body.as_ref().and_then(|body| path.find(body)).and_then(kept_id),
        None => body.as_ref().and_then(likely_id).or_else(|| location_id(headers)),
    };
    Answer::Done(Done::One(told))
}

/// The id where APIs usually have it, for mappings that don't say.
pub(super) fn likely_id(body: &Value) -> Option<String> {
    let own =
        |value: &Value| ["id", "Id", "ID", "_id", "uuid"].iter().find_map(|name| kept_id(value.get(name)?));
    own(body).or_else(|| own(body.get("data")?))
}

/// The last segment of where a new record is.
fn location_id(headers: &HeaderMap) -> Option<String> {
    let place = headers.get("location")?.to_str().ok()?;
    let path = place.split(['?', '#']).next()?.trim_end_matches('/');
    let last = path.rsplit('/').next()?;
    (!last.is_empty() && path.contains('/')).then(|| last.to_owned())
}

fn each(how: &BulkResults, body: Option<&Value>, count: usize) -> Vec<OfRecord> {
    let mut outcomes = vec![OfRecord::Unsaid; count];
    let Some(body) = body else { return outcomes };
    let mut found = how.records.find_all(body);
    if how.records.steps().last() != Some(&Step::Each)
        && let [Value::Array(items)] = found[..]
    {
        found = items.iter().collect();
    }
    for (at, result) in found.into_iter().enumerate() {
        let place = match &how.index {
            Some(path) => path.find(result).and_then(plain).and_then(|index| index.parse().ok()),
            None => Some(at),
        };
        if let Some(outcome) = place.and_then(|place: usize| outcomes.get_mut(place)) {
            *outcome = of_record(how, result);
        }
    }
    outcomes
}

fn of_record(how: &BulkResults, result: &Value) -> OfRecord {
    let at = |path: &Option<FieldPath>| path.as_ref().and_then(|path| path.find(result));
    let error = at(&how.error).filter(|error| !error.is_null() && error.as_str() != Some(""));
    let reason = || match error {
        Some(error) => shortened(&plain(error).unwrap_or_else(|| error.to_string())),
        None => format!("the destination refused it: {}", shortened(&result.to_string())),
    };
    let status = at(&how.status);
    let code = status.and_then(plain).and_then(|code| code.parse::<u16>().ok());
    let fine = match status {
        Some(status) if !how.ok.is_empty() => {
            how.ok.iter().any(|ok| ok == status || plain(ok) == plain(status))
        }
        Some(status) => match code {
            Some(code) => (200..300).contains(&code),
            None => status.as_bool().unwrap_or(false),
        },
        None => error.is_none(),
    };
    if fine {
        let id = match &how.id {
            Some(path) => path.find(result).and_then(kept_id),
            None => likely_id(result),
        };
        return OfRecord::Done(id);
    }
    match code {
        Some(408 | 425 | 429 | 503) => OfRecord::Again,
        _ => OfRecord::Refused(reason()),
    }
}

/// The beginning of an answer that isn't a success: it usually says why.
fn excerpt(body: Option<&Bytes>) -> String {
    let text = body.map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default();
    let text = text.trim();
    if text.is_empty() { String::new() } else { format!(": {}", shortened(text)) }
}

fn shortened(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    if clean.len() < text.len() { format!("{clean}…") } else { clean }
}

/// The id of a record that was found.
pub(super) fn id_of(record: &Value, path: Option<&FieldPath>) -> Option<String> {
    match path {
        Some(path) => path.find(record).and_then(kept_id),
        None => likely_id(record),
    }
}

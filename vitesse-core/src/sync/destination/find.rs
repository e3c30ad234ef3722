//! Looking at the destination whether it has a record, by its natural key.

use std::time::Duration;

use super::super::breaker::{Breaker, Pass};
use super::super::decide::Found;
use super::super::stream::Stream;
use super::answer::id_of;
use super::build::target;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{Step, Value, value};
use crate::net::{Method, wait_of};

/// Finds the record that what the mapping made stands for.
pub(in crate::sync) async fn find(stream: &Stream, breaker: &Breaker, made: &str) -> Result<Found> {
    let operation = stream
        .dest
        .operations
        .find
        .as_ref()
        .ok_or_else(|| Error::new(ErrorKind::MappingInvalid, "the destination has no operation find"))?;
    let record = value::read(made.as_bytes())?;
    let place = target(operation, &record, None)?;
    let peer = stream.dest_peer()?;
    let method = Method::from_bytes(operation.method.as_bytes())
        .map_err(|_| Error::new(ErrorKind::MappingInvalid, "find has no HTTP method"))?;
    let mut tries = 0;
    loop {
        match breaker.enter() {
            Pass::Go => {}
            Pass::Wait(wait) => {
                tokio::time::sleep(wait).await;
                continue;
            }
            Pass::GiveUp(after) => return Err(given_up(after)),
        }
        let mut request = peer
            .client
            .request(method.clone(), format!("{}{place}", peer.base_url))
            .header("accept", "application/json");
        if let Some(auth) = &peer.auth {
            request = request.auth(auth);
        }
        for (name, value) in stream.dest.headers.iter().chain(operation.headers.iter()) {
            if let Some(value) = super::super::json::plain(value) {
                request = request.header(name, &value);
            }
        }
        let outcome = match request.fetch().await {
            // Some APIs say so when nothing matches.
            Ok(fetched) if fetched.status.as_u16() == 404 => {
                breaker.answered();
                return Ok(Found::Nothing);
            }
            Ok(fetched) => match fetched.success() {
                Ok(fetched) if fetched.body.is_empty() => Ok(Value::Array(Vec::new())),
                Ok(fetched) => value::read(&fetched.body).map_err(|_| {
                    Error::new(ErrorKind::Unreachable, "the answer is not whole JSON")
                        .in_operation("sync.find")
                }),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        let error = match outcome {
            Ok(body) => {
                breaker.answered();
                return Ok(matching(stream, &record, &body));
            }
            Err(error) => error,
        };
        let limited = error.kind() == ErrorKind::RateLimited;
        if limited {
            breaker.abandoned();
        } else if error.is_temporary() {
            breaker.failed();
            tries += 1;
        } else {
            breaker.answered();
            return Err(error.in_operation("sync.find"));
        }
        if tries >= stream.options.tries && !breaker.is_open() {
            return Err(error.in_operation("sync.find"));
        }
        let wait = wait_of(&error).unwrap_or_else(|| backoff(stream.options.backoff, tries));
        tokio::time::sleep(wait).await;
    }
}

/// Of what was found, what really has the natural key: searches are often wider than they are told.
fn matching(stream: &Stream, wanted: &Value, body: &Value) -> Found {
    let operation = stream.dest.operations.find.as_ref();
    let found: Vec<&Value> = match operation.and_then(|operation| operation.records.as_ref()) {
        Some(path) => {
            let found = path.find_all(body);
            match (path.steps().last(), &found[..]) {
                (Some(Step::Each), _) => found,
                (_, [Value::Array(items)]) => items.iter().collect(),
                _ => found,
            }
        }
        None => match body {
            Value::Array(items) => items.iter().collect(),
            Value::Object(object) if object.is_empty() => Vec::new(),
            one => vec![one],
        },
    };
    let same = |record: &Value| {
        stream.dest.match_on.iter().all(|field| match (field.find(wanted), field.find(record)) {
            (Some(wanted), Some(there)) => alike(wanted, there),
            // A search may show less of a record than there is.
            (_, None) => true,
            (None, Some(_)) => false,
        })
    };
    let id_path = operation.and_then(|operation| operation.id.as_ref());
    let mut ids: Vec<String> =
        found.into_iter().filter(|record| same(record)).filter_map(|record| id_of(record, id_path)).collect();
    ids.dedup();
    match (ids.len(), ids.pop()) {
        (0, _) | (_, None) => Found::Nothing,
        (1, Some(id)) => Found::One(id),
        (many, _) => Found::Several(many),
    }
}

/// Whether two values of a natural key are one: letters' case is no difference, since it rarely is one in keys.
fn alike(a: &Value, b: &Value) -> bool {
    match (super::super::json::plain(a), super::super::json::plain(b)) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(&b),
        _ => a == b,
    }
}

pub(super) fn backoff(base: Duration, tries: u32) -> Duration {
    base.saturating_mul(1 << tries.saturating_sub(1).min(7)).min(Duration::from_secs(20))
}

pub(super) fn given_up(after: Duration) -> Error {
    Error::new(ErrorKind::Unreachable, "the destination has failed for too long")
        .temporary()
        .in_operation("sync.write")
        .with("seconds", after.as_secs())
        .help("what was read and not delivered is read or sent again at the next start")
}

//! `/transform`: an object becomes an object, an array an array, and a stream of records a stream of records.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{StatusCode, header};
use hyper::body::Incoming;

use super::answer::{Answer, Kind, Reply, empty, envelope, with};
use super::body::whole;
use super::lines::Lines;
use super::made::Made;
use super::pulse::Pulse;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::RecordError;
use crate::service::shared::Shared;
use crate::transform::{Plan, Stream};

/// What a record that fails does to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnError {
    /// It ends the answer.
    Fail,
    /// It is left out.
    Skip,
    /// It is answered with what is wrong with it.
    Report,
}

/// A record failed, and with it the rest.
pub(super) struct Stopped {
    pub(super) error: Error,
    /// How many failed before it, and with it.
    pub(super) failed: u64,
}

/// Answers a request.
pub(super) async fn transform(
    shared: &Arc<Shared>,
    head: &Parts,
    stream: Option<&str>,
    body: Incoming,
    pulse: &Arc<Pulse>,
) -> Result<Answer> {
    let loaded = shared.loaded();
    let ready = loaded.stream(stream)?;
    let plan = &ready.plan;
    let on_error = match head.uri.query() {
        None => OnError::of(plan),
        Some(query) => OnError::asked(query)?.unwrap_or_else(|| OnError::of(plan)),
    };
    if is_ndjson(head) {
        let at = loaded.streams.iter().position(|known| known.name == ready.name).unwrap_or(0);
        let lines = Lines::new(shared.clone(), loaded.clone(), at, on_error, body, pulse.clone());
        return Ok(Answer::new(StatusCode::OK, Kind::Ndjson, Reply::Lines(Box::new(lines))));
    }
    let body = whole(body, shared.options.limits.body, pulse).await?;
    shared.metrics.transform.came(body.len());
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => many(shared, plan, on_error, &body),
        Some(_) => one(shared, plan, on_error, &body),
        None => Err(Error::new(ErrorKind::RecordInvalid, "the body is empty")
            .in_operation("service.transform")
            .help(
                "send an object, an array of them, or a stream with the content type application/x-ndjson",
            )),
    }
}

fn one(shared: &Shared, plan: &Plan, on_error: OnError, body: &Bytes) -> Result<Answer> {
    // The plan knows how much room it takes, and asks for it once.
    let mut out = Made::room();
    let done = plan.apply(body, &mut out);
    shared.metrics.transform.took(1, u64::from(done.is_err()));
    if let Err(error) = done {
        return match on_error {
            OnError::Skip => Ok(empty(StatusCode::NO_CONTENT)),
            OnError::Fail | OnError::Report => Err(error.with("record", 1)),
        };
    }
    if out.is_empty() {
        // The filter left it out.
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    if plan.compiled().split.is_some() {
        as_array(&mut out);
    }
    Ok(with(StatusCode::OK, Kind::Json, out))
}

fn many(shared: &Shared, plan: &Plan, on_error: OnError, body: &Bytes) -> Result<Answer> {
    let mut stream = Stream::new(plan).record_limit(shared.options.limits.record);
    let mut out = Vec::with_capacity(body.len() + body.len() / 4 + 64);
    let mut failures = 0;
    let mut rest = &body[..];
    let outcome = loop {
        let space = stream.space();
        let count = rest.len().min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        stream.filled(count);
        rest = &rest[count..];
        match run(&mut stream, rest.is_empty(), on_error, &mut out) {
            Ok(failed) => failures += failed,
            Err(stopped) => {
                failures += stopped.failed;
                break Err(Error::from(stopped));
            }
        }
        if rest.is_empty() {
            break Ok(());
        }
    };
    shared.metrics.transform.took(stream.records(), failures);
    outcome?;
    as_array(&mut out);
    Ok(with(StatusCode::OK, Kind::Json, out))
}

/// Transforms what is there, and deals with records that fail; gives how many did.
pub(super) fn run(
    stream: &mut Stream<'_>,
    last: bool,
    on_error: OnError,
    out: &mut Vec<u8>,
) -> Result<u64, Stopped> {
    let mut failed = 0;
    loop {
        let mut failure = None;
        let ran = stream.run(last, out, |found| {
            failure = Some(found.error.with("record", found.record).with("offset", found.offset));
            ControlFlow::Break(())
        });
        if let Err(error) = ran {
            return Err(Stopped { error, failed: failed + 1 });
        }
        let Some(error) = failure else { return Ok(failed) };
        failed += 1;
        match on_error {
            OnError::Fail => return Err(Stopped { error, failed }),
            OnError::Skip => {}
            OnError::Report => {
                out.extend_from_slice(envelope(&error).as_bytes());
                out.push(b'\n');
            }
        }
    }
}

/// Lines become the elements of an array.
fn as_array(lines: &mut Vec<u8>) {
    lines.insert(0, b'[');
    // No record has a line feed inside.
    for byte in lines.iter_mut().filter(|byte| **byte == b'\n') {
        *byte = b',';
    }
    match lines.last_mut() {
        Some(last) if *last == b',' => *last = b']',
        _ => lines.push(b']'),
    }
}

fn is_ndjson(head: &Parts) -> bool {
    let Some(kind) = head.headers.get(header::CONTENT_TYPE) else { return false };
    let kind = kind.as_bytes();
    // What comes most often is known at once.
    if kind == b"application/json" {
        return false;
    }
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let known: [&[u8]; 5] = [
        b"application/x-ndjson",
        b"application/ndjson",
        b"application/jsonl",
        b"application/x-jsonlines",
        b"application/json-lines",
    ];
    known.iter().any(|known| known.eq_ignore_ascii_case(kind))
}

impl OnError {
    fn of(plan: &Plan) -> Self {
        match plan.compiled().on_error {
            RecordError::Fail => Self::Fail,
            RecordError::Skip => Self::Skip,
            RecordError::DeadLetter => Self::Report,
        }
    }

    fn asked(query: &str) -> Result<Option<Self>> {
        let asked = query.split('&').find_map(|pair| pair.strip_prefix("on_error="));
        Ok(Some(match asked {
            None => return Ok(None),
            Some("fail") => Self::Fail,
            Some("skip") => Self::Skip,
            Some("report") => Self::Report,
            Some(other) => {
                return Err(Error::new(ErrorKind::InvalidInput, "on_error is fail, skip or report")
                    .in_operation("service.transform")
                    .with("on_error", other));
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_an_array() {
        for (lines, expected) in [("", "[]"), ("{}\n", "[{}]"), ("{\"a\":1}\n2\n", "[{\"a\":1},2]")] {
            let mut lines = lines.as_bytes().to_vec();
            as_array(&mut lines);
            assert_eq!(String::from_utf8(lines).unwrap(), expected);
        }
    }

    #[test]
    fn streams_are_known_by_their_type() {
        let check = |kind: &str| {
            let request = http::Request::builder().header("content-type", kind).body(()).unwrap();
            is_ndjson(&request.into_parts().0)
        };
        for kind in ["application/x-ndjson", "application/NDJSON; charset=utf-8", "application/jsonl"] {
            assert!(check(kind), "{kind}");
        }
        for kind in [
            "application/json",
            "application/json; charset=utf-8",
            "text/plain",
            "",
            "application/octet-stream",
        ] {
            assert!(!check(kind), "{kind}");
        }
    }
}

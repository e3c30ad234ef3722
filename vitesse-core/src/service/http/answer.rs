//! Answers: their bodies, and the one form that errors have.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use serde::Serialize;
use serde_json::{Map, Value};

use super::lines::Lines;
use super::made::Made;
use crate::error::{Error, ErrorKind};

/// What a body is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Nothing,
    Json,
    Ndjson,
    Text,
}

/// What is answered. It is small, since it goes from hand to hand, and becomes a response only at the door.
pub(in crate::service) struct Answer {
    pub(super) status: StatusCode,
    kind: Kind,
    /// Which methods there are instead; empty if that isn't the question.
    allow: &'static str,
    body: Reply,
}

impl Answer {
    pub(super) fn new(status: StatusCode, kind: Kind, body: Reply) -> Self {
        Self { status, kind, allow: "", body }
    }

    /// The response, with the headers of the request used once more: that they have room already costs nothing.
    pub(super) fn into_response(self, mut headers: HeaderMap) -> Response<Reply> {
        headers.clear();
        if let Some(kind) = self.kind.header() {
            headers.insert(CONTENT_TYPE, kind);
        }
        if !self.allow.is_empty() {
            headers.insert(ALLOW, HeaderValue::from_static(self.allow));
        }
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

impl Kind {
    /// The content type. Each is a constant: one made anew is looked at byte by byte.
    fn header(self) -> Option<HeaderValue> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");
        const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        match self {
            Self::Nothing => None,
            Self::Json => Some(JSON),
            Self::Ndjson => Some(NDJSON),
            Self::Text => Some(TEXT),
        }
    }
}

/// The body of an answer.
pub(in crate::service) enum Reply {
    Whole(Option<Made>),
    Lines(Box<Lines>),
}

/// The answer can't be given to its end, and the caller must notice.
#[derive(Debug)]
pub(in crate::service) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer ends here")
    }
}

impl std::error::Error for Cut {}

impl Body for Reply {
    type Data = Made;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Made>, Cut>>> {
        match &mut *self {
            Self::Whole(body) => {
                Poll::Ready(body.take().filter(Made::has_remaining).map(|body| Ok(Frame::data(body))))
            }
            Self::Lines(lines) => {
                lines.poll_next(context).map(|next| next.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(body) if body.as_ref().is_none_or(|body| !body.has_remaining()))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => {
                SizeHint::with_exact(body.as_ref().map_or(0, |body| body.remaining() as u64))
            }
            Self::Lines(_) => SizeHint::default(),
        }
    }
}

pub(super) fn with(status: StatusCode, kind: Kind, body: impl Into<Vec<u8>>) -> Answer {
    Answer::new(status, kind, Reply::Whole(Some(body.into().into())))
}

pub(super) fn empty(status: StatusCode) -> Answer {
    Answer::new(status, Kind::Nothing, Reply::Whole(None))
}

pub(super) fn text(body: String) -> Answer {
    with(StatusCode::OK, Kind::Text, body)
}

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => with(status, Kind::Json, body),
        Err(error) => failed(&Error::new(ErrorKind::Internal, "the answer can't be written").source(error)),
    }
}

/// What an error is answered with.
pub(super) fn failed(error: &Error) -> Answer {
    with(status_of(error.kind()), Kind::Json, envelope(error))
}

/// The envelope: `status`, `error` and `http_status`, then what else is known. Facts stand under their names.
pub(super) fn envelope(error: &Error) -> String {
    let mut all = Map::new();
    for (name, value) in error.context() {
        let value = match value.parse::<u64>() {
            Ok(number) => number.into(),
            Err(_) => Value::from(value.as_str()),
        };
        all.insert((*name).to_owned(), value);
    }
    all.insert("status".into(), "failed".into());
    all.insert("error".into(), error.message().into());
    all.insert("http_status".into(), status_of(error.kind()).as_u16().into());
    all.insert("kind".into(), error.kind().id().into());
    if let Some(help) = error.help_text() {
        all.insert("help".into(), help.into());
    }
    Value::Object(all).to_string()
}

pub(super) fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::SpecInvalid => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict | ErrorKind::Prerequisite => StatusCode::CONFLICT,
        ErrorKind::LimitExceeded => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::RecordInvalid | ErrorKind::MappingInvalid | ErrorKind::GateFailed => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        ErrorKind::Unreachable | ErrorKind::AddressRefused | ErrorKind::CredentialRefused => {
            StatusCode::BAD_GATEWAY
        }
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::RateLimited | ErrorKind::Cancelled | ErrorKind::StoreUnavailable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// There is nothing at a path.
pub(super) fn nothing_here(path: &str) -> Answer {
    failed(&Error::new(ErrorKind::NotFound, "there is nothing at this path").with("path", path))
}

/// There is something, but not for this method.
pub(super) fn not_so(allow: &'static str) -> Answer {
    let body = format!(
        r#"{{"status":"failed","error":"use {allow} here","http_status":405,"kind":"invalid_input"}}"#
    );
    Answer { allow, ..with(StatusCode::METHOD_NOT_ALLOWED, Kind::Json, body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_status_that_says_failed() {
        for kind in ErrorKind::ALL {
            let status = status_of(*kind);
            assert!(status.is_client_error() || status.is_server_error(), "{kind}");
            // Only what trying again can help says so by its status.
            assert!(kind.usually_temporary() || status != StatusCode::SERVICE_UNAVAILABLE, "{kind}");
        }
    }

    #[test]
    fn facts_do_not_go_over_the_envelope() {
        let error =
            Error::new(ErrorKind::RecordInvalid, "a \"quote\"").with("record", 17).with("status", "fine");
        let read: Value = serde_json::from_str(&envelope(&error.help("look"))).unwrap();
        assert_eq!(read["status"], "failed");
        assert_eq!(read["record"], 17);
        assert_eq!((&read["http_status"], &read["help"]), (&422.into(), &"look".into()));
    }
}

//! Answers, and the one form that failures have.

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use vitesse_core::{Error, ErrorKind};

/// What an operation answers.
pub(crate) type Outcome = Result<Answer, Failure>;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) content: Content,
}

/// What is in an answer.
#[derive(Debug)]
pub(crate) enum Content {
    Json(Bytes),
    Text(HeaderValue, String),
    Stream(HeaderValue, Body),
}

/// A failure with the status it is answered with.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) error: Error,
    /// What is said instead of the error's own message.
    pub(crate) said: Option<String>,
    /// What else the caller should know.
    pub(crate) more: Map<String, Value>,
}

impl Answer {
    /// A body as it is, without an envelope.
    pub(crate) fn json(value: &impl Serialize) -> Outcome {
        let body = serde_json::to_vec(value)
            .map_err(|error| Error::new(ErrorKind::Internal, "the answer can't be written").source(error))?;
        Ok(Self { status: StatusCode::OK, headers: Vec::new(), content: Content::Json(body.into()) })
    }

    /// Something, in the envelope of success.
    pub(crate) fn data(data: &impl Serialize) -> Outcome {
        Self::json(&Enveloped { status: "success", data })
    }

    /// A part of a list, in its envelope.
    pub(crate) fn list<T: Serialize>(data: &[T], next: Option<String>) -> Outcome {
        Self::json(&ListEnvelope { status: "success", count: data.len(), data, next })
    }

    pub(crate) fn text(kind: &'static str, text: String) -> Self {
        let kind = HeaderValue::from_static(kind);
        Self { status: StatusCode::OK, headers: Vec::new(), content: Content::Text(kind, text) }
    }

    #[must_use]
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        // What can't stand in a header is left out: no value of ours is such.
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.push((name, value));
        }
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let (kind, body) = match self.content {
            Content::Json(bytes) => (HeaderValue::from_static("application/json"), Body::from(bytes)),
            Content::Text(kind, text) => (kind, Body::from(text)),
            Content::Stream(kind, body) => (kind, body),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        // What there is nothing to say of has no type either.
        if self.status != StatusCode::NOT_MODIFIED {
            response.headers_mut().insert(CONTENT_TYPE, kind);
        }
        response.headers_mut().extend(self.headers.into_iter().map(|(name, value)| (Some(name), value)));
        response
    }
}

#[derive(Serialize)]
struct Enveloped<'a, T> {
    status: &'static str,
    data: &'a T,
}

#[derive(Serialize)]
struct ListEnvelope<'a, T> {
    status: &'static str,
    data: &'a [T],
    count: usize,
    next: Option<String>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, error: Error) -> Self {
        Self { status, error, said: None, more: Map::new() }
    }

    /// A failure of something that runs: whatever the target or a peer of it failed with is no fault of the caller's.
    pub(crate) fn of_execution(error: Error) -> Self {
        let ours = matches!(
            error.kind(),
            ErrorKind::Unreachable
                | ErrorKind::AddressRefused
                | ErrorKind::RateLimited
                | ErrorKind::Timeout
                | ErrorKind::RunFailed
        );
        match ours {
            true => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error),
            false => error.into(),
        }
    }

    /// A description of one of the two APIs that can't be had or can't be read: which one is said first.
    pub(crate) fn of_description(error: Error) -> Self {
        let side = error.context().iter().find(|(name, _)| *name == "side").map(|(_, side)| side.clone());
        let verb = if error.kind() == ErrorKind::SpecInvalid { "read" } else { "fetch" };
        let said = side.map(|side| format!("Failed to {verb} {side} API spec: {}", error.message()));
        Self { said, ..error.into() }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The envelope, with the id of the error and what is known of it beside.
    pub(crate) fn envelope(&self, request: &str) -> Value {
        let Self { status, error, said, more } = self;
        let mut details = more.clone();
        let context: Map<String, Value> =
            error.context().iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
        details.insert("operation".into(), error.operation().into());
        details.insert("temporary".into(), error.is_temporary().into());
        details.insert("help".into(), error.help_text().unwrap_or_else(|| error.kind().remedy()).into());
        details.insert("context".into(), context.into());
        details.insert("causes".into(), error.causes().collect::<Vec<_>>().into());
        details.insert("request_id".into(), request.into());
        json!({
            "status": "failed", "error": said.as_deref().unwrap_or(error.message()), "http_status": status.as_u16(),
            "error_id": error.kind().id(), "details": details,
        })
    }

    pub(crate) fn into_response(self, request: &str) -> Response<Body> {
        let mut response = Response::new(Body::from(self.envelope(request).to_string()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let header = match self.status {
            StatusCode::SERVICE_UNAVAILABLE => Some((http::header::RETRY_AFTER, "1")),
            StatusCode::UNAUTHORIZED => Some((http::header::WWW_AUTHENTICATE, "ApiKey")),
            _ => None,
        };
        response
            .headers_mut()
            .extend(header.map(|(name, value)| (Some(name), HeaderValue::from_static(value))));
        response
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(status_of(&error), error)
    }
}

/// What each kind of error is answered with: 400 for what the caller or the descriptions have to mend, 404 for what
/// isn't there, 409 for two at once, 500 for what went wrong here.
fn status_of(error: &Error) -> StatusCode {
    match error.kind() {
        // The caller's own body, not a document that was fetched.
        ErrorKind::LimitExceeded if error.operation() == "service.body" => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::InvalidInput
        | ErrorKind::Prerequisite
        | ErrorKind::SpecInvalid
        | ErrorKind::Unreachable
        | ErrorKind::AddressRefused
        | ErrorKind::CredentialRefused
        | ErrorKind::RateLimited
        | ErrorKind::MappingInvalid
        | ErrorKind::RecordInvalid
        | ErrorKind::GateFailed
        | ErrorKind::Unsupported
        | ErrorKind::LimitExceeded
        | ErrorKind::Timeout => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorKind::NotFound => match error.operation() {
            // Named by a body, while the thing at the address is there.
            "orchestrator.choose" | "orchestrator.rollback" | "mapper.side" | "mapper.connect" => {
                StatusCode::BAD_REQUEST
            }
            operation if operation.starts_with("net.") => StatusCode::BAD_REQUEST,
            "deployer.runtime" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::NOT_FOUND,
        },
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::StoreUnavailable | ErrorKind::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_status_and_the_one_envelope() {
        for kind in ErrorKind::ALL {
            let failure = Failure::from(Error::new(*kind, "it broke").with("where", "here"));
            assert!(failure.status.is_client_error() || failure.status.is_server_error(), "{kind}");
            let envelope = failure.envelope("r1");
            assert_eq!(envelope["status"], "failed");
            assert_eq!(envelope["error"], "it broke");
            assert_eq!(envelope["http_status"], failure.status.as_u16());
            assert_eq!(envelope["error_id"], kind.id());
            assert_eq!(envelope["details"]["context"]["where"], "here");
            assert_eq!(envelope["details"]["help"], kind.remedy());
        }
    }

    #[test]
    fn the_numbers_are_those_that_callers_know() {
        let check = |kind, status: u16| {
            assert_eq!(Failure::from(Error::new(kind, "")).status.as_u16(), status, "{kind}");
        };
        check(ErrorKind::Prerequisite, 400);
        check(ErrorKind::Unreachable, 400);
        check(ErrorKind::GateFailed, 400);
        check(ErrorKind::NotFound, 404);
        for named_by_a_body in ["net.status", "mapper.side", "orchestrator.choose", "orchestrator.rollback"] {
            let missing = Error::new(ErrorKind::NotFound, "").in_operation(named_by_a_body);
            assert_eq!(Failure::from(missing).status.as_u16(), 400);
        }
        check(ErrorKind::Conflict, 409);
        check(ErrorKind::BuildFailed, 500);
        check(ErrorKind::DeployFailed, 500);
        check(ErrorKind::Internal, 500);
        let at_run = Failure::of_execution(Error::new(ErrorKind::Unreachable, "no registry"));
        assert_eq!(at_run.status.as_u16(), 500);
        let body = Error::new(ErrorKind::LimitExceeded, "").in_operation("service.body");
        assert_eq!(Failure::from(body).status.as_u16(), 413);
    }
}

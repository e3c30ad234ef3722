use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

/// What a mock answers, and what is to go wrong on the way.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The answer itself.
    pub response: Response<Bytes>,
    /// How long it takes.
    pub delay: Duration,
    /// What happens to it on the wire.
    pub fault: Option<Fault>,
    /// The operation it is an answer of: its id, or method and path; empty if the request met none.
    pub operation: String,
    /// Why it is what it is, where that isn't plain: what was wrong with the request, or which rule of a script.
    pub note: String,
}

impl Answer {
    pub(super) fn new(response: Response<Bytes>) -> Self {
        Self { response, delay: Duration::ZERO, fault: None, operation: String::new(), note: String::new() }
    }

    /// The body as JSON; null if it isn't JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.response.body()).unwrap_or(Value::Null)
    }
}

/// What can happen to an answer on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// The connection closes without an answer; nothing was done.
    Reset,
    /// The request was carried out; then the connection closes without an answer.
    ResetAfter,
    /// The request was carried out; the answer breaks off in the middle.
    Truncate,
    /// No answer ever comes; nothing was done.
    Hang,
    /// The request was carried out; no answer ever comes.
    HangAfter,
    /// The request was carried out; the answer's body is not what its media type says.
    Garbage,
}

impl Fault {
    /// Whether the request is carried out before things go wrong.
    pub fn is_after(self) -> bool {
        !matches!(self, Self::Reset | Self::Hang)
    }
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// `path`, `query`, `header`, `cookie` or `body`.
    pub(super) place: &'static str,
    /// The parameter's name, or the JSON pointer into the body.
    pub(super) at: String,
    pub(super) message: String,
}

/// A refusal in the making.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) title: &'static str,
    pub(super) detail: String,
    pub(super) wrong: Vec<Wrong>,
    pub(super) headers: Vec<(HeaderName, String)>,
}

impl Problem {
    pub(super) fn new(status: u16, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into(), wrong: Vec::new(), headers: Vec::new() }
    }

    pub(super) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer of RFC 9457.
    pub(super) fn answer(self) -> Answer {
        let mut form =
            json!({"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail});
        if !self.wrong.is_empty() {
            form["errors"] = self
                .wrong
                .iter()
                .map(|wrong| json!({"in": wrong.place, "at": wrong.at, "message": wrong.message}))
                .collect();
        }
        let mut response = response(self.status, "application/problem+json", form.to_string());
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        let mut note = self.detail;
        for wrong in self.wrong.iter().take(3) {
            note.push_str(&format!("; {} {}: {}", wrong.place, wrong.at, wrong.message));
        }
        Answer { note, ..Answer::new(response) }
    }
}

/// An answer with a body of that type; of no type if it is empty.
pub(super) fn response(status: u16, media_type: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    let body = body.into();
    let has_body = !body.is_empty();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if has_body && let Ok(value) = HeaderValue::from_str(media_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

/// The refusal of a body beyond the limit.
pub(super) fn too_long(most: usize) -> Problem {
    Problem::new(413, "Content too large", format!("the body is longer than {most} bytes"))
}

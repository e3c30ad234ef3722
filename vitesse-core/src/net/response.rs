use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use super::body::Body;
use super::failure::rate_limited;
use super::redact::redacted;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// An answer whose headers are there and whose body is still to be read.
pub struct Response {
    /// Its status, of any kind.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Where it came from, after redirects; without what credentials added.
    pub url: Url,
    /// Its body.
    pub body: Body,
    /// How long the peer asked to be left alone.
    pub(super) wait: Option<Duration>,
    /// The token it was asked with, if that can be renewed.
    pub(super) token: Option<Secret>,
}

impl Response {
    /// The answer itself if its status is 2xx, else what the status means.
    ///
    /// # Errors
    /// [`ErrorKind::CredentialRefused`] for 401 and 403, [`ErrorKind::NotFound`] for 404 and 410,
    /// [`ErrorKind::RateLimited`] for 429 (see [`wait_of`](super::wait_of)), [`ErrorKind::Unreachable`] for
    /// 408, 425 and 5xx, [`ErrorKind::InvalidInput`] for the rest of 4xx.
    pub fn success(self) -> Result<Self> {
        match status_error(self.status, &self.url, self.wait) {
            None => Ok(self),
            Some(error) => Err(error),
        }
    }

    /// Whether the peer says that what was read before still stands (304).
    pub fn not_modified(&self) -> bool {
        self.status == StatusCode::NOT_MODIFIED
    }
}

/// An answer with its whole body.
#[derive(Clone)]
pub struct Fetched {
    /// Its status, of any kind.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Where it came from, after redirects; without what credentials added.
    pub url: Url,
    /// Its body.
    pub body: Bytes,
    pub(super) wait: Option<Duration>,
}

impl Fetched {
    /// The answer itself if its status is 2xx, else what the status means.
    ///
    /// # Errors
    /// As [`Response::success`].
    pub fn success(self) -> Result<Self> {
        match status_error(self.status, &self.url, self.wait) {
            None => Ok(self),
            Some(error) => Err(error),
        }
    }

    /// Whether the peer says that what was read before still stands (304).
    pub fn not_modified(&self) -> bool {
        self.status == StatusCode::NOT_MODIFIED
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Unreachable`], permanent, saying what the answer is instead.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let kind =
                self.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("none");
            // The parser's own message may quote the body, and with it a secret.
            Error::new(ErrorKind::Unreachable, "the answer is not the JSON that was expected")
                .permanent()
                .in_operation("net.json")
                .with("url", redacted(&self.url))
                .with("content type", kind)
                .with("at", format!("line {} column {}", error.line(), error.column()))
        })
    }
}

/// Says where from and how much, and nothing of the content: it may hold tokens.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response {{ {} from {} }}", self.status, redacted(&self.url))
    }
}

/// Says where from and how much, and nothing of the content: it may hold tokens.
impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, at, size) = (self.status, redacted(&self.url), self.body.len());
        write!(f, "Fetched {{ {status} from {at}, {size} bytes }}")
    }
}

/// What a peer gave to ask later whether something has changed. Keep it with what was read.
///
/// ```
/// use vitesse_core::net::{HeaderMap, Validators};
/// let mut headers = HeaderMap::new();
/// headers.insert("etag", "\"v7\"".parse().unwrap());
/// let validators = Validators::of(&headers);
/// assert_eq!(validators.etag.as_deref(), Some("\"v7\""));
/// assert!(!validators.is_empty() && Validators::default().is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Last-Modified`, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Validators {
    /// Those of an answer.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name| {
            headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).map(str::to_owned)
        };
        Self { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) }
    }

    /// Whether there is nothing to ask by.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

pub(super) fn status_error(status: StatusCode, url: &Url, wait: Option<Duration>) -> Option<Error> {
    let at = redacted(url);
    let error = |kind, what: &str| Error::new(kind, format!("{what}: HTTP {status}")).with("url", &at);
    let error = match status.as_u16() {
        200..=299 => return None,
        401 | 403 => error(ErrorKind::CredentialRefused, "the peer refuses the credentials, or needs some"),
        404 | 410 => error(ErrorKind::NotFound, "there is nothing at this address"),
        429 => rate_limited(at, wait),
        408 | 425 | 500 | 502..=504 => error(ErrorKind::Unreachable, "the peer can't answer now").temporary(),
        505.. | 501 => error(ErrorKind::Unreachable, "the peer can't answer this").permanent(),
        400..=499 => error(ErrorKind::InvalidInput, "the peer refuses the request"),
        _ => error(ErrorKind::Unreachable, "the peer gave no usable answer").permanent(),
    };
    Some(error.in_operation("net.status"))
}

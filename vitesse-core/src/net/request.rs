use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use url::Url;

use super::auth::Auth;
use super::client::{Client, Prepared};
use super::config::{Limits, Retry};
use super::redact::redacted;
use super::response::{Fetched, Response, Validators};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Cancel;
use crate::secret::Secret;

/// A request being put together; made by [`Client::request`]. A mistake in a part of it is the error of
/// [`send`](Self::send).
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder {
    client: Client,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Option<Bytes>,
    auth: Option<Auth>,
    limits: Limits,
    retry: Retry,
    cancel: Option<Cancel>,
    repeatable: bool,
    mistake: Option<Error>,
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(&self.url).map_or_else(|_| "no URL".into(), |url| redacted(&url));
        write!(f, "RequestBuilder {{ {} {url} }}", self.method)
    }
}

impl RequestBuilder {
    pub(super) fn new(client: Client, method: Method, url: String) -> Self {
        let config = client.config();
        Self {
            limits: config.limits,
            retry: config.retry,
            repeatable: method.is_idempotent(),
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            auth: None,
            cancel: None,
            mistake: None,
            client,
        }
    }

    /// Adds a header. It is sent to the origin of the URL only, unless it is one that says nothing about the
    /// caller (`Accept`, `Accept-Language`).
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.add(name, value, false);
        self
    }

    /// Adds a header that must not be seen: it is kept out of `Debug` and of HTTP/2's compression tables.
    pub fn secret_header(mut self, name: &str, value: &Secret) -> Self {
        self.add(name, value.expose(), true);
        self
    }

    /// Sends credentials, to the origins they are for.
    pub fn auth(mut self, auth: &Auth) -> Self {
        self.auth = Some(auth.clone());
        self
    }

    /// Sends a body.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.add(header::CONTENT_TYPE.as_str(), content_type, false);
        self.body = Some(body.into());
        self
    }

    /// Sends a value as JSON.
    pub fn json(self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body("application/json", body),
            Err(error) => self.mistaken(
                Error::new(ErrorKind::InvalidInput, "the value can't be written as JSON").source(error),
            ),
        }
    }

    /// Sends fields as a form does.
    pub fn form<'a>(self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body("application/x-www-form-urlencoded", body)
    }

    /// Sends an idempotency key: the peer carries the request out once however often it arrives, so it may
    /// be sent again.
    pub fn idempotency_key(mut self, header: &str, key: &str) -> Self {
        self.add(header, key, false);
        self.repeatable(true)
    }

    /// Says whether sending the request twice is safe. By default it is what its method promises.
    pub fn repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = repeatable;
        self
    }

    /// Asks only for what has changed since; see [`Fetched::not_modified`].
    pub fn if_changed(mut self, since: &Validators) -> Self {
        if let Some(etag) = &since.etag {
            self.add(header::IF_NONE_MATCH.as_str(), etag, false);
        }
        if let Some(date) = &since.last_modified {
            self.add(header::IF_MODIFIED_SINCE.as_str(), date, false);
        }
        self
    }

    /// Other limits than the client's. `connect` stays the client's, since connections are shared.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Another deadline than the client's: from now to the last byte of the body, with all tries.
    pub fn deadline(mut self, total: Duration) -> Self {
        self.limits.total = total;
        self
    }

    /// Other rules for trying again than the client's.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Stops the request, and the reading of its body, when `cancel` is cancelled.
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = Some(cancel.clone());
        self
    }

    /// Sends it and gives the answer, whatever its status, once its headers are there.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: a part of the request can't be sent.
    /// - [`ErrorKind::AddressRefused`]: the guard refuses the address or one it was redirected to.
    /// - [`ErrorKind::CredentialRefused`]: the credentials are for another address.
    /// - [`ErrorKind::Unreachable`]: no connection, or the answer broke off.
    /// - [`ErrorKind::RateLimited`]: the rate, or the peer's own word, leaves no room before the deadline.
    /// - [`ErrorKind::LimitExceeded`], [`ErrorKind::Timeout`], [`ErrorKind::Cancelled`].
    pub async fn send(self) -> Result<Response> {
        let (client, prepared) = self.prepare()?;
        client.run(&prepared, false).await
    }

    /// The same with the whole body. A body that breaks off is tried again where that is safe.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn fetch(self) -> Result<Fetched> {
        let (client, prepared) = self.prepare()?;
        let Response { status, headers, url, body, wait, .. } = client.run(&prepared, true).await?;
        Ok(Fetched { status, headers, url, body: body.bytes().await?, wait })
    }

    fn prepare(self) -> Result<(Client, Prepared)> {
        if let Some(mistake) = self.mistake {
            return Err(mistake.in_operation("net.request"));
        }
        let url = self.client.config().guard.check_url(&self.url)?;
        if let Some(auth) = self.auth.as_ref().filter(|auth| !auth.is_for(&url)) {
            return Err(auth.elsewhere(&url));
        }
        let prepared = Prepared {
            method: self.method,
            url,
            headers: self.headers,
            body: self.body,
            auth: self.auth,
            limits: self.limits,
            retry: self.retry,
            cancel: self.cancel,
            repeatable: self.repeatable,
        };
        Ok((self.client, prepared))
    }

    fn add(&mut self, name: &str, value: &str, secret: bool) {
        let Ok(known) = name.parse::<HeaderName>() else {
            self.note(Error::new(ErrorKind::InvalidInput, format!("{name:?} can't be a header's name")));
            return;
        };
        // These belong to the connection; set by hand they let one request pass for two.
        if matches!(
            known.as_str(),
            "host" | "content-length" | "transfer-encoding" | "connection" | "te" | "upgrade" | "trailer"
        ) {
            self.note(Error::new(
                ErrorKind::InvalidInput,
                format!("the header {known} is set by the client alone"),
            ));
            return;
        }
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(secret);
                self.headers.append(known, value);
            }
            Err(_) => self.note(
                Error::new(ErrorKind::InvalidInput, format!("the value of the header {known} can't be sent"))
                    .help("check it for line breaks and characters outside ASCII"),
            ),
        }
    }

    fn mistaken(mut self, error: Error) -> Self {
        self.note(error);
        self
    }

    /// The first mistake is the one to tell.
    fn note(&mut self, error: Error) {
        self.mistake.get_or_insert(error);
    }
}

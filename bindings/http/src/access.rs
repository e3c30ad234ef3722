//! Who may ask.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::request::Parts;
use http::{HeaderMap, header};
use vitesse_core::orchestrator::Vitesse;
use vitesse_core::secret::Secret;
use vitesse_core::{Error, ErrorKind, Result};

/// How long it is believed, in milliseconds, that there is no key yet.
const BELIEVED: u64 = 1000;

/// The gate before every operation but the probes.
#[derive(Debug)]
pub(crate) struct Access {
    /// The key that the configuration names.
    key: Option<Secret>,
    /// Since when it is known that nobody has a key; in milliseconds since the start, 0 for never.
    open: AtomicU64,
    started: Instant,
}

impl Access {
    pub(crate) fn new(key: Option<Secret>) -> Self {
        Self { key: key.filter(|key| !key.is_empty()), open: AtomicU64::new(0), started: Instant::now() }
    }

    /// Who asks, if they may.
    pub(crate) async fn allow(&self, vitesse: &Vitesse, head: &Parts) -> Result<String> {
        if let Some(given) = given(&head.headers) {
            if self.key.as_ref().is_some_and(|key| key.is(given)) {
                return Ok("system".into());
            }
            if let Some(found) = vitesse.who_has(given).await? {
                return Ok(found.name);
            }
            return Err(unauthorized("the key is wrong, or was taken back"));
        }
        if self.is_needed(vitesse).await? {
            return Err(unauthorized("the key is missing"));
        }
        // Any program of this machine may ask then, but a page in a browser is somebody else's.
        if head.headers.contains_key(header::ORIGIN) || !is_local(head) {
            return Err(unauthorized("this is not for web pages"));
        }
        Ok("system".into())
    }

    /// Whether nobody may ask without a key.
    pub(crate) async fn is_needed(&self, vitesse: &Vitesse) -> Result<bool> {
        if self.key.is_some() {
            return Ok(true);
        }
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let known = self.open.load(Ordering::Relaxed);
        if known > 0 && now.saturating_sub(known) < BELIEVED {
            return Ok(false);
        }
        let needed = vitesse.has_keys().await?;
        self.open.store(if needed { 0 } else { now }, Ordering::Relaxed);
        Ok(needed)
    }

    /// From now on a key is needed: one was made here.
    pub(crate) fn close(&self) {
        self.open.store(0, Ordering::Relaxed);
    }
}

/// How long the name of a user may be.
pub(crate) const USER_LENGTH: usize = 200;

/// For whom it is asked, if whoever has the key says so.
pub(crate) fn spoken_for(head: &Parts) -> Result<Option<String>> {
    let Some(user) = head.headers.get("x-user-id") else { return Ok(None) };
    let user =
        user.to_str().ok().map(str::trim).filter(|user| user.len() <= USER_LENGTH).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "the header X-User-ID can't be a user's name")
                .in_operation("http.access")
                .help(format!(
                    "send at most {USER_LENGTH} letters, digits and signs of ASCII, or leave it out"
                ))
        })?;
    Ok(Some(user.to_owned()).filter(|user| !user.is_empty()))
}

fn given(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = || {
        let (scheme, token) = text(header::AUTHORIZATION.as_str())?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    };
    text("x-api-key").or_else(bearer)
}

fn unauthorized(what: &'static str) -> Error {
    Error::new(ErrorKind::Unauthorized, what)
        .in_operation("http.access")
        .help("send a key in the header X-API-Key; `vitesse keys add NAME` makes one")
}

/// Whether this machine is asked by its own name: a page whose name was made to lead here says another.
fn is_local(head: &Parts) -> bool {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = head.uri.host().or(host).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default();
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

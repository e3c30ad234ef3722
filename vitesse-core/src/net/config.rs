use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::guard::Guard;
use super::rate::Rate;
use super::trace::TraceParent;
use crate::config::Config;
use crate::error::{ErrorKind, Result};

/// How a [`Client`](super::Client) behaves. `NetConfig::default()` is what suits strangers' addresses.
///
/// Proxies named in the environment (`HTTP_PROXY` and its kin) are not used: a proxy resolves names itself,
/// so what the guard checked would not be what is connected to.
#[derive(Clone, Debug)]
pub struct NetConfig {
    /// Which addresses may be reached.
    pub guard: Guard,
    /// How large and how long an answer may be.
    pub limits: Limits,
    /// When a request is sent again.
    pub retry: Retry,
    /// At most this many requests per time to one origin, for origins without a rate of their own.
    pub rate: Option<Rate>,
    /// A PEM file with certificates that are trusted beside the built-in roots.
    pub ca_file: Option<PathBuf>,
    /// How the client names itself.
    pub user_agent: String,
    /// Who is told of each request, for metrics.
    pub watch: Option<Watch>,
}

/// One request as it went: each try and each redirect is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// The answer's status, if one came.
    pub status: Option<StatusCode>,
    /// Why none came.
    pub failure: Option<ErrorKind>,
    /// From sending it to the head of the answer.
    pub took: Duration,
    /// How long it was held back before, by the rate of its origin.
    pub waited: Duration,
    /// What the peer was told of the trace that it belongs to.
    pub trace: Option<TraceParent>,
}

/// Somebody who is told of each [`Exchange`]. Called where the request is made; it must be quick.
#[derive(Clone)]
pub struct Watch {
    told: Arc<dyn Fn(&Exchange) + Send + Sync>,
    trace: Option<Arc<dyn Fn() -> Option<TraceParent> + Send + Sync>>,
}

impl Watch {
    /// Tells `listener`.
    pub fn new(listener: impl Fn(&Exchange) + Send + Sync + 'static) -> Self {
        Self { told: Arc::new(listener), trace: None }
    }

    /// The same, and each request gets a name of its own by which its peer can go on with the trace.
    #[must_use]
    pub fn tracing(self, next: impl Fn() -> Option<TraceParent> + Send + Sync + 'static) -> Self {
        Self { trace: Some(Arc::new(next)), ..self }
    }

    pub(super) fn tell(&self, exchange: &Exchange) {
        (self.told)(exchange);
    }

    pub(super) fn next_trace(&self) -> Option<TraceParent> {
        self.trace.as_ref()?()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl NetConfig {
    /// The defaults with what the environment says: `VITESSE_ALLOW` and `SSL_CERT_FILE`.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`](crate::ErrorKind::ConfigInvalid) for an entry of the list that is neither
    /// a network nor a host.
    pub fn from_config(config: &Config) -> Result<Self> {
        Ok(Self {
            guard: Guard::from_list(config.allow.iter().map(String::as_str))?,
            ca_file: config.ssl_cert_file.clone(),
            ..Self::default()
        })
    }
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            guard: Guard::default(),
            limits: Limits::default(),
            retry: Retry::default(),
            rate: None,
            ca_file: None,
            user_agent: concat!("vitesse/", env!("CARGO_PKG_VERSION")).into(),
            watch: None,
        }
    }
}

/// How large and how long an answer may be. What exceeds them is an error, never a part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the body, counted after decompression.
    pub body: u64,
    /// Bytes of the body as they come over the wire.
    pub wire: u64,
    /// Bytes of an answer's status line and headers; at least 8 KiB.
    pub head: u32,
    /// Number of headers.
    pub headers: usize,
    /// How many redirects are followed.
    pub redirects: u32,
    /// From the start of the request to the last byte of the answer, with all tries, redirects and waits.
    pub total: Duration,
    /// For one connection: looking the name up, connecting and agreeing on TLS.
    pub connect: Duration,
    /// Between two pieces of a body.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 64 << 20,
            wire: 64 << 20,
            head: 64 << 10,
            headers: 100,
            redirects: 5,
            total: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(15),
        }
    }
}

/// When a request that failed is sent again: only if repeating it is safe, only while the deadline and the
/// budget last, and after a random wait (full jitter), so that clients which failed together don't come back
/// together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// How often a request is sent at most. Waits of at least `base` that the peer asked for don't count.
    pub tries: u32,
    /// The wait before the second try is random up to this, and doubles with each further one.
    pub base: Duration,
    /// No random wait is longer.
    pub cap: Duration,
    /// A peer that asks to wait longer than this (`Retry-After`) is not waited for: its answer is returned.
    pub max_wait: Duration,
    /// Per origin: retries that may be made at once. When they are used up, failures are returned as they are.
    pub budget: u32,
    /// How much of a retry each request earns back.
    pub budget_per_request: f64,
}

impl Retry {
    /// Never sends anything twice.
    pub fn never() -> Self {
        Self { tries: 1, max_wait: Duration::ZERO, ..Self::default() }
    }

    /// The wait before try `next` (the first retry is 2), where `random` is in `0.0..1.0`.
    pub(super) fn backoff(&self, next: u32, random: f64) -> Duration {
        let doublings = next.saturating_sub(2).min(30);
        let ceiling = self.base.saturating_mul(1 << doublings).min(self.cap);
        ceiling.mul_f64(random.clamp(0.0, 1.0))
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            tries: 4,
            base: Duration::from_millis(250),
            cap: Duration::from_secs(10),
            max_wait: Duration::from_secs(60),
            budget: 10,
            budget_per_request: 0.2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_are_random_up_to_a_doubling_ceiling(next in 2u32..1000, random in 0.0f64..1.0) {
            let retry = Retry::default();
            let ceiling = retry.base.as_secs_f64() * 2f64.powi(next as i32 - 2);
            let wait = retry.backoff(next, random);
            prop_assert!(wait <= retry.cap && wait.as_secs_f64() <= ceiling * random + 1e-6);
            prop_assert!(retry.backoff(next, 0.0).is_zero(), "full jitter starts at nothing");
        }
    }

    #[test]
    fn the_environment_decides_what_is_allowed_and_trusted() {
        let config = Config::read(|name| match name {
            "VITESSE_ALLOW" => Some("10.0.0.0/8, crm.internal".into()),
            "SSL_CERT_FILE" => Some("/etc/ssl/own.pem".into()),
            _ => None,
        })
        .unwrap();
        let net = NetConfig::from_config(&config).unwrap();
        assert_eq!(net.guard.allow.len(), 2);
        assert_eq!(net.ca_file, Some("/etc/ssl/own.pem".into()));

        let config = Config::read(|name| (name == "VITESSE_ALLOW").then(|| "10.0.0.1/8".into())).unwrap();
        assert_eq!(NetConfig::from_config(&config).unwrap_err().kind(), ErrorKind::ConfigInvalid);
    }
}

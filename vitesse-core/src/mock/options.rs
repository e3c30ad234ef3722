use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::script::{Latency, Script, duration};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::spec::{ApiSpec, TimeWindow};

/// How a mock behaves.
///
/// ```
/// use vitesse_core::mock::MockOptions;
/// let options = MockOptions { stateful: true, records: 1_000, ..MockOptions::default() };
/// assert_eq!(options.seed, 0);
/// ```
#[derive(Clone, Debug)]
pub struct MockOptions {
    /// The same seed gives the same answers.
    pub seed: u64,
    /// Keeps what is created, changed and deleted.
    pub stateful: bool,
    /// How many generated records each list starts with.
    pub records: usize,
    /// Refuses requests that break the description.
    pub validate: bool,
    /// Who may call.
    pub auth: AuthPolicy,
    /// How long an issued OAuth token lasts.
    pub token_lifetime: Duration,
    /// How much may be asked; more is answered with 429.
    pub rate_limit: Option<RateRule>,
    /// How long each answer takes.
    pub latency: Option<Latency>,
    /// What goes wrong, and when.
    pub script: Script,
    /// What a repeated idempotency key does.
    pub idempotency: Idempotency,
    /// The most records that are kept over all lists; one more is answered with 507.
    pub max_records: usize,
    /// The longest request body in bytes; a longer one is answered with 413.
    pub max_body: usize,
    /// What the time is.
    pub clock: Clock,
}

impl Default for MockOptions {
    /// Stateless, 25 records a list, every rule of the description kept, no limit, nothing goes wrong.
    fn default() -> Self {
        Self {
            seed: 0,
            stateful: false,
            records: 25,
            validate: true,
            auth: AuthPolicy::Any,
            token_lifetime: Duration::from_secs(3600),
            rate_limit: None,
            latency: None,
            script: Script::default(),
            idempotency: Idempotency::AsDescribed,
            max_records: 200_000,
            max_body: 10 << 20,
            clock: Clock::default(),
        }
    }
}

/// Who may call the endpoints that the description protects.
#[derive(Clone, Debug, Default)]
pub enum AuthPolicy {
    /// Everybody; credentials aren't looked at.
    Off,
    /// Whoever sends credentials of the form the description asks for.
    #[default]
    Any,
    /// Whoever sends one of these: a key, a token, or `user:password`. OAuth clients are `id:secret`. Tokens that
    /// the mock issued itself are taken too; any other is answered with 403.
    Only(Vec<Secret>),
}

/// So many requests in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateRule {
    /// How many.
    pub requests: u64,
    /// In how long.
    pub per: Duration,
}

impl RateRule {
    /// What the description says, where it says a number.
    pub fn of(spec: &ApiSpec) -> Option<Self> {
        spec.rate_limits.iter().filter(|limit| limit.endpoint.is_none()).find_map(|limit| {
            let per = match limit.per? {
                TimeWindow::Second => 1,
                TimeWindow::Minute => 60,
                TimeWindow::Hour => 3600,
                TimeWindow::Day => 86_400,
            };
            Some(Self { requests: limit.requests?, per: Duration::from_secs(per) })
        })
    }
}

/// Reads `10/1s` or `600/1m`.
///
/// ```
/// use std::time::Duration;
/// use vitesse_core::mock::RateRule;
/// assert_eq!("600/1m".parse::<RateRule>()?, RateRule { requests: 600, per: Duration::from_secs(60) });
/// assert!("600".parse::<RateRule>().is_err());
/// # Ok::<(), vitesse_core::Error>(())
/// ```
impl std::str::FromStr for RateRule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorKind::InvalidInput, format!("{text:?} is no rate limit"))
                .help("write it as 10/1s or 600/1m")
        };
        let (requests, per) = text.split_once('/').ok_or_else(wrong)?;
        let (requests, per) = (requests.trim().parse().map_err(|_| wrong())?, duration(per)?);
        if per.is_zero() { Err(wrong()) } else { Ok(Self { requests, per }) }
    }
}

/// What a mock does with idempotency keys. It matters in the stateful mode only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Idempotency {
    /// Honours them where the description has a header for them.
    #[default]
    AsDescribed,
    /// Honours `Idempotency-Key` everywhere.
    Honoured,
    /// Makes a second record, as an API without them does.
    Ignored,
}

/// Where the mock takes the time from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock of one's own, for tests that don't wait.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl Default for Clock {
    /// The machine's.
    fn default() -> Self {
        Self::new(Timestamp::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

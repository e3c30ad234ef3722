//! Rate limits: a fixed window over all requests, told in the headers the description names.

use std::sync::{Mutex, PoisonError};

use http::{HeaderName, HeaderValue, Response, header};
use jiff::{SignedDuration, Timestamp};

use super::answer::Problem;
use super::options::RateRule;
use crate::spec::ApiSpec;

#[derive(Debug)]
pub(super) struct Limiter {
    rule: RateRule,
    /// When the window began, and how many came since.
    window: Mutex<Option<(Timestamp, u64)>>,
    headers: Vec<(HeaderName, Tells)>,
}

#[derive(Clone, Copy, Debug)]
enum Tells {
    Limit,
    Remaining,
    /// Seconds until the window ends.
    ResetIn,
    /// When it ends, in seconds since 1970.
    ResetAt,
}

/// Where a request stands in its window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    remaining: u64,
    /// In whole seconds, at least one.
    reset_in: i64,
    reset_at: i64,
    pub(super) over: bool,
}

impl Limiter {
    pub(super) fn new(spec: &ApiSpec, rule: RateRule) -> Self {
        let named = spec.rate_limits.iter().flat_map(|limit| &limit.headers);
        let mut headers: Vec<_> = named
            .filter_map(|name| {
                let lower = name.to_ascii_lowercase();
                let tells = match () {
                    () if lower == "retry-after" => return None,
                    () if lower.contains("remaining") => Tells::Remaining,
                    () if lower.contains("reset") && lower.starts_with("x-") && !lower.contains("after") => {
                        Tells::ResetAt
                    }
                    () if lower.contains("reset") => Tells::ResetIn,
                    () => Tells::Limit,
                };
                Some((HeaderName::try_from(&*lower).ok()?, tells))
            })
            .collect();
        if headers.is_empty() {
            headers = vec![
                (HeaderName::from_static("x-ratelimit-limit"), Tells::Limit),
                (HeaderName::from_static("x-ratelimit-remaining"), Tells::Remaining),
                (HeaderName::from_static("x-ratelimit-reset"), Tells::ResetAt),
            ];
        }
        Self { rule, window: Mutex::default(), headers }
    }

    /// Counts a request.
    pub(super) fn count(&self, now: Timestamp) -> Standing {
        let per = SignedDuration::try_from(self.rule.per).unwrap_or(SignedDuration::MAX);
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, count) = match *window {
            Some((began, count)) if now.duration_since(began) < per && now >= began => (began, count),
            _ => (now, 0),
        };
        let count = count.saturating_add(1);
        *window = Some((began, count));
        let ends = began.saturating_add(per).unwrap_or(Timestamp::MAX);
        let left = ends.duration_since(now).as_millis();
        Standing {
            remaining: self.rule.requests.saturating_sub(count),
            reset_in: i64::try_from(left.max(1).saturating_add(999) / 1000).unwrap_or(i64::MAX),
            reset_at: ends.as_second() + i64::from(ends.subsec_nanosecond() > 0),
            over: count > self.rule.requests,
        }
    }

    pub(super) fn tell(&self, standing: Standing, response: &mut Response<bytes::Bytes>) {
        for (name, tells) in &self.headers {
            let number = match tells {
                Tells::Limit => i64::try_from(self.rule.requests).unwrap_or(i64::MAX),
                Tells::Remaining => i64::try_from(standing.remaining).unwrap_or(i64::MAX),
                Tells::ResetIn => standing.reset_in,
                Tells::ResetAt => standing.reset_at,
            };
            response.headers_mut().insert(name.clone(), HeaderValue::from(number));
        }
    }

    pub(super) fn refusal(&self, standing: Standing) -> Problem {
        let detail = format!(
            "more than {} requests in {:?}; wait {} s",
            self.rule.requests, self.rule.per, standing.reset_in
        );
        Problem::new(429, "Too many requests", detail)
            .header(header::RETRY_AFTER, standing.reset_in.to_string())
    }
}

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, StatusCode, header};

/// What an answer says about when the next request may come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hints {
    /// `Retry-After`, where the status makes it an order and not an estimate.
    pub(super) wait: Option<Duration>,
    /// The tightest quota among the rate-limit headers.
    pub(super) quota: Option<Quota>,
}

/// How many requests are left until a window ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    pub(super) remaining: u64,
    pub(super) reset: Duration,
}

/// No header is believed to ask for more than a day: beyond that it is a mistake or malice.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Hints {
    /// Reads an answer's headers. `local` is this machine's clock, used only if the answer has no `Date`:
    /// the peer's times are then compared with the peer's own clock, however wrong either is.
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, local: SystemTime) -> Self {
        let now = text(headers, header::DATE.as_str())
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .unwrap_or(local);
        let quota = quota(headers, now);
        let wait = match status {
            StatusCode::TOO_MANY_REQUESTS => retry_after(headers, now)
                .or_else(|| quota.filter(|quota| quota.remaining == 0).map(|quota| quota.reset)),
            StatusCode::SERVICE_UNAVAILABLE => retry_after(headers, now),
            _ => None,
        };
        Self { wait, quota }
    }
}

/// `Retry-After`, as seconds or as a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER.as_str())?;
    match seconds(value) {
        Some(wait) => Some(wait),
        None => Some(until(httpdate::parse_http_date(value).ok()?, now)),
    }
}

/// The tightest of what the rate-limit headers say: the IETF drafts old and new, and their `X-` forerunners.
fn quota(headers: &HeaderMap, now: SystemTime) -> Option<Quota> {
    let structured = headers
        .get_all("ratelimit")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| limits_of(value, now));
    let families = ["ratelimit", "x-ratelimit", "x-rate-limit"].into_iter().filter_map(|family| {
        let remaining = text(headers, &format!("{family}-remaining"))?;
        let reset = text(headers, &format!("{family}-reset-after"))
            .or_else(|| text(headers, &format!("{family}-reset")))?;
        Some(Quota { remaining: count(remaining)?, reset: moment(reset, now)? })
    });
    structured.chain(families).min_by_key(|quota| (quota.remaining, std::cmp::Reverse(quota.reset)))
}

/// `"burst";r=5;t=1, "daily";r=900;t=3600`, or the older `limit=100, remaining=5, reset=1`.
fn limits_of(value: &str, now: SystemTime) -> Vec<Quota> {
    let (mut remaining, mut reset) = (None, None);
    let mut quotas = Vec::new();
    for item in split(value, b',') {
        let (mut r, mut t) = (None, None);
        for part in split(item, b';') {
            let Some((name, value)) = part.split_once('=') else { continue };
            match name.trim().to_ascii_lowercase().as_str() {
                "r" => r = count(value),
                "t" => t = moment(value, now),
                "remaining" => remaining = count(value),
                "reset" => reset = moment(value, now),
                _ => {}
            }
        }
        quotas.extend(r.zip(t));
    }
    quotas.extend(remaining.zip(reset));
    quotas.into_iter().map(|(remaining, reset)| Quota { remaining, reset }).collect()
}

/// Splits at `separator` outside of quoted strings.
fn split(value: &str, separator: u8) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (index, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                parts.extend(value.get(start..index));
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.extend(value.get(start..));
    parts
}

/// A reset as the different APIs write it: seconds from now, seconds or milliseconds since 1970, or a date.
fn moment(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim().trim_matches('"');
    if let Ok(date) = httpdate::parse_http_date(value) {
        return Some(until(date, now));
    }
    let number = seconds(value)?;
    match value.parse::<f64>().ok()? {
        // No window is thirty years long, and no clock is in 1970.
        n if n >= 1e12 => {
            Some(until(UNIX_EPOCH.checked_add(Duration::from_secs_f64(n.min(1e16) / 1e3))?, now))
        }
        n if n >= 1e9 => Some(until(UNIX_EPOCH.checked_add(Duration::from_secs_f64(n))?, now)),
        _ => Some(number),
    }
}

/// Digits with an optional fraction, at most [`LONGEST`]. Signs, exponents and words are not numbers here.
fn seconds(value: &str) -> Option<Duration> {
    let value = value.trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    Some(Duration::from_secs_f64(value.parse::<f64>().ok()?.min(LONGEST.as_secs_f64())))
}

fn count(value: &str) -> Option<u64> {
    // Some APIs list several windows in one header; the first is the shortest.
    let value = value.split(',').next()?.trim().trim_matches('"');
    value.parse().ok().or_else(|| value.starts_with('-').then_some(0))
}

fn until(moment: SystemTime, now: SystemTime) -> Duration {
    moment.duration_since(now).unwrap_or_default().min(LONGEST)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    const NOW: u64 = 1_700_000_000;

    fn read(status: u16, headers: &[(&str, &str)]) -> Hints {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
            })
            .collect();
        let now = UNIX_EPOCH + Duration::from_secs(NOW);
        Hints::read(StatusCode::from_u16(status).unwrap(), &headers, now)
    }

    #[track_caller]
    fn check_wait(headers: &[(&str, &str)], expect: Option<f64>) {
        assert_eq!(read(429, headers).wait.map(|wait| wait.as_secs_f64()), expect, "{headers:?}");
    }

    #[track_caller]
    fn check_quota(headers: &[(&str, &str)], expect: Option<(u64, f64)>) {
        let quota = read(200, headers).quota.map(|quota| (quota.remaining, quota.reset.as_secs_f64()));
        assert_eq!(quota, expect, "{headers:?}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        check_wait(&[("retry-after", "120")], Some(120.0));
        check_wait(&[("retry-after", " 0.5 ")], Some(0.5));
        check_wait(&[("retry-after", "Tue, 14 Nov 2023 22:13:50 GMT")], Some(30.0));
        check_wait(&[("retry-after", "Tue, 14 Nov 2023 22:13:00 GMT")], Some(0.0));
        // The peer's clock is an hour ahead: its dates are taken against its own.
        check_wait(
            &[("retry-after", "Tue, 14 Nov 2023 23:13:50 GMT"), ("date", "Tue, 14 Nov 2023 23:13:20 GMT")],
            Some(30.0),
        );
        check_wait(&[("retry-after", "999999999999999999999999")], Some(86400.0));
        for wrong in ["", "soon", "-1", "+5", "1e3", "NaN", "inf", "1.", ".5", "0x10"] {
            check_wait(&[("retry-after", wrong)], None);
        }
        assert_eq!(read(503, &[("retry-after", "3")]).wait, Some(Duration::from_secs(3)));
        assert_eq!(read(200, &[("retry-after", "3")]).wait, None);
        assert_eq!(
            read(429, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "9")]).wait,
            Some(Duration::from_secs(9)),
            "the reset stands in for a missing Retry-After"
        );
    }

    #[test]
    fn every_dialect_of_rate_limit_headers_is_read() {
        check_quota(&[("ratelimit", "\"default\";r=50;t=30")], Some((50, 30.0)));
        check_quota(&[("ratelimit", "\"a,b;r=1\";r=50;t=30, \"daily\";r=7;t=3600")], Some((7, 3600.0)));
        check_quota(&[("ratelimit", "limit=100, remaining=5, reset=9")], Some((5, 9.0)));
        check_quota(
            &[("ratelimit-limit", "100"), ("ratelimit-remaining", "4"), ("ratelimit-reset", "8")],
            Some((4, 8.0)),
        );
        check_quota(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000060")], Some((0, 60.0)));
        check_quota(
            &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000060000")],
            Some((0, 60.0)),
        );
        check_quota(&[("x-rate-limit-remaining", "3"), ("x-rate-limit-reset", "1.5")], Some((3, 1.5)));
        check_quota(
            &[
                ("x-ratelimit-remaining", "1"),
                ("x-ratelimit-reset", "1700000060"),
                ("x-ratelimit-reset-after", "0.25"),
            ],
            Some((1, 0.25)),
        );
        check_quota(
            &[("x-ratelimit-remaining", "9"), ("x-ratelimit-reset", "Tue, 14 Nov 2023 22:14:20 GMT")],
            Some((9, 60.0)),
        );
        check_quota(&[("x-ratelimit-remaining", "9")], None);
        check_quota(&[("x-ratelimit-remaining", "-1"), ("x-ratelimit-reset", "5")], Some((0, 5.0)));
        check_quota(&[("x-ratelimit-remaining", "many"), ("x-ratelimit-reset", "5")], None);
    }

    proptest! {
        #[test]
        fn no_header_panics_or_asks_for_more_than_a_day(
            names in prop::collection::vec(prop::sample::select(vec![
                "retry-after", "ratelimit", "ratelimit-remaining", "ratelimit-reset", "x-ratelimit-remaining",
                "x-ratelimit-reset", "x-ratelimit-reset-after", "x-rate-limit-reset", "date",
            ]), 0..6),
            values in prop::collection::vec(prop_oneof![
                "[ -~]{0,40}", "[0-9]{1,40}(\\.[0-9]{0,20})?", "\"[a-z,;\"\\\\]{0,9};r=[0-9]{0,30};t=[0-9.]{0,30}",
                "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
            ], 6),
            status in prop::sample::select(vec![200u16, 429, 503]),
        ) {
            let pairs: Vec<_> = names.iter().copied().zip(values.iter().map(String::as_str)).collect();
            let hints = read(status, &pairs);
            prop_assert!(hints.wait.unwrap_or_default() <= LONGEST);
            prop_assert!(hints.quota.map(|quota| quota.reset).unwrap_or_default() <= LONGEST);
        }
    }
}

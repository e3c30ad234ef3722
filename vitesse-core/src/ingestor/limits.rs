//! Rate limits that vendor extensions tell: `x-ratelimit`, `x-throttling`, `x-kong-plugin-rate-limiting` and others.

use super::derive::said;
use super::tree::Val;
use crate::spec::TimeWindow;

/// Whether an extension of that name tells of a limit.
pub(super) fn is_limit(name: &str) -> bool {
    if !name.starts_with(['x', 'X']) {
        return false;
    }
    let name = name.to_ascii_lowercase().replace(['-', '_'], "");
    ["ratelimit", "throttl", "requestlimit"].iter().any(|word| name.contains(word))
}

/// The limits that an extension's value tells, each with its number and, when known, its time.
pub(super) fn told(value: Val<'_>) -> Vec<(u64, Option<TimeWindow>)> {
    let mut found = Vec::new();
    let mut open = vec![value];
    // Extensions nest what they please; a few objects hold what they mean.
    for _ in 0..32 {
        let Some(at) = open.pop() else { break };
        if let Some(number) = at.as_number().and_then(|text| text.parse().ok()) {
            found.push((number, None));
        } else if let Some(text) = at.as_str() {
            let plain = text.trim().parse().ok().map(|number| (number, None));
            found.extend(
                plain.or_else(|| said(&text).or_else(|| short(&text)).map(|(n, per)| (n, Some(per)))),
            );
        } else if at.is_list() {
            open.extend(at.items().take(8));
        } else {
            object(at, &mut found, &mut open);
        }
    }
    found
}

fn object<'t>(at: Val<'t>, found: &mut Vec<(u64, Option<TimeWindow>)>, open: &mut Vec<Val<'t>>) {
    let (mut number, mut per) = (None, None);
    for (name, value) in at.members().take(32) {
        let plain = name.to_ascii_lowercase().replace(['-', '_'], "");
        let amount = value.scalar().and_then(|text| text.parse::<u64>().ok());
        match (plain.as_str(), amount) {
            // `{minute: 5, hour: 100}` and `{requestsPerMinute: 5}` name the time with the number.
            (name, Some(amount))
                if window(name.trim_start_matches("requestsper").trim_start_matches("per")).is_some() =>
            {
                found
                    .push((amount, window(name.trim_start_matches("requestsper").trim_start_matches("per"))));
            }
            (
                "limit" | "requests" | "rate" | "ratelimit" | "max" | "maxrequests" | "count" | "calls"
                | "quota",
                Some(amount),
            ) => {
                number = Some(amount);
            }
            (
                "period" | "per" | "interval" | "window" | "unit" | "timeunit" | "renewalperiod" | "duration"
                | "timewindow",
                _,
            ) => {
                per = match amount {
                    // A plain number is of seconds.
                    Some(1) => Some(TimeWindow::Second),
                    Some(60) => Some(TimeWindow::Minute),
                    Some(3600) => Some(TimeWindow::Hour),
                    Some(86_400) => Some(TimeWindow::Day),
                    _ => value
                        .as_str()
                        .and_then(|text| window(text.trim_start_matches(|c: char| !c.is_alphabetic()))),
                };
            }
            _ if value.is_object() || value.is_list() => open.push(value),
            ("limit" | "rate" | "ratelimit" | "requests", None) if value.as_str().is_some() => {
                open.push(value)
            }
            _ => {}
        }
    }
    found.extend(number.map(|number| (number, per)));
}

/// `100/min`, `5r/s`.
fn short(text: &str) -> Option<(u64, TimeWindow)> {
    let (number, per) = text.split_once('/')?;
    let digits: String = number.trim().chars().take_while(char::is_ascii_digit).collect();
    Some((digits.parse().ok()?, window(per)?))
}

fn window(word: &str) -> Option<TimeWindow> {
    Some(match word.trim().to_ascii_lowercase().trim_end_matches('s') {
        "second" | "sec" | "" if !word.trim().is_empty() => TimeWindow::Second,
        "minute" | "min" | "m" => TimeWindow::Minute,
        "hour" | "hr" | "h" => TimeWindow::Hour,
        "day" | "d" => TimeWindow::Day,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingestor::json;

    #[test]
    fn extensions_are_read_however_they_say_it() {
        let check = |text: &str, expected: &[(u64, Option<TimeWindow>)]| {
            assert_eq!(told(json::parse(text).unwrap().root()), expected, "{text}");
        };
        check("100", &[(100, None)]);
        check(r#""600 requests per minute""#, &[(600, Some(TimeWindow::Minute))]);
        check(r#""5r/s""#, &[(5, Some(TimeWindow::Second))]);
        check(r#"{"limit": 10, "period": "hour"}"#, &[(10, Some(TimeWindow::Hour))]);
        check(r#"{"calls": 300, "renewal-period": 60}"#, &[(300, Some(TimeWindow::Minute))]);
        check(r#"{"config": {"minute": 5}}"#, &[(5, Some(TimeWindow::Minute))]);
        check(r#"[{"requests_per_day": 9}]"#, &[(9, Some(TimeWindow::Day))]);
        check(r#"{"enabled": true}"#, &[]);
        assert!(
            is_limit("x-rate-limit")
                && is_limit("x-kong-plugin-rate-limiting")
                && is_limit("X-Throttling-Tier")
        );
        assert!(!is_limit("x-limit-of-words") && !is_limit("ratelimit"));
    }
}

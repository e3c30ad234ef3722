//! Rate limits: headers, answers of status 429, and words.

use std::collections::BTreeSet;

use crate::spec::{ApiSpec, Evidence, RateLimit, RateLimitSource, TimeWindow};

pub(super) fn derive(spec: &mut ApiSpec) {
    let mut headers: BTreeSet<Box<str>> = BTreeSet::new();
    let mut with_headers = None;
    let mut with_status = None;
    for endpoint in &spec.endpoints {
        for answer in &endpoint.responses {
            for header in &answer.response.headers {
                let name = header.name.to_ascii_lowercase();
                if name.contains("ratelimit") || name.contains("rate-limit") || name == "retry-after" {
                    headers.insert(header.name.clone());
                    with_headers
                        .get_or_insert_with(|| format!("{}/responses/{}", endpoint.pointer(), answer.status));
                }
            }
            if &*answer.status == "429" {
                with_status.get_or_insert_with(|| {
                    let text = answer.response.description.as_deref().unwrap_or_default();
                    (format!("{}/responses/429", endpoint.pointer()), said(text))
                });
            }
        }
    }
    let mut limits = Vec::new();
    let mut add = |source, headers: Vec<Box<str>>, numbers: Option<(u64, TimeWindow)>, evidence| {
        let (requests, per) = numbers.unzip();
        limits.push(RateLimit { endpoint: None, requests, per, headers, source, evidence });
    };
    if let Some(pointer) = with_headers {
        let evidence = Evidence::new(pointer, 0.95, "headers of an answer");
        add(RateLimitSource::Headers, headers.into_iter().collect(), None, evidence);
    }
    if let Some((pointer, numbers)) = with_status {
        let evidence = Evidence::new(pointer, 0.8, "an answer of status 429");
        add(RateLimitSource::Status, Vec::new(), numbers, evidence);
    }
    if let Some(numbers) = spec.description.as_deref().and_then(said) {
        add(
            RateLimitSource::Text,
            Vec::new(),
            Some(numbers),
            Evidence::new("#/info/description", 0.6, "words of the description"),
        );
    }
    spec.rate_limits.retain(|limit| limit.source == RateLimitSource::Extension);
    spec.rate_limits.extend(limits);
}

/// The limit that a text tells: `600 requests per minute`, `10 calls/second`.
pub(crate) fn said(text: &str) -> Option<(u64, TimeWindow)> {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || matches!(c, '/' | '(' | ')' | '*' | '`' | '_'))
        .filter(|word| !word.is_empty())
        .collect();
    for (at, word) in words.iter().enumerate() {
        if !["request", "requests", "call", "calls", "queries", "req"]
            .contains(&word.trim_matches(|c: char| !c.is_alphanumeric()))
        {
            continue;
        }
        let number = words[at.saturating_sub(3)..at]
            .iter()
            .rev()
            .find_map(|word| word.replace(',', "").parse::<u64>().ok());
        let window = words[at + 1..].iter().take(4).find_map(|word| {
            match word.trim_matches(|c: char| !c.is_alphanumeric()) {
                "second" | "sec" | "s" => Some(TimeWindow::Second),
                "minute" | "min" => Some(TimeWindow::Minute),
                "hour" => Some(TimeWindow::Hour),
                "day" => Some(TimeWindow::Day),
                _ => None,
            }
        });
        if let (Some(number), Some(window)) = (number, window) {
            return Some((number, window));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_from_words() {
        assert_eq!(said("You may make up to 1,200 requests per minute."), Some((1200, TimeWindow::Minute)));
        assert_eq!(said("limited to **10 API calls/second**"), Some((10, TimeWindow::Second)));
        assert_eq!(said("Requests are free. 5 people asked."), None);
    }
}

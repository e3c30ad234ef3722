//! Which of the described answers a caller gets: by status, then by media type.

use http::HeaderMap;

use super::body::essence;
use crate::spec::{Endpoint, Media, StatusResponse};

/// What a caller asks of a mock with `Prefer: code=404, dynamic=true` (RFC 7240).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// The answer of this status.
    pub(super) code: Option<String>,
    /// Generated, even where the description has an example.
    pub(super) dynamic: bool,
}

impl Wishes {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut wishes = Self::default();
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        for (name, value) in
            values.flat_map(|value| value.split([',', ';'])).filter_map(|wish| wish.split_once('='))
        {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "code" => wishes.code = Some(value.to_owned()),
                "dynamic" => wishes.dynamic = value.eq_ignore_ascii_case("true"),
                _ => {}
            }
        }
        wishes
    }
}

/// The described answer for a status: its own, its class's, or the default.
pub(super) fn of_status<'e>(endpoint: &'e Endpoint, code: &str) -> Option<&'e StatusResponse> {
    let class = format!("{}XX", code.chars().next().unwrap_or_default());
    let named = |wanted: &str| {
        endpoint.responses.iter().find(|response| response.status.eq_ignore_ascii_case(wanted))
    };
    named(code).or_else(|| named(&class)).or_else(|| named("default"))
}

/// The number an answer is sent with.
pub(super) fn status(response: &StatusResponse) -> u16 {
    match response.status.parse::<u16>() {
        Ok(code) if (200..=599).contains(&code) => code,
        _ => match response.status.bytes().next() {
            Some(class @ b'3'..=b'5') if response.status.len() == 3 => u16::from(class - b'0') * 100,
            _ => 200,
        },
    }
}

/// The form of body that `Accept` likes best; `Err` with what there is if it likes none.
pub(super) fn media<'m>(content: &'m [Media], headers: &HeaderMap) -> Result<Option<&'m Media>, String> {
    if content.is_empty() {
        return Ok(None);
    }
    let accept = headers
        .get_all("accept")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(",");
    if accept.trim().is_empty() {
        return Ok(Media::preferred(content));
    }
    let mut ranges: Vec<(f32, usize, String)> = accept
        .split(',')
        .enumerate()
        .map(|(order, range)| {
            let quality =
                range.split(';').skip(1).find_map(|part| part.trim().strip_prefix("q=")?.trim().parse().ok());
            (quality.unwrap_or(1.0), order, essence(range))
        })
        .filter(|(quality, _, range)| *quality > 0.0 && !range.is_empty())
        .collect();
    ranges.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, _, range) in &ranges {
        if range == "*/*" {
            return Ok(Media::preferred(content));
        }
        let exact = content.iter().find(|media| essence(&media.media_type) == *range);
        let fits = |media: &&Media| {
            let own = essence(&media.media_type);
            let kind = range.strip_suffix('*');
            // A description may itself leave the type open.
            kind.is_some_and(|kind| own.starts_with(kind))
                || own == "*/*"
                || own.strip_suffix('*').is_some_and(|own| range.starts_with(own))
        };
        if let Some(found) = exact.or_else(|| content.iter().find(fits)) {
            return Ok(Some(found));
        }
    }
    Err(content.iter().map(|media| &*media.media_type).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_chooses_status_and_form() {
        let mut headers = HeaderMap::new();
        headers.insert("prefer", "code=404; dynamic=true, respond-async".parse().unwrap());
        assert_eq!(Wishes::of(&headers), Wishes { code: Some("404".into()), dynamic: true });
        let content: Vec<_> = ["application/xml", "application/json", "text/*"]
            .map(|kind| Media { media_type: kind.into(), ..Media::default() })
            .into();
        for (accept, wanted) in [
            ("application/xml", Ok("application/xml")),
            ("application/*;q=0.5, text/csv", Ok("text/*")),
            ("text/html;q=0, application/JSON; charset=utf-8", Ok("application/json")),
            ("image/png", Err(())),
            ("image/png, */*;q=0.1", Ok("application/xml")),
        ] {
            headers.insert("accept", accept.parse().unwrap());
            let found = media(&content, &headers).map(|media| &*media.unwrap().media_type).map_err(|_| ());
            assert_eq!(found, wanted, "{accept}");
        }
    }
}

//! Described answers as they are.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use serde_json::Value;

use super::Mock;
use crate::mock::answer::{Answer, Problem, response};
use crate::mock::dress;
use crate::mock::negotiate::{self, Wishes};
use crate::mock::random::mix_text;
use crate::mock::state::text;
use crate::spec::{Endpoint, EndpointRole, Media, StatusResponse};

impl Mock {
    /// A described answer as it is: its example, or a generated one.
    pub(super) fn example(
        &self,
        described: &StatusResponse,
        request: &Request<Bytes>,
        wishes: &Wishes,
        seed: u64,
    ) -> Result<Answer, Problem> {
        let status = negotiate::status(described);
        let media = negotiate::media(&described.response.content, request.headers());
        let media = match media {
            // An error is told in the form there is, asked for or not.
            Err(_) if status >= 400 => Media::preferred(&described.response.content),
            other => other.map_err(not_acceptable)?,
        };
        let answer = match media.filter(|_| !matches!(status, 204 | 304)) {
            None => Answer::new(response(status, "", Bytes::new())),
            Some(media) => {
                let body = dress::body(&self.samples, media, wishes.dynamic, seed);
                Answer::new(response(status, &content_type(media), body))
            }
        };
        Ok(self.with_headers(answer, described, seed))
    }

    /// Adds the headers that the description tells of.
    pub(super) fn with_headers(&self, mut answer: Answer, described: &StatusResponse, seed: u64) -> Answer {
        for parameter in &described.response.headers {
            let lower = parameter.name.to_ascii_lowercase();
            // What others set, or what would say something that isn't so.
            let others = [
                "content-type",
                "content-length",
                "link",
                "location",
                "set-cookie",
                "transfer-encoding",
                "connection",
                "date",
            ];
            if others.contains(&lower.as_str()) || lower.contains("ratelimit") || lower.contains("rate-limit")
            {
                continue;
            }
            let value = match (&parameter.example, parameter.schema) {
                _ if lower == "retry-after" => Value::from(1),
                (Some(example), _) => example.value(),
                (None, Some(schema)) => self.samples.sample(schema, mix_text(seed, &lower)),
                (None, None) => continue,
            };
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(&*lower), HeaderValue::try_from(text(&value)))
            {
                answer.response.headers_mut().entry(name).or_insert(value);
            }
        }
        answer
    }
}

/// The answer of a success, by what the endpoint does: of several, the one that says so best.
pub(super) fn success(endpoint: &Endpoint) -> Option<&StatusResponse> {
    let wanted = match endpoint.role {
        Some(EndpointRole::Create) => "201",
        Some(EndpointRole::Delete) => "204",
        _ => "200",
    };
    let exact = endpoint.responses.iter().find(|response| &*response.status == wanted);
    exact.or_else(|| endpoint.success()).or_else(|| endpoint.responses.first())
}

pub(super) fn content_type(media: &Media) -> String {
    match &*media.media_type {
        "*/*" | "application/*" => "application/json".into(),
        "text/*" => "text/plain".into(),
        kind => kind.into(),
    }
}

pub(super) fn not_acceptable(there_is: String) -> Problem {
    Problem::new(406, "Not acceptable", format!("the Accept header takes none of what there is: {there_is}"))
}

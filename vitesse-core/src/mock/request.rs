//! A request is held against its endpoint's description.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::{Problem, Wrong};
use super::body;
use super::judge::Judge;
use super::parameter::{Carried, read};
use crate::spec::{Endpoint, Location};

/// What was read out of a request that may go on.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// The values in the query, with their types.
    pub(super) query: BTreeMap<String, Value>,
    pub(super) body: Option<Value>,
}

/// Reads and judges all that the endpoint describes. `strict` refuses what is wrong; otherwise it is let through.
pub(super) fn take(
    judge: &Judge,
    endpoint: &Endpoint,
    carried: &Carried<'_>,
    bytes: &[u8],
    strict: bool,
) -> Result<Taken, Problem> {
    let mut taken = Taken::default();
    let mut wrong = Vec::new();
    for parameter in &endpoint.parameters {
        // These three are what the rest of the description is about (OpenAPI says to ignore them here).
        let elsewhere = ["accept", "content-type", "authorization"];
        if parameter.location == Location::Header
            && elsewhere.iter().any(|name| parameter.name.eq_ignore_ascii_case(name))
        {
            continue;
        }
        let place = place(parameter.location);
        let mut add = |message: String| wrong.push(Wrong { place, at: parameter.name.to_string(), message });
        match read(judge, parameter, carried) {
            Err(message) => add(message),
            Ok(None) if parameter.required => add("is missing".into()),
            Ok(None) => {}
            Ok(Some(value)) => {
                if let Some(schema) = parameter.schema {
                    wrong.extend(judge.wrong(schema, &value, place, &parameter.name));
                }
                if parameter.location == Location::Query {
                    taken.query.insert(parameter.name.to_string(), value);
                }
            }
        }
    }
    if let Some(described) = &endpoint.request {
        match body::read(judge, described, carried.header("content-type"), bytes, &mut wrong) {
            Ok(body) => taken.body = body,
            Err(problem) if strict => return Err(problem),
            Err(_) => {}
        }
    }
    if taken.body.is_none() && !bytes.is_empty() {
        taken.body = serde_json::from_slice(bytes).ok();
    }
    if strict && !wrong.is_empty() {
        let names = |status: &str| endpoint.responses.iter().any(|response| &*response.status == status);
        // The status the API itself would answer with, where it says so.
        let status = if !names("422") && names("400") { 400 } else { 422 };
        let count = wrong.len();
        let detail = match wrong.first() {
            Some(first) if count == 1 => sentence(first),
            Some(first) => format!("{}, and {} more", sentence(first), count - 1),
            None => String::new(),
        };
        return Err(Problem { wrong, ..Problem::new(status, "Invalid request", detail) });
    }
    Ok(taken)
}

fn sentence(wrong: &Wrong) -> String {
    match (wrong.place, wrong.at.as_str()) {
        ("body", "") => format!("the body {}", join(&wrong.message)),
        ("body", at) => format!("{at} of the body {}", join(&wrong.message)),
        (place, at) => format!("{at:?} in the {place} {}", join(&wrong.message)),
    }
}

/// Some messages are sentences of their own.
fn join(message: &str) -> String {
    let goes_on =
        ["is ", "are ", "must ", "has ", "doesn't ", "isn't "].iter().any(|start| message.starts_with(start));
    if goes_on { message.to_owned() } else { format!("is refused: {message}") }
}

fn place(location: Location) -> &'static str {
    match location {
        Location::Path => "path",
        Location::Query | Location::QueryString => "query",
        Location::Header => "header",
        Location::Cookie => "cookie",
    }
}

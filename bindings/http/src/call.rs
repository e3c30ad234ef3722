//! A request as operations see it, checked against what the document says of it.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;
use vitesse_core::orchestrator::Vitesse;
use vitesse_core::progress::Progress;
use vitesse_core::service::wire::Pulse;
use vitesse_core::store::Revision;
use vitesse_core::store::repository::Paging;
use vitesse_core::{Error, ErrorKind, Result};

use crate::answer::Failure;
use crate::api::{Kind, Operation, Param};
use crate::app::App;
use crate::document::judges;

/// A request.
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    /// The library, acting as whoever asks.
    pub(crate) vitesse: Vitesse,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) headers: HeaderMap,
    path: Vec<(String, String)>,
    query: Vec<(&'static str, String)>,
    body: Bytes,
}

/// The parts of a request before they are checked.
pub(crate) struct Raw {
    pub(crate) headers: HeaderMap,
    pub(crate) query: String,
    pub(crate) path: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Call {
    /// Checks a request against what the table says of it.
    pub(crate) fn new(
        operation: &'static Operation,
        (app, vitesse, pulse): (Arc<App>, Vitesse, Arc<Pulse>),
        raw: Raw,
    ) -> Result<Self, Failure> {
        let query = read_query(operation.query, &raw.query)?;
        let body = match &operation.body {
            None if raw.body.is_empty() => Bytes::new(),
            None => return Err(invalid("this operation takes no body").into()),
            Some(asked) => {
                let body = match raw.body.is_empty() {
                    true if asked.required => {
                        return Err(invalid("the body is missing: send a JSON object").into());
                    }
                    true => Bytes::from_static(b"{}"),
                    false if !is_json(&raw.headers) => {
                        let error = invalid("the body is not declared as JSON")
                            .help("send the header `content-type: application/json`");
                        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
                    }
                    false => raw.body,
                };
                judges().check(asked.schema, &body)?;
                body
            }
        };
        Ok(Self { app, vitesse, pulse, headers: raw.headers, path: raw.path, query, body })
    }

    /// The integration that the path names.
    pub(crate) fn id(&self) -> Result<Uuid> {
        self.uuid("integration_id", "integration")
    }

    /// An id in the path. One that can't be one names nothing.
    pub(crate) fn uuid(&self, name: &str, what: &'static str) -> Result<Uuid> {
        self.part(name).parse().map_err(|_| {
            Error::new(ErrorKind::NotFound, format!("there is no such {what}: its id is a UUID"))
                .in_operation("http.path")
                .with("id", self.part(name).escape_debug())
        })
    }

    /// A part of the path.
    pub(crate) fn part(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A parameter of the query; it is known to be of its kind.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// Which part of a list is asked for.
    pub(crate) fn paging(&self, usual: usize) -> Paging {
        let after = self.text("after").map(str::to_owned);
        Paging { after, limit: self.number("limit").unwrap_or(usual) }
    }

    /// The body, which is known to be as the document says.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| invalid(format!("the body: {error}")))
    }

    /// The revision that `If-Match` names; any, if there is none.
    pub(crate) fn expected(&self) -> Result<Option<Revision>> {
        let Some(given) = self.header(&header::IF_MATCH) else { return Ok(None) };
        if given.trim() == "*" {
            return Ok(None);
        }
        let revision = given.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match revision.and_then(|text| text.parse().ok()) {
            Some(revision) => Ok(Some(Revision(revision))),
            // What was never given as a tag fits nothing.
            None => Err(Error::new(ErrorKind::Conflict, "If-Match is not the ETag of an answer")
                .in_operation("http.if_match")
                .help("read the integration again and send its ETag as it is")),
        }
    }

    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The library, telling those who follow an integration how far its work is.
    pub(crate) fn working(&self, id: Uuid) -> Vitesse {
        let follow = self.app.progress.clone();
        let progress = Progress::to(move |event| {
            // Nobody who listens is no failure.
            let _ = follow.send((id, event));
        });
        self.vitesse.with_progress(progress.with_cancel(self.app.give_up.clone()))
    }
}

fn read_query(known: &'static [Param], text: &str) -> Result<Vec<(&'static str, String)>> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        let Some(param) = known.iter().find(|param| param.name == name) else {
            let error = invalid(format!("there is no parameter {:?} here", name));
            let names = known.iter().map(|param| param.name);
            return Err(match vitesse_core::error::did_you_mean(&name, names.clone()) {
                Some(hint) => error.help(hint),
                None if known.is_empty() => error.help("this operation has none"),
                None => error.help(format!("those it has: {}", names.collect::<Vec<_>>().join(", "))),
            });
        };
        if found.iter().any(|(known, _)| *known == param.name) {
            return Err(invalid(format!("{name} is given twice")));
        }
        check(param, &value)?;
        found.push((param.name, value.into_owned()));
    }
    match known.iter().find(|param| param.required && found.iter().all(|(name, _)| *name != param.name)) {
        Some(missing) => Err(invalid(format!("{} is missing", missing.name)).help(missing.doc)),
        None => Ok(found),
    }
}

fn check(param: &Param, value: &str) -> Result<()> {
    let wrong = |what: &dyn Display| {
        Err(invalid(format!("{} must be {what}", param.name)).with("given", value.escape_debug()))
    };
    match param.kind {
        Kind::Text(least, most) => match value.chars().count() {
            count if (least..=most).contains(&count) && !value.contains('\0') => Ok(()),
            _ => wrong(&format!("a text of {least} to {most} characters")),
        },
        Kind::Whole(least, most) => match value.parse::<usize>() {
            Ok(number) if (least..=most).contains(&number) && !value.starts_with('+') => Ok(()),
            _ => wrong(&format!("a whole number from {least} to {most}")),
        },
        Kind::Flag => match value {
            "true" | "false" => Ok(()),
            _ => wrong(&"true or false"),
        },
        Kind::Word(words) => match words.contains(&value) {
            true => Ok(()),
            false => wrong(&format!("one of {}", words.join(", "))),
        },
    }
}

fn decoded(text: &str) -> Result<Cow<'_, str>> {
    let text = text.replace('+', " ");
    match percent_decode_str(&text).decode_utf8() {
        Ok(text) => Ok(Cow::Owned(text.into_owned())),
        Err(_) => Err(invalid("a parameter is not UTF-8")),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
        || (kind.len() > 5 && kind.to_ascii_lowercase().ends_with("+json"))
}

pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidInput, message).in_operation("http.request")
}

/// A value as JSON, for answers that are put together.
pub(crate) fn tree(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "the answer can't be written").source(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Param] = &[
        Param { name: "query", kind: Kind::Text(1, 5), required: true, doc: "what to look for" },
        Param { name: "limit", kind: Kind::Whole(1, 100), required: false, doc: "" },
        Param { name: "all", kind: Kind::Flag, required: false, doc: "" },
        Param { name: "view", kind: Kind::Word(&["a", "b"]), required: false, doc: "" },
    ];

    #[track_caller]
    fn check(text: &str, expect: Result<usize, &str>) {
        match (read_query(KNOWN, text), expect) {
            (Ok(found), Ok(count)) => assert_eq!(found.len(), count, "{text}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expect) => panic!("{text}: {found:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn parameters_are_of_their_kind_and_given_once() {
        check("query=a%20b+c&limit=5&all=true&view=b", Ok(4));
        check("query=%C3%A4&&", Ok(1));
        check("", Err("query is missing; what to look for"));
        check("query=", Err("1 to 5 characters"));
        check("query=a&query=b", Err("given twice"));
        check("query=a&limit=0", Err("from 1 to 100"));
        check("query=a&limit=+1", Err("from 1 to 100"));
        check("query=a&limit=%2B1", Err("from 1 to 100"));
        check("query=a&all=yes", Err("true or false"));
        check("query=a&view=c", Err("one of a, b"));
        check("query=a&limt=5", Err("did you mean \"limit\"?"));
        check("query=%FF", Err("UTF-8"));
    }

    #[test]
    fn only_json_is_json() {
        let check = |kind: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
            is_json(&headers)
        };
        for kind in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert!(check(kind), "{kind}");
        }
        for kind in ["", "text/plain", "application/x-www-form-urlencoded", "+json"] {
            assert!(!check(kind), "{kind}");
        }
    }
}

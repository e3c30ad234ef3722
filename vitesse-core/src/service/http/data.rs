//! The data listener: `/transform`, `/hooks/{name}`, `/health`.

use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use hyper::body::Incoming;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json as object};

use super::answer::{Answer, failed, json, not_so, nothing_here};
use super::body::whole;
use super::pulse::Pulse;
use super::transform::transform;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::service::hooks::{Brought, Hook, Incoming as Webhook, Scheme};
use crate::service::log::Level;
use crate::service::shared::Shared;
use crate::service::traces::Came;
use crate::sync::Sync;

/// Answers on the data side.
pub(super) struct Data<'s>(pub(super) &'s Arc<Shared>);

impl Data<'_> {
    pub(super) async fn answer(&self, head: &Parts, body: Incoming, pulse: &Arc<Pulse>) -> Answer {
        let began = Instant::now();
        let shared = self.0;
        let came = shared.traces.came(&head.headers);
        let path = head.uri.path();
        let (answer, route, name) = if path == "/transform" || path.starts_with("/transform/") {
            (self.transform(head, body, pulse).await, &shared.metrics.transform, "/transform")
        } else if let Some(name) = path.strip_prefix("/hooks/") {
            let answer = match head.method {
                Method::POST => self.hook(name, head, body, pulse, &came).await,
                _ => Ok(not_so("POST")),
            };
            (answer, &shared.metrics.hooks, "/hooks/{name}")
        } else {
            let answer = match (&head.method, path) {
                (&Method::GET | &Method::HEAD, "/health") => self.health(),
                (_, "/health") => not_so("GET"),
                _ => nothing_here(path),
            };
            (Ok(answer), &shared.metrics.other, "")
        };
        let answer = answer.unwrap_or_else(|error| failed(&error));
        let status = answer.status.as_u16();
        // Probes ask all the time, and nobody wants to see it.
        if !name.is_empty() {
            shared.traces.answered(&came, &head.method, name, began, status);
        }
        route.count(status, began.elapsed());
        if shared.log.says(Level::Debug) {
            shared.log.say(
                Level::Debug,
                "answered",
                [("method", head.method.as_str().into()), ("path", path.into()), ("status", status.into())],
            );
        }
        answer
    }

    async fn transform(&self, head: &Parts, body: Incoming, pulse: &Arc<Pulse>) -> Result<Answer> {
        if head.method != Method::POST {
            return Ok(not_so("POST"));
        }
        if let Some(key) = &self.0.options.key
            && !has_key(&head.headers, key)
        {
            return Err(unauthorized("VITESSE_KEY"));
        }
        let name = head.uri.path().strip_prefix("/transform/").filter(|name| !name.is_empty());
        match name.map(|name| percent_decode_str(name).decode_utf8_lossy()) {
            None => transform(self.0, head, None, body, pulse).await,
            Some(name) => transform(self.0, head, Some(&name), body, pulse).await,
        }
    }

    /// Takes a webhook: checks who sent it, keeps what it brought, and only then says that it has it.
    async fn hook(
        &self,
        name: &str,
        head: &Parts,
        body: Incoming,
        pulse: &Arc<Pulse>,
        came: &Came,
    ) -> Result<Answer> {
        let shared = self.0;
        let name = percent_decode_str(name).decode_utf8_lossy();
        let refused = |error: Error| {
            shared.metrics.hooks_refused.add(1);
            shared.log.say(
                Level::Info,
                "webhook_refused",
                [("hook", name.as_ref().into()), ("why", error.to_string().into())],
            );
            error
        };
        let (Some(hook), Some(inbox)) = (shared.options.hooks.get(&name), &shared.inbox) else {
            return Err(refused(Error::new(ErrorKind::NotFound, "there is no such webhook")));
        };
        let body = whole(body, shared.options.limits.body, pulse).await.map_err(refused)?;
        shared.metrics.hooks.came(body.len());
        pulse.ours();
        let now = Timestamp::now();
        let webhook = Webhook { headers: &head.headers, body: &body, now: now.as_second() };
        let proof = hook.verify(&webhook).map_err(refused)?;
        if let Some(challenge) = challenge(hook, &body) {
            return Ok(json(StatusCode::OK, &object!({ "challenge": challenge })));
        }
        let records = Sync::records_in(&body, hook.records.as_ref()).map_err(refused)?;
        let brought = Brought { records: &records, trace: came.own(), at: now.as_millisecond() };
        let kept = inbox.keep(&name, &hook.stream, &proof, &brought).await;
        let fresh = kept.map_err(|error| {
            shared.metrics.store_failures.add(1);
            shared.log.failed("webhook_not_kept", &error);
            // The sender is to try again, whatever is wrong with our store.
            Error::new(ErrorKind::StoreUnavailable, "the records can't be kept now")
                .in_operation("service.hook")
        })?;
        let (counter, status) = match fresh {
            true => (&shared.metrics.hooks_taken, "kept"),
            false => (&shared.metrics.hooks_repeated, "repeated"),
        };
        counter.add(1);
        shared.brought.notify_one();
        shared.log.say(
            Level::Info,
            "webhook",
            [
                ("hook", name.as_ref().into()),
                ("stream", hook.stream.clone().into()),
                ("records", records.len().into()),
                ("outcome", status.into()),
            ],
        );
        let count = if fresh { records.len() } else { 0 };
        Ok(json(StatusCode::ACCEPTED, &object!({ "status": status, "records": count })))
    }

    fn health(&self) -> Answer {
        let shared = self.0;
        match shared.is_leaving() {
            false => {
                json(StatusCode::OK, &object!({ "status": "healthy", "version": env!("CARGO_PKG_VERSION") }))
            }
            true => json(StatusCode::SERVICE_UNAVAILABLE, &object!({ "status": "stopping" })),
        }
    }
}

/// What Slack asks once, when the address is entered there.
fn challenge(hook: &Hook, body: &[u8]) -> Option<String> {
    if hook.scheme != Scheme::Slack {
        return None;
    }
    let value: Value = serde_json::from_slice(body).ok()?;
    let asked = value.get("type")?.as_str()? == "url_verification";
    asked.then(|| value.get("challenge")?.as_str().map(str::to_owned))?
}

/// Whether a request has the key, as a bearer token or in a header of its own.
pub(super) fn has_key(headers: &HeaderMap, key: &Secret) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    bearer.or_else(|| text("x-api-key")).is_some_and(|given| key.is(given))
}

pub(super) fn unauthorized(variable: &'static str) -> Error {
    Error::new(ErrorKind::Unauthorized, "the key is missing or wrong")
        .in_operation("service.key")
        .help(format!("send what {variable} holds as `authorization: Bearer KEY` or `x-api-key: KEY`"))
}

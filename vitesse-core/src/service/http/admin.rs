//! The admin listener: what operators and their programs ask.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::request::Parts;
use http::{Method, StatusCode, header};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde_json::json as object;

use super::answer::{Answer, Kind, failed, json, not_so, nothing_here, text, with};
use super::body::whole;
use super::data::{has_key, unauthorized};
use super::pulse::Pulse;
use crate::error::{Error, ErrorKind, Result};
use crate::service::log::Level;
use crate::service::metrics::text_of;
use crate::service::shared::Shared;
use crate::service::status::{DeadLetters, StartSync};
use crate::sync::Letters;

/// Answers on the admin side.
pub(super) struct Admin<'s>(pub(super) &'s Arc<Shared>);

impl Admin<'_> {
    pub(super) async fn answer(&self, head: &Parts, body: Incoming, pulse: &Pulse) -> Answer {
        let answer = match self.allowed(head) {
            Ok(()) => self.route(head, body, pulse).await,
            Err(error) => Err(error),
        };
        let answer = answer.unwrap_or_else(|error| failed(&error));
        self.0.log.say(
            Level::Debug,
            "admin_answered",
            [
                ("method", head.method.as_str().into()),
                ("path", head.uri.path().into()),
                ("status", answer.status.as_u16().into()),
            ],
        );
        answer
    }

    /// Asked by probes without a key, `/ready` tells nothing but yes or no.
    fn allowed(&self, head: &Parts) -> Result<()> {
        match &self.0.options.admin_key {
            _ if head.uri.path() == "/ready" => Ok(()),
            Some(key) if has_key(&head.headers, key) => Ok(()),
            Some(_) => Err(unauthorized("VITESSE_ADMIN_KEY")),
            // On loopback any program of the machine may ask, but a page in a browser is somebody else's.
            None if head.headers.contains_key(header::ORIGIN) || !is_local(head) => {
                Err(Error::new(ErrorKind::Unauthorized, "this is not for web pages")
                    .in_operation("service.admin")
                    .help("set VITESSE_ADMIN_KEY and send it"))
            }
            None => Ok(()),
        }
    }

    async fn route(&self, head: &Parts, body: Incoming, pulse: &Pulse) -> Result<Answer> {
        let shared = self.0;
        let path: Vec<Cow<'_, str>> = head
            .uri
            .path()
            .trim_matches('/')
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8_lossy())
            .collect();
        let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let query = Query(head.uri.query().unwrap_or_default());
        let method = match head.method {
            Method::GET | Method::HEAD => "GET",
            Method::POST => "POST",
            Method::DELETE => "DELETE",
            _ => return Ok(not_so("GET, POST, DELETE")),
        };
        let body = whole(body, 64 << 10, pulse).await?;
        // Whatever takes time from here on is ours.
        pulse.ours();
        Ok(match (method, path.as_slice()) {
            ("GET", ["status" | "sync"]) => json(StatusCode::OK, &shared.status().await),
            ("GET", ["figures"]) => json(StatusCode::OK, &shared.metrics.health()),
            ("GET", ["metrics"]) => text(text_of(shared).await),
            ("GET", ["ready"]) => self.ready().await,
            ("POST", ["sync", "start"]) => {
                let asked: StartSync = match body.is_empty() {
                    true => StartSync::default(),
                    false => serde_json::from_slice(&body).map_err(|error| {
                        Error::new(
                            ErrorKind::InvalidInput,
                            format!("the body is not what it should be: {error}"),
                        )
                        .help(r#"send nothing, or {"full": true, "limit": 100}"#)
                    })?,
                };
                shared.start(asked).await?;
                json(StatusCode::ACCEPTED, &object!({ "status": "started" }))
            }
            ("POST", ["sync", "stop"]) => {
                shared.halt().await?;
                json(StatusCode::ACCEPTED, &object!({ "status": "held" }))
            }
            ("GET" | "POST", ["sync", "dry-run"]) => {
                json(StatusCode::OK, &shared.preview(query.number("limit")?.unwrap_or(10)).await?)
            }
            ("GET", ["runs"]) => {
                let limit = usize::try_from(query.number("limit")?.unwrap_or(20)).unwrap_or(usize::MAX);
                json(StatusCode::OK, &shared.loaded().sync()?.runs(limit).await?)
            }
            ("GET", ["dead-letters"]) => json(StatusCode::OK, &self.letters(&query).await?),
            ("GET", ["dead-letters", stream, id]) => {
                json(StatusCode::OK, &shared.loaded().sync()?.letter(stream, id).await?)
            }
            ("POST", ["dead-letters", stream, id, "replay"]) => {
                let force = query.text("force").is_some_and(|value| value != "false");
                self.replay(stream, id, force).await?
            }
            ("POST", ["dead-letters", stream, id, "delivered"]) => {
                let dest_id = query.text("dest_id").map(Cow::into_owned);
                let loaded = shared.loaded();
                let sync = loaded.sync()?;
                let _turn = shared.turn_soon().await?;
                Letters::new(sync.state()).delivered(stream, id, dest_id).await?;
                shared.look_at_letters(sync).await;
                json(StatusCode::OK, &object!({ "status": "delivered" }))
            }
            ("DELETE", ["dead-letters", stream, id]) => {
                let loaded = shared.loaded();
                let sync = loaded.sync()?;
                let _turn = shared.turn_soon().await?;
                Letters::new(sync.state()).drop_letter(stream, id).await?;
                shared.look_at_letters(sync).await;
                json(StatusCode::OK, &object!({ "status": "dropped" }))
            }
            ("GET", ["mapping"]) => match query.text("stream") {
                None => json(StatusCode::OK, &shared.mapping_status()),
                Some(name) => {
                    let loaded = shared.loaded();
                    let hash = &loaded.stream(Some(&name))?.hash;
                    let found = loaded.mappings.iter().find(|mapping| mapping.hash() == *hash);
                    let text = found.map(crate::mapping::Mapping::to_json).unwrap_or_default();
                    with(StatusCode::OK, Kind::Json, text)
                }
            },
            ("POST", ["mapping", "reload"]) => {
                let changed = shared.reload().await?;
                json(StatusCode::OK, &object!({ "changed": changed, "mapping": shared.mapping_status() }))
            }
            (
                _,
                ["status" | "figures" | "metrics" | "ready" | "runs" | "mapping" | "sync" | "dead-letters"],
            ) => not_so("GET"),
            (_, ["sync", "start" | "stop"] | ["mapping", "reload"]) => not_so("POST"),
            (_, ["dead-letters", _, _]) => not_so("GET, DELETE"),
            (_, ["dead-letters", _, _, "replay" | "delivered"]) => not_so("POST"),
            _ => nothing_here(head.uri.path()),
        })
    }

    /// Whether it can take work: its store answers and it isn't stopping.
    async fn ready(&self) -> Answer {
        let shared = self.0;
        let not =
            |why: &str| json(StatusCode::SERVICE_UNAVAILABLE, &object!({ "ready": false, "because": why }));
        if shared.is_leaving() {
            return not("it is stopping");
        }
        if let Some(state) = &shared.ground.state
            && let Err(error) = state.store().ping().await
        {
            shared.metrics.store_failures.add(1);
            shared.log.failed("store_does_not_answer", &error);
            return not("its state can't be reached");
        }
        json(StatusCode::OK, &object!({ "ready": true }))
    }

    async fn letters(&self, query: &Query<'_>) -> Result<DeadLetters> {
        let loaded = self.0.loaded();
        let sync = loaded.sync()?;
        let named = query.text("stream");
        let stream = loaded.stream(named.as_deref())?.name.as_str();
        let limit = usize::try_from(query.number("limit")?.unwrap_or(100)).unwrap_or(1000).clamp(1, 1000);
        let after = query.text("after");
        let (letters, more) = Letters::new(sync.state()).list(stream, after.as_deref(), limit).await?;
        let next = letters.last().filter(|_| more).map(|letter| letter.id.clone());
        Ok(DeadLetters { letters: letters.into_iter().map(Into::into).collect(), next })
    }

    async fn replay(&self, stream: &str, id: &str, force: bool) -> Result<Answer> {
        let shared = self.0;
        let loaded = shared.loaded();
        let sync = loaded.sync()?;
        let _turn = shared.turn_soon().await?;
        let counts = sync.replay(stream, id, force, &shared.progress(&shared.stop)).await?;
        shared.metrics.stream(stream).add(&counts);
        shared.look_at_letters(sync).await;
        shared.settled.store(0, Ordering::Relaxed);
        let status = if counts.dead == 0 { "delivered" } else { "failed_again" };
        Ok(json(StatusCode::OK, &object!({ "status": status, "counts": counts })))
    }
}

/// Whether the host that is asked for is this machine, by name: a page whose name was made to lead here says its own.
fn is_local(head: &Parts) -> bool {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = head.uri.host().or(host).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default();
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

struct Query<'q>(&'q str);

impl<'q> Query<'q> {
    fn text(&self, name: &str) -> Option<Cow<'q, str>> {
        let pair = |pair: &'q str| {
            let (known, value) = pair.split_once('=').unwrap_or((pair, ""));
            (known == name).then(|| percent_decode_str(value).decode_utf8_lossy())
        };
        self.0.split('&').find_map(pair)
    }

    fn number(&self, name: &'static str) -> Result<Option<u64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            Error::new(ErrorKind::InvalidInput, "this is no number")
                .in_operation("service.admin")
                .with("parameter", name)
                .with("value", &text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        let check = |host: &str| {
            let request = http::Request::builder().uri("/status").header("host", host).body(()).unwrap();
            is_local(&request.into_parts().0)
        };
        for host in ["localhost", "LOCALHOST:9464", "127.0.0.1:9464", "[::1]:9464", "127.0.0.2"] {
            assert!(check(host), "{host}");
        }
        for host in
            ["", "evil.example", "127.0.0.1.evil.example", "10.0.0.1:9464", "localhost.evil.example:9464"]
        {
            assert!(!check(host), "{host}");
        }
    }

    #[test]
    fn parameters_are_read_by_name() {
        let query = Query("stream=a%20b&limit=7&force&x=y=z");
        assert_eq!(query.text("stream").as_deref(), Some("a b"));
        assert_eq!((query.number("limit").unwrap(), query.number("after").unwrap()), (Some(7), None));
        assert_eq!((query.text("force").as_deref(), query.text("x").as_deref()), (Some(""), Some("y=z")));
        assert!(query.number("stream").is_err());
    }
}

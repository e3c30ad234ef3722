//! Spans on their way to a collector, by OTLP over HTTP with JSON.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Client, Limits, NetConfig, Retry, TraceParent};
use crate::secret::Secret;
use crate::service::log::{Level, Log};

/// So many wait at most; more are dropped, since nobody waits for a trace.
const WAITING: usize = 4096;
/// So many are sent at once, and so long the first of them waits for others.
const BATCH: usize = 512;
const GATHER: Duration = Duration::from_secs(1);

/// What a span is of, by the protocol's numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

/// Something that took time.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) own: TraceParent,
    pub(super) parent: Option<u64>,
    /// What it has to do with besides.
    pub(super) links: Vec<TraceParent>,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) began: SystemTime,
    pub(super) ended: SystemTime,
    pub(super) facts: Vec<(&'static str, Value)>,
    /// What kind of failure it ended with.
    pub(super) failed: Option<String>,
}

/// Sends spans, in groups.
pub(super) struct Exporter(Mutex<Option<(mpsc::Sender<Span>, JoinHandle<()>)>>);

impl Exporter {
    /// Sends to the collector that the environment names, if it names one.
    pub(super) fn new(
        net: &NetConfig,
        config: &Config,
        integration: &str,
        log: &Log,
    ) -> Result<Option<Self>> {
        let Some(endpoint) = &config.otel_endpoint else { return Ok(None) };
        let wrong = |error: Error| {
            Error::new(
                ErrorKind::ConfigInvalid,
                "no traces can be sent where OTEL_EXPORTER_OTLP_ENDPOINT says",
            )
            .in_operation("service.traces")
            .with("because", error.kind())
            .help("write an http(s) address; one that isn't public must be in VITESSE_ALLOW")
        };
        net.guard.check_url(endpoint).map_err(wrong)?;
        let net = NetConfig {
            limits: Limits { body: 1 << 20, total: Duration::from_secs(30), ..Limits::default() },
            retry: Retry { tries: 4, base: Duration::from_millis(500), ..Retry::default() },
            watch: None,
            ..net.clone()
        };
        let sender = Sender {
            client: Client::new(net)?,
            url: format!("{}/v1/traces", endpoint.trim_end_matches('/')),
            headers: config.otel_headers.as_ref().map(headers).transpose()?.unwrap_or_default(),
            resource: facts(&[
                ("service.name", config.otel_service_name.as_str().into()),
                ("service.version", env!("CARGO_PKG_VERSION").into()),
                ("vitesse.integration_id", integration.into()),
            ]),
            log: log.clone(),
            well: true,
        };
        let (send, waiting) = mpsc::channel(WAITING);
        let task = tokio::spawn(sender.run(waiting));
        Ok(Some(Self(Mutex::new(Some((send, task))))))
    }

    pub(super) fn take(&self, span: Span) {
        if let Some((send, _)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // Full: whoever works must not wait for whoever looks on.
            let _ = send.try_send(span);
        }
    }

    /// Waits a little for what is not sent yet.
    pub(super) async fn finish(&self) {
        let out = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((send, task)) = out {
            drop(send);
            let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
        }
    }
}

struct Sender {
    client: Client,
    url: String,
    headers: Vec<(String, Secret)>,
    resource: Value,
    log: Log,
    /// Whether the last group was taken: a collector that is down is told of once.
    well: bool,
}

impl Sender {
    async fn run(mut self, mut waiting: mpsc::Receiver<Span>) {
        while let Some(first) = waiting.recv().await {
            let mut group = vec![first];
            let until = tokio::time::Instant::now() + GATHER;
            while group.len() < BATCH {
                match tokio::time::timeout_at(until, waiting.recv()).await {
                    Ok(Some(span)) => group.push(span),
                    // Time is up, or no more will come.
                    Ok(None) | Err(_) => break,
                }
            }
            let sent = self.send(&group).await;
            match &sent {
                Err(error) if self.well => self.log.say(
                    Level::Error,
                    "traces_not_sent",
                    [("kind", error.kind().id().into()), ("error", error.message().into())],
                ),
                Ok(()) if !self.well => self.log.say(Level::Notice, "traces_sent_again", []),
                _ => {}
            }
            self.well = sent.is_ok();
        }
    }

    async fn send(&self, group: &[Span]) -> Result<()> {
        let spans: Vec<Value> = group.iter().map(Span::to_json).collect();
        let scope = json!({"name": "vitesse", "version": env!("CARGO_PKG_VERSION")});
        let body = json!({"resourceSpans": [{
            "resource": {"attributes": self.resource},
            "scopeSpans": [{"scope": scope, "spans": spans}],
        }]});
        let mut request = self.client.post(&self.url).repeatable(true);
        for (name, value) in &self.headers {
            request = request.secret_header(name, value);
        }
        request.body("application/json", body.to_string()).fetch().await?.success().map(drop)
    }
}

impl Span {
    fn to_json(&self) -> Value {
        let trace = |of: &TraceParent| format!("{:032x}", of.trace);
        let nanos = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string();
        let mut facts_of = self.facts.clone();
        facts_of.extend(self.failed.as_ref().map(|kind| ("error.type", Value::from(kind.as_str()))));
        let mut span = json!({
            "traceId": trace(&self.own),
            "spanId": format!("{:016x}", self.own.span),
            "name": self.name,
            "kind": self.kind as u8,
            "startTimeUnixNano": nanos(self.began),
            "endTimeUnixNano": nanos(self.ended),
            "attributes": facts(&facts_of),
            "status": match self.failed {
                Some(_) => json!({"code": 2}),
                None => json!({}),
            },
        });
        if let Some(parent) = self.parent {
            span["parentSpanId"] = format!("{parent:016x}").into();
        }
        if !self.links.is_empty() {
            let link =
                |to: &TraceParent| json!({"traceId": trace(to), "spanId": format!("{:016x}", to.span)});
            span["links"] = self.links.iter().map(link).collect();
        }
        span
    }
}

/// Facts as the protocol writes them. Whole numbers are texts there.
fn facts(facts: &[(&'static str, Value)]) -> Value {
    let written = |value: &Value| match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(is) => json!({"boolValue": is}),
        Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        other => json!({"stringValue": other.to_string()}),
    };
    facts.iter().map(|(name, value)| json!({"key": name, "value": written(value)})).collect()
}

/// `OTEL_EXPORTER_OTLP_HEADERS`: `name=value` separated by commas, values percent-encoded.
fn headers(text: &Secret) -> Result<Vec<(String, Secret)>> {
    let wrong = || {
        Error::new(ErrorKind::ConfigInvalid, "OTEL_EXPORTER_OTLP_HEADERS is not NAME=VALUE,NAME=VALUE")
            .in_operation("service.traces")
    };
    let mut headers = BTreeMap::new();
    for pair in text.expose().split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        let name: http::HeaderName = name.trim().parse().map_err(|_| wrong())?;
        let value = percent_decode_str(value.trim()).decode_utf8().map_err(|_| wrong())?;
        headers.insert(name.as_str().to_owned(), Secret::new(value.as_ref()));
    }
    Ok(headers.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_pairs_and_their_values_are_decoded() {
        let read = headers(&Secret::new("X-Key=a%20b%3D, tenant=7 ,")).unwrap();
        let read: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(read, [("tenant", "7"), ("x-key", "a b=")]);
        for wrong in ["key", "a b=1", "k=%ff"] {
            let error = headers(&Secret::new(wrong)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(!error.to_string().contains(wrong), "it may be secret");
        }
    }

    #[test]
    fn facts_have_the_types_of_the_protocol() {
        let all = facts(&[("a", "x".into()), ("b", true.into()), ("c", 7.into()), ("d", 0.5.into())]);
        assert_eq!(
            all,
            json!([
                {"key": "a", "value": {"stringValue": "x"}},
                {"key": "b", "value": {"boolValue": true}},
                {"key": "c", "value": {"intValue": "7"}},
                {"key": "d", "value": {"doubleValue": 0.5}},
            ])
        );
    }
}

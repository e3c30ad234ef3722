//! Telling people: webhooks of our own, signed and sent again until they are taken.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::hooks::sign;
use super::log::{Level, Log};
use super::metrics::Metrics;
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Client, Limits, NetConfig, Retry};
use crate::secret::Secret;

/// The same is told again only after this long.
const AGAIN: Duration = Duration::from_secs(3600);
/// So many wait at most; more are only logged.
const WAITING: usize = 64;

/// Something that somebody should look at.
#[derive(Clone, Debug)]
pub(super) struct Alert {
    /// What it is: `run_failed`, `dead_letters_growing`, `credential_refused`, `credential_expiring`, `stalled`,
    /// `webhooks_not_delivered`.
    event: &'static str,
    /// What it is about: a stream, mostly.
    subject: String,
    message: String,
    facts: Map<String, Value>,
}

impl Alert {
    pub(super) fn new(event: &'static str, message: impl Into<String>) -> Self {
        Self { event, subject: String::new(), message: message.into(), facts: Map::new() }
    }

    pub(super) fn of(mut self, subject: &str) -> Self {
        self.subject = subject.to_owned();
        self
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

/// Who tells.
pub(super) struct Alerts {
    integration: String,
    log: Log,
    metrics: Arc<Metrics>,
    told: Mutex<HashMap<(&'static str, String), Instant>>,
    /// Absent where nobody is told.
    out: Mutex<Option<(mpsc::Sender<Value>, JoinHandle<()>)>>,
}

impl Alerts {
    /// Tells `url`, if there is one.
    pub(super) fn new(
        net: &NetConfig,
        url: Option<Secret>,
        secret: Option<Secret>,
        integration: String,
        metrics: &Arc<Metrics>,
        log: &Log,
    ) -> Result<Self> {
        let out = match url {
            None => None,
            Some(url) => {
                let sender = Sender::new(net, url, secret)?;
                let (send, waiting) = mpsc::channel(WAITING);
                let task = tokio::spawn(sender.run(waiting, metrics.clone(), log.clone()));
                Some((send, task))
            }
        };
        let (log, metrics) = (log.clone(), metrics.clone());
        Ok(Self { integration, log, metrics, told: Mutex::default(), out: Mutex::new(out) })
    }

    /// Tells something, unless the same was told within the hour.
    pub(super) fn tell(&self, alert: Alert) {
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (alert.event, alert.subject.clone());
            if told.get(&key).is_some_and(|at| at.elapsed() < AGAIN) {
                return;
            }
            told.insert(key, Instant::now());
        }
        self.log.say(
            Level::Warn,
            "alert",
            [
                ("alert", alert.event.into()),
                ("subject", alert.subject.as_str().into()),
                ("message", alert.message.as_str().into()),
            ],
        );
        let mut body = alert.facts;
        body.insert("type".into(), alert.event.into());
        body.insert("at".into(), Timestamp::now().to_string().into());
        body.insert("integration_id".into(), self.integration.as_str().into());
        body.insert("subject".into(), alert.subject.into());
        body.insert("message".into(), alert.message.into());
        let out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((send, _)) = &*out
            && send.try_send(Value::Object(body)).is_err()
        {
            self.metrics.alerts_failed.add(1);
        }
    }

    /// It is over; the next time is told again at once.
    pub(super) fn clear(&self, event: &'static str, subject: &str) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(&(event, subject.to_owned()));
    }

    /// Waits a little for what is not sent yet.
    pub(super) async fn finish(&self) {
        let out = self.out.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((send, task)) = out {
            drop(send);
            let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
        }
    }
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alerts")
    }
}

struct Sender {
    client: Client,
    url: Secret,
    secret: Option<Secret>,
}

impl Sender {
    fn new(net: &NetConfig, url: Secret, secret: Option<Secret>) -> Result<Self> {
        let wrong = |error: Error| {
            // The address may hold a token.
            Error::new(ErrorKind::ConfigInvalid, "VITESSE_ALERT_URL is no address that alerts can be sent to")
                .in_operation("service.alerts")
                .with("because", error.kind())
                .help("write an http(s) address; one that isn't public must be in VITESSE_ALLOW")
        };
        net.guard.check_url(url.expose()).map_err(wrong)?;
        if let Some(secret) = &secret {
            sign(secret, "", 0, b"").map_err(|error| error.with("variable", "VITESSE_ALERT_SECRET"))?;
        }
        let net = NetConfig {
            limits: Limits { body: 1 << 20, total: Duration::from_secs(300), ..Limits::default() },
            retry: Retry {
                tries: 8,
                base: Duration::from_secs(1),
                cap: Duration::from_secs(60),
                budget: 64,
                ..Retry::default()
            },
            watch: None,
            ..net.clone()
        };
        Ok(Self { client: Client::new(net)?, url, secret })
    }

    async fn run(self, mut waiting: mpsc::Receiver<Value>, metrics: Arc<Metrics>, log: Log) {
        while let Some(alert) = waiting.recv().await {
            match self.send(&alert).await {
                Ok(()) => metrics.alerts_sent.add(1),
                Err(error) => {
                    metrics.alerts_failed.add(1);
                    log.say(
                        Level::Error,
                        "alert_not_sent",
                        [("kind", error.kind().id().into()), ("error", error.message().into())],
                    );
                }
            }
        }
    }

    async fn send(&self, alert: &Value) -> Result<()> {
        let body = alert.to_string();
        // The same id for each try, so that whoever gets it twice can tell.
        let id = format!("msg_{}", uuid::Uuid::new_v4().simple());
        let seconds = Timestamp::now().as_second();
        let mut request = self
            .client
            .post(self.url.expose())
            .header("webhook-id", &id)
            .header("webhook-timestamp", &seconds.to_string())
            .repeatable(true);
        if let Some(secret) = &self.secret {
            request = request.header("webhook-signature", &sign(secret, &id, seconds, body.as_bytes())?);
        }
        request.body("application/json", body).fetch().await?.success().map(drop)
    }
}

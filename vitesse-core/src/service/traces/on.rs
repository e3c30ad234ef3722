use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, Method};
use serde_json::Value;
use uuid::Uuid;

use super::otlp::{Exporter, Kind, Span};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::net::{Exchange, NetConfig, TraceParent};
use crate::service::log::Log;
use crate::sync::Side;

/// Keeps spans and sends them to a collector, if one is named. Cheap to clone.
#[derive(Clone)]
pub(in crate::service) struct Traces(Option<Arc<Inner>>);

struct Inner {
    exporter: Exporter,
    /// The work that is under way: requests belong to it. Only who has the turn works, so there is one at most.
    current: Mutex<Option<TraceParent>>,
}

/// Work that is under way; a span when it ends.
pub(in crate::service) struct Work(Option<Begun>);

struct Begun {
    inner: Arc<Inner>,
    own: TraceParent,
    parent: Option<u64>,
    links: Vec<TraceParent>,
    name: &'static str,
    at: SystemTime,
}

/// A request that came in.
pub(in crate::service) struct Came {
    /// What it is here; none if nothing is traced.
    own: Option<TraceParent>,
    /// What it is at the caller's.
    parent: Option<u64>,
}

impl Traces {
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`](crate::ErrorKind::ConfigInvalid) for a collector that can't be asked.
    pub(in crate::service) fn new(
        net: &NetConfig,
        config: &Config,
        integration: &str,
        log: &Log,
    ) -> Result<Self> {
        let exporter = Exporter::new(net, config, integration, log)?;
        Ok(Self(exporter.map(|exporter| Arc::new(Inner { exporter, current: Mutex::default() }))))
    }

    /// Work begins that nobody else began. What is asked of the APIs until its end belongs to it.
    pub(in crate::service) fn work(&self, name: &'static str) -> Work {
        self.begin(name, None, Vec::new())
    }

    /// Work on what others brought begins: it goes on with their trace, if all of it came with the same one. Else it has
    /// a trace of its own that names theirs.
    pub(in crate::service) fn delivery(&self, name: &'static str, brought: &[Option<TraceParent>]) -> Work {
        let mut others: Vec<TraceParent> = brought.iter().copied().flatten().collect();
        others.dedup();
        match others[..] {
            [one] if brought.iter().all(|brought| *brought == Some(one)) => {
                self.begin(name, Some(one), Vec::new())
            }
            _ => self.begin(name, None, others),
        }
    }

    fn begin(&self, name: &'static str, above: Option<TraceParent>, links: Vec<TraceParent>) -> Work {
        Work(self.0.as_ref().map(|inner| {
            let own = below(above);
            *inner.current() = Some(own);
            let (inner, at) = (Arc::clone(inner), SystemTime::now());
            Begun { inner, own, parent: above.map(|above| above.span), links, name, at }
        }))
    }

    /// What the next request to an API is called, for the API and for us.
    pub(in crate::service) fn next(&self) -> Option<TraceParent> {
        self.0.as_ref().map(|inner| below(*inner.current()))
    }

    /// An API was asked.
    pub(in crate::service) fn asked(&self, stream: &str, side: Side, exchange: &Exchange) {
        let (Some(inner), Some(own)) = (&self.0, exchange.trace.filter(|trace| trace.recorded)) else {
            return;
        };
        let above = inner.current().filter(|above| above.trace == own.trace);
        let mut facts: Vec<(&'static str, Value)> =
            vec![("vitesse.stream", stream.into()), ("vitesse.side", side.name().into())];
        facts.extend(exchange.status.map(|status| ("http.response.status_code", status.as_u16().into())));
        if !exchange.waited.is_zero() {
            facts.push(("vitesse.waited_ms", (exchange.waited.as_secs_f64() * 1e3).into()));
        }
        let failed = match (exchange.status, exchange.failure) {
            (_, Some(kind)) => Some(kind.id().to_owned()),
            (Some(status), None) if status.as_u16() >= 400 => Some(status.as_u16().to_string()),
            _ => None,
        };
        let name = match side {
            Side::Source => "ask source",
            Side::Destination => "ask destination",
        };
        inner.exporter.take(Span {
            own,
            parent: above.map(|above| above.span),
            links: Vec::new(),
            name,
            kind: Kind::Client,
            began: before(exchange.took),
            ended: SystemTime::now(),
            facts,
            failed,
        });
    }

    /// Somebody asks. It belongs to the caller's trace, if they name one.
    pub(in crate::service) fn came(&self, headers: &HeaderMap) -> Came {
        if self.0.is_none() {
            return Came { own: None, parent: None };
        }
        let given = headers.get("traceparent").and_then(|value| value.to_str().ok());
        let above: Option<TraceParent> = given.and_then(|text| text.parse().ok());
        Came { own: Some(below(above)), parent: above.map(|above| above.span) }
    }

    /// They were answered. What the caller doesn't record isn't recorded here.
    pub(in crate::service) fn answered(
        &self,
        came: &Came,
        method: &Method,
        route: &'static str,
        began: Instant,
        status: u16,
    ) {
        let (Some(inner), Some(own)) = (&self.0, came.own.filter(|own| own.recorded)) else { return };
        inner.exporter.take(Span {
            own,
            parent: came.parent,
            links: Vec::new(),
            name: route,
            kind: Kind::Server,
            began: before(began.elapsed()),
            ended: SystemTime::now(),
            facts: vec![
                ("http.request.method", method.as_str().into()),
                ("http.route", route.into()),
                ("http.response.status_code", status.into()),
            ],
            // The caller's fault is no failure of ours.
            failed: (status >= 500).then(|| status.to_string()),
        });
    }

    /// Waits a little for what is not sent yet.
    pub(in crate::service) async fn finish(&self) {
        if let Some(inner) = &self.0 {
            inner.exporter.finish().await;
        }
    }
}

impl Inner {
    fn current(&self) -> std::sync::MutexGuard<'_, Option<TraceParent>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Came {
    /// What it is here, for whatever is done for it later.
    pub(in crate::service) fn own(&self) -> Option<TraceParent> {
        self.own
    }
}

impl Work {
    /// It ended, with what is known of it.
    pub(in crate::service) fn end<const N: usize>(
        mut self,
        facts: [(&'static str, Value); N],
        error: Option<&Error>,
    ) {
        let Some(Begun { inner, own, parent, links, name, at }) = self.0.take() else { return };
        *inner.current() = None;
        if !own.recorded {
            return;
        }
        inner.exporter.take(Span {
            own,
            parent,
            links,
            name,
            kind: Kind::Internal,
            began: at,
            ended: SystemTime::now(),
            facts: facts.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            failed: error.map(|error| error.kind().id().to_owned()),
        });
    }
}

impl Drop for Work {
    /// Left before its end: what is asked from now on belongs to something else.
    fn drop(&mut self) {
        if let Some(Begun { inner, .. }) = &self.0 {
            *inner.current() = None;
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces")
    }
}

fn before(took: Duration) -> SystemTime {
    let now = SystemTime::now();
    now.checked_sub(took).unwrap_or(now)
}

/// A name for something within a trace, or of a trace of its own. Random, and never zero: a UUID has bits that are always
/// set.
fn below(above: Option<TraceParent>) -> TraceParent {
    TraceParent {
        trace: above.map_or_else(|| Uuid::new_v4().as_u128(), |above| above.trace),
        span: Uuid::new_v4().as_u64_pair().0,
        recorded: above.is_none_or(|above| above.recorded),
    }
}

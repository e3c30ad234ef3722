//! What a service counts, and how Prometheus reads it.

mod instruments;
mod recent;
mod route;
mod text;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use instruments::{Counter, Histogram};
use recent::Recent;
pub(super) use route::Route;
pub use text::{METRICS, Page};

use super::log::{Level, Log};
use super::shared::Shared;
use super::status::HealthInputs;
use super::traces::Traces;
use crate::sync::{Counts, Observer, Seen, Side};

/// Everything there is to measure of a service, as Prometheus reads it.
pub(super) async fn text_of(shared: &Shared) -> String {
    let status = shared.status().await;
    let loaded = shared.loaded();
    let expiries: Vec<_> = loaded.sync.iter().flat_map(|sync| sync.expiries()).collect();
    let expiries: Vec<_> = expiries
        .into_iter()
        .map(|(stream, side, left, _)| (stream.to_owned(), side, left.as_secs_f64()))
        .collect();
    shared.metrics.text(&text::Moment { status: &status, expiries: &expiries })
}

/// Everything that is counted. What happens with each request is counted without a lock.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) transform: Route,
    pub(super) hooks: Route,
    pub(super) other: Route,
    pub(super) data_connections: AtomicI64,
    pub(super) admin_connections: AtomicI64,
    pub(super) runs_ended: Counter,
    pub(super) runs_failed: Counter,
    pub(super) run_seconds: Histogram,
    pub(super) reloads_taken: Counter,
    pub(super) reloads_refused: Counter,
    pub(super) hooks_taken: Counter,
    pub(super) hooks_repeated: Counter,
    pub(super) hooks_refused: Counter,
    pub(super) alerts_sent: Counter,
    pub(super) alerts_failed: Counter,
    pub(super) store_failures: Counter,
    streams: Mutex<BTreeMap<String, Arc<StreamMetrics>>>,
    recent: Mutex<Recent>,
}

/// What is counted of a stream.
#[derive(Debug)]
pub(super) struct StreamMetrics {
    pub(super) source: PeerMetrics,
    pub(super) destination: PeerMetrics,
    pub(super) batches: Histogram,
    counts: Mutex<Counts>,
}

/// The requests to one API.
#[derive(Debug)]
pub(super) struct PeerMetrics {
    pub(super) seconds: Histogram,
    /// How long requests were held back by the rate of the API, in microseconds.
    pub(super) waited: AtomicU64,
    /// By what came of them: `2xx` to `5xx`, or the kind of the failure.
    outcomes: Mutex<BTreeMap<String, u64>>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self {
            transform: Route::default(),
            hooks: Route::default(),
            other: Route::default(),
            data_connections: AtomicI64::new(0),
            admin_connections: AtomicI64::new(0),
            runs_ended: Counter::default(),
            runs_failed: Counter::default(),
            run_seconds: Histogram::long_times(),
            reloads_taken: Counter::default(),
            reloads_refused: Counter::default(),
            hooks_taken: Counter::default(),
            hooks_repeated: Counter::default(),
            hooks_refused: Counter::default(),
            alerts_sent: Counter::default(),
            alerts_failed: Counter::default(),
            store_failures: Counter::default(),
            streams: Mutex::default(),
            recent: Mutex::default(),
        }
    }

    /// What is counted of a stream.
    pub(super) fn stream(&self, name: &str) -> Arc<StreamMetrics> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = streams.get(name) {
            return known.clone();
        }
        streams.entry(name.to_owned()).or_insert_with(|| Arc::new(StreamMetrics::new())).clone()
    }

    /// One who counts what a sync does, keeps its traces, and says which records failed.
    pub(super) fn observer(self: &Arc<Self>, traces: &Arc<Traces>, log: &Log) -> Observer {
        let (metrics, traces, log) = (self.clone(), traces.clone(), log.clone());
        let tracer = traces.clone();
        Observer::new(move |seen| {
            metrics.see(seen);
            if let Seen::Request { stream, side, exchange } = seen {
                traces.asked(stream, *side, exchange);
            }
            if let Seen::Dead { stream, record, reason } = seen {
                log.say(
                    Level::Info,
                    "record_failed",
                    [
                        ("stream", (*stream).into()),
                        ("record", (*record).into()),
                        ("reason", reason.id().into()),
                    ],
                );
            }
        })
        .tracing(move || tracer.next())
    }

    fn see(&self, seen: &Seen<'_>) {
        match seen {
            Seen::Request { stream, side, exchange } => {
                let outcome = match (exchange.status, exchange.failure) {
                    (Some(status), _) => format!("http_{}", status.as_u16()),
                    (None, Some(kind)) => kind.id().to_owned(),
                    (None, None) => "unknown".to_owned(),
                };
                let failed = match exchange.status {
                    Some(status) => status.is_client_error() || status.is_server_error(),
                    None => true,
                };
                let class = match exchange.status {
                    Some(status) => format!("{}xx", status.as_u16() / 100),
                    None => outcome.clone(),
                };
                let metrics = self.stream(stream);
                let peer = match side {
                    Side::Source => &metrics.source,
                    Side::Destination => &metrics.destination,
                };
                peer.seconds.observe(micros(exchange.took));
                peer.waited.fetch_add(micros(exchange.waited), Ordering::Relaxed);
                *peer.outcomes.lock().unwrap_or_else(PoisonError::into_inner).entry(class).or_default() += 1;
                let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
                recent.push(exchange.took, failed.then_some(outcome));
            }
            Seen::Write { stream, records } => self.stream(stream).batches.observe(*records as u64),
            // They are counted where they are kept.
            Seen::Dead { .. } => {}
        }
    }

    /// What health monitoring looks at.
    pub(super) fn health(&self) -> HealthInputs {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).health()
    }
}

impl StreamMetrics {
    fn new() -> Self {
        Self {
            source: PeerMetrics::new(),
            destination: PeerMetrics::new(),
            batches: Histogram::sizes(),
            counts: Mutex::default(),
        }
    }

    /// Adds what a run did.
    pub(super) fn add(&self, counts: &Counts) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).add(counts);
    }

    /// What became of its records since the service was started.
    pub(super) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PeerMetrics {
    fn new() -> Self {
        Self { seconds: Histogram::short_times(), waited: AtomicU64::new(0), outcomes: Mutex::default() }
    }

    fn outcomes(&self) -> BTreeMap<String, u64> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

//! The text that Prometheus reads.

use std::fmt::Write as _;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::route::Requests;
use super::{Counter, Histogram, Metrics, PeerMetrics};
use crate::service::status::Status;
use crate::sync::{Counts, Side};

/// Every metric: its name, its kind and what it says. The book's page and the text come from this.
pub const METRICS: &[(&str, &str, &str)] = &[
    ("vitesse_build_info", "gauge", "Always 1; the label says the version."),
    ("vitesse_start_time_seconds", "gauge", "When the service was started."),
    (
        "vitesse_http_requests_total",
        "counter",
        "Requests to this service, by route and outcome: ok, refused (the caller's fault), failed (ours).",
    ),
    ("vitesse_http_request_seconds", "histogram", "How long they took to answer; of streams, to begin with."),
    ("vitesse_http_request_bytes_total", "counter", "Bytes of the bodies that came with them."),
    ("vitesse_http_connections", "gauge", "Connections that are open, by listener."),
    ("vitesse_transform_records_total", "counter", "Records that /transform took, by outcome."),
    ("vitesse_hooks_total", "counter", "Webhooks, by outcome: kept, repeated, refused."),
    ("vitesse_hook_inbox_records", "gauge", "Records of webhooks that wait to be delivered, by stream."),
    (
        "vitesse_peer_requests_total",
        "counter",
        "Requests to source and destination, by stream, side and outcome: 2xx to 5xx, or the kind of the failure.",
    ),
    (
        "vitesse_peer_request_seconds",
        "histogram",
        "How long the heads of their answers took, by stream and side.",
    ),
    (
        "vitesse_peer_wait_seconds_total",
        "counter",
        "How long requests were held back by the API's rate, by stream and side.",
    ),
    ("vitesse_batch_records", "histogram", "Records of each write, by stream."),
    ("vitesse_records_total", "counter", "What became of records, by stream and outcome."),
    (
        "vitesse_lag_seconds",
        "gauge",
        "How far the destination may be behind, by stream: since the last run that read it to its end began.",
    ),
    ("vitesse_dead_letters", "gauge", "Dead letters, by stream."),
    ("vitesse_unknown_outcomes", "gauge", "Dead letters that may or may not have been written, by stream."),
    (
        "vitesse_credential_expires_seconds",
        "gauge",
        "How long credentials are good for, by stream and side, where they say.",
    ),
    ("vitesse_runs_total", "counter", "Runs, by outcome."),
    ("vitesse_run_seconds", "histogram", "How long runs took."),
    ("vitesse_run_active", "gauge", "1 while a run is under way."),
    ("vitesse_run_records", "gauge", "Records that the run under way has settled."),
    ("vitesse_next_run_timestamp_seconds", "gauge", "When the next run is due."),
    ("vitesse_held", "gauge", "1 while an operator holds the sync."),
    ("vitesse_mapping_reloads_total", "counter", "Mappings that were taken in or refused."),
    ("vitesse_alerts_total", "counter", "Alerts that were sent, or could not be."),
    ("vitesse_store_failures_total", "counter", "Failures of the state's store."),
];

/// What only the moment of asking knows.
pub(in crate::service) struct Moment<'a> {
    pub(in crate::service) status: &'a Status,
    pub(in crate::service) expiries: &'a [(String, Side, f64)],
}

impl Metrics {
    /// Everything, as Prometheus reads it.
    pub(in crate::service) fn text(&self, moment: &Moment<'_>) -> String {
        let status = moment.status;
        let mut page = Page::new(METRICS);
        page.value("vitesse_build_info", &[("version", &status.version)], 1.0);
        page.value("vitesse_start_time_seconds", &[], status.started_at as f64 / 1000.0);
        let routes = [("transform", &self.transform), ("hooks", &self.hooks), ("other", &self.other)];
        let routes = routes.map(|(route, metrics)| (route, metrics.total()));
        for (route, metrics) in &routes {
            let outcomes =
                [("ok", &metrics.answered), ("refused", &metrics.refused), ("failed", &metrics.failed)];
            for (outcome, counter) in outcomes {
                page.count("vitesse_http_requests_total", &[("route", route), ("outcome", outcome)], counter);
            }
        }
        let each = |page: &mut Page, write: &dyn Fn(&mut Page, &str, &Requests)| {
            routes.iter().for_each(|(route, metrics)| write(page, route, metrics));
        };
        each(&mut page, &|page, route, metrics| {
            page.histogram("vitesse_http_request_seconds", &[("route", route)], &metrics.seconds);
        });
        each(&mut page, &|page, route, metrics| {
            page.count("vitesse_http_request_bytes_total", &[("route", route)], &metrics.bytes);
        });
        for (listener, open) in [("data", &self.data_connections), ("admin", &self.admin_connections)] {
            let open = open.load(Ordering::Relaxed) as f64;
            page.value("vitesse_http_connections", &[("listener", listener)], open);
        }
        let [(_, transform), ..] = &routes;
        let failed = transform.records_failed.get();
        let made = transform.records.get().saturating_sub(failed);
        page.value("vitesse_transform_records_total", &[("outcome", "ok")], made as f64);
        page.value("vitesse_transform_records_total", &[("outcome", "failed")], failed as f64);
        let hooks = [
            ("kept", &self.hooks_taken),
            ("repeated", &self.hooks_repeated),
            ("refused", &self.hooks_refused),
        ];
        for (outcome, counter) in hooks {
            page.count("vitesse_hooks_total", &[("outcome", outcome)], counter);
        }
        for stream in &status.streams {
            page.value("vitesse_hook_inbox_records", &[("stream", &stream.stream)], stream.inbox as f64);
        }
        self.streams_text(&mut page);
        for stream in &status.streams {
            if let Some(lag) = stream.lag_seconds {
                page.value("vitesse_lag_seconds", &[("stream", &stream.stream)], lag);
            }
        }
        for stream in &status.streams {
            page.value("vitesse_dead_letters", &[("stream", &stream.stream)], stream.dead_letters as f64);
        }
        for stream in &status.streams {
            let unknown = stream.unknown_outcomes as f64;
            page.value("vitesse_unknown_outcomes", &[("stream", &stream.stream)], unknown);
        }
        for (stream, side, seconds) in moment.expiries {
            let labels = [("stream", stream.as_str()), ("side", side.name())];
            page.value("vitesse_credential_expires_seconds", &labels, *seconds);
        }
        page.count("vitesse_runs_total", &[("outcome", "ended")], &self.runs_ended);
        page.count("vitesse_runs_total", &[("outcome", "failed")], &self.runs_failed);
        page.histogram("vitesse_run_seconds", &[], &self.run_seconds);
        let running = status.running.as_ref();
        page.value("vitesse_run_active", &[], f64::from(u8::from(running.is_some())));
        page.value("vitesse_run_records", &[], running.map_or(0.0, |running| running.records as f64));
        if let Some(next) = status.next_run {
            page.value("vitesse_next_run_timestamp_seconds", &[], next as f64 / 1000.0);
        }
        page.value("vitesse_held", &[], f64::from(u8::from(status.held)));
        page.count("vitesse_mapping_reloads_total", &[("outcome", "taken")], &self.reloads_taken);
        page.count("vitesse_mapping_reloads_total", &[("outcome", "refused")], &self.reloads_refused);
        page.count("vitesse_alerts_total", &[("outcome", "sent")], &self.alerts_sent);
        page.count("vitesse_alerts_total", &[("outcome", "failed")], &self.alerts_failed);
        page.count("vitesse_store_failures_total", &[], &self.store_failures);
        page.into_text()
    }

    fn streams_text(&self, page: &mut Page) {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let peers: Vec<(&str, Side, &PeerMetrics)> = streams
            .iter()
            .flat_map(|(name, stream)| {
                [
                    (name.as_str(), Side::Source, &stream.source),
                    (name, Side::Destination, &stream.destination),
                ]
            })
            .collect();
        for (name, side, peer) in &peers {
            for (outcome, count) in peer.outcomes() {
                let labels = [("stream", *name), ("side", side.name()), ("outcome", outcome.as_str())];
                page.value("vitesse_peer_requests_total", &labels, count as f64);
            }
        }
        for (name, side, peer) in &peers {
            let labels = [("stream", *name), ("side", side.name())];
            page.histogram("vitesse_peer_request_seconds", &labels, &peer.seconds);
        }
        for (name, side, peer) in &peers {
            let waited = peer.waited.load(Ordering::Relaxed) as f64 / 1e6;
            let labels = [("stream", *name), ("side", side.name())];
            page.value("vitesse_peer_wait_seconds_total", &labels, waited);
        }
        for (name, stream) in &streams {
            page.histogram("vitesse_batch_records", &[("stream", name)], &stream.batches);
        }
        for (name, stream) in &streams {
            for (outcome, count) in outcomes(&stream.counts()) {
                let labels = [("stream", name.as_str()), ("outcome", outcome)];
                page.value("vitesse_records_total", &labels, count as f64);
            }
        }
    }
}

fn outcomes(counts: &Counts) -> [(&'static str, u64); 8] {
    [
        ("read", counts.read),
        ("created", counts.created),
        ("updated", counts.updated),
        ("deleted", counts.deleted),
        ("unchanged", counts.unchanged),
        ("left_out", counts.skipped),
        ("gone", counts.gone),
        ("dead", counts.dead),
    ]
}

/// Metrics as text, one after the other; the lines of one metric stand together.
#[derive(Debug)]
pub struct Page {
    text: String,
    last: &'static str,
    known: &'static [(&'static str, &'static str, &'static str)],
}

impl Page {
    /// An empty one of metrics whose name, kind and meaning are known.
    pub fn new(known: &'static [(&'static str, &'static str, &'static str)]) -> Self {
        Self { text: String::with_capacity(8 << 10), last: "", known }
    }

    /// The whole text.
    pub fn into_text(self) -> String {
        self.text
    }

    /// A counter.
    pub fn count(&mut self, name: &'static str, labels: &[(&str, &str)], counter: &Counter) {
        self.value(name, labels, counter.get() as f64);
    }

    /// A value as it is now.
    pub fn value(&mut self, name: &'static str, labels: &[(&str, &str)], value: f64) {
        self.head(name);
        self.line(name, labels, value);
    }

    /// A histogram, with its buckets, sum and count.
    pub fn histogram(&mut self, name: &'static str, labels: &[(&str, &str)], histogram: &Histogram) {
        self.head(name);
        let (buckets, sum) = histogram.read();
        let (bucket, total) = (format!("{name}_bucket"), buckets.last().map_or(0, |(_, count)| *count));
        for (bound, count) in buckets {
            let bound = if bound.is_infinite() { "+Inf".to_owned() } else { bound.to_string() };
            let all: Vec<_> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self.line(&bucket, &all, count as f64);
        }
        self.line(&format!("{name}_sum"), labels, sum);
        self.line(&format!("{name}_count"), labels, total as f64);
    }

    fn head(&mut self, name: &'static str) {
        if self.last != name {
            self.last = name;
            if let Some((_, kind, doc)) = self.known.iter().find(|(known, ..)| *known == name) {
                // Writing to a String can't fail.
                let _ = write!(self.text, "# HELP {name} {doc}\n# TYPE {name} {kind}\n");
            }
        }
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        for (at, (label, value)) in labels.iter().enumerate() {
            self.text.push(if at == 0 { '{' } else { ',' });
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.text, "{label}=\"{value}\"");
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::service::status::{Running, StreamStatus};

    #[test]
    fn every_metric_is_in_the_text_once_with_its_kind() {
        let metrics = Arc::new(Metrics::new());
        metrics.transform.count(200, Duration::from_micros(70));
        let stream = metrics.stream("a \"b\"\n");
        stream.add(&Counts { read: 3, created: 2, ..Counts::default() });
        stream.destination.outcomes.lock().unwrap().insert("2xx".into(), 2);
        stream.batches.observe(7);
        let status = Status {
            version: "1.2.3".into(),
            next_run: Some(5),
            running: Some(Running { records: 9, ..Running::default() }),
            streams: vec![StreamStatus {
                stream: "s".into(),
                lag_seconds: Some(1.5),
                ..StreamStatus::default()
            }],
            ..Status::default()
        };
        let expiries = [("s".to_owned(), Side::Source, 60.0)];
        let text = metrics.text(&Moment { status: &status, expiries: &expiries });
        let typed: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        let known: BTreeSet<String> =
            METRICS.iter().map(|(name, kind, _)| format!("{name} {kind}")).collect();
        assert_eq!(typed.iter().map(|line| (*line).to_owned()).collect::<BTreeSet<_>>(), known);
        assert_eq!(typed.len(), known.len(), "a metric's lines stand together");
        for line in [
            "vitesse_http_requests_total{route=\"transform\",outcome=\"ok\"} 1",
            "vitesse_http_request_seconds_bucket{route=\"transform\",le=\"0.0001\"} 1",
            "vitesse_http_request_seconds_bucket{route=\"transform\",le=\"+Inf\"} 1",
            "vitesse_records_total{stream=\"a \\\"b\\\"\\n\",outcome=\"created\"} 2",
            "vitesse_lag_seconds{stream=\"s\"} 1.5",
            "vitesse_run_records 9",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
        }
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("vitesse_") && value.parse::<f64>().is_ok(), "{line}");
        }
    }
}

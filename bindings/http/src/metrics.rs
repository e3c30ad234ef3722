//! What is counted, and how Prometheus reads it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use vitesse_core::Result;
use vitesse_core::service::wire::{Counter, Histogram, Page};

use crate::api::OPERATIONS;
use crate::app::App;

/// Every metric: its name, its kind and what it says.
pub const METRICS: &[(&str, &str, &str)] = &[
    ("vitesse_build_info", "gauge", "Always 1; the label says the version."),
    ("vitesse_uptime_seconds", "gauge", "How long the control plane has been running."),
    (
        "vitesse_api_requests_total",
        "counter",
        "Requests, by operation and outcome: ok, refused (the caller's fault), failed (ours). Those that met none are `none`.",
    ),
    ("vitesse_api_request_seconds", "histogram", "How long they took to answer; of streams, to begin with."),
    ("vitesse_api_connections", "gauge", "Connections that are open."),
    ("vitesse_api_followers", "gauge", "Callers who follow events."),
    (
        "vitesse_steps_total",
        "counter",
        "Steps that ended in this process, by step and outcome: succeeded, failed. A test that didn't pass the gate failed.",
    ),
    ("vitesse_step_seconds", "histogram", "How long steps took, by step."),
    ("vitesse_integrations", "gauge", "Integrations, by status."),
    ("vitesse_steps_running", "gauge", "Integrations that a step runs for at this moment."),
    (
        "vitesse_deployments_failed",
        "gauge",
        "Integrations whose deployment failed for good: those at the status `failed`.",
    ),
    ("vitesse_health_score", "gauge", "The score of each integration's last test, from 0 to 100."),
];

/// What is counted here.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// One for each operation, in the table's order, and one for requests that met none.
    routes: Vec<Route>,
    pub(crate) connections: AtomicI64,
}

#[derive(Debug)]
struct Route {
    id: &'static str,
    answered: Counter,
    refused: Counter,
    failed: Counter,
    seconds: Histogram,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let route = |id: &'static str| Route {
            id,
            answered: Counter::default(),
            refused: Counter::default(),
            failed: Counter::default(),
            seconds: Histogram::short_times(),
        };
        let routes = OPERATIONS.iter().map(|operation| operation.id).chain(["none"]).map(route).collect();
        Self { routes, connections: AtomicI64::new(0) }
    }

    pub(crate) fn count(&self, operation: Option<&'static str>, status: u16, took: Duration) {
        let id = operation.unwrap_or("none");
        let Some(route) = self.routes.iter().find(|route| route.id == id) else { return };
        let counter = match status {
            0..400 => &route.answered,
            400..500 => &route.refused,
            _ => &route.failed,
        };
        counter.add(1);
        route.seconds.observe(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}

impl App {
    /// Everything, as Prometheus reads it.
    pub(crate) async fn metrics_text(&self) -> Result<String> {
        let (sum, scores) = self.vitesse.figures().await?;
        let mut page = Page::new(METRICS);
        page.value("vitesse_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        page.value("vitesse_uptime_seconds", &[], self.started.elapsed().as_secs_f64());
        // What was never asked is left out: fifty histograms of nothing help nobody.
        let routes = self.metrics.routes.iter();
        let asked: Vec<&Route> = routes
            .filter(|route| route.answered.get() + route.refused.get() + route.failed.get() > 0)
            .collect();
        for route in &asked {
            for (outcome, counter) in
                [("ok", &route.answered), ("refused", &route.refused), ("failed", &route.failed)]
            {
                page.count(
                    "vitesse_api_requests_total",
                    &[("operation", route.id), ("outcome", outcome)],
                    counter,
                );
            }
        }
        for route in &asked {
            page.histogram("vitesse_api_request_seconds", &[("operation", route.id)], &route.seconds);
        }
        let connections = self.metrics.connections.load(Ordering::Relaxed) as f64;
        page.value("vitesse_api_connections", &[], connections);
        let following = self.options.followers.saturating_sub(self.followers.available_permits());
        page.value("vitesse_api_followers", &[], following as f64);
        for step in self.vitesse.step_figures() {
            for (outcome, counter) in [("succeeded", &step.succeeded), ("failed", &step.failed)] {
                page.count("vitesse_steps_total", &[("step", step.step), ("outcome", outcome)], counter);
            }
        }
        for step in self.vitesse.step_figures() {
            page.histogram("vitesse_step_seconds", &[("step", step.step)], &step.seconds);
        }
        for (status, count) in &sum.by_status {
            page.value("vitesse_integrations", &[("status", status)], *count as f64);
        }
        page.value("vitesse_steps_running", &[], sum.steps_running as f64);
        let failed = sum.by_status.get("failed").copied().unwrap_or(0);
        page.value("vitesse_deployments_failed", &[], failed as f64);
        for score in &scores {
            let id = score.id.to_string();
            page.value("vitesse_health_score", &[("integration", &id), ("name", &score.name)], score.overall);
        }
        Ok(page.into_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An alert on a metric that nobody counts would never ring.
    #[test]
    fn every_alert_asks_for_a_metric_that_is_there() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/how-to/vitesse-alerts.yaml");
        let rules = std::fs::read_to_string(file).unwrap();
        let mut asked = 0;
        for (at, _) in rules.match_indices("vitesse_") {
            let name: String =
                rules[at..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let known = |known: &&(&str, &str, &str)| {
                known.0 == name || (known.1 == "histogram" && name == format!("{}_bucket", known.0))
            };
            assert!(METRICS.iter().any(|metric| known(&metric)), "{name}");
            asked += 1;
        }
        assert!(asked > 5);
    }

    #[test]
    fn requests_are_counted_by_operation_and_outcome() {
        let metrics = Metrics::new();
        metrics.count(Some("health"), 200, Duration::from_micros(80));
        metrics.count(Some("health"), 404, Duration::from_micros(80));
        metrics.count(None, 500, Duration::from_micros(80));
        let of = |id: &str| {
            let route = metrics.routes.iter().find(|route| route.id == id).unwrap();
            (route.answered.get(), route.refused.get(), route.failed.get())
        };
        assert_eq!((of("health"), of("none")), ((1, 1, 0), (0, 0, 1)));
    }
}

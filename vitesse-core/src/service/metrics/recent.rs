use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::service::status::HealthInputs;

/// How many requests are looked at.
const REMEMBERED: usize = 1000;

/// The latest requests to both APIs: how long each took, and how it failed if it did.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<(Duration, Option<String>)>);

impl Recent {
    pub(super) fn push(&mut self, took: Duration, failure: Option<String>) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((took, failure));
    }

    pub(super) fn health(&self) -> HealthInputs {
        let count = self.0.len();
        if count == 0 {
            return HealthInputs::default();
        }
        let mut error_distribution = BTreeMap::new();
        for failure in self.0.iter().filter_map(|(_, failure)| failure.as_ref()) {
            *error_distribution.entry(failure.clone()).or_default() += 1;
        }
        let failed: u64 = error_distribution.values().sum();
        let mut times: Vec<Duration> = self.0.iter().map(|(took, _)| *took).collect();
        times.sort_unstable();
        // The least time that at least 95 of a hundred didn't exceed.
        let at = (count * 95).div_ceil(100).saturating_sub(1);
        let p95 = times.get(at).copied().unwrap_or_default();
        HealthInputs {
            success_rate: (count as f64 - failed as f64) * 100.0 / count as f64,
            p95_latency: p95.as_secs_f64() * 1000.0,
            error_distribution,
            requests: count as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_count() {
        let mut recent = Recent::default();
        assert_eq!(recent.health().success_rate, 100.0);
        (0..REMEMBERED).for_each(|_| recent.push(Duration::from_secs(9), Some("timeout".into())));
        for n in 1..=REMEMBERED as u64 {
            let failure = (n % 4 == 0).then(|| "http_500".to_owned());
            recent.push(Duration::from_millis(n), failure);
        }
        let health = recent.health();
        assert_eq!((health.success_rate, health.p95_latency, health.requests), (75.0, 950.0, 1000));
        assert_eq!(health.error_distribution, BTreeMap::from([("http_500".to_owned(), 250)]));
    }
}

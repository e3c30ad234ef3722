use std::time::Duration;

use thread_local::ThreadLocal;

use super::instruments::{Counter, Histogram};
use super::micros;

/// The requests to one place. Each thread counts for itself and whoever reads adds up, so that threads have nothing to
/// agree on while they answer.
#[derive(Debug, Default)]
pub(in crate::service) struct Route(ThreadLocal<Requests>);

/// What is counted of requests.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) answered: Counter,
    /// The caller's fault, and ours.
    pub(super) refused: Counter,
    pub(super) failed: Counter,
    pub(super) bytes: Counter,
    /// Records that were taken, and those of them that failed.
    pub(super) records: Counter,
    pub(super) records_failed: Counter,
    pub(super) seconds: Histogram,
}

impl Route {
    /// Counts a request by its status.
    pub(in crate::service) fn count(&self, status: u16, took: Duration) {
        let own = self.own();
        match status {
            ..400 => own.answered.add_alone(1),
            400..500 => own.refused.add_alone(1),
            _ => own.failed.add_alone(1),
        }
        own.seconds.observe_alone(micros(took));
    }

    /// Counts what came with a request.
    pub(in crate::service) fn came(&self, bytes: usize) {
        self.own().bytes.add_alone(bytes as u64);
    }

    /// Counts records that were taken, and how many of them failed.
    pub(in crate::service) fn took(&self, records: u64, failed: u64) {
        let own = self.own();
        own.records.add_alone(records);
        own.records_failed.add_alone(failed);
    }

    /// What all threads counted.
    pub(super) fn total(&self) -> Requests {
        let total = Requests::new();
        for one in &self.0 {
            total.answered.add_alone(one.answered.get());
            total.refused.add_alone(one.refused.get());
            total.failed.add_alone(one.failed.get());
            total.bytes.add_alone(one.bytes.get());
            total.records.add_alone(one.records.get());
            total.records_failed.add_alone(one.records_failed.get());
            total.seconds.absorb(&one.seconds);
        }
        total
    }

    fn own(&self) -> &Requests {
        self.0.get_or(Requests::new)
    }
}

impl Requests {
    fn new() -> Self {
        Self {
            answered: Counter::default(),
            refused: Counter::default(),
            failed: Counter::default(),
            bytes: Counter::default(),
            records: Counter::default(),
            records_failed: Counter::default(),
            seconds: Histogram::short_times(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_count_is_added_up_even_of_those_that_ended() {
        let route = Route::default();
        for _ in 0..3 {
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for at in 0..1000 {
                            route.count([200, 204, 400, 503][at % 4], Duration::from_micros(70));
                            route.came(10);
                            route.took(2, 1);
                        }
                    });
                }
            });
        }
        let total = route.total();
        assert_eq!((total.answered.get(), total.refused.get(), total.failed.get()), (6000, 3000, 3000));
        assert_eq!((total.bytes.get(), total.records.get()), (120_000, 24_000));
        assert_eq!(total.records_failed.get(), 12_000);
        let (buckets, sum) = total.seconds.read();
        assert_eq!((buckets[0].1, buckets[1].1, buckets.last().unwrap().1), (0, 12_000, 12_000));
        assert!((sum - 0.84).abs() < 1e-9, "{sum}");
    }
}

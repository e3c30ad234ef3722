use std::sync::atomic::{AtomicU64, Ordering};

/// Counts up.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The same where nobody else adds to it at the same time: it is lighter, and what others add would be lost.
    pub(super) fn add_alone(&self, more: u64) {
        self.0.store(self.get().wrapping_add(more), Ordering::Relaxed);
    }

    /// What it came to.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts values by how large they are.
#[derive(Debug)]
pub struct Histogram {
    /// The greatest value of each bucket but the last, which has no end.
    bounds: &'static [u64],
    /// What a bound is divided by when it is shown.
    unit: f64,
    buckets: Box<[Counter]>,
    sum: Counter,
}

/// Microseconds from 50 to 10 s: of requests.
const SHORT: &[u64] = &[
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];
/// Microseconds from 100 ms to 6 hours: of runs.
const LONG: &[u64] = &[
    100_000,
    1_000_000,
    5_000_000,
    15_000_000,
    60_000_000,
    300_000_000,
    900_000_000,
    3_600_000_000,
    21_600_000_000,
];
/// Microseconds from 1 ms to 10 minutes: of steps.
const WORK: &[u64] = &[
    1_000,
    5_000,
    25_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    180_000_000,
    600_000_000,
];
/// Records of a write.
const SIZES: &[u64] = &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000];

impl Histogram {
    /// Of times of requests, observed in microseconds and shown in seconds.
    pub fn short_times() -> Self {
        Self::new(SHORT, 1e6)
    }

    /// Of times of runs.
    pub fn long_times() -> Self {
        Self::new(LONG, 1e6)
    }

    /// Of times of work that people wait for.
    pub fn work_times() -> Self {
        Self::new(WORK, 1e6)
    }

    /// Of numbers of records.
    pub(super) fn sizes() -> Self {
        Self::new(SIZES, 1.0)
    }

    fn new(bounds: &'static [u64], unit: f64) -> Self {
        let buckets = (0..=bounds.len()).map(|_| Counter::default()).collect();
        Self { bounds, unit, buckets, sum: Counter::default() }
    }

    /// Counts a value.
    pub fn observe(&self, value: u64) {
        if let Some(bucket) = self.bucket(value) {
            bucket.add(1);
        }
        self.sum.add(value);
    }

    /// The same where nobody else counts at the same time.
    pub(super) fn observe_alone(&self, value: u64) {
        if let Some(bucket) = self.bucket(value) {
            bucket.add_alone(1);
        }
        self.sum.add_alone(value);
    }

    /// Adds what another of the same kind counted, where nobody else does.
    pub(super) fn absorb(&self, other: &Self) {
        for (own, other) in self.buckets.iter().zip(&other.buckets) {
            own.add_alone(other.get());
        }
        self.sum.add_alone(other.sum.get());
    }

    fn bucket(&self, value: u64) -> Option<&Counter> {
        let at = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        self.buckets.get(at)
    }

    /// For each bucket its bound as it is shown and how many values are no greater; then their sum.
    pub fn read(&self) -> (Vec<(f64, u64)>, f64) {
        let mut below = 0;
        let bounds = self.bounds.iter().map(|bound| *bound as f64 / self.unit).chain([f64::INFINITY]);
        let buckets = bounds.zip(&self.buckets).map(|(bound, count)| {
            below += count.get();
            (bound, below)
        });
        (buckets.collect(), self.sum.get() as f64 / self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_every_bucket_from_its_own_on() {
        let sizes = Histogram::sizes();
        [1, 3, 5, 6, 70_000].into_iter().for_each(|value| sizes.observe(value));
        let (buckets, sum) = sizes.read();
        let below = |bound: f64| buckets.iter().find(|(known, _)| *known == bound).unwrap().1;
        assert_eq!((below(1.0), below(2.0), below(5.0), below(10.0), below(5000.0)), (1, 1, 3, 4, 4));
        assert_eq!((below(f64::INFINITY), sum), (5, 70_015.0));
        assert!(SHORT.is_sorted() && WORK.is_sorted() && LONG.is_sorted() && SIZES.is_sorted());
    }
}

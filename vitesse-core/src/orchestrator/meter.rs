//! How the steps of this process went, and what they took.

use std::time::Duration;

use crate::service::wire::{Counter, Histogram};

/// What is counted of the steps in this process; the whiteboard keeps what all processes did.
#[derive(Debug)]
pub(super) struct Meter(Vec<StepFigures>);

/// What is counted of one kind of step.
#[derive(Debug)]
pub struct StepFigures {
    /// The step: one of the five, or what else holds a lease, such as `review`.
    pub step: &'static str,
    /// How often it came to its end as asked.
    pub succeeded: Counter,
    /// How often it failed, tests that did not pass the gate included.
    pub failed: Counter,
    /// How long it took.
    pub seconds: Histogram,
}

/// Everything that is counted.
const STEPS: &[&str] = &[
    "create", "ingest", "map", "review", "test", "deploy", "pause", "resume", "rollback", "update", "delete",
];

impl Meter {
    pub(super) fn new() -> Self {
        let figures = |step: &&'static str| StepFigures {
            step,
            succeeded: Counter::default(),
            failed: Counter::default(),
            seconds: Histogram::work_times(),
        };
        Self(STEPS.iter().map(figures).collect())
    }

    pub(super) fn figures(&self) -> &[StepFigures] {
        &self.0
    }

    pub(super) fn count(&self, step: &str, succeeded: bool, took: Duration) {
        let Some(figures) = self.0.iter().find(|figures| figures.step == step) else { return };
        let counter = if succeeded { &figures.succeeded } else { &figures.failed };
        counter.add(1);
        figures.seconds.observe(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}

/// What this process has used so far: its processor time, and the memory it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    cpu: Duration,
}

impl Usage {
    pub(super) fn now() -> Self {
        Self { cpu: cpu() }
    }

    /// Processor time since then, in milliseconds.
    pub(super) fn cpu_ms(self) -> f64 {
        cpu().saturating_sub(self.cpu).as_secs_f64() * 1000.0
    }

    /// Memory that is held at the moment, in MiB; none where the system doesn't tell.
    pub(super) fn memory_mb() -> Option<f64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kib| kib / 1024.0)
    }
}

fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let (seconds, nanos) =
        (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_by_how_they_ended() {
        let meter = Meter::new();
        meter.count("map", true, Duration::from_millis(3));
        meter.count("map", false, Duration::from_secs(2));
        meter.count("no such step", true, Duration::ZERO);
        let map = meter.figures().iter().find(|figures| figures.step == "map").unwrap();
        assert_eq!((map.succeeded.get(), map.failed.get()), (1, 1));
        let (buckets, sum) = map.seconds.read();
        assert_eq!((buckets.last().unwrap().1, sum), (2, 2.003));
    }

    #[test]
    fn work_takes_processor_time_and_memory() {
        let before = Usage::now();
        let mut x = 1_u64;
        while before.cpu_ms() < 1.0 {
            x = std::hint::black_box(x.wrapping_mul(31));
        }
        assert!(before.cpu_ms() >= 1.0);
        assert!(!cfg!(target_os = "linux") || Usage::memory_mb().is_some_and(|mb| mb > 0.5));
    }
}

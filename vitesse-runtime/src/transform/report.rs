use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::args::Transform;

/// What is told on stderr: progress on a terminal, and a summary.
pub(crate) struct Report {
    counts: Arc<Counts>,
    quiet: bool,
    started: Instant,
    ticker: Option<(Arc<AtomicBool>, std::thread::JoinHandle<()>)>,
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) records: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Report {
    /// `total` is how many bytes there are to read, and the count of those that were.
    pub(crate) fn new(options: &Transform, total: Option<(u64, Arc<AtomicU64>)>) -> Self {
        let (counts, started) = (Arc::<Counts>::default(), Instant::now());
        let watched = !options.quiet && std::io::stderr().is_terminal();
        let ticker = watched.then(|| {
            let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::clone(&counts));
            let stopped = Arc::clone(&stop);
            let thread = std::thread::spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    std::thread::park_timeout(Duration::from_millis(200));
                    let line = line(&counts, started, total.as_ref());
                    let _ = write!(std::io::stderr(), "\r\x1b[2K{line}");
                }
                let _ = write!(std::io::stderr(), "\r\x1b[2K");
            });
            (stop, thread)
        });
        Self { counts, quiet: options.quiet, started, ticker }
    }

    pub(crate) fn add(&self, records: u64, failed: u64, bytes: u64) {
        self.counts.records.fetch_add(records, Ordering::Relaxed);
        self.counts.failed.fetch_add(failed, Ordering::Relaxed);
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes the progress off the terminal.
    pub(crate) fn finish(&self) {
        if let Some((stop, thread)) = &self.ticker {
            stop.store(true, Ordering::Relaxed);
            thread.thread().unpark();
            while !thread.is_finished() {
                std::thread::yield_now();
            }
        }
    }

    pub(crate) fn summary(&self) {
        if !self.quiet {
            crate::say(&line(&self.counts, self.started, None));
        }
    }
}

fn line(counts: &Counts, started: Instant, total: Option<&(u64, Arc<AtomicU64>)>) -> String {
    let records = counts.records.load(Ordering::Relaxed);
    let failed = counts.failed.load(Ordering::Relaxed);
    let bytes = counts.bytes.load(Ordering::Relaxed);
    let seconds = started.elapsed().as_secs_f64().max(1e-6);
    let megabytes = bytes as f64 / 1e6;
    let mut line = format!(
        "{records} records, {failed} failed, {megabytes:.1} MB in {seconds:.2} s ({:.0} MB/s)",
        megabytes / seconds
    );
    if let Some((total, read)) = total {
        let read = read.load(Ordering::Relaxed).max(1);
        let left = seconds * (total.saturating_sub(read)) as f64 / read as f64;
        line.push_str(&format!(", {:.0} s left", left.ceil()));
    }
    line
}

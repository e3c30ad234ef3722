//! Ingesting an API description against `serde_json` reading the same bytes into a `Value`.
//!
//! `cargo bench -p vitesse-benches --bench ingest -- FILE...` prints, for each file, the best of several
//! runs of each, in blocks, and the greatest memory held beside the document itself. Times are of the processor,
//! so that others on the machine count little.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints its measurements")]
#![allow(unsafe_code, reason = "a counting allocator")]

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use vitesse_core::ingestor::{ReadOptions, read};

/// What the programs that ship use.
static BASE: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on unchanged; only the sizes are counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { BASE.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { BASE.dealloc(ptr, layout) }
    }

    // Without this a growing list would be copied each time, which the allocator mostly spares.
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size >= layout.size() {
            let more = size - layout.size();
            PEAK.fetch_max(NOW.fetch_add(more, Relaxed) + more, Relaxed);
        } else {
            NOW.fetch_sub(layout.size() - size, Relaxed);
        }
        // SAFETY: the caller keeps the contract.
        unsafe { BASE.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How long this process has run on a processor.
fn processor_time() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).try_into().unwrap()
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, f64) {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let start = processor_time();
    let result = black_box(work());
    let took = processor_time() - start;
    let peak = PEAK.load(Relaxed) - before;
    drop(result);
    (took, peak as f64 / 1e6)
}

fn keep(best: &mut (Duration, f64), run: (Duration, f64)) {
    if run.0 < best.0 {
        *best = run;
    }
}

fn main() {
    let files: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with("--")).collect();
    println!(
        "{:<28} {:>7} {:>10} {:>10} {:>6} {:>10} {:>10} {:>6}",
        "document", "MB", "Value ms", "ingest ms", "ratio", "Value MB", "ingest MB", "x doc"
    );
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let runs = (60_000_000 / bytes.len()).clamp(4, 60);
        let mut best = [(Duration::MAX, 0.0); 2];
        // In blocks: a freed `Value` leaves a heap of small holes that would slow whoever comes next.
        for _ in 0..3 {
            for _ in 0..runs {
                keep(&mut best[0], timed(|| serde_json::from_slice::<serde_json::Value>(&bytes).ok()));
            }
            for _ in 0..runs {
                keep(&mut best[1], timed(|| read(&bytes, &ReadOptions::default()).unwrap()));
            }
        }
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let size = bytes.len() as f64 / 1e6;
        let name = file.rsplit('/').next().unwrap_or(&file);
        println!(
            "{name:<28} {size:>7.2} {:>10.2} {:>10.2} {:>6.2} {:>10.1} {:>10.1} {:>6.2}",
            ms(best[0].0),
            ms(best[1].0),
            ms(best[1].0) / ms(best[0].0),
            best[0].1,
            best[1].1,
            (best[1].1 + size) / size
        );
    }
}

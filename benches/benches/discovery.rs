//! Searching the built-in catalogue, and reading it.
//!
//! `cargo bench -p vitesse-benches --bench discovery`

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a program that prints its measurements"
)]

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use vitesse_core::discovery::Discovery;

fn search(criterion: &mut Criterion) {
    // Once in a process; criterion could only measure it warm.
    let start = Instant::now();
    let discovery = Discovery::builtin().unwrap();
    let opened = start.elapsed();
    let found = discovery.discover("send text messages", 10).unwrap();
    println!("opened: {opened:?}; with the first search, of {} results: {:?}", found.len(), start.elapsed());
    let mut group = criterion.benchmark_group("discover");
    for query in ["stripe", "twillio", "send text messages", "online shop products and orders"] {
        group.bench_function(query, |bencher| {
            bencher.iter(|| discovery.discover(black_box(query), 10).unwrap())
        });
    }
    group.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);

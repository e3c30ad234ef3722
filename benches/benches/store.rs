//! Commits and reads a second, by backend, with one writer and with eight.
//!
//! PostgreSQL is measured on the server `VITESSE_BENCH_POSTGRES` names; without it, it is left out.
//! `.ci/parts postgres start bench` starts one with fsync on and prints its URL.

#![expect(clippy::expect_used, reason = "a bench that can't go on ends with the reason")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vitesse_core::store::{Batch, Expect, Key, Store, open};

const DOCUMENTS: u64 = 1000;

fn key(n: u64) -> Key {
    Key::new("bench", "documents", format!("{:06}", n % DOCUMENTS))
}

/// Spreads `count` operations over `tasks` and gives the time until the last is done.
async fn run(store: &Arc<dyn Store>, tasks: u64, count: u64, write: bool) -> Duration {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let start = Instant::now();
    let work = |store: Arc<dyn Store>, share: u64| async move {
        for _ in 0..share {
            let key = key(NEXT.fetch_add(1, Ordering::Relaxed));
            if write {
                store.commit(Batch::new().put(key, Expect::Any, vec![7; 200])).await.expect("commit");
            } else {
                store.get(&key).await.expect("get");
            }
        }
    };
    let share = |task: u64| count / tasks + u64::from(task < count % tasks);
    let tasks: Vec<_> = (0..tasks).map(|task| tokio::spawn(work(store.clone(), share(task)))).collect();
    for task in tasks {
        task.await.expect("a task ends well");
    }
    start.elapsed()
}

fn benches(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let file = format!("embedded:{}", folder.path().join("bench.redb").display());
    let urls = ["memory:".to_owned(), file].into_iter().chain(std::env::var("VITESSE_BENCH_POSTGRES").ok());
    for url in urls {
        let store = runtime.block_on(open(&url, &Default::default())).expect("the store opens");
        runtime.block_on(async {
            let fill = |batch: Batch, n| batch.put(key(n), Expect::Any, vec![7; 200]);
            store.commit((0..DOCUMENTS).fold(Batch::new(), fill)).await.expect("commit");
        });
        let mut group = criterion.benchmark_group(format!("store/{}", store.backend()));
        group.throughput(Throughput::Elements(1)).sample_size(10).measurement_time(Duration::from_secs(2));
        group.warm_up_time(Duration::from_millis(500));
        for (name, write) in [("commits", true), ("reads", false)] {
            for tasks in [1, 8] {
                group.bench_function(format!("{name}/{tasks}"), |bencher| {
                    bencher.iter_custom(|count| runtime.block_on(run(&store, tasks, count, write)));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(store, benches);
criterion_main!(store);

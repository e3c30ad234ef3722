//! Several processes with one state in PostgreSQL: one reads at a time, and one that lost its lease writes no more.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use vitesse_core::ErrorKind;
use vitesse_core::progress::Progress;
use vitesse_core::store::{Batch, Expect, Key, PostgresStore, Scan};

use crate::parts;
use crate::peer::Step;
use crate::world::{Kind, World, by_offset, no_fault, param, person};

async fn world(
    database: &parts::Database,
    source: impl Fn(&crate::peer::Received) -> Vec<Step> + Send + Sync + 'static,
) -> World {
    let mut world = World::new(Kind::Keys, source, no_fault).await;
    world.store = Arc::new(PostgresStore::open(&database.url, Default::default()).await.unwrap());
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_is_read_once_at_a_time() {
    let database = parts::Database::new().await;
    let people: Vec<Value> = (0..200).map(person).collect();
    let mut world = world(&database, move |request| by_offset(&people, request)).await;
    world.options.lease = Duration::from_secs(20);
    let (one, other) = (world.sync(), world.sync());
    let (nobody, none) = (Progress::none(), Progress::none());
    let (one, other) = tokio::join!(one.run(&nobody), other.run(&none));
    let (one, other) = (one.unwrap().total(), other.unwrap().total());
    // Whoever came second waited, and found everything there.
    assert_eq!(
        (one.created + other.created, one.unchanged + other.unchanged),
        (200, 200),
        "{one:?} {other:?}"
    );
    assert_eq!(world.made().len(), 200);
    let offsets: Vec<_> =
        world.source.received().iter().map(|request| param(request, "offset").unwrap()).collect();
    let (first, second) = offsets.split_at(10);
    assert_eq!(first, second, "one read came after the other: {offsets:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_lost_its_lease_commits_nothing_more() {
    let database = parts::Database::new().await;
    let people: Vec<Value> = (0..100).map(person).collect();
    let gate = Arc::new(Mutex::new(true));
    let closed = Arc::clone(&gate);
    let world = world(&database, move |request| {
        // The third page is held back until the lease is somebody else's.
        tokio::task::block_in_place(|| {
            while param(request, "offset").as_deref() == Some("40") && *closed.lock().unwrap() {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        by_offset(&people, request)
    })
    .await;
    let sync = world.sync();
    let running = tokio::spawn(async move { sync.run(&Progress::none()).await });
    let ledger = Scan::new("sync/test", "ledger/people");
    let known = async || vitesse_core::store::collect_ids(&*world.store, ledger.clone()).await.unwrap().len();
    while known().await < 40 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Somebody else takes it, as it looks when this one was stopped for longer than its lease lasted.
    let key = Key::new("sync/test", "lease/all", "reader");
    let held = serde_json::json!({"holder": "another", "until": i64::MAX}).to_string();
    world.store.commit(Batch::new().put(key.clone(), Expect::Any, held.into_bytes())).await.unwrap();
    *gate.lock().unwrap() = false;
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("took the lease over"), "{error}");
    assert_eq!(known().await, 40, "nothing was committed after it was lost");
    // The lease of the other one is not given back by this one; when it is free, everything goes on.
    assert!(world.store.get(&key).await.unwrap().is_some());
    world.store.commit(Batch::new().delete(key, Expect::Any)).await.unwrap();
    let counts = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!((world.made().len(), counts.dead), (100, 0), "{counts:?}");
}

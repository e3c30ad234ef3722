use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::store_behaviour::{put, space};
use crate::error::ErrorKind;
use crate::store::{Batch, Expect, Key, Scan, Store};

const WRITERS: u64 = 8;

async fn number(store: &dyn Store, key: &Key) -> (u64, Expect) {
    match store.get(key).await.expect("get") {
        Some(document) => {
            let number = String::from_utf8(document.value).unwrap().parse().unwrap();
            (number, Expect::At(document.revision))
        }
        None => (0, Expect::Absent),
    }
}

/// Eight writers count on one document: every acknowledged step is in the sum.
pub(super) async fn no_update_is_lost(store: &Arc<dyn Store>) {
    const STEPS: u64 = 25;
    let key = Key::new(space(), "counters", "a");
    let count = |store: Arc<dyn Store>, key: Key| async move {
        let mut done = 0;
        while done < STEPS {
            let (number, expect) = number(&*store, &key).await;
            match put(&*store, &key, expect, (number + 1).to_string().as_bytes()).await {
                Ok(_) => done += 1,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
            }
        }
    };
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(count(store.clone(), key.clone()))).collect();
    for writer in writers {
        writer.await.expect("a writer ends well");
    }
    assert_eq!(number(&**store, &key).await.0, WRITERS * STEPS, "an update was lost");
}

/// Two doctors, both on call, each leaves if the other stays: checks must not let both leave.
pub(super) async fn no_write_skew(store: &Arc<dyn Store>) {
    let space = space();
    for round in 0..40 {
        let doctor = |who: u32| Key::new(&space, "on-call", format!("{round}-{who}"));
        let both = Batch::new().put(doctor(0), Expect::Absent, b"on".to_vec()).put(
            doctor(1),
            Expect::Absent,
            b"on".to_vec(),
        );
        let revision = store.commit(both).await.unwrap();
        let leave = |who: u32| {
            let store = store.clone();
            let batch = Batch::new()
                .delete(doctor(who), Expect::At(revision))
                .check(doctor(1 - who), Expect::At(revision));
            tokio::spawn(async move { store.commit(batch).await })
        };
        let (a, b) = (leave(0), leave(1));
        let left = [a.await.unwrap(), b.await.unwrap()];
        for refused in left.iter().filter_map(|result| result.as_ref().err()) {
            assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused:?}");
        }
        assert_eq!(left.iter().filter(|result| result.is_ok()).count(), 1, "exactly one leaves: {left:?}");
    }
}

/// Money moves between accounts in atomic commits of two keys; none appears or vanishes.
pub(super) async fn transfers_keep_the_sum(store: &Arc<dyn Store>) {
    const ACCOUNTS: u64 = 5;
    let space = space();
    let account = |n: u64| Key::new(&space, "accounts", n.to_string());
    let open =
        (0..ACCOUNTS).fold(Batch::new(), |batch, n| batch.put(account(n), Expect::Absent, b"100".to_vec()));
    store.commit(open).await.unwrap();
    let transfer = |store: Arc<dyn Store>, space: String, writer: u64| async move {
        for step in 0..20 {
            let account = |n: u64| Key::new(&space, "accounts", (n % ACCOUNTS).to_string());
            // Opposite directions, so that locks taken in the order of the batch would deadlock.
            let (from, to) = if writer.is_multiple_of(2) { (step, step + 1) } else { (step + 1, step) };
            let ((a, at_a), (b, at_b)) =
                (number(&*store, &account(from)).await, number(&*store, &account(to)).await);
            if a == 0 {
                continue;
            }
            let batch = Batch::new().put(account(from), at_a, (a - 1).to_string().into_bytes()).put(
                account(to),
                at_b,
                (b + 1).to_string().into_bytes(),
            );
            if let Err(error) = store.commit(batch).await {
                assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
            }
        }
    };
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| tokio::spawn(transfer(store.clone(), space.clone(), writer))).collect();
    for writer in writers {
        writer.await.expect("a writer ends well");
    }
    let mut sum = 0;
    for n in 0..ACCOUNTS {
        sum += number(&**store, &account(n)).await.0;
    }
    assert_eq!(sum, ACCOUNTS * 100);
}

/// While others insert, change and delete around them, every lasting document is seen once, in order.
pub(super) async fn pages_are_stable_under_writes(store: &Arc<dyn Store>) {
    let space = space();
    let lasting: Vec<_> = (0..60).map(|n| format!("{n:04}-lasting")).collect();
    for id in &lasting {
        put(&**store, &Key::new(&space, "c", id), Expect::Any, b"0").await.unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let disturb = |store: Arc<dyn Store>, space: String, stop: Arc<AtomicBool>, writer: u64| async move {
        let mut step = writer;
        while !stop.load(Ordering::Relaxed) {
            step += 7;
            let passing = Key::new(&space, "c", format!("{:04}-passing-{writer}", step % 60));
            let changed = Key::new(&space, "c", format!("{:04}-lasting", step % 60));
            put(&*store, &passing, Expect::Any, b"x").await.unwrap();
            put(&*store, &changed, Expect::Any, step.to_string().as_bytes()).await.unwrap();
            store.commit(Batch::new().delete(passing, Expect::Any)).await.unwrap();
        }
    };
    let writers: Vec<_> =
        (0..4).map(|n| tokio::spawn(disturb(store.clone(), space.clone(), stop.clone(), n))).collect();
    for limit in [1, 3, 7, 50] {
        let mut seen: Vec<String> = Vec::new();
        let mut scan = Scan::new(&space, "c").limit(limit);
        loop {
            let page = store.scan(&scan).await.unwrap();
            seen.extend(page.documents.into_iter().map(|document| document.key.id));
            match page.next {
                Some(next) => scan.after = Some(next),
                None => break,
            }
        }
        assert!(seen.is_sorted_by(|a, b| a < b), "out of order or twice: {seen:?}");
        seen.retain(|id| id.ends_with("lasting"));
        assert_eq!(seen, lasting, "limit {limit}");
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("a writer ends well");
    }
}

/// A caller that goes away in the middle leaves all of its commit, or nothing.
pub(super) async fn a_dropped_commit_is_whole(store: &Arc<dyn Store>) {
    let space = space();
    for round in 0..60u64 {
        let key = |n: u32| Key::new(&space, "c", format!("{round}-{n}"));
        let batch = (0..4).fold(Batch::new(), |batch, n| batch.put(key(n), Expect::Absent, vec![1; 3000]));
        let after = Duration::from_micros(round * 40);
        let dropped = tokio::time::timeout(after, store.commit(batch)).await.is_err();
        // The same keys again: whatever the first call does, it has done it before this one is answered, or
        // this one conflicts; either way all four agree from here on.
        let again = (0..4).fold(Batch::new(), |batch, n| batch.put(key(n), Expect::Absent, vec![2; 10]));
        let again = store.commit(again).await;
        if let Err(error) = &again {
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        let mut found = Vec::new();
        for n in 0..4 {
            found.push(
                store.get(&key(n)).await.unwrap().map(|document| (document.revision, document.value.len())),
            );
        }
        let expected = if again.is_ok() { 10 } else { 3000 };
        assert!(dropped || again.is_err(), "round {round}: an acknowledged commit was not there");
        assert!(
            found.iter().all(|one| *one == found[0] && one.is_some_and(|(_, bytes)| bytes == expected)),
            "round {round}: half a commit: {found:?}"
        );
    }
}

use std::sync::Arc;

use super::store_concurrency as concurrency;
use crate::error::ErrorKind;
use crate::store::{
    Batch, Expect, Key, MAX_KEY_BYTES, MAX_VALUE_BYTES, Page, Revision, Scan, Store, collect_ids,
};

/// Holds a store to the contract in the docs of [`Store`].
///
/// It needs a Tokio runtime with several threads, and works in namespaces of its own with random names, so
/// the store may hold other things and may be used at the same time.
///
/// ```
/// use std::sync::Arc;
/// use vitesse_core::{store::MemoryStore, testing::store_behaviour};
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
/// store_behaviour(Arc::new(MemoryStore::new())).await;
/// # });
/// ```
///
/// # Panics
/// At the first promise that is broken, saying which.
pub async fn store_behaviour(store: Arc<dyn Store>) {
    store.ping().await.expect("ping answers");
    reads_what_was_written(&*store).await;
    expectations_decide(&*store).await;
    a_batch_is_all_or_nothing(&*store).await;
    a_key_is_named_once(&*store).await;
    limits_are_refused_not_truncated(&*store).await;
    revisions_only_grow(&*store).await;
    checks_alone_write_nothing(&*store).await;
    ids_may_be_anything(&*store).await;
    scans_are_ordered_and_paged(&*store).await;
    prefixes_bound_a_scan(&*store).await;
    namespaces_are_apart(&*store).await;
    large_documents_and_page_bytes(&*store).await;
    many_writes_in_one_commit(&*store).await;
    concurrency::no_update_is_lost(&store).await;
    concurrency::no_write_skew(&store).await;
    concurrency::transfers_keep_the_sum(&store).await;
    concurrency::pages_are_stable_under_writes(&store).await;
    concurrency::a_dropped_commit_is_whole(&store).await;
}

/// A namespace nobody else has.
pub(super) fn space() -> String {
    format!("suite-{}", uuid::Uuid::new_v4())
}

pub(super) async fn put(
    store: &dyn Store,
    key: &Key,
    expect: Expect,
    value: &[u8],
) -> crate::Result<Revision> {
    store.commit(Batch::new().put(key.clone(), expect, value.to_vec())).await
}

async fn value(store: &dyn Store, key: &Key) -> Option<Vec<u8>> {
    store.get(key).await.expect("get").map(|document| document.value)
}

fn kind<T>(result: crate::Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

async fn reads_what_was_written(store: &dyn Store) {
    let key = Key::new(space(), "c", "a");
    assert_eq!(store.get(&key).await.unwrap(), None, "nothing is there at first");
    let revision = put(store, &key, Expect::Any, b"one").await.unwrap();
    let document = store.get(&key).await.unwrap().expect("what was written is there");
    assert_eq!((&document.key, document.revision, &document.value[..]), (&key, revision, &b"one"[..]));
    put(store, &key, Expect::Any, b"").await.unwrap();
    assert_eq!(value(store, &key).await.as_deref(), Some(&b""[..]), "an empty document is a document");
    store.commit(Batch::new().delete(key.clone(), Expect::Any)).await.unwrap();
    assert_eq!(value(store, &key).await, None, "a deleted document is gone");
    store.commit(Batch::new().delete(key, Expect::Any)).await.expect("deleting what is gone is fine");
}

async fn expectations_decide(store: &dyn Store) {
    let key = Key::new(space(), "c", "a");
    let at = |revision| Expect::At(revision);
    assert_eq!(kind(put(store, &key, at(Revision(1)), b"x").await), Some(ErrorKind::Conflict));
    let first = put(store, &key, Expect::Absent, b"1").await.unwrap();
    let refused = put(store, &key, Expect::Absent, b"2").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(refused.is_temporary(), "a conflict is worth another try");
    assert!(refused.to_string().contains(&key.to_string()), "the conflict names the key: {refused}");
    let second = put(store, &key, at(first), b"2").await.unwrap();
    assert_eq!(kind(put(store, &key, at(first), b"3").await), Some(ErrorKind::Conflict));
    let stale = store.commit(Batch::new().delete(key.clone(), at(first))).await;
    assert_eq!(kind(stale), Some(ErrorKind::Conflict));
    assert_eq!(
        kind(store.commit(Batch::new().delete(key.clone(), Expect::Absent)).await),
        Some(ErrorKind::Conflict)
    );
    assert_eq!(value(store, &key).await.as_deref(), Some(&b"2"[..]), "refused commits change nothing");
    store.commit(Batch::new().delete(key.clone(), at(second))).await.unwrap();
    store.commit(Batch::new().delete(key, Expect::Absent)).await.expect("absent as expected");
}

async fn a_batch_is_all_or_nothing(store: &dyn Store) {
    let space = space();
    let key = |id: &str| Key::new(&space, "c", id);
    let revision = put(store, &key("b"), Expect::Any, b"old").await.unwrap();
    let batch = Batch::new()
        .put(key("a"), Expect::Any, b"new".to_vec())
        .put(key("b"), Expect::At(revision), b"new".to_vec())
        .put(key("c"), Expect::At(revision), b"new".to_vec());
    assert_eq!(kind(store.commit(batch).await), Some(ErrorKind::Conflict));
    assert_eq!(value(store, &key("a")).await, None);
    assert_eq!(value(store, &key("b")).await.as_deref(), Some(&b"old"[..]));

    let refused = Batch::new().put(key("a"), Expect::Any, b"new".to_vec()).check(key("b"), Expect::Absent);
    assert_eq!(kind(store.commit(refused).await), Some(ErrorKind::Conflict));
    assert_eq!(value(store, &key("a")).await, None);

    let batch = Batch::new()
        .put(key("a"), Expect::Absent, b"new".to_vec())
        .delete(key("b"), Expect::At(revision))
        .check(key("z"), Expect::Absent)
        .put(Key::new(&space, "other", "a"), Expect::Absent, b"new".to_vec());
    let together = store.commit(batch).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().revision, together);
    assert_eq!(store.get(&Key::new(&space, "other", "a")).await.unwrap().unwrap().revision, together);
    assert_eq!(value(store, &key("b")).await, None);
}

async fn a_key_is_named_once(store: &dyn Store) {
    let key = Key::new(space(), "c", "a");
    let put = || Batch::new().put(key.clone(), Expect::Any, b"x".to_vec());
    for twice in [
        put().put(key.clone(), Expect::Any, b"y".to_vec()),
        put().delete(key.clone(), Expect::Any),
        put().check(key.clone(), Expect::Absent),
    ] {
        assert_eq!(kind(store.commit(twice).await), Some(ErrorKind::InvalidInput), "a key named twice");
    }
    assert_eq!(value(store, &key).await, None);
}

async fn limits_are_refused_not_truncated(store: &dyn Store) {
    let space = space();
    let long = Key::new(&space, "c", "x".repeat(MAX_KEY_BYTES));
    assert_eq!(kind(put(store, &long, Expect::Any, b"x").await), Some(ErrorKind::LimitExceeded));
    assert_eq!(store.get(&long).await.unwrap(), None, "reading a key that can't exist is no error");
    let longest = Key::new(&space, "c", "é".repeat((MAX_KEY_BYTES - space.len() - 1) / 2));
    put(store, &longest, Expect::Any, b"x").await.expect("the longest key is fine");
    assert!(store.get(&longest).await.unwrap().is_some());
    let large = vec![0; MAX_VALUE_BYTES + 1];
    assert_eq!(kind(put(store, &longest, Expect::Any, &large).await), Some(ErrorKind::LimitExceeded));
}

async fn revisions_only_grow(store: &dyn Store) {
    let key = Key::new(space(), "c", "a");
    let mut last = Revision(0);
    for round in 0..5 {
        for expect in [Expect::Absent, Expect::Any] {
            let revision = put(store, &key, expect, b"x").await.unwrap();
            assert!(revision > last, "round {round}: {revision} after {last}");
            last = revision;
        }
        let deleted = store.commit(Batch::new().delete(key.clone(), Expect::At(last))).await.unwrap();
        assert!(deleted > last, "a delete is a commit too");
        last = deleted;
    }
}

async fn checks_alone_write_nothing(store: &dyn Store) {
    let key = Key::new(space(), "c", "a");
    store.commit(Batch::new()).await.expect("an empty batch is fine");
    store.commit(Batch::new().check(key.clone(), Expect::Absent)).await.unwrap();
    let revision = put(store, &key, Expect::Any, b"x").await.unwrap();
    store.commit(Batch::new().check(key.clone(), Expect::At(revision))).await.unwrap();
    assert_eq!(store.get(&key).await.unwrap().unwrap().revision, revision, "a check leaves the revision");
    assert_eq!(kind(store.commit(Batch::new().check(key, Expect::Absent)).await), Some(ErrorKind::Conflict));
}

/// Ids that break naive separators, encodings and collations.
pub(super) const ODD: &[&str] = &[
    "",
    "\0",
    "\0\0",
    "\0\u{1}",
    "\u{1}",
    " ",
    "%",
    "'",
    "..",
    "/",
    "A",
    "Z",
    "\\",
    "_",
    "a",
    "a\0",
    "a\0b",
    "a ",
    "a/b",
    "ab",
    "b",
    "zz",
    "~",
    "\u{7f}",
    "ß",
    "é",
    "日本",
    "\u{ffff}",
    "🦀",
    "\u{10ffff}",
    "\u{10ffff}\u{10ffff}",
];

async fn ids_may_be_anything(store: &dyn Store) {
    let space = space();
    for collection in ["c", "", "\0", "c\0"] {
        for id in ODD.iter().rev() {
            let key = Key::new(&space, collection, *id);
            put(store, &key, Expect::Absent, id.as_bytes()).await.unwrap();
        }
    }
    for collection in ["c", "", "\0", "c\0"] {
        let page = store.scan(&Scan::new(&space, collection)).await.unwrap();
        let ids: Vec<_> = page.documents.iter().map(|document| &document.key.id[..]).collect();
        assert_eq!(ids, ODD, "byte order, in {collection:?}");
        for id in ODD {
            let found = value(store, &Key::new(&space, collection, *id)).await;
            assert_eq!(found.as_deref(), Some(id.as_bytes()), "{id:?}");
        }
    }
}

async fn scans_are_ordered_and_paged(store: &dyn Store) {
    let space = space();
    assert_eq!(store.scan(&Scan::new(&space, "c")).await.unwrap(), Page::default());
    for n in (0..25).rev() {
        put(store, &Key::new(&space, "c", format!("{n:03}")), Expect::Any, b"x").await.unwrap();
    }
    let all: Vec<_> = (0..25).map(|n| format!("{n:03}")).collect();
    for limit in [1, 2, 5, 24, 25, 26, 1000] {
        assert_eq!(
            collect_ids(store, Scan::new(&space, "c").limit(limit)).await.unwrap(),
            all,
            "limit {limit}"
        );
    }
    let zero = store.scan(&Scan::new(&space, "c").limit(0)).await.unwrap();
    assert_eq!(zero.documents.len(), 1, "a limit of 0 counts as 1, so that paging always ends");
    let huge = store.scan(&Scan::new(&space, "c").limit(usize::MAX)).await.unwrap();
    assert_eq!((huge.documents.len(), huge.next), (25, None));
    let after = store.scan(&Scan::new(&space, "c").after("0235")).await.unwrap();
    assert_eq!(after.documents[0].key.id, "024", "it continues after an id that isn't there");
}

async fn prefixes_bound_a_scan(store: &dyn Store) {
    let space = space();
    for id in ODD {
        put(store, &Key::new(&space, "c", *id), Expect::Any, b"x").await.unwrap();
    }
    for prefix in ODD {
        let expected: Vec<_> = ODD.iter().filter(|id| id.starts_with(prefix)).copied().collect();
        for limit in [1, 3, 100] {
            let scan = Scan::new(&space, "c").prefix(*prefix).limit(limit);
            assert_eq!(collect_ids(store, scan).await.unwrap(), expected, "{prefix:?} by {limit}");
        }
    }
    let scan = Scan::new(&space, "c").prefix("a").after("A");
    assert_eq!(store.scan(&scan).await.unwrap().documents[0].key.id, "a", "`after` before the prefix");
    let scan = Scan::new(&space, "c").prefix("a").after("b");
    assert_eq!(store.scan(&scan).await.unwrap(), Page::default(), "`after` behind the prefix");
}

async fn namespaces_are_apart(store: &dyn Store) {
    let space = space();
    // Names chosen so that gluing the parts together would make two keys one.
    let keys = [
        Key::new(format!("{space}a"), "b", "c"),
        Key::new(&space, "ab", "c"),
        Key::new(&space, "a", "bc"),
        Key::new(format!("{space}\0a"), "b", "c"),
        Key::new(&space, "a\0b", "c"),
        Key::new(&space, "a", "b\0c"),
        Key::new(format!("{space}ab"), "", "c"),
    ];
    for (n, key) in keys.iter().enumerate() {
        put(store, key, Expect::Absent, &[n as u8]).await.unwrap();
    }
    for (n, key) in keys.iter().enumerate() {
        assert_eq!(value(store, key).await, Some(vec![n as u8]), "{key:?}");
        let page = store.scan(&Scan::new(&key.namespace, &key.collection)).await.unwrap();
        for document in &page.documents {
            assert_eq!(
                (&document.key.namespace, &document.key.collection),
                (&key.namespace, &key.collection)
            );
        }
        assert!(page.documents.iter().any(|document| document.key == *key));
    }
    store.commit(Batch::new().delete(keys[0].clone(), Expect::Any)).await.unwrap();
    for key in &keys[1..] {
        assert!(value(store, key).await.is_some(), "a delete elsewhere is not seen in {key:?}");
    }
}

async fn large_documents_and_page_bytes(store: &dyn Store) {
    let space = space();
    for n in 0..12u8 {
        let content: Vec<u8> =
            (0..1 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8 ^ n).collect();
        put(store, &Key::new(&space, "c", format!("{n:02}")), Expect::Absent, &content).await.unwrap();
        assert!(value(store, &Key::new(&space, "c", format!("{n:02}"))).await.unwrap() == content);
    }
    let page = store.scan(&Scan::new(&space, "c")).await.unwrap();
    let bytes: usize = page.documents.iter().map(|document| document.value.len()).sum();
    assert!(bytes <= 8 << 20 && page.next.is_some(), "a page holds about 8 MiB, not {bytes}");
    let all: Vec<_> = (0..12).map(|n| format!("{n:02}")).collect();
    assert_eq!(collect_ids(store, Scan::new(&space, "c")).await.unwrap(), all);

    let giant = Key::new(&space, "giant", "a");
    put(store, &giant, Expect::Any, &vec![7; 9 << 20]).await.unwrap();
    put(store, &Key::new(&space, "giant", "b"), Expect::Any, b"x").await.unwrap();
    let page = store.scan(&Scan::new(&space, "giant")).await.unwrap();
    assert_eq!(
        (page.documents.len(), page.next.as_deref()),
        (1, Some("a")),
        "one that is too large comes alone"
    );
    assert_eq!(collect_ids(store, Scan::new(&space, "giant")).await.unwrap(), ["a", "b"]);
    let batch = Batch::new().delete(giant, Expect::Any).delete(Key::new(&space, "giant", "b"), Expect::Any);
    store.commit(batch).await.unwrap();
}

async fn many_writes_in_one_commit(store: &dyn Store) {
    let space = space();
    let ids: Vec<_> = (0..1500).map(|n| format!("{n:05}")).collect();
    let fill =
        |batch: Batch, id: &String| batch.put(Key::new(&space, "c", id), Expect::Absent, b"x".to_vec());
    store.commit(ids.iter().fold(Batch::new(), fill)).await.unwrap();
    assert_eq!(collect_ids(store, Scan::new(&space, "c").limit(400)).await.unwrap(), ids);
    let clear = |batch: Batch, id: &String| batch.delete(Key::new(&space, "c", id), Expect::Any);
    store.commit(ids.iter().fold(Batch::new(), clear)).await.unwrap();
    assert_eq!(store.scan(&Scan::new(&space, "c")).await.unwrap(), Page::default());
}

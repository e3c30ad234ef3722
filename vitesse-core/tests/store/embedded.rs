//! What only a local file can get wrong.

use std::sync::Arc;

use vitesse_core::ErrorKind;
use vitesse_core::store::{Batch, EmbeddedStore, Expect, Key, Store, open};

fn key(id: &str) -> Key {
    Key::new("n", "c", id)
}

async fn put(store: &dyn Store, id: &str, value: &[u8]) {
    store.commit(Batch::new().put(key(id), Expect::Any, value.to_vec())).await.unwrap();
}

#[tokio::test]
async fn opening_twice_is_a_clear_error_and_closing_frees_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folders/state.redb");
    let store = EmbeddedStore::open(&path, Default::default()).await.unwrap();
    put(&store, "a", b"1").await;
    let twice = EmbeddedStore::open(&path, Default::default()).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::StoreUnavailable);
    assert!(twice.is_temporary() && twice.to_string().contains("another process"), "{twice}");
    assert!(twice.to_string().contains(path.to_str().unwrap()), "{twice}");
    drop(store);
    for url in [path.to_str().unwrap().to_owned(), format!("embedded:{}", path.display())] {
        let store = open(&url, &Default::default()).await.unwrap();
        assert_eq!(store.get(&key("a")).await.unwrap().unwrap().value, b"1");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn who_may_wait_gets_the_file_when_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let first = EmbeddedStore::open(&path, Default::default()).await.unwrap();
    put(&first, "a", b"1").await;
    let mut patient = vitesse_core::store::EmbeddedOptions::default();
    patient.wait = std::time::Duration::from_secs(60);
    let waiting = tokio::spawn(async move { EmbeddedStore::open(&path, patient).await });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!waiting.is_finished(), "two processes have one file");
    drop(first);
    let second = waiting.await.unwrap().unwrap();
    assert_eq!(second.get(&Key::new("n", "c", "a")).await.unwrap().unwrap().value, b"1");
}

#[tokio::test]
async fn a_foreign_or_broken_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "these are my notes ".repeat(1000);
    std::fs::write(&path, &text).unwrap();
    let error = EmbeddedStore::open(&path, Default::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreFailed, "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_format_of_the_future_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    drop(EmbeddedStore::open(&path, Default::default()).await.unwrap());
    {
        let database = redb::Database::create(&path).unwrap();
        let write = database.begin_write().unwrap();
        let meta = redb::TableDefinition::<&str, u64>::new("meta");
        write.open_table(meta).unwrap().insert("format", 99).unwrap();
        write.commit().unwrap();
    }
    let error = EmbeddedStore::open(&path, Default::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreFailed);
    assert!(error.to_string().contains("99"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_thousand_overwrites_leave_the_file_small() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    let store = Arc::new(EmbeddedStore::open(&path, Default::default()).await.unwrap());
    for round in 0..1000u32 {
        let fill = |batch: Batch, n: u32| batch.put(key(&n.to_string()), Expect::Any, vec![round as u8; 200]);
        store.commit((0..100).fold(Batch::new(), fill)).await.unwrap();
    }
    let bytes = std::fs::metadata(&path).unwrap().len();
    assert!(bytes < 8 << 20, "20 KB of documents take {bytes} bytes");
}

#[tokio::test]
async fn sealed_values_are_not_in_the_raw_file() {
    use vitesse_core::secret::KeyRing;
    use vitesse_core::store::Sealed;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(&path, Default::default()).await.unwrap());
    let sealed = Sealed::new(store.clone(), Arc::new(KeyRing::parse(&KeyRing::generate()).unwrap()));
    put(&*store, "clear", b"needle-in-the-clear").await;
    let batch = sealed.put(Batch::new(), &key("sealed"), Expect::Any, "needle-under-seal").unwrap();
    store.commit(batch).await.unwrap();
    assert_eq!(sealed.get::<String>(&key("sealed")).await.unwrap().unwrap().1, "needle-under-seal");
    drop((store, sealed));
    let raw = std::fs::read(&path).unwrap();
    let holds = |needle: &[u8]| raw.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"needle-in-the-clear"), "the search itself works");
    assert!(!holds(b"needle-under-seal"));
}

#[tokio::test]
async fn compacting_gives_space_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    let store = EmbeddedStore::open(&path, Default::default()).await.unwrap();
    for n in 0..100 {
        put(&store, &n.to_string(), &vec![n; 100_000]).await;
    }
    let full = store.size().await.unwrap().unwrap();
    assert!(full > 10_000_000);
    let batch = (1..100).fold(Batch::new(), |batch, n: u8| batch.delete(key(&n.to_string()), Expect::Any));
    store.commit(batch).await.unwrap();
    store.compact().await.unwrap();
    let left = store.size().await.unwrap().unwrap();
    assert!(left < full / 4, "{left} of {full} bytes are left");
    assert_eq!(store.get(&key("0")).await.unwrap().unwrap().value.len(), 100_000);
    put(&store, "after", b"1").await;
}

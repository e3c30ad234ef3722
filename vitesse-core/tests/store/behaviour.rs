//! One suite for all, and one for the typed records on top of each.

use std::sync::Arc;

use vitesse_core::store::{EmbeddedStore, MemoryStore, PostgresStore};
use vitesse_core::testing::{repository_behaviour, store_behaviour};

use crate::parts;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_keeps_the_contract() {
    let store = Arc::new(MemoryStore::new());
    store_behaviour(store.clone()).await;
    repository_behaviour(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn embedded_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path().join("state.redb"), Default::default()).await.unwrap();
    let store = Arc::new(store);
    store_behaviour(store.clone()).await;
    repository_behaviour(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_keeps_the_contract() {
    let database = parts::Database::new().await;
    let store = PostgresStore::open(&database.url, Default::default()).await.unwrap();
    let store = Arc::new(store);
    store_behaviour(store.clone()).await;
    repository_behaviour(store).await;
}

//! One suite for all.

use std::sync::Arc;

use vitesse_core::store::{EmbeddedStore, MemoryStore, PostgresStore};
use vitesse_core::testing::store_behaviour;

use crate::parts;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_keeps_the_contract() {
    store_behaviour(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn embedded_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path().join("state.redb"), Default::default()).await.unwrap();
    store_behaviour(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_keeps_the_contract() {
    let database = parts::Database::new().await;
    let store = PostgresStore::open(&database.url, Default::default()).await.unwrap();
    store_behaviour(Arc::new(store)).await;
}

//! A server that is slow, cuts connections, or goes away and comes back: the store says so and goes on.

use std::time::{Duration, Instant};

use vitesse_core::ErrorKind;
use vitesse_core::store::{Batch, Expect, Key, PostgresOptions, PostgresStore, Scan, Store};

use crate::parts::{Database, ask, parts};

fn key(id: &str) -> Key {
    Key::new("n", "c", id)
}

fn put(id: &str) -> Batch {
    Batch::new().put(key(id), Expect::Any, b"1".to_vec())
}

#[tokio::test]
async fn a_statement_that_takes_too_long_ends_and_says_so() {
    let database = Database::new().await;
    let mut options = PostgresOptions::default();
    options.statement_timeout = Duration::from_millis(300);
    let store = PostgresStore::open(&database.url, options).await.unwrap();
    store.commit(put("a")).await.unwrap();

    let (blocker, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    blocker.batch_execute("BEGIN; LOCK TABLE vitesse_documents IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let errors = [
        store.get(&key("a")).await.unwrap_err(),
        store.scan(&Scan::new("n", "c")).await.unwrap_err(),
        store.commit(put("b")).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
        assert!(error.to_string().contains("statement timeout"), "{error}");
    }
    blocker.batch_execute("ROLLBACK").await.unwrap();
    assert!(store.get(&key("b")).await.unwrap().is_none(), "what timed out was not done");
    store.commit(put("b")).await.unwrap();
}

#[tokio::test]
async fn cut_connections_are_replaced() {
    let database = Database::new().await;
    let store = PostgresStore::open(&database.url, Default::default()).await.unwrap();
    store.commit(put("a")).await.unwrap();
    // Waits until each is gone, or a later call than the first might meet it.
    let cut = format!(
        "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity
         WHERE datname = '{}' AND application_name = 'vitesse'",
        database.name
    );
    for round in 0..6 {
        assert_ne!(ask(&database.url, &cut).await, "0");
        // Nobody notices, whichever call meets the dead connection.
        match round % 3 {
            0 => {
                let done = store.commit(put("b")).await;
                assert!(done.is_ok(), "round {round}: {done:?}");
            }
            1 => assert!(store.get(&key("a")).await.unwrap().is_some()),
            _ => assert_eq!(store.scan(&Scan::new("n", "c")).await.unwrap().documents.len(), 2),
        }
    }
}

#[tokio::test]
async fn a_server_that_went_away_and_came_back_needs_no_new_store() {
    let name = format!("away-{}", std::process::id());
    let url = parts(&["postgres", "start", &name]);
    let mut options = PostgresOptions::default();
    options.connect_timeout = Duration::from_secs(5);
    let store = PostgresStore::open(&url, options).await.unwrap();
    store.commit(put("a")).await.unwrap();
    for mode in ["immediate", "fast"] {
        parts(&["postgres", "stop", &name, mode]);
        let start = Instant::now();
        let errors = [
            store.get(&key("a")).await.unwrap_err(),
            store.commit(put("b")).await.unwrap_err(),
            store.ping().await.unwrap_err(),
        ];
        assert!(start.elapsed() < Duration::from_secs(30), "it doesn't hang");
        for error in errors {
            assert_eq!(
                (error.kind(), error.is_temporary()),
                (ErrorKind::StoreUnavailable, true),
                "{error:?}"
            );
            assert!(error.help_text().is_some(), "{error:?}");
        }
        assert_eq!(parts(&["postgres", "start", &name]), url, "it comes back at the same place");
        store.ping().await.unwrap();
        assert_eq!(store.get(&key("a")).await.unwrap().unwrap().value, b"1", "{mode}");
        store.commit(put(mode)).await.unwrap();
    }
    drop(store);
    parts(&["postgres", "remove", &name]);
}

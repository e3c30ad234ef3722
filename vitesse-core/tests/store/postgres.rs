//! What only a server can get wrong.

use std::sync::Arc;
use std::time::Duration;

use vitesse_core::ErrorKind;
use vitesse_core::store::{Batch, Expect, Key, PostgresOptions, PostgresStore, Store, open};

use crate::parts::{Database, ask};

async fn refused(url: &str) -> vitesse_core::Error {
    let mut options = PostgresOptions::default();
    options.connect_timeout = Duration::from_secs(5);
    PostgresStore::open(url, options).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_together_migrate_once_and_lose_no_update() {
    let database = Database::new().await;
    let open = |_| {
        let url = database.url.clone();
        tokio::spawn(async move { PostgresStore::open(&url, Default::default()).await.unwrap() })
    };
    let opening: Vec<_> = (0..8).map(open).collect();
    let mut writers = Vec::new();
    for store in opening {
        let store = Arc::new(store.await.unwrap());
        writers.push(tokio::spawn(async move {
            let key = Key::new("n", "c", "shared");
            let mut done = 0;
            while done < 25 {
                let (count, expect) = match store.get(&key).await.unwrap() {
                    Some(document) => {
                        let count: u32 = String::from_utf8(document.value).unwrap().parse().unwrap();
                        (count, Expect::At(document.revision))
                    }
                    None => (0, Expect::Absent),
                };
                let batch = Batch::new().put(key.clone(), expect, (count + 1).to_string().into_bytes());
                match store.commit(batch).await {
                    Ok(_) => done += 1,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
                }
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let steps = ask(&database.url, "SELECT count(*) || ' of ' || max(version) FROM vitesse_schema").await;
    assert_eq!(steps, "1 of 1", "each step of the schema is taken once");
    let store = PostgresStore::open(&database.url, Default::default()).await.unwrap();
    assert_eq!(store.get(&Key::new("n", "c", "shared")).await.unwrap().unwrap().value, b"200");
}

#[tokio::test]
async fn a_schema_of_the_future_is_refused() {
    let database = Database::new().await;
    drop(open(&database.url, &Default::default()).await.unwrap());
    database.sql("INSERT INTO vitesse_schema (version) VALUES (99)").await;
    let error = refused(&database.url).await;
    assert_eq!(error.kind(), ErrorKind::StoreFailed);
    assert!(error.to_string().contains("newer version") && error.to_string().contains("99"), "{error}");
}

#[tokio::test]
async fn what_the_server_refuses_is_said_plainly() {
    let database = Database::new().await;
    let (server, _) = database.url.rsplit_once('/').unwrap();
    let error = refused(&format!("{server}/no_such_database")).await;
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::StoreUnavailable, false));
    assert!(error.to_string().contains("no such database"), "{error}");

    let error = refused("postgres://u:hunter2@127.0.0.1:1/db").await;
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::StoreUnavailable, true), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");

    let error = refused(&format!("{}?sslmode=require", database.url)).await;
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::StoreUnavailable, false), "{error:?}");
}

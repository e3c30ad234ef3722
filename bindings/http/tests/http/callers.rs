//! Callers with and without keys, slow ones, large ones, those who repeat themselves, and those who go away.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vitesse_core::ErrorKind;
use vitesse_core::secret::Secret;
use vitesse_core::store::MemoryStore;
use vitesse_http::{ServeOptions, serve};

use crate::world::{API, World, shop_to_crm};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_says_for_whom_it_asks() {
    let world = World::new().await;
    let by = |user| [("x-user-id", user)];
    let made =
        world.send_with("POST", "/integrations", &by(" ada@shop.test "), &shop_to_crm()).await.is(200).json();
    let id = made["integration_id"].as_str().unwrap();
    let entry = world.get(&format!("/integrations/{id}/history")).await.is(200).json()["data"][0].clone();
    assert_eq!((&entry["action"], &entry["actor"]), (&"created".into(), &"ada@shop.test".into()));
    // Nobody is named by nothing, and what no name can be is refused before anything is done.
    let made = world.send_with("POST", "/integrations", &by(" "), &shop_to_crm()).await.is(200).json();
    assert_eq!(made["data"]["integration"]["created_by"], "system");
    for wrong in ["å", &"a".repeat(201)] {
        world.send_with("POST", "/integrations", &by(wrong), &shop_to_crm()).await.is(400);
    }
    assert_eq!(world.get("/integrations").await.is(200).json()["count"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_come_and_go_without_a_restart() {
    let world = World::new().await;
    world.get("/integrations").await.is(200);
    let path = format!("{API}/integrations");
    // A page in a browser is somebody else's, and so is a name that was made to lead here.
    world.ask("GET", &path, &[("origin", "https://evil.example")], "").await.is(401);
    let reply = world
        .raw(b"GET /api/v1/vitesse/integrations HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n")
        .await;
    assert_eq!(reply.status, 401);

    let made = world.send("POST", "/keys", &json!({"name": "anna"})).await.is(201).json();
    let anna = made["data"]["key"].as_str().unwrap().to_owned();
    let refused = world.get("/integrations").await.is(401);
    assert!(
        refused.json()["error"].as_str().unwrap().contains("missing")
            && refused.header("www-authenticate").is_some()
    );
    let with = |key: &str| vec![("x-api-key".to_owned(), key.to_owned())];
    let ask = async |method: &str, path: &str, key: &str, body: &str| {
        let headers = with(key);
        let mut headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers.push(("content-type", "application/json"));
        world.ask(method, &format!("{API}{path}"), &headers, body).await
    };
    ask("GET", "/integrations", &anna, "").await.is(200);
    let bearer = format!("Bearer {anna}");
    world
        .ask("GET", &path, &[("authorization", &bearer), ("origin", "https://ours.example")], "")
        .await
        .is(200);
    for wrong in ["", "x", &anna[..anna.len() - 1], &format!("{anna}x")] {
        ask("GET", "/integrations", wrong, "").await.is(401);
    }
    // Another key, made elsewhere on the same store, counts at once; what is done with it is done by its name.
    let ben = world.vitesse.add_key("ben").await.unwrap();
    let made =
        ask("POST", "/integrations", ben.key.expose(), &shop_to_crm().to_string()).await.is(200).json();
    assert_eq!(made["data"]["integration"]["created_by"], "ben");
    let listed = ask("GET", "/keys", &anna, "").await.is(200);
    assert!(listed.json()["count"] == 2 && !listed.text().contains(&anna) && !listed.text().contains("hash"));
    ask("DELETE", &format!("/keys/{}", ben.about.id), &anna, "").await.is(200);
    ask("GET", "/integrations", ben.key.expose(), "").await.is(401);
    // Probes have no key, and are told nothing but yes or no; figures are for those who may ask.
    world.ask("GET", "/health", &[], "").await.is(200);
    world.ask("GET", "/ready", &[], "").await.is(200);
    world.ask("GET", "/openapi.json", &[], "").await.is(200);
    world.ask("GET", "/metrics", &[], "").await.is(401);
    assert_eq!(
        world.raw(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.status,
        401
    );
    let log = world.log.lock().unwrap();
    assert!(
        log.iter().any(|line| line.actor.as_deref() == Some("ben") && line.operation == "createIntegration")
    );
    assert!(log.iter().all(|line| !format!("{line:?}").contains(&anna)), "a log holds no key");
}

#[tokio::test]
async fn nobody_listens_to_the_network_without_a_key() {
    let world = World::new().await;
    let open = |key: Option<Secret>| ServeOptions {
        listen: ([0, 0, 0, 0], 0).into(),
        key,
        ..ServeOptions::default()
    };
    let refused = serve(world.vitesse.clone(), open(None)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConfigInvalid);
    assert!(refused.to_string().contains("vitesse keys add"), "{refused}");
    serve(world.vitesse.clone(), open(Some(Secret::new("k")))).await.unwrap().stop().await;
    world.vitesse.add_key("ci").await.unwrap();
    serve(world.vitesse.clone(), open(None)).await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_dressed_and_named() {
    let world = World::new().await;
    let reply = world.ask("GET", "/health", &[("x-request-id", "mine-7")], "").await.is(200);
    assert_eq!(reply.header("x-request-id"), Some("mine-7"));
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("cache-control", "no-store"), ("x-frame-options", "DENY")]
    {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    assert!(
        reply.header("content-security-policy").is_some()
            && reply.header("access-control-allow-origin").is_none()
    );
    let refused = world.get("/integrations/x?secret=hidden").await.is(400);
    let id = refused.header("x-request-id").unwrap().to_owned();
    assert_eq!(refused.json()["details"]["request_id"], id.as_str());
    let log = world.log.lock().unwrap();
    let line = log.iter().find(|line| line.request_id == id).unwrap();
    assert_eq!(
        (line.status, line.operation, line.path.as_str()),
        (400, "getIntegration", "/api/v1/vitesse/integrations/x")
    );
    assert!(line.peer.is_some() && !format!("{log:?}").contains("hidden"), "queries are no part of a log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_sent_twice_is_done_once() {
    let world = World::new().await;
    let key = [("idempotency-key", "one")];
    let first = world.send_with("POST", "/integrations", &key, &shop_to_crm()).await.is(200);
    let again = world.send_with("POST", "/integrations", &key, &shop_to_crm()).await.is(200);
    assert_eq!(first.json(), again.json());
    assert_eq!(
        (first.header("idempotency-replayed"), again.header("idempotency-replayed")),
        (None, Some("true"))
    );
    assert_eq!(world.get("/integrations").await.json()["count"], 1);
    let mut other = shop_to_crm();
    other["name"] = "another".into();
    world.send_with("POST", "/integrations", &key, &other).await.is(400);
    // What was refused may be sent again, corrected or not, with the same key.
    let key = [("idempotency-key", "two")];
    let wrong = json!({"source_document": "{", "dest_document": "{}"});
    let id = first.json()["integration_id"].as_str().unwrap().to_owned();
    let path = format!("/integrations/{id}/ingest");
    for _ in 0..2 {
        let refused = world.send_with("POST", &path, &key, &wrong).await.is(400);
        assert_eq!(refused.json()["error_id"], "spec_invalid");
    }
    let long = "x".repeat(256);
    world.send_with("POST", "/integrations", &[("idempotency-key", &long)], &shop_to_crm()).await.is(400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_or_no_json_is_refused() {
    let world = World::with(Arc::new(MemoryStore::new()), |options| options.limits.body = 10_000).await;
    let large = json!({"name": "x".repeat(20_000)});
    let refused = world.send("POST", "/integrations", &large).await.is(413).json();
    assert_eq!((&refused["error_id"], &refused["http_status"]), (&"limit_exceeded".into(), &413.into()));
    let path = format!("{API}/integrations");
    world.ask("POST", &path, &[], "{}").await.is(415);
    world.ask("POST", &path, &[("content-type", "text/plain")], "{}").await.is(415);
    for body in ["{", "[]", "null", "\"x\"", "\u{0}", "{\"name\": \"\u{7f}\"}"] {
        world.ask("POST", &path, &[("content-type", "application/json")], body).await.is(400);
    }
    world.ask("POST", &path, &[("content-type", "application/json")], "").await.is(400);
    // A head without an end, and one that is too long.
    let long = format!("GET /health HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    let reply = world.raw(long.as_bytes()).await;
    assert!(reply.status == 431 || reply.status == 0, "{reply:?}");
    world.ask("GET", "/health", &[], "").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_drips_is_ended_and_others_are_not_kept_waiting() {
    let world =
        World::with(Arc::new(MemoryStore::new()), |options| options.limits.idle = Duration::from_secs(1))
            .await;
    let mut stream = TcpStream::connect(&world.address).await.unwrap();
    let head = format!(
        "POST {API}/integrations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let dripping = async {
        loop {
            if stream.write_all(b" ").await.is_err()
                || stream.read(&mut [0; 10]).await.is_ok_and(|count| count == 0)
            {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), dripping).await.expect("who drips is ended");
    world.ask("GET", "/health", &[], "").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_can_be_worked_on_are_asked_to_come_back() {
    let world = World::with(Arc::new(MemoryStore::new()), |options| options.concurrency = 1).await;
    let id = world.mapped().await;
    let path = format!("/integrations/{id}/test");
    let body = json!({"test_sample_size": 100});
    let work = async { world.send("POST", &path, &body).await };
    let look = async {
        loop {
            let reply = world.get("/integrations").await;
            if reply.status == 503 {
                assert_eq!(reply.header("retry-after"), Some("1"));
                // Probes don't wait for anybody.
                world.ask("GET", "/ready", &[], "").await.is(200);
                return true;
            }
            if world.log.lock().unwrap().iter().any(|line| line.operation == "testIntegration") {
                return false;
            }
        }
    };
    let (tested, seen) = tokio::join!(work, look);
    // Whichever came first held the only place.
    assert!(seen || tested.status == 503 || tested.status == 200);
    world.get("/integrations").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_goes_on_when_its_caller_goes_away_and_is_finished_before_the_end() {
    let mut world = World::new().await;
    let id = world.mapped().await;
    let body = json!({"test_sample_size": 50}).to_string();
    let mut stream = TcpStream::connect(&world.address).await.unwrap();
    let head = format!(
        "POST {API}/integrations/{id}/test HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // It is seen that the step runs, then nobody waits for it any more, and the server is told to stop.
    let id = id.parse().unwrap();
    loop {
        let now = world.vitesse.overview(id).await.unwrap();
        if now.step_in_progress.is_some() || now.health_score.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(stream);
    world.server.take().unwrap().stop().await;
    let after = world.vitesse.overview(id).await.unwrap();
    assert!(after.step_in_progress.is_none() && after.health_score.is_some(), "{after:?}");
    assert!(TcpStream::connect(&world.address).await.is_err(), "it listens no more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_takes_too_long_to_end_is_stopped_and_can_be_called_again() {
    let mut world = World::with(Arc::new(MemoryStore::new()), |options| options.drain = Duration::ZERO).await;
    let id: uuid::Uuid = world.mapped().await.parse().unwrap();
    world.send("POST", &format!("/integrations/{id}/tests"), &json!({"test_sample_size": 100})).await.is(202);
    world.server.take().unwrap().stop().await;
    // Ended or stopped, nothing is held, and the next call comes through.
    loop {
        if world.vitesse.overview(id).await.unwrap().step_in_progress.is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let again = world.vitesse.test(id, Default::default()).await.unwrap();
    assert!(again.passed);
}

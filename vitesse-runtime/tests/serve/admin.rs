//! The admin side, by the client of the core.

use serde_json::json;
use vitesse_core::ErrorKind;
use vitesse_core::service::StartSync;

use crate::peer::{ask, get, post};
use crate::world::{Client, World};

#[test]
fn a_sync_is_looked_into_started_and_measured() {
    let world = World::new(120);
    world.things.lock().unwrap().source[5]["name"] = json!("poison");
    let mut running = world.serve(&[]);
    let client = running.client();
    let planned = client.ask(|admin| async move { admin.dry_run(2).await }).unwrap();
    assert_eq!((planned.len(), world.made()), (2, 0), "{planned:?}");
    assert!(client.ask(|admin| async move { Ok(admin.is_ready().await) }).unwrap());
    client.ask(|admin| async move { admin.start(StartSync::default()).await }).unwrap();
    running.until_true("the run's end", |running| running.said("run_ended").len() == 1);
    assert_eq!(world.made(), 119);

    let status = client.ask(|admin| async move { admin.status().await }).unwrap();
    assert!(
        status.syncs && !status.held && status.running.is_none() && status.schedule.is_none(),
        "{status:?}"
    );
    let stream = &status.streams[0];
    assert_eq!((stream.stream.as_str(), stream.dead_letters, stream.counts.created), ("things", 1, 119));
    assert!(stream.lag_seconds.is_some_and(|lag| lag < 60.0));
    assert_eq!(status.last_run.as_ref().unwrap().report.total().read, 120);
    let figures = client.ask(|admin| async move { admin.figures().await }).unwrap();
    assert_eq!(figures.error_distribution.get("http_422"), Some(&1), "{figures:?}");
    assert!(
        figures.success_rate < 100.0 && figures.p95_latency > 0.0 && figures.requests > 120,
        "{figures:?}"
    );
    let runs = client.ask(|admin| async move { admin.runs(10).await }).unwrap();
    assert_eq!((runs.len(), runs[0].error.as_deref()), (1, None));

    let text = client.ask(|admin| async move { admin.metrics().await }).unwrap();
    for line in [
        "vitesse_records_total{stream=\"things\",outcome=\"created\"} 119",
        "vitesse_dead_letters{stream=\"things\"} 1",
        "vitesse_peer_requests_total{stream=\"things\",side=\"destination\",outcome=\"4xx\"} 1",
        "vitesse_runs_total{outcome=\"ended\"} 1",
        "vitesse_batch_records_count{stream=\"things\"} 120",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in {text}");
    }
    assert_eq!(running.said("run_ended")[0]["counts"]["dead"], 1);
    let failed = running.said("record_failed");
    assert_eq!((&failed[0]["record"], &failed[0]["reason"]), (&json!("5"), &json!("refused")));
    assert!(!format!("{:?}", running.log()).contains("n17"), "logs hold nothing of records");
}

#[test]
fn dead_letters_are_listed_shown_replayed_and_dropped() {
    let world = World::new(3);
    for at in 0..3 {
        world.things.lock().unwrap().source[at]["name"] = json!("poison");
    }
    let mut running = world.serve(&[]);
    let client = running.client();
    client.ask(|admin| async move { admin.start(StartSync::default()).await }).unwrap();
    running.until_true("the run's end", |running| running.said("run_ended").len() == 1);
    let page = client.ask(|admin| async move { admin.dead_letters("things", None, 2).await }).unwrap();
    assert_eq!((page.letters.len(), page.next.as_deref()), (2, Some("1")));
    let rest = client.ask(|admin| async move { admin.dead_letters("things", Some("1"), 2).await }).unwrap();
    assert_eq!(
        (rest.letters[0].id.as_str(), rest.letters[0].reason.as_str(), rest.next),
        ("2", "refused", None)
    );
    assert!(!get(running.admin, "/dead-letters").body.contains("poison"), "a list holds nothing of records");
    let letter = client.ask(|admin| async move { admin.dead_letter("things", "2").await }).unwrap();
    assert!(letter.source.contains("poison"));
    let again = client.ask(|admin| async move { admin.replay("things", "2", false).await }).unwrap();
    assert_eq!((again.dead, world.made()), (1, 0), "nothing changed, so it fails again");

    // The mapping is put right, taken in without a restart, and the letter goes through it.
    world.write_mapping(&world.mapping("label"));
    assert!(client.ask(|admin| async move { admin.reload().await }).unwrap());
    assert!(!client.ask(|admin| async move { admin.reload().await }).unwrap(), "once");
    let counts = client.ask(|admin| async move { admin.replay("things", "2", false).await }).unwrap();
    assert_eq!((counts.created, counts.dead), (1, 0));
    client.ask(|admin| async move { admin.drop_letter("things", "1").await }).unwrap();
    let left = client.ask(|admin| async move { admin.dead_letters("things", None, 100).await }).unwrap();
    assert_eq!(left.letters.iter().map(|letter| letter.id.as_str()).collect::<Vec<_>>(), ["0"]);
    let gone = client.ask(|admin| async move { admin.dead_letter("things", "1").await }).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    let status = client.ask(|admin| async move { admin.status().await }).unwrap();
    assert_eq!(status.streams[0].dead_letters, 1);
}

#[test]
fn a_bad_mapping_is_refused_and_the_old_one_stays() {
    let world = World::new(0);
    let running = world.serve(&[]);
    let client = running.client();
    let before = client.ask(|admin| async move { admin.mapping().await }).unwrap();
    let mut wrong = world.mapping("title");
    wrong["transformations"][2]["transform_config"]["function"] = json!("scale_decimel");
    world.write_mapping(&wrong);
    let error = client.ask(|admin| async move { admin.reload().await }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MappingInvalid);
    assert!(error.to_string().contains("scale_decimel"), "{error}");
    let after = client.ask(|admin| async move { admin.mapping().await }).unwrap();
    assert_eq!(after.streams, before.streams);
    assert!(after.refused.is_some_and(|why| why.contains("scale_decimel")));
    assert_eq!(post(running.data, "/transform", r#"{"name": "x"}"#).json(), json!({"title": "x"}));

    let mut other = world.mapping("title");
    other["integration_id"] = json!("another");
    world.write_mapping(&other);
    let error = client.ask(|admin| async move { admin.reload().await }).unwrap_err();
    assert!(error.to_string().contains("another integration"), "{error}");
    let shown = get(running.admin, "/mapping?stream=things").json();
    assert_eq!(shown["integration_id"], "it");
}

#[test]
fn only_operators_may_ask() {
    let world = World::new(0);
    let running = world.serve(&[("VITESSE_ADMIN_KEY", "adm1n")]);
    let without = running.client().ask(|admin| async move { admin.status().await }).unwrap_err();
    assert_eq!(without.kind(), ErrorKind::Unauthorized);
    let with = Client::new(running.admin, Some("adm1n"));
    with.ask(|admin| async move { admin.status().await }).unwrap();
    assert_eq!(get(running.admin, "/ready").json(), json!({"ready": true}), "probes have no key");

    let open = World::new(0);
    let running = open.serve(&[]);
    assert_eq!(get(running.admin, "/status").status, 200);
    // A page in a browser of this machine may not.
    let page = ask(running.admin, "POST", "/sync/stop", &[("origin", "https://evil.example")], "");
    assert_eq!(page.status, 401);
    let unknown = ask(running.admin, "POST", "/sync/start", &[], r#"{"ful": true}"#);
    assert_eq!((unknown.status, unknown.body.contains("ful")), (400, true), "{unknown:?}");
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("DELETE", "/status", 405),
        ("GET", "/sync/start", 405),
        ("PUT", "/status", 405),
        ("GET", "/runs?limit=many", 400),
        ("GET", "/dead-letters?stream=other", 404),
        ("POST", "/dead-letters/things/9/replay", 404),
    ] {
        let answer = ask(running.admin, method, path, &[], "");
        assert_eq!((answer.status, &answer.json()["status"]), (status, &json!("failed")), "{method} {path}");
    }
}

//! How a service begins, goes on by itself, and ends.

use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use hmac::{Hmac, Mac as _};
use serde_json::json;
use sha2::Sha256;
use vitesse_core::service::StartSync;

use crate::peer::{Peer, get, post, read_chunk, read_head};
use crate::world::World;

#[test]
fn it_runs_by_its_schedule_until_it_is_stopped_also_after_a_restart() {
    let world = World::new(10);
    let mut running = world.serve(&[("VITESSE_SCHEDULE", "1s")]);
    running.until_true("two runs", |running| running.said("run_ended").len() >= 2);
    assert_eq!(world.made(), 10);
    let client = running.client();
    let status = client.ask(|admin| async move { admin.status().await }).unwrap();
    assert!(status.next_run.is_some() && status.schedule.as_deref() == Some("1s"), "{status:?}");
    client.ask(|admin| async move { admin.stop().await }).unwrap();
    let status = client.ask(|admin| async move { admin.status().await }).unwrap();
    assert!(status.held && status.next_run.is_none(), "{status:?}");
    running.signal("TERM");
    assert!(running.wait().success());

    let mut running = world.serve(&[("VITESSE_SCHEDULE", "1s")]);
    let client = running.client();
    let status = client.ask(|admin| async move { admin.status().await }).unwrap();
    assert!(status.held, "{status:?}");
    assert!(running.said("run_ended").is_empty());
    client.ask(|admin| async move { admin.start(StartSync::default()).await }).unwrap();
    running.until_true("the schedule", |running| running.said("run_ended").len() >= 2);
}

#[test]
fn a_run_that_is_stopped_goes_on_where_it_was() {
    let world = World::new(200);
    world.things.lock().unwrap().slow = Duration::from_millis(20);
    let mut running = world.serve(&[]);
    let client = running.client();
    client.ask(|admin| async move { admin.start(StartSync::default()).await }).unwrap();
    running.until_true("a few records", |_| world.made() > 10);
    let again = client.ask(|admin| async move { admin.start(StartSync::default()).await }).unwrap_err();
    assert_eq!(again.kind(), vitesse_core::ErrorKind::Conflict);
    let under_way = client.ask(|admin| async move { admin.status().await }).unwrap().running.unwrap();
    assert_eq!(under_way.why, "request");
    client.ask(|admin| async move { admin.stop().await }).unwrap();
    running.until_true("its end", |running| running.said("run_left").len() == 1);
    assert!(world.made() < 200);
    world.things.lock().unwrap().slow = Duration::ZERO;
    client.ask(|admin| async move { admin.start(StartSync { full: true, limit: None }).await }).unwrap();
    running.until_true("the rest", |running| running.said("run_ended").len() == 1);
    let things = world.things.lock().unwrap();
    let ids: std::collections::BTreeSet<String> =
        things.made.iter().map(|made| made["ext"].to_string()).collect();
    assert_eq!((things.made.len(), ids.len()), (200, 200), "each once");
}

#[test]
fn once_is_once() {
    let world = World::new(7);
    let output = world.command(&["serve", "--once"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(world.made(), 7);
    world.things.lock().unwrap().source_broken = Some(401);
    let output = world.command(&["serve", "--once"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("run_failed"));
}

#[test]
fn another_mapping_is_taken_in_while_it_runs() {
    let world = World::new(0);
    // As Kubernetes mounts a ConfigMap.
    for (version, field) in [("one", "title"), ("two", "label")] {
        std::fs::create_dir_all(world.path(version)).unwrap();
        std::fs::write(world.path(version).join("things.json"), world.mapping(field).to_string()).unwrap();
    }
    std::os::unix::fs::symlink("one", world.path("mounted")).unwrap();
    let mut command = world.command(&["serve"]);
    command.env("VITESSE_MAPPING", world.path("mounted"));
    let mut running = crate::world::Running::start(command);
    // A stream that began with one version ends with it.
    let mut socket = TcpStream::connect(running.data).unwrap();
    let head = "POST /transform HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
    write!(socket, "{head}e\r\n{{\"name\": \"a\"}}\n\r\n").unwrap();
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    read_head(&mut reader);
    assert_eq!(read_chunk(&mut reader).unwrap(), b"{\"title\":\"a\"}\n");

    std::os::unix::fs::symlink("two", world.path("next")).unwrap();
    std::fs::rename(world.path("next"), world.path("mounted")).unwrap();
    running.until_true("the new one", |running| {
        post(running.data, "/transform", r#"{"name": "b"}"#).json() == json!({"label": "b"})
    });
    write!(socket, "e\r\n{{\"name\": \"c\"}}\n\r\n0\r\n\r\n").unwrap();
    assert_eq!(read_chunk(&mut reader).unwrap(), b"{\"title\":\"c\"}\n");

    std::fs::write(world.path("two/things.json"), "{").unwrap();
    running.until_true("the refusal", |running| running.said("mapping_refused").len() == 1);
    assert_eq!(post(running.data, "/transform", r#"{"name": "b"}"#).json(), json!({"label": "b"}));
}

#[test]
fn what_is_being_answered_ends_before_it_does() {
    let world = World::new(0);
    let mut running = world.serve(&[]);
    let mut socket = TcpStream::connect(running.data).unwrap();
    let mut idle = BufReader::new(TcpStream::connect(running.data).unwrap());
    let head = "POST /transform HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
    write!(socket, "{head}a\r\n{{\"id\": 1}}\n\r\n").unwrap();
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    read_head(&mut reader);
    read_chunk(&mut reader).unwrap();
    running.signal("TERM");
    running.until_true("it stops", |running| running.said("stopping").len() == 1);
    assert_eq!(std::io::Read::read(&mut idle, &mut [0; 10]).unwrap(), 0, "who asks nothing is sent away");
    write!(socket, "a\r\n{{\"id\": 2}}\n\r\n0\r\n\r\n").unwrap();
    assert_eq!(read_chunk(&mut reader).unwrap(), b"{\"ext\":2}\n");
    assert_eq!(read_chunk(&mut reader).unwrap(), b"", "it came to its end");
    assert!(running.wait().success());
}

#[test]
fn who_retires_says_so_and_answers_all_the_same() {
    let world = World::new(0);
    let mut running = world.serve(&[]);
    assert_eq!(get(running.data, "/health").status, 200);
    running.signal("USR1");
    running.until_true("it says so", |running| get(running.data, "/health").status == 503);
    assert_eq!(get(running.admin, "/ready").status, 503);
    assert_eq!(post(running.data, "/transform", r#"{"id": 1}"#).status, 200);
    running.signal("TERM");
    assert!(running.wait().success());
}

#[test]
fn people_are_told_of_what_fails_by_messages_that_are_signed() {
    let world = World::new(3);
    world.things.lock().unwrap().source_broken = Some(401);
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let people = Peer::start(move |_| match tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => (503, json!({})),
        _ => (200, json!({})),
    });
    let key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let mut running = world.serve(&[
        ("VITESSE_SCHEDULE", "1s"),
        ("VITESSE_ALERT_URL", &people.url),
        ("VITESSE_ALERT_SECRET", &format!("whsec_{key}")),
    ]);
    running.until_true("the second try", |_| people.count("POST") == 2);
    let told = people.asked.lock().unwrap().clone();
    assert_eq!(told[0].body, told[1].body);
    assert_eq!(told[0].header("webhook-id"), told[1].header("webhook-id"), "the same message");
    let told = &told[1];
    let body = told.json();
    assert_eq!(
        (&body["type"], &body["integration_id"]),
        (&json!("credential_refused"), &json!("it")),
        "{body}"
    );
    let base64 = base64::engine::general_purpose::STANDARD;
    let mut mac = Hmac::<Sha256>::new_from_slice(&base64.decode(key).unwrap()).unwrap();
    let (id, time) = (told.header("webhook-id"), told.header("webhook-timestamp"));
    mac.update(format!("{id}.{time}.{}", told.body).as_bytes());
    let signature = format!("v1,{}", base64.encode(mac.finalize().into_bytes()));
    assert_eq!(told.header("webhook-signature"), signature);
    // The same is not told with every run.
    running.until_true("more runs", |running| running.said("run_failed").len() >= 3);
    assert_eq!(people.count("POST"), 2);
}

#[test]
fn people_are_told_of_what_grows_expires_or_waits() {
    let world = World::new(2);
    world.things.lock().unwrap().source[1]["name"] = json!("poison");
    let mut mapping = world.mapping("title");
    mapping["source"]["auth"] = json!({"type": "bearer"});
    world.write_mapping(&mapping);
    let people = Peer::start(|_| (200, json!({})));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let soon = now.as_secs() + 3600;
    let part =
        |json: serde_json::Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json.to_string());
    let token = format!("{}.{}.x", part(json!({"alg": "none"})), part(json!({"exp": soon})));
    let mut running = world.serve(&[
        ("VITESSE_ALERT_URL", &people.url),
        ("VITESSE_SOURCE_TOKEN", &token),
        ("VITESSE_HOOKS", crate::webhooks::HOOKS),
    ]);
    let told = |kind: &str| {
        let asked = people.asked.lock().unwrap();
        asked.iter().map(crate::peer::Asked::json).find(|body| body["type"] == kind)
    };
    running.until_true("what expires", |_| told("credential_expiring").is_some());
    assert_eq!(told("credential_expiring").unwrap()["subject"], "things source");
    running.client().ask(|admin| async move { admin.start(StartSync::default()).await }).unwrap();
    running.until_true("what grows", |_| told("dead_letters_growing").is_some());
    let growing = told("dead_letters_growing").unwrap();
    assert_eq!((&growing["subject"], &growing["dead_letters"]), (&json!("things"), &json!(1)));
    world.things.lock().unwrap().broken = Some(401);
    crate::webhooks::send(&running, r#"{"id": 9}"#);
    running.until_true("what waits", |_| told("webhooks_not_delivered").is_some());
    let all: String = people.asked.lock().unwrap().iter().map(|asked| asked.body.clone()).collect();
    assert!(!all.contains(&token) && !all.contains("poison"), "{all}");
}

#[test]
fn a_run_ends_with_the_mapping_that_it_began_with() {
    let world = World::new(200);
    world.things.lock().unwrap().slow = Duration::from_millis(100);
    let mut running = world.serve(&[]);
    let client = running.client();
    client.ask(|admin| async move { admin.start(StartSync::default()).await }).unwrap();
    running.until_true("a few records", |_| world.made() > 10);
    world.write_mapping(&world.mapping("label"));
    assert!(client.ask(|admin| async move { admin.reload().await }).unwrap());
    assert_eq!(post(running.data, "/transform", r#"{"name": "b"}"#).json(), json!({"label": "b"}));
    assert!(world.made() < 200, "the run is still under way");
    world.things.lock().unwrap().slow = Duration::ZERO;
    running.until_true("its end", |running| running.said("run_ended").len() == 1);
    let things = world.things.lock().unwrap();
    assert_eq!(things.made.len(), 200);
    let newer = things.made.iter().filter(|made| made.get("label").is_some()).count();
    assert_eq!(newer, 0, "two versions in one run");
}

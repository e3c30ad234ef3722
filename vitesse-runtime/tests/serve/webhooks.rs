//! Webhooks: who may send them, that none is taken twice, and that none is lost.

use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::peer::{Answer, Asked, ask};
use crate::world::{Running, World};

pub(crate) const HOOKS: &str = r#"{"things": {"scheme": "github", "secret": "s3cret"},
    "wrapped": {"scheme": "hmac", "header": "X-Sig", "secret": "s3cret", "stream": "things", "records": "data.items[]"}}"#;

pub(crate) fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap();
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn send(running: &Running, body: &str) -> Answer {
    let signature = format!("sha256={}", signature(body));
    ask(running.data, "POST", "/hooks/things", &[("x-hub-signature-256", &signature)], body)
}

#[test]
fn what_is_signed_is_delivered_once() {
    let world = World::new(0);
    let mut running = world.serve(&[("VITESSE_HOOKS", HOOKS)]);
    let body = r#"{"id": 7, "name": "seven"}"#;
    let taken = send(&running, body);
    assert_eq!((taken.status, taken.json()), (202, json!({"status": "kept", "records": 1})));
    running.until_true("the delivery", |_| world.made() == 1);
    let again = send(&running, body);
    assert_eq!((again.status, &again.json()["status"]), (202, &json!("repeated")));

    let wrapped = r#"{"data": {"items": [{"id": 8}, {"id": 7, "name": "other"}]}}"#;
    let taken = ask(running.data, "POST", "/hooks/wrapped", &[("x-sig", &signature(wrapped))], wrapped);
    assert_eq!(taken.json()["records"], 2);
    running.until_true("the delivery", |_| {
        let things = world.things.lock().unwrap();
        let mut made = things.made.clone();
        made.sort_by_key(Value::to_string);
        made == [json!({"ext": 7, "title": "other"}), json!({"ext": 8})]
    });
    assert_eq!(world.dest.count("PATCH"), 1, "what changed is updated");
    let traced = |asked: &Asked| !asked.header("traceparent").is_empty();
    assert!(!world.dest.asked.lock().unwrap().iter().any(traced), "nobody keeps traces here");

    let wrong = [
        ("/hooks/things", "sha256=00", "{}", 401),
        ("/hooks/things", "", "{}", 401),
        ("/hooks/nothing", "sha256=00", "{}", 404),
    ];
    for (path, given, body, status) in wrong {
        let answer = ask(running.data, "POST", path, &[("x-hub-signature-256", given)], body);
        assert_eq!((answer.status, &answer.json()["status"]), (status, &json!("failed")), "{path} {given}");
        assert!(!answer.body.contains(&signature(body)), "an error tells nobody what would be right");
    }
    assert_eq!(send(&running, "not json").status, 422);
    let empty = r#"{"data": {}}"#;
    assert_eq!(
        ask(running.data, "POST", "/hooks/wrapped", &[("x-sig", &signature(empty))], empty).status,
        422
    );
    assert_eq!(ask(running.data, "GET", "/hooks/things", &[], "").status, 405);
    let log = format!("{:?}", running.log());
    assert!(
        !log.contains("seven") && !log.contains("s3cret"),
        "logs hold ids, and nothing of records: {log}"
    );
}

#[test]
fn what_was_answered_survives_a_kill() {
    let world = World::new(0);
    world.things.lock().unwrap().broken = Some(503);
    let mut running = world.serve(&[("VITESSE_HOOKS", HOOKS)]);
    for id in 0..5 {
        assert_eq!(send(&running, &format!(r#"{{"id": {id}}}"#)).status, 202);
    }
    let waiting = running.client().ask(|admin| async move { admin.status().await }).unwrap();
    assert!(waiting.streams[0].inbox > 0 && world.made() == 0, "{waiting:?}");
    running.signal("KILL");
    running.wait();
    world.things.lock().unwrap().broken = None;
    let mut running = world.serve(&[("VITESSE_HOOKS", HOOKS)]);
    running.until_true("the delivery", |_| world.made() == 5);
    // The same sending is known to the next process too.
    assert_eq!(send(&running, r#"{"id": 3}"#).json()["status"], "repeated");
    running.until_true("an empty inbox", |running| {
        let status = running.client().ask(|admin| async move { admin.status().await }).unwrap();
        status.streams[0].inbox == 0
    });
    assert_eq!(world.made(), 5);
}

#[test]
fn a_webhook_that_could_not_be_delivered_is_not_taken() {
    let world = World::new(0);
    let hooks = r#"{"orders": {"scheme": "github", "secret": "s3cret"}}"#;
    let output = world.command(&["serve"]).env("VITESSE_HOOKS", hooks).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("orders") && said.contains("things"), "{said}");
}

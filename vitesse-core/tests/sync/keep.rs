//! What is kept: dead letters and their replay, files, forgetting, runs.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use vitesse_core::ErrorKind;
use vitesse_core::progress::{Cancel, Progress};
use vitesse_core::sync::{LetterReason, Letters};

use crate::peer::{Received, reply};
use crate::world::{Kind, World, by_offset, no_fault, person};

#[tokio::test]
async fn a_letter_is_replayed_through_the_mapping_as_it_is_now() {
    let people: Arc<Mutex<Vec<Value>>> = Arc::new(Mutex::new((0..3).map(person).collect()));
    people.lock().unwrap()[1]["name"] = "poison".into();
    let own = Arc::clone(&people);
    let mut world =
        World::new(Kind::Keys, move |request| by_offset(&own.lock().unwrap(), request), no_fault).await;
    world.sync().run(&Progress::none()).await.unwrap();
    let letter = world.sync().letter("people", "1").await.unwrap();
    assert_eq!((letter.reason, letter.attempts), (LetterReason::Refused, 1));
    assert!(letter.message.contains("422") && letter.message.contains("not accepted"), "{}", letter.message);
    assert!(letter.source.contains("poison"));
    assert!(world.sync().replay("people", "1", false, &Progress::none()).await.unwrap().dead == 1);
    assert_eq!(world.sync().letter("people", "1").await.unwrap().attempts, 2);

    // Another mapping makes it acceptable.
    let before = world.mapping.clone();
    world.mapping["transformations"][1] = json!({"dest_field": "name", "transform_type": "custom",
        "transform_config": {"function": "constant", "params": {"value": "fine"}}});
    assert_eq!(world.sync().replay("people", "1", false, &Progress::none()).await.unwrap().created, 1);
    assert_eq!(world.sync().letter("people", "1").await.unwrap_err().kind(), ErrorKind::NotFound);

    // Fails again with newer content, and something newer still is delivered: the letter is the past then.
    world.mapping = before;
    world.sync().run(&Progress::none()).await.unwrap();
    people.lock().unwrap()[1]["name"] = "newest".into();
    world.sync().run(&Progress::none()).await.unwrap();
    if world.sync().letter("people", "1").await.is_ok() {
        let error = world.sync().replay("people", "1", false, &Progress::none()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
    assert!(world.made().iter().any(|made| made["name"] == "newest"), "{:?}", world.made());
}

#[tokio::test]
async fn letters_are_sealed_and_keep_out_what_they_should() {
    let mut world = World::new(
        Kind::Keys,
        |request| by_offset(&[json!({"id": "a", "name": "poison", "email": "secret@x.example"})], request),
        no_fault,
    )
    .await;
    world.options.redact = vec!["email".parse().unwrap()];
    world.sync().run(&Progress::none()).await.unwrap();
    let letter = world.sync().letter("people", "a").await.unwrap();
    assert!(letter.redacted && !letter.source.contains("secret@") && letter.made.is_none(), "{letter:?}");
    let error = world.sync().replay("people", "a", true, &Progress::none()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Prerequisite);
    Letters::new(world.sync().state()).drop_letter("people", "a").await.unwrap();
}

#[tokio::test]
async fn a_record_is_forgotten_and_runs_are_remembered() {
    let people: Vec<Value> = (0..3).map(person).collect();
    let world = World::new(Kind::Keys, move |request| by_offset(&people, request), no_fault).await;
    let sync = world.sync();
    sync.run(&Progress::none()).await.unwrap();
    sync.forget("people", "1").await.unwrap();
    assert!(sync.state().entry("people", "1").await.unwrap().is_none());
    assert_eq!(sync.forget("people", "1").await.unwrap_err().kind(), ErrorKind::NotFound);
    // The destination knows the key, so it is not made twice even so.
    assert_eq!(sync.run(&Progress::none()).await.unwrap().total().created, 1);
    assert_eq!(world.made().len(), 3);
    let runs = sync.runs(10).await.unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[1].report.total().created, 3);
    assert!(runs.iter().all(|run| run.finished_at.is_some() && run.error.is_none()));
}

#[tokio::test]
async fn a_preview_writes_nothing() {
    let people: Vec<Value> = (0..30).map(person).collect();
    let world = World::new(Kind::Natural, move |request| by_offset(&people, request), no_fault).await;
    world.ledger.lock().unwrap().made.push(json!({"id": 0, "email": "e1@x.example"}));
    let planned = world.sync().preview(5, &Cancel::new()).await.unwrap();
    let actions: Vec<_> = planned.iter().map(|planned| planned.action).collect();
    assert_eq!(actions, ["create", "update", "create", "create", "create"]);
    assert_eq!(planned[1].request.as_deref(), Some("PATCH /contacts/0"));
    assert_eq!(world.made().len(), 1);
    assert!(world.dest.received().iter().all(|request: &Received| request.method == "GET"));
    assert!(world.sync().runs(1).await.unwrap().is_empty());
}

#[tokio::test]
async fn files_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut world = World::new(Kind::Keys, |_| reply(404, &[], ""), no_fault).await;
    std::fs::write(place("in.csv"), "id,name,email\n1,\"A, B\",a@x\n2,C,c@x\n").unwrap();
    std::fs::write(place("in.ndjson"), "{\"id\":1,\"name\":\"x\"}\nbroken\n\n{\"id\":2}\n").unwrap();
    std::fs::write(place("in.json"), " [{\"id\":1}, {\"id\":2},\n{\"id\":3}]").unwrap();
    for (name, read, expect) in [
        (
            "in.csv",
            2,
            "{\"ext\":\"1\",\"name\":\"A, B\",\"email\":\"a@x\"}\n{\"ext\":\"2\",\"name\":\"C\",\"email\":\"c@x\"}\n",
        ),
        ("in.ndjson", 3, "{\"ext\":1,\"name\":\"x\"}\n{\"ext\":2}\n"),
        ("in.json", 3, "{\"ext\":1}\n{\"ext\":2}\n{\"ext\":3}\n"),
    ] {
        let out = place(&format!("{name}.out"));
        world.mapping["stream"] = name.into();
        world.mapping["source"] = json!({"type": "file", "file": {"path": place(name)}, "id_field": "id"});
        world.mapping["destination"] = json!({"file": {"path": out}});
        let done = world.sync().run(&Progress::none()).await.unwrap().total();
        assert_eq!(done.read, read, "{name}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), expect);
        // What was appended without a commit is cut off, and what is there is not written again.
        std::fs::write(&out, format!("{expect}{{\"half")).unwrap();
        let again = world.sync().run(&Progress::none()).await.unwrap().total();
        assert_eq!(again.created, 0, "{name}: {again:?}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), expect);
    }
}

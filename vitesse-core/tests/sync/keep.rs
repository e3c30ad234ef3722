//! What is kept: dead letters and their replay, files, forgetting, runs.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use vitesse_core::ErrorKind;
use vitesse_core::progress::{Cancel, Progress};
use vitesse_core::sync::{LetterReason, Letters};

use crate::peer::{Received, Step, reply};
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
    world.mapping["transformations"][1] = json!({"dest_field": "name", "transform_type": "custom",
        "transform_config": {"function": "constant", "params": {"value": "fine"}}});
    assert_eq!(world.sync().replay("people", "1", false, &Progress::none()).await.unwrap().created, 1);
    assert_eq!(world.sync().letter("people", "1").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_letter_older_than_what_was_delivered_is_replayed_only_by_force() {
    let people: Arc<Mutex<Vec<Value>>> = Arc::new(Mutex::new((0..3).map(person).collect()));
    let own = Arc::clone(&people);
    let refusing = Arc::new(Mutex::new(true));
    let refuses = Arc::clone(&refusing);
    let world = World::new(
        Kind::Keys,
        move |request| by_offset(&own.lock().unwrap(), request),
        move |request, answer| match request.body.contains("\"older\"") && *refuses.lock().unwrap() {
            true => reply(422, &[], "{}"),
            false => answer(),
        },
    )
    .await;
    people.lock().unwrap()[1]["name"] = "older".into();
    world.sync().run(&Progress::none()).await.unwrap();
    people.lock().unwrap()[1]["name"] = "newer".into();
    world.sync().run(&Progress::none()).await.unwrap();
    // The letter about the past is still there, and would undo the present.
    *refusing.lock().unwrap() = false;
    let error = world.sync().replay("people", "1", false, &Progress::none()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.help_text().unwrap().contains("--force"));
    let name = || world.made().into_iter().find(|made| made["ext"] == 1).unwrap()["name"].clone();
    assert_eq!(name(), "newer");
    world.sync().replay("people", "1", true, &Progress::none()).await.unwrap();
    assert_eq!(name(), "older");
    // The source has the last word.
    world.sync().run(&Progress::none()).await.unwrap();
    assert_eq!(name(), "newer");
}

#[tokio::test]
async fn a_letter_that_fails_again_stays_one_though_the_mapping_would_stop() {
    let people: Vec<Value> = (0..3)
        .map(|id| {
            let mut person = person(id);
            person["name"] = "poison".into();
            person
        })
        .collect();
    let mut world = World::new(Kind::Keys, move |request| by_offset(&people, request), no_fault).await;
    world.sync().run(&Progress::none()).await.unwrap();
    world.mapping.as_object_mut().unwrap().remove("on_error");
    for id in ["0", "1", "2"] {
        let counts = world.sync().replay("people", id, false, &Progress::none()).await.unwrap();
        assert_eq!((counts.dead, counts.created), (1, 0));
        assert_eq!(world.sync().letter("people", id).await.unwrap().attempts, 2);
    }
    // A record that is read stops the run, and is read again by the next one.
    world.sync().forget("people", "1").await.unwrap();
    let error = world.sync().run(&Progress::none()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RecordInvalid, "{error}");
    assert!(error.to_string().contains("dead_letter") || error.help_text().unwrap().contains("dead_letter"));
    assert!(world.made().is_empty());
}

#[tokio::test]
async fn what_came_after_an_unknown_outcome_is_not_taken_for_written() {
    let current: Arc<Mutex<Value>> = Arc::new(Mutex::new(person(1)));
    let own = Arc::clone(&current);
    let world = World::new(
        Kind::Neither,
        move |request| by_offset(&[own.lock().unwrap().clone()], request),
        |request, answer| {
            let made = answer();
            if request.method == "POST" { vec![Step::Close] } else { made }
        },
    )
    .await;
    world.sync().run(&Progress::none()).await.unwrap();
    current.lock().unwrap()["name"] = "newer".into();
    world.sync().run(&Progress::none()).await.unwrap();
    let sync = world.sync();
    assert!(sync.letter("people", "1").await.unwrap().newer);
    // A person found the first content there, and says so.
    Letters::new(sync.state()).delivered("people", "1", Some("0".into())).await.unwrap();
    let counts = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!((counts.updated, counts.dead), (1, 0));
    assert_eq!(world.made()[0]["name"], "newer");
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

#[tokio::test]
async fn files_may_be_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let gzip = |text: &str| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    let zstd = |text: &str| {
        ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
    };
    let mut world = World::new(Kind::Keys, |_| reply(404, &[], ""), no_fault).await;
    let whole = [
        // Several packed files one after the other are one, as `cat` makes them.
        ("in.ndjson.gz", "auto", [gzip("{\"id\":\"1\"}\n"), gzip("{\"id\":\"2\"}\n")].concat()),
        ("in.csv.gz", "auto", gzip("id\n1\n2\n")),
        ("in.csv.zst", "auto", zstd("id\n1\n2\n")),
        ("in.json.zst", "auto", zstd("[{\"id\":\"1\"},{\"id\":\"2\"}]")),
        // A name that says nothing of it, where the mapping does.
        ("in.dump", "gzip", gzip("{\"id\":\"1\"}\n{\"id\":\"2\"}\n")),
        ("in.pack", "zstd", zstd("{\"id\":\"1\"}\n{\"id\":\"2\"}\n")),
    ];
    let mut read_it = async |name: &str, compression: &str| {
        world.mapping["stream"] = name.into();
        world.mapping["source"] = json!({"type": "file", "id_field": "id",
            "file": {"path": place(name), "compression": compression}});
        world.mapping["destination"] = json!({"file": {"path": place(&format!("{name}.out"))}});
        world.sync().run(&Progress::none()).await.map(|report| report.total())
    };
    for (name, compression, bytes) in whole {
        std::fs::write(place(name), bytes).unwrap();
        assert_eq!(read_it(name, compression).await.unwrap().created, 2, "{name}");
        let written = std::fs::read_to_string(place(&format!("{name}.out"))).unwrap();
        assert_eq!(written, "{\"ext\":\"1\"}\n{\"ext\":\"2\"}\n", "{name}");
    }
    // What is cut off or isn't what it is called stops the read; what came before it is kept.
    let many: String =
        (0..5000).map(|id| format!("{{\"id\":\"{id}\",\"name\":\"{}\"}}\n", id * 7919)).collect();
    let half = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    for (name, bytes) in [
        ("cut.ndjson.gz", half(gzip(&many))),
        ("cut.ndjson.zst", half(zstd(&many))),
        ("plain.gz", b"{\"id\":\"1\"}\n".to_vec()),
        ("plain.zst", b"{\"id\":\"1\"}\n".to_vec()),
    ] {
        std::fs::write(place(name), bytes).unwrap();
        let error = read_it(name, "auto").await.unwrap_err();
        assert!(error.kind() == ErrorKind::Io && error.to_string().contains(name), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_source_may_answer_compressed() {
    let people: Vec<Value> = (0..3).map(person).collect();
    let world = World::new(
        Kind::Keys,
        move |request| {
            assert_eq!(request.header("accept-encoding"), Some("gzip"), "nothing else can be read");
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(json!({"data": people, "total": 3}).to_string().as_bytes()).unwrap();
            reply(200, &[("content-encoding", "gzip")], packed.finish().unwrap())
        },
        no_fault,
    )
    .await;
    assert_eq!(world.sync().run(&Progress::none()).await.unwrap().total().created, 3);
}

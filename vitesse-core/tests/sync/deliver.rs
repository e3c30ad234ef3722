//! Writing: what becomes of records at destinations of each kind.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use vitesse_core::ErrorKind;
use vitesse_core::progress::{Event, Progress};
use vitesse_core::sync::{Counts, FailureWindow, LetterReason, Letters};

use crate::peer::{Step, reply};
use crate::world::{Kind, World, by_offset, no_fault, person};

type People = Arc<Mutex<Vec<Value>>>;

fn people(count: usize) -> People {
    Arc::new(Mutex::new((0..count).map(person).collect()))
}

async fn world(kind: Kind, people: &People) -> World {
    let people = Arc::clone(people);
    World::new(kind, move |request| by_offset(&people.lock().unwrap(), request), no_fault).await
}

async fn run(world: &World) -> Counts {
    world.sync().run(&Progress::none()).await.unwrap().total()
}

fn counts(read: u64) -> Counts {
    Counts { read, ..Counts::default() }
}

/// The futures can be run by any runtime.
fn _the_futures_are_send(sync: &vitesse_core::sync::Sync, progress: &Progress) {
    fn send(_: impl Send) {}
    send(sync.run(progress));
    send(sync.replay("", "", false, progress));
}

#[tokio::test]
async fn what_is_there_is_not_written_again_and_what_changed_is() {
    for kind in [Kind::Keys, Kind::Natural, Kind::Neither] {
        let people = people(45);
        let world = world(kind, &people).await;
        assert_eq!(run(&world).await, Counts { created: 45, ..counts(45) }, "{kind:?}");
        assert_eq!(run(&world).await, Counts { unchanged: 45, ..counts(45) }, "{kind:?}");
        for name in ["other", "n7", "other"] {
            people.lock().unwrap()[7]["name"] = name.into();
            assert_eq!(run(&world).await, Counts { unchanged: 44, updated: 1, ..counts(45) }, "{kind:?}");
            let made = world.made().into_iter().find(|made| made["ext"] == 7).unwrap();
            assert_eq!(made["name"], name, "a record may come back to what it was");
        }
        assert_eq!(world.made().len(), 45);
    }
}

#[tokio::test]
async fn what_stands_there_already_is_found_by_its_natural_key() {
    let people = people(3);
    let world = world(Kind::Natural, &people).await;
    world.ledger.lock().unwrap().made.push(json!({"id": 0, "email": "e1@x.example", "name": "old"}));
    assert_eq!(run(&world).await, Counts { created: 2, updated: 1, ..counts(3) });
    assert_eq!((world.made().len(), &world.made()[0]["name"]), (3, &json!("n1")));
}

#[tokio::test]
async fn two_new_records_with_one_natural_key_are_one_there() {
    let people = people(20);
    for (id, person) in people.lock().unwrap().iter_mut().enumerate() {
        let name = if id % 2 == 0 { "same" } else { "Same" };
        person["email"] = format!("{name}{}@x.example", id / 4).into();
    }
    let world = world(Kind::Natural, &people).await;
    assert_eq!(run(&world).await, Counts { created: 5, updated: 15, ..counts(20) });
    assert_eq!(world.made().len(), 5);
    assert_eq!(run(&world).await, Counts { unchanged: 20, ..counts(20) });
}

#[tokio::test]
async fn several_that_match_are_for_a_person() {
    let people = people(2);
    let world = world(Kind::Natural, &people).await;
    for id in 0..2 {
        world.ledger.lock().unwrap().made.push(json!({"id": id, "email": "e1@x.example"}));
    }
    assert_eq!(run(&world).await, Counts { created: 1, dead: 1, ..counts(2) });
    let letter = world.sync().letter("people", "1").await.unwrap();
    assert_eq!(letter.reason, LetterReason::Ambiguous);
}

#[tokio::test]
async fn what_was_removed_there_is_made_again() {
    let people = people(2);
    let world = world(Kind::Keys, &people).await;
    run(&world).await;
    let there = world.made().iter().position(|made| made["ext"] == 1).unwrap();
    world.ledger.lock().unwrap().deleted.push(there);
    people.lock().unwrap()[1]["name"] = "again".into();
    assert_eq!(run(&world).await, Counts { unchanged: 1, created: 1, ..counts(2) });
    assert_eq!(world.made().len(), 3, "with a key of its own");
}

#[tokio::test]
async fn records_that_are_gone_are_removed_within_the_caps() {
    let people = people(20);
    let mut world = world(Kind::Keys, &people).await;
    world.mapping["destination"]["deletes"] = json!({"policy": "delete", "max_ratio": 0.2});
    run(&world).await;
    let all = people.lock().unwrap().clone();
    people.lock().unwrap().clear();
    let error = world.sync().run(&Progress::none()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert!(world.ledger.lock().unwrap().deleted.is_empty());

    *people.lock().unwrap() = all[3..].to_vec();
    assert_eq!(run(&world).await, Counts { unchanged: 17, deleted: 3, ..counts(17) });
    assert_eq!(world.ledger.lock().unwrap().deleted.len(), 3);
    assert_eq!(run(&world).await, Counts { unchanged: 17, ..counts(17) });
    // One that comes back is new: its first key would bring back the record that was removed.
    *people.lock().unwrap() = all[2..].to_vec();
    assert_eq!(run(&world).await, Counts { unchanged: 17, created: 1, ..counts(18) });
    assert_eq!(world.made().len(), 21);
}

#[tokio::test]
async fn a_tombstone_removes_or_marks() {
    for policy in [json!({"policy": "delete"}), json!({"policy": "flag", "flag": {"archived": true}})] {
        let people = people(3);
        let mut world = world(Kind::Keys, &people).await;
        world.mapping["source"]["deleted"] = json!({"field": "gone", "equals": true});
        world.mapping["destination"]["deletes"] = policy.clone();
        run(&world).await;
        people.lock().unwrap()[1]["gone"] = true.into();
        let counts = run(&world).await;
        if policy["policy"] == "delete" {
            assert_eq!(counts.deleted, 1);
            assert_eq!(world.ledger.lock().unwrap().deleted.len(), 1);
        } else {
            let made = world.made().into_iter().find(|made| made["ext"] == 1).unwrap();
            assert_eq!((counts.updated, &made["archived"]), (1, &json!(true)));
        }
        let again = run(&world).await;
        assert_eq!((again.deleted, again.updated), (0, 0));
    }
}

#[tokio::test]
async fn what_is_gone_is_left_alone_reported_or_marked() {
    for (policy, gone, marked) in [
        (json!({"policy": "ignore"}), 0, 0),
        (json!({"policy": "report", "max_ratio": 0.0}), 2, 0),
        (json!({"policy": "flag", "flag": {"archived": true}}), 0, 2),
    ] {
        let people = people(20);
        let mut world = world(Kind::Keys, &people).await;
        world.mapping["destination"]["deletes"] = policy.clone();
        run(&world).await;
        people.lock().unwrap().drain(3..5);
        let notes: Arc<Mutex<Vec<String>>> = Arc::default();
        let into = Arc::clone(&notes);
        let progress = Progress::to(move |event| {
            if let Event::Note { message, .. } = event {
                into.lock().unwrap().push(message.to_string());
            }
        });
        let done = world.sync().run(&progress).await.unwrap().total();
        assert_eq!((done.gone, done.updated, done.deleted), (gone, marked, 0), "{policy}");
        let told = |id: u64| {
            notes
                .lock()
                .unwrap()
                .iter()
                .any(|note| note.contains(&format!("record {id} is gone at the source")))
        };
        assert_eq!((told(3), told(4), told(5)), (gone > 0, gone > 0, false), "{policy}: {notes:?}");
        let archived = world.made().iter().filter(|made| made["archived"] == true).count() as u64;
        assert_eq!((archived, world.made().len()), (marked, 20), "{policy}");
        assert!(world.ledger.lock().unwrap().deleted.is_empty(), "{policy}");
    }
}

#[tokio::test]
async fn bulk_writes_tell_of_each_record() {
    let people = people(25);
    people.lock().unwrap()[4]["name"] = "poison".into();
    let own = Arc::clone(&people);
    let sizes: Arc<Mutex<Vec<usize>>> = Arc::default();
    let seen = Arc::clone(&sizes);
    let mut world = World::new(
        Kind::Keys,
        move |request| by_offset(&own.lock().unwrap(), request),
        move |request, _| {
            let body: Value = serde_json::from_str(&request.body).unwrap();
            let inputs = body["inputs"].as_array().unwrap();
            seen.lock().unwrap().push(inputs.len());
            let results: Vec<Value> = inputs
                .iter()
                .map(|input| match input["name"].as_str() {
                    Some("poison") => json!({"status": 400, "message": "no"}),
                    _ => json!({"status": 201, "id": format!("d{}", input["ext"])}),
                })
                .collect();
            reply(207, &[], json!({"results": results}).to_string())
        },
    )
    .await;
    world.mapping["destination"]["operations"]["bulk"] = json!({
        "method": "POST", "path": "/batch", "wrap": "inputs",
        "results": {"records": "results[]", "status": "status", "id": "id", "error": "message"},
    });
    world.mapping["destination"]["batch"] = json!({"records": 10});
    assert_eq!(run(&world).await, Counts { created: 24, dead: 1, ..counts(25) });
    assert_eq!(sizes.lock().unwrap().iter().sum::<usize>(), 25);
    assert!(sizes.lock().unwrap().iter().all(|size| *size <= 10) && sizes.lock().unwrap().contains(&10));
    let entry = world.sync().state().entry("people", "24").await.unwrap().unwrap();
    assert_eq!(entry.dest_id.as_deref(), Some("d24"));
}

#[tokio::test]
async fn rules_say_what_an_answer_means() {
    let people = people(6);
    let own = Arc::clone(&people);
    let tries: Arc<Mutex<Vec<u64>>> = Arc::default();
    let seen = Arc::clone(&tries);
    let mut world = World::new(
        Kind::Neither,
        move |request| by_offset(&own.lock().unwrap(), request),
        move |request, answer| {
            let body: Value = serde_json::from_str(&request.body).unwrap();
            let id = body["ext"].as_u64().unwrap();
            let mut seen = seen.lock().unwrap();
            let before = seen.iter().filter(|known| **known == id).count();
            seen.push(id);
            match id {
                1 => reply(409, &[], "{}"),
                2 if before < 2 => reply(418, &[], "{}"),
                3 if before < 1 => reply(200, &[], r#"{"fault": "busy"}"#),
                4 => reply(400, &[("x-dup", "yes")], "{}"),
                _ => answer(),
            }
        },
    )
    .await;
    world.mapping["destination"]["responses"] = json!([
        {"when": {"status": 409}, "do": "ignore"},
        {"when": {"status": 418}, "do": "retry", "after": "1ms"},
        {"when": {"status": "2xx", "body": {"field": "fault", "exists": true}}, "do": "rate_limited", "after": "1ms"},
        {"when": {"header": "x-dup", "header_matches": "^y"}, "do": "succeed"},
    ]);
    let done = run(&world).await;
    assert_eq!((done.created, done.dead), (6, 0), "{done:?}");
    let tries = tries.lock().unwrap();
    let times = |id: u64| tries.iter().filter(|known| **known == id).count();
    assert_eq!((times(1), times(2), times(3), times(4)), (1, 3, 2, 1));
}

#[tokio::test]
async fn too_many_failures_stop_the_sync() {
    let people = people(60);
    people.lock().unwrap().iter_mut().for_each(|person| person["name"] = "poison".into());
    let mut world = world(Kind::Keys, &people).await;
    world.options.failures = FailureWindow { records: 20, failures: 10 };
    let error = world.sync().run(&Progress::none()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    let sync = world.sync();
    let (letters, _) = Letters::new(sync.state()).list("people", None, 100).await.unwrap();
    assert!(letters.len() < 40, "the source is not drained into the dead letters: {}", letters.len());
    // Once the mapping is mended it goes on where it stopped, and nothing is missing.
    world.mapping["transformations"][1] = json!({"dest_field": "name", "transform_type": "custom",
        "transform_config": {"function": "constant", "params": {"value": "fine"}}});
    run(&world).await;
    let (left, _) = Letters::new(sync.state()).list("people", None, 100).await.unwrap();
    for letter in left {
        world.sync().replay("people", &letter.id, false, &Progress::none()).await.unwrap();
    }
    assert_eq!(world.made().len(), 60);
    let (letters, _) = Letters::new(world.sync().state()).list("people", None, 100).await.unwrap();
    assert!(letters.is_empty(), "{letters:?}");
}

#[tokio::test]
async fn the_same_few_failures_in_each_full_read_stop_nobody() {
    // More failures than may stand in a window, if what is unchanged were left out of it; and so far apart that no
    // order in which answers come brings enough of them together.
    let people = people(1200);
    people.lock().unwrap().iter_mut().step_by(10).for_each(|person| person["name"] = "poison".into());
    let mut world = world(Kind::Keys, &people).await;
    world.options.failures = FailureWindow { records: 200, failures: 100 };
    assert_eq!(run(&world).await, Counts { created: 1080, dead: 120, ..counts(1200) });
    assert_eq!(run(&world).await, Counts { unchanged: 1080, dead: 120, ..counts(1200) });
}

#[tokio::test]
async fn a_reference_that_is_not_there_yet_defers_the_record() {
    let people = people(3);
    let own = Arc::clone(&people);
    let world = World::new(
        Kind::Keys,
        move |request| {
            let people = own.lock().unwrap();
            if request.target.starts_with("/orders") {
                let orders: Vec<Value> =
                    (0..4).map(|id| json!({"id": format!("o{id}"), "customer": id})).collect();
                return reply(200, &[], json!({"data": orders, "total": 4}).to_string());
            }
            by_offset(&people, request)
        },
        no_fault,
    )
    .await;
    let mut orders = world.mapping.clone();
    orders["stream"] = "orders".into();
    orders["source"]["path"] = "/orders".into();
    orders["transformations"] = json!([
        {"source_field": "id", "dest_field": "ext", "transform_type": "mapping"},
        {"source_field": "customer", "dest_field": "person", "transform_type": "custom",
         "transform_config": {"function": "ref", "params": {"stream": "people"}}},
    ]);
    let sync = world.sync_of(&[&orders, &world.mapping]);
    let report = sync.run(&Progress::none()).await.unwrap();
    // The orders came first; those whose people exist were tried again when these were there.
    assert_eq!(report.streams[0].counts.created, 3, "{report:?}");
    assert_eq!((report.streams[0].counts.dead, report.streams[0].counts.deferred), (1, 1), "{report:?}");
    let order = world.made().into_iter().find(|made| made["ext"] == "o2").unwrap();
    let person = world.made().into_iter().find(|made| made["ext"] == 2).unwrap();
    assert_eq!(order["person"], person["id"]);
    people.lock().unwrap().push(crate::world::person(3));
    let report = sync.run(&Progress::none()).await.unwrap();
    assert_eq!(report.streams[0].counts.created, 1, "{report:?}");
}

#[tokio::test]
async fn what_can_not_be_found_out_waits_for_a_person() {
    let people = people(3);
    let own = Arc::clone(&people);
    let world = World::new(
        Kind::Neither,
        move |request| by_offset(&own.lock().unwrap(), request),
        |request, answer| {
            let made = answer();
            if request.body.contains("\"ext\":1,") { vec![Step::Close] } else { made }
        },
    )
    .await;
    let done = run(&world).await;
    assert_eq!((done.created, done.dead, done.unknown), (2, 1, 1));
    let again = run(&world).await;
    assert_eq!((again.created, again.unchanged, again.skipped), (0, 2, 1), "nothing is sent for it");
    let sync = world.sync();
    let refused = sync.replay("people", "1", false, &Progress::none()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    Letters::new(sync.state()).delivered("people", "1", Some("n:1".into())).await.unwrap();
    assert_eq!(run(&world).await.unchanged, 3);
    assert_eq!(world.made().len(), 3);
}

#[tokio::test]
async fn a_destination_that_makes_or_changes_as_it_finds() {
    for bulk in [false, true] {
        let people = people(9);
        let own = Arc::clone(&people);
        let there: Arc<Mutex<std::collections::BTreeMap<u64, Value>>> = Arc::default();
        let written = Arc::clone(&there);
        let mut world = World::new(
            Kind::Neither,
            move |request| by_offset(&own.lock().unwrap(), request),
            move |request, _| {
                let body: Value = serde_json::from_str(&request.body).unwrap();
                for record in body.as_array().map_or(std::slice::from_ref(&body), Vec::as_slice) {
                    let id = record["ext"].as_u64().unwrap();
                    assert!(body.is_array() || request.target == format!("/contacts/{id}"));
                    written.lock().unwrap().insert(id, record.clone());
                }
                // Lost answers do no harm: the same is sent again.
                if request.index == 1 { vec![Step::Close] } else { reply(200, &[], "{}") }
            },
        )
        .await;
        world.mapping["destination"]["operations"] = match bulk {
            true => json!({"bulk": {"method": "PUT", "path": "/contacts", "upsert": true}}),
            false => json!({"upsert": {"method": "PUT", "path": "/contacts/{ext}"}}),
        };
        world.mapping["destination"]["batch"] = json!({"records": 4});
        assert_eq!(run(&world).await, Counts { updated: 9, ..counts(9) });
        people.lock().unwrap()[3]["name"] = "other".into();
        assert_eq!(run(&world).await, Counts { updated: 1, unchanged: 8, ..counts(9) });
        assert_eq!(there.lock().unwrap()[&3]["name"], "other");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reader_does_not_run_away_from_a_slow_destination() {
    let people = people(2000);
    let own = Arc::clone(&people);
    let written: Arc<Mutex<usize>> = Arc::default();
    let (count, lead) = (Arc::clone(&written), Arc::new(Mutex::new(0)));
    let most = Arc::clone(&lead);
    let world = World::new(
        Kind::Keys,
        move |request| {
            let read: usize = crate::world::param(request, "offset").map_or(0, |text| text.parse().unwrap());
            let mut most = most.lock().unwrap();
            *most = (*most).max(read.saturating_sub(*written.lock().unwrap()));
            by_offset(&own.lock().unwrap(), request)
        },
        move |_, answer| {
            let made = answer();
            *count.lock().unwrap() += 1;
            [vec![Step::Pause(std::time::Duration::from_millis(1))], made].concat()
        },
    )
    .await;
    assert_eq!(run(&world).await.created, 2000);
    let lead = *lead.lock().unwrap();
    assert!(lead < 400, "{lead} records were read and not delivered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_requests_are_under_way_than_may_be() {
    let people = people(60);
    let own = Arc::clone(&people);
    let under_way: Arc<Mutex<(usize, usize)>> = Arc::default();
    let count = Arc::clone(&under_way);
    let mut world = World::new(
        Kind::Keys,
        move |request| by_offset(&own.lock().unwrap(), request),
        move |_, answer| {
            tokio::task::block_in_place(|| {
                {
                    let mut count = count.lock().unwrap();
                    count.0 += 1;
                    count.1 = count.1.max(count.0);
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
                count.lock().unwrap().0 -= 1;
            });
            answer()
        },
    )
    .await;
    world.mapping["destination"]["rate_limit"] = json!({"requests": 100_000, "per": "1s", "concurrent": 3});
    run(&world).await;
    let (_, most) = *under_way.lock().unwrap();
    assert!((1..=3).contains(&most), "{most} at once");
}

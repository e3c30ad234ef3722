//! What is dropped after a while, what never is, and what happens when there is no room.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use vitesse_core::ErrorKind;
use vitesse_core::progress::{Event, Progress};
use vitesse_core::store::EmbeddedStore;

use crate::peer::{Step, reply};
use crate::world::{Kind, World, by_offset, no_fault, param, person};

#[tokio::test]
async fn old_runs_and_removed_records_are_forgotten() {
    let people: Arc<Mutex<Vec<Value>>> = Arc::new(Mutex::new((0..5).map(person).collect()));
    let own = Arc::clone(&people);
    let mut world =
        World::new(Kind::Keys, move |request| by_offset(&own.lock().unwrap(), request), no_fault).await;
    world.mapping["destination"]["deletes"] = json!({"policy": "delete", "max_ratio": 0.5});
    world.options.retention.runs = 3;
    world.sync().run(&Progress::none()).await.unwrap();
    people.lock().unwrap().remove(2);
    for _ in 0..5 {
        world.sync().run(&Progress::none()).await.unwrap();
    }
    let sync = world.sync();
    let runs = sync.runs(10).await.unwrap();
    assert_eq!(runs.len(), 3);
    assert!(runs.iter().all(|run| run.report.total().unchanged == 4));
    assert!(sync.state().entry("people", "2").await.unwrap().unwrap().gone);
    assert_eq!(sync.compact().await.unwrap().entries, 0, "not old enough");
    world.options.retention.age = Duration::ZERO;
    let sync = world.sync();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let dropped = sync.compact().await.unwrap();
    assert_eq!((dropped.entries, dropped.runs), (1, 3));
    assert!(sync.state().entry("people", "2").await.unwrap().is_none());
    assert!(sync.state().entry("people", "1").await.unwrap().is_some(), "what stands there is kept");
}

#[tokio::test]
async fn letters_stay_unless_asked_and_unknown_outcomes_always() {
    let people: Vec<Value> = (0..3)
        .map(|id| {
            let mut person = person(id);
            if id == 1 {
                person["name"] = "poison".into();
            }
            person
        })
        .collect();
    let mut world = World::new(
        Kind::Neither,
        move |request| by_offset(&people, request),
        |request, answer| if request.body.contains("\"ext\":2,") { vec![Step::Close] } else { answer() },
    )
    .await;
    assert_eq!(world.sync().run(&Progress::none()).await.unwrap().total().dead, 2);
    assert_eq!(world.sync().compact().await.unwrap().letters, 0);
    world.options.retention.letters = Some(Duration::ZERO);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let sync = world.sync();
    assert_eq!(sync.compact().await.unwrap().letters, 1);
    assert_eq!(sync.letter("people", "1").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(sync.letter("people", "2").await.unwrap().reason.id(), "unknown_outcome");
}

#[tokio::test]
async fn state_beyond_its_limit_stops_reading() {
    let folder = tempfile::tempdir().unwrap();
    let people: Vec<Value> = (0..40).map(person).collect();
    let mut world = World::new(Kind::Keys, move |request| by_offset(&people, request), no_fault).await;
    let store = EmbeddedStore::open(folder.path().join("state"), Default::default()).await.unwrap();
    world.store = Arc::new(store);
    world.options.retention.bytes = Some(64 << 20);
    world.sync().run(&Progress::none()).await.unwrap();
    let asked = world.source.received().len();
    world.options.retention.bytes = Some(1000);
    let error = world.sync().run(&Progress::none()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert!(error.to_string().contains("1000") && error.help_text().is_some(), "{error}");
    assert_eq!(world.source.received().len(), asked, "nothing was read");
}

#[tokio::test]
async fn a_range_is_read_again_and_reads_go_on_where_they_were() {
    let asked: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let mut world = World::new(
        Kind::Keys,
        move |request| {
            let since = param(request, "since");
            seen.lock().unwrap().push(since.clone());
            let since: u64 = since.map_or(0, |text| text.parse().unwrap());
            let people: Vec<Value> =
                (0..30).map(person).filter(|person| person["updated"].as_u64().unwrap() >= since).collect();
            reply(200, &[], json!({ "data": people }).to_string())
        },
        no_fault,
    )
    .await;
    world.mapping["source"]["pagination"] = json!({"kind": "none"});
    world.mapping["source"]["incremental"] =
        json!({"field": "updated", "type": "id", "param": "since", "initial": 1});
    let sync = world.sync();
    assert_eq!(sync.run(&Progress::none()).await.unwrap().total().created, 27, "from `initial` on");
    sync.reset("people", Some("3"), Some("5")).await.unwrap();
    let range = sync.run(&Progress::none()).await.unwrap().total();
    assert_eq!((range.read, range.unchanged), (12, 12), "a little before it too, as always");
    sync.run(&Progress::none()).await.unwrap();
    let asked: Vec<Option<u64>> =
        asked.lock().unwrap().iter().map(|since| since.as_ref().map(|text| text.parse().unwrap())).collect();
    assert_eq!(asked, [Some(1), Some(2), Some(8)], "the range, and then from where the first read had ended");
}

#[tokio::test]
async fn progress_knows_the_total_that_the_source_tells() {
    let people: Vec<Value> = (0..50).map(person).collect();
    let world = World::new(Kind::Keys, move |request| by_offset(&people, request), no_fault).await;
    for _ in 0..2 {
        let (progress, events) = Progress::collected();
        world.sync().run(&progress).await.unwrap();
        let last = events.take().into_iter().rev().find_map(|event| match event {
            Event::Advanced { done, total, .. } => Some((done, total)),
            _ => None,
        });
        assert_eq!(last, Some((50, Some(50))), "also of records that need nothing");
    }
}

//! What goes together: batches by count, bytes and time, and what may not be more than the destination takes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use vitesse_core::ErrorKind;
use vitesse_core::progress::Progress;

use crate::peer::{Received, Step, reply};
use crate::world::{Kind, World, by_offset, no_fault, param, person};

type Bodies = Arc<Mutex<Vec<String>>>;

/// A destination with a bulk endpoint, and every body it was sent.
async fn bulk(
    source: impl Fn(&Received, &Bodies) -> Vec<Step> + Send + Sync + 'static,
    batch: Value,
) -> (World, Bodies) {
    let bodies: Bodies = Arc::default();
    let (seen, own) = (Arc::clone(&bodies), Arc::clone(&bodies));
    let mut world = World::new(
        Kind::Keys,
        move |request| source(request, &own),
        move |request, _| {
            seen.lock().unwrap().push(request.body.clone());
            reply(200, &[], "{}")
        },
    )
    .await;
    world.mapping["destination"]["operations"] = json!({"bulk": {"method": "POST", "path": "/batch"}});
    world.mapping["destination"]["batch"] = batch;
    (world, bodies)
}

fn sizes(bodies: &Bodies) -> Vec<usize> {
    let count = |body: &String| serde_json::from_str::<Vec<Value>>(body).unwrap().len();
    bodies.lock().unwrap().iter().map(count).collect()
}

fn many(count: usize) -> impl Fn(&Received, &Bodies) -> Vec<Step> + Send + Sync + 'static {
    let people: Vec<Value> = (0..count).map(person).collect();
    move |request, _| by_offset(&people, request)
}

#[tokio::test]
async fn a_batch_has_no_more_bytes_than_it_may() {
    let (world, bodies) = bulk(many(60), json!({"records": 50, "bytes": 300})).await;
    assert_eq!(world.sync().run(&Progress::none()).await.unwrap().total().created, 60);
    let bodies = bodies.lock().unwrap().clone();
    assert!(bodies.iter().all(|body| body.len() <= 300), "{bodies:?}");
    let most = bodies.iter().map(String::len).max().unwrap();
    assert!(most > 200 && bodies.len() > 5, "and is filled as far as it goes: {most}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_batch_does_not_wait_for_ever_to_be_full() {
    // The second page comes only when the first one's records, too few for a batch, are there.
    let (world, bodies) = bulk(
        |request, bodies| {
            let people: Vec<Value> = (0..6).map(person).collect();
            let offset: usize = param(request, "offset").map_or(0, |text| text.parse().unwrap());
            if offset == 0 {
                return reply(200, &[], json!({"data": people[..3], "total": 6}).to_string());
            }
            tokio::task::block_in_place(|| {
                while bodies.lock().unwrap().is_empty() {
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
            by_offset(&people, request)
        },
        json!({"records": 100, "within": "40ms"}),
    )
    .await;
    assert_eq!(world.sync().run(&Progress::none()).await.unwrap().total().created, 6);
    assert_eq!(sizes(&bodies), [3, 3]);
}

#[tokio::test]
async fn the_environment_chooses_the_size_within_what_the_destination_takes() {
    let (mut world, bodies) = bulk(many(30), json!({"records": 10, "max_records": 20})).await;
    world.options.batch = Some(7);
    world.sync().run(&Progress::none()).await.unwrap();
    assert!(sizes(&bodies).iter().all(|size| *size <= 7) && sizes(&bodies).contains(&7));
    world.options.batch = Some(21);
    let error = world.open(&[&world.mapping]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    assert!(error.to_string().contains("BATCH_SIZE") && error.to_string().contains("20"), "{error}");
    world.options.batch = None;
    world.mapping["destination"]["batch"]["records"] = 21.into();
    assert_eq!(world.open(&[&world.mapping]).unwrap_err().kind(), ErrorKind::MappingInvalid);
}

#[tokio::test]
async fn one_refused_record_does_not_take_its_batch_with_it() {
    let people: Vec<Value> = (0..10)
        .map(|id| {
            let mut person = person(id);
            if id == 4 {
                person["name"] = "poison".into();
            }
            person
        })
        .collect();
    let mut world = World::new(
        Kind::Keys,
        move |request| by_offset(&people, request),
        |request, _| {
            if request.body.contains("poison") { reply(422, &[], "no") } else { reply(200, &[], "{}") }
        },
    )
    .await;
    world.mapping["destination"]["operations"] = json!({"bulk": {"method": "POST", "path": "/batch"}});
    world.mapping["destination"]["batch"] = json!({"records": 10});
    let counts = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!((counts.created, counts.dead), (9, 1));
}

#[tokio::test]
async fn a_record_that_is_too_large_is_a_letter_and_stops_nobody() {
    let large = json!({"id": "large", "name": "x".repeat(13 << 20)});
    let world = World::new(
        Kind::Keys,
        move |request| by_offset(&[person(0), large.clone(), person(2)], request),
        no_fault,
    )
    .await;
    let counts = world.sync().run(&Progress::none()).await.unwrap().total();
    assert_eq!((counts.created, counts.dead), (2, 1));
    let letter = world.sync().letter("people", "large").await.unwrap();
    assert_eq!((letter.reason.id(), letter.source.len(), letter.redacted), ("too_large", 0, true));
    assert!(letter.message.contains("bytes"), "{}", letter.message);
}

#[tokio::test]
async fn a_late_write_does_not_come_after_a_newer_one() {
    // The first change is carried out, but long after the connection broke.
    let current: Arc<Mutex<Value>> = Arc::new(Mutex::new(person(0)));
    let own = Arc::clone(&current);
    let there: Arc<Mutex<Vec<String>>> = Arc::default();
    let written = Arc::clone(&there);
    let mut world = World::new(
        Kind::Natural,
        move |request| by_offset(&[own.lock().unwrap().clone()], request),
        move |request, answer| {
            if request.method != "PATCH" {
                return answer();
            }
            let name =
                serde_json::from_str::<Value>(&request.body).unwrap()["name"].as_str().unwrap().to_owned();
            if written.lock().unwrap().is_empty() {
                written.lock().unwrap().push("lost".into());
                let written = Arc::clone(&written);
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(80));
                    written.lock().unwrap().push(name);
                });
                return vec![Step::Close];
            }
            written.lock().unwrap().push(name);
            answer()
        },
    )
    .await;
    world.options.settle = Duration::from_millis(600);
    for name in ["first", "second", "third"] {
        current.lock().unwrap()["name"] = name.into();
        world.sync().run(&Progress::none()).await.unwrap();
    }
    assert_eq!(*there.lock().unwrap(), ["lost", "second", "second", "third"]);
}

//! A sync that is cut off at random moments, between servers that fail, loses nothing and repeats nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vitesse_core::progress::Progress;
use vitesse_core::store::{EmbeddedStore, PostgresStore};
use vitesse_core::sync::{LetterReason, Letters};

use crate::parts;
use crate::peer::{Step, reply};
use crate::world::{Kind, World, by_offset, person};

const PEOPLE: usize = 120;

/// Numbers that look random and are the same in each run.
struct Dice(AtomicU64);

impl Dice {
    fn roll(&self, sides: u64) -> u64 {
        let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % sides
    }
}

async fn world(kind: Kind) -> World {
    let people: Vec<_> = (0..PEOPLE)
        .map(|id| {
            let mut person = person(id);
            if id % 40 == 7 {
                person["name"] = "poison".into();
            }
            person
        })
        .collect();
    let (source_dice, dest_dice) = (Dice(AtomicU64::new(1)), Dice(AtomicU64::new(2)));
    World::new(
        kind,
        move |request| match source_dice.roll(12) {
            0 => reply(500, &[], "{}"),
            1 => vec![
                Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"data\": [".to_vec()),
                Step::Close,
            ],
            _ => by_offset(&people, request),
        },
        move |_, answer| match dest_dice.roll(16) {
            // Refused before anything was done, failed before, failed after, and silence after.
            0 => reply(429, &[("retry-after", "0.01")], "{}"),
            1 => reply(500, &[], "{}"),
            2 => {
                answer();
                reply(502, &[], "{}")
            }
            3 => {
                answer();
                vec![Step::Close]
            }
            4 => {
                let mut steps = vec![Step::Pause(Duration::from_millis(15))];
                steps.extend(answer());
                steps
            }
            _ => answer(),
        },
    )
    .await
}

async fn cut_off_and_finish(mut world: World, kind: Kind) {
    world.options.tries = 40;
    let dice = Dice(AtomicU64::new(3));
    let mut cuts = 0;
    for _ in 0..25 {
        let sync = world.sync();
        let progress = Progress::none();
        tokio::select! {
            outcome = sync.run(&progress) => drop(outcome.unwrap()),
            // Dropped in the middle: nothing of it goes on.
            () = tokio::time::sleep(Duration::from_millis(3 + dice.roll(60))) => cuts += 1,
        }
    }
    // What the servers still carry out.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let sync = world.sync();
    sync.run(&Progress::none()).await.unwrap();
    assert!(cuts > 3, "only {cuts} of the runs were cut off");

    let (letters, more) = Letters::new(sync.state()).list("people", None, 1000).await.unwrap();
    assert!(!more);
    let of = |unknown: bool| -> BTreeSet<usize> {
        letters
            .iter()
            .filter(|letter| (letter.reason == LetterReason::UnknownOutcome) == unknown)
            .map(|letter| letter.id.parse().unwrap())
            .collect()
    };
    let (unknown, dead) = (of(true), of(false));
    let poisoned: BTreeSet<usize> = (0..PEOPLE).filter(|id| id % 40 == 7).collect();
    let made: Vec<usize> = world.made().iter().map(|made| made["ext"].as_u64().unwrap() as usize).collect();
    let distinct: BTreeSet<usize> = made.iter().copied().collect();
    assert_eq!(made.len(), distinct.len(), "nothing is made twice: {made:?}");
    assert!(dead.is_subset(&poisoned), "{letters:?}");
    assert!(dead.iter().chain(&unknown).copied().collect::<BTreeSet<_>>().is_superset(&poisoned));
    for id in (0..PEOPLE).filter(|id| !poisoned.contains(id)) {
        assert!(distinct.contains(&id) || unknown.contains(&id), "{id} is lost");
    }
    if kind != Kind::Neither {
        assert!(unknown.is_empty(), "{unknown:?}");
        assert_eq!(dead, poisoned);
    }
}

async fn embedded(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(kind).await;
    world.store =
        Arc::new(EmbeddedStore::open(folder.path().join("state"), Default::default()).await.unwrap());
    cut_off_and_finish(world, kind).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_in_memory_at_a_destination_with_keys() {
    cut_off_and_finish(world(Kind::Keys).await, Kind::Keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_in_memory_at_a_destination_with_a_natural_key() {
    cut_off_and_finish(world(Kind::Natural).await, Kind::Natural).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_embedded_at_a_destination_with_keys() {
    embedded(Kind::Keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_embedded_at_a_destination_with_neither() {
    embedded(Kind::Neither).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_in_postgres_at_a_destination_with_keys() {
    let database = parts::Database::new().await;
    let mut world = world(Kind::Keys).await;
    world.store = Arc::new(PostgresStore::open(&database.url, Default::default()).await.unwrap());
    cut_off_and_finish(world, Kind::Keys).await;
}

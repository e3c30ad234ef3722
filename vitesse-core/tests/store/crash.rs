//! Killed at any moment: what was acknowledged is there, and no commit is there by half.
//!
//! The test starts itself again as the process that writes and reports.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use vitesse_core::store::{Batch, Expect, Key, Scan, Store, open};

use crate::parts::parts;

const WRITERS: u64 = 4;
const KEYS: u64 = 3;

/// 20, or 200 when chaos is asked for.
fn rounds() -> u64 {
    if std::env::var_os("VITESSE_CHAOS").is_some() { 200 } else { 20 }
}

/// Each writer counts up in commits of three documents that must always agree, and makes a fourth that is
/// new in each.
fn batch(writer: u64, count: u64) -> Batch {
    let value = format!("{count}:{}", "x".repeat((count * 37 % 5000) as usize));
    let fill = |batch: Batch, n: u64| {
        batch.put(
            Key::new("crash", "counters", format!("{writer}-{n}")),
            Expect::Any,
            value.clone().into_bytes(),
        )
    };
    let log = Key::new("crash", "log", format!("{writer}-{:04}", count % 500));
    (0..KEYS).fold(Batch::new(), fill).put(log, Expect::Any, count.to_string().into_bytes())
}

async fn counts(store: &dyn Store, writer: u64) -> Vec<u64> {
    let page = store.scan(&Scan::new("crash", "counters").prefix(format!("{writer}-"))).await.unwrap();
    let count =
        |value: &[u8]| std::str::from_utf8(value).unwrap().split(':').next().unwrap().parse().unwrap();
    page.documents.iter().map(|document| count(&document.value)).collect()
}

/// What the child does until it is killed.
async fn write_forever(url: &str) {
    let store: Arc<dyn Store> = open(url, &Default::default()).await.unwrap();
    let write = |store: Arc<dyn Store>, writer: u64| async move {
        let mut count = counts(&*store, writer).await.first().copied().unwrap_or(0);
        loop {
            count += 1;
            if store.commit(batch(writer, count)).await.is_err() {
                // The server went away: only what was answered counts.
                return;
            }
            let line = format!("ack {writer} {count}\n");
            let mut out = std::io::stdout().lock();
            out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap();
        }
    };
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(store.clone(), writer))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

fn start(test: &str, url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env("VITESSE_CRASH_WRITER", url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads acknowledgements until the pipe closes; `kill` is called some time after the first.
fn acknowledged(child: &mut Child, round: u64, kill: impl FnOnce(&mut Child)) -> [u64; WRITERS as usize] {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut highest = [0; WRITERS as usize];
    let mut note = |line: &str| {
        let mut words = line.split(' ').skip_while(|word| *word != "ack").skip(1);
        if let (Some(Ok(writer)), Some(Ok(count))) =
            (words.next().map(str::parse::<usize>), words.next().map(str::parse::<u64>))
        {
            highest[writer] = highest[writer].max(count);
            return true;
        }
        false
    };
    lines.by_ref().find(|line| note(line)).expect("the writer acknowledges something");
    // Drained while it runs: a full pipe would stop the writer instead of the kill.
    let (send, receive) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in lines {
            let _ = send.send(line);
        }
    });
    // Spread over the range a commit takes many times, by a fixed sequence: no two rounds alike.
    std::thread::sleep(Duration::from_micros(round.wrapping_mul(7919) % 150_000));
    kill(child);
    reader.join().unwrap();
    for line in receive {
        // The last line may be cut off in the middle of its number: a prefix is never more than was written.
        note(&line);
    }
    highest
}

async fn verify(url: &str, acknowledged: &[u64], round: u64) {
    let store = open(url, &Default::default()).await.unwrap();
    for (writer, highest) in acknowledged.iter().enumerate() {
        let found = counts(&*store, writer as u64).await;
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "round {round}: half a commit: {found:?}");
        if *highest > 0 {
            assert_eq!(found.len() as u64, KEYS, "round {round}: half a commit: {found:?}");
            assert!(found[0] >= *highest, "round {round}: {highest} was acknowledged, {found:?} is there");
            let log = Key::new("crash", "log", format!("{writer}-{:04}", found[0] % 500));
            let logged = store.get(&log).await.unwrap().map(|document| document.value);
            assert_eq!(logged, Some(found[0].to_string().into_bytes()), "round {round}: half a commit");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_of_the_process_with_an_embedded_store() {
    if let Ok(url) = std::env::var("VITESSE_CRASH_WRITER") {
        return write_forever(&url).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let url = format!("embedded:{}", folder.path().join("state.redb").display());
    let mut total = 0;
    for round in 0..rounds() {
        let mut child = start("crash::crash_of_the_process_with_an_embedded_store", &url);
        let acknowledged = acknowledged(&mut child, round, |child| child.kill().unwrap());
        child.wait().unwrap();
        verify(&url, &acknowledged, round).await;
        total = acknowledged.iter().sum();
    }
    println!("{} kills, {total} acknowledged commits, none lost or halved", rounds());
}

/// Makes one store after the other, until it is killed.
async fn make_forever(folder: &str) {
    for number in 0.. {
        let store =
            open(&format!("embedded:{folder}/{number}/state.redb"), &Default::default()).await.unwrap();
        let key = Key::new("crash", "made", "one");
        store.commit(Batch::new().put(key, Expect::Any, b"there".to_vec())).await.unwrap();
        let line = format!("ack 0 {}\n", number + 1);
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_while_an_embedded_store_is_made() {
    if let Ok(folder) = std::env::var("VITESSE_CRASH_WRITER") {
        return make_forever(&folder).await;
    }
    for round in 0..rounds() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_str().unwrap();
        let mut child = start("crash::crash_while_an_embedded_store_is_made", place);
        let [acknowledged, ..] = acknowledged(&mut child, round, |child| child.kill().unwrap());
        child.wait().unwrap();
        // Every one that was begun can be opened, the last one too, and what was acknowledged is there.
        for number in 0..=acknowledged {
            let store =
                open(&format!("embedded:{place}/{number}/state.redb"), &Default::default()).await.unwrap();
            let there = store.get(&Key::new("crash", "made", "one")).await.unwrap().is_some();
            assert!(there || number == acknowledged, "round {round}: {number} of {acknowledged} is empty");
            drop(store);
            let left = std::fs::read_dir(folder.path().join(number.to_string())).unwrap().count();
            assert_eq!(left, 1, "round {round}: something else is left beside the store");
        }
    }
}

/// Its own cluster, with fsync on, removed at the end however the test ends.
struct Cluster(String);

impl Drop for Cluster {
    fn drop(&mut self) {
        if Path::new(env!("CARGO_MANIFEST_DIR")).exists() {
            parts(&["postgres", "remove", &self.0]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_of_the_server_of_a_postgres_store() {
    if let Ok(url) = std::env::var("VITESSE_CRASH_WRITER") {
        return write_forever(&url).await;
    }
    let cluster = Cluster(format!("crash-{}", std::process::id()));
    let mut total = 0;
    for round in 0..rounds() {
        let url = parts(&["postgres", "start", &cluster.0]);
        let mut child = start("crash::crash_of_the_server_of_a_postgres_store", &url);
        let acknowledged = acknowledged(&mut child, round, |_| {
            parts(&["postgres", "stop", &cluster.0, "immediate"]);
        });
        child.wait().unwrap();
        verify(&parts(&["postgres", "start", &cluster.0]), &acknowledged, round).await;
        total = acknowledged.iter().sum();
    }
    println!("{} stops, {total} acknowledged commits, none lost or halved", rounds());
}

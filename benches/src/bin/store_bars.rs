//! The embedded store held against its bars, through its own door: memory, growth, opening after a kill, group commit.
//!
//! `cargo run --release -p vitesse-benches --bin store_bars [BAR...]` prints them, or only those that are named:
//! `memory`, `growth`, `reopen`, `commits`. Files go to the folder for temporary files, about 2.5 GB.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program that prints figures, or why it has none"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vitesse_core::Result;
use vitesse_core::store::{Batch, EmbeddedStore, Expect, Key, Store};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["--idle", path] => idle(Path::new(path), false).await,
            ["--used", path] => idle(Path::new(path), true).await,
            ["--writer", path] => writer(Path::new(path)).await,
            ref bars => {
                let wanted = |bar| bars.is_empty() || bars.contains(&bar);
                if wanted("commits") {
                    commits().await?;
                }
                if wanted("growth") {
                    growth().await?;
                }
                if wanted("memory") || wanted("reopen") {
                    memory_and_reopen().await?;
                }
                Ok(())
            }
        }
    })
}

fn key(n: u64) -> Key {
    Key::new("bench", "documents", format!("{n:010}"))
}

async fn open(path: &Path) -> Result<EmbeddedStore> {
    EmbeddedStore::open(path, Default::default()).await
}

fn megabytes(path: &Path) -> f64 {
    std::fs::metadata(path).expect("the file is there").len() as f64 / 1e6
}

/// What a process of its own holds in memory with 0, 100 MB and 1 GB inside. Kills at 50 MB, where the file is still below
/// the size from which opening it takes no walk, and at 1 GB.
async fn memory_and_reopen() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bars.redb");
    let mut filled = 0;
    for thousands in [0, 50, 100, 1000] {
        let store = open(&path).await?;
        let start = Instant::now();
        fill(&store, filled..thousands * 1000).await?;
        filled = thousands * 1000;
        drop(store);
        let seconds = start.elapsed().as_secs_f64();
        for mode in ["--idle", "--used"] {
            let mut child = child(mode, &path);
            std::thread::sleep(Duration::from_secs(2));
            println!(
                "memory {mode}, {thousands} MB inside, {:.0} MB on disk (filled in {seconds:.0} s): {}",
                megabytes(&path),
                resident(&child)
            );
            child.kill().expect("it is killed");
            child.wait().expect("it ends");
        }
        if thousands == 50 || thousands == 1000 {
            reopen(&path, filled - 1).await?;
        }
    }
    Ok(())
}

/// Kills a process that commits, and opens the file again.
async fn reopen(path: &Path, last: u64) -> Result<()> {
    for round in 1..=5 {
        let mut child = child("--writer", path);
        std::thread::sleep(Duration::from_millis(300 * round));
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
        let start = Instant::now();
        let store = open(path).await?;
        let opened = start.elapsed();
        let whole = store.get(&key(last)).await?.is_some();
        println!("reopen after a kill, {:.0} MB on disk: {opened:?}, whole: {whole}", megabytes(path));
    }
    Ok(())
}

/// Documents of 1,000 bytes that no engine could make smaller, a thousand a commit.
async fn fill(store: &EmbeddedStore, range: std::ops::Range<u64>) -> Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ range.start;
    for first in range.step_by(1000) {
        let mut batch = Batch::new();
        for n in first..first + 1000 {
            let mut value = Vec::with_capacity(1000);
            while value.len() < 1000 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                value.extend_from_slice(&state.to_le_bytes());
            }
            batch = batch.put(key(n), Expect::Any, value);
        }
        store.commit(batch).await?;
    }
    Ok(())
}

fn child(mode: &str, path: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
        .arg(mode)
        .arg(path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts again");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("the child tells");
    assert_eq!(line, "ready\n", "the child ended early");
    child
}

fn ready() {
    println!("ready");
    std::io::stdout().flush().expect("the parent listens");
}

/// Opens, commits and reads once; with `used`, a thousand times each and a listing. Then sleeps.
async fn idle(path: &Path, used: bool) -> Result<()> {
    let store = open(path).await?;
    for n in 0..if used { 1000 } else { 1 } {
        let one = Batch::new().put(Key::new("bench", "other", n.to_string()), Expect::Any, vec![1; 1000]);
        store.commit(one).await?;
        store.get(&key(n * 7919 % 1_000_000)).await?;
    }
    if used {
        vitesse_core::store::collect_ids(&store, vitesse_core::store::Scan::new("bench", "other")).await?;
    }
    ready();
    tokio::time::sleep(Duration::from_secs(600)).await;
    Ok(())
}

fn resident(child: &Child) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line =
        |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or("?").replace('\t', " ");
    format!("{}, {}", line("VmRSS"), line("RssAnon"))
}

/// Commits until it is killed.
async fn writer(path: &Path) -> Result<()> {
    let store = open(path).await?;
    for n in 0.. {
        store.commit(Batch::new().put(key(n * 7919 % 50_000), Expect::Any, vec![3; 1000])).await?;
        if n == 0 {
            ready();
        }
    }
    Ok(())
}

/// The file after 10 thousand, 100 thousand and a million overwrites of a thousand documents of 200 bytes.
async fn growth() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bars.redb");
    let store = open(&path).await?;
    let start = Instant::now();
    for round in 0..10_000u64 {
        let put = |batch: Batch, n: u64| {
            batch.put(key((round * 100 + n) % 1000), Expect::Any, vec![round as u8; 200])
        };
        store.commit((0..100).fold(Batch::new(), put)).await?;
        if matches!(round + 1, 100 | 1_000 | 10_000) {
            println!(
                "growth after {} thousand overwrites: {:.2} MB on disk, {:.0} s",
                (round + 1) / 10,
                megabytes(&path),
                start.elapsed().as_secs_f64()
            );
        }
    }
    Ok(())
}

/// Commits of one document of 200 bytes from one writer and from eight, five seconds each, beside what a bare
/// append and its flush take on the same disk.
async fn commits() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = std::fs::File::create(folder.path().join("flush")).expect("a file");
    let start = Instant::now();
    for _ in 0..200 {
        file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).expect("the disk takes it");
    }
    println!(
        "a bare append of 4 KiB and its flush: {:.2} ms",
        start.elapsed().as_secs_f64() * 1000.0 / 200.0
    );
    let store = Arc::new(open(&folder.path().join("bars.redb")).await?);
    for writers in [1, 8] {
        let start = Instant::now();
        let end = start + Duration::from_secs(5);
        let writing: Vec<_> = (0..writers)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut done = 0u64;
                    while Instant::now() < end {
                        let put = Batch::new().put(key(done * 8 + writer), Expect::Any, vec![7; 200]);
                        store.commit(put).await?;
                        done += 1;
                    }
                    Ok::<_, vitesse_core::Error>(done)
                })
            })
            .collect();
        let mut done = 0;
        for writer in writing {
            done += writer.await.expect("a writer ends well")?;
        }
        println!("commits, writers {writers}: {:.0} a second", done as f64 / start.elapsed().as_secs_f64());
    }
    Ok(())
}

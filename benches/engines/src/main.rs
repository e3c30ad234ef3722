//! Embedded engines side by side.
//!
//! `cargo run --release -- all` runs every bar on every engine; `cargo run --release -- BAR ENGINE` one.
//! Folders are made under `VITESSE_ENGINES_DIR`, or the system's temporary folder.

mod engine;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use engine::{NAMES, Pairs, Result, open};

const BARS: &[&str] = &["kill", "twice", "rss", "growth", "group", "reopen"];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["all"] => {
            for bar in BARS {
                for name in NAMES {
                    // A process each: one engine's memory or panic must not touch the next one's figures.
                    let status = Command::new(std::env::current_exe()?).args([bar, name]).status()?;
                    if !status.success() {
                        println!("{bar:8} {name:10} FAILED: {status}");
                    }
                }
            }
            Ok(())
        }
        ["kill", name] => kill(name),
        ["twice", name] => twice(name),
        ["rss", name] => rss(name),
        ["growth", name] => growth(name),
        ["group", name] => group(name),
        ["reopen", name] => reopen(name),
        // What the bars above start as child processes.
        ["writer", name, path] => writer(name, Path::new(path)),
        ["filler", name, path] => filler(name, Path::new(path)),
        ["idle", name, path] => idle(name, Path::new(path)),
        ["open", name, path] => open(name, Path::new(path)).map(drop),
        _ => Err(format!("usage: all | BAR ENGINE, with {BARS:?} and {NAMES:?}").into()),
    }
}

fn fresh(bar: &str, name: &str) -> Result<PathBuf> {
    let root = std::env::var_os("VITESSE_ENGINES_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let path = root.join(format!("vitesse-engines-{bar}-{name}"));
    if path.exists() {
        std::fs::remove_dir_all(&path)?;
    }
    std::fs::create_dir_all(&root)?;
    Ok(path)
}

fn child(args: [&str; 2], path: &Path) -> Result<Child> {
    Ok(Command::new(std::env::current_exe()?).args(args).arg(path).stdout(Stdio::piped()).spawn()?)
}

fn number(bytes: Option<Vec<u8>>) -> u64 {
    bytes.and_then(|bytes| bytes[..8].try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// Thirty rounds of SIGKILL: what was acknowledged is there, and both halves of each batch agree.
fn kill(name: &str) -> Result<()> {
    let path = fresh("kill", name)?;
    let (mut acknowledged, mut lost, mut torn, mut slowest) = (0, 0, 0, Duration::ZERO);
    for round in 0..30u64 {
        let mut writer = child(["writer", name], &path)?;
        let mut lines = BufReader::new(writer.stdout.take().ok_or("no pipe")?).lines();
        let first = lines.next();
        std::thread::sleep(Duration::from_millis(20 + round * 7919 % 180));
        writer.kill()?;
        writer.wait()?;
        for line in first.into_iter().chain(lines) {
            acknowledged = line?.parse::<u64>().unwrap_or(acknowledged).max(acknowledged);
        }
        let start = Instant::now();
        let engine = open(name, &path)?;
        slowest = slowest.max(start.elapsed());
        let (a, b) = (number(engine.get(b"left")?), number(engine.get(b"right")?));
        lost += u64::from(a < acknowledged);
        torn += u64::from(a != b);
    }
    println!("kill     {name:10} 30 rounds, {acknowledged} commits, {lost} lost, {torn} torn, slowest open {slowest:?}");
    Ok(())
}

fn writer(name: &str, path: &Path) -> Result<()> {
    let mut engine = open(name, path)?;
    let mut at = number(engine.get(b"left")?);
    let mut out = std::io::stdout();
    loop {
        at += 1;
        let mut value = at.to_be_bytes().to_vec();
        value.resize(2000, 7);
        engine.commit(&[vec![
            (b"left".to_vec(), value.clone()),
            (format!("filler-{}", at % 5000).into_bytes(), value.clone()),
            (b"right".to_vec(), value),
        ]])?;
        writeln!(out, "{at}")?;
        out.flush()?;
    }
}

/// A second process must get an error, not the data.
fn twice(name: &str) -> Result<()> {
    let path = fresh("twice", name)?;
    let _held = open(name, &path)?;
    let start = Instant::now();
    let output = Command::new(std::env::current_exe()?).args(["open", name]).arg(&path).output()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ");
    let said: String = said.chars().take(160).collect();
    println!("twice    {name:10} refused: {} after {:?}: {said}", !output.status.success(), start.elapsed());
    Ok(())
}

/// What a process has resident that opened a gigabyte of documents, wrote one and sits there.
fn rss(name: &str) -> Result<()> {
    let path = fresh("rss", name)?;
    for (state, megabytes) in [("empty", 0), ("with 100 MB", 100), ("with 1 GB", 1000)] {
        if megabytes > 0 {
            fill(open(name, &path)?.as_mut(), megabytes)?;
        }
        let mut idle = child(["idle", name], &path)?;
        BufReader::new(idle.stdout.take().ok_or("no pipe")?).lines().next();
        std::thread::sleep(Duration::from_secs(2));
        let status = std::fs::read_to_string(format!("/proc/{}/status", idle.id()))?;
        let line = |key: &str| status.lines().find(|line| line.starts_with(key)).unwrap_or("?").to_owned();
        println!("rss      {name:10} {state}: {} ({})", line("VmRSS").trim(), line("RssAnon").trim());
        idle.kill()?;
        idle.wait()?;
    }
    Ok(std::fs::remove_dir_all(&path)?)
}

fn idle(name: &str, path: &Path) -> Result<()> {
    let mut engine = open(name, path)?;
    engine.commit(&[vec![(b"one".to_vec(), b"more".to_vec())]])?;
    engine.get(b"key-0000000500")?;
    println!("ready");
    std::thread::sleep(Duration::from_secs(600));
    Ok(())
}

/// Incompressible documents of about 1 KB, `megabytes` of them.
fn fill(engine: &mut dyn engine::Engine, megabytes: u64) -> Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = 0u64;
    for _ in 0..megabytes {
        let pairs: Pairs = (0..1000)
            .map(|_| {
                let mut value = Vec::with_capacity(1000);
                while value.len() < 1000 {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    value.extend_from_slice(&state.to_le_bytes());
                }
                next += 1;
                (format!("key-{next:010}").into_bytes(), value)
            })
            .collect();
        engine.commit(&[pairs])?;
    }
    Ok(())
}

fn size(path: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let data = entry.metadata()?;
        // Blocks, not lengths: a preallocated file that holds nothing takes nothing.
        bytes += if data.is_dir() { size(&entry.path())? } else { data.blocks() * 512 };
    }
    Ok(bytes)
}

/// A million overwrites of a thousand documents of 200 bytes, a hundred a commit.
fn growth(name: &str) -> Result<()> {
    let path = fresh("growth", name)?;
    let mut engine = open(name, &path)?;
    let mut sizes = Vec::new();
    let start = Instant::now();
    for round in 0..10_000u64 {
        let mut value = round.to_be_bytes().to_vec();
        value.resize(200, round as u8);
        let pairs = (0..100).map(|n| (format!("key-{:06}", (round * 100 + n) % 1000).into_bytes(), value.clone()));
        engine.commit(&[pairs.collect()])?;
        if matches!(round + 1, 100 | 1_000 | 5_000 | 10_000) {
            sizes.push(format!("{}k: {} KB", (round + 1) / 10, size(&path)? / 1000));
        }
    }
    println!("growth   {name:10} {} in {:.1?}", sizes.join(", "), start.elapsed());
    drop(engine);
    Ok(std::fs::remove_dir_all(&path)?)
}

/// Commits a second with one writer and with eight, through the queue that one thread drains.
fn group(name: &str) -> Result<()> {
    let mut figures = Vec::new();
    for writers in [1usize, 8] {
        let path = fresh("group", name)?;
        let mut engine = open(name, &path)?;
        let (queue, jobs) = mpsc::channel::<(Pairs, mpsc::Sender<()>)>();
        let keeper = std::thread::spawn(move || -> Result<()> {
            while let Ok(first) = jobs.recv() {
                let (batches, waiting): (Vec<_>, Vec<_>) =
                    std::iter::once(first).chain(jobs.try_iter().take(255)).unzip();
                engine.commit(&batches)?;
                for done in waiting {
                    let _ = done.send(());
                }
            }
            Ok(())
        });
        let until = Instant::now() + Duration::from_secs(3);
        let threads: Vec<_> = (0..writers)
            .map(|writer| {
                let queue = queue.clone();
                std::thread::spawn(move || {
                    let (done, wait) = mpsc::channel();
                    let mut commits = 0u64;
                    while Instant::now() < until {
                        let key = format!("{writer}-{}", commits % 1000).into_bytes();
                        if queue.send((vec![(key, vec![1; 200])], done.clone())).is_err() || wait.recv().is_err() {
                            break;
                        }
                        commits += 1;
                    }
                    commits
                })
            })
            .collect();
        drop(queue);
        let commits: u64 = threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum();
        keeper.join().map_err(|_| "the engine's thread panicked")??;
        figures.push(commits / 3);
        std::fs::remove_dir_all(&path)?;
    }
    println!("group    {name:10} {} commits/s with 1 writer, {} with 8", figures[0], figures[1]);
    Ok(())
}

/// Opening after a SIGKILL with 1 GB inside.
fn reopen(name: &str) -> Result<()> {
    let path = fresh("reopen", name)?;
    let mut filler = child(["filler", name], &path)?;
    let start = Instant::now();
    let mut lines = BufReader::new(filler.stdout.take().ok_or("no pipe")?).lines();
    let ready = lines.next().transpose()?;
    let filled = start.elapsed();
    filler.kill()?;
    filler.wait()?;
    if ready.is_none() {
        return Err("the filling process ended early".into());
    }
    let on_disk = size(&path)? / 1_000_000;
    let start = Instant::now();
    let engine = open(name, &path)?;
    let opened = start.elapsed();
    let whole = engine.get(b"key-0001000000")?.is_some();
    println!("reopen   {name:10} {opened:?} with {on_disk} MB on disk, whole: {whole} (filled in {filled:.1?})");
    drop(engine);
    Ok(std::fs::remove_dir_all(&path)?)
}

fn filler(name: &str, path: &Path) -> Result<()> {
    let mut engine = open(name, path)?;
    fill(engine.as_mut(), 1000)?;
    // The kill comes in the middle of writing, not in a quiet moment.
    println!("ready");
    loop {
        engine.commit(&[vec![(b"still".to_vec(), vec![3; 500])]])?;
    }
}

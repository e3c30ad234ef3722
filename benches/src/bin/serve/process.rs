//! The servers, and what they use.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::thread::{CpuSet, Pid, sched_setaffinity};

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn echo(echo: &Path) -> Self {
        let mut child =
            Command::new(echo).env("TOKIO_WORKER_THREADS", "1").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().parse().unwrap() }
    }

    pub(crate) fn runtime(runtime: &Path, mapping: &Path, threads: &str) -> Self {
        let mut child = Command::new(runtime)
            .args(["serve", "--mapping"])
            .arg(mapping)
            .env_clear()
            .env("TOKIO_WORKER_THREADS", threads)
            .env("VITESSE_LISTEN", "127.0.0.1:0")
            .env("VITESSE_ADMIN_LISTEN", "127.0.0.1:0")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        // Whatever else it says is read, so that it can say it.
        std::thread::spawn(move || errors.lines().map_while(Result::ok).for_each(drop));
        Self { child, address: said["address"].as_str().unwrap().parse().unwrap() }
    }

    /// The CPU time that its process took so far, in nanoseconds: the scheduler's own sums.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let of = |task: std::io::Result<std::fs::DirEntry>| {
            let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        };
        Duration::from_nanos(tasks.filter_map(of).sum())
    }

    /// Keeps it on the first processor; whoever asks is to be kept on another.
    pub(crate) fn pin(&self) {
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap() {
            let id = task.unwrap().file_name().into_string().unwrap().parse().unwrap();
            pin(Pid::from_raw(id), 0);
        }
    }

    /// Resident memory in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps a task on a processor, if there are two.
pub(crate) fn pin(task: Option<Pid>, processor: usize) {
    if std::thread::available_parallelism().unwrap().get() > 1 {
        let mut set = CpuSet::new();
        set.set(processor);
        sched_setaffinity(task, &set).unwrap();
    }
}

/// The CPU time of children that ended, in ticks of 10 ms.
pub(crate) fn children() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

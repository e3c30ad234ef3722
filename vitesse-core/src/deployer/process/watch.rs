//! One process at a time: started, watched, started again when it ends by itself.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::Signal;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::folder::{Folder, Record};
use super::identity::Identity;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Cancel;

/// How often a process that isn't our child is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How often a log is looked at for its length.
const ROTATE: Duration = Duration::from_secs(30);

/// How patient one is with a process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// The wait before the first new start; it doubles with each.
    pub(super) base: Duration,
    /// No wait is longer.
    pub(super) cap: Duration,
    /// One that ran so long begins with the shortest wait again.
    pub(super) steady: Duration,
}

impl Patience {
    /// The wait before the next start, after so many that failed in a row.
    pub(super) fn wait(&self, failures: u32) -> Duration {
        self.base.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(self.cap)
    }
}

/// A process that runs: a child of ours, or one that an earlier control plane started.
#[derive(Debug)]
pub(super) struct Running {
    child: Option<Child>,
    pub(super) identity: Identity,
}

impl Running {
    /// Starts the release that the record names, and writes down what runs.
    pub(super) fn start(folder: &Folder, record: &mut Record) -> Result<Self> {
        if !is_free(record.port) || !is_free(record.admin_port) {
            (record.port, record.admin_port) = (free_port()?, free_port()?);
        }
        end_forgotten(folder);
        let log = folder.open_log()?;
        let errors = log.try_clone().map_err(|error| start_failed(record, &error).source(error))?;
        let mut command = Command::new(&record.runtime);
        command
            .arg("serve")
            .env_clear()
            .envs(folder.environment(record.release)?)
            .env("VITESSE_MAPPING", folder.mapping(record.release))
            .env("VITESSE_STATE", folder.path.join("state"))
            .env("VITESSE_LISTEN", format!("127.0.0.1:{}", record.port))
            .env("VITESSE_ADMIN_LISTEN", format!("127.0.0.1:{}", record.admin_port))
            .current_dir(folder.path.join("state"))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        // A group of its own: a Ctrl-C meant for the control plane is not for what it runs.
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn().map_err(|error| start_failed(record, &error).source(error))?;
        let pid = child.id().unwrap_or_default();
        // One that ended already is noticed by whoever waits for its health.
        let identity = Identity::of(pid).unwrap_or_else(|| Identity::gone(pid));
        record.process = Some(identity.to_string());
        record.started_at = Some(Timestamp::now());
        folder.remember(record)?;
        Ok(Self { child: Some(child), identity })
    }

    /// Takes over what an earlier control plane started, if it still runs.
    pub(super) fn adopt(record: &Record) -> Option<Self> {
        let identity = record.identity()?;
        (identity.is_alive() == Some(true)).then_some(Self { child: None, identity })
    }

    /// Waits until it ends by itself, and says how.
    pub(super) async fn ended(&mut self) -> String {
        match &mut self.child {
            Some(child) => match child.wait().await {
                Ok(status) => status.to_string(),
                Err(error) => format!("an end that can't be known: {error}"),
            },
            None => {
                while self.identity.is_alive() == Some(true) {
                    sleep(LOOK).await;
                }
                "an end that nobody saw".into()
            }
        }
    }

    /// Ends it: asked first, forced after the grace.
    pub(super) async fn stop(mut self, grace: Duration) {
        self.identity.signal(Signal::TERM);
        if tokio::time::timeout(grace, self.ended()).await.is_err() {
            self.identity.signal(Signal::KILL);
            self.ended().await;
        }
    }
}

/// Watches over a deployment until it is told to stop, and gives back what runs then.
pub(super) async fn watch(
    folder: Folder,
    mut record: Record,
    running: Option<Running>,
    patience: Patience,
    stop: Cancel,
) -> Option<Running> {
    let mut running = running;
    let mut failures = 0;
    loop {
        if let Some(mut current) = running.take() {
            let since = Instant::now();
            let end = loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return Some(current),
                    end = current.ended() => break end,
                    () = sleep(ROTATE) => folder.rotate_log(),
                }
            };
            failures = if since.elapsed() >= patience.steady { 1 } else { failures + 1 };
            record.process = None;
            record.last_exit = Some(end);
        } else {
            failures += 1;
        }
        let wait = patience.wait(failures);
        let why = record.last_exit.as_deref().unwrap_or("it did not run");
        folder.note(&format!("it ended ({why}) and is started again in {} ms", wait.as_millis()));
        record.restarts += 1;
        // That it can't be written down is no reason to leave it down.
        let _ = folder.remember(&record);
        tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            () = sleep(wait) => {}
        }
        match Running::start(&folder, &mut record) {
            Ok(started) => running = Some(started),
            Err(error) => record.last_exit = Some(error.to_string()),
        }
    }
}

/// Ends what a control plane started that was killed before it could write down whom it had started: it holds the
/// state that the next one needs.
fn end_forgotten(folder: &Folder) {
    let variable = format!("VITESSE_STATE={}", folder.path.join("state").display());
    for process in Identity::with_variable(&variable) {
        folder.note(&format!(
            "process {} was left by a control plane that ended; it is ended too",
            process.pid
        ));
        process.signal(Signal::KILL);
        let until = std::time::Instant::now() + Duration::from_secs(2);
        while process.is_alive() == Some(true) && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A port of this machine that nobody listens on.
pub(super) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.and_then(|listener| listener.local_addr()).map(|address| address.port()).map_err(|error| {
        Error::new(ErrorKind::Io, "no free port can be had on this machine")
            .in_operation("deployer.process")
            .source(error)
    })
}

fn is_free(port: u16) -> bool {
    port != 0 && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn start_failed(record: &Record, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::DeployFailed, "the runtime can't be started")
        .in_operation("deployer.process")
        .with("runtime", record.runtime.display())
        .with("cause", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_double_up_to_a_cap(failures in 1u32..1000) {
            let patience = Patience {
                base: Duration::from_millis(500),
                cap: Duration::from_secs(60),
                steady: Duration::from_secs(60),
            };
            let (now, next) = (patience.wait(failures), patience.wait(failures + 1));
            prop_assert!(now >= patience.base && next <= patience.cap);
            prop_assert!(next == patience.cap || next == now * 2);
        }
    }
}

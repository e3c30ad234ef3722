//! Which process is meant: a number alone is given to another one sooner or later.

use std::fmt;
use std::fs;
use std::str::FromStr;

use rustix::process::{Pid, Signal, kill_process};

/// A process by its number, the moment it started, and the place in which the number counts. Written as text, it
/// can be kept and compared by another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    /// When it started, as the system counts; nothing where the system doesn't tell.
    started: String,
    /// The machine's run and the space of process numbers: elsewhere the number means somebody else.
    place: String,
}

impl Identity {
    /// This process: who holds a lease.
    #[cfg(any(test, feature = "orchestrate"))]
    pub(crate) fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// The process that has this number now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, started: started(pid)?, place: place() })
    }

    /// A process that ended before it could be looked at.
    pub(crate) fn gone(pid: u32) -> Self {
        Self { pid, started: String::new(), place: place() }
    }

    /// The processes of this user that were started with exactly this variable. None where the system doesn't tell.
    pub(crate) fn with_variable(variable: &str) -> Vec<Self> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let has = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|one| one == variable.as_bytes())
        };
        pids.filter(has).filter_map(Self::of).collect()
    }

    /// Whether it still runs; `None` if that can't be told from here.
    pub(crate) fn is_alive(&self) -> Option<bool> {
        if self.place != place() {
            return None;
        }
        Some(started(self.pid).is_some_and(|started| started == self.started))
    }

    /// Asks it to end, or ends it. Whoever isn't there any more is fine.
    pub(crate) fn signal(&self, signal: Signal) {
        // A number that was given anew since it was looked at could only be hit in the moment between these lines.
        if self.is_alive() == Some(true)
            && let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process(pid, signal);
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}@{}", self.pid, self.started, self.place)
    }
}

impl FromStr for Identity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '@');
        let mut next = || parts.next().ok_or(());
        Ok(Self { pid: next()?.parse().map_err(drop)?, started: next()?.into(), place: next()?.into() })
    }
}

/// When a process that runs started. One that ended and only waits to be collected runs no more.
#[cfg(target_os = "linux")]
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything; the fields after the last bracket are plain.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    (!matches!(state, "Z" | "X")).then(|| fields.nth(18).map(str::to_owned)).flatten()
}

#[cfg(not(target_os = "linux"))]
fn started(pid: u32) -> Option<String> {
    let output = std::process::Command::new("ps")
        .args(["-o", "stat=,lstart=", "-p", &pid.to_string()])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (state, started) = text.trim().split_once(' ')?;
    (!state.starts_with('Z')).then(|| started.trim().replace('@', "_"))
}

fn place() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{} {}", boot.trim(), space.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_its_successor() {
        let own = Identity::own().unwrap();
        assert_eq!(own.is_alive(), Some(true));
        assert_eq!(own.to_string().parse::<Identity>().unwrap(), own);
        let later = Identity { started: "1".into(), ..own.clone() };
        assert_eq!(later.is_alive(), Some(false));
        let elsewhere = Identity { place: "another machine".into(), ..own };
        assert_eq!(elsewhere.is_alive(), None);
        assert!("garbage".parse::<Identity>().is_err());
    }

    #[test]
    fn one_that_ended_is_not_alive_though_nobody_collected_it() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let identity = Identity::of(child.id()).unwrap();
        assert_eq!(identity.is_alive(), Some(true));
        identity.signal(Signal::KILL);
        while identity.is_alive() == Some(true) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(identity.is_alive(), Some(false));
    }
}

//! The rounds of a proof: the runtime is started, killed in the middle of its work, and started again.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::http::ask;
use crate::judge;

/// How long the runtime waits for an answer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);
/// How many records the source gives at once.
pub(crate) const PAGE: usize = 100;
/// How many records change at the source in each round.
const CHANGES: usize = 25;

/// What a destination offers to tell a repeated write from a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It honours idempotency keys.
    Keys,
    /// A record can be looked up by its email.
    Natural,
    Neither,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Keys, Self::Natural, Self::Neither];
}

/// Why a record can never be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Poison {
    /// The destination refuses it.
    Refused,
    /// The mapping can't be applied to it.
    Broken,
}

pub(crate) fn poison(id: usize) -> Option<Poison> {
    match id % 97 {
        13 => Some(Poison::Refused),
        57 => Some(Poison::Broken),
        _ => None,
    }
}

/// How much is proved.
pub(crate) struct Plan {
    pub(crate) records: usize,
    pub(crate) rounds: usize,
    pub(crate) seed: u64,
}

impl Plan {
    /// A small one, or the whole when chaos is asked for.
    pub(crate) fn chosen() -> Self {
        let seed =
            std::env::var("VITESSE_CHAOS_SEED").map_or(1, |seed| seed.parse().expect("the seed is a number"));
        match std::env::var_os("VITESSE_CHAOS") {
            Some(_) => Self { records: 20_000, rounds: 300, seed },
            None => Self { records: 800, rounds: 12, seed },
        }
    }
}

/// A process that serves, and ends with this value.
pub(crate) struct Peer {
    child: Child,
    pub(crate) address: String,
}

impl Peer {
    fn start(test: &str, role: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env("VITESSE_CHAOS_PEER", role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines
            .find_map(|line| line.split_once("peer at ").map(|(_, address)| address.to_owned()))
            .expect("the peer says where it listens");
        // What it says later, as that the test takes long, must find a reader: else it ends.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    pub(crate) fn ask(&self, target: &str) -> String {
        ask(&self.address, target)
    }

    pub(crate) fn number(&self, target: &str) -> usize {
        self.ask(target).parse().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The peers of a proof, and where the runtime keeps its state.
pub(crate) struct World {
    pub(crate) kind: Kind,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) source: Peer,
    pub(crate) dest: Peer,
    runtime: String,
    state: String,
}

impl World {
    pub(crate) fn new(test: &str, kind: Kind, plan: &Plan, state: Option<String>) -> Self {
        let source = Peer::start(test, &format!("source {} {}", plan.seed, plan.records));
        let dest = Peer::start(test, &format!("destination {} {}", plan.seed, kind as usize));
        let folder = tempfile::tempdir().unwrap();
        let mapping = mapping(kind, &source.address, &dest.address, &folder.path().display().to_string());
        std::fs::write(folder.path().join("mapping.json"), mapping.to_string()).unwrap();
        // What ships, where it was built; that has no PostgreSQL.
        let shipped =
            std::env::var("VITESSE_RUNTIME").ok().filter(|path| state.is_none() && Path::new(path).exists());
        Self {
            kind,
            folder,
            source,
            dest,
            runtime: shipped.unwrap_or_else(|| env!("CARGO_BIN_EXE_vitesse-runtime").to_owned()),
            state: state.unwrap_or_else(|| "state".to_owned()),
        }
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.runtime);
        command
            .args(words)
            .args(["--mapping", "mapping.json", "--state", &self.state])
            .current_dir(self.folder.path())
            .env("VITESSE_ALLOW", "private")
            .env("SECRET_KEY", "fz1VLzY/E9Nr1MdW+DR+MdEAbFLakcUCgfPGketixw0=")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn sync(&self) -> Command {
        let deadline = DEADLINE.as_secs_f64().to_string();
        self.command(&[
            "sync",
            "--quiet",
            "--backoff",
            "5",
            "--settle",
            "0.1",
            "--deadline",
            &deadline,
            "--tries",
            "40",
            "--patience",
            "120",
            "--lease",
            "1",
        ])
    }

    /// What a command prints, which must succeed.
    pub(crate) fn run(&self, mut command: Command) -> String {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn change(&self) {
        self.source.ask(&format!("/_/change?count={CHANGES}"));
    }

    /// Waits for a moment in the middle of the work: after so many requests more, or, now and then, so many milliseconds,
    /// which is while it starts and clears up. The machine's speed makes no difference to the first.
    pub(crate) fn some_time(&self, dice: &Dice, plan: &Plan, ended: &mut dyn FnMut() -> bool) {
        if dice.roll(5) == 0 {
            return std::thread::sleep(Duration::from_millis(dice.roll(80)));
        }
        let requests = || self.dest.number("/_/requests") + self.source.number("/_/requests");
        let wanted = requests() + dice.roll(2 * (plan.records / plan.rounds) as u64 + 2) as usize;
        let started = Instant::now();
        while requests() < wanted && started.elapsed() < Duration::from_secs(20) && !ended() {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(dice.roll(6)));
    }

    /// Waits until the destination has done all that a killed process had sent: without keys it could not tell a late write
    /// from a new one, and nobody promises that.
    pub(crate) fn settle(&self) {
        while self.kind != Kind::Keys && self.dest.number("/_/open") > 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn mapping(kind: Kind, source: &str, dest: &str, integration: &str) -> Value {
    let mut destination = json!({
        "base_url": format!("http://{dest}"),
        "operations": {
            "create": {"method": "POST", "path": "/contacts", "id": "id"},
            "update": {"method": "PATCH", "path": "/contacts/{id}"},
        },
    });
    match kind {
        Kind::Keys => destination["idempotency"] = json!({}),
        Kind::Natural => {
            destination["match_on"] = json!(["email"]);
            destination["operations"]["find"] = json!({
                "method": "GET", "path": "/contacts", "params": {"email": "{email}"}, "records": "items[]",
            });
        }
        Kind::Neither => {}
    }
    let copied = |name: &str| json!({"source_field": name, "dest_field": name, "transform_type": "direct"});
    json!({
        "version": 1, "integration_id": integration, "stream": "people",
        "source": {
            "base_url": format!("http://{source}"), "path": "/people", "records": "data[]", "id_field": "id",
            "pagination": {"kind": "cursor", "param": "after", "from": "next"},
        },
        "destination": destination,
        "transformations": [
            {"source_field": "id", "dest_field": "ext", "transform_type": "mapping"},
            copied("name"), copied("email"), copied("version"),
            {"source_field": "age", "dest_field": "age", "transform_type": "parse",
             "transform_config": {"function": "parse_int"}},
        ],
        "on_error": "dead_letter",
    })
}

/// Kills a process, and says whether it was still at work. One that ended by itself must have ended well.
pub(crate) fn kill(mut child: Child) -> bool {
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    let mut said = String::new();
    let _ = child.stderr.take().unwrap().read_to_string(&mut said);
    child.wait().unwrap();
    match ended {
        Some(status) => {
            assert!(
                status.success() || said.contains("another process reads"),
                "it stopped by itself: {said}"
            );
            false
        }
        None => true,
    }
}

pub(crate) fn prove(test: &str, kind: Kind, plan: &Plan) {
    let world = World::new(test, kind, plan, None);
    let dice = Dice::new(plan.seed, 3);
    let started = Instant::now();
    println!("{kind:?}: the fate is that of VITESSE_CHAOS_SEED={}", plan.seed);
    let mut killed = 0;
    for _ in 0..plan.rounds {
        world.change();
        let mut child = world.sync().spawn().unwrap();
        world.some_time(&dice, plan, &mut || child.try_wait().unwrap().is_some());
        if dice.roll(2) == 0 {
            world.change();
        }
        killed += usize::from(kill(child));
        world.settle();
    }
    assert!(killed >= plan.rounds / 2, "only {killed} of {} processes were at work when killed", plan.rounds);
    judge::finish(&world, plan, killed, started);
}

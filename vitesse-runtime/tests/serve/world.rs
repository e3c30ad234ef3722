//! A running service between two peers.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vitesse_core::service::Admin;

use crate::peer::{Asked, Peer};

/// What the two APIs hold, and how they behave.
#[derive(Default)]
pub(crate) struct Things {
    pub(crate) source: Vec<Value>,
    pub(crate) made: Vec<Value>,
    /// Requests by the idempotency key they came with.
    keys: Vec<String>,
    /// What the destination answers instead, if it is broken.
    pub(crate) broken: Option<u16>,
    pub(crate) source_broken: Option<u16>,
    /// How long the destination takes.
    pub(crate) slow: Duration,
}

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) source: Peer,
    pub(crate) dest: Peer,
    pub(crate) things: Arc<Mutex<Things>>,
}

impl World {
    pub(crate) fn new(records: usize) -> Self {
        let things = Arc::new(Mutex::new(Things {
            source: (0..records).map(|id| json!({"id": id, "name": format!("n{id}")})).collect(),
            ..Things::default()
        }));
        let (for_source, for_dest) = (things.clone(), things.clone());
        let source = Peer::start(move |asked| list(asked, &for_source));
        let dest = Peer::start(move |asked| make(asked, &for_dest));
        let world = Self { folder: tempfile::tempdir().unwrap(), source, dest, things };
        world.write_mapping(&world.mapping("title"));
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A mapping whose second field is called so.
    pub(crate) fn mapping(&self, field: &str) -> Value {
        json!({
            "version": 1, "integration_id": "it", "stream": "things", "on_error": "dead_letter",
            "source": {
                "base_url": self.source.url, "path": "/things", "records": "data[]", "id_field": "id",
                "pagination": {"kind": "offset", "param": "offset", "size_param": "limit", "size": 50, "total": "total"},
            },
            "destination": {
                "base_url": self.dest.url,
                "operations": {
                    "create": {"method": "POST", "path": "/made", "id": "id"},
                    "update": {"method": "PATCH", "path": "/made/{id}"},
                },
                "idempotency": {"header": "Idempotency-Key"},
            },
            "transformations": [
                {"source_field": "id", "dest_field": "ext", "transform_type": "mapping"},
                {"source_field": "name", "dest_field": field, "transform_type": "mapping"},
                {"source_field": "price", "dest_field": "cents", "transform_type": "custom",
                 "transform_config": {"function": "scale_decimal", "params": {"by": 100, "to": "integer"}}},
            ],
        })
    }

    pub(crate) fn write_mapping(&self, mapping: &Value) {
        // As an editor does it: never half of it under the name.
        std::fs::write(self.path("next"), mapping.to_string()).unwrap();
        std::fs::rename(self.path("next"), self.path("mapping.json")).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vitesse-runtime"));
        command
            .args(arguments)
            .env_clear()
            .env("VITESSE_MAPPING", self.path("mapping.json"))
            .env("VITESSE_STATE", self.path("state"))
            .env("VITESSE_LISTEN", "127.0.0.1:0")
            .env("VITESSE_ADMIN_LISTEN", "127.0.0.1:0")
            .env("VITESSE_ALLOW", "private")
            .env("VITESSE_LOG", "info")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn serve(&self, environment: &[(&str, &str)]) -> Running {
        let mut command = self.command(&["serve"]);
        command.envs(environment.iter().copied());
        Running::start(command)
    }

    pub(crate) fn made(&self) -> usize {
        self.things.lock().unwrap().made.len()
    }
}

fn list(asked: &Asked, things: &Mutex<Things>) -> (u16, Value) {
    let things = things.lock().unwrap();
    if let Some(status) = things.source_broken {
        return (status, json!({"error": "broken"}));
    }
    let number = |name: &str| {
        let pairs = asked.target.split(['?', '&']);
        pairs
            .filter_map(|pair| pair.strip_prefix(name))
            .find_map(|text| text.parse::<usize>().ok())
            .unwrap_or(0)
    };
    let (from, total) = (number("offset=").min(things.source.len()), things.source.len());
    let to = (from + number("limit=")).min(total);
    (200, json!({"data": things.source[from..to], "total": total}))
}

fn make(asked: &Asked, things: &Mutex<Things>) -> (u16, Value) {
    let slow = things.lock().unwrap().slow;
    std::thread::sleep(slow);
    let mut things = things.lock().unwrap();
    if let Some(status) = things.broken {
        return (status, json!({"error": "broken"}));
    }
    match asked.method.as_str() {
        "POST" => {
            let body = asked.json();
            if body["title"] == "poison" {
                return (422, json!({"error": "not this one"}));
            }
            let key = asked.header("idempotency-key").to_owned();
            let at = things.keys.iter().position(|known| *known == key).unwrap_or(things.keys.len());
            if at == things.keys.len() {
                things.keys.push(key);
                things.made.push(body);
            }
            (201, json!({ "id": at }))
        }
        "PATCH" => {
            let at: usize = asked.target.rsplit('/').next().unwrap().parse().unwrap();
            things.made[at] = asked.json();
            (200, json!({ "id": at }))
        }
        _ => (404, json!({})),
    }
}

/// A service that runs; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) data: SocketAddr,
    pub(crate) admin: SocketAddr,
    log: Arc<Mutex<Vec<Value>>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let log: Arc<Mutex<Vec<Value>>> = Arc::default();
        let into = log.clone();
        let errors = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                let line =
                    serde_json::from_str(&line).unwrap_or_else(|_| json!({"event": "text", "text": line}));
                into.lock().unwrap().push(line);
            }
        });
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut running = Self { child, data: unknown, admin: unknown, log };
        let listening = running.until("it listens", |running| {
            assert!(running.child.try_wait().unwrap().is_none(), "it ended: {:?}", running.log());
            running.said("listening").into_iter().next()
        });
        running.data = listening["address"].as_str().unwrap().parse().unwrap();
        running.admin = listening["admin"].as_str().unwrap().parse().unwrap();
        running
    }

    pub(crate) fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    /// The lines about an event.
    pub(crate) fn said(&self, event: &str) -> Vec<Value> {
        self.log().into_iter().filter(|line| line["event"] == event).collect()
    }

    /// Waits for something, for half a minute at most.
    pub(crate) fn until<T>(&mut self, what: &str, mut found: impl FnMut(&mut Self) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(found) = found(self) {
                return found;
            }
            assert!(Instant::now() < until, "{what} never came: {:#?}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn until_true(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        self.until(what, |running| holds(running).then_some(()));
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.admin, None)
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Resident memory in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The core's own client, for tests that wait.
pub(crate) struct Client {
    runtime: tokio::runtime::Runtime,
    admin: Admin,
}

impl Client {
    pub(crate) fn new(at: SocketAddr, key: Option<&str>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let admin = Admin::new(&format!("http://{at}"), key.map(|key| key.to_owned().into())).unwrap();
        Self { runtime, admin }
    }

    /// Asks something.
    pub(crate) fn ask<T, F: Future<Output = vitesse_core::Result<T>>>(
        &self,
        work: impl FnOnce(Admin) -> F,
    ) -> vitesse_core::Result<T> {
        self.runtime.block_on(work(self.admin.clone()))
    }
}

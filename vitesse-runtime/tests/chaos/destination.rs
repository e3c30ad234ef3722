//! The destination, of one of three kinds, with a ledger of what it really did.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::driver::{DEADLINE, Kind};
use crate::http::{Reply, Request, serve as listen};

struct Destination {
    kind: Kind,
    ledger: Mutex<Ledger>,
    dice: Dice,
    calm: AtomicBool,
}

#[derive(Default)]
struct Ledger {
    /// Each record that was made: the source's id and the version that stands there.
    made: Vec<(u64, u64)>,
    by_email: HashMap<String, Vec<usize>>,
    /// What was answered to which key.
    answers: HashMap<String, (u16, String)>,
    repeated: u64,
    updates: u64,
    /// What must never happen, in words.
    wrong: Vec<String>,
    faults: BTreeMap<&'static str, u64>,
}

pub(crate) fn serve(seed: u64, kind: Kind) {
    let destination = Arc::new(Destination {
        kind,
        ledger: Mutex::default(),
        dice: Dice::new(seed, 2),
        calm: AtomicBool::new(false),
    });
    let own = Arc::clone(&destination);
    listen(
        move || !own.calm.load(Ordering::SeqCst) && own.dice.roll(70) == 0 && own.note("reset"),
        move |request| destination.answer(request),
    );
}

impl Destination {
    fn note(&self, fault: &'static str) -> bool {
        *self.ledger.lock().unwrap().faults.entry(fault).or_default() += 1;
        true
    }

    fn answer(&self, request: &Request) -> Reply {
        match request.path() {
            "/_/calm" => {
                self.calm.store(true, Ordering::SeqCst);
                return Reply::Whole(200, "", String::new());
            }
            "/_/ledger" => {
                let ledger = self.ledger.lock().unwrap();
                let ledger = json!({
                    "made": ledger.made, "wrong": ledger.wrong, "faults": ledger.faults,
                    "repeated": ledger.repeated, "updates": ledger.updates,
                });
                return Reply::Whole(200, "", ledger.to_string());
            }
            _ => {}
        }
        let done = || {
            let (status, body) = self.carry_out(request);
            Reply::Whole(status, "", body)
        };
        if self.calm.load(Ordering::SeqCst) {
            return done();
        }
        match self.dice.roll(200) {
            0..4 if self.note("429") => Reply::Whole(429, "retry-after: 0.01\r\n", "{}".into()),
            4..6 if self.note("503") => Reply::Whole(503, "retry-after: 0.01\r\n", "{}".into()),
            6..9 if self.note("500 before") => Reply::Whole(500, "", "{}".into()),
            9..12 if self.note("500 after") => {
                self.carry_out(request);
                Reply::Whole(500, "", "{}".into())
            }
            12..15 if self.note("closed after") => {
                self.carry_out(request);
                Reply::Close
            }
            15..17 if self.note("cut off") => {
                let (_, body) = self.carry_out(request);
                Reply::CutOff(body)
            }
            17 if self.dice.roll(3) == 0 && self.note("silence before") => {
                Reply::Silence(DEADLINE + DEADLINE / 4)
            }
            18 if self.dice.roll(3) == 0 && self.note("silence after") => {
                self.carry_out(request);
                Reply::Silence(DEADLINE + DEADLINE / 4)
            }
            19..27 if self.note("slow") => {
                let wait = Duration::from_millis(self.dice.roll(40));
                // One that honours keys may also be late in doing it, when who asked is long dead.
                if self.kind == Kind::Keys {
                    std::thread::sleep(wait);
                    return done();
                }
                let reply = done();
                std::thread::sleep(wait);
                reply
            }
            _ => done(),
        }
    }

    fn carry_out(&self, request: &Request) -> (u16, String) {
        let mut ledger = self.ledger.lock().unwrap();
        if request.method == "GET" {
            let email = request.param("email").unwrap();
            let items: Vec<Value> = ledger
                .by_email
                .get(&email)
                .into_iter()
                .flatten()
                .map(|at| json!({"id": at, "email": email}))
                .collect();
            return (200, json!({ "items": items }).to_string());
        }
        let key = (self.kind == Kind::Keys)
            .then(|| request.header("idempotency-key").expect("each write has a key").to_owned());
        if let Some(answer) = key.as_ref().and_then(|key| ledger.answers.get(key)).cloned() {
            ledger.repeated += 1;
            return answer;
        }
        let answer = ledger.write(request, self.kind);
        if let Some(key) = key {
            ledger.answers.insert(key, answer.clone());
        }
        answer
    }
}

impl Ledger {
    fn write(&mut self, request: &Request, kind: Kind) -> (u16, String) {
        let record: Value = serde_json::from_slice(&request.body).unwrap();
        let (source, version) = (record["ext"].as_u64().unwrap(), record["version"].as_u64().unwrap());
        let email = record["email"].as_str().unwrap().to_owned();
        if record["name"] == "poison" {
            return (422, json!({"error": "the name is not accepted"}).to_string());
        }
        let at = match request.method.as_str() {
            "POST" => {
                self.by_email.entry(email).or_default().push(self.made.len());
                self.made.push((source, version));
                self.made.len() - 1
            }
            "PATCH" => {
                let at: usize = request.path().rsplit('/').next().unwrap().parse().unwrap();
                let before = self.made[at];
                self.updates += 1;
                if before.0 != source {
                    self.wrong.push(format!("{source} was written over {}", before.0));
                }
                if version < before.1 {
                    self.wrong.push(format!("{source}: version {version} came after {}", before.1));
                }
                if version == before.1 && kind == Kind::Keys {
                    self.wrong.push(format!("{source}: version {version} was written twice"));
                }
                self.made[at] = (source, version);
                at
            }
            other => panic!("{other} was never asked for"),
        };
        (200, json!({ "id": at }).to_string())
    }
}

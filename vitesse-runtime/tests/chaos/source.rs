//! The source: records by cursor, of which some change all the time, and some come twice.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::driver::{DEADLINE, PAGE, Poison, poison};
use crate::http::{Reply, Request, serve as listen};

struct Source {
    /// Of each record, how often it changed.
    versions: Mutex<Vec<u64>>,
    dice: Dice,
    calm: AtomicBool,
    faults: Mutex<std::collections::BTreeMap<&'static str, u64>>,
}

pub(crate) fn serve(seed: u64, records: usize) {
    let source = std::sync::Arc::new(Source {
        versions: Mutex::new(vec![1; records]),
        dice: Dice::new(seed, 1),
        calm: AtomicBool::new(false),
        faults: Mutex::default(),
    });
    let own = std::sync::Arc::clone(&source);
    listen(
        move || !own.calm.load(Ordering::SeqCst) && own.dice.roll(60) == 0 && own.note("reset"),
        move |request| source.answer(request),
    );
}

impl Source {
    fn note(&self, fault: &'static str) -> bool {
        *self.faults.lock().unwrap().entry(fault).or_default() += 1;
        true
    }

    fn answer(&self, request: &Request) -> Reply {
        match request.path() {
            "/_/calm" => {
                self.calm.store(true, Ordering::SeqCst);
                return Reply::Whole(200, "", String::new());
            }
            "/_/change" => {
                let mut versions = self.versions.lock().unwrap();
                for _ in 0..request.param("count").unwrap().parse().unwrap() {
                    let at = self.dice.roll(versions.len() as u64) as usize;
                    versions[at] += 1;
                }
                return Reply::Whole(200, "", String::new());
            }
            "/_/ledger" => {
                let ledger = json!({
                    "versions": *self.versions.lock().unwrap(), "faults": *self.faults.lock().unwrap(),
                });
                return Reply::Whole(200, "", ledger.to_string());
            }
            _ => {}
        }
        let page = || self.page(request.param("after").map_or(0, |after| after.parse().unwrap()));
        if self.calm.load(Ordering::SeqCst) {
            return Reply::Whole(200, "", page());
        }
        match self.dice.roll(30) {
            0 if self.note("429") => Reply::Whole(429, "retry-after: 0.02\r\n", "{}".into()),
            1 if self.note("500") => Reply::Whole(500, "", "{}".into()),
            2 if self.note("cut off") => Reply::CutOff(page()),
            3 if self.note("closed") => Reply::Close,
            4 if self.dice.roll(4) == 0 && self.note("silence") => Reply::Silence(DEADLINE + DEADLINE / 4),
            5 if self.note("slow") => {
                std::thread::sleep(Duration::from_millis(self.dice.roll(30)));
                Reply::Whole(200, "", page())
            }
            _ => Reply::Whole(200, "", page()),
        }
    }

    fn page(&self, from: usize) -> String {
        let versions = self.versions.lock().unwrap();
        let until = (from + PAGE).min(versions.len());
        let mut records: Vec<Value> = (from..until).map(|id| record(id, versions[id])).collect();
        // The same record again, here and from an earlier page, as it is now.
        if !self.calm.load(Ordering::SeqCst) && !records.is_empty() {
            for _ in 0..self.dice.roll(4) {
                let id = self.dice.roll(until as u64) as usize;
                let at = self.dice.roll(records.len() as u64) as usize;
                records.insert(at, record(id, versions[id]));
            }
        }
        let next = (until < versions.len()).then(|| until.to_string());
        json!({"data": records, "next": next}).to_string()
    }
}

fn record(id: usize, version: u64) -> Value {
    let poison = poison(id);
    json!({
        "id": id,
        "name": if poison == Some(Poison::Refused) { "poison" } else { "somebody" },
        "email": format!("e{id}@x.example"),
        "age": if poison == Some(Poison::Broken) { "unknown" } else { "42" },
        "version": version,
    })
}

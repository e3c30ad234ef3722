//! A source and a destination with a ledger of its own, and a sync between them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use vitesse_core::Error;
use vitesse_core::mapping::{Functions, Mapping};
use vitesse_core::secret::KeyRing;
use vitesse_core::store::{MemoryStore, Store};
use vitesse_core::sync::{Credentials, Options, State, Sync};

use crate::peer::{Peer, Received, Step, config, reply};

/// What a destination offers to tell a repeated write from a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Keys,
    Natural,
    Neither,
}

/// What the destination did.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Every record that was made, in order.
    pub(crate) made: Vec<Value>,
    pub(crate) by_key: BTreeMap<String, usize>,
    pub(crate) updates: Vec<Value>,
    pub(crate) deleted: Vec<usize>,
    pub(crate) requests: usize,
}

pub(crate) type Shared = Arc<Mutex<Ledger>>;

/// The destination's own behaviour, without faults.
pub(crate) fn destination(kind: Kind, ledger: &Shared, request: &Received) -> (u16, Value) {
    let mut ledger = ledger.lock().unwrap();
    ledger.requests += 1;
    let id = request.target.rsplit('/').next().and_then(|id| id.parse::<usize>().ok());
    match (request.method.as_str(), id) {
        ("GET", _) => {
            let wanted = request.target.split("email=").nth(1).unwrap_or_default().replace("%40", "@");
            let same = |made: &Value| {
                made["email"].as_str().is_some_and(|email| email.eq_ignore_ascii_case(&wanted))
            };
            let items: Vec<&Value> = ledger.made.iter().filter(|made| same(made)).collect();
            (200, json!({ "items": items }))
        }
        ("POST", _) => {
            let body: Value = serde_json::from_str(&request.body).unwrap();
            if body["name"] == "poison" {
                return (422, json!({"error": "the name is not accepted"}));
            }
            if kind == Kind::Keys {
                let key = request.header("idempotency-key").expect("a create has a key").to_owned();
                if let Some(at) = ledger.by_key.get(&key) {
                    return (201, ledger.made[*at].clone());
                }
                let at = ledger.made.len();
                ledger.by_key.insert(key, at);
            }
            let mut made = body;
            made["id"] = json!(ledger.made.len());
            ledger.made.push(made.clone());
            (201, made)
        }
        ("PATCH", Some(id)) => {
            let body: Value = serde_json::from_str(&request.body).unwrap();
            if id >= ledger.made.len() || ledger.deleted.contains(&id) {
                return (404, json!({}));
            }
            ledger.updates.push(body.clone());
            for (name, value) in body.as_object().unwrap() {
                ledger.made[id][name] = value.clone();
            }
            (200, ledger.made[id].clone())
        }
        ("DELETE", Some(id)) => {
            ledger.deleted.push(id);
            (200, json!({}))
        }
        _ => (405, json!({})),
    }
}

/// Two servers and a mapping between them.
pub(crate) struct World {
    pub(crate) source: Peer,
    pub(crate) dest: Peer,
    pub(crate) ledger: Shared,
    pub(crate) mapping: Value,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) options: Options,
    pub(crate) credentials: Credentials,
}

impl World {
    /// A source that answers by `source`, and a destination of that kind that does what it should unless `fault` says
    /// otherwise: it is given the request and what the answer would be, which was carried out already.
    pub(crate) async fn new(
        kind: Kind,
        source: impl Fn(&Received) -> Vec<Step> + Send + std::marker::Sync + 'static,
        fault: impl Fn(&Received, &dyn Fn() -> Vec<Step>) -> Vec<Step> + Send + std::marker::Sync + 'static,
    ) -> Self {
        let ledger = Shared::default();
        let own = Arc::clone(&ledger);
        let source = Peer::start(source).await;
        let dest = Peer::start(move |request| {
            fault(request, &|| {
                let (status, body) = destination(kind, &own, request);
                reply(status, &[], body.to_string())
            })
        })
        .await;
        let mut destination = json!({
            "base_url": dest.url(""),
            "operations": {
                "create": {"method": "POST", "path": "/contacts", "id": "id"},
                "update": {"method": "PATCH", "path": "/contacts/{id}"},
                "delete": {"method": "DELETE", "path": "/contacts/{id}"},
            },
        });
        match kind {
            Kind::Keys => destination["idempotency"] = json!({}),
            Kind::Natural => {
                destination["match_on"] = json!(["email"]);
                destination["operations"]["find"] = json!({"method": "GET", "path": "/contacts", "params": {"email": "{email}"}, "records": "items[]"});
            }
            Kind::Neither => {}
        }
        let mapping = json!({
            "version": 1, "integration_id": "test", "stream": "people",
            "source": {
                "base_url": source.url(""), "path": "/people", "records": "data[]", "id_field": "id",
                "pagination": {"kind": "offset", "param": "offset", "size_param": "limit", "size": 20, "total": "total"},
            },
            "destination": destination,
            "transformations": [
                {"source_field": "id", "dest_field": "ext", "transform_type": "mapping"},
                {"source_field": "name", "dest_field": "name", "transform_type": "direct"},
                {"source_field": "email", "dest_field": "email", "transform_type": "direct"},
            ],
            "on_error": "dead_letter",
        });
        Self {
            source,
            dest,
            ledger,
            mapping,
            store: Arc::new(MemoryStore::new()),
            ring: Arc::new(KeyRing::parse(&KeyRing::generate()).unwrap()),
            options: Options {
                backoff: Duration::from_millis(2),
                settle: Duration::from_millis(5),
                deadline: Duration::from_millis(2000),
                patience: Duration::from_secs(60),
                lease: Duration::from_millis(400),
                ..Options::default()
            },
            credentials: Credentials::default(),
        }
    }

    pub(crate) fn sync(&self) -> Sync {
        self.sync_of(&[&self.mapping])
    }

    pub(crate) fn sync_of(&self, mappings: &[&Value]) -> Sync {
        self.open(mappings).unwrap()
    }

    pub(crate) fn open(&self, mappings: &[&Value]) -> Result<Sync, Error> {
        let mappings: Vec<Mapping> =
            mappings.iter().map(|text| Mapping::parse(text.to_string().as_bytes()).unwrap()).collect();
        let state = State::new(Arc::clone(&self.store), Arc::clone(&self.ring), "test");
        Sync::open(
            &mappings,
            &Functions::builtin(),
            &self.credentials,
            &config(),
            state,
            self.options.clone(),
        )
    }

    pub(crate) fn made(&self) -> Vec<Value> {
        self.ledger.lock().unwrap().made.clone()
    }
}

/// A person as the source has it.
pub(crate) fn person(id: usize) -> Value {
    json!({"id": id, "name": format!("n{id}"), "email": format!("e{id}@x.example"), "updated": id / 3})
}

pub(crate) fn param(request: &Received, name: &str) -> Option<String> {
    let query = request.target.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
}

/// A page of `people` by offset, with their total.
pub(crate) fn by_offset(people: &[Value], request: &Received) -> Vec<Step> {
    let offset: usize = param(request, "offset").map_or(0, |text| text.parse().unwrap());
    let limit: usize = param(request, "limit").map_or(20, |text| text.parse().unwrap());
    let page: Vec<&Value> = people.iter().skip(offset).take(limit).collect();
    reply(200, &[], json!({"data": page, "total": people.len()}).to_string())
}

pub(crate) fn no_fault(_: &Received, answer: &dyn Fn() -> Vec<Step>) -> Vec<Step> {
    answer()
}

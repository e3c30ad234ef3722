//! The records of a mock: given first, generated then, and what callers made of them.

mod change;
mod filter;
mod fresh;
mod kind;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub(super) use change::Change;
pub(super) use filter::{Filter, text};
pub(super) use kind::{Kind, Place, Scope};

use super::answer::Problem;
use super::random::{mix, mix_text};
use super::sample::Samples;
use crate::error::{Error, ErrorKind, Result};
use crate::spec::{ApiSpec, SchemaId};

/// Letters and digits of a name, in lower case: `customer_id` and `customerId` are the same.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Every record of a mock.
#[derive(Debug)]
pub(super) struct State {
    kinds: Vec<Kind>,
    places: Vec<Option<Place>>,
    samples: Arc<Samples>,
    seed: u64,
    /// How many records each kind begins with.
    first: usize,
    most: usize,
    shelves: Mutex<Shelves>,
}

#[derive(Debug)]
struct Shelves {
    all: Vec<Shelf>,
    /// How many records there are in all.
    count: usize,
}

#[derive(Debug, Default)]
struct Shelf {
    begun: bool,
    /// In the order of their making.
    records: BTreeMap<u64, Arc<Record>>,
    keys: HashMap<String, u64>,
    /// How many were ever made.
    made: u64,
}

/// One record.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) value: Value,
    /// As it is sent: for records that were given, byte by byte as they were.
    pub(super) text: Box<str>,
    key: String,
    /// Whose it is: the parent's word and key. `None` if nobody said.
    scope: Option<Vec<(String, String)>>,
}

impl Record {
    fn new(value: Map<String, Value>, key: String, scope: Option<Vec<(String, String)>>) -> Self {
        let value = Value::Object(value);
        Self { text: value.to_string().into(), value, key, scope }
    }

    /// What tells it apart, as it stands in a path.
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

/// What a record is ordered by, its number, and itself.
pub(super) type Listed = (String, u64, Arc<Record>);

/// Which records of a kind a path leads to.
pub(super) type Within = Vec<(Scope, String)>;

impl State {
    pub(super) fn new(spec: &ApiSpec, samples: Arc<Samples>, seed: u64, first: usize, most: usize) -> Self {
        let (kinds, places) = kind::derive(spec);
        let shelves = Shelves { all: kinds.iter().map(|_| Shelf::default()).collect(), count: 0 };
        Self { kinds, places, samples, seed: mix(seed, 0x7374), first, most, shelves: Mutex::new(shelves) }
    }

    /// What an endpoint has to do with the records; `None` if nothing.
    pub(super) fn place(&self, endpoint: usize) -> Option<(&Place, &Kind)> {
        let place = self.places.get(endpoint)?.as_ref()?;
        Some((place, self.kinds.get(place.kind)?))
    }

    /// Every record that `filter` keeps, in its order, with what it is ordered by.
    pub(super) fn list(&self, place: &Place, within: &Within, filter: &Filter) -> Vec<Listed> {
        let mut shelves = self.begun(place.kind);
        let Some(shelf) = shelves.all.get_mut(place.kind) else { return Vec::new() };
        let kept = shelf.records.iter().filter(|(_, record)| {
            (filter.is_plain() || filter.keeps(&record.value)) && belongs(record, within)
        });
        let mut kept: Vec<_> =
            kept.map(|(at, record)| (filter.place(&record.value), *at, record.clone())).collect();
        if filter.order.is_some() {
            kept.sort_by(|a, b| {
                let order = if filter.is_backwards() { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) };
                order.then(a.1.cmp(&b.1))
            });
        }
        kept
    }

    /// The record of that key; the first one where there is only one.
    pub(super) fn get(&self, place: &Place, within: &Within, key: Option<&str>) -> Option<Arc<Record>> {
        let shelves = self.begun(place.kind);
        let shelf = shelves.all.get(place.kind)?;
        let record = match key {
            Some(key) => shelf.records.get(shelf.keys.get(key)?),
            None => shelf.records.values().find(|record| belongs(record, within)),
        };
        record.filter(|record| belongs(record, within)).cloned()
    }

    /// Whether the records that a path goes through are there.
    pub(super) fn parents(&self, within: &Within) -> Result<(), Problem> {
        for (scope, key) in within {
            let parent = self.kinds.iter().position(|kind| kind.path == scope.path);
            let Some(parent) = parent else { continue };
            let shelves = self.begun(parent);
            if shelves.all.get(parent).is_some_and(|shelf| !shelf.keys.contains_key(key)) {
                return Err(missing(&scope.parent, key));
            }
        }
        Ok(())
    }

    /// Makes a record of what was sent.
    pub(super) fn create(
        &self,
        place: &Place,
        within: &Within,
        sent: Map<String, Value>,
        now: Timestamp,
    ) -> Result<Arc<Record>, Problem> {
        let mut shelves = self.begun(place.kind);
        let Some(kind) = self.kinds.get(place.kind) else { return Err(missing("records", "")) };
        if shelves.count >= self.most {
            return Err(Problem::new(
                507,
                "Insufficient storage",
                format!("the mock holds {} records and takes no more", self.most),
            ));
        }
        let Some(shelf) = shelves.all.get_mut(place.kind) else { return Err(missing("records", "")) };
        let given = sent.get(&*kind.key).filter(|key| !key.is_null() && !text(key).is_empty()).cloned();
        let number = shelf.made;
        let mut record =
            fresh::created(&self.samples, kind, sent, mix(mix_text(self.seed, &kind.path), number), now);
        let key = match given {
            Some(key) if shelf.keys.contains_key(&text(&key)) => {
                let detail =
                    format!("there is already one of {} with {} {}", kind.name, kind.key, text(&key));
                return Err(Problem::new(409, "Conflict", detail));
            }
            Some(key) => key,
            None => self.free_key(kind, shelf),
        };
        self.own(kind, &mut record, &key, within);
        let record = Arc::new(Record::new(record, text(&key), Some(scope_of(within))));
        shelf.put(record.clone());
        shelves.count += 1;
        Ok(record)
    }

    /// A key out of a path, with the type the records have it in.
    pub(super) fn key_value(&self, kind: &Kind, key: &str) -> Value {
        let schemas = self.samples.schemas();
        let schema = fresh::property(schemas, kind, &kind.key).and_then(|id| schemas.get(id));
        let number = schema.is_some_and(|schema| schema.types.has(crate::spec::Type::Integer));
        key.parse::<i64>().ok().filter(|_| number).map_or_else(|| key.into(), Value::from)
    }

    /// What a record of what was sent would be, without keeping it.
    ///
    /// `full` adds what a caller leaves out and the API may know.
    pub(super) fn preview(
        &self,
        kind: &Kind,
        sent: Map<String, Value>,
        seed: u64,
        now: Timestamp,
        full: bool,
    ) -> Record {
        let given = sent.get(&*kind.key).cloned();
        let mut record = match full {
            true => fresh::seeded(&self.samples, kind, seed % 10_000, seed),
            false => fresh::created(&self.samples, kind, sent, seed, now),
        };
        let key = given.unwrap_or_else(|| fresh::key(&self.samples, kind, seed % 100_000, seed));
        self.own(kind, &mut record, &key, &Vec::new());
        Record::new(record, text(&key), None)
    }

    /// Changes a record: in part, or as a whole.
    pub(super) fn change(
        &self,
        place: &Place,
        within: &Within,
        key: Option<&str>,
        change: Change,
        now: Timestamp,
    ) -> Result<Option<Arc<Record>>, Problem> {
        let mut shelves = self.begun(place.kind);
        let (Some(kind), Some(shelf)) = (self.kinds.get(place.kind), shelves.all.get_mut(place.kind)) else {
            return Ok(None);
        };
        let at = match key {
            Some(key) => shelf.keys.get(key).copied(),
            None => shelf.records.iter().find(|(_, record)| belongs(record, within)).map(|(at, _)| *at),
        };
        let Some(record) =
            at.and_then(|at| shelf.records.get_mut(&at)).filter(|record| belongs(record, within))
        else {
            return Ok(None);
        };
        let Value::Object(old) = record.value.clone() else { return Ok(None) };
        let schemas = self.samples.schemas();
        let mut new = match change {
            Change::Merge(sent) => {
                let mut new = old.clone();
                let nullable = |name: &str| {
                    fresh::property(schemas, kind, name)
                        .and_then(|id| schemas.get(id))
                        .is_none_or(|schema| schema.nullable())
                };
                change::merge(&mut new, sent, &nullable);
                let mut kept = Map::new();
                fresh::take(schemas, kind, &mut kept, new);
                kept
            }
            Change::Replace(sent) => {
                let mut new = fresh::created(&self.samples, kind, sent, self.seed, now);
                // What a caller can't write stays as it was.
                for (name, value) in &old {
                    let fixed = fresh::property(schemas, kind, name)
                        .and_then(|id| schemas.get(id))
                        .is_some_and(|s| s.read_only);
                    if fixed || Some(name.as_str()) == kind.created.as_deref() {
                        new.insert(name.clone(), value.clone());
                    }
                }
                new
            }
            Change::Patch(operations) => {
                let mut new = Value::Object(old.clone());
                change::patch(&mut new, &operations)
                    .map_err(|detail| Problem::new(422, "Invalid request", detail))?;
                match new {
                    Value::Object(new) => new,
                    _ => {
                        return Err(Problem::new(
                            422,
                            "Invalid request",
                            "the patch makes the record something else than an object",
                        ));
                    }
                }
            }
        };
        // The key stays whatever was sent, and a change is always later than the one before.
        match old.get(&*kind.key) {
            Some(key) => new.insert(kind.key.to_string(), key.clone()),
            None => new.remove(&*kind.key),
        };
        let before = kind.updated.as_deref().and_then(|field| old.get(field)).and_then(filter::moment);
        let later = before.and_then(|before| Timestamp::from_millisecond(before.saturating_add(1)).ok());
        let moment = later.map_or(now, |later| later.max(now));
        fresh::stamp(schemas, kind, &mut new, kind.updated.as_deref(), moment);
        *record = Arc::new(Record::new(new, record.key.clone(), record.scope.clone()));
        Ok(Some(record.clone()))
    }

    pub(super) fn delete(&self, place: &Place, within: &Within, key: &str) -> Option<Arc<Record>> {
        let mut shelves = self.begun(place.kind);
        let shelf = shelves.all.get_mut(place.kind)?;
        let at = *shelf.keys.get(key)?;
        if !shelf.records.get(&at).is_some_and(|record| belongs(record, within)) {
            return None;
        }
        shelf.keys.remove(key);
        let gone = shelf.records.remove(&at);
        shelves.count = shelves.count.saturating_sub(1);
        gone
    }

    /// The records of a collection, by its path or its word.
    pub(super) fn records(&self, collection: &str) -> Result<Vec<Arc<Record>>> {
        let kind = self.kind(collection)?;
        let shelves = self.begun(kind);
        Ok(shelves.all.get(kind).map(|shelf| shelf.records.values().cloned().collect()).unwrap_or_default())
    }

    /// Puts records in place of the generated ones, as they are.
    pub(super) fn load(&self, collection: &str, records: &[Box<RawValue>]) -> Result<usize> {
        let at = self.kind(collection)?;
        let Some(kind) = self.kinds.get(at) else { return Ok(0) };
        let mut shelves = self.lock();
        let before = shelves.all.get(at).map_or(0, |shelf| shelf.records.len());
        if shelves.count - before + records.len() > self.most {
            return Err(Error::new(ErrorKind::LimitExceeded, "these are more records than the mock holds")
                .in_operation("mock.load")
                .with("limit", self.most));
        }
        let mut shelf = Shelf { begun: true, ..Shelf::default() };
        for (number, raw) in records.iter().enumerate() {
            // A record may be nothing that can be read: it is still sent as it is.
            let value: Value = serde_json::from_str(raw.get()).unwrap_or(Value::Null);
            let key = value.get(&*kind.key).map_or_else(|| format!("#{number}"), text);
            shelf.put(Arc::new(Record { value, text: raw.get().into(), key, scope: None }));
        }
        shelves.count = shelves.count - before + records.len();
        if let Some(place) = shelves.all.get_mut(at) {
            *place = shelf;
        }
        Ok(records.len())
    }

    fn kind(&self, collection: &str) -> Result<usize> {
        let wanted = collection.trim_matches('/');
        let found = self
            .kinds
            .iter()
            .position(|kind| kind.path.trim_matches('/') == wanted)
            .or_else(|| self.kinds.iter().position(|kind| kind.name == wanted));
        found.ok_or_else(|| {
            let error = Error::new(ErrorKind::NotFound, format!("the API has no collection {collection:?}"))
                .in_operation("mock.records");
            match crate::error::did_you_mean(wanted, self.kinds.iter().map(|kind| kind.name.as_str())) {
                Some(hint) => error.help(hint),
                None => error.help("`vitesse spec` lists its resources"),
            }
        })
    }

    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shelves, with the first records on that of `kind`.
    fn begun(&self, kind: usize) -> MutexGuard<'_, Shelves> {
        let mut shelves = self.lock();
        self.begin(&mut shelves, kind);
        shelves
    }

    fn begin(&self, shelves: &mut Shelves, at: usize) {
        let (Some(kind), Some(shelf)) = (self.kinds.get(at), shelves.all.get_mut(at)) else { return };
        if shelf.begun {
            return;
        }
        // Before the parents are looked at, whose records may refer back.
        shelf.begun = true;
        let count = self.first.min(self.most.saturating_sub(shelves.count));
        let refers = self.references(kind, at);
        let parents: Vec<(usize, &Scope)> = kind
            .scopes
            .iter()
            .filter_map(|scope| {
                Some((self.kinds.iter().position(|parent| parent.path == scope.path)?, scope))
            })
            .collect();
        for other in refers.iter().map(|(_, other)| *other).chain(parents.iter().map(|(other, _)| *other)) {
            self.begin(shelves, other);
        }
        let seed = mix_text(self.seed, &kind.path);
        let given = self.samples.records_of_example(kind.list);
        for number in 0..count as u64 {
            let mut record = match given.get(number as usize) {
                Some(Value::Object(record)) => record.clone(),
                _ => fresh::seeded(&self.samples, kind, number, seed),
            };
            let of = |other: usize, salt: u64| {
                let shelf = shelves.all.get(other)?;
                let keys = shelf.records.len() as u64;
                let nth = mix(mix(seed, number), salt).checked_rem(keys)?;
                let (_, record) = shelf.records.iter().nth(nth as usize)?;
                Some(record)
            };
            if number as usize >= given.len() {
                for (salt, (field, other)) in refers.iter().enumerate() {
                    if let Some(key) = of(*other, salt as u64)
                        .and_then(|record| record.value.get(&*self.kinds.get(*other)?.key))
                    {
                        record.insert(field.clone(), key.clone());
                    }
                }
            }
            let within: Within = parents
                .iter()
                .enumerate()
                .filter_map(|(salt, (other, scope))| {
                    Some(((*scope).clone(), of(*other, 64 + salt as u64)?.key.clone()))
                })
                .collect();
            let Some(shelf) = shelves.all.get(at) else { return };
            let own = record
                .get(&*kind.key)
                .map(text)
                .filter(|key| (number as usize) < given.len() && !shelf.keys.contains_key(key));
            let key = match own.and_then(|_| record.get(&*kind.key).cloned()) {
                Some(key) => key,
                None => self.free_key(kind, shelf),
            };
            self.own(kind, &mut record, &key, &within);
            let scope = if within.is_empty() { None } else { Some(scope_of(&within)) };
            let record = Arc::new(Record::new(record, text(&key), scope));
            if let Some(shelf) = shelves.all.get_mut(at) {
                shelf.put(record);
                shelves.count += 1;
            }
        }
    }

    /// The fields of a kind that hold keys of another.
    fn references(&self, kind: &Kind, own: usize) -> Vec<(String, usize)> {
        let schemas = self.samples.schemas();
        let scalar = |id: SchemaId| {
            schemas.get(id).is_some_and(|schema| schema.properties.is_empty() && schema.items.is_none())
        };
        let properties =
            kind.schemas.iter().filter_map(|id| schemas.get(*id)).flat_map(|schema| &schema.properties);
        properties
            .filter(|property| {
                property.name != kind.key && plain(&property.name).ends_with("id") && scalar(property.schema)
            })
            .filter_map(|property| {
                let other = self
                    .kinds
                    .iter()
                    .position(|other| other.scopes.is_empty() && kind::means(&property.name, &other.name))?;
                (other != own).then(|| (property.name.to_string(), other))
            })
            .collect()
    }

    /// A key that nobody has.
    fn free_key(&self, kind: &Kind, shelf: &Shelf) -> Value {
        let mut number = shelf.made;
        loop {
            let key = fresh::key(&self.samples, kind, number, mix_text(self.seed, &kind.path));
            if !shelf.keys.contains_key(&text(&key)) {
                return key;
            }
            if number > shelf.made + 16 {
                return format!("{}-{number}", text(&key)).into();
            }
            number += 1;
        }
    }

    /// Writes key and parents into a record, where it has fields for them.
    fn own(&self, kind: &Kind, record: &mut Map<String, Value>, key: &Value, within: &Within) {
        let schemas = self.samples.schemas();
        if fresh::property(schemas, kind, &kind.key).is_some() || record.contains_key(&*kind.key) {
            record.insert(kind.key.to_string(), key.clone());
        }
        for (scope, parent) in within {
            let described =
                kind.schemas.iter().filter_map(|id| schemas.get(*id)).flat_map(|schema| &schema.properties);
            let field = described
                .filter(|p| p.name != kind.key)
                .find(|p| kind::means(&p.name, &scope.parent) && plain(&p.name).ends_with("id"));
            if let Some(field) = field {
                let number =
                    schemas.get(field.schema).is_some_and(|s| s.types.has(crate::spec::Type::Integer));
                let value = parent
                    .parse::<i64>()
                    .ok()
                    .filter(|_| number)
                    .map_or_else(|| parent.clone().into(), Value::from);
                record.insert(field.name.to_string(), value);
            }
        }
    }
}

impl Shelf {
    fn put(&mut self, record: Arc<Record>) {
        let at = self.made;
        self.made += 1;
        // Of two given records with one key, the last is found by it; both are listed.
        self.keys.insert(record.key.clone(), at);
        self.records.insert(at, record);
    }
}

fn scope_of(within: &Within) -> Vec<(String, String)> {
    within.iter().map(|(scope, key)| (scope.parent.clone(), key.clone())).collect()
}

fn belongs(record: &Record, within: &Within) -> bool {
    within.iter().all(|(scope, key)| {
        let known =
            record.scope.as_ref().and_then(|own| own.iter().find(|(parent, _)| *parent == scope.parent));
        if let Some((_, own)) = known {
            return own == key;
        }
        let field = record.value.as_object().and_then(|fields| {
            fields.iter().find(|(name, value)| {
                kind::means(name, &scope.parent) && (value.is_string() || value.is_number())
            })
        });
        match field {
            Some((_, value)) => text(value) == *key,
            // Nobody said whose it is.
            None => record.scope.is_none(),
        }
    })
}

pub(super) fn missing(collection: &str, key: &str) -> Problem {
    Problem::new(404, "Not found", format!("there is no {key:?} among the {collection}"))
}

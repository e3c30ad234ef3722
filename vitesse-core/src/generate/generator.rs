use std::sync::OnceLock;

use serde_json::Value;

use super::draw::{Cache, Draw};
use super::meaning::Meaning;
use super::random::Random;
use super::{Judge, Probe, ProbeKind, Way, adversarial};
use crate::spec::{SchemaId, Schemas};

/// How often a record is drawn anew when the schema doesn't accept it.
const TRIES: u64 = 8;

/// Makes records of a schema. The same schema and seed give the same records.
///
/// Making one is cheap; it looks at schemas when they are first needed.
pub struct Generator<'a> {
    schemas: &'a Schemas,
    root: SchemaId,
    seed: u64,
    way: Way,
    cache: Cache,
    judge: OnceLock<Option<Judge>>,
}

/// A record and what it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The record.
    pub value: Value,
    /// What it tries out, and in which field.
    pub probe: Probe,
    /// Whether the schema accepts it.
    pub valid: bool,
}

impl<'a> Generator<'a> {
    /// A generator of what answers hold.
    pub fn new(schemas: &'a Schemas, root: SchemaId, seed: u64) -> Self {
        let way = Way::Response;
        Self { schemas, root, seed, way, cache: Cache::default(), judge: OnceLock::new() }
    }

    /// The same for records that go that way.
    #[must_use]
    pub fn going(mut self, way: Way) -> Self {
        self.way = way;
        self.judge = OnceLock::new();
        self
    }

    /// The record of that number, realistic, without asking a judge. The first has every field; the others
    /// leave some out. Alternatives and enumerations take turns.
    pub fn record(&self, number: u64) -> Value {
        self.draw(number, 0)
    }

    /// `count` realistic records, each drawn anew until the schema accepts it (which a schema may make
    /// impossible; then `valid` tells).
    pub fn realistic(&self, count: usize) -> impl Iterator<Item = Sample> {
        (0..count as u64).map(|number| self.sample(number))
    }

    /// The realistic record of that number, of as many as one likes.
    pub fn sample(&self, number: u64) -> Sample {
        let mut value = self.draw(number, 0);
        let mut valid = self.accepts(&value);
        for again in 1..TRIES {
            if valid {
                break;
            }
            let other = self.draw(number, again);
            valid = self.accepts(&other);
            if valid {
                value = other;
            }
        }
        Sample { value, probe: Probe::new(ProbeKind::Realistic, ""), valid }
    }

    /// Records that each try one thing out: each form and value that the schema knows, each limit, and what
    /// real APIs send against their own word. What they try is in [`ProbeKind`]; those that the schema
    /// doesn't accept are marked.
    pub fn adversarial(&self) -> Vec<Sample> {
        adversarial::samples(self)
    }

    /// Whether the schema accepts a record.
    pub fn accepts(&self, record: &Value) -> bool {
        self.judge().is_none_or(|judge| judge.accepts(record))
    }

    /// The judge of the schema; `None` if it can't be judged by.
    pub fn judge(&self) -> Option<&Judge> {
        self.judge.get_or_init(|| Judge::new(self.schemas, self.root, self.way).ok()).as_ref()
    }

    pub(super) fn schemas(&self) -> &'a Schemas {
        self.schemas
    }

    pub(super) fn root(&self) -> SchemaId {
        self.root
    }

    pub(super) fn way(&self) -> Way {
        self.way
    }

    /// A record with every field; of a schema with alternatives, one of them.
    pub(super) fn whole(&self, forced: Option<(SchemaId, usize)>) -> Value {
        let mut value = Value::Null;
        for again in 0..TRIES {
            let mut draw = self.drawing(0, again);
            (draw.full, draw.forced) = (true, forced);
            value = draw.value(self.root, "", Meaning::Any, 0);
            if self.accepts(&value) {
                return value;
            }
        }
        // What has every field may be several alternatives at once; then it is not the whole record.
        for again in 0..TRIES {
            let mut draw = self.drawing(0, again);
            draw.forced = forced;
            let other = draw.value(self.root, "", Meaning::Any, 0);
            if self.accepts(&other) {
                return other;
            }
        }
        value
    }

    pub(super) fn lean(&self) -> Value {
        let mut draw = self.drawing(0, 0);
        draw.lean = true;
        draw.value(self.root, "", Meaning::Any, 0)
    }

    fn draw(&self, number: u64, again: u64) -> Value {
        let mut draw = self.drawing(number, again);
        draw.full = number == 0 && again < TRIES / 2;
        draw.lean = again >= TRIES - 2;
        draw.value(self.root, "", Meaning::Any, 0)
    }

    fn drawing(&self, number: u64, again: u64) -> Draw<'_> {
        let random = Random::new(self.seed, number.wrapping_add(again << 48).wrapping_add(1));
        Draw::new(self.schemas, self.way, &self.cache, random, number.wrapping_add(again))
    }
}

impl std::fmt::Debug for Generator<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generator")
            .field("root", &self.root)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

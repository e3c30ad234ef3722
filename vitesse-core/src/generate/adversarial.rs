//! Records that each try one thing out: a whole record with one place changed.

use serde_json::{Value, json};

use super::generator::{Generator, Sample};
use super::judge::path;
use super::number::Range;
use super::{Probe, ProbeKind};
use crate::spec::{Schema, SchemaId, Schemas, Type};

/// How many records there are at most; large schemas have more places than anyone could try.
const MOST: usize = 2_000;
/// Recursion in a record ends by itself; this only bounds the walk.
const DEPTH: usize = 24;

pub(super) fn samples(generator: &Generator<'_>) -> Vec<Sample> {
    let base = generator.whole(None);
    let mut trials = Trials { generator, base: &base, samples: Vec::new() };
    trials.keep(generator.lean(), ProbeKind::OnlyRequired, "");
    trials.walk(generator.root(), &base, &mut String::new(), None, 0);
    trials.samples
}

struct Trials<'g, 'a> {
    generator: &'g Generator<'a>,
    base: &'g Value,
    samples: Vec<Sample>,
}

impl<'a> Trials<'_, 'a> {
    /// Tries out the value at a JSON pointer and everything in it. `required` is `None` for what isn't the
    /// field of an object.
    fn walk(&mut self, id: SchemaId, value: &Value, at: &mut String, required: Option<bool>, depth: usize) {
        let schemas = self.generator.schemas();
        let Some(schema) = schemas.get(id) else { return };
        if depth > DEPTH || self.samples.len() >= MOST || !self.generator.way().carries(schema) {
            return;
        }
        let layers = layers(schemas, id);
        self.ways(id, schema, at);
        if required == Some(false) {
            self.without(at);
        }
        if required.is_some() {
            let nullable = layers.iter().any(|layer| layer.nullable());
            let kind = if nullable { ProbeKind::Null } else { ProbeKind::UnexpectedNull };
            self.put(at, Value::Null, kind);
        }
        let enumerated = layers.iter().find(|layer| !layer.enum_values.is_empty());
        if let Some(layer) = enumerated {
            for choice in
                layer.enum_values.iter().map(|json| json.value()).filter(|v| v != value && !v.is_null())
            {
                self.put(at, choice, ProbeKind::EnumValue);
            }
            let unknown = if value.is_string() { json!("something_new") } else { json!(987_654_321) };
            self.put(at, unknown, ProbeKind::UnknownEnum);
        }
        match value {
            Value::Null => {}
            Value::Bool(flag) => {
                self.put(at, json!(flag.to_string()), ProbeKind::BooleanAsText);
                self.put(at, json!(u8::from(*flag)), ProbeKind::BooleanAsText);
            }
            Value::Number(number) if enumerated.is_none() => self.number(number.is_f64(), &layers, value, at),
            Value::Number(_) => self.put(at, json!(value.to_string()), ProbeKind::NumberAsText),
            Value::String(text) if enumerated.is_none() => self.text(text, &layers, at),
            Value::String(_) => {}
            Value::Array(items) => {
                self.list(items, at);
                let Some(first) = items.first() else { return };
                let found = layers
                    .iter()
                    .find_map(|layer| layer.details().prefix_items.first().copied().or(layer.items));
                if let Some(inner) = found {
                    self.step(inner, first, "0", at, None, depth);
                }
            }
            Value::Object(members) => {
                let mut more = members.clone();
                more.insert("x_not_described".into(), json!({"a": [1, "é"]}));
                self.put(at, Value::Object(more), ProbeKind::ExtraField);
                for layer in &layers {
                    for property in &layer.properties {
                        // A field of two layers is tried out once, where it is first.
                        let first = layers.iter().find(|other| other.property(&property.name).is_some());
                        let Some(inner) = members
                            .get(&*property.name)
                            .filter(|_| first.is_some_and(|f| std::ptr::eq(*f, *layer)))
                        else {
                            continue;
                        };
                        let required =
                            layers.iter().any(|l| l.property(&property.name).is_some_and(|p| p.required));
                        let step = property.name.replace('~', "~0").replace('/', "~1");
                        self.step(property.schema, inner, &step, at, Some(required), depth);
                    }
                }
            }
        }
    }

    fn step(
        &mut self,
        id: SchemaId,
        value: &Value,
        step: &str,
        at: &mut String,
        required: Option<bool>,
        depth: usize,
    ) {
        let length = at.len();
        at.push('/');
        at.push_str(step);
        self.walk(id, value, at, required, depth + 1);
        at.truncate(length);
    }

    /// A record for each alternative.
    fn ways(&mut self, id: SchemaId, schema: &Schema, at: &str) {
        let count = schema.one_of.len().max(schema.any_of.len());
        for way in 0..if count > 1 { count } else { 0 } {
            let record = self.generator.whole(Some((id, way)));
            let field = path(at, self.base);
            self.keep(record, ProbeKind::Alternative, &field);
        }
    }

    fn number(&mut self, fraction: bool, layers: &[&Schema], value: &Value, at: &str) {
        let whole = !fraction && !layers.iter().any(|layer| layer.types.has(Type::Number));
        let range = Range::of(layers, whole, 0);
        let ((least, greatest), (below, above)) = (range.ends(), range.outside());
        let ends = [
            (least, ProbeKind::Minimum),
            (greatest, ProbeKind::Maximum),
            (below, ProbeKind::BelowMinimum),
            (above, ProbeKind::AboveMaximum),
        ];
        for (end, kind) in ends {
            if let Some(end) = end {
                self.put(at, end, kind);
            }
        }
        self.put(at, json!(0), ProbeKind::Zero);
        self.put(at, json!(-1), ProbeKind::Negative);
        self.put(at, json!(9_007_199_254_740_993_i64), ProbeKind::BigInteger);
        if !whole {
            self.put(at, json!(0.123_456_789_012), ProbeKind::ManyDigits);
        }
        self.put(at, json!(value.to_string()), ProbeKind::NumberAsText);
    }

    fn text(&mut self, text: &str, layers: &[&Schema], at: &str) {
        let details = || layers.iter().map(|layer| layer.details());
        let least = details().filter_map(|d| d.min_length).max();
        let most = details().filter_map(|d| d.max_length).min();
        let format = layers.iter().find_map(|layer| layer.format.as_deref());
        let free = format.is_none() && details().all(|d| d.pattern.is_none());
        let fitted = |length: u64| json!(super::text::fitted(text.to_owned(), length, length));
        if free {
            if let Some(least) = least.filter(|least| *least > 0) {
                self.put(at, fitted(least), ProbeKind::Shortest);
            }
            match most {
                Some(most) => self.put(at, fitted(most.min(20_000)), ProbeKind::Longest),
                None => self.put(at, fitted(10_000), ProbeKind::VeryLong),
            }
            let odd = "👩‍👩‍👧 \"q\" \\ \n\t\u{1} é e\u{301} \u{202e}abc <b>&amp;</b>";
            self.put(
                at,
                json!(super::text::fitted(odd.to_owned(), least.unwrap_or(0), most.unwrap_or(u64::MAX))),
                ProbeKind::OddText,
            );
        }
        self.put(at, json!(""), ProbeKind::EmptyText);
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        match number {
            Some(number) => {
                self.put(at, json!(number), ProbeKind::TextAsNumber);
                if text.contains('.') {
                    self.put(at, json!(text.replace('.', ",")), ProbeKind::DecimalComma);
                }
            }
            None => self.put(at, json!(12), ProbeKind::TextAsNumber),
        }
        match format {
            Some("date-time" | "datetime" | "timestamp") => {
                self.put(at, json!("2024-03-10T02:30:00-11:00"), ProbeKind::OtherZone);
                self.put(at, json!("2024-10-27T02:30:00.123456+05:45"), ProbeKind::OtherZone);
                self.put(at, json!("2024-02-29T23:59:59Z"), ProbeKind::LeapDay);
                self.put(at, json!("2024-03-10 02:30:00"), ProbeKind::NoZone);
            }
            Some("date" | "full-date") => self.put(at, json!("2024-02-29"), ProbeKind::LeapDay),
            _ => {}
        }
    }

    fn list(&mut self, items: &[Value], at: &str) {
        self.put(at, json!([]), ProbeKind::EmptyList);
        if let Some(first) = items.first() {
            let many = items.iter().cycle().take(60).cloned().collect();
            self.put(at, Value::Array(many), ProbeKind::LongList);
            self.put(at, first.clone(), ProbeKind::ItemAlone);
        }
    }

    /// The whole record with another value at a place.
    fn put(&mut self, at: &str, value: Value, kind: ProbeKind) {
        let mut record = self.base.clone();
        if let Some(place) = record.pointer_mut(at)
            && *place != value
        {
            *place = value;
            let field = path(at, self.base);
            self.keep(record, kind, &field);
        }
    }

    /// The whole record without a field.
    fn without(&mut self, at: &str) {
        let mut record = self.base.clone();
        let Some((parent, key)) = at.rsplit_once('/') else { return };
        if let Some(Value::Object(members)) = record.pointer_mut(parent)
            && members.remove(&key.replace("~1", "/").replace("~0", "~")).is_some()
        {
            let field = path(at, self.base);
            self.keep(record, ProbeKind::Missing, &field);
        }
    }

    fn keep(&mut self, value: Value, kind: ProbeKind, field: &str) {
        if self.samples.len() < MOST {
            let valid = self.generator.accepts(&value);
            self.samples.push(Sample { value, probe: Probe::new(kind, field), valid });
        }
    }
}

/// A schema with all its alternatives, each once.
fn layers(schemas: &Schemas, id: SchemaId) -> Vec<&Schema> {
    let mut seen = vec![id];
    let mut at = 0;
    while let Some(id) = seen.get(at) {
        let ways = schemas.get(*id).into_iter().flat_map(|schema| schema.one_of.iter().chain(&schema.any_of));
        for way in ways {
            if !seen.contains(way) && seen.len() < 64 {
                seen.push(*way);
            }
        }
        at += 1;
    }
    seen.iter().filter_map(|id| schemas.get(*id)).collect()
}

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::data::{COMPANIES, FIRST, LAST, PLACES, Place};
use super::meaning::Meaning;
use super::number::Range;
use super::pattern::Pattern;
use super::random::Random;
use super::{Way, text};
use crate::spec::{Additional, Schema, SchemaId, Schemas, Type, Types};

/// How deep fields that need not be there are followed.
const DEPTH: usize = 7;
/// How deep anything is followed: a schema that requires itself has no end.
const DEEPEST: usize = 40;
/// How many values a record has at most, before what need not be there is left out.
const MOST: usize = 4_000;
/// 2025-01-01, in seconds since 1970.
const NOW: i64 = 1_735_689_600;

/// Who a record, or an item of one, is about, so that its fields agree.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) company: &'static str,
    pub(super) host: &'static str,
    /// The mail address.
    pub(super) plain: String,
    pub(super) place: Place,
}

impl Person {
    fn of(random: &mut Random) -> Self {
        let ((first, plain), (last, plain_last)) = (random.pick(FIRST), random.pick(LAST));
        let (company, host) = random.pick(COMPANIES);
        let plain = format!("{plain}.{plain_last}@{host}");
        Self { first, last, company, host, plain, place: random.pick(PLACES) }
    }
}

/// What is known of a schema from where it stands; found out once.
#[derive(Debug)]
pub(super) struct Known {
    fields: Vec<(Meaning, i64)>,
    choices: Vec<Value>,
    pattern: Option<Pattern>,
    example: Option<String>,
}

pub(super) type Cache = Mutex<HashMap<(SchemaId, String), Arc<Known>>>;

/// One record being drawn.
pub(super) struct Draw<'g> {
    pub(super) schemas: &'g Schemas,
    pub(super) way: Way,
    pub(super) cache: &'g Cache,
    pub(super) random: Random,
    /// Which record this is: alternatives and enumerations go round, so that few records meet all.
    pub(super) turn: u64,
    /// Whether every field is there.
    pub(super) full: bool,
    /// Whether only required fields are.
    pub(super) lean: bool,
    /// An alternative that must be taken.
    pub(super) forced: Option<(SchemaId, usize)>,
    person: Person,
    moment: i64,
    open: Vec<SchemaId>,
    left: usize,
}

impl<'g> Draw<'g> {
    pub(super) fn new(
        schemas: &'g Schemas,
        way: Way,
        cache: &'g Cache,
        mut random: Random,
        turn: u64,
    ) -> Self {
        let person = Person::of(&mut random);
        let moment = NOW - random.below(500 * 86_400) as i64;
        Self {
            schemas,
            way,
            cache,
            random,
            turn,
            full: false,
            lean: false,
            forced: None,
            person,
            moment,
            open: Vec::new(),
            left: MOST,
        }
    }

    /// A value of the schema, which is called `name` where it stands.
    pub(super) fn value(&mut self, id: SchemaId, name: &str, meaning: Meaning, shift: i64) -> Value {
        self.left = self.left.saturating_sub(1);
        let Some(schema) = self.schemas.get(id) else { return Value::Null };
        if self.open.len() >= DEEPEST {
            return Value::Null;
        }
        let mut tag = None;
        let chosen;
        let layers: &[(SchemaId, &Schema)] = if schema.one_of.is_empty() && schema.any_of.is_empty() {
            &[(id, schema)]
        } else {
            chosen = self.layers(id, schema, &mut tag);
            &chosen
        };
        if !self.full && !self.lean && self.can_be_null(id, 0) && self.random.chance(14) {
            return Value::Null;
        }
        self.open.push(id);
        let value = self.of_layers(layers, name, meaning, shift, tag);
        self.open.pop();
        value
    }

    /// A schema with the alternatives that are taken, outermost first.
    fn layers(
        &mut self,
        id: SchemaId,
        schema: &'g Schema,
        tag: &mut Option<(String, Value)>,
    ) -> Vec<(SchemaId, &'g Schema)> {
        let mut layers = vec![(id, schema)];
        let mut at = 0;
        while let Some((id, schema)) = layers.get(at).copied() {
            for ways in [&schema.one_of, &schema.any_of] {
                let real: Vec<SchemaId> = ways.iter().copied().filter(|way| !self.is_null(*way)).collect();
                let at = match self.forced {
                    Some((forced, way)) if forced == id => way,
                    _ => (self.turn as usize).wrapping_add(id.0 as usize),
                };
                let Some(way) = at.checked_rem(real.len()).and_then(|at| real.get(at)).copied() else {
                    continue;
                };
                if let Some(discriminator) = &schema.details().discriminator {
                    let mapped = discriminator
                        .mapping
                        .iter()
                        .find(|(_, to)| *to == way)
                        .map(|(name, _)| name.to_string());
                    let named = || self.schemas.get(way)?.name.as_deref().map(str::to_owned);
                    *tag = mapped
                        .or_else(named)
                        .map(|name| (discriminator.property_name.to_string(), name.into()));
                }
                if let Some(found) = self.schemas.get(way).filter(|_| layers.len() < 16) {
                    layers.push((way, found));
                }
            }
            at += 1;
        }
        layers
    }

    fn is_null(&self, id: SchemaId) -> bool {
        self.schemas.get(id).is_some_and(|schema| schema.types == Types::one(Type::Null))
    }

    fn can_be_null(&self, id: SchemaId, depth: usize) -> bool {
        let Some(schema) = self.schemas.get(id) else { return false };
        let ways = schema.one_of.iter().chain(&schema.any_of);
        let by_way = depth < 8 && ways.clone().any(|way| self.can_be_null(*way, depth + 1));
        schema.nullable() && (ways.count() == 0 || by_way) || schema.types.is_any() && by_way
    }

    fn of_layers(
        &mut self,
        layers: &[(SchemaId, &'g Schema)],
        name: &str,
        meaning: Meaning,
        shift: i64,
        tag: Option<(String, Value)>,
    ) -> Value {
        let types =
            layers.iter().fold(Types::ANY, |types, (_, schema)| types.and(schema.types)).without(Type::Null);
        if let Some((id, schema)) = layers.iter().find(|(_, schema)| !schema.enum_values.is_empty()) {
            let known = self.known(*id, schema, name);
            let fitting = |value: &&Value| {
                !value.is_null() && (types.is_any() || types.has(type_of(value)) || types.has(Type::Number))
            };
            let choices: Vec<&Value> = known.choices.iter().filter(fitting).collect();
            // Which value the first record has differs from field to field; the next ones go on from there.
            let at = (self.turn as usize).wrapping_add(id.0 as usize).checked_rem(choices.len());
            return at.and_then(|at| choices.get(at)).map_or(Value::Null, |value| (*value).clone());
        }
        let schema = |is: &dyn Fn(&Schema) -> bool| layers.iter().any(|(_, schema)| is(schema));
        let named: Vec<Type> = types.iter().collect();
        let kind = match (self.turn as usize).checked_rem(named.len()).and_then(|at| named.get(at)) {
            Some(kind) => *kind,
            None if schema(&|s| !s.properties.is_empty() || s.additional != Additional::Any) => Type::Object,
            None if schema(&|s| s.items.is_some() || !s.details().prefix_items.is_empty()) => Type::Array,
            None => Type::String,
        };
        match kind {
            Type::Null => Value::Null,
            Type::Boolean => Value::Bool(self.random.chance(50)),
            Type::Integer | Type::Number => self.number(layers, meaning, shift, kind == Type::Integer),
            Type::String => Value::String(self.text(layers, name, meaning, shift)),
            Type::Array => self.array(layers, name),
            Type::Object => self.object(layers, name, tag),
        }
    }

    fn number(&mut self, layers: &[(SchemaId, &Schema)], meaning: Meaning, shift: i64, whole: bool) -> Value {
        let schemas: Vec<&Schema> = layers.iter().map(|(_, schema)| *schema).collect();
        let moment = i128::from(self.moment + shift);
        let place = &self.person.place;
        let degrees =
            |millionths: i32| (i128::from(millionths) / 1_000_000, i128::from(millionths) / 1_000_000 + 1);
        let (usual, digits) = match meaning {
            Meaning::Unix => ((moment, moment), 0),
            Meaning::UnixMillis => ((moment * 1000, moment * 1000 + 999), 0),
            Meaning::Cents => ((100, 500_000), 0),
            Meaning::Money => ((1, 5_000), 2),
            Meaning::Quantity => ((1, 20), 0),
            Meaning::Percent => ((0, 100), 1),
            Meaning::Year => ((1990, 2025), 0),
            Meaning::Age => ((18, 80), 0),
            Meaning::Latitude => (degrees(place.latitude), 6),
            Meaning::Longitude => (degrees(place.longitude), 6),
            Meaning::Id => ((1_000, 9_999_999), 0),
            Meaning::Weight => ((1, 60), 1),
            _ => ((1, 1_000), 2),
        };
        Range::of(&schemas, whole, digits).draw(&mut self.random, usual)
    }

    fn text(&mut self, layers: &[(SchemaId, &Schema)], name: &str, meaning: Meaning, shift: i64) -> String {
        let details = || layers.iter().map(|(_, schema)| schema.details());
        let least = details().filter_map(|d| d.min_length).max().unwrap_or(0);
        let most = details().filter_map(|d| d.max_length).min().unwrap_or(u64::MAX);
        let format = layers.iter().find_map(|(_, schema)| schema.format.as_deref());
        let mut example = None;
        for (id, schema) in layers {
            let known = self.known(*id, schema, name);
            if let Some(pattern) = &known.pattern {
                return pattern.draw(&mut self.random, least, most);
            }
            example = example.or_else(|| known.example.clone());
        }
        let moment = self.moment + shift;
        let by_format =
            format.and_then(|format| text::of_format(format, &mut self.random, &self.person, moment));
        if let (Some(text), Some(format)) = (by_format, format) {
            let fits = |text: &str| (least..=most).contains(&(text.chars().count() as u64));
            return match text::shortest(format) {
                Some(short) if !fits(&text) => short.to_owned(),
                _ => text,
            };
        }
        let shaped = |example: &String| {
            example.bytes().any(|b| b.is_ascii_digit()) && !example.contains([' ', '@', '{', '<'])
        };
        let borrows =
            matches!(meaning, Meaning::Any | Meaning::Id | Meaning::Sku | Meaning::Ordinal | Meaning::Money);
        let drawn = match &example {
            Some(example) if borrows && shaped(example) => text::like(example, &mut self.random),
            Some(example) if meaning == Meaning::Any && self.random.chance(50) => example.clone(),
            _ => text::of_meaning(meaning, &mut self.random, &self.person, moment)
                .unwrap_or_else(|| text::words(&mut self.random)),
        };
        let drawn = match meaning {
            // A code of a fixed length is another code, not half a code.
            Meaning::CountryCode if least == 3 => self.person.place.code3.to_owned(),
            Meaning::Country if most < 4 => self.person.place.code.to_owned(),
            _ => drawn,
        };
        text::fitted(drawn, least, most)
    }

    fn array(&mut self, layers: &[(SchemaId, &'g Schema)], name: &str) -> Value {
        let details = || layers.iter().map(|(_, schema)| schema.details());
        let least = details().filter_map(|d| d.min_items).max().unwrap_or(0);
        let most = details().filter_map(|d| d.max_items).min().unwrap_or(u64::MAX);
        let prefix: Vec<SchemaId> = details().flat_map(|d| d.prefix_items.iter().copied()).collect();
        let Some(items) = layers.iter().find_map(|(_, schema)| schema.items) else {
            let items: Vec<Value> = prefix.iter().map(|id| self.value(*id, name, Meaning::Any, 0)).collect();
            return Value::Array(items);
        };
        let again = self.open.iter().filter(|id| **id == items).count();
        let wanted = if again >= 2 || self.left == 0 || self.lean || self.open.len() > DEPTH {
            0
        } else if self.full {
            2 - again as u64
        } else {
            self.random.below(4)
        };
        let count = wanted.clamp(least.min(most), most).min(10_000);
        let unique = details().any(|d| d.unique_items);
        let (meaning, shift) = item_meaning(self.schemas, items, name);
        let mut found: Vec<Value> = prefix.iter().map(|id| self.value(*id, name, Meaning::Any, 0)).collect();
        let (turn, person) = (self.turn, self.person.clone());
        for tries in 0..count * 10 {
            if found.len() as u64 >= count {
                break;
            }
            // Items differ from each other, as records do.
            self.turn = turn.wrapping_add(tries);
            if tries > 0 {
                self.person = Person::of(&mut self.random);
            }
            let item = self.value(items, name, meaning, shift);
            if !(unique && found.contains(&item)) {
                found.push(item);
            }
        }
        (self.turn, self.person) = (turn, person);
        Value::Array(found)
    }

    fn object(
        &mut self,
        layers: &[(SchemaId, &'g Schema)],
        name: &str,
        tag: Option<(String, Value)>,
    ) -> Value {
        let mut members = Map::new();
        for (id, schema) in layers {
            let known = self.known(*id, schema, name);
            for (property, (meaning, shift)) in schema.properties.iter().zip(&known.fields) {
                let required = layers
                    .iter()
                    .any(|(_, layer)| layer.property(&property.name).is_some_and(|p| p.required));
                // Where nothing is required nothing was said of it, and records have what is described.
                let silent =
                    !self.lean && layers.iter().all(|(_, l)| l.properties.iter().all(|p| !p.required));
                if members.contains_key(&*property.name) || !self.wanted(property.schema, required, silent) {
                    continue;
                }
                let value = self.value(property.schema, &property.name, *meaning, *shift);
                members.insert(property.name.to_string(), value);
            }
        }
        for (_, schema) in layers {
            let details = schema.details();
            for name in &details.also_required {
                let value = match schema.additional {
                    Additional::Schema(id) => self.value(id, name, Meaning::Any, 0),
                    _ => Value::String(text::words(&mut self.random)),
                };
                members.entry(name.to_string()).or_insert(value);
            }
            let least = details.min_properties.unwrap_or(0) as usize;
            let free =
                schema.properties.is_empty() && !self.lean && self.left > 0 && self.open.len() <= DEPTH;
            let wanted = match (&schema.additional, details.pattern_properties.first()) {
                (Additional::Schema(_), _) | (_, Some(_)) if free => 2,
                _ => 0,
            };
            let wanted =
                wanted.min(details.max_properties.unwrap_or(u64::MAX)).max(least as u64).min(1000) as usize;
            for at in 0..wanted.saturating_sub(members.len()) {
                let (key, id) = match (details.pattern_properties.first(), schema.additional) {
                    (Some((pattern, id)), _) => match Pattern::parse(pattern) {
                        Some(pattern) => (pattern.draw(&mut self.random, 1, 60), Some(*id)),
                        None => break,
                    },
                    (None, Additional::Schema(id)) => (
                        format!(
                            "{}_{at}",
                            text::of_meaning(Meaning::Tag, &mut self.random, &self.person, 0)
                                .unwrap_or_default()
                        ),
                        Some(id),
                    ),
                    (None, Additional::Any) => (format!("extra_{at}"), None),
                    (None, Additional::None) => break,
                };
                let value = id.map_or(Value::Bool(true), |id| self.value(id, name, Meaning::Any, 0));
                members.insert(key, value);
            }
        }
        if let Some((field, value)) = tag {
            members.insert(field, value);
        }
        Value::Object(members)
    }

    /// Whether a field is put into the record.
    fn wanted(&mut self, id: SchemaId, required: bool, silent: bool) -> bool {
        if self.schemas.get(id).is_some_and(|schema| !self.way.carries(schema)) {
            return false;
        }
        if required {
            return true;
        }
        if self.lean || self.left == 0 || self.open.len() > DEPTH {
            return false;
        }
        match self.open.iter().filter(|open| **open == id).count() {
            0 => self.full || silent || self.random.chance(85),
            1 => self.full || self.random.chance(40),
            _ => false,
        }
    }

    fn known(&self, id: SchemaId, schema: &Schema, name: &str) -> Arc<Known> {
        // A schema with a name is the same wherever it stands.
        let around = schema.name.as_deref().unwrap_or(name);
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache.get(&(id, around.to_owned())) {
            return Arc::clone(known);
        }
        let field = |property: &crate::spec::Property| {
            let Some(inner) = self.schemas.get(property.schema) else { return (Meaning::Any, 0) };
            (Meaning::of(&property.name, around, inner), shift(&property.name))
        };
        let details = schema.details();
        let known = Arc::new(Known {
            fields: schema.properties.iter().map(field).collect(),
            choices: schema.enum_values.iter().map(|json| json.value()).collect(),
            pattern: details.pattern.as_deref().and_then(Pattern::parse),
            example: details.example.as_ref().and_then(|json| json.as_str()),
        });
        cache.insert((id, around.to_owned()), Arc::clone(&known));
        known
    }
}

/// What the items of a list called `name` stand for.
fn item_meaning(schemas: &Schemas, items: SchemaId, name: &str) -> (Meaning, i64) {
    let Some(schema) = schemas.get(items) else { return (Meaning::Any, 0) };
    let one = name.strip_suffix('s').filter(|one| one.len() > 2 && !one.ends_with('s')).unwrap_or(name);
    match Meaning::of(one, "", schema) {
        Meaning::Any => (Meaning::of(name, "", schema), 0),
        meaning => (meaning, 0),
    }
}

/// How far from the record's moment a time is, in seconds: what was changed was made before.
fn shift(name: &str) -> i64 {
    let words = crate::embed::split_words(name);
    let any = |of: &[&str]| words.iter().any(|word| of.contains(&word.as_str()));
    if any(&["birthday", "birth", "birthdate", "dob"]) {
        -35 * 365 * 86_400
    } else if any(&[
        "updated",
        "modified",
        "closed",
        "shipped",
        "end",
        "ended",
        "due",
        "expires",
        "expiry",
        "cancelled",
    ]) {
        20 * 86_400
    } else {
        0
    }
}

pub(super) fn type_of(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Boolean,
        Value::Number(number) if number.is_f64() => Type::Number,
        Value::Number(_) => Type::Integer,
        Value::String(_) => Type::String,
        Value::Array(_) => Type::Array,
        Value::Object(_) => Type::Object,
    }
}

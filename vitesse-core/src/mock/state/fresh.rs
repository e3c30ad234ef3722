//! New records: what a caller left out is added as the API would.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::kind::Kind;
use crate::mock::random::{mix, uuid, word};
use crate::mock::sample::Samples;
use crate::spec::{Additional, Schema, SchemaId, Schemas, Type};

/// Where generated records begin: always the same, so that they are.
const FIRST: i64 = 1_735_689_600;

/// A record as the API would have made it `number` hours after the first.
pub(crate) fn seeded(samples: &Samples, kind: &Kind, number: u64, seed: u64) -> Map<String, Value> {
    let mut record = Map::new();
    // The best description is laid over the others.
    for schema in kind.schemas.iter().rev() {
        if let Value::Object(fields) = samples.nth(*schema, seed, number) {
            record.extend(fields);
        }
    }
    let hour = i64::try_from(number % 1_000_000).unwrap_or_default() * 3600;
    let made = Timestamp::from_second(FIRST + hour).unwrap_or_default();
    let later = SignedDuration::from_secs((mix(seed, number) % 3000) as i64);
    stamp(samples.schemas(), kind, &mut record, kind.created.as_deref(), made);
    stamp(
        samples.schemas(),
        kind,
        &mut record,
        kind.updated.as_deref(),
        made.saturating_add(later).unwrap_or(made),
    );
    record
}

/// A record made of what a caller sent.
pub(crate) fn created(
    samples: &Samples,
    kind: &Kind,
    sent: Map<String, Value>,
    seed: u64,
    now: Timestamp,
) -> Map<String, Value> {
    let schemas = samples.schemas();
    let mut record = Map::new();
    for schema in kind.schemas.iter().filter_map(|id| schemas.get(*id)) {
        for property in &schema.properties {
            if sent.contains_key(&*property.name) || record.contains_key(&*property.name) {
                continue;
            }
            let Some(inner) = schemas.get(property.schema).filter(|inner| !inner.write_only) else {
                continue;
            };
            let value = match &inner.details().default {
                Some(value) => value.value(),
                None if property.required || inner.read_only => {
                    samples.sample(property.schema, crate::mock::random::mix_text(seed, &property.name))
                }
                None => continue,
            };
            record.insert(property.name.to_string(), value);
        }
    }
    take(schemas, kind, &mut record, sent);
    for field in [&kind.created, &kind.updated] {
        stamp(schemas, kind, &mut record, field.as_deref(), now);
    }
    record
}

/// Takes over what was sent, without what is only written and never told, and what nobody may add.
pub(crate) fn take(
    schemas: &Schemas,
    kind: &Kind,
    record: &mut Map<String, Value>,
    sent: Map<String, Value>,
) {
    let described: Vec<&Schema> = kind.schemas.iter().filter_map(|id| schemas.get(*id)).collect();
    let closed = described.iter().any(|schema| schema.additional == Additional::None);
    for (name, value) in sent {
        let property = described.iter().find_map(|schema| schema.property(&name));
        let hidden = property
            .and_then(|property| schemas.get(property.schema))
            .is_some_and(|schema| schema.write_only);
        if !hidden && (property.is_some() || !closed) {
            record.insert(name, value);
        }
    }
}

/// Writes a moment in the form the field has.
pub(crate) fn stamp(
    schemas: &Schemas,
    kind: &Kind,
    record: &mut Map<String, Value>,
    field: Option<&str>,
    moment: Timestamp,
) {
    let Some(field) = field else { return };
    let Some(schema) = property(schemas, kind, field).and_then(|id| schemas.get(id)) else { return };
    let value = match (schema.types.single(), schema.format.as_deref()) {
        (Some(Type::Integer | Type::Number), _) => {
            let millis = schema.details().example.as_ref().is_some_and(|example| example.text().len() >= 12);
            if millis { moment.as_millisecond().into() } else { moment.as_second().into() }
        }
        (_, Some("date")) => moment.strftime("%Y-%m-%d").to_string().into(),
        _ => moment.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into(),
    };
    record.insert(field.to_owned(), value);
}

/// A key that looks as the API's do. `number` counts the records of the kind.
pub(crate) fn key(samples: &Samples, kind: &Kind, number: u64, seed: u64) -> Value {
    let schemas = samples.schemas();
    let Some((id, schema)) = property(schemas, kind, &kind.key).and_then(|id| Some((id, schemas.get(id)?)))
    else {
        return Value::from(number.to_string());
    };
    let details = schema.details();
    let seed = mix(mix(seed, 0x6b65), number);
    match (schema.types.single(), schema.format.as_deref()) {
        (Some(Type::Integer | Type::Number), _) => {
            let least =
                details.minimum.as_ref().and_then(|least| least.text().parse::<u64>().ok()).unwrap_or(1);
            return (least.max(1) + number).into();
        }
        (_, Some("uuid")) => return uuid(seed).into(),
        _ => {}
    }
    let example = details.example.as_ref().and_then(|example| example.as_str());
    let most = details.max_length.unwrap_or(64).clamp(1, 64) as usize;
    if details.pattern.is_some() || !schema.enum_values.is_empty() || schema.format.is_some() {
        return samples.sample(id, seed);
    }
    let text = match example {
        Some(example) if example.parse::<u64>().is_ok() => (1000 + number).to_string(),
        Some(example) if is_uuid(&example) => uuid(seed),
        // `cus_8Kq2`: the word before tells what it is, the rest is chance.
        Some(example) => match example.rfind(['_', '-']) {
            Some(at) => format!("{}{}", &example[..=at], word(seed, (example.len() - at - 1).max(6))),
            None => word(seed, example.len().clamp(6, 32)),
        },
        None => word(seed, (details.min_length.unwrap_or(12) as usize).clamp(12, 64)),
    };
    text.chars().take(most).collect::<String>().into()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| if matches!(at, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

pub(crate) fn property(schemas: &Schemas, kind: &Kind, name: &str) -> Option<SchemaId> {
    let described = kind.schemas.iter().filter_map(|id| schemas.get(*id));
    described.filter_map(|schema| schema.property(name)).map(|property| property.schema).next()
}

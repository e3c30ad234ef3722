use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Generator, Judge, ProbeKind, Way};
use crate::spec::{Additional, Details, Discriminator, Json, Property, Schema, SchemaId, Schemas, Type};

fn with(schema: Schema, set: impl FnOnce(&mut Details)) -> Schema {
    let mut details = schema.details.clone().unwrap_or_default();
    set(&mut details);
    Schema { details: Some(details), ..schema }
}

fn object(properties: &[(&str, SchemaId, bool)]) -> Schema {
    let properties = properties.iter().map(|(name, schema, required)| Property {
        name: (*name).into(),
        schema: *schema,
        required: *required,
    });
    Schema { properties: properties.collect(), ..Schema::of(Type::Object) }
}

fn texts(values: &[&str]) -> Vec<Json> {
    values.iter().map(|value| Json::new(&json!(value))).collect()
}

/// A shop's customer, with something of everything.
fn shop() -> (Schemas, SchemaId) {
    let mut schemas = Schemas::default();
    let text = schemas.add(Schema::of(Type::String));
    let email = schemas.add(Schema { format: Some("email".into()), ..Schema::of(Type::String) });
    let moment = schemas.add(Schema { format: Some("date-time".into()), ..Schema::of(Type::String) });
    let code =
        schemas.add(with(Schema::of(Type::String), |d| d.pattern = Some("^[A-Z]{2}-[0-9]{4}$".into())));
    let price = schemas.add(with(Schema::of(Type::Number), |d| {
        (d.minimum, d.multiple_of) = (Json::from_text("0"), Json::from_text("0.05"));
    }));
    let state =
        schemas.add(Schema { enum_values: texts(&["open", "paid", "lost"]), ..Schema::of(Type::String) });
    let note =
        schemas.add(Schema { types: [Type::String, Type::Null].into_iter().collect(), ..Schema::default() });
    let line = schemas.add(object(&[("sku", code, true), ("price", price, true), ("note", note, false)]));
    let lines = schemas.add(with(Schema { items: Some(line), ..Schema::of(Type::Array) }, |d| {
        (d.min_items, d.max_items) = (Some(1), Some(5));
    }));
    let kind = schemas.add(Schema::of(Type::String));
    let card = schemas
        .add(Schema { name: Some("Card".into()), ..object(&[("kind", kind, true), ("number", text, true)]) });
    let bank = schemas
        .add(Schema { name: Some("Bank".into()), ..object(&[("kind", kind, true), ("iban", text, true)]) });
    let pay = schemas.add(with(Schema { one_of: vec![card, bank], ..Schema::default() }, |d| {
        d.discriminator = Some(std::sync::Arc::new(Discriminator {
            property_name: "kind".into(),
            mapping: vec![("card".into(), card), ("bank".into(), bank)],
        }));
    }));
    let node = schemas.add(Schema::default());
    let nodes = schemas.add(Schema { items: Some(node), ..Schema::of(Type::Array) });
    *schemas.get_mut(node).unwrap() =
        object(&[("name", text, true), ("children", nodes, false), ("above", node, false)]);
    let map = schemas.add(Schema { additional: Additional::Schema(price), ..Schema::of(Type::Object) });
    let made = schemas.add(Schema { read_only: true, ..Schema::of(Type::Integer) });
    let word = schemas.add(Schema { write_only: true, ..Schema::of(Type::String) });
    let root = schemas.add(Schema {
        name: Some("Customer".into()),
        ..object(&[
            ("id", made, true),
            ("password", word, true),
            ("email", email, true),
            ("name", text, false),
            ("state", state, true),
            ("lines", lines, true),
            ("pay", pay, true),
            ("tree", node, false),
            ("prices", map, false),
            ("created_at", moment, false),
        ])
    });
    (schemas, root)
}

#[test]
fn realistic_records_are_valid_whole_and_the_same_each_time() {
    let (schemas, root) = shop();
    for way in [Way::Response, Way::Request] {
        let generator = Generator::new(&schemas, root, 42).going(way);
        let samples: Vec<_> = generator.realistic(300).collect();
        let judge = Judge::new(&schemas, root, way).unwrap();
        for sample in &samples {
            assert!(sample.valid, "{:?} in {}", judge.violations(&sample.value), sample.value);
            assert_eq!(sample.value.get("id").is_some(), way == Way::Response);
            assert_eq!(sample.value.get("password").is_some(), way == Way::Request);
        }
        assert_eq!(samples, Generator::new(&schemas, root, 42).going(way).realistic(300).collect::<Vec<_>>());
        let other = Generator::new(&schemas, root, 43).going(way).record(1);
        assert_ne!(other, samples[1].value);
        // The first has every field.
        let first = samples[0].value.as_object().unwrap();
        assert_eq!(first.len(), 9, "{first:?}");
        assert_eq!(first["lines"][0].as_object().unwrap().len(), 3);
    }
}

#[test]
fn few_records_meet_every_value_and_every_alternative() {
    let (schemas, root) = shop();
    let samples: Vec<_> = Generator::new(&schemas, root, 1).realistic(3).map(|sample| sample.value).collect();
    let states: BTreeSet<_> = samples.iter().map(|value| value["state"].to_string()).collect();
    let kinds: BTreeSet<_> = samples.iter().map(|value| value["pay"]["kind"].to_string()).collect();
    assert_eq!((states.len(), kinds.len()), (3, 2));
}

#[test]
fn adversarial_records_try_each_limit_and_know_whether_they_are_valid() {
    let (schemas, root) = shop();
    let generator = Generator::new(&schemas, root, 5);
    let samples = generator.adversarial();
    let find = |kind: ProbeKind, field: &str| {
        samples
            .iter()
            .find(|s| s.probe.kind == kind && s.probe.field == field)
            .unwrap_or_else(|| panic!("{kind:?} {field}"))
    };
    assert!(find(ProbeKind::Missing, "name").valid);
    assert!(find(ProbeKind::Null, "lines[0].note").valid);
    assert!(!find(ProbeKind::UnexpectedNull, "email").valid);
    assert!(!find(ProbeKind::UnknownEnum, "state").valid);
    assert!(!find(ProbeKind::EmptyList, "lines").valid);
    assert!(!find(ProbeKind::BelowMinimum, "lines[0].price").valid);
    assert!(find(ProbeKind::Minimum, "lines[0].price").valid);
    assert!(!find(ProbeKind::NumberAsText, "lines[0].price").valid);
    assert!(!find(ProbeKind::ItemAlone, "lines").valid);
    assert!(find(ProbeKind::VeryLong, "name").valid && find(ProbeKind::OddText, "name").valid);
    assert!(find(ProbeKind::OtherZone, "created_at").valid && !find(ProbeKind::NoZone, "created_at").valid);
    assert!(find(ProbeKind::ExtraField, "").valid && find(ProbeKind::OnlyRequired, "").valid);
    let ways: BTreeSet<_> = samples
        .iter()
        .filter(|s| s.probe.kind == ProbeKind::Alternative)
        .map(|s| s.value["pay"]["kind"].to_string())
        .collect();
    assert_eq!(ways.len(), 2);
    assert_eq!(samples, Generator::new(&schemas, root, 5).adversarial());
}

#[test]
fn a_judge_names_the_field_and_the_rule() {
    let (schemas, root) = shop();
    let judge = Judge::new(&schemas, root, Way::Request).unwrap();
    let told = |change: &dyn Fn(&mut Value)| {
        let mut record = Generator::new(&schemas, root, 1).going(Way::Request).record(0);
        change(&mut record);
        judge.violations(&record).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(told(&|_| {}), "");
    assert_eq!(told(&|r| r["email"] = json!("nobody")), "email is not of the format email");
    assert_eq!(told(&|r| r["email"] = Value::Null), "email is null, where string is expected");
    assert_eq!(told(&|r| r["state"] = json!("won")), "state is none of the values there are");
    assert_eq!(
        told(&|r| r["lines"][0]["sku"] = json!("x")),
        "lines[0].sku does not match ^[A-Z]{2}-[0-9]{4}$"
    );
    assert_eq!(
        told(&|r| r["lines"][0]["price"] = json!("12")),
        "lines[0].price is a string, where number is expected"
    );
    assert_eq!(told(&|r| r["pay"] = json!({"kind": "card"})), "pay.number is missing");
}

#[test]
fn a_pattern_that_cannot_be_understood_spoils_nothing_else() {
    let mut schemas = Schemas::default();
    let odd = schemas.add(with(Schema::of(Type::String), |d| d.pattern = Some("^(?<a".into())));
    let ahead =
        schemas.add(with(Schema::of(Type::String), |d| d.pattern = Some("^(?=.*[0-9]).{3,}$".into())));
    let root = schemas.add(object(&[("odd", odd, true), ("ahead", ahead, true)]));
    let judge = Judge::new(&schemas, root, Way::Request).unwrap();
    assert_eq!(judge.ignored_patterns(), ["^(?<a"]);
    assert!(
        !judge.accepts(&json!({"odd": 1, "ahead": "a1b"}))
            && judge.accepts(&json!({"odd": "x", "ahead": "a1b"}))
    );
    assert!(!judge.accepts(&json!({"odd": "x", "ahead": "abc"})));
    assert!(Generator::new(&schemas, root, 1).record(0)["odd"].is_string());
}

#[test]
fn schemas_without_end_end() {
    let mut schemas = Schemas::default();
    let node = schemas.add(Schema::default());
    *schemas.get_mut(node).unwrap() = object(&[("next", node, true)]);
    let record = Generator::new(&schemas, node, 1).record(0);
    assert!(record.to_string().len() < 1000);
    assert!(!Generator::new(&schemas, node, 1).adversarial().is_empty());
    assert_eq!(Generator::new(&schemas, SchemaId(99), 1).record(0), Value::Null);
}

/// A schema of any kind, as a random program of additions.
fn any_schema() -> impl Strategy<Value = (Schemas, SchemaId)> {
    let step = (
        0_u8..10,
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0_u64..6,
        0_u64..6,
        any::<bool>(),
    );
    prop::collection::vec(step, 1..24).prop_map(|steps| {
        let mut schemas = Schemas::default();
        let mut last = schemas.add(Schema::of(Type::String));
        for (kind, a, b, low, more, flag) in steps {
            let pick = |index: prop::sample::Index| SchemaId(index.index(schemas.len()) as u32);
            let (a, b) = (pick(a), pick(b));
            let number = |n: u64| Json::from_text(format!("{}", n as f64 / 4.0));
            let schema = match kind {
                0 => with(Schema::of(Type::String), |d| {
                    (d.min_length, d.max_length) = (Some(low), Some(low + more))
                }),
                1 => with(Schema::of(Type::Number), |d| {
                    (d.minimum, d.maximum) = (number(low), number(low + more));
                }),
                2 => with(Schema::of(Type::Integer), |d| {
                    d.minimum = number(low * 4);
                    d.multiple_of = number((more + 1) * 4);
                }),
                3 => Schema { enum_values: texts(&["a", "b"]), ..Schema::of(Type::String) },
                4 => Schema {
                    format: Some(
                        ["email", "date", "date-time", "uuid", "ipv4", "uri", "hostname"][low as usize]
                            .into(),
                    ),
                    ..Schema::of(Type::String)
                },
                5 => object(&[("first_name", a, flag), ("amount", b, !flag), ("items", a, flag)]),
                6 => with(Schema { items: Some(a), ..Schema::of(Type::Array) }, |d| {
                    (d.min_items, d.max_items) = (Some(low.min(3)), Some(low.min(3) + more))
                }),
                7 => Schema { any_of: vec![a, b], ..Schema::default() },
                8 => Schema { additional: Additional::Schema(a), ..Schema::of(Type::Object) },
                _ => Schema { types: [Type::Boolean, Type::Null].into_iter().collect(), ..Schema::default() },
            };
            last = schemas.add(schema);
        }
        (schemas, last)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_the_schema_records_are_of_it((schemas, root) in any_schema(), seed: u64) {
        let generator = Generator::new(&schemas, root, seed);
        for sample in generator.realistic(4) {
            prop_assert!(sample.valid, "{:?}", generator.judge().unwrap().violations(&sample.value));
        }
        generator.adversarial();
    }
}

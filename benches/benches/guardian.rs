//! Records generated, transformed and judged, on one core, through a mapping of 25 lines.
//!
//! `cargo bench -p vitesse-benches --bench guardian`

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use vitesse_core::generate::{Generator, Judge, Way};
use vitesse_core::guardian::{Guardian, TestOptions};
use vitesse_core::ingestor::{ReadOptions, read};
use vitesse_core::mapping::{Functions, Mapping};
use vitesse_core::progress::Progress;
use vitesse_core::spec::ApiSpec;
use vitesse_core::transform::Plan;

const RECORDS: usize = 1_000;

/// Source field, its schema, destination field, its schema, and the line's type and configuration.
fn fields() -> Vec<(&'static str, Value, &'static str, Value, Value)> {
    let text = || json!({"type": "string"});
    let copy = || json!({"transform_type": "mapping"});
    let short = || json!({"type": "string", "maxLength": 120});
    let email = || json!({"type": "string", "format": "email"});
    let moment = || json!({"type": "string", "format": "date-time"});
    let custom = |function: &str, params: Value| json!({"transform_type": "custom", "transform_config": {"function": function, "params": params}});
    vec![
        ("id", json!({"type": "string", "example": "cus_8Kq2"}), "external_id", text(), copy()),
        (
            "uuid",
            json!({"type": "string", "format": "uuid"}),
            "key",
            json!({"type": "string", "format": "uuid"}),
            copy(),
        ),
        ("email", email(), "email_address", email(), copy()),
        ("first_name", text(), "given_name", short(), copy()),
        ("last_name", text(), "family_name", short(), copy()),
        ("phone", text(), "phone_number", text(), copy()),
        ("company", text(), "company_name", short(), copy()),
        ("job_title", text(), "role", short(), copy()),
        (
            "website",
            json!({"type": "string", "format": "uri"}),
            "url",
            json!({"type": "string", "format": "uri"}),
            copy(),
        ),
        ("street", text(), "line", short(), copy()),
        ("city", text(), "town", short(), copy()),
        ("zip", text(), "postal_code", text(), copy()),
        (
            "country_code",
            json!({"type": "string", "minLength": 2, "maxLength": 2}),
            "country",
            json!({"type": "string", "minLength": 2, "maxLength": 2}),
            custom("upper", json!({})),
        ),
        (
            "currency",
            json!({"type": "string", "minLength": 3, "maxLength": 3}),
            "currency_code",
            json!({"type": "string", "pattern": "^[A-Z]{3}$"}),
            copy(),
        ),
        (
            "total",
            json!({"type": "string", "example": "99.90"}),
            "total_cents",
            json!({"type": "integer", "minimum": 0}),
            custom("scale_decimal", json!({"by": 100, "to": "integer"})),
        ),
        ("tax", json!({"type": "number", "minimum": 0}), "tax", json!({"type": "number"}), copy()),
        (
            "orders_count",
            json!({"type": "integer", "minimum": 0}),
            "orders",
            json!({"type": "integer"}),
            copy(),
        ),
        (
            "status",
            json!({"type": "string", "enum": ["open", "paid", "lost"]}),
            "stage",
            json!({"type": "string", "enum": ["new", "won", "lost"]}),
            custom("lookup", json!({"table": {"open": "new", "paid": "won", "lost": "lost"}})),
        ),
        ("newsletter", json!({"type": "boolean"}), "consent", json!({"type": "boolean"}), copy()),
        (
            "created_at",
            moment(),
            "signed_up_at",
            json!({"type": "integer"}),
            custom("timestamp", json!({"format": "unix"})),
        ),
        ("updated_at", moment(), "changed_at", moment(), copy()),
        (
            "birthday",
            json!({"type": "string", "format": "date"}),
            "date_of_birth",
            json!({"type": "string", "format": "date"}),
            copy(),
        ),
        (
            "tags",
            json!({"type": "array", "items": text()}),
            "labels",
            json!({"type": "array", "items": text()}),
            copy(),
        ),
        ("note", text(), "remarks", text(), copy()),
        (
            "sku",
            json!({"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"}),
            "article",
            json!({"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"}),
            copy(),
        ),
    ]
}

fn spec(path: &str, operation: Value) -> ApiSpec {
    let document =
        json!({"openapi": "3.1.0", "info": {"title": "Bench", "version": "1"}, "paths": {path: operation}});
    read(document.to_string().as_bytes(), &ReadOptions::default()).unwrap().spec
}

fn setup() -> (ApiSpec, ApiSpec, Mapping) {
    let fields = fields();
    assert_eq!(fields.len(), 25);
    let object = |members: Vec<(&str, Value)>| {
        let required: Vec<_> = members.iter().map(|(name, _)| (*name).to_owned()).collect();
        let properties: serde_json::Map<_, _> =
            members.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
        json!({"type": "object", "required": required, "properties": properties})
    };
    let from = object(fields.iter().map(|(name, schema, ..)| (*name, schema.clone())).collect());
    let to = object(fields.iter().map(|(_, _, name, schema, _)| (*name, schema.clone())).collect());
    let content = |schema: Value| json!({"application/json": {"schema": schema}});
    let list = json!({"type": "array", "items": from});
    let source = spec(
        "/customers",
        json!({"get": {"responses": {"200": {"description": "", "content": content(list)}}}}),
    );
    let dest = spec(
        "/contacts",
        json!({"post": {"requestBody": {"content": content(to)}, "responses": {"201": {"description": ""}}}}),
    );
    let lines: Vec<Value> = fields
        .into_iter()
        .map(|(from, _, to, _, mut line)| {
            line["source_field"] = json!(from);
            line["dest_field"] = json!(to);
            line
        })
        .collect();
    let document = json!({"version": 1, "source_endpoint": "/customers", "dest_endpoint": "/contacts", "transformations": lines});
    (source, dest, Mapping::parse(document.to_string().as_bytes()).unwrap())
}

fn bench(criterion: &mut Criterion) {
    let (source, dest, mapping) = setup();
    let record = source.endpoints[0].records.as_ref().unwrap().schema.unwrap();
    let body = dest.endpoints[0].request_schema.unwrap();
    let mut group = criterion.benchmark_group("guardian");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.sample_size(20);

    let options = TestOptions { test_count: RECORDS, adversarial: false, ..TestOptions::default() };
    let guardian = Guardian::new(options);
    let report = guardian.test(&mapping, &source, &dest, &Progress::none()).unwrap();
    assert_eq!((report.test_count, report.passed_tests), (RECORDS, RECORDS), "{:#?}", report.findings);
    group.bench_function("test", |bencher| {
        bencher.iter(|| guardian.test(&mapping, &source, &dest, &Progress::none()).unwrap());
    });

    let generator = Generator::new(&source.schemas, record, 1);
    let judge = Judge::new(&dest.schemas, body, Way::Request).unwrap();
    let plan = Plan::compile(&mapping, &Functions::builtin()).unwrap();
    group.bench_function("generate, transform and judge", |bencher| {
        bencher.iter(|| {
            for number in 0..RECORDS as u64 {
                let mut out = Vec::new();
                plan.apply(generator.record(number).to_string().as_bytes(), &mut out).unwrap();
                assert!(judge.accepts(&serde_json::from_slice(&out).unwrap()));
            }
        });
    });
    group.bench_function("generate", |bencher| {
        bencher.iter(|| {
            (0..RECORDS as u64)
                .map(|number| generator.record(number).as_object().unwrap().len())
                .sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

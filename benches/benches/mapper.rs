//! How long matching takes: by the number of fields, and the model's own start.
//!
//! The records are made of the words that field names are made of, so that the work is like real work.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use vitesse_core::embed::Embedder;
use vitesse_core::mapper::matching::{Known, Record, match_fields, read_json_schema};

const THINGS: [&str; 25] = [
    "customer",
    "billing",
    "shipping",
    "order",
    "line",
    "contact",
    "account",
    "owner",
    "manager",
    "payment",
    "product",
    "variant",
    "invoice",
    "ticket",
    "project",
    "team",
    "vendor",
    "campaign",
    "employee",
    "company",
    "warehouse",
    "subscription",
    "session",
    "device",
    "location",
];
const PROPERTIES: [&str; 40] = [
    "id",
    "name",
    "email",
    "phone",
    "status",
    "type",
    "created_at",
    "updated_at",
    "city",
    "country",
    "zip_code",
    "street_address",
    "total_amount",
    "currency",
    "quantity",
    "price",
    "description",
    "url",
    "first_name",
    "last_name",
    "title",
    "due_date",
    "start_date",
    "end_date",
    "is_active",
    "tags",
    "language",
    "timezone",
    "external_id",
    "notes",
    "image_url",
    "tax_rate",
    "discount",
    "weight",
    "sku",
    "priority",
    "source",
    "reference",
    "balance",
    "category",
];

/// A record of so many fields; the other habit has other names and other objects around them.
fn record(fields: usize, camel: bool) -> Value {
    let mut root = json!({"type": "object", "properties": {}});
    // Up to 20 fields in an object, or 40 where there are many.
    let things = if fields <= 500 { fields.div_ceil(20) } else { fields.div_ceil(40) };
    for at in 0..fields {
        let (thing, property) = (THINGS[at % things], PROPERTIES[at / things]);
        let mut name = String::new();
        if camel {
            for word in property.split('_') {
                let _ = write!(name, "{}{}", word[..1].to_uppercase(), &word[1..]);
            }
        } else {
            name.push_str(property);
        }
        let group = if camel { format!("{thing}Info") } else { thing.to_owned() };
        root["properties"][&group]["type"] = json!("object");
        root["properties"][&group]["properties"][&name] = json!({"type": "string"});
    }
    root
}

fn matching(criterion: &mut Criterion) {
    for fields in [100, 1000] {
        let (left, from) = read_json_schema(&record(fields, false));
        let (right, to) = read_json_schema(&record(fields, true));
        let source = Record { name: "", schemas: &left, root: from };
        let dest = Record { name: "", schemas: &right, root: to };
        let mut group = criterion.benchmark_group("mapper");
        group.sample_size(if fields == 100 { 50 } else { 10 });
        group.bench_function(format!("{fields} x {fields}"), |bencher| {
            bencher.iter(|| black_box(match_fields(source, dest, &Known::default())));
        });
        group.finish();
    }
}

fn model(criterion: &mut Criterion) {
    criterion.bench_function("embed/load the model", |bencher| bencher.iter(|| black_box(Embedder::load())));
}

criterion_group!(benches, matching, model);
criterion_main!(benches);

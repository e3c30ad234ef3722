//! Every document of the corpus comes out whole.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use vitesse_core::ingestor::{ReadOptions, read};
use vitesse_core::spec::{ApiSpec, EndpointRole, SchemaId};

use crate::corpus;

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

#[derive(Default)]
struct Totals {
    documents: usize,
    endpoints: usize,
    schemas: usize,
    lists: usize,
    paged: usize,
    reads: usize,
    located: usize,
    diagnostics: BTreeMap<&'static str, usize>,
    faults: Vec<String>,
}

#[test]
fn a_sample_of_the_corpus_comes_out_whole() {
    check(corpus::sample(150, u64::MAX));
}

/// All of it, and the table of the book. Slow without optimisation, so it has its own command:
/// `VITESSE_CORPUS=full cargo test --release -p vitesse-core --test ingestor whole -- --nocapture`.
#[test]
fn the_whole_corpus_comes_out_whole_when_asked_for() {
    if std::env::var("VITESSE_CORPUS").as_deref() == Ok("full") {
        check(corpus::all().to_vec());
    } else {
        check(corpus::sample(10, 50_000));
    }
}

fn check(files: Vec<PathBuf>) {
    let totals = Mutex::new(Totals::default());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    one(file, &totals);
                }
            });
        }
    });
    let totals = totals.into_inner().unwrap();
    println!("{} documents, {} endpoints, {} schemas", totals.documents, totals.endpoints, totals.schemas);
    println!(
        "{} lists, {} with pagination; {} reads with a schema, {} with records located",
        totals.lists, totals.paged, totals.reads, totals.located
    );
    for (kind, count) in &totals.diagnostics {
        println!("{kind}: {count}");
    }
    assert!(totals.faults.is_empty(), "{}", totals.faults.join("\n"));
    assert_eq!(totals.documents, files.len());
}

fn one(file: &std::path::Path, totals: &Mutex<Totals>) {
    let bytes = std::fs::read(file).unwrap();
    let name = corpus::name(file);
    let found = match read(&bytes, &ReadOptions::default()) {
        Ok(found) => found,
        Err(error) => return totals.lock().unwrap().faults.push(format!("{name}: {error}")),
    };
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    let mut faults = judge(&document, &found.spec);
    for fault in &mut faults {
        fault.insert_str(0, &format!("{name}: "));
    }
    let mut totals = totals.lock().unwrap();
    totals.faults.append(&mut faults);
    totals.documents += 1;
    totals.endpoints += found.spec.endpoints.len();
    totals.schemas += found.spec.schemas.len();
    for endpoint in &found.spec.endpoints {
        if endpoint.role == Some(EndpointRole::List) {
            totals.lists += 1;
            totals.paged += usize::from(endpoint.pagination.is_some());
        }
        if endpoint.method.is_safe() && endpoint.response_schema.is_some() {
            totals.reads += 1;
            totals.located += usize::from(endpoint.records.is_some());
        }
    }
    for diagnostic in &found.diagnostics {
        *totals.diagnostics.entry(diagnostic.kind.id()).or_default() += 1;
    }
}

/// Compares a model with its document, read by somebody else.
fn judge(document: &Value, spec: &ApiSpec) -> Vec<String> {
    let mut faults = Vec::new();
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        // A path may refer to another, and is called as that one is.
        let item = follow(document, item);
        for method in METHODS.iter().filter(|method| item.get(**method).is_some_and(Value::is_object)) {
            count += 1;
            let Some(endpoint) = spec.endpoint(&method.parse().unwrap(), path) else {
                faults.push(format!("{method} {path} is missing"));
                continue;
            };
            let operation = &item[method];
            let body = follow(document, &operation["requestBody"]);
            if has_schema(body) && endpoint.request_schema.is_none_or(|id| spec.schemas.get(id).is_none()) {
                faults.push(format!("{method} {path} has no request schema"));
            }
            let responses = operation["responses"].as_object();
            let success = responses
                .into_iter()
                .flatten()
                .filter(|(status, _)| status.starts_with('2') && status.len() == 3);
            let first =
                success.min_by_key(|(status, _)| status.as_str()).map(|(_, answer)| follow(document, answer));
            if first.is_some_and(has_schema)
                && endpoint.response_schema.is_none_or(|id| spec.schemas.get(id).is_none())
            {
                faults.push(format!("{method} {path} has no response schema"));
            }
        }
    }
    if count != spec.endpoints.len() {
        faults.push(format!("{} endpoints instead of {count}", spec.endpoints.len()));
    }
    for name in document["components"]["schemas"].as_object().into_iter().flat_map(|all| all.keys()) {
        if spec.schemas.named(name).is_none() {
            faults.push(format!("the schema {name} is missing"));
        }
    }
    let known = |id: &SchemaId| spec.schemas.get(*id).is_some();
    for (id, schema) in spec.schemas.iter() {
        let inner = schema.properties.iter().map(|property| &property.schema);
        if !inner.chain(&schema.items).chain(&schema.one_of).chain(&schema.any_of).all(known) {
            faults.push(format!("{id:?} leads out of the table"));
        }
    }
    faults
}

fn has_schema(at: &Value) -> bool {
    at["content"].as_object().is_some_and(|content| {
        content.values().any(|media| media.get("schema").is_some_and(Value::is_object))
    })
}

fn follow<'v>(document: &'v Value, at: &'v Value) -> &'v Value {
    match at.get("$ref").and_then(Value::as_str).and_then(|to| document.pointer(to.strip_prefix('#')?)) {
        Some(target) => target,
        None => at,
    }
}

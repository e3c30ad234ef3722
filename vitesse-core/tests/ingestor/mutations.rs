//! One broken node costs nothing but itself, and is named.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use vitesse_core::ingestor::{ReadOptions, read};
use vitesse_core::spec::{ApiSpec, Endpoint};

use crate::corpus;

/// A way to break an operation: its name, what is done, and the diagnostic that must tell of it.
type Break = (&'static str, fn(&mut Value), &'static str);

const BREAKS: [Break; 22] = [
    ("operation id as a list", |op| op["operationId"] = json!([1]), "wrong_type"),
    ("tags as an object", |op| op["tags"] = json!({"a": 1}), "wrong_type"),
    ("summary as an object", |op| op["summary"] = json!({}), "wrong_type"),
    ("parameters null", |op| op["parameters"] = Value::Null, "wrong_type"),
    ("parameters as an object", |op| op["parameters"] = json!({"name": "a", "in": "query"}), "wrong_type"),
    ("parameter null", |op| op["parameters"] = json!([null]), "wrong_type"),
    ("parameter without a name", |op| op["parameters"] = json!([{"in": "query", "schema": {}}]), "missing"),
    (
        "parameter in an unknown place",
        |op| op["parameters"] = json!([{"name": "a", "in": "air", "schema": {}}]),
        "unknown_value",
    ),
    (
        "parameter reference to nowhere",
        |op| op["parameters"] = json!([{"$ref": "#/components/parameters/no such"}]),
        "dangling_reference",
    ),
    (
        "parameter twice",
        |op| {
            op["parameters"] = json!([{"name": "a", "in": "query", "schema": {}}, {"name": "a", "in": "query", "schema": {}}])
        },
        "duplicate_parameter",
    ),
    ("body as a text", |op| op["requestBody"] = json!("a"), "wrong_type"),
    (
        "body reference to nowhere",
        |op| op["requestBody"] = json!({"$ref": "#/components/requestBodies/no such"}),
        "dangling_reference",
    ),
    ("content null", |op| op["requestBody"] = json!({"content": null}), "wrong_type"),
    (
        "bad media type",
        |op| op["requestBody"] = json!({"content": {"json": {"schema": {"type": "string"}}}}),
        "bad_media_type",
    ),
    ("responses as a list", |op| op["responses"] = json!([]), "wrong_type"),
    ("response null", |op| op["responses"]["299"] = Value::Null, "wrong_type"),
    (
        "response reference to nowhere",
        |op| op["responses"]["299"] = json!({"$ref": "#/components/responses/no such"}),
        "dangling_reference",
    ),
    ("bad status", |op| op["responses"]["2OO"] = json!({"description": ""}), "bad_status"),
    (
        "schema reference to nowhere",
        |op| op["responses"]["299"] = answer(json!({"$ref": "#/no/such"})),
        "dangling_reference",
    ),
    (
        "schema of an unknown type",
        |op| op["responses"]["299"] = answer(json!({"type": "strng"})),
        "unknown_value",
    ),
    ("schema as a list", |op| op["responses"]["299"] = answer(json!([])), "wrong_type"),
    ("security of an unknown scheme", |op| op["security"] = json!([{"no such": []}]), "bad_security"),
];

fn answer(schema: Value) -> Value {
    json!({"description": "", "content": {"application/json": {"schema": schema}}})
}

#[test]
fn each_of_many_breaks_is_named_and_costs_only_itself() {
    let files = corpus::sample(150, 40_000);
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = one(file);
                    faults.lock().unwrap().extend(found);
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn one(file: &Path) -> Vec<String> {
    let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let sound = ingest(&document);
    let Some((path, method)) = victim(&document) else { return Vec::new() };
    let pointer = format!("#/paths/{}/{method}", path.replace('~', "~0").replace('/', "~1"));
    let mut faults = Vec::new();
    let untouched: Vec<_> = sound.spec.endpoints.iter().filter(|e| e.pointer() != pointer).collect();
    let before: Vec<_> = untouched.iter().map(|endpoint| render(&sound.spec, endpoint)).collect();
    let mut check = |name: &str, kind: &str, near: &str, broken: &Value| {
        let found = ingest(broken);
        for (endpoint, before) in untouched.iter().zip(&before) {
            let after =
                found.spec.endpoint(&endpoint.method, &endpoint.path).map(|after| render(&found.spec, after));
            if after.as_ref() != Some(before) {
                faults.push(format!(
                    "{}: {name}: {} {} changed",
                    corpus::name(file),
                    endpoint.method,
                    endpoint.path
                ));
            }
        }
        let told = found
            .diagnostics
            .iter()
            .any(|d| d.kind.id() == kind && d.pointer.starts_with(near) && !sound.diagnostics.contains(d));
        if !told {
            faults.push(format!("{}: {name}: no {kind} at {near}", corpus::name(file)));
        }
    };
    for (name, change, kind) in BREAKS {
        let mut broken = document.clone();
        change(&mut broken["paths"][&path][&method]);
        check(name, kind, &pointer, &broken);
    }
    let mut broken = document.clone();
    broken["paths"][&path][&method] = Value::Null;
    check("operation null", "wrong_type", &pointer, &broken);
    let mut broken = document.clone();
    broken["components"]["schemas"]["Loop"] = json!({"$ref": "#/components/schemas/Loop"});
    check("a schema that is itself", "circular_reference", "#/components/schemas/Loop", &broken);
    let mut broken = document.clone();
    broken["paths"]["/no such"] = json!({"get": {"operationId": "the same", "responses": {}}, "put": {"operationId": "the same", "responses": {}}});
    check("one operation id twice", "duplicate_operation_id", "#/paths/~1no such", &broken);
    faults
}

fn ingest(document: &Value) -> vitesse_core::ingestor::Ingested {
    read(&serde_json::to_vec(document).unwrap(), &ReadOptions::default()).unwrap()
}

fn victim(document: &Value) -> Option<(String, String)> {
    let paths = document["paths"].as_object()?;
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = ["get", "post", "put", "patch", "delete"]
            .into_iter()
            .filter(|m| item.get(*m).is_some_and(Value::is_object));
        methods.map(move |method| (path.clone(), method.to_owned()))
    });
    let all: Vec<_> = operations.collect();
    all.get(all.len() / 2).cloned()
}

/// An endpoint with all that it refers to, without handles: they differ from run to run.
fn render(spec: &ApiSpec, endpoint: &Endpoint) -> String {
    let fields = |id| {
        let list = spec.schemas.fields(id, 4).into_iter().map(|field| {
            let schema = spec.schemas.get(field.schema).unwrap();
            format!(
                "{}:{}:{:?}:{}:{:?}",
                field.path, schema.types, schema.format, field.required, schema.enum_values
            )
        });
        list.collect::<Vec<_>>().join(";")
    };
    let parameters = endpoint.parameters.iter().map(|parameter| {
        format!(
            "{}:{:?}:{}:{:?}",
            parameter.name,
            parameter.location,
            parameter.required,
            parameter.schema.map(fields)
        )
    });
    let answers = endpoint.responses.iter().map(|answer| {
        let forms = answer
            .response
            .content
            .iter()
            .map(|media| format!("{}:{:?}", media.media_type, media.schema.map(fields)));
        format!("{}={}", answer.status, forms.collect::<Vec<_>>().join("|"))
    });
    let text = format!(
        "{:?} {:?} {} -> {} auth {:?} {:?}",
        endpoint.operation_id,
        endpoint.summary,
        parameters.collect::<Vec<_>>().join(","),
        answers.collect::<Vec<_>>().join(","),
        endpoint.auth,
        endpoint.request_schema.map(fields),
    );
    text
}

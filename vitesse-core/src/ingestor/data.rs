//! A JSON Schema or sample records, for APIs that have no description at all.

use std::sync::Arc;

use serde_json::Value;

use super::document::{Document, Documents};
use super::read::{Ingested, ReadOptions, decode, fail, hash, parse_text, plain, too_large};
use super::schema::{Dialect, SchemaReader};
use super::tree::Val;
use super::{csv, derive, infer, looks};
use crate::error::Result;
use crate::spec::{
    Action, ApiSpec, Diagnostic, DiagnosticKind as Kind, Endpoint, Format, Media, Method, RequestBody,
    Response, Schema, SchemaId, Schemas, StatusResponse, Type,
};

/// How many sample records are looked at: more tell little more.
const MOST_RECORDS: usize = 10_000;

/// Reads a JSON Schema, or sample records as JSON, NDJSON or CSV, as an API that lists and takes such records.
///
/// What only a description would tell (servers, auth, pagination, other endpoints) stays open, and a diagnostic
/// says so. What is inferred from samples is marked as guessed.
///
/// ```
/// use vitesse_core::ingestor::{ReadOptions, read_data};
///
/// let options = ReadOptions { address: "exports/customers.csv".into(), ..ReadOptions::default() };
/// let found = read_data(b"id,email\n1,ada@example.com\n2,bob@example.com\n", &options)?;
/// let list = &found.spec.endpoints[0];
/// assert_eq!((&*list.path, &*list.records.as_ref().unwrap().path), ("/customers", "[]"));
/// assert!(found.spec.schemas.field(list.response_schema.unwrap(), "[].email").is_some());
/// # Ok::<(), vitesse_core::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::SpecInvalid`](crate::ErrorKind::SpecInvalid) if the bytes are neither, saying what they look like;
/// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded) if there are too many of them.
pub fn read_data(bytes: &[u8], options: &ReadOptions) -> Result<Ingested> {
    too_large(bytes, options)?;
    let (text, _) = decode(bytes);
    let text = text.trim_start_matches('\u{feff}');
    let name = name_of(&options.address);
    let mut found = match schema(text, &options.address, &name) {
        Some(found) => found,
        None => match samples(text) {
            Some((root, how)) => from_samples(&name, root, how),
            None => {
                let (what, help) = looks::text(text).unwrap_or((
                    "neither a JSON Schema nor records",
                    "give a JSON Schema, or records as JSON, one JSON value a line, or CSV with a line of names",
                ));
                return Err(fail(format!("this is {what}")).help(help));
            }
        },
    };
    found.spec.shape_hash = found.spec.compute_shape_hash().into();
    found.spec.content_hash = hash(bytes).into();
    Ok(found)
}

/// What records are called by the name of their file.
fn name_of(address: &str) -> String {
    let file =
        address.split(['?', '#']).next().unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    if stem.is_empty() || stem == "stdin" { "records".to_owned() } else { stem.to_owned() }
}

/// Whether a document describes values rather than being one.
fn is_schema(root: Val<'_>) -> bool {
    let text = |name: &str| root.get(name).and_then(|value| value.as_str());
    let schemas = |name: &str| {
        root.get(name).is_some_and(|all| {
            let mut members = all.members().peekable();
            members.peek().is_some()
                && members.all(|(_, value)| value.is_object() || value.as_bool().is_some())
        })
    };
    let list = |name: &str| {
        root.get(name).is_some_and(|all| all.is_list() && all.items().all(|item| item.is_object()))
    };
    text("$schema").is_some_and(|dialect| dialect.contains("json-schema.org"))
        || ["properties", "$defs", "definitions"].into_iter().any(schemas)
        || ["allOf", "oneOf", "anyOf"].into_iter().any(list)
        || text("type").as_deref() == Some("array")
            && root.get("items").is_some_and(|items| items.is_object())
}

fn schema(text: &str, address: &str, name: &str) -> Option<Ingested> {
    let tree = parse_text(text).ok()?;
    if !is_schema(tree.root()) {
        return None;
    }
    let documents = Documents::new(vec![Document { uri: plain(address), tree }]);
    let root = documents.root()?;
    let mut reader = SchemaReader::new(&documents, Dialect::OpenApi31);
    for place in ["$defs", "definitions"] {
        reader.components(root.get(place).into_iter().flat_map(|all| all.members()).collect());
    }
    let title = root.get("title").and_then(|title| title.as_str()).filter(|title| !title.trim().is_empty());
    let title: Box<str> = title.map_or_else(|| name.into(), |title| title.as_ref().into());
    let id = reader.id(root);
    let (mut schemas, report) = reader.finish();
    let whole = schemas.get(id).is_some_and(|schema| {
        !schema.properties.is_empty()
            || schema.items.is_some()
            || !schema.one_of.is_empty()
            || !schema.any_of.is_empty()
    });
    let mut roots: Vec<(String, SchemaId)> = Vec::new();
    if whole {
        roots.push((title.to_string(), id));
        if let Some(schema) = schemas.get_mut(id) {
            schema.name.get_or_insert(title.clone());
        }
    } else {
        // Only definitions: each object among them may be what is mapped.
        let named = schemas.iter().filter(|(_, schema)| !schema.properties.is_empty());
        roots.extend(named.filter_map(|(id, schema)| Some((schema.name.as_deref()?.to_owned(), id))));
    }
    let mut spec = ApiSpec { format: Format::JsonSchema, schemas, ..ApiSpec::new(title) };
    for (name, id) in roots {
        offer(&mut spec, &name, id);
    }
    derive::all(&mut spec);
    let mut diagnostics = vec![undescribed("a JSON Schema")];
    diagnostics.extend(report.finish(&documents));
    Some(Ingested { spec, diagnostics })
}

/// The samples of a text, as one value, and how they were written.
fn samples(text: &str) -> Option<(Value, &'static str)> {
    let holds = |value: &Value| match value {
        Value::Array(items) => items.iter().any(Value::is_object),
        value => value.is_object(),
    };
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        return holds(&value).then_some((value, "JSON"));
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty()).take(MOST_RECORDS);
    let parsed: Option<Vec<Value>> = lines.map(|line| serde_json::from_str(line).ok()).collect();
    if let Some(records) = parsed.filter(|records| records.iter().any(Value::is_object)) {
        return Some((Value::Array(records), "NDJSON"));
    }
    csv::records(text, MOST_RECORDS).map(|records| (Value::Array(records), "CSV"))
}

fn from_samples(name: &str, mut root: Value, how: &str) -> Ingested {
    if let Value::Array(records) = &mut root {
        records.truncate(MOST_RECORDS);
    }
    let count = root.as_array().map_or(1, Vec::len);
    let mut schemas = Schemas::default();
    let id = infer::schema(std::slice::from_ref(&root), &mut |schema| schemas.add(schema));
    let mut spec = ApiSpec { format: Format::Samples, schemas, ..ApiSpec::new(name) };
    offer(&mut spec, name, id);
    derive::all(&mut spec);
    let message =
        format!("the schema is inferred from {count} sample{} in {how}", if count == 1 { "" } else { "s" });
    let diagnostics = vec![undescribed("sample records"), at_root(Kind::GuessedSchema, message)];
    Ingested { spec, diagnostics }
}

/// Two endpoints for records of a schema: one that lists them, one that takes one.
fn offer(spec: &mut ApiSpec, name: &str, id: SchemaId) {
    let path = format!("/{}", slug(name));
    let mut list = Endpoint::new(path.as_str(), Method::Get);
    respond(&mut list, "200", id);
    spec.endpoints.push(list);
    derive::all(spec);
    // The derived knowledge tells an envelope with a list inside from one record.
    let found = spec.endpoints.last().and_then(|list| list.records.clone());
    let record = match found.filter(|found| found.many) {
        Some(found) => found.schema.unwrap_or(id),
        None => {
            let many = spec.schemas.add(Schema { items: Some(id), guessed: true, ..Schema::of(Type::Array) });
            if let Some(list) = spec.endpoints.last_mut() {
                list.responses.clear();
                respond(list, "200", many);
            }
            id
        }
    };
    let mut create = Endpoint::new(path.as_str(), Method::Post);
    let body = RequestBody { required: true, description: None, content: vec![json_of(record)] };
    create.request = Some(Arc::new(body));
    create.request_schema = Some(record);
    respond(&mut create, "201", record);
    spec.endpoints.push(create);
}

fn respond(endpoint: &mut Endpoint, status: &str, id: SchemaId) {
    let response = Arc::new(Response { content: vec![json_of(id)], ..Response::default() });
    endpoint.responses.push(StatusResponse { status: status.into(), response });
    endpoint.response_schema = Some(id);
}

fn json_of(id: SchemaId) -> Media {
    Media { media_type: "application/json".into(), schema: Some(id), ..Media::default() }
}

/// A name as a step of a path.
fn slug(name: &str) -> String {
    let plain =
        |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c.to_ascii_lowercase() } else { '_' };
    name.trim().chars().map(plain).collect()
}

fn undescribed(what: &str) -> Diagnostic {
    let message =
        format!("this is {what}, and no API description: servers, auth and pagination are not known");
    at_root(Kind::NoDescription, message)
}

fn at_root(kind: Kind, message: String) -> Diagnostic {
    let (severity, action) = (kind.severity(), Action::Guessed);
    Diagnostic { kind, severity, action, message, pointer: "#".into(), line: None, document: None }
}

//! Requests that write many records.

use super::Findings;
use super::bodies::{list_of, path_of};
use super::rooted;
use crate::mapping::{Bulk, BulkResults, FieldPath, Step, Value};
use crate::spec::{ApiSpec, Endpoint, EndpointId, Evidence, Method, Resource, Schema, SchemaId, Type};

/// How many records go into a bulk request where the description sets no limit.
const BATCH: u64 = 50;

/// A request that takes many records of the same kind, and how many.
pub(super) fn bulk(
    spec: &ApiSpec,
    resource: Option<&Resource>,
    record: Option<SchemaId>,
    called: &mut Vec<EndpointId>,
    notes: &mut Findings,
) -> Option<(u64, Bulk)> {
    let resource = resource?;
    let record = record?;
    let under = |path: &str| {
        let rest = path.strip_prefix(&*resource.path)?;
        let word = rest.trim_start_matches(['/', ':']).to_ascii_lowercase();
        let bulk = ["batch", "bulk"].iter().any(|name| word.starts_with(name));
        (bulk && !word.contains('{')).then_some(word.contains("upsert"))
    };
    for (at, endpoint) in spec.endpoints.iter().enumerate() {
        if !matches!(endpoint.method, Method::Post | Method::Put) {
            continue;
        }
        let (Some(upsert), Some(root)) = (under(&endpoint.path), endpoint.request_schema) else { continue };
        let Some((wrap, list)) = list_of(spec, root, record) else { continue };
        called.push(EndpointId(at as u32));
        let pointer = "/destination/operations/bulk";
        notes.fact(pointer, Evidence::new(endpoint.pointer(), 0.85, "takes a list of the same records"));
        let most = spec.schemas.get(list).and_then(|list| list.details().max_items);
        let bulk = Bulk {
            method: endpoint.method.to_string(),
            path: rooted(&endpoint.path),
            wrap,
            upsert: upsert || super::upsert::says_so(endpoint),
            results: results(spec, endpoint, notes),
            ..Bulk::default()
        };
        return Some((most.unwrap_or(BATCH).clamp(1, 1000), bulk));
    }
    None
}

/// Where the answer tells what became of each record: a list whose items have a status, a reason or a place in the
/// request. A list of records alone isn't enough: it may leave out those that failed, or be in another order.
fn results(spec: &ApiSpec, endpoint: &Endpoint, notes: &mut Findings) -> Option<BulkResults> {
    let pointer = "/destination/operations/bulk/results";
    let found = endpoint.response_schema.and_then(|root| lists(spec, root).find_map(|list| told(spec, list)));
    match &found {
        Some(results) => {
            let seen = format!("{} tells what became of each record", results.records);
            let place = format!("{}/responses", endpoint.pointer());
            notes.fact(pointer, Evidence::new(place, 0.8, seen));
        }
        None => {
            let question = format!(
                "Where does the answer of {} {} say what became of each record? Without it, all share its status.",
                endpoint.method, endpoint.path
            );
            notes.gap("destination_bulk_results", pointer, question, false);
        }
    }
    found
}

/// The lists of objects in an answer, with their paths: itself, or in its fields.
fn lists(spec: &ApiSpec, root: SchemaId) -> impl Iterator<Item = (FieldPath, &Schema)> {
    let items = |id: SchemaId| spec.schemas.get(id)?.items.and_then(|items| spec.schemas.get(items));
    let own = items(root).map(|item| (FieldPath::new([Step::Each]), item));
    let properties = spec.schemas.get(root).map(|schema| schema.properties.as_slice()).unwrap_or_default();
    let inner = properties.iter().filter_map(move |property| {
        let steps = [Step::Key(property.name.to_string()), Step::Each];
        Some((FieldPath::new(steps), items(property.schema)?))
    });
    own.into_iter().chain(inner)
}

fn told(spec: &ApiSpec, (records, item): (FieldPath, &Schema)) -> Option<BulkResults> {
    let named = |names: &[&str]| {
        let found = names.iter().find_map(|name| {
            item.properties.iter().find(|property| property.name.eq_ignore_ascii_case(name))
        })?;
        Some((path_of(&found.name), spec.schemas.get(found.schema)?))
    };
    let of_type = |schema: &Schema, kind: Type| schema.types.single() == Some(kind);
    let success = named(&["success", "ok", "succeeded"]).filter(|(_, schema)| of_type(schema, Type::Boolean));
    let status = named(&["status", "status_code", "statusCode", "code"]);
    let status = status.filter(|(_, schema)| of_type(schema, Type::Integer));
    let error = named(&["error", "errors", "error_message", "errorMessage", "reason"]);
    let index = named(&["index", "position"]).filter(|(_, schema)| of_type(schema, Type::Integer));
    let id = named(&["id", "record_id", "recordId"]);
    if success.is_none() && status.is_none() && error.is_none() {
        return None;
    }
    let ok = if success.is_some() { vec![Value::from(true)] } else { Vec::new() };
    let path = |found: Option<(FieldPath, &Schema)>| found.map(|(path, _)| path);
    Some(BulkResults {
        records,
        index: path(index),
        id: path(id),
        status: path(success.or(status)),
        ok,
        error: path(error),
        ..BulkResults::default()
    })
}

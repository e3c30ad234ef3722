//! The block `destination`.

use super::bodies::{Holds, envelope, holds, path_of};
use super::bulk::bulk;
use super::upsert::upsert;
use super::{Findings, auth, base_url, rate_limit, rooted};
use crate::mapper::side::{Role, field_path, record_of};
use crate::mapping::value::Object;
use crate::mapping::{Batch, BodyFormat, Destination, FieldPath, Idempotency, Operation, Operations, Step};
use crate::spec::{
    ApiSpec, Endpoint, EndpointId, EndpointRole, Evidence, Location, Media, Method, Resource, SchemaId,
};

pub(super) fn block(spec: &ApiSpec, id: EndpointId, notes: &mut Findings) -> Destination {
    let named = id;
    let (id, record) = match record_of(spec, id, Role::Destination) {
        Ok((id, record)) => (id, Some(record)),
        Err(_) => (id, None),
    };
    let Some(endpoint) = spec.get(id) else { return Destination::default() };
    let resource = spec.resource_of(id).or_else(|| spec.resource_of(named));
    let mut called = vec![id];
    let mut destination = Destination {
        api_name: spec.api_name.to_string(),
        base_url: base_url(spec, endpoint, "destination", notes),
        ..Destination::default()
    };
    destination.operations = operations(spec, id, resource, record, &mut called, notes);
    destination.operations.upsert = upsert(spec, resource, record, &mut called, notes);
    let (keys, find) = natural_key(spec, resource, record, &mut called, notes);
    destination.match_on = keys;
    destination.operations.find = find;
    destination.idempotency = idempotency(endpoint, notes);
    if let Some((size, bulk)) = bulk(spec, resource, record, &mut called, notes) {
        destination.operations.bulk = Some(bulk);
        destination.batch = Some(Batch { records: size, ..Batch::default() });
    }
    destination.auth = auth::auth(spec, &called, "destination", notes);
    destination.rate_limit = rate_limit(spec, id, "destination", notes);
    destination
}

fn operations(
    spec: &ApiSpec,
    id: EndpointId,
    resource: Option<&Resource>,
    record: Option<SchemaId>,
    called: &mut Vec<EndpointId>,
    notes: &mut Findings,
) -> Operations {
    let mut operations = Operations::default();
    let chosen = spec.get(id);
    let role = chosen.and_then(|endpoint| endpoint.role);
    let create = match role {
        Some(EndpointRole::Update | EndpointRole::Replace) => resource.and_then(|resource| resource.create),
        Some(EndpointRole::Delete) => None,
        _ => Some(id),
    };
    let update = match role {
        Some(EndpointRole::Update | EndpointRole::Replace) => Some(id),
        _ => resource.and_then(|resource| resource.update.or(resource.replace)),
    };
    let mut place = |name: &str, id: Option<EndpointId>, notes: &mut Findings| {
        let endpoint = spec.get(id?)?;
        called.push(id?);
        let pointer = format!("/destination/operations/{name}");
        notes.fact(&pointer, Evidence::new(endpoint.pointer(), 0.95, "an endpoint of the resource"));
        let mut operation = operation(spec, endpoint);
        match holds(spec, endpoint.request_schema, record) {
            Holds::Whole => {}
            Holds::In(path) => {
                let seen = format!("the body has the record in {path}");
                notes.fact(&format!("{pointer}/wrap"), Evidence::new(endpoint.pointer(), 0.85, seen));
                operation.wrap = Some(path);
            }
            Holds::Else if name == "delete" => {}
            Holds::Else => {
                let question = format!(
                    "{} {} takes something else than a create; where in its body does the record go?",
                    endpoint.method, endpoint.path
                );
                notes.gap(&format!("destination_{name}_wrap"), &format!("{pointer}/wrap"), question, false);
            }
        }
        Some(operation)
    };
    operations.create = place("create", create, notes);
    operations.update = place("update", update, notes);
    operations.delete = place("delete", resource.and_then(|resource| resource.delete), notes);
    let name = resource.map_or_else(|| "the resource".to_owned(), |resource| resource.name.to_string());
    if operations.create.is_none() {
        let question = format!("Which request of {} makes a record of {name}?", spec.api_name);
        let updates = operations.update.is_some();
        notes.gap("destination_create", "/destination/operations/create", question, !updates).choices =
            writes(spec);
    } else if operations.create.as_ref().is_some_and(|create| create.id.is_none()) {
        let question = format!("Where in the answer to a create is the id of {name}?");
        notes.gap(
            "destination_create_id",
            "/destination/operations/create/id",
            question,
            operations.update.is_some(),
        );
    }
    if operations.update.is_none() {
        let question = format!(
            "No request of {} changes records of {name}; shall later changes be left out?",
            spec.api_name
        );
        notes.gap("destination_update", "/destination/operations/update", question, false);
    }
    operations
}

/// The requests that could make records, for a person to choose from.
fn writes(spec: &ApiSpec) -> Vec<String> {
    let writes = spec.endpoints.iter().filter(|endpoint| endpoint.request_schema.is_some());
    writes.map(|endpoint| format!("{} {}", endpoint.method, endpoint.path)).take(10).collect()
}

pub(super) fn operation(spec: &ApiSpec, endpoint: &Endpoint) -> Operation {
    let records = endpoint.records.as_deref();
    let id = match endpoint.method {
        Method::Delete => None,
        _ => records.filter(|records| !records.many).and_then(|records| {
            let id = field_path(records.id_field.as_deref()?);
            let base = if records.path.is_empty() { FieldPath::root() } else { field_path(&records.path) };
            Some(FieldPath::new(base.steps().iter().chain(id.steps()).cloned()))
        }),
    };
    let id = id.or_else(|| {
        // An answer without records known may still have the id in plain sight.
        let schema = endpoint.response_schema.and_then(|id| spec.schemas.get(id))?;
        (endpoint.method == Method::Post && schema.property("id").is_some())
            .then(|| FieldPath::new([Step::Key("id".into())]))
    });
    Operation {
        method: endpoint.method.to_string(),
        path: rooted(&with_id(&endpoint.path)),
        format: body_format(endpoint),
        id,
        ..Operation::default()
    }
}

/// A path whose last template is the record's id, under the name it has here.
fn with_id(path: &str) -> String {
    match (path.rfind('{'), path.rfind('}')) {
        (Some(open), Some(close)) if open < close => {
            format!("{}{{id}}{}", &path[..open], &path[close + 1..])
        }
        _ => path.to_owned(),
    }
}

fn body_format(endpoint: &Endpoint) -> BodyFormat {
    let content = endpoint.request.as_ref().map(|request| request.content.as_slice()).unwrap_or_default();
    let is = |media: &Media, word: &str| media.media_type.contains(word);
    let json = content.is_empty() || content.iter().any(|media| is(media, "json") || is(media, "*"));
    match content {
        _ if json => BodyFormat::Json,
        _ if content.iter().any(|media| is(media, "x-www-form-urlencoded")) => BodyFormat::Form,
        _ => BodyFormat::Json,
    }
}

/// Fields by which a record is known elsewhere too, the best first. Each word must be in the name.
const KEYS: &[&[&str]] = &[
    &["external", "id"],
    &["foreign", "id"],
    &["remote", "id"],
    &["source", "id"],
    &["email"],
    &["sku"],
    &["external", "reference"],
    &["reference"],
    &["handle"],
    &["slug"],
    &["code"],
    &["number"],
    &["phone"],
];

/// The fields that together name a record, and the request that finds it by them.
fn natural_key(
    spec: &ApiSpec,
    resource: Option<&Resource>,
    record: Option<SchemaId>,
    called: &mut Vec<EndpointId>,
    notes: &mut Findings,
) -> (Vec<FieldPath>, Option<Operation>) {
    let list = resource.and_then(|resource| resource.list).and_then(|id| Some((id, spec.get(id)?)));
    // `{"customer": {"email": ...}}` is known by `customer.email`.
    let around = record.and_then(|record| envelope(spec, record));
    let record = around.map(|(_, inner)| inner).or(record);
    let schema = record.and_then(|record| spec.schemas.get(record));
    let name = resource.map_or("the records", |resource| &resource.name);
    let mut asked: Vec<(&str, &str)> = Vec::new();
    if let (Some((_, list)), Some(schema)) = (list, schema) {
        for parameter in list.parameters.iter().filter(|parameter| parameter.location == Location::Query) {
            let field = schema.properties.iter().find(|property| same_name(&property.name, &parameter.name));
            asked.extend(field.map(|property| (&*property.name, &*parameter.name)));
        }
    }
    let best = KEYS.iter().find_map(|words| asked.iter().find(|(field, _)| has_words(field, words)));
    let (Some((field, parameter)), Some((id, list))) = (best, list) else {
        let question = format!(
            "By which fields is a record of {name} known before it is written, and which request of {} finds it?",
            spec.api_name
        );
        notes.gap("destination_match_on", "/destination/match_on", question, false).choices =
            asked.iter().map(|(field, _)| (*field).to_owned()).collect();
        return (Vec::new(), None);
    };
    called.push(id);
    let mut path = field_path(field);
    if let Some((name, _)) = around {
        path = FieldPath::new(path_of(name).steps().iter().chain(path.steps()).cloned());
    }
    let seen = format!("the parameter {parameter:?} finds records by {field:?}");
    notes.fact("/destination/match_on", Evidence::new(format!("{}/parameters", list.pointer()), 0.85, seen));
    notes.fact("/destination/operations/find", Evidence::new(list.pointer(), 0.85, "the resource's list"));
    let params: Object = [(parameter.to_owned(), format!("{{{path}}}"))].into_iter().collect();
    let records = list.records.as_ref().filter(|records| !records.path.is_empty());
    let find = Operation {
        method: list.method.to_string(),
        path: rooted(&list.path),
        params,
        id: list.records.as_ref().and_then(|records| records.id_field.as_deref()).map(field_path),
        records: records.map(|records| field_path(&records.path)),
        ..Operation::default()
    };
    (vec![path], Some(find))
}

pub(super) fn same_name(a: &str, b: &str) -> bool {
    let plain = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    plain(a) == plain(b)
}

fn has_words(name: &str, words: &[&str]) -> bool {
    let own = crate::embed::split_words(name);
    words.iter().all(|word| own.iter().any(|own| own == word))
}

fn idempotency(endpoint: &Endpoint, notes: &mut Findings) -> Option<Idempotency> {
    let header = endpoint.parameters.iter().find(|parameter| {
        parameter.location == Location::Header && parameter.name.to_ascii_lowercase().contains("idempot")
    });
    match header {
        Some(header) => {
            let place = format!("{}/parameters", endpoint.pointer());
            notes.fact("/destination/idempotency", Evidence::new(place, 1.0, "a header for a key"));
            Some(Idempotency { header: header.name.to_string(), ..Idempotency::default() })
        }
        None => {
            let question = format!(
                "Does {} {} take an idempotency key, so that a repeated request makes no second record?",
                endpoint.method, endpoint.path
            );
            notes.gap("destination_idempotency", "/destination/idempotency", question, false);
            None
        }
    }
}

//! Where the records are in an answer, and which of their fields identify and date them.

use crate::ingestor::fast::Map;
use crate::spec::{
    ApiSpec, Endpoint, Evidence, Location, Method, Property, Records, Schema, SchemaId, Schemas, Type,
};

/// Names under which lists of records are given, best first.
const LISTS: [&str; 16] = [
    "data",
    "items",
    "results",
    "records",
    "value",
    "values",
    "entries",
    "content",
    "rows",
    "list",
    "objects",
    "elements",
    "resources",
    "collection",
    "members",
    "hits",
];

/// Lists beside the records that aren't records.
const NOT_RECORDS: [&str; 10] = [
    "errors",
    "warnings",
    "links",
    "_links",
    "messages",
    "includes",
    "included",
    "facets",
    "aggregations",
    "meta",
];

/// Objects that wrap the list, or the one record.
const WRAPPERS: [&str; 8] = ["data", "result", "response", "_embedded", "payload", "body", "d", "hits"];

pub(super) fn derive(spec: &mut ApiSpec) {
    let mut found = Vec::with_capacity(spec.endpoints.len());
    // Large APIs give the same records in thousands of places.
    let mut known = Map::default();
    for endpoint in &spec.endpoints {
        let read = matches!(endpoint.method, Method::Get | Method::Query | Method::Post);
        let root = endpoint.response_schema.filter(|_| read);
        found.push(root.and_then(|root| locate(&spec.schemas, root, endpoint, &mut known)));
    }
    for (endpoint, mut records) in spec.endpoints.iter_mut().zip(found) {
        if let Some(records) = &mut records {
            let since =
                endpoint.parameters.iter().find(|p| p.location == Location::Query && is_since(&p.name));
            records.since_param = since.map(|parameter| parameter.name.clone());
        }
        endpoint.records = records.map(Box::new);
    }
}

/// What was found out about a record under the name its path gives it.
type Known = Map<(SchemaId, String), Records>;

fn locate(schemas: &Schemas, root: SchemaId, endpoint: &Endpoint, known: &mut Known) -> Option<Records> {
    let (path, record, many, confidence, note) = place(schemas, root, endpoint)?;
    let resource = singular(last_word(&endpoint.path)).to_ascii_lowercase();
    let described = known.entry((record, resource)).or_insert_with_key(|(record, resource)| {
        let mut records = Records { schema: Some(*record), ..Records::default() };
        describe(schemas, *record, &mut records, resource);
        records
    });
    let evidence = Evidence::new(format!("{}/responses", endpoint.pointer()), confidence, note);
    Some(Records { path: path.into(), many, evidence, ..described.clone() })
}

type Place = (String, SchemaId, bool, f32, &'static str);

fn place(schemas: &Schemas, root: SchemaId, endpoint: &Endpoint) -> Option<Place> {
    if let Some(items) = items_of(schemas, root) {
        return Some(("[]".into(), items, true, 1.0, "the answer is a list"));
    }
    let schema = object(schemas, root)?;
    if let Some((name, items, confidence)) = best_list(schemas, schema, endpoint) {
        return Some((format!("{}[]", step(name)), items, true, confidence, "a list in the answer"));
    }
    for name in WRAPPERS {
        let Some(inner) = schema.property(name) else { continue };
        let Some(inside) = object(schemas, inner.schema) else { continue };
        if let Some((list, items, confidence)) = best_list(schemas, inside, endpoint) {
            return Some((
                format!("{}.{}[]", step(name), step(list)),
                items,
                true,
                confidence * 0.9,
                "a list in a wrapper",
            ));
        }
    }
    // One record, perhaps in a wrapper that holds nothing else of weight.
    let of_weight =
        |property: &&Property| !NOT_RECORDS.contains(&property.name.to_ascii_lowercase().as_str());
    let mut weighty = schema.properties.iter().filter(of_weight);
    let only = weighty.next().filter(|_| weighty.next().is_none());
    if let Some(inner) = schema.property("data").or(only)
        && object(schemas, inner.schema).is_some_and(|inside| !inside.properties.is_empty())
    {
        return Some((step(&inner.name), inner.schema, false, 0.7, "one object in a wrapper"));
    }
    Some((String::new(), root, false, 0.8, "the answer is one object"))
}

fn best_list<'s>(
    schemas: &Schemas,
    schema: &'s Schema,
    endpoint: &Endpoint,
) -> Option<(&'s str, SchemaId, f32)> {
    let segment = last_word(&endpoint.path);
    // A path that ends in a template names one record, whose lists are its own.
    let one = endpoint.path.trim_end_matches('/').ends_with('}');
    let mut best: Option<(&str, SchemaId, f32)> = None;
    let mut lists = 0;
    for property in &schema.properties {
        let Some(items) = items_of(schemas, property.schema) else { continue };
        let name = property.name.to_ascii_lowercase();
        if NOT_RECORDS.contains(&name.as_str()) {
            continue;
        }
        lists += 1;
        let usual = LISTS.iter().position(|known| *known == name);
        let named = !segment.is_empty() && plain(&name) == plain(segment);
        let mut score: f32 = match usual {
            Some(rank) => 0.85 - rank as f32 * 0.01,
            None if named => 0.9,
            None => 0.3,
        };
        if object(schemas, items).is_some_and(|record| !record.properties.is_empty()) {
            score += 0.08;
        } else if usual.is_none() && !named {
            score -= 0.1;
        }
        if one {
            score -= if usual.is_some() { 0.2 } else { 0.5 };
        }
        if best.is_none_or(|(_, _, other)| score > other) {
            best = Some((&property.name, items, score));
        }
    }
    let (name, items, mut score) = best?;
    // The only list of an object with few other fields is it, whatever its name.
    if lists == 1 && !one && score < 0.6 && schema.properties.len() <= 8 {
        let has_id = schema.properties.iter().any(|property| property.name.eq_ignore_ascii_case("id"));
        score = if has_id { score } else { 0.6 };
    }
    (score >= 0.55).then_some((name, items, score.min(0.98)))
}

/// What the items of a list hold, through alternatives that all are lists.
fn items_of(schemas: &Schemas, id: SchemaId) -> Option<SchemaId> {
    let schema = schemas.get(id)?;
    if schema.items.is_some() && schema.properties.is_empty() {
        return schema.items;
    }
    let first = schema.one_of.first().or(schema.any_of.first())?;
    if schema.properties.is_empty() { schemas.get(*first)?.items } else { None }
}

fn object(schemas: &Schemas, id: SchemaId) -> Option<&Schema> {
    let schema = schemas.get(id)?;
    let is = schema.types.has(Type::Object) || !schema.properties.is_empty();
    is.then_some(schema)
}

/// The fields of a record that a sync needs to know.
fn describe(schemas: &Schemas, record: SchemaId, records: &mut Records, resource: &str) {
    let Some(schema) = object(schemas, record) else { return };
    let mut best = (0, None);
    for property in &schema.properties {
        let name = snake(&property.name);
        let kind = schemas.get(property.schema);
        let scalar = kind.is_some_and(|kind| {
            matches!(kind.types.single(), Some(Type::String | Type::Integer | Type::Number))
                || kind.types.is_any()
        });
        if scalar {
            let rank = match name.as_str() {
                "id" | "_id" => 10,
                "uuid" | "guid" | "gid" => 8,
                _ if plain(&name) == plain(&format!("{resource}id")) => 9,
                "sid" | "uid" | "key" | "pk" => 6,
                _ if kind.is_some_and(|kind| kind.format.as_deref() == Some("uuid")) && property.required => {
                    5
                }
                "code" | "slug" | "number" => 3,
                _ if name.ends_with("_id") && property.required && best.0 == 0 => 2,
                _ => 0,
            };
            if rank > best.0 {
                best = (rank, Some(property.name.clone()));
            }
        }
        if scalar && is_time(&name, kind) {
            let made = ["created", "create", "inserted", "added", "date_created", "creation"];
            let changed = [
                "updated",
                "update",
                "modified",
                "changed",
                "last_modified",
                "last_updated",
                "lastmod",
                "edited",
            ];
            let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
            if has(&changed) {
                records.updated_field.get_or_insert_with(|| property.name.clone());
            } else if has(&made) {
                records.created_field.get_or_insert_with(|| property.name.clone());
            }
        }
    }
    records.id_field = best.1;
    let candidates = [&records.updated_field, &records.created_field];
    let mut cursors: Vec<Box<str>> = candidates.into_iter().flatten().cloned().collect();
    // A counting id grows with time.
    let counting =
        records.id_field.as_deref().and_then(|id| schema.property(id)).and_then(|id| schemas.get(id.schema));
    if counting.is_some_and(|id| id.types.single() == Some(Type::Integer)) {
        cursors.extend(records.id_field.clone());
    }
    records.cursor_fields = cursors;
}

fn is_time(name: &str, schema: Option<&Schema>) -> bool {
    if schema.is_some_and(Schema::is_timestamp) {
        return true;
    }
    let ends = ["_at", "_on", "_date", "_time", "_timestamp", "_ts"].iter().any(|end| name.ends_with(end));
    ends || matches!(
        name,
        "created"
            | "updated"
            | "modified"
            | "date_created"
            | "date_updated"
            | "last_modified"
            | "last_updated"
    )
}

fn is_since(name: &str) -> bool {
    let name = snake(name);
    let changed = ["updated", "modified", "changed", "since"].iter().any(|word| name.contains(word));
    let after =
        ["since", "after", "from", "gte", "gt", "min", "start"].iter().any(|word| name.contains(word));
    changed && after && !name.contains("if_modified")
}

/// The last step of a path that isn't a template: `orders` of `/v1/orders/{id}`.
pub(super) fn last_word(path: &str) -> &str {
    path.split('/').rfind(|part| !part.is_empty() && !part.contains('{')).unwrap_or_default()
}

/// A word for one of many: `companies` becomes `company`.
pub(super) fn singular(word: &str) -> String {
    let word = word.split('.').next().unwrap_or(word);
    match word {
        _ if word.ends_with("ies") && word.len() > 4 => format!("{}y", &word[..word.len() - 3]),
        _ if ["sses", "xes", "ches", "shes"].iter().any(|end| word.ends_with(end)) => {
            word[..word.len() - 2].to_owned()
        }
        _ if word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") && word.len() > 2 => {
            word[..word.len() - 1].to_owned()
        }
        _ => word.to_owned(),
    }
}

/// `createdAt` and `created-at` as `created_at`.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut small = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            if small {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
            small = false;
        } else if c.is_alphanumeric() {
            out.push(c);
            small = true;
        } else {
            if small {
                out.push('_');
            }
            small = false;
        }
    }
    out
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// A name as a step of a path.
pub(super) fn step(name: &str) -> String {
    if name.is_empty() || name.contains(['.', '[', ']', '"']) {
        format!("[{}]", serde_json::Value::from(name))
    } else {
        name.to_owned()
    }
}

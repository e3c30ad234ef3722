//! Which endpoints share records, and where those are in requests and answers.

use super::plain;
use crate::spec::{ApiSpec, Endpoint, EndpointRole, Records, Resource, SchemaId, Schemas, Type};

/// Records of one kind: those of `/orders`, and of `/customers/{id}/orders` too.
#[derive(Debug)]
pub(crate) struct Kind {
    /// The collection's word: `orders`.
    pub(crate) name: String,
    /// The first collection's path.
    pub(crate) path: String,
    /// What a record is, best described first: by the endpoint that gives one, then by the list.
    pub(crate) schemas: Vec<SchemaId>,
    /// The field that tells records apart.
    pub(crate) key: Box<str>,
    pub(crate) created: Option<Box<str>>,
    pub(crate) updated: Option<Box<str>>,
    /// The list that gives them, for its example.
    pub(crate) list: Option<usize>,
    /// Whether the only way to them leads through a parent.
    pub(crate) scopes: Vec<Scope>,
}

/// A template in a collection's path: whose records they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The template's name: `customer_id`.
    pub(crate) param: String,
    /// The word before it: `customers`.
    pub(crate) parent: String,
    /// The parent's collection: `/customers`.
    pub(crate) path: String,
}

/// What an endpoint has to do with the records.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) kind: usize,
    pub(crate) role: EndpointRole,
    pub(crate) scopes: Vec<Scope>,
    /// The template that names one record; `None` for a collection, or where there is only one.
    pub(crate) one: Option<String>,
}

pub(crate) fn derive(spec: &ApiSpec) -> (Vec<Kind>, Vec<Option<Place>>) {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut of_resource = Vec::with_capacity(spec.resources.len());
    for resource in &spec.resources {
        of_resource.push(kind_of(spec, resource, &mut kinds));
    }
    let places = spec
        .endpoints
        .iter()
        .map(|endpoint| {
            let role = endpoint.role.filter(|role| *role != EndpointRole::Action)?;
            let path = endpoint.path.trim_end_matches('/');
            let (collection, one) = split(path);
            let at = spec.resources.iter().position(|resource| *resource.path == *collection)?;
            let kind = (*of_resource.get(at)?)?;
            let single = spec.resources.get(at).is_some_and(|resource| resource.list.is_some());
            // A change to a whole collection at once is nothing that can be guessed.
            if one.is_none() && single && !matches!(role, EndpointRole::List | EndpointRole::Create) {
                return None;
            }
            Some(Place { kind, role, scopes: scopes(collection), one })
        })
        .collect();
    (kinds, places)
}

/// What is known of the records an endpoint gives.
fn records(endpoint: Option<&Endpoint>) -> Option<&Records> {
    endpoint?.records.as_deref()
}

fn kind_of(spec: &ApiSpec, resource: &Resource, kinds: &mut Vec<Kind>) -> Option<usize> {
    let list = resource.list.and_then(|id| spec.get(id));
    let get = resource.get.and_then(|id| spec.get(id));
    let create = resource.create.and_then(|id| spec.get(id));
    let facts = records(list).or(records(get)).or(records(create));
    let mut schemas: Vec<SchemaId> = Vec::new();
    for id in [records(get).filter(|get| !get.many), records(list), records(create)]
        .into_iter()
        .flatten()
        .filter_map(|r| r.schema)
    {
        let object = spec
            .schemas
            .get(id)
            .is_some_and(|schema| !schema.properties.is_empty() || schema.types.has(Type::Object));
        if object && !schemas.contains(&id) {
            schemas.push(id);
        }
    }
    let main = *schemas.first()?;
    let known = kinds
        .iter()
        .position(|kind| kind.name == *resource.name && kind.schemas.iter().any(|id| schemas.contains(id)));
    let scopes = scopes(&resource.path);
    if let Some(known) = known {
        if scopes.len() < kinds[known].scopes.len() {
            kinds[known].scopes = scopes;
        }
        kinds[known].list = kinds[known].list.or(resource.list.map(|id| id.0 as usize));
        return Some(known);
    }
    let one = [resource.get, resource.update, resource.replace, resource.delete]
        .into_iter()
        .flatten()
        .filter_map(|id| spec.get(id))
        .find_map(|endpoint| split(endpoint.path.trim_end_matches('/')).1);
    kinds.push(Kind {
        name: resource.name.to_string(),
        path: resource.path.to_string(),
        key: key(&spec.schemas, main, one.as_deref(), facts.and_then(|facts| facts.id_field.as_deref())),
        created: facts.and_then(|facts| facts.created_field.clone()),
        updated: facts.and_then(|facts| facts.updated_field.clone()),
        list: resource.list.map(|id| id.0 as usize),
        schemas,
        scopes,
    });
    Some(kinds.len() - 1)
}

/// The field that the last template of a path names, or else the one that identifies a record.
fn key(schemas: &Schemas, record: SchemaId, template: Option<&str>, id_field: Option<&str>) -> Box<str> {
    let named = template.and_then(|template| {
        let schema = schemas.get(record)?;
        schema.properties.iter().find(|property| plain(&property.name) == plain(template))
    });
    named
        .map(|property| property.name.clone())
        .or_else(|| id_field.map(Into::into))
        .unwrap_or_else(|| "id".into())
}

/// The collection's path, and the template that names one of its records.
pub(crate) fn split(path: &str) -> (&str, Option<String>) {
    let name = |text: &str| text.split(['{', '}']).nth(1).map(str::to_owned);
    match path.rfind('/') {
        Some(at) if path[at + 1..].starts_with('{') && path[at + 1..].contains('}') => {
            (&path[..at], name(&path[at + 1..]))
        }
        _ => match path.rfind("({") {
            Some(at) if path.ends_with("})") => (&path[..at], name(&path[at + 1..])),
            _ => (path.strip_suffix(".json").unwrap_or(path), None),
        },
    }
}

fn scopes(collection: &str) -> Vec<Scope> {
    let mut found = Vec::new();
    let mut word = "";
    let mut so_far = String::new();
    for segment in collection.split('/').filter(|segment| !segment.is_empty()) {
        match segment.strip_prefix('{').and_then(|rest| rest.split('}').next()) {
            Some(param) => {
                let parent = if word.is_empty() { param } else { word };
                found.push(Scope {
                    param: param.to_owned(),
                    parent: parent.to_owned(),
                    path: so_far.clone(),
                });
                word = "";
            }
            None => word = segment,
        }
        so_far.push('/');
        so_far.push_str(segment);
    }
    found
}

/// Whether a field's name means records of that word: `customer_id`, `customerId` or `customer` for `customers`.
pub(crate) fn means(field: &str, word: &str) -> bool {
    let field = plain(field);
    let one = plain(word);
    let one = match one.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => one.strip_suffix('s').unwrap_or(&one).to_owned(),
    };
    !one.is_empty() && (field == one || field.strip_suffix("id") == Some(&one))
}

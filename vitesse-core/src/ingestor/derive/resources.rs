//! Which endpoints belong together, and what each does to its resource.

use std::collections::BTreeMap;

use super::records::last_word;
use crate::spec::{ApiSpec, EndpointId, EndpointRole, Evidence, Method, Resource};

pub(super) fn derive(spec: &mut ApiSpec) {
    let mut groups: BTreeMap<String, Resource> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for (number, endpoint) in spec.endpoints.iter_mut().enumerate() {
        let path = endpoint.path.trim_end_matches('/');
        let (collection, one) = split(path);
        let words = collection.rsplit('/').next().unwrap_or_default();
        // `/orders/{id}/cancel` and `/users/search` do something; they aren't collections.
        let verb = is_verb(words) && endpoint.method == Method::Post;
        let many = endpoint.records.as_ref().is_some_and(|records| records.many);
        let role = match (&endpoint.method, one) {
            _ if verb => EndpointRole::Action,
            (Method::Get | Method::Query, false) if many => EndpointRole::List,
            (Method::Get | Method::Query, _) => EndpointRole::Get,
            (Method::Post, false) => EndpointRole::Create,
            (Method::Patch, _) => EndpointRole::Update,
            (Method::Put, true) => EndpointRole::Replace,
            (Method::Delete, _) => EndpointRole::Delete,
            // A POST to one record changes it, as some APIs do it throughout.
            (Method::Post, true) => EndpointRole::Update,
            (Method::Put, false) => EndpointRole::Replace,
            _ => EndpointRole::Action,
        };
        endpoint.role = Some(role);
        if role == EndpointRole::Action || collection.is_empty() {
            continue;
        }
        let group = groups.entry(collection.to_owned()).or_insert_with(|| {
            order.push(collection.to_owned());
            Resource {
                name: last_word(collection).into(),
                path: collection.into(),
                list: None,
                get: None,
                create: None,
                update: None,
                replace: None,
                delete: None,
                evidence: Evidence::new(endpoint.pointer(), 0.9, "paths that share a beginning"),
            }
        });
        let place = match role {
            EndpointRole::List => &mut group.list,
            EndpointRole::Get => &mut group.get,
            EndpointRole::Create => &mut group.create,
            EndpointRole::Update => &mut group.update,
            EndpointRole::Replace => &mut group.replace,
            _ => &mut group.delete,
        };
        place.get_or_insert(EndpointId(number as u32));
    }
    spec.resources = order.into_iter().filter_map(|path| groups.remove(&path)).collect();
}

/// The collection's path, and whether the path leads to one of its members.
fn split(path: &str) -> (&str, bool) {
    match path.rfind('/') {
        Some(at) if path[at + 1..].starts_with('{') && path[at + 1..].contains('}') => (&path[..at], true),
        // `/orders/{id}.json`, `/orders({id})`
        _ => match path.rfind("({") {
            Some(at) if path.ends_with("})") => (&path[..at], true),
            _ => (path.strip_suffix(".json").unwrap_or(path), false),
        },
    }
}

fn is_verb(word: &str) -> bool {
    const VERBS: [&str; 30] = [
        "search",
        "query",
        "cancel",
        "close",
        "open",
        "complete",
        "capture",
        "refund",
        "void",
        "send",
        "verify",
        "validate",
        "count",
        "export",
        "import",
        "upload",
        "download",
        "login",
        "logout",
        "refresh",
        "archive",
        "restore",
        "approve",
        "reject",
        "activate",
        "deactivate",
        "enable",
        "disable",
        "merge",
        "clone",
    ];
    let word = word.rsplit([':', '.']).next().unwrap_or(word).to_ascii_lowercase();
    VERBS.contains(&word.as_str())
}

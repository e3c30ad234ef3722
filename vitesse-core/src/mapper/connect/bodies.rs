//! How the bodies of requests hold records.

use crate::mapping::{FieldPath, Step};
use crate::spec::{ApiSpec, SchemaId, Type};

/// How a request's body holds a record of the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// The record is the body.
    Whole,
    /// The record is in this field of the body.
    In(FieldPath),
    /// It takes something else.
    Else,
}

/// How a body holds a record; one that no schema describes is the record.
pub(super) fn holds(spec: &ApiSpec, body: Option<SchemaId>, record: Option<SchemaId>) -> Holds {
    let (Some(body), Some(record)) = (body, record) else { return Holds::Whole };
    if body == record || alike(spec, body, record) {
        return Holds::Whole;
    }
    let properties = spec.schemas.get(body).map(|schema| schema.properties.as_slice()).unwrap_or_default();
    match properties.iter().find(|property| property.schema == record || alike(spec, property.schema, record))
    {
        Some(property) => Holds::In(path_of(&property.name)),
        None if overlap(spec, body, record) => Holds::Whole,
        None => Holds::Else,
    }
}

/// The one field of a body that holds everything else: `customer` of `{"customer": {...}}`.
pub(super) fn envelope(spec: &ApiSpec, body: SchemaId) -> Option<(&str, SchemaId)> {
    let [only] = spec.schemas.get(body)?.properties.as_slice() else { return None };
    let inner = spec.schemas.get(only.schema)?;
    (!inner.properties.is_empty() && inner.items.is_none()).then_some((&*only.name, only.schema))
}

/// Where in a body the list of records is: at its root, or in one of its fields.
pub(super) fn list_of(
    spec: &ApiSpec,
    root: SchemaId,
    record: SchemaId,
) -> Option<(Option<FieldPath>, SchemaId)> {
    let schema = spec.schemas.get(root)?;
    let same = |id: SchemaId| {
        let items = spec.schemas.get(id)?.items?;
        (items == record || alike(spec, items, record)).then_some(id)
    };
    if schema.types.has(Type::Array) || schema.items.is_some() {
        return same(root).map(|list| (None, list));
    }
    let found = schema.properties.iter().find_map(|property| Some((property, same(property.schema)?)));
    found.map(|(property, list)| (Some(path_of(&property.name)), list))
}

pub(super) fn path_of(name: &str) -> FieldPath {
    FieldPath::new([Step::Key(name.to_owned())])
}

fn names(spec: &ApiSpec, id: SchemaId) -> Vec<&str> {
    let schema = spec.schemas.get(id);
    schema.into_iter().flat_map(|schema| schema.properties.iter().map(|p| &*p.name)).collect()
}

/// Whether two schemas have the same fields: a copy under another name.
fn alike(spec: &ApiSpec, a: SchemaId, b: SchemaId) -> bool {
    let (a, b) = (names(spec, a), names(spec, b));
    !a.is_empty() && a == b
}

/// Whether two schemas have a field in common: what updates take is often a part of the record.
fn overlap(spec: &ApiSpec, a: SchemaId, b: SchemaId) -> bool {
    let b = names(spec, b);
    let a = names(spec, a);
    a.is_empty() || b.is_empty() || a.iter().any(|name| b.contains(name))
}

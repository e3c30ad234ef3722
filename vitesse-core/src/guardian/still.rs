//! What can be told without a record: lines that name fields nobody described.

use super::causes::sources;
use super::report::{Finding, FindingClass, Severity};
use super::sides::Sides;
use crate::error::nearest;
use crate::mapping::{FieldPath, Mapping, Step};
use crate::spec::{Additional, ApiSpec, SchemaId, Schemas};

const DEPTH: usize = 12;

pub(super) fn findings(
    mapping: &Mapping,
    sides: &Sides<'_>,
    source: &ApiSpec,
    dest: &ApiSpec,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let to = sides.dest();
    for (at, line) in mapping.transformations.iter().enumerate().filter(|(_, line)| line.enabled) {
        let mut add = |class, field: &FieldPath, side: &str, schemas: &Schemas, root: SchemaId| {
            let fields = schemas.fields(root, DEPTH);
            let near = nearest(&field.to_string(), fields.iter().map(|field| field.path.as_str()));
            found.push(Finding {
                class,
                severity: Severity::Error,
                field: line.dest_field.to_string(),
                source: sources(line),
                line: Some(at),
                cause: format!("`{field}` is no field of the {side}"),
                fix: match near {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => "correct the path, or the description if it leaves the field out".to_owned(),
                },
                count: 0,
                of: 0,
                sample: None,
            });
        };
        for path in &line.source_field.paths {
            let path = &unsplit(path, mapping);
            if !is_known(&source.schemas, sides.source, path) {
                add(FindingClass::UnknownSource, path, "source", &source.schemas, sides.source);
            }
        }
        if let Some(root) = to.filter(|root| !is_known(&dest.schemas, *root, &line.dest_field)) {
            add(FindingClass::UnknownField, &line.dest_field, "destination", &dest.schemas, root);
        }
    }
    found
}

/// The path as the source's schema has it: a split names elements as if they stood in their array's place.
pub(super) fn unsplit(path: &FieldPath, mapping: &Mapping) -> FieldPath {
    match &mapping.split {
        Some(split) if split.by.contains(path) => {
            let (array, rest) = path.steps().split_at(split.by.steps().len());
            FieldPath::new(array.iter().cloned().chain([Step::Each]).chain(rest.iter().cloned()))
        }
        _ => path.clone(),
    }
}

/// Whether a path leads to something described, or into something of which nothing is said.
fn is_known(schemas: &Schemas, root: SchemaId, path: &FieldPath) -> bool {
    if path.is_root() || schemas.field(root, &path.to_string()).is_some() {
        return true;
    }
    let mut so_far = FieldPath::root();
    for step in path.steps() {
        let Some(field) = schemas.field(root, &so_far.to_string()) else { return false };
        if schemas.get(field.schema).is_none_or(|schema| {
            schema.properties.is_empty()
                && schema.one_of.is_empty()
                && schema.any_of.is_empty()
                && schema.items.is_none()
                && schema.additional == Additional::Any
                && schema
                    .types
                    .single()
                    .is_none_or(|kind| matches!(kind, crate::spec::Type::Object | crate::spec::Type::Array))
        }) {
            return true;
        }
        so_far = so_far.join(step.clone());
    }
    false
}

//! What an integration must not do, held against its mappings.

use super::{Constraints, Preferences};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::mapping::{Mapping, RecordError};
use crate::spec::{ApiSpec, Endpoint, SchemaId};

/// The forbidden fields that a stream's source has; the mapper is told of these.
pub(super) fn forbidden_here(constraints: &Constraints, spec: &ApiSpec, endpoint: &Endpoint) -> Vec<String> {
    let Some(root) = record_schema(endpoint) else { return Vec::new() };
    let has = |field: &&String| spec.schemas.field(root, field).is_some();
    constraints.never_send.iter().filter(has).cloned().collect()
}

/// What a record of an endpoint looks like.
pub(super) fn record_schema(endpoint: &Endpoint) -> Option<SchemaId> {
    endpoint.records.as_ref().and_then(|records| records.schema).or(endpoint.response_schema)
}

/// Refuses a forbidden field that no stream's source has: most likely it is misspelt, and would be sent.
pub(super) fn all_known(constraints: &Constraints, known: &[String], fields: &[String]) -> Result<()> {
    let Some(unknown) = constraints.never_send.iter().find(|field| !known.contains(field)) else {
        return Ok(());
    };
    let error = Error::new(
        ErrorKind::InvalidInput,
        format!("user_constraints.never_send names a field that the source doesn't have: {unknown}"),
    )
    .in_operation("orchestrator.map");
    Err(match did_you_mean(unknown, fields.iter().map(String::as_str)) {
        Some(hint) => error.help(hint),
        None => error.help("correct it, or take it out"),
    })
}

/// Takes optional calls that are forbidden out of a mapping, and refuses one that can't do without.
pub(super) fn without_forbidden_calls(mapping: &mut Mapping, constraints: &Constraints) -> Result<()> {
    if let Some(destination) = &mut mapping.destination {
        let operations = &mut destination.operations;
        for operation in [
            &mut operations.create,
            &mut operations.find,
            &mut operations.update,
            &mut operations.upsert,
            &mut operations.delete,
        ] {
            if operation.as_ref().is_some_and(|op| !constraints.allows_call(&op.method, &op.path)) {
                *operation = None;
            }
        }
        if operations.bulk.as_ref().is_some_and(|op| !constraints.allows_call(&op.method, &op.path)) {
            operations.bulk = None;
        }
        if operations.create.is_none()
            && operations.upsert.is_none()
            && operations.bulk.is_none()
            && operations.update.is_none()
        {
            return Err(forbidden("every way to write to the destination"));
        }
    }
    check(mapping, constraints)
}

/// Refuses a mapping that does what it must not: it may have been edited since it was made.
pub(super) fn check(mapping: &Mapping, constraints: &Constraints) -> Result<()> {
    for line in mapping.transformations.iter().filter(|line| line.enabled) {
        for path in &line.source_field.paths {
            let field = path.to_string();
            // A line that sends an object sends what is in it.
            let inside = constraints.never_send.iter().any(|inner| is_within(inner, &field));
            if inside || !constraints.allows_send(&field) {
                return Err(forbidden(&format!("sending {field} (for {})", line.dest_field)));
            }
        }
    }
    if let Some(source) = &mapping.source {
        let parent = source.parent.as_ref().map(|parent| parent.path.as_str());
        for path in std::iter::once(source.path.as_str()).chain(parent) {
            if !constraints.allows_call(&source.method, path) {
                return Err(forbidden(&format!("calling {} {path}", source.method)));
            }
        }
    }
    if let Some(destination) = &mapping.destination {
        let operations = &destination.operations;
        let single = [
            &operations.create,
            &operations.find,
            &operations.update,
            &operations.upsert,
            &operations.delete,
        ];
        let single = single.into_iter().flatten().map(|op| (&op.method, &op.path));
        for (method, path) in single.chain(operations.bulk.iter().map(|op| (&op.method, &op.path))) {
            if !constraints.allows_call(method, path) {
                return Err(forbidden(&format!("calling {method} {path}")));
            }
        }
    }
    Ok(())
}

/// Refuses a region that isn't among the allowed ones, or one that nobody knows.
pub(super) fn check_region(constraints: &Constraints, region: Option<&str>) -> Result<()> {
    match region {
        _ if constraints.regions.is_empty() => Ok(()),
        Some(region) if constraints.allows_region(region) => Ok(()),
        Some(region) => Err(forbidden(&format!("the region {region}"))
            .help(format!("deploy to {}", constraints.regions.join(", ")))),
        None => Err(forbidden("a deployment whose region isn't known")
            .help("say deployment_config.region, one of the allowed")),
    }
}

/// Follows the preferences that concern a mapping.
pub(super) fn prefer(mapping: &mut Mapping, preferences: &Preferences) {
    match preferences.on_error.as_deref() {
        Some("fail") => mapping.on_error = RecordError::Fail,
        Some("skip") => mapping.on_error = RecordError::Skip,
        Some("dead_letter") => mapping.on_error = RecordError::DeadLetter,
        _ => {}
    }
}

fn is_within(inner: &str, outer: &str) -> bool {
    let outer = outer.trim_end_matches("[]");
    outer.is_empty()
        || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn forbidden(what: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("user_constraints forbid {what}"))
        .in_operation("orchestrator.constraints")
        .help("change the mapping, or update the integration's user_constraints")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_one(constraints: serde_json::Value, expect: Option<&str>) {
        let constraints = Constraints::read(constraints.as_object().unwrap()).unwrap();
        let mapping = Mapping::parse(
            br#"{"version": 1, "source": {"base_url": "https://s.test", "path": "/customers", "records": "[]"},
            "destination": {"base_url": "https://d.test", "operations": {"create": {"method": "POST", "path": "/contacts"}}},
            "transformations": [
                {"source_field": "person", "dest_field": "person", "transform_type": "direct"},
                {"source_field": "tax.id", "dest_field": "x", "transform_type": "mapping", "enabled": false}]}"#,
        )
        .unwrap();
        match (check(&mapping, &constraints), expect) {
            (Ok(()), None) => {}
            (Err(error), Some(expect)) => assert!(error.to_string().contains(expect), "{error}"),
            (found, expect) => panic!("{found:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn a_mapping_is_held_to_what_it_must_not_do() {
        check_one(json!({}), None);
        check_one(json!({"never_send": ["tax"]}), None);
        check_one(json!({"never_send": ["person.email"]}), Some("forbid sending person (for person)"));
        check_one(json!({"never_call": ["POST /contacts"]}), Some("forbid calling POST /contacts"));
        check_one(json!({"never_call": ["/customers"]}), Some("forbid calling GET /customers"));
        check_one(json!({"never_call": ["DELETE /contacts"]}), None);
    }

    #[test]
    fn a_region_must_be_known_where_it_matters() {
        let none = Constraints::default();
        check_region(&none, None).unwrap();
        let eu = Constraints { regions: vec!["eu-west-1".into()], ..none };
        check_region(&eu, Some("EU-West-1")).unwrap();
        assert!(
            check_region(&eu, Some("us-east-1")).unwrap_err().to_string().contains("deploy to eu-west-1")
        );
        assert!(check_region(&eu, None).unwrap_err().to_string().contains("deployment_config.region"));
    }
}

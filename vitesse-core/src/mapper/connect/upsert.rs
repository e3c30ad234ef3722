//! A request that makes or changes a record, as the destination finds.

use super::Findings;
use super::bodies::{Holds, holds};
use super::destination::{operation, same_name};
use crate::mapping::Operation;
use crate::spec::{ApiSpec, Endpoint, EndpointId, Evidence, Location, Method, Resource, SchemaId};

/// The resource's request that makes or changes one record, if there is one that says so and needs nothing that
/// isn't in the record.
pub(super) fn upsert(
    spec: &ApiSpec,
    resource: Option<&Resource>,
    record: Option<SchemaId>,
    called: &mut Vec<EndpointId>,
    notes: &mut Findings,
) -> Option<Operation> {
    let resource = resource?;
    for (at, endpoint) in spec.endpoints.iter().enumerate() {
        let writes = matches!(endpoint.method, Method::Post | Method::Put | Method::Patch);
        let Some(rest) = endpoint.path.strip_prefix(&*resource.path).filter(|_| writes) else { continue };
        let named = rest.trim_start_matches(['/', ':']).eq_ignore_ascii_case("upsert");
        let item =
            rest.is_empty() || rest.starts_with("/{") && rest.ends_with('}') && !rest[1..].contains('/');
        if !(named || item && says_so(endpoint)) {
            continue;
        }
        let wrap = match holds(spec, endpoint.request_schema, record) {
            Holds::Whole => None,
            Holds::In(path) => Some(path),
            Holds::Else => continue,
        };
        let Some(path) = filled(spec, &endpoint.path, record) else { continue };
        let needs = endpoint.parameters.iter().any(|parameter| {
            parameter.required && matches!(parameter.location, Location::Query | Location::Header)
        });
        if needs {
            continue;
        }
        called.push(EndpointId(at as u32));
        let pointer = "/destination/operations/upsert";
        notes
            .fact(pointer, Evidence::new(endpoint.pointer(), 0.85, "says that it makes or changes a record"));
        return Some(Operation { path, wrap, ..operation(spec, endpoint) });
    }
    None
}

/// Whether an endpoint says that it makes or changes, by its name or its line.
pub(super) fn says_so(endpoint: &Endpoint) -> bool {
    let name = endpoint.operation_id.as_deref().unwrap_or_default().to_ascii_lowercase();
    let line = endpoint.summary.as_deref().unwrap_or_default().to_ascii_lowercase();
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    ["upsert", "createorupdate", "updateorcreate"].iter().any(|word| plain.contains(word))
        || ["upsert", "create or update", "creates or updates", "update or create", "updates or creates"]
            .iter()
            .any(|words| line.contains(words))
}

/// The path with the record's own names in its templates; `None` if one of them is no field of the record. The id
/// that the destination gives can't be known before.
fn filled(spec: &ApiSpec, path: &str, record: Option<SchemaId>) -> Option<String> {
    let mut out = String::new();
    let mut rest = super::rooted(path);
    while let Some((before, inside)) = rest.split_once('{') {
        let (name, after) = inside.split_once('}')?;
        let schema = spec.schemas.get(record?)?;
        let field = schema.properties.iter().find(|property| same_name(&property.name, name))?;
        if same_name(name, "id") {
            return None;
        }
        out.push_str(before);
        out.push_str(&format!("{{{}}}", field.name));
        rest = after.to_owned();
    }
    out.push_str(&rest);
    Some(out)
}

//! Where a mapping reads and writes, found in the two descriptions.

use crate::error::{Error, ErrorKind, Result, nearest};
use crate::mapping::{FieldPath, Mapping, Operation};
use crate::spec::{ApiSpec, Endpoint, Method, SchemaId, Type};

/// A request of the mapping and the endpoint it goes to.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// `read`, `create`, `find`, ...
    pub(super) operation: &'static str,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) endpoint: Option<&'a Endpoint>,
    /// What one record in it is.
    pub(super) record: Option<SchemaId>,
}

/// Everything a mapping talks to.
#[derive(Debug)]
pub(super) struct Sides<'a> {
    pub(super) read: Call<'a>,
    /// What records come from.
    pub(super) source: SchemaId,
    /// Requests that carry records.
    pub(super) writes: Vec<Call<'a>>,
    /// Requests that don't.
    pub(super) others: Vec<Call<'a>>,
}

impl<'a> Sides<'a> {
    pub(super) fn of(mapping: &Mapping, source: &'a ApiSpec, dest: &'a ApiSpec) -> Result<Self> {
        let read = read(mapping, source)?;
        let record = read.record.ok_or_else(|| {
            Error::new(ErrorKind::SpecInvalid, "the description of the source doesn't say what its records hold")
                .in_operation("guardian.test")
                .with("endpoint", format!("{} {}", read.method, read.path))
                .help("add the schema of the answer to the description, or read it from samples with `vitesse spec`")
        })?;
        let (writes, others) = written(mapping, dest);
        if writes.is_empty() {
            return Err(Error::new(ErrorKind::MappingInvalid, "the mapping doesn't say where records go")
                .in_operation("guardian.test")
                .with("dest_endpoint", &mapping.dest_endpoint)
                .help("set dest_endpoint, or destination.operations.create"));
        }
        Ok(Self { read, source: record, writes, others })
    }

    /// The schema that the mapping's lines write to: that of the first request that has one.
    pub(super) fn dest(&self) -> Option<SchemaId> {
        self.writes.iter().find_map(|call| call.record)
    }
}

fn read<'a>(mapping: &Mapping, spec: &'a ApiSpec) -> Result<Call<'a>> {
    let (method, path) = match &mapping.source {
        Some(source) if !source.path.is_empty() => (source.method.as_str(), source.path.as_str()),
        _ => ("GET", mapping.source_endpoint.as_str()),
    };
    let endpoint = find(spec, method, path).ok_or_else(|| unknown(spec, method, path, "source"))?;
    let by_mapping = mapping.source.as_ref().and_then(|source| source.records.as_ref()).and_then(|records| {
        spec.schemas.field(endpoint.response_schema?, &records.to_string()).map(|field| field.schema)
    });
    let by_facts = || endpoint.records.as_ref().and_then(|records| records.schema);
    let record = by_mapping.or_else(by_facts).or(endpoint.response_schema);
    // A list that nobody took apart is a list of records.
    let record = record.map(|id| match spec.schemas.get(id) {
        Some(schema) if schema.types.single() == Some(Type::Array) => schema.items.unwrap_or(id),
        _ => id,
    });
    Ok(Call {
        operation: "read",
        method: method.to_owned(),
        path: path.to_owned(),
        endpoint: Some(endpoint),
        record,
    })
}

fn written<'a>(mapping: &Mapping, spec: &'a ApiSpec) -> (Vec<Call<'a>>, Vec<Call<'a>>) {
    let (mut writes, mut others) = (Vec::new(), Vec::new());
    if let Some(destination) = &mapping.destination {
        let operations = &destination.operations;
        let with_records =
            [("create", &operations.create), ("upsert", &operations.upsert), ("update", &operations.update)];
        for (name, operation) in with_records {
            writes.extend(operation.as_ref().map(|operation| write(spec, name, operation)));
        }
        if let Some(bulk) = &operations.bulk {
            let endpoint = find(spec, &bulk.method, &bulk.path);
            let list = inside(spec, endpoint, bulk.wrap.as_ref());
            let record = list.and_then(|id| spec.schemas.get(id)?.items);
            writes.push(Call {
                operation: "bulk",
                method: bulk.method.clone(),
                path: bulk.path.clone(),
                endpoint,
                record,
            });
        }
        for (name, operation) in [("find", &operations.find), ("delete", &operations.delete)] {
            others.extend(operation.as_ref().map(|operation| Call {
                operation: name,
                method: operation.method.clone(),
                path: operation.path.clone(),
                endpoint: find(spec, &operation.method, &operation.path),
                record: None,
            }));
        }
    }
    if writes.is_empty() && !mapping.dest_endpoint.is_empty() {
        let path = mapping.dest_endpoint.as_str();
        let method = ["POST", "PUT", "PATCH"]
            .into_iter()
            .find(|method| find(spec, method, path).is_some())
            .unwrap_or("POST");
        let endpoint = find(spec, method, path);
        let record = inside(spec, endpoint, None);
        writes.push(Call {
            operation: "create",
            method: method.to_owned(),
            path: path.to_owned(),
            endpoint,
            record,
        });
    }
    (writes, others)
}

fn write<'a>(spec: &'a ApiSpec, name: &'static str, operation: &Operation) -> Call<'a> {
    let endpoint = find(spec, &operation.method, &operation.path);
    let record = inside(spec, endpoint, operation.wrap.as_ref());
    Call { operation: name, method: operation.method.clone(), path: operation.path.clone(), endpoint, record }
}

/// The schema of what a request carries at a place of its body.
fn inside(spec: &ApiSpec, endpoint: Option<&Endpoint>, wrap: Option<&FieldPath>) -> Option<SchemaId> {
    let body = endpoint?.request_schema?;
    match wrap {
        Some(wrap) => spec.schemas.field(body, &wrap.to_string()).map(|field| field.schema),
        None => Some(body),
    }
}

/// The endpoint of a method and path; names within `{}` may differ.
pub(super) fn find<'a>(spec: &'a ApiSpec, method: &str, path: &str) -> Option<&'a Endpoint> {
    let of_method = |endpoint: &&Endpoint| endpoint.method.as_str().eq_ignore_ascii_case(method);
    let exact = spec.endpoints.iter().filter(of_method).find(|endpoint| &*endpoint.path == path);
    let shape = |path: &str| -> Vec<String> {
        let part = |part: &str| {
            if part.starts_with('{') && part.ends_with('}') { "{}".to_owned() } else { part.to_owned() }
        };
        path.trim_end_matches('/').split('/').map(part).collect()
    };
    exact.or_else(|| {
        let wanted = shape(path);
        spec.endpoints.iter().filter(of_method).find(|endpoint| shape(&endpoint.path) == wanted)
    })
}

fn unknown(spec: &ApiSpec, method: &str, path: &str, side: &'static str) -> Error {
    let error =
        Error::new(ErrorKind::MappingInvalid, format!("the {side}'s description has no such endpoint"))
            .in_operation("guardian.test")
            .with("endpoint", format!("{method} {path}"));
    let paths = spec.endpoints.iter().filter(|e| e.method == Method::Get).map(|endpoint| &*endpoint.path);
    match nearest(path, paths) {
        Some(name) => error.help(format!("did you mean {name:?}?")),
        None => error.help("`vitesse spec` lists the endpoints"),
    }
}

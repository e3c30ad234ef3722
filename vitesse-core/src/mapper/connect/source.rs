//! The block `source`.

use super::{Findings, auth, base_url, rate_limit, rooted};
use crate::mapper::side::{Role, field_path, record_of};
use crate::mapping::value::Object;
use crate::mapping::{
    CursorPages, FieldPath, Incremental, IncrementalKind, KeysetPages, LinkPages, NextUrlPages, NoPages,
    OffsetPages, PagePages, Pagination, ParamPlace, Parent, Source, Value,
};
use crate::spec::{
    self, ApiSpec, Endpoint, EndpointId, EndpointRole, Evidence, Location, PaginationKind, Parameter,
    Records, Schema, Type,
};

/// The largest page that is asked for where the description sets no limit.
const PAGE: u64 = 100;

pub(super) fn block(spec: &ApiSpec, id: EndpointId, notes: &mut Findings) -> Source {
    let id = record_of(spec, id, Role::Source).map_or(id, |(id, _)| id);
    let Some(endpoint) = spec.get(id) else { return Source::default() };
    let mut source = Source {
        api_name: spec.api_name.to_string(),
        base_url: base_url(spec, endpoint, "source", notes),
        method: endpoint.method.to_string(),
        path: rooted(&endpoint.path),
        ..Source::default()
    };
    let mut called = vec![id];
    if let Some(records) = &endpoint.records {
        places(records, endpoint, &mut source, notes);
        source.incremental = incremental(spec, endpoint, records, notes);
    } else {
        let question = format!("Where in the answer of {} are the records?", endpoint.path);
        notes.gap("source_records", "/source/records", question, false);
    }
    source.pagination = paging(endpoint, source.id_field.as_ref(), "/source/pagination", notes);
    source.params = required_params(spec, endpoint, &paging_params(endpoint), notes);
    if endpoint.path.contains('{') {
        source.parent = parent(spec, endpoint, &mut called, notes);
    }
    source.auth = auth::auth(spec, &called, "source", notes);
    source.rate_limit = rate_limit(spec, id, "source", notes);
    source
}

fn places(records: &Records, endpoint: &Endpoint, source: &mut Source, notes: &mut Findings) {
    if !records.path.is_empty() {
        source.records = Some(field_path(&records.path));
    }
    notes.fact("/source/records", records.evidence.clone());
    match &records.id_field {
        Some(id) => {
            source.id_field = Some(field_path(id));
            notes.fact("/source/id_field", at(endpoint, 0.9, format!("the field {id:?} names a record")));
        }
        None => {
            let question = format!("Which field of the records of {} names one of them?", endpoint.path);
            notes.gap("source_id_field", "/source/id_field", question, true);
        }
    }
}

fn at(endpoint: &Endpoint, confidence: f32, note: impl Into<String>) -> Evidence {
    Evidence::new(format!("{}/responses", endpoint.pointer()), confidence, note)
}

/// How to get only what changed: by a parameter if there is one, else by looking at each record.
fn incremental(
    spec: &ApiSpec,
    endpoint: &Endpoint,
    records: &Records,
    notes: &mut Findings,
) -> Option<Incremental> {
    // When a record was made doesn't tell that it changed since: going by that alone would lose every change. Such
    // lists are read whole, unless a person says that their records never change.
    let by = |field| records.since_param.is_some().then_some(field);
    let field = records.updated_field.as_ref().or(records.cursor_fields.first().and_then(by))?;
    if !records.many {
        return None;
    }
    let record = records.schema.and_then(|id| spec.schemas.get(id));
    let schema = record.and_then(|record| record.property(field)).and_then(|p| spec.schemas.get(p.schema));
    let is_time =
        Some(field) == records.updated_field.as_ref() || Some(field) == records.created_field.as_ref();
    let param = records.since_param.as_ref();
    let parameter = param.and_then(|name| endpoint.parameter(Location::Query, name));
    let taken = parameter.and_then(|parameter| parameter.schema).and_then(|id| spec.schemas.get(id));
    let format = if parameter.is_some() { time_format(taken) } else { time_format(schema) };
    let note = match param {
        Some(param) => format!("the field {field:?} and the parameter {param:?}"),
        None => format!("the field {field:?}; no parameter asks for changes, so every page is read"),
    };
    notes.fact("/source/incremental", at(endpoint, if param.is_some() { 0.9 } else { 0.6 }, note));
    Some(Incremental {
        field: field_path(field),
        kind: if is_time { IncrementalKind::Timestamp } else { IncrementalKind::Id },
        param: param.map(ToString::to_string),
        format: format.to_owned(),
        ..Incremental::default()
    })
}

fn time_format(schema: Option<&Schema>) -> &'static str {
    let Some(schema) = schema else { return "iso8601" };
    let said = schema.description.as_deref().unwrap_or_default().to_lowercase();
    match schema.types.single() {
        Some(Type::Integer | Type::Number) if said.contains("millisecond") => "unix_ms",
        Some(Type::Integer | Type::Number) => "unix",
        _ if schema.format.as_deref() == Some("date") => "date",
        _ => "iso8601",
    }
}

fn paging(
    endpoint: &Endpoint,
    id_field: Option<&FieldPath>,
    pointer: &str,
    notes: &mut Findings,
) -> Pagination {
    let found = endpoint.pagination.as_deref().filter(|pages| pages.kind != PaginationKind::None);
    let Some(pages) = found else {
        if endpoint.role == Some(EndpointRole::List) {
            let question =
                format!("Does {} give all records at once? If not, how is it paged?", endpoint.path);
            notes.gap("source_pagination", pointer, question, false).choices =
                ["none", "page", "offset", "cursor", "link_header", "next_url", "keyset"]
                    .map(Into::into)
                    .into();
        }
        return Pagination::None(NoPages::default());
    };
    let pagination = pages_of(pages, id_field);
    match &pagination {
        Some(_) => notes.fact(pointer, pages.evidence.clone()),
        None => {
            let question = format!(
                "{} is paged by {}; by which parameter, and where is its next value?",
                endpoint.path,
                pages.kind.as_str()
            );
            notes.gap("source_pagination", pointer, question, true);
        }
    }
    pagination.unwrap_or_default()
}

fn pages_of(pages: &spec::Pagination, id_field: Option<&FieldPath>) -> Option<Pagination> {
    let size_param = pages.size_param.as_ref().map(ToString::to_string);
    // The largest page that is allowed, and no larger one than is usual where nothing is said.
    let size = size_param.as_ref().map(|_| {
        pages.size_max.filter(|most| *most > 0).unwrap_or(PAGE.max(pages.size_default.unwrap_or(0)))
    });
    let fixed = size.or(pages.size_default);
    let param = pages.param.as_ref().map(ToString::to_string);
    let place = match pages.location {
        Some(Location::Header) => ParamPlace::Header,
        _ => ParamPlace::Query,
    };
    let path = |text: &Option<Box<str>>| text.as_deref().map(field_path);
    Some(match pages.kind {
        PaginationKind::Offset => Pagination::Offset(OffsetPages {
            param: param?,
            start: pages.first.unwrap_or(0),
            size_param,
            size: fixed.unwrap_or(PAGE).max(1),
            total: path(&pages.total),
            place,
            ..OffsetPages::default()
        }),
        PaginationKind::Page => Pagination::Page(PagePages {
            param: param?,
            start: pages.first.unwrap_or(1),
            size_param,
            size: fixed.filter(|size| *size > 0),
            total_pages: path(&pages.total_pages),
            place,
            ..PagePages::default()
        }),
        PaginationKind::Cursor => Pagination::Cursor(CursorPages {
            param: param?,
            from: path(&pages.from)?,
            has_more: path(&pages.has_more),
            size_param,
            size: size.filter(|size| *size > 0),
            place,
            ..CursorPages::default()
        }),
        PaginationKind::LinkHeader => {
            Pagination::LinkHeader(LinkPages { size_param, size, ..LinkPages::default() })
        }
        PaginationKind::NextUrl => Pagination::NextUrl(NextUrlPages {
            from: path(&pages.from)?,
            size_param,
            size,
            ..NextUrlPages::default()
        }),
        PaginationKind::Keyset => Pagination::Keyset(KeysetPages {
            param: param?,
            // The place is within the answer where one is told; a keyset's field is one of the record.
            field: id_field.cloned()?,
            size_param,
            size: fixed.filter(|size| *size > 0),
            place,
            ..KeysetPages::default()
        }),
        _ => return None,
    })
}

/// The parameters that paging and incremental reads fill.
fn paging_params(endpoint: &Endpoint) -> Vec<&str> {
    let pages = endpoint.pagination.as_deref();
    let paged = pages
        .into_iter()
        .flat_map(|pages| pages.param.as_deref().into_iter().chain(pages.size_param.as_deref()));
    let since = endpoint.records.as_deref().and_then(|records| records.since_param.as_deref());
    paged.chain(since).collect()
}

/// The query parameters without which the request is refused.
fn required_params(spec: &ApiSpec, endpoint: &Endpoint, known: &[&str], notes: &mut Findings) -> Object {
    let mut params = Object::new();
    let asked = |parameter: &&std::sync::Arc<Parameter>| {
        parameter.location == Location::Query && parameter.required && !known.contains(&&*parameter.name)
    };
    for parameter in endpoint.parameters.iter().filter(asked) {
        let pointer = format!("/source/params/{}", parameter.name);
        let schema = parameter.schema.and_then(|id| spec.schemas.get(id));
        let only = schema.and_then(|schema| match schema.enum_values.as_slice() {
            [only] => Some(only),
            _ => schema.details().default.as_ref(),
        });
        match only.and_then(|value| value.text().parse::<Value>().ok()) {
            Some(value) => {
                params.insert(&*parameter.name, value);
                let pointer_there = format!("{}/parameters", endpoint.pointer());
                notes.fact(&pointer, Evidence::new(pointer_there, 0.9, "its only value, or its default"));
            }
            None => {
                let question =
                    format!("{} wants the parameter {:?}; what is its value?", endpoint.path, parameter.name);
                let gap = notes.gap(&format!("source_param_{}", parameter.name), &pointer, question, true);
                let values = schema.map(|schema| schema.enum_values.iter().take(12)).into_iter().flatten();
                gap.choices = values.map(crate::mapper::facts::plain).collect();
            }
        }
    }
    params
}

/// The list whose records this one is under: `/accounts` for `/accounts/{account_id}/orders`.
fn parent(
    spec: &ApiSpec,
    endpoint: &Endpoint,
    called: &mut Vec<EndpointId>,
    notes: &mut Findings,
) -> Option<Parent> {
    let names: Vec<&str> = endpoint
        .path
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
        .collect();
    let collection = endpoint.path.split("/{").next().unwrap_or_default();
    let list = spec.resources.iter().find(|resource| &*resource.path == collection).and_then(|r| r.list);
    let found = list.and_then(|id| Some((id, spec.get(id)?)));
    let usable = found.and_then(|(id, list)| {
        let field = list.records.as_ref()?.id_field.as_ref()?;
        (names.len() == 1 && !list.path.contains('{') && list.path != endpoint.path)
            .then_some((id, list, field))
    });
    let Some((id, list, field)) = usable else {
        let named = names.join(", ");
        let question = format!("The path {} needs {named}; which records give it?", endpoint.path);
        notes.gap("source_parent", "/source/parent", question, true);
        return None;
    };
    called.push(id);
    notes.fact("/source/parent", Evidence::new(list.pointer(), 0.8, "the list that the path goes through"));
    let records = list.records.as_ref().filter(|records| !records.path.is_empty());
    let params = names.iter().map(|name| (*name, field_path(field).to_string())).collect();
    Some(Parent {
        method: list.method.to_string(),
        path: rooted(&list.path),
        records: records.map(|records| field_path(&records.path)),
        params,
        pagination: paging(list, Some(&field_path(field)), "/source/parent/pagination", notes),
        ..Parent::default()
    })
}

//! How lists are paged: every style collects points for what speaks for it, and the best wins.

use std::collections::HashMap;

use super::records::{snake, step};
use crate::spec::{
    ApiSpec, Endpoint, EndpointRole, Evidence, Location, Method, Pagination, PaginationKind, Parameter,
    SchemaId, Schemas, Type,
};

const SIZES: [&str; 20] = [
    "limit",
    "per_page",
    "page_size",
    "pagesize",
    "perpage",
    "size",
    "max_results",
    "maxresults",
    "count",
    "page_limit",
    "top",
    "$top",
    "first",
    "take",
    "rows",
    "results_per_page",
    "items_per_page",
    "num_results",
    "max_items",
    "batch_size",
];
const OFFSETS: [&str; 8] =
    ["offset", "skip", "$skip", "start", "start_index", "startindex", "from", "start_at"];
const PAGES: [&str; 6] = ["page", "page_number", "pagenumber", "page_no", "page_index", "current_page"];
const CURSORS: [&str; 18] = [
    "cursor",
    "page_token",
    "pagetoken",
    "next_token",
    "nexttoken",
    "after",
    "continuation_token",
    "next_cursor",
    "next_page_token",
    "marker",
    "start_cursor",
    "page_cursor",
    "continuation",
    "$skiptoken",
    "next_page",
    "scroll_id",
    "bookmark",
    "pagination_token",
];
/// The first of these that is there leads on. What leads back, as `ending_before` does, isn't among them: going on by
/// it would give the first page again, and never the rest.
const KEYSETS: [&str; 6] = ["starting_after", "after_id", "last_id", "max_id", "since_id", "min_id"];

pub(super) fn derive(spec: &mut ApiSpec) {
    let mut found = Vec::with_capacity(spec.endpoints.len());
    for endpoint in &spec.endpoints {
        let reads = endpoint.role == Some(EndpointRole::List)
            || (endpoint.method == Method::Post
                && endpoint.records.as_ref().is_some_and(|records| records.many));
        found.push(if reads { detect(&spec.schemas, endpoint) } else { None });
    }
    let mut votes: HashMap<PaginationKind, usize> = HashMap::new();
    for (endpoint, pagination) in spec.endpoints.iter_mut().zip(found) {
        if let Some(pagination) = &pagination {
            *votes.entry(pagination.kind).or_default() += 1;
        }
        endpoint.pagination = pagination.map(Box::new);
    }
    let most = votes.into_iter().max_by_key(|(kind, count)| (*count, std::cmp::Reverse(*kind)));
    spec.pagination_type = most.map_or(PaginationKind::None, |(kind, _)| kind);
}

/// What an endpoint shows that has to do with pages.
#[derive(Default)]
struct Signs<'s> {
    size: Option<&'s Parameter>,
    offset: Option<&'s Parameter>,
    page: Option<&'s Parameter>,
    cursor: Option<&'s Parameter>,
    keyset: Option<&'s Parameter>,
    next_url: Option<String>,
    next_cursor: Option<String>,
    has_more: Option<String>,
    total: Option<String>,
    total_pages: Option<String>,
    link_header: bool,
}

fn detect(schemas: &Schemas, endpoint: &Endpoint) -> Option<Pagination> {
    let signs = look(schemas, endpoint);
    let both = |a: bool, b: bool| f32::from(u8::from(a)) * 0.5 + f32::from(u8::from(b)) * 0.4;
    let cursor_named = signs.cursor.is_some_and(|parameter| snake(&parameter.name) != "after");
    let scores = [
        (PaginationKind::NextUrl, if signs.next_url.is_some() { 0.7 } else { 0.0 }),
        (
            PaginationKind::Cursor,
            match (signs.cursor, &signs.next_cursor) {
                (Some(_), Some(_)) => 0.97,
                (Some(_), None) if cursor_named || signs.size.is_some() => 0.65,
                (Some(_), None) => 0.4,
                _ => 0.0,
            },
        ),
        (
            PaginationKind::Keyset,
            if signs.keyset.is_some() {
                both(true, signs.has_more.is_some() || signs.size.is_some())
            } else {
                0.0
            },
        ),
        (
            PaginationKind::Page,
            match signs.page {
                Some(_) if signs.size.is_some() || signs.total_pages.is_some() || signs.total.is_some() => {
                    0.93
                }
                Some(_) => 0.75,
                None => 0.0,
            },
        ),
        (
            PaginationKind::Offset,
            match signs.offset {
                Some(parameter) if signs.size.is_some() => {
                    if snake(&parameter.name) == "from" {
                        0.6
                    } else {
                        0.92
                    }
                }
                Some(parameter) if matches!(&*snake(&parameter.name), "offset" | "skip") => 0.7,
                _ => 0.0,
            },
        ),
        (PaginationKind::LinkHeader, if signs.link_header { 0.8 } else { 0.0 }),
    ];
    let (kind, confidence) = scores
        .into_iter()
        .fold((PaginationKind::None, 0.0), |best, it| if it.1 > best.1 { it } else { best });
    if confidence < 0.5 {
        return None;
    }
    let mover = match kind {
        PaginationKind::Cursor => signs.cursor,
        PaginationKind::Keyset => signs.keyset,
        PaginationKind::Page => signs.page,
        PaginationKind::Offset => signs.offset,
        _ => None,
    };
    let mut pagination = Pagination {
        kind,
        param: mover.map(|parameter| parameter.name.clone()),
        location: mover.map(|parameter| parameter.location),
        from: match kind {
            PaginationKind::NextUrl => signs.next_url.map(Into::into),
            PaginationKind::Cursor => signs.next_cursor.map(Into::into),
            PaginationKind::LinkHeader => Some("Link".into()),
            PaginationKind::Keyset => keyset_field(endpoint),
            _ => None,
        },
        has_more: signs.has_more.map(Into::into),
        total: signs.total.map(Into::into),
        total_pages: signs.total_pages.map(Into::into),
        ..Pagination::default()
    };
    if let Some(mover) = mover.filter(|_| matches!(kind, PaginationKind::Page | PaginationKind::Offset)) {
        pagination.first = number(schemas, mover, |d| d.default.as_ref().or(d.minimum.as_ref()));
    }
    if let Some(size) = signs.size {
        pagination.size_param = Some(size.name.clone());
        pagination.size_default = number(schemas, size, |d| d.default.as_ref());
        pagination.size_max = number(schemas, size, |d| d.maximum.as_ref());
    }
    let mut note: Vec<String> =
        mover.into_iter().chain(signs.size).map(|p| format!("`{}`", p.name)).collect();
    note.extend(pagination.from.as_deref().map(|from| format!("`{from}` in the answer")));
    pagination.evidence = Evidence::new(endpoint.pointer(), confidence, note.join(", "));
    Some(pagination)
}

/// After a record's id comes the next: the last record's id is where to go on.
fn keyset_field(endpoint: &Endpoint) -> Option<Box<str>> {
    let records = endpoint.records.as_ref()?;
    let id = records.id_field.as_ref()?;
    Some(if records.path.is_empty() { id.clone() } else { format!("{}.{}", records.path, step(id)).into() })
}

fn number(
    schemas: &Schemas,
    parameter: &Parameter,
    of: impl Fn(&crate::spec::Details) -> Option<&crate::spec::Json>,
) -> Option<u64> {
    of(schemas.get(parameter.schema?)?.details())?.text().trim_matches('"').parse().ok()
}

fn look<'s>(schemas: &'s Schemas, endpoint: &'s Endpoint) -> Signs<'s> {
    let mut signs = Signs::default();
    for parameter in &endpoint.parameters {
        if matches!(parameter.location, Location::Path | Location::Cookie) {
            continue;
        }
        // `page[size]` of JSON:API, and `$top` of OData.
        let plain = parameter.name.replace("[", "_").replace(']', "");
        let name = if plain.starts_with('$') { plain.clone() } else { snake(&plain) };
        let is = |names: &[&str]| names.contains(&name.as_str());
        let place = match () {
            () if is(&KEYSETS) => {
                let rank = |parameter: &Parameter| {
                    KEYSETS.iter().position(|own| *own == snake(&parameter.name)).unwrap_or(KEYSETS.len())
                };
                if signs.keyset.is_none_or(|found| rank(parameter) < rank(found)) {
                    signs.keyset = Some(parameter);
                }
                continue;
            }
            () if is(&CURSORS) || name == "page_after" => &mut signs.cursor,
            () if is(&SIZES) => &mut signs.size,
            () if is(&PAGES) => {
                let text = parameter
                    .schema
                    .and_then(|id| schemas.get(id))
                    .is_some_and(|s| s.types.single() == Some(Type::String));
                // A page that is called a token is one.
                let told = parameter
                    .description
                    .as_deref()
                    .is_some_and(|d| d.to_ascii_lowercase().contains("token"));
                if text && told { &mut signs.cursor } else { &mut signs.page }
            }
            () if is(&OFFSETS) || name == "page_offset" => &mut signs.offset,
            () => continue,
        };
        place.get_or_insert(parameter);
    }
    if let Some(success) = endpoint.success() {
        signs.link_header =
            success.response.headers.iter().any(|header| header.name.eq_ignore_ascii_case("link"));
    }
    if let Some(root) = endpoint.response_schema {
        inside(schemas, root, "", 0, &mut signs);
    }
    signs
}

/// Looks for signs in the answer, down to where envelopes keep them.
fn inside(schemas: &Schemas, id: SchemaId, prefix: &str, depth: usize, signs: &mut Signs<'_>) {
    let Some(schema) = schemas.get(id) else { return };
    let paging = prefix.rsplit('.').next().is_some_and(|last| {
        matches!(
            &*snake(last),
            "paging"
                | "pagination"
                | "page"
                | "meta"
                | "_meta"
                | "links"
                | "_links"
                | "cursors"
                | "page_info"
                | "metadata"
                | "response_metadata"
                | "next"
        )
    });
    for property in &schema.properties {
        let path = if prefix.is_empty() {
            step(&property.name)
        } else {
            format!("{prefix}.{}", step(&property.name))
        };
        let name =
            if property.name.contains('@') { property.name.to_string() } else { snake(&property.name) };
        let inner = schemas.get(property.schema);
        let scalar = inner.is_some_and(|inner| inner.properties.is_empty() && inner.items.is_none());
        let url = inner
            .is_some_and(|inner| matches!(inner.format.as_deref(), Some("uri" | "url" | "uri-reference")));
        let whole = inner.is_some_and(|inner| inner.types.single() == Some(Type::Integer));
        if scalar {
            match name.as_str() {
                "next_url" | "next_link" | "@odata.nextLink" | "next_page_url" | "next_page_uri"
                | "next_page_link" | "next_uri" | "next_href" => {
                    signs.next_url.get_or_insert(path);
                }
                "next" | "href"
                    if (prefix.ends_with("links") || prefix.ends_with("next") || url) && !whole =>
                {
                    signs.next_url.get_or_insert(path);
                }
                "next" | "after" | "cursor" | "end_cursor" if paging && !whole => {
                    signs.next_cursor.get_or_insert(path);
                }
                "next" if prefix.is_empty() && !whole && signs.cursor.is_none() => {
                    signs.next_url.get_or_insert(path);
                }
                "next_cursor"
                | "next_page_token"
                | "next_token"
                | "cursor"
                | "continuation_token"
                | "next_marker"
                | "page_token"
                | "next_page_cursor"
                | "next_continuation_token"
                | "scroll_id"
                | "pagination_token"
                | "bookmark"
                | "end_cursor"
                | "nextmarker" => {
                    signs.next_cursor.get_or_insert(path);
                }
                "next_page" if !whole => {
                    signs.next_cursor.get_or_insert(path);
                }
                "has_more" | "has_next" | "has_next_page" | "more" | "has_more_items" | "is_truncated" => {
                    signs.has_more.get_or_insert(path);
                }
                "total" | "total_count" | "total_results" | "total_items" | "total_records"
                | "total_elements" | "@odata.count" => {
                    signs.total.get_or_insert(path);
                }
                "total_pages" | "page_count" | "last_page" | "pages" | "num_pages" => {
                    signs.total_pages.get_or_insert(path);
                }
                _ => {}
            }
        } else if depth < 2
            && matches!(
                name.as_str(),
                "paging"
                    | "pagination"
                    | "page"
                    | "meta"
                    | "links"
                    | "cursors"
                    | "page_info"
                    | "metadata"
                    | "response_metadata"
                    | "next"
                    | "data"
            )
        {
            inside(schemas, property.schema, &path, depth + 1, signs);
        }
    }
}

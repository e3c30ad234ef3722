//! A long list in pages, in each style the descriptions have.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::answer::{Problem, Wrong};
use super::parameter::Carried;
use super::state::{Listed, Record, text};
use crate::spec::{
    Endpoint, Location, Pagination, PaginationKind, SchemaId, Schemas, Step, Type, parse_path,
};

/// How many records a page has when nobody says.
const USUAL: usize = 25;

/// One page of a list.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) records: Vec<Arc<Record>>,
    total: usize,
    size: usize,
    /// How many records are before it.
    offset: usize,
    /// The parameter of the next page and its value.
    next: Option<(String, String)>,
    /// The cursor of the next page.
    mark: Option<Value>,
}

/// Cuts the page that a request asks for out of `all`, which is in order: what each is ordered by, its number, and
/// itself.
pub(super) fn cut(
    endpoint: &Endpoint,
    carried: &Carried<'_>,
    all: Vec<Listed>,
    backwards: bool,
    key: &str,
) -> Result<Page, Problem> {
    let total = all.len();
    let Some(paging) = endpoint.pagination.as_deref() else {
        return Ok(Page {
            records: all.into_iter().map(|(_, _, record)| record).collect(),
            total,
            size: total,
            ..Page::default()
        });
    };
    let said = |name: Option<&str>| {
        let name = name?;
        match paging.location {
            Some(Location::Header) => carried.header(name).map(str::to_owned).or_else(|| carried.query(name)),
            _ => carried.query(name),
        }
        .filter(|value| !value.is_empty())
    };
    let asked = paging
        .size_param
        .as_deref()
        .and_then(|name| carried.query(name))
        .and_then(|size| size.parse::<usize>().ok());
    let limit = |number: Option<u64>| {
        number.and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0)
    };
    let most = limit(paging.size_max).unwrap_or(usize::MAX);
    let size = asked.filter(|size| *size > 0).or(limit(paging.size_default)).unwrap_or(USUAL).min(most);
    // A link's own parameter, where the description has none to put into it.
    let own = mover(endpoint, paging);
    let (param, kind) = match paging.kind {
        PaginationKind::NextUrl | PaginationKind::LinkHeader => own,
        kind => (paging.param.as_deref().unwrap_or("cursor"), kind),
    };
    let value = said(Some(param));
    let wrong = |message: &str| Problem {
        wrong: vec![Wrong { place: "query", at: param.to_owned(), message: message.to_owned() }],
        ..Problem::new(400, "Invalid request", format!("{param:?} in the query {message}"))
    };
    let first =
        usize::try_from(paging.first.unwrap_or(u64::from(kind == PaginationKind::Page))).unwrap_or_default();
    // What should be a number and isn't was refused by its schema, or was never meant for pages.
    let number = value.as_deref().and_then(|value| value.parse::<usize>().ok()).unwrap_or(first);
    let start = match kind {
        PaginationKind::Page => number.saturating_sub(first).saturating_mul(size),
        PaginationKind::Offset => number.saturating_sub(first),
        PaginationKind::Keyset => match &value {
            Some(last) => {
                after_key(&all, key, last).ok_or_else(|| wrong("is the id of no record of this list"))?
            }
            None => 0,
        },
        _ => match &value {
            Some(cursor) => {
                let (place, at) = unmark(cursor).ok_or_else(|| wrong("is no cursor of this list"))?;
                all.partition_point(|(own, number, _)| {
                    let order = if backwards { place.cmp(own) } else { own.cmp(&place) };
                    order.then(number.cmp(&at)).is_le()
                })
            }
            None => 0,
        },
    };
    let start = start.min(total);
    let end = start.saturating_add(size).min(total);
    let mut page = Page { total, size, offset: start, ..Page::default() };
    if end < total
        && let Some((place, at, last)) = end.checked_sub(1).and_then(|last| all.get(last))
    {
        let next = match kind {
            PaginationKind::Page => (start / size.max(1) + 1 + first).to_string(),
            PaginationKind::Offset => (end + first).to_string(),
            PaginationKind::Keyset => last.value.get(key).map(text).unwrap_or_default(),
            _ => URL_SAFE_NO_PAD.encode(json!([place, at]).to_string()),
        };
        page.mark = Some(next.clone().into());
        page.next = Some((param.to_owned(), next));
    }
    page.records = all.into_iter().skip(start).take(end - start).map(|(_, _, record)| record).collect();
    Ok(page)
}

/// The parameter that a link to the next page carries, and how it is read.
fn mover<'e>(endpoint: &'e Endpoint, paging: &'e Pagination) -> (&'e str, PaginationKind) {
    if let Some(param) = paging.param.as_deref() {
        return (param, PaginationKind::Cursor);
    }
    const NAMES: [(&str, PaginationKind); 6] = [
        ("page", PaginationKind::Page),
        ("page_number", PaginationKind::Page),
        ("offset", PaginationKind::Offset),
        ("skip", PaginationKind::Offset),
        ("$skip", PaginationKind::Offset),
        ("cursor", PaginationKind::Cursor),
    ];
    let described = |name: &str| endpoint.parameter(Location::Query, name).is_some();
    NAMES.into_iter().find(|(name, _)| described(name)).unwrap_or(("cursor", PaginationKind::Cursor))
}

fn unmark(cursor: &str) -> Option<(String, u64)> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

/// Where the records after that key begin. The record itself may be gone: ids that count tell the place anyway.
fn after_key(all: &[Listed], key: &str, last: &str) -> Option<usize> {
    let own = |record: &Record| record.value.get(key).map(text);
    if let Some(at) = all.iter().position(|(_, _, record)| own(record).as_deref() == Some(last)) {
        return Some(at + 1);
    }
    let last: i64 = last.parse().ok()?;
    let number = |record: &Record| own(record).and_then(|key| key.parse::<i64>().ok());
    Some(
        all.iter()
            .position(|(_, _, record)| number(record).is_some_and(|own| own > last))
            .unwrap_or(all.len()),
    )
}

impl Page {
    /// The address of the next page, from the one that was called.
    pub(super) fn next_url(&self, origin: &str, path: &str, query: &str) -> Option<String> {
        let (name, value) = self.next.as_ref()?;
        let others = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known != name);
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.extend_pairs(others).append_pair(name, value);
        Some(format!("{origin}{path}?{}", pairs.finish()))
    }

    /// Writes into an envelope what it says about the page.
    pub(super) fn tell(
        &self,
        schemas: &Schemas,
        endpoint: &Endpoint,
        envelope: &mut Value,
        root: Option<SchemaId>,
        next_url: Option<&str>,
    ) {
        let mut put = |path: Option<&str>, value: Option<Value>| {
            let Some(path) = path else { return };
            let field = root.and_then(|root| schemas.field(root, path));
            let schema = field.as_ref().and_then(|field| schemas.get(field.schema));
            let nullable = schema.is_none_or(|schema| schema.nullable() || schema.types.is_any());
            match value {
                // A number where the description has a text, and the other way round.
                Some(Value::Number(number))
                    if schema.is_some_and(|schema| schema.types.single() == Some(Type::String)) =>
                {
                    set(envelope, path, Some(number.to_string().into()));
                }
                Some(value) => set(envelope, path, Some(value)),
                None if nullable => set(envelope, path, Some(Value::Null)),
                None if field.is_some_and(|field| field.required) => set(envelope, path, Some("".into())),
                None => set(envelope, path, None),
            }
        };
        let Some(paging) = endpoint.pagination.as_deref() else { return };
        match paging.kind {
            PaginationKind::NextUrl => put(paging.from.as_deref(), next_url.map(Value::from)),
            PaginationKind::Cursor => put(paging.from.as_deref(), self.mark.clone()),
            _ => {}
        }
        put(paging.has_more.as_deref(), paging.has_more.is_some().then(|| self.next.is_some().into()));
        put(paging.total.as_deref(), paging.total.is_some().then(|| self.total.into()));
        let pages = self.total.div_ceil(self.size.max(1));
        put(paging.total_pages.as_deref(), paging.total_pages.is_some().then(|| pages.into()));
        // There is no way back here, so nothing must say that there is one.
        let back = [
            "prev",
            "previous",
            "prev_url",
            "previous_url",
            "prevUrl",
            "previousUrl",
            "prev_page",
            "previousPage",
        ];
        let ways = ["", "paging.", "pagination.", "meta.", "links.", "_links."]
            .iter()
            .flat_map(|way| back.iter().map(move |name| format!("{way}{name}")));
        for way in ways.filter(|way| root.is_some_and(|root| schemas.field(root, way).is_some())) {
            put(Some(&way), None);
        }
        self.echo(paging, envelope, 0);
    }

    /// Many envelopes say again what was asked for.
    fn echo(&self, paging: &Pagination, envelope: &mut Value, depth: usize) {
        let Value::Object(map) = envelope else { return };
        let last = |path: &Option<Box<str>>| {
            path.as_deref().and_then(|path| path.rsplit('.').next()).map(str::to_owned)
        };
        let told: Vec<String> = [&paging.from, &paging.has_more, &paging.total, &paging.total_pages]
            .into_iter()
            .filter_map(last)
            .collect();
        for (name, value) in map.iter_mut() {
            let plain: String =
                name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
            if value.is_number() && !told.contains(name) {
                let number = match plain.as_str() {
                    "page" | "pagenumber" | "currentpage" | "pageindex" => {
                        self.offset / self.size.max(1)
                            + usize::try_from(paging.first.unwrap_or(1)).unwrap_or(1)
                    }
                    "perpage" | "pagesize" | "limit" | "size" | "itemsperpage" | "maxresults" => self.size,
                    "offset" | "skip" | "start" | "startindex" | "startat" => self.offset,
                    "count" | "returned" => self.records.len(),
                    "total" | "totalcount" | "totalresults" | "totalitems" => self.total,
                    _ => continue,
                };
                *value = number.into();
            } else if depth == 0 && value.is_object() {
                self.echo(paging, value, depth + 1);
            }
        }
    }
}

/// Puts a value at a path of plain steps, or takes away what is there.
pub(super) fn set(root: &mut Value, path: &str, value: Option<Value>) {
    let Some(steps) = parse_path(path) else { return };
    let mut at = root;
    let mut steps = steps.into_iter().peekable();
    while let Some(Step::Key(key)) = steps.next() {
        if !at.is_object() {
            *at = json!({});
        }
        let Value::Object(map) = at else { return };
        if steps.peek().is_none_or(|step| *step == Step::Items) {
            match value {
                Some(value) => drop(map.insert(key, value)),
                None => drop(map.remove(&key)),
            }
            return;
        }
        at = map.entry(key).or_insert_with(|| json!({}));
    }
    // The path is the root itself.
    if let Some(value) = value {
        *at = value;
    }
}

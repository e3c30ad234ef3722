//! From page to page, for every way of paging; and noticing when pages end that should not.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::super::json::{find, find_value, plain};
use super::super::keys::hash;
use super::position::PageState;
use super::request::ReadRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{Pagination, Value};
use crate::net::{HeaderMap, Url};

/// Leads through the pages of one list.
#[derive(Debug)]
pub(super) struct Pager<'s> {
    paging: &'s Pagination,
    max_pages: u64,
    /// What led to the pages so far; a cursor that comes again leads in a circle.
    seen: HashSet<String>,
    /// The records of the page before.
    before: HashSet<String>,
    before_len: usize,
}

/// A page that was read.
pub(super) struct PageFacts<'a> {
    pub(super) document: Option<&'a RawValue>,
    pub(super) headers: &'a HeaderMap,
    pub(super) url: &'a Url,
    pub(super) records: &'a [&'a RawValue],
}

/// What comes after a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// The next page; `None` at the end.
    pub(super) next: Option<PageState>,
    /// Which of the page's records came with the page before already.
    pub(super) repeated: Vec<bool>,
    /// How many records there are in all, if the source says so.
    pub(super) total: Option<u64>,
}

impl<'s> Pager<'s> {
    pub(super) fn new(paging: &'s Pagination, max_pages: u64) -> Self {
        Self { paging, max_pages, seen: HashSet::new(), before: HashSet::new(), before_len: 0 }
    }

    /// Puts into a request what leads to a page.
    pub(super) fn apply(&self, page: &PageState, request: &mut ReadRequest) -> Result<()> {
        let at = page.at.as_deref();
        match self.paging {
            Pagination::None(_) => {}
            Pagination::Offset(how) => {
                let first = how.start.to_string();
                request.set(how.place, &how.param, at.unwrap_or(&first));
                if let Some(param) = &how.size_param {
                    request.set(how.place, param, &how.size.to_string());
                }
            }
            Pagination::Page(how) => {
                let first = how.start.to_string();
                request.set(how.place, &how.param, at.unwrap_or(&first));
                if let (Some(param), Some(size)) = (&how.size_param, how.size) {
                    request.set(how.place, param, &size.to_string());
                }
            }
            Pagination::Cursor(how) => {
                if let Some(at) = at {
                    request.set(how.place, &how.param, at);
                }
                if let (Some(param), Some(size)) = (&how.size_param, how.size) {
                    request.set(how.place, param, &size.to_string());
                }
            }
            Pagination::Keyset(how) => {
                if let Some(at) = at {
                    request.set(how.place, &how.param, at);
                }
                if let (Some(param), Some(size)) = (&how.size_param, how.size) {
                    request.set(how.place, param, &size.to_string());
                }
            }
            Pagination::LinkHeader(how) => leads_to(at, &how.size_param, how.size, request)?,
            Pagination::NextUrl(how) => leads_to(at, &how.size_param, how.size, request)?,
        }
        Ok(())
    }

    /// Whether nothing at a page after the first means that there is no such page.
    pub(super) fn may_end_with_nothing_there(&self, page: &PageState) -> bool {
        page.pages > 0
            && match self.paging {
                Pagination::Offset(how) => how.total.is_none(),
                Pagination::Page(how) => how.total_pages.is_none(),
                _ => false,
            }
    }

    /// What comes after a page.
    ///
    /// # Errors
    /// If the read looks cut short: then what was read is not all there is.
    pub(super) fn turn(&mut self, page: &PageState, facts: &PageFacts<'_>) -> Result<Turn> {
        let hashes: Vec<String> = facts.records.iter().map(|raw| hash(raw.get().as_bytes())).collect();
        let repeated: Vec<bool> = match self.paging {
            Pagination::Keyset(_) => hashes.iter().map(|hash| self.before.contains(hash)).collect(),
            _ => vec![false; hashes.len()],
        };
        let fresh = repeated.iter().filter(|repeated| !**repeated).count();
        let mut next = PageState {
            at: None,
            pages: page.pages + 1,
            records: page.records + fresh as u64,
            was_full: page.was_full,
        };
        let number = |path: &Option<crate::mapping::FieldPath>| {
            let value = find_value(facts.document?, path.as_ref()?)?;
            plain(&value)?.parse::<u64>().ok()
        };
        let len = facts.records.len() as u64;
        let all_before = !hashes.is_empty()
            && hashes.len() == self.before_len
            && hashes.iter().all(|hash| self.before.contains(hash));
        let mut total = None;
        next.at = match self.paging {
            Pagination::None(_) => None,
            Pagination::Offset(how) => {
                total = number(&how.total);
                if all_before {
                    return Err(again(&how.param, page));
                }
                next.was_full |= len >= how.size;
                let at = page.at.as_deref().map_or(Ok(how.start), str::parse).map_err(|_| stale(page))?;
                match total {
                    Some(total) if next.records >= total => None,
                    Some(total) if len == 0 => return Err(missing(next.records, total)),
                    Some(_) => Some((at + len).to_string()),
                    None if len == 0 || (next.was_full && len < how.size) => None,
                    None => Some((at + len).to_string()),
                }
            }
            Pagination::Page(how) => {
                if all_before {
                    return Err(again(&how.param, page));
                }
                next.was_full |= how.size.is_some_and(|size| len >= size);
                let at = page.at.as_deref().map_or(Ok(how.start), str::parse).map_err(|_| stale(page))?;
                match number(&how.total_pages) {
                    Some(pages) if next.pages >= pages => None,
                    Some(pages) if len == 0 => {
                        return Err(cut_short("a page in the middle is empty")
                            .with("page", at)
                            .with("pages", pages));
                    }
                    Some(_) => Some((at + 1).to_string()),
                    None if len == 0 => None,
                    None if next.was_full && how.size.is_some_and(|size| len < size) => None,
                    None => Some((at + 1).to_string()),
                }
            }
            Pagination::Cursor(how) => {
                let cursor = facts
                    .document
                    .and_then(|document| find_value(document, &how.from))
                    .and_then(|value| plain(&value))
                    .filter(|cursor| !cursor.is_empty() && cursor != "false");
                let more = how
                    .has_more
                    .as_ref()
                    .and_then(|path| find_value(facts.document?, path))
                    .and_then(|value| value.as_bool());
                match (more, cursor) {
                    (Some(false), _) | (None, None) => None,
                    (Some(true), None) => {
                        return Err(cut_short("the answer says that there is more, and gives no cursor")
                            .with("cursor", &how.from));
                    }
                    (_, Some(cursor)) => Some(self.once(cursor)?),
                }
            }
            Pagination::LinkHeader(how) => {
                let links = facts.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
                match links.flat_map(links_of).find(|(_, rels)| rels.iter().any(|rel| *rel == how.rel)) {
                    Some((target, _)) => Some(self.leads(target, facts.url)?),
                    None => None,
                }
            }
            Pagination::NextUrl(how) => {
                let target = facts
                    .document
                    .and_then(|document| find_value(document, &how.from))
                    .and_then(|value| value.as_str().map(str::to_owned))
                    .filter(|target| !target.is_empty());
                match target {
                    Some(target) => Some(self.leads(&target, facts.url)?),
                    None => None,
                }
            }
            Pagination::Keyset(how) => {
                let full = how.size.map_or(len > 0, |size| len >= size);
                let value = |raw: &&RawValue| find(raw, &how.field).map(|found| found.get().to_owned());
                let values: Vec<Option<String>> = facts.records.iter().map(value).collect();
                if let Some(at) = values.iter().position(|value| value.as_deref().is_none_or(|v| v == "null"))
                {
                    return Err(cut_short("a record lacks the field that leads to the next page")
                        .with("field", &how.field)
                        .with("record", at + 1));
                }
                let last = values.last().cloned().flatten();
                let earlier = values.iter().rev().flatten().find(|value| Some(*value) != last.as_ref());
                match (last, earlier) {
                    (None, _) => None,
                    _ if how.size.is_some() && !full => None,
                    _ if fresh == 0 && (self.before_len <= 1 || facts.records.len() < self.before_len) => {
                        None
                    }
                    _ if fresh == 0 => {
                        return Err(cut_short(
                            "the page came again: more records have one value than fit a page",
                        )
                        .with("field", &how.field)
                        .help("raise the page size, or page by a field that is different in each record"));
                    }
                    // From the value before the last: records that have the last value too may follow, and APIs differ
                    // in whether the value itself is included.
                    (Some(_), Some(earlier)) => Some(unquoted(earlier)),
                    (Some(last), None) if facts.records.len() == 1 && how.size != Some(1) => {
                        Some(unquoted(&last))
                    }
                    (Some(_), None) => {
                        return Err(cut_short("a whole page has one value, so nothing leads past it")
                            .with("field", &how.field)
                            .help(
                                "raise the page size, or page by a field that is different in each record",
                            ));
                    }
                }
            }
        };
        self.before_len = hashes.len();
        self.before = hashes.into_iter().collect();
        if next.at.is_some() && next.pages >= self.max_pages {
            return Err(cut_short("there are more pages than are read at most")
                .with("pages", next.pages)
                .help("raise --max-pages if the source really is that large; else it leads in a circle"));
        }
        let next = next.at.is_some().then_some(next);
        Ok(Turn { next, repeated, total })
    }

    /// A cursor that was not there before.
    fn once(&mut self, cursor: String) -> Result<String> {
        if !self.seen.insert(hash(cursor.as_bytes())) {
            return Err(cut_short("the source gave a cursor again that it had given before"));
        }
        Ok(cursor)
    }

    fn leads(&mut self, target: &str, from: &Url) -> Result<String> {
        let url = from.join(target).map_err(|error| {
            cut_short("what leads to the next page is not a URL").with("reason", error.to_string())
        })?;
        if url == *from {
            return Err(cut_short("the next page is the page itself"));
        }
        self.once(url.into())
    }
}

fn leads_to(
    at: Option<&str>,
    param: &Option<String>,
    size: Option<u64>,
    request: &mut ReadRequest,
) -> Result<()> {
    match at {
        Some(at) => request.url = Url::parse(at).map_err(|_| stale(&PageState::default()))?,
        None => {
            if let (Some(param), Some(size)) = (param, size) {
                request.set(crate::mapping::ParamPlace::Query, param, &size.to_string());
            }
        }
    }
    Ok(())
}

/// The targets and relations of a header `Link`.
fn links_of(header: &str) -> Vec<(&str, Vec<&str>)> {
    let mut links = Vec::new();
    let mut rest = header;
    while let Some(open) = rest.find('<') {
        let Some(close) = rest[open..].find('>').map(|at| open + at) else { break };
        let target = &rest[open + 1..close];
        let after = &rest[close + 1..];
        // The parameters go up to the next link.
        let end =
            after.find(",").filter(|at| after[at + 1..].trim_start().starts_with('<')).unwrap_or(after.len());
        let rels = after[..end]
            .split(';')
            .filter_map(|part| part.trim().strip_prefix("rel"))
            .filter_map(|rest| rest.trim_start().strip_prefix('='))
            .flat_map(|rels| rels.trim().trim_matches('"').split_whitespace())
            .collect();
        links.push((target, rels));
        rest = &after[end..];
    }
    links
}

/// A value's JSON as a parameter's text.
fn unquoted(json: &str) -> String {
    match json.parse::<Value>() {
        Ok(value) => plain(&value).unwrap_or_else(|| json.to_owned()),
        Err(_) => json.to_owned(),
    }
}

/// The error of a read that did not see everything.
pub(super) fn cut_short(message: &'static str) -> Error {
    Error::new(ErrorKind::Unreachable, message)
        .permanent()
        .in_operation("sync.read")
        .help("the read is not complete; correct `pagination` of the mapping's source")
}

fn missing(read: u64, total: u64) -> Error {
    cut_short("the source says that there are more records than it gave")
        .with("read", read)
        .with("total", total)
}

fn again(param: &str, page: &PageState) -> Error {
    cut_short("the same page came again: the source doesn't heed the parameter")
        .with("param", param)
        .with("page", page.pages + 1)
}

fn stale(page: &PageState) -> Error {
    Error::new(ErrorKind::Conflict, "the position that was kept doesn't fit the way of paging")
        .permanent()
        .in_operation("sync.read")
        .with("position", page.at.as_deref().unwrap_or_default())
        .help("the mapping's pagination was changed in the middle of a read: start anew with --reset")
}

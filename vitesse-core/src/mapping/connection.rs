//! Checks of the blocks `source` and `destination`.

use super::document::{Destination, Mapping, Pagination, ResponseRule, Source, SourceKind};
use super::functions::Functions;
use super::predicate::Predicate;
use super::{FieldPath, Problem, Value};
use crate::error::did_you_mean;

pub(super) fn check(mapping: &Mapping, functions: &Functions, problems: &mut Vec<Problem>) {
    if let Some(source) = &mapping.source {
        check_source(source, functions, problems);
    }
    if let Some(destination) = &mapping.destination {
        check_destination(destination, mapping, functions, problems);
    }
}

fn check_source(source: &Source, functions: &Functions, problems: &mut Vec<Problem>) {
    match source.kind {
        SourceKind::Http => {
            check_base(&source.base_url, "/source/base_url", problems);
            check_path(&source.path, "/source/path", problems);
        }
        SourceKind::File if source.file.as_ref().is_none_or(|file| file.path == "-") => {
            let help = "name it: \"file\": {\"path\": \"records.ndjson\"}";
            problems.push(Problem::new("/source/file", "a source of type file names no file").help(help));
        }
        SourceKind::File | SourceKind::Stdin => {}
    }
    let size = match &source.pagination {
        Pagination::Offset(pages) => Some(pages.size),
        Pagination::Page(pages) => pages.size,
        Pagination::Cursor(pages) => pages.size,
        Pagination::LinkHeader(pages) => pages.size,
        Pagination::NextUrl(pages) => pages.size,
        Pagination::Keyset(pages) => pages.size,
        Pagination::None(_) => None,
    };
    if size == Some(0) {
        problems.push(Problem::new("/source/pagination/size", "a page of 0 records never ends"));
    }
    if let Some(limit) = &source.rate_limit {
        check_rate(limit.requests, limit.per.is_zero(), "/source/rate_limit", problems);
    }
    if let Some(parent) = &source.parent {
        check_path(&parent.path, "/source/parent/path", problems);
        for (name, field) in parent.params.iter() {
            let pointer = format!("/source/parent/params/{name}");
            if !source.path.contains(&format!("{{{name}}}")) {
                let help = format!("write {{{name}}} where it belongs in /source/path");
                problems.push(Problem::new(&pointer, "the source's path has no such place").help(help));
            }
            if field.as_str().is_none_or(|text| text.parse::<FieldPath>().is_err()) {
                problems.push(Problem::new(pointer, "a path of the parent's field was expected"));
            }
        }
    }
    if let Some(deleted) = &source.deleted {
        Predicate::new(deleted, "/source/deleted", functions, problems);
    }
    check_rules(&source.responses, "/source/responses", functions, problems);
}

fn check_destination(
    destination: &Destination,
    mapping: &Mapping,
    functions: &Functions,
    problems: &mut Vec<Problem>,
) {
    if let Some(file) = &destination.file {
        if file.path.is_empty() {
            problems.push(Problem::new("/destination/file/path", "the file has no name"));
        }
        return;
    }
    check_base(&destination.base_url, "/destination/base_url", problems);
    let operations = &destination.operations;
    let single = [
        ("create", &operations.create),
        ("find", &operations.find),
        ("update", &operations.update),
        ("upsert", &operations.upsert),
        ("delete", &operations.delete),
    ];
    for (name, operation) in single {
        if let Some(operation) = operation {
            check_path(&operation.path, &format!("/destination/operations/{name}/path"), problems);
        }
    }
    if let Some(bulk) = &operations.bulk {
        check_path(&bulk.path, "/destination/operations/bulk/path", problems);
    }
    let writes = operations.create.is_some()
        || operations.update.is_some()
        || operations.upsert.is_some()
        || operations.bulk.is_some();
    if !writes {
        let help = "add create, update, upsert or bulk";
        problems.push(Problem::new("/destination/operations", "no operation writes records").help(help));
    }
    if operations.find.is_some() && destination.match_on.is_empty() {
        let help = "name the fields that together name a record: \"match_on\": [\"email\"]";
        problems.push(Problem::new("/destination/match_on", "find needs fields to look for").help(help));
    }
    let written: Vec<(&FieldPath, String)> = mapping
        .transformations
        .iter()
        .filter(|line| line.enabled)
        .map(|line| (&line.dest_field, line.dest_field.to_string()))
        .collect();
    for (at, field) in destination.match_on.iter().enumerate() {
        if !written.iter().any(|(path, _)| path.contains(field)) {
            let text = field.to_string();
            let near = did_you_mean(&text, written.iter().map(|(_, text)| text.as_str()));
            let problem =
                Problem::new(format!("/destination/match_on/{at}"), format!("no line writes {text:?}"));
            problems.push(problem.maybe_help(near));
        }
    }
    if let Some(batch) = &destination.batch
        && (batch.records == 0 || batch.bytes == Some(0))
    {
        problems.push(Problem::new("/destination/batch", "a batch holds at least 1"));
    }
    if let Some(limit) = &destination.rate_limit {
        check_rate(limit.requests, limit.per.is_zero(), "/destination/rate_limit", problems);
    }
    check_rules(&destination.responses, "/destination/responses", functions, problems);
}

fn check_base(base: &str, pointer: &str, problems: &mut Vec<Problem>) {
    if !base.starts_with("https://") && !base.starts_with("http://") {
        let help = "it starts with https:// or http://";
        problems.push(Problem::new(pointer, "an address was expected").help(help));
    }
}

fn check_path(path: &str, pointer: &str, problems: &mut Vec<Problem>) {
    if !path.starts_with('/') {
        problems.push(Problem::new(pointer, "a path starts with /"));
    }
}

fn check_rate(requests: u64, never: bool, pointer: &str, problems: &mut Vec<Problem>) {
    if requests == 0 || never {
        problems.push(Problem::new(pointer, "a limit of nothing never lets a request through"));
    }
}

fn check_rules(rules: &[ResponseRule], pointer: &str, functions: &Functions, problems: &mut Vec<Problem>) {
    for (at, rule) in rules.iter().enumerate() {
        let pointer = format!("{pointer}/{at}/when");
        let when = &rule.when;
        if when.status.is_none() && when.header.is_none() && when.body.is_none() {
            let help = "give a status, a header or a condition for the body";
            problems.push(Problem::new(&pointer, "the rule is for every answer").help(help));
        }
        let statuses = match &when.status {
            Some(Value::Array(statuses)) => statuses.as_slice(),
            Some(status) => std::slice::from_ref(status),
            None => &[],
        };
        for status in statuses.iter().filter(|status| !is_status(status)) {
            let help = "write a number like 409, a class like \"4xx\", or a list of them";
            problems
                .push(Problem::new(format!("{pointer}/status"), format!("{status} is no status")).help(help));
        }
        if let Some(pattern) = &when.header_matches {
            if let Err(error) = regex_lite::Regex::new(pattern) {
                problems.push(Problem::new(format!("{pointer}/header_matches"), error.to_string()));
            }
            if when.header.is_none() {
                let message = "the pattern is for no header";
                problems
                    .push(Problem::new(format!("{pointer}/header_matches"), message).help("name the header"));
            }
        }
        if let Some(body) = &when.body {
            Predicate::new(body, &format!("{pointer}/body"), functions, problems);
        }
    }
}

fn is_status(status: &Value) -> bool {
    match status {
        Value::Number(number) => number.as_u64().is_some_and(|code| (100..600).contains(&code)),
        Value::String(class) => matches!(class.as_bytes(), [b'1'..=b'5', b'x', b'x']),
        _ => false,
    }
}

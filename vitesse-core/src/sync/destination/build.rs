//! From records to the request that writes them.

use super::super::clock::now;
use super::super::decide::Work;
use super::super::json::plain;
use super::super::keys::key;
use super::super::source::{fill, put, segment};
use super::super::state::{Entry, Intent, Member, WriteKind};
use super::super::stream::Stream;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{BodyFormat, FieldPath, Operation, Value, value, value::Object};
use crate::net::Url;

/// What was decided to do with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sync) struct Draft {
    pub(in crate::sync) kind: WriteKind,
    /// The record's id at the destination, if it is there.
    pub(in crate::sync) dest_id: Option<String>,
    /// Nothing is sent: what is there is taken for it.
    pub(in crate::sync) adopted: bool,
}

impl Draft {
    pub(in crate::sync) fn new(kind: WriteKind, dest_id: Option<String>) -> Self {
        Self { kind, dest_id, adopted: false }
    }

    pub(in crate::sync) fn adopted(id: String) -> Self {
        Self { kind: WriteKind::Update, dest_id: Some(id), adopted: true }
    }
}

/// Builds the request for records that go together. Several only for bulk writes.
pub(in crate::sync) fn build(
    stream: &Stream,
    kind: WriteKind,
    works: &[(Work, Entry, Option<String>)],
) -> Result<Intent> {
    let bulk = matches!(kind, WriteKind::Bulk | WriteKind::BulkUpsert);
    let members: Vec<Member> = works
        .iter()
        .map(|(work, entry, dest_id)| {
            let key = key_of(stream, kind, work, entry);
            let before =
                Entry { dest_id: dest_id.clone().or_else(|| entry.dest_id.clone()), ..entry.clone() };
            Member {
                id: work.id.clone(),
                hash: work.hash.clone(),
                key: Some(key),
                source: String::from_utf8_lossy(&work.source).into_owned(),
                made: work.made.clone(),
                before,
            }
        })
        .collect();
    let keys = members.iter().filter_map(|member| member.key.as_deref());
    let request_key = match &members[..] {
        [one] if !bulk => one.key.clone().unwrap_or_default(),
        _ => key(keys),
    };
    let missing = || {
        Error::new(ErrorKind::MappingInvalid, format!("the destination has no operation {}", kind.name()))
            .in_operation("sync.write")
    };
    let operations = &stream.dest.operations;
    let single = match kind {
        WriteKind::Create => operations.create.as_ref(),
        WriteKind::Update => operations.update.as_ref(),
        WriteKind::Upsert => operations.upsert.as_ref(),
        WriteKind::Delete => operations.delete.as_ref(),
        WriteKind::Bulk | WriteKind::BulkUpsert => None,
    };
    let (method, target, headers, body) = if bulk {
        let bulk = operations.bulk.as_ref().ok_or_else(missing)?;
        let mut records = Vec::with_capacity(members.len());
        for member in &members {
            records.push(with_key(stream, member)?);
        }
        let body = match bulk.format {
            BodyFormat::Ndjson => records.iter().map(|record| format!("{record}\n")).collect(),
            _ => wrapped(Value::Array(records), bulk.wrap.as_ref(), &bulk.body).to_string(),
        };
        let target = with_query(bulk.path.clone(), &bulk.params, |_| None)?;
        (bulk.method.clone(), target, &bulk.headers, Some((bulk.format, body)))
    } else {
        let operation = single.ok_or_else(missing)?;
        let member = members.first().ok_or_else(missing)?;
        let record = with_key(stream, member)?;
        let target = target(operation, &record, member.before.dest_id.as_deref())?;
        let body = (kind != WriteKind::Delete).then(|| {
            let body = wrapped(record, operation.wrap.as_ref(), &operation.body);
            let text = match operation.format {
                BodyFormat::Json => body.to_string(),
                BodyFormat::Ndjson => format!("{body}\n"),
                BodyFormat::Form => form(&body),
            };
            (operation.format, text)
        });
        (operation.method.clone(), target, &operation.headers, body)
    };
    let headers = stream
        .dest
        .headers
        .iter()
        .filter(|(name, _)| !headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)))
        .chain(headers.iter())
        .filter_map(|(name, value)| Some((name.to_owned(), plain(value)?)))
        .collect();
    let content_type = match body.as_ref().map(|(format, _)| *format) {
        None => "",
        Some(BodyFormat::Json) => "application/json",
        Some(BodyFormat::Form) => "application/x-www-form-urlencoded",
        Some(BodyFormat::Ndjson) => "application/x-ndjson",
    };
    Ok(Intent {
        key: request_key,
        kind,
        method,
        target,
        headers,
        content_type: content_type.into(),
        body: body.map(|(_, text)| text),
        members,
        at: now(),
        mapping: stream.mapping_hash.clone(),
    })
}

/// A request's path and query, filled from the record and its id.
pub(super) fn target(operation: &Operation, record: &Value, dest_id: Option<&str>) -> Result<String> {
    let value_of = |name: &str| match name {
        "id" if dest_id.is_some() => dest_id.map(|id| plain_id(id).to_owned()),
        field => {
            let path: FieldPath = field.parse().ok()?;
            path.find(record).and_then(plain)
        }
    };
    let path = fill(&operation.path, |name| value_of(name).map(|value| segment(&value)))?;
    with_query(path, &operation.params, value_of)
}

fn with_query(path: String, params: &Object, value_of: impl Fn(&str) -> Option<String>) -> Result<String> {
    if params.is_empty() {
        return Ok(path);
    }
    let mut url =
        Url::parse("http://x/").map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
    for (name, value) in params.iter() {
        let text = match value {
            Value::String(template) => fill(template, &value_of)?,
            other => plain(other).unwrap_or_else(|| other.to_string()),
        };
        url.query_pairs_mut().append_pair(name, &text);
    }
    let joint = if path.contains('?') { '&' } else { '?' };
    Ok(format!("{path}{joint}{}", url.query().unwrap_or_default()))
}

/// The idempotency key. A create's names the record; an update's also its content and how often the record was
/// written before, since a record may come back to what it was.
fn key_of(stream: &Stream, kind: WriteKind, work: &Work, entry: &Entry) -> String {
    let (generation, version) = (entry.generation.to_string(), entry.version.to_string());
    let record = [stream.integration.as_str(), stream.name.as_str(), work.id.as_str()];
    match kind {
        WriteKind::Create | WriteKind::Bulk => {
            let mut parts = record.to_vec();
            if entry.generation > 0 {
                parts.push(&generation);
            }
            // What was refused had no effect, and some destinations give the refusal again for the same key.
            if entry.letter.as_ref().is_some_and(|letter| letter.refused && letter.hash != work.hash) {
                parts.push(&work.hash);
            }
            key(parts)
        }
        WriteKind::Delete => key(record.into_iter().chain(["delete", generation.as_str()])),
        WriteKind::Update | WriteKind::Upsert | WriteKind::BulkUpsert => {
            key(record.into_iter().chain([work.hash.as_str(), generation.as_str(), version.as_str()]))
        }
    }
}

/// The record, with its key in it where the destination wants it there.
fn with_key(stream: &Stream, member: &Member) -> Result<Value> {
    let mut record = value::read(member.made.as_bytes()).map_err(|error| {
        Error::new(ErrorKind::Internal, "what the mapping made is not JSON").source(Error::from(error))
    })?;
    if let Some(field) = stream.dest.idempotency.as_ref().and_then(|how| how.field.as_ref())
        && let Some(key) = &member.key
    {
        put(&mut record, field.steps(), key.as_str().into());
    }
    Ok(record)
}

fn wrapped(record: Value, wrap: Option<&FieldPath>, extra: &Object) -> Value {
    let mut body = match wrap {
        None if extra.is_empty() => return record,
        None => record,
        Some(path) => {
            let mut body = Value::Null;
            put(&mut body, path.steps(), record);
            body
        }
    };
    if let Value::Object(object) = &mut body {
        for (name, value) in extra.iter() {
            object.insert(name, value.clone());
        }
    }
    body
}

/// Fields as a form has them: `a[b]=1`, `tags[]=x`.
fn form(body: &Value) -> String {
    fn add(name: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| {
                let name = if name.is_empty() { key.to_owned() } else { format!("{name}[{key}]") };
                add(&name, value, pairs);
            }),
            Value::Array(items) => items.iter().for_each(|item| add(&format!("{name}[]"), item, pairs)),
            other => pairs.push((name.to_owned(), plain(other).unwrap_or_default())),
        }
    }
    let mut pairs = Vec::new();
    add("", body, &mut pairs);
    let encode = |text: &str| segment(text).replace("%20", "+");
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// An id of the destination as the state writes it: whether it was a number is kept.
pub(super) fn kept_id(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(format!("n:{number}")),
        Value::String(text) if text.is_empty() => None,
        Value::String(text) if text.starts_with("n:") || text.starts_with("s:") => Some(format!("s:{text}")),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn plain_id(kept: &str) -> &str {
    kept.strip_prefix("n:").or_else(|| kept.strip_prefix("s:")).unwrap_or(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_type_and_paths_their_segments() {
        let number: Value = "7".parse().unwrap();
        assert_eq!(kept_id(&number).as_deref(), Some("n:7"));
        assert_eq!(plain_id("n:7"), "7");
        assert_eq!(plain_id(&kept_id(&"n:7".into()).unwrap()), "n:7");
        let operation = Operation {
            path: "/x/{id}/{a.b}".into(),
            params: [("email", "{mail}"), ("fixed", "1")].into_iter().collect(),
            ..Operation::default()
        };
        let record: Value = r#"{"a": {"b": "c/d"}, "mail": "a+b@x.de"}"#.parse().unwrap();
        let target = target(&operation, &record, Some("n:7")).unwrap();
        assert_eq!(target, "/x/7/c%2Fd?email=a%2Bb%40x.de&fixed=1");
    }

    #[test]
    fn bodies_are_wrapped_and_written_as_forms() {
        let record: Value = r#"{"a": 1, "t": ["x", "y"], "o": {"p": null}}"#.parse().unwrap();
        assert_eq!(form(&record), "a=1&t%5B%5D=x&t%5B%5D=y&o%5Bp%5D=");
        let extra = [("kind", "c")].into_iter().collect();
        let body = wrapped("r".into(), Some(&"data.item".parse().unwrap()), &extra);
        assert_eq!(body.to_string(), r#"{"data":{"item":"r"},"kind":"c"}"#);
    }
}

//! Bodies of requests: read by their media type, judged by its schema.

use serde_json::Value;

use super::answer::{Problem, Wrong};
use super::judge::Judge;
use super::parameter::{Raw, plus, steps, tree, typed};
use crate::spec::{Media, RequestBody, SchemaId};

/// Reads a body. `Ok(None)` if there is none, or none that can be read as a value (files, XML).
pub(super) fn read(
    judge: &Judge,
    described: &RequestBody,
    content_type: Option<&str>,
    body: &[u8],
    wrong: &mut Vec<Wrong>,
) -> Result<Option<Value>, Problem> {
    let whole = |message: &str| Wrong { place: "body", at: String::new(), message: message.to_owned() };
    if body.is_empty() {
        if described.required {
            wrong.push(whole("is missing"));
        }
        return Ok(None);
    }
    let Some(media) = choose(&described.content, content_type) else {
        if described.content.is_empty() {
            return Ok(None);
        }
        let takes: Vec<&str> = described.content.iter().map(|media| &*media.media_type).collect();
        let sent = content_type.unwrap_or("a body without a Content-Type");
        return Err(Problem::new(
            415,
            "Unsupported media type",
            format!("{sent} isn't taken here; send {}", takes.join(" or ")),
        ));
    };
    let sent = essence(content_type.unwrap_or(&media.media_type));
    let value = if sent.ends_with("/json") || sent.ends_with("+json") {
        Some(serde_json::from_slice(body).map_err(|error| {
            Problem::new(400, "Malformed request", format!("the body is not JSON: {error}"))
        })?)
    } else if sent == "application/x-www-form-urlencoded" {
        Some(form(judge, media, body))
    } else if sent == "multipart/form-data" {
        let boundary = content_type.and_then(boundary).ok_or_else(|| {
            Problem::new(400, "Malformed request", "the Content-Type of a multipart body names no boundary")
        })?;
        Some(multipart(judge, media, body, &boundary))
    } else if sent.starts_with("text/") && sent != "text/xml" {
        Some(Value::String(String::from_utf8_lossy(body).into_owned()))
    } else {
        None
    };
    if let (Some(value), Some(schema)) = (&value, media.schema) {
        wrong.extend(judge.wrong(schema, value, "body", ""));
    }
    Ok(value)
}

/// The media type without its parameters, in lower case.
pub(super) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The form of body that a Content-Type means; without one, the first.
fn choose<'m>(content: &'m [Media], content_type: Option<&str>) -> Option<&'m Media> {
    let Some(sent) = content_type.map(essence).filter(|sent| !sent.is_empty()) else {
        return Media::preferred(content);
    };
    let kind = format!("{}/*", sent.split('/').next().unwrap_or_default());
    content
        .iter()
        .find(|media| essence(&media.media_type) == sent)
        .or_else(|| content.iter().find(|media| essence(&media.media_type) == kind))
        .or_else(|| content.iter().find(|media| essence(&media.media_type) == "*/*"))
}

fn form(judge: &Judge, media: &Media, body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (plus(name), plus(value))
    });
    fields(judge, media, pairs)
}

/// Named values as one object: `a[b]` are nested, and parts that are JSON are read as such.
fn fields(judge: &Judge, media: &Media, pairs: impl Iterator<Item = (String, String)>) -> Value {
    let mut json = Vec::new();
    let mut plain = Vec::new();
    for (name, value) in pairs {
        let coded = media.encoding.get(name.as_str()).is_some_and(|kind| kind.contains("json"))
            || is_map(judge, media, &name);
        match serde_json::from_str::<Value>(&value).ok().filter(|_| coded) {
            Some(value) => json.push((name, value)),
            None => {
                let (head, rest) = name.split_at(name.find('[').unwrap_or(name.len()));
                let mut way = vec![head.to_owned()];
                way.extend(steps(rest));
                plain.push((way, value));
            }
        }
    }
    let raw = Raw::Map(tree(plain.into_iter()));
    let mut value = match media.schema {
        Some(schema) => typed(judge, schema, raw),
        None => typed(judge, SchemaId(u32::MAX), raw),
    };
    if let Value::Object(map) = &mut value {
        map.extend(json);
    }
    value
}

/// A field that is an object is written as JSON in a form, unless its parts have names of their own.
fn is_map(judge: &Judge, media: &Media, name: &str) -> bool {
    let schemas = &judge.spec().schemas;
    let property = media.schema.and_then(|id| schemas.get(id)).and_then(|schema| schema.property(name));
    property.is_some_and(|property| {
        super::parameter::kind(schemas, property.schema) == super::parameter::Kind::Map
    })
}

fn boundary(content_type: &str) -> Option<String> {
    let parameter = content_type.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    (!parameter.is_empty()).then_some(parameter)
}

fn multipart(judge: &Judge, media: &Media, body: &[u8], boundary: &str) -> Value {
    let text = String::from_utf8_lossy(body);
    let mark = format!("--{boundary}");
    let parts =
        text.split(mark.as_str()).skip(1).take_while(|part| !part.starts_with("--")).filter_map(|part| {
            let part = part.strip_prefix("\r\n").or_else(|| part.strip_prefix('\n')).unwrap_or(part);
            let (head, content) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n"))?;
            let content =
                content.strip_suffix("\r\n").or_else(|| content.strip_suffix('\n')).unwrap_or(content);
            let line =
                head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition"))?;
            let name = line.split(';').find_map(|part| part.trim().strip_prefix("name="))?;
            Some((name.trim().trim_matches('"').to_owned(), content.to_owned()))
        });
    fields(judge, media, parts)
}

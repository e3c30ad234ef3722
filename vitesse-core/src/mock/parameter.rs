//! Values from path, query, headers and cookies, in every style the descriptions know.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::judge::Judge;
use super::route::decode;
use crate::spec::{Location, Parameter, Schema, SchemaId, Schemas, Style, Type, Types};

/// What a request carries outside its body, as it was written.
#[derive(Debug, Default)]
pub(super) struct Carried<'r> {
    pub(super) path: Vec<(String, String)>,
    /// Names decoded, values not: a delimiter that is escaped doesn't delimit.
    pub(super) query: Vec<(String, &'r str)>,
    pub(super) raw_query: &'r str,
    pub(super) headers: Vec<(&'r str, String)>,
    pub(super) cookies: Vec<(String, String)>,
}

impl<'r> Carried<'r> {
    pub(super) fn new(path: Vec<(String, String)>, query: &'r str, headers: &'r http::HeaderMap) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let cookies = headers.get_all(http::header::COOKIE).iter().map(text).collect::<Vec<_>>().join("; ");
        let cookie = |pair: &str| {
            pair.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        };
        Self {
            path,
            query: pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (plus(name), value))
                .collect(),
            raw_query: query,
            headers: headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect(),
            cookies: cookies.split(';').filter_map(cookie).collect(),
        }
    }

    /// The first value of that name in the query, decoded.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| plus(value))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Decodes as forms are encoded: a plus is a space.
pub(super) fn plus(text: &str) -> String {
    if text.contains('+') { decode(&text.replace('+', "%20")) } else { decode(text) }
}

/// A value before its schema gave it types.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Text(String),
    List(Vec<Raw>),
    Map(BTreeMap<String, Raw>),
}

/// Reads one parameter. `Ok(None)` if the request doesn't carry it, `Err` if it isn't written as its style says.
pub(super) fn read(
    judge: &Judge,
    parameter: &Parameter,
    carried: &Carried<'_>,
) -> Result<Option<Value>, String> {
    let schemas = &judge.spec().schemas;
    if parameter.style == Style::Content {
        return content(parameter, carried);
    }
    let kind = parameter.schema.map_or(Kind::Scalar, |id| kind(schemas, id));
    let raw = match parameter.location {
        Location::Path => carried
            .path
            .iter()
            .find(|(name, _)| *name == *parameter.name)
            .map(|(_, text)| path(parameter, kind, text))
            .transpose()?,
        Location::Query | Location::QueryString => query(schemas, parameter, kind, carried)?,
        Location::Header => carried
            .header(&parameter.name)
            .map(|text| split(text, ",", kind, parameter.explode, str::to_owned)),
        Location::Cookie => {
            carried.cookie(&parameter.name).map(|text| split(text, ",", kind, parameter.explode, decode))
        }
    };
    Ok(raw.map(|raw| match parameter.schema {
        Some(id) => typed(judge, id, raw),
        None => untyped(raw),
    }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    List,
    Map,
}

/// Whether a schema asks for a list, an object or neither; its alternatives are asked too.
pub(super) fn kind(schemas: &Schemas, id: SchemaId) -> Kind {
    let types = types(schemas, id, 0);
    match () {
        () if types.has(Type::Array) => Kind::List,
        () if types.has(Type::Object) => Kind::Map,
        () => Kind::Scalar,
    }
}

/// The types a schema takes, those of its alternatives among them.
fn types(schemas: &Schemas, id: SchemaId, depth: usize) -> Types {
    let Some(schema) = schemas.get(id) else { return Types::ANY };
    if !schema.types.is_any() || depth > 2 {
        return schema.types;
    }
    if !schema.properties.is_empty() {
        return Types::one(Type::Object);
    }
    if schema.items.is_some() {
        return Types::one(Type::Array);
    }
    let inner = schema.one_of.iter().chain(&schema.any_of).map(|id| types(schemas, *id, depth + 1));
    inner.fold(Types::ANY, Types::or)
}

fn content(parameter: &Parameter, carried: &Carried<'_>) -> Result<Option<Value>, String> {
    let text = match parameter.location {
        Location::Path => {
            carried.path.iter().find(|(name, _)| *name == *parameter.name).map(|(_, text)| decode(text))
        }
        Location::Query => carried.query(&parameter.name),
        Location::QueryString => (!carried.raw_query.is_empty()).then(|| plus(carried.raw_query)),
        Location::Header => carried.header(&parameter.name).map(str::to_owned),
        Location::Cookie => carried.cookie(&parameter.name).map(decode),
    };
    let Some(text) = text else { return Ok(None) };
    if parameter.media_type.as_deref().is_some_and(|media| media.contains("json")) {
        return serde_json::from_str(&text).map(Some).map_err(|error| format!("is not JSON: {error}"));
    }
    Ok(Some(Value::String(text)))
}

fn path(parameter: &Parameter, kind: Kind, text: &str) -> Result<Raw, String> {
    Ok(match parameter.style {
        Style::Label => {
            let inner = text.strip_prefix('.').ok_or("is written with a dot before it")?;
            split(inner, if parameter.explode { "." } else { "," }, kind, parameter.explode, decode)
        }
        Style::Matrix => {
            let inner =
                text.strip_prefix(';').ok_or_else(|| format!("is written as ;{}=...", parameter.name))?;
            if parameter.explode && kind != Kind::Scalar {
                let pairs = inner.split(';').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
                return Ok(match kind {
                    Kind::List => Raw::List(pairs.map(|(_, value)| Raw::Text(decode(value))).collect()),
                    _ => Raw::Map(
                        pairs.map(|(name, value)| (decode(name), Raw::Text(decode(value)))).collect(),
                    ),
                });
            }
            let (_, value) = inner
                .split_once('=')
                .filter(|(name, _)| decode(name) == *parameter.name)
                .ok_or_else(|| format!("is written as ;{}=...", parameter.name))?;
            split(value, ",", kind, false, decode)
        }
        _ => split(text, ",", kind, parameter.explode, decode),
    })
}

/// One text into a list or an object; `explode` tells how an object is written: `a=1,b=2`, or `a,1,b,2`.
fn split(text: &str, by: &str, kind: Kind, explode: bool, decode: impl Fn(&str) -> String) -> Raw {
    let items = || text.split(by).map(str::trim);
    match kind {
        Kind::Scalar => Raw::Text(decode(text)),
        Kind::List if text.is_empty() => Raw::List(Vec::new()),
        Kind::List => Raw::List(items().map(|item| Raw::Text(decode(item))).collect()),
        Kind::Map if explode => Raw::Map(
            items()
                .map(|item| item.split_once('=').unwrap_or((item, "")))
                .map(|(name, value)| (decode(name), Raw::Text(decode(value))))
                .collect(),
        ),
        Kind::Map => {
            let all: Vec<&str> = items().collect();
            Raw::Map(
                all.chunks(2)
                    .map(|pair| {
                        (decode(pair[0]), Raw::Text(decode(pair.get(1).copied().unwrap_or_default())))
                    })
                    .collect(),
            )
        }
    }
}

fn query(
    schemas: &Schemas,
    parameter: &Parameter,
    kind: Kind,
    carried: &Carried<'_>,
) -> Result<Option<Raw>, String> {
    let name = &*parameter.name;
    let bracketed = format!("{name}[");
    // Lists are often sent as `name[]=a`, whatever the description calls them.
    let list = name.strip_suffix("[]").unwrap_or(name);
    if parameter.style == Style::DeepObject
        || kind == Kind::Map && carried.query.iter().any(|(n, _)| n.starts_with(&bracketed))
    {
        let inner = carried.query.iter().filter_map(|(known, value)| {
            Some((known.strip_prefix(name).filter(|rest| rest.starts_with('['))?, plus(value)))
        });
        let tree = tree(inner.map(|(rest, value)| (steps(rest), value)));
        return Ok((!tree.is_empty()).then_some(Raw::Map(tree)));
    }
    if kind == Kind::Map && parameter.explode && parameter.style == Style::Form {
        // The object's fields stand in the query by their own names.
        let Some(schema) = parameter.schema.and_then(|id| schemas.get(id)) else { return Ok(None) };
        let own = carried.query.iter().filter(|(known, _)| schema.property(known).is_some());
        let fields: BTreeMap<_, _> =
            own.map(|(known, value)| (known.clone(), Raw::Text(plus(value)))).collect();
        return Ok((!fields.is_empty()).then_some(Raw::Map(fields)));
    }
    let mut values = carried
        .query
        .iter()
        .filter(|(known, _)| known == name || kind == Kind::List && known.strip_suffix("[]") == Some(list))
        .map(|(_, value)| *value);
    let Some(first) = values.next() else { return Ok(None) };
    if kind == Kind::List && parameter.explode {
        let all = std::iter::once(first).chain(values);
        return Ok(Some(Raw::List(all.map(|value| Raw::Text(plus(value))).collect())));
    }
    if values.next().is_some() {
        return Err("is given twice".into());
    }
    Ok(Some(match parameter.style {
        Style::SpaceDelimited => split(&first.replace("%20", " ").replace('+', " "), " ", kind, false, plus),
        Style::PipeDelimited => split(&first.replace("%7C", "|").replace("%7c", "|"), "|", kind, false, plus),
        Style::TabDelimited => split(&first.replace("%09", "\t"), "\t", kind, false, plus),
        _ => split(first, ",", kind, false, plus),
    }))
}

/// `[a][0][b]` as its steps.
pub(super) fn steps(text: &str) -> Vec<String> {
    text.split('[').skip(1).map(|step| step.trim_end_matches(']').to_owned()).collect()
}

/// Puts values at their ways: how objects stand in queries and forms.
pub(super) fn tree(values: impl Iterator<Item = (Vec<String>, String)>) -> BTreeMap<String, Raw> {
    let mut root = BTreeMap::new();
    for (way, value) in values {
        // A way has as many steps as its text has brackets, so there must be an end to it.
        if let [first, rest @ ..] = way.as_slice()
            && rest.len() < 32
        {
            put(&mut root, first, rest, value);
        }
    }
    root
}

fn put(map: &mut BTreeMap<String, Raw>, name: &str, rest: &[String], value: String) {
    let Some((next, after)) = rest.split_first() else {
        match map.get_mut(name) {
            // What is said twice is a list.
            Some(Raw::List(list)) => list.push(Raw::Text(value)),
            Some(known) => *known = Raw::List(vec![known.clone(), Raw::Text(value)]),
            None => drop(map.insert(name.to_owned(), Raw::Text(value))),
        }
        return;
    };
    let fresh = || if next.is_empty() { Raw::List(Vec::new()) } else { Raw::Map(BTreeMap::new()) };
    match map.entry(name.to_owned()).or_insert_with(fresh) {
        Raw::List(list) => list.push(Raw::Text(value)),
        Raw::Map(inner) => put(inner, next, after, value),
        other => *other = Raw::Map(BTreeMap::from([(next.clone(), Raw::Text(value))])),
    }
}

/// Gives a value the types its schema asks for; what doesn't fit stays a text, and the judge says so.
pub(super) fn typed(judge: &Judge, id: SchemaId, raw: Raw) -> Value {
    typed_to(judge, id, raw, 0)
}

fn typed_to(judge: &Judge, id: SchemaId, raw: Raw, depth: usize) -> Value {
    let schemas = &judge.spec().schemas;
    let Some(schema) = schemas.get(id).filter(|_| depth < 32) else { return untyped(raw) };
    let alternatives: Vec<SchemaId> = schema.one_of.iter().chain(&schema.any_of).copied().collect();
    if !alternatives.is_empty() && schema.properties.is_empty() && schema.items.is_none() {
        let mut last = Value::Null;
        for inner in alternatives {
            // Alternatives of alternatives multiply, so their depth counts more.
            last = typed_to(judge, inner, raw.clone(), depth + 8);
            if judge.accepts(inner, &last) {
                break;
            }
        }
        return last;
    }
    match raw {
        Raw::Text(text) if schema.types.has(Type::Array) && !schema.types.has(Type::String) => {
            Value::Array(vec![item(judge, schema, Raw::Text(text), depth)])
        }
        Raw::Text(text) => scalar(schema, text),
        Raw::List(list) => list.into_iter().map(|raw| item(judge, schema, raw, depth)).collect(),
        // `items[0][price]`: a list whose places have numbers.
        Raw::Map(map)
            if schema.types.has(Type::Array) && map.keys().all(|name| name.parse::<u32>().is_ok()) =>
        {
            let mut items: Vec<(String, Raw)> = map.into_iter().collect();
            items.sort_by_key(|(name, _)| name.parse::<u32>().unwrap_or_default());
            items.into_iter().map(|(_, raw)| item(judge, schema, raw, depth)).collect()
        }
        Raw::Map(map) => {
            let field = |(name, raw): (String, Raw)| {
                let inner =
                    schema.property(&name).map(|property| property.schema).or(match schema.additional {
                        crate::spec::Additional::Schema(id) => Some(id),
                        _ => None,
                    });
                let value = match inner {
                    Some(inner) => typed_to(judge, inner, raw, depth + 1),
                    None => untyped(raw),
                };
                (name, value)
            };
            Value::Object(map.into_iter().map(field).collect::<Map<_, _>>())
        }
    }
}

fn item(judge: &Judge, schema: &Schema, raw: Raw, depth: usize) -> Value {
    match schema.items {
        Some(items) => typed_to(judge, items, raw, depth + 1),
        None => untyped(raw),
    }
}

fn scalar(schema: &Schema, text: String) -> Value {
    let types = schema.types;
    let number = (types.has(Type::Integer) || types.has(Type::Number))
        .then(|| serde_json::from_str::<Value>(&text).ok());
    if let Some(number) = number.flatten().filter(Value::is_number) {
        return number;
    }
    match text.as_str() {
        "true" if types.has(Type::Boolean) => Value::Bool(true),
        "false" if types.has(Type::Boolean) => Value::Bool(false),
        "null" | "" if types.has(Type::Null) && !types.has(Type::String) => Value::Null,
        // Without a type, an enumeration tells what is meant.
        _ if types.is_any() => {
            let meant = schema.enum_values.iter().find(|value| value.text() == text);
            meant.map_or(Value::String(text), |value| value.value())
        }
        _ => Value::String(text),
    }
}

fn untyped(raw: Raw) -> Value {
    match raw {
        Raw::Text(text) => Value::String(text),
        Raw::List(list) => list.into_iter().map(untyped).collect(),
        Raw::Map(map) => Value::Object(map.into_iter().map(|(name, raw)| (name, untyped(raw))).collect()),
    }
}

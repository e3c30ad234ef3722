//! The connection blocks of a mapping, filled from what both descriptions say.

mod auth;
mod bodies;
mod bulk;
mod destination;
mod source;
mod upsert;

use serde::{Deserialize, Serialize};

use super::pairs::EndpointPair;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::value::Object;
use crate::mapping::{Destination, Mapping, Source, Value};
use crate::spec::{ApiSpec, Endpoint, Evidence};

/// What people say about the connections: parts of the blocks `source` and `destination`, as they stand in a
/// mapping document. An object is merged into what was derived, `null` takes a value out, anything else takes
/// its place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overrides {
    /// Parts of `source`.
    pub source: Option<Value>,
    /// Parts of `destination`.
    pub destination: Option<Value>,
    /// The condition that records must meet, as `filter` of a mapping document; those that don't are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<Value>,
}

/// The connection blocks, where each value comes from, and what is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connected {
    /// Where records come from.
    pub source: Source,
    /// Where records go.
    pub destination: Destination,
    /// Where each value was read.
    pub evidence: Vec<Fact>,
    /// What can't be derived.
    pub gaps: Vec<Gap>,
}

/// Where a value of the connection blocks comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// The value's place in the mapping document: `/source/pagination`.
    pub pointer: String,
    /// Where it was read in the API's description, how sure that is, and what was seen there.
    pub evidence: Evidence,
}

/// Something the descriptions don't say, with the question to ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Its name: `source_base_url`, `destination_create`.
    pub name: String,
    /// Where in the mapping document the answer belongs.
    pub pointer: String,
    /// What to ask a person.
    pub question: String,
    /// Answers that come near.
    pub choices: Vec<String>,
    /// Whether nothing can be deployed before it is answered.
    pub blocks: bool,
}

/// Stands where an address isn't known. Names that end so never resolve.
const NOWHERE: &str = "https://unknown.invalid";

/// Fills the blocks `source` and `destination` for a pair of endpoints: pagination, the records' place, id and
/// cursor fields, the operations of the destination's resource, natural keys, rate limits, auth.
///
/// Natural keys (`match_on`) are taken from what the destination can be asked for; the mapper leaves out those
/// that no line writes.
///
/// ```
/// use vitesse_core::ingestor::{ReadOptions, read};
/// use vitesse_core::mapper::{EndpointPair, Overrides, connect};
/// use vitesse_core::mapping::Pagination;
/// use vitesse_core::spec::Method;
/// let spec = |text: &[u8]| read(text, &ReadOptions::default()).map(|found| found.spec);
/// let shop = spec(include_bytes!("../../../../examples/apis/shop.yaml"))?;
/// let crm = spec(include_bytes!("../../../../examples/apis/crm.json"))?;
/// let pair = EndpointPair::new(&shop, "GET /customers", &crm, "POST /contacts")?;
/// let connected = connect(&shop, &crm, &pair, &Overrides::default())?;
/// assert!(matches!(connected.source.pagination, Pagination::Cursor(_)));
/// assert_eq!(connected.destination.match_on[0].to_string(), "email_address");
/// # Ok::<(), vitesse_core::Error>(())
/// ```
///
/// # Errors
/// `not_found` for an endpoint the API doesn't have; `mapping_invalid` for an override that is no part of a
/// block, naming every mistake in it.
pub fn connect(
    source_spec: &ApiSpec,
    dest_spec: &ApiSpec,
    pair: &EndpointPair,
    overrides: &Overrides,
) -> Result<Connected> {
    let mut notes = Findings::default();
    let endpoint = |spec: &'_ ApiSpec, id| -> Result<()> {
        spec.get(id).map(drop).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the API has no such endpoint")
                .in_operation("mapper.connect")
                .with("api", &spec.api_name)
        })
    };
    endpoint(source_spec, pair.source)?;
    endpoint(dest_spec, pair.dest)?;
    let source = source::block(source_spec, pair.source, &mut notes);
    let destination = destination::block(dest_spec, pair.dest, &mut notes);
    let mapping = Mapping { source: Some(source), destination: Some(destination), ..Mapping::of([]) };
    let mapping = overridden(&mapping, overrides)?;
    let mut gaps = notes.gaps;
    // What a person has said is no question any more.
    gaps.retain(|gap| !said(overrides, &gap.pointer));
    let (Some(source), Some(destination)) = (mapping.source, mapping.destination) else {
        return Err(Error::new(ErrorKind::InvalidInput, "an override takes a whole block out")
            .in_operation("mapper.connect")
            .help("give an object with the parts that differ"));
    };
    Ok(Connected { source, destination, evidence: notes.facts, gaps })
}

/// What was found out and what wasn't, on both sides.
#[derive(Debug, Default)]
struct Findings {
    facts: Vec<Fact>,
    gaps: Vec<Gap>,
}

impl Findings {
    fn fact(&mut self, pointer: &str, evidence: Evidence) {
        self.facts.push(Fact { pointer: pointer.to_owned(), evidence });
    }

    fn gap(&mut self, name: &str, pointer: &str, question: impl Into<String>, blocks: bool) -> &mut Gap {
        self.gaps.push(Gap {
            name: name.to_owned(),
            pointer: pointer.to_owned(),
            question: question.into(),
            choices: Vec::new(),
            blocks,
        });
        let last = self.gaps.len() - 1;
        &mut self.gaps[last]
    }
}

/// The base address that requests to an endpoint start with.
fn base_url(spec: &ApiSpec, endpoint: &Endpoint, side: &str, notes: &mut Findings) -> String {
    let pointer = format!("/{side}/base_url");
    let own =
        endpoint.servers.first().and_then(|at| spec.servers.get(*at as usize)).map(|server| &*server.url);
    let found = own.or(spec.base_url.as_deref()).filter(|url| url.starts_with("http"));
    let Some(url) = found else {
        let question = format!("At which address is {} reached?", spec.api_name);
        notes.gap(&format!("{side}_base_url"), &pointer, question, true);
        return NOWHERE.to_owned();
    };
    notes.fact(&pointer, Evidence::new("#/servers", 1.0, "the API's server"));
    let server = spec.servers.iter().find(|server| &*server.url == url);
    for variable in server.iter().flat_map(|server| &server.variables) {
        let question = format!(
            "The address of {} has the part {:?}; is {:?} yours?",
            spec.api_name, variable.name, variable.default
        );
        let gap = notes.gap(&format!("{side}_base_url_{}", variable.name), &pointer, question, false);
        gap.choices = variable.allowed.iter().map(ToString::to_string).collect();
    }
    url.trim_end_matches('/').to_owned()
}

/// A path as requests need it; some descriptions leave the first slash out.
fn rooted(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// The rate limit that holds for an endpoint, if numbers are known.
fn rate_limit(
    spec: &ApiSpec,
    id: crate::spec::EndpointId,
    side: &str,
    notes: &mut Findings,
) -> Option<crate::mapping::RateLimit> {
    use crate::spec::TimeWindow::{Day, Hour, Minute, Second};
    let own = |limit: &&crate::spec::RateLimit| limit.endpoint == Some(id);
    let numbered =
        |limit: &&crate::spec::RateLimit| limit.requests.is_some_and(|n| n > 0) && limit.per.is_some();
    let all = || spec.rate_limits.iter().filter(numbered);
    let found = all().find(own).or_else(|| all().find(|limit| limit.endpoint.is_none()))?;
    let seconds = match found.per? {
        Second => 1,
        Minute => 60,
        Hour => 3600,
        Day => 86_400,
    };
    notes.fact(&format!("/{side}/rate_limit"), found.evidence.clone());
    Some(crate::mapping::RateLimit {
        requests: found.requests?,
        per: std::time::Duration::from_secs(seconds),
        ..Default::default()
    })
}

pub(super) fn overridden(mapping: &Mapping, overrides: &Overrides) -> Result<Mapping> {
    if *overrides == Overrides::default() {
        return Ok(mapping.clone());
    }
    let mut value = mapping.to_value();
    if let Value::Object(document) = &mut value {
        for (name, part) in [("source", &overrides.source), ("destination", &overrides.destination)] {
            if let Some(part) = part {
                let own = document.get(name).cloned().unwrap_or_default();
                document.insert(name, merged(own, part));
            }
        }
    }
    Mapping::from_value(&value).map_err(|problems| Error::from(problems).in_operation("mapper.connect"))
}

/// The mapping with the condition that people give for its records; without any, if they give none.
pub(super) fn filtered(mapping: Mapping, overrides: &Overrides) -> Result<Mapping> {
    let Some(filter) = &overrides.filter else { return Ok(Mapping { filter: None, ..mapping }) };
    let mut value = mapping.to_value();
    if let Value::Object(document) = &mut value {
        document.insert("filter", filter.clone());
    }
    Mapping::from_value(&value).map_err(|problems| Error::from(problems).in_operation("mapper.connect"))
}

/// RFC 7386: objects are merged, null takes out, anything else takes the place.
fn merged(own: Value, part: &Value) -> Value {
    let Value::Object(part) = part else { return part.clone() };
    let mut own = match own {
        Value::Object(own) => own,
        _ => Object::new(),
    };
    // Another kind of auth or paging shares no settings with the one it replaces.
    for tag in ["type", "kind"] {
        if part.get(tag).is_some_and(|kind| own.get(tag) != Some(kind)) {
            own = Object::new();
        }
    }
    for (key, value) in part.iter() {
        if value.is_null() {
            own.remove(key);
        } else {
            let inner = own.get(key).cloned().unwrap_or_default();
            own.insert(key, merged(inner, value));
        }
    }
    own.into()
}

/// Whether an override gives what stands at a JSON pointer.
fn said(overrides: &Overrides, pointer: &str) -> bool {
    let mut parts = pointer.split('/').skip(1);
    let mut at = match parts.next() {
        Some("source") => overrides.source.as_ref(),
        Some("destination") => overrides.destination.as_ref(),
        _ => None,
    };
    for part in parts {
        at = at.and_then(|value| value.get(part));
    }
    at.is_some()
}

/// Whether the document has a value where a gap was; an address that isn't known doesn't count.
pub(super) fn answered(mapping: &Mapping, gap: &Gap) -> bool {
    let mut at = Some(mapping.to_value());
    for part in gap.pointer.split('/').skip(1) {
        at = at.and_then(|value| value.get(part).cloned());
    }
    match at {
        Some(Value::String(text)) => text != NOWHERE && !gap.name.contains("base_url_"),
        // A list that is empty and no auth at all may be what is meant, and may be what is missing.
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(object)) => object.get("type").is_none_or(|kind| kind != &Value::from("none")),
        other => other.is_some(),
    }
}

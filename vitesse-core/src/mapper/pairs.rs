use serde::{Deserialize, Serialize};

use super::matching::{Known, Record, match_fields};
use super::side::{Resolved, Role, Side, find_endpoint, record_name, record_of, singular};
use crate::embed::{Embedder, split_words};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::{ApiSpec, EndpointId, EndpointRole, Method};

/// An endpoint to read and one to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointPair {
    /// The endpoint of the source's API.
    pub source: EndpointId,
    /// The endpoint of the destination's API.
    pub dest: EndpointId,
}

impl EndpointPair {
    /// The pair of two endpoints by name: `GET /customers`. Without a method it is GET for the source and POST
    /// for the destination.
    ///
    /// # Errors
    /// `not_found`, with the nearest endpoint.
    pub fn new(source_spec: &ApiSpec, source: &str, dest_spec: &ApiSpec, dest: &str) -> Result<Self> {
        let of = |spec: &ApiSpec, text: &str, usual: Method| {
            let (method, path) = match text.trim().split_once(char::is_whitespace) {
                Some((method, path)) => (method.parse().unwrap_or(usual), path.trim()),
                None => (usual, text.trim()),
            };
            find_endpoint(spec, &method, path)
        };
        Ok(Self { source: of(source_spec, source, Method::Get)?, dest: of(dest_spec, dest, Method::Post)? })
    }
}

/// A pair of endpoints that the mapper proposes for an intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposedPair {
    /// The endpoints.
    pub pair: EndpointPair,
    /// A name for the stream: that of the source's resource.
    pub stream: String,
    /// The source's endpoint as it is written: `GET /customers`.
    pub source_endpoint: String,
    /// The destination's endpoint as it is written.
    pub dest_endpoint: String,
    /// How sure it is, from 0 to 1: for ranking, not a share of right answers.
    pub confidence: f64,
    /// Why.
    pub reason: String,
    /// Other destinations that came next, as they are written, best first.
    pub alternatives: Vec<String>,
}

/// How many destinations of a source have their fields compared; the others lose by name.
const COMPARED: usize = 6;
/// How many sources are looked at when the intent names none.
const UNNAMED: usize = 12;
/// From which score on a pair is proposed when the intent doesn't name it.
const ENOUGH: i32 = 450;

/// Chooses what to read and what to write for an intent: "sync customers and orders" gives two pairs.
///
/// Resources that the intent names are taken, in an order in which a record comes after those it refers to; for
/// each the destination whose name and fields fit best. If it names none, every pair that fits well is given,
/// the best first.
///
/// ```
/// use vitesse_core::ingestor::{ReadOptions, read};
/// use vitesse_core::mapper::pairs;
/// let spec = |text: &[u8]| read(text, &ReadOptions::default()).map(|found| found.spec);
/// let shop = spec(include_bytes!("../../../examples/apis/shop.yaml"))?;
/// let crm = spec(include_bytes!("../../../examples/apis/crm.json"))?;
/// let found = pairs(&shop, &crm, "sync customers and orders")?;
/// let named: Vec<_> = found.iter().map(|p| (&*p.source_endpoint, &*p.dest_endpoint)).collect();
/// assert_eq!(named, [("GET /customers", "POST /contacts"), ("GET /orders", "POST /deals")]);
/// # Ok::<(), vitesse_core::Error>(())
/// ```
///
/// # Errors
/// `spec_invalid` if the source has nothing to read or the destination nothing to write; `internal` if the
/// built-in model is damaged.
pub fn pairs(source: &ApiSpec, dest: &ApiSpec, intent: &str) -> Result<Vec<ProposedPair>> {
    let model = Embedder::builtin()?;
    let words: Vec<String> = split_words(intent).iter().map(|word| singular(word)).collect();
    let mut from = ends(source, Role::Source);
    let mut to = ends(dest, Role::Destination);
    for (ends, spec, what) in [(&from, source, "read"), (&to, dest, "write")] {
        if ends.is_empty() {
            return Err(Error::new(ErrorKind::SpecInvalid, format!("the API has nothing to {what}"))
                .in_operation("mapper.pairs")
                .with("api", &spec.api_name)
                .help("name the endpoints, or give another description"));
        }
    }
    from.iter_mut().chain(&mut to).for_each(|end| end.named = named(end, &words, model));
    let exactly = from.iter().any(|end| end.named.is_some_and(|(_, score)| score == 1000));
    let mut wanted: Vec<&End> = from.iter().filter(|end| end.named.is_some()).collect();
    if exactly {
        wanted.retain(|end| end.named.is_some_and(|(_, score)| score == 1000));
    }
    let asked = !wanted.is_empty();
    if asked {
        wanted.sort_by_key(|end| end.named);
    } else {
        wanted = from.iter().take(UNNAMED).collect();
    }
    let mut found: Vec<(i32, ProposedPair)> =
        wanted.iter().filter_map(|end| best(end, &to, source, dest, model, asked)).collect();
    if asked {
        found = in_order(found, source);
    } else {
        found.sort_by_key(|(score, _)| -score);
        let mut taken = Vec::new();
        found.retain(|(_, pair)| {
            let free = !taken.contains(&pair.pair.dest);
            taken.push(pair.pair.dest);
            free
        });
    }
    Ok(found.into_iter().map(|(_, pair)| pair).collect())
}

/// One end of a possible pair.
#[derive(Clone, Debug)]
struct End {
    id: EndpointId,
    /// The words of the record's name, each for one: `line item`.
    words: Vec<String>,
    resource: String,
    /// Where in the intent it is named, and how exactly, in thousandths.
    named: Option<(usize, i32)>,
}

/// What can be read or written, one end for each resource.
fn ends(spec: &ApiSpec, role: Role) -> Vec<End> {
    let end = |id: EndpointId, resource: &str| {
        let words = split_words(&singular(resource)).iter().map(|word| singular(word)).collect();
        End { id, words, resource: resource.to_owned(), named: None }
    };
    let mut found: Vec<End> = Vec::new();
    for resource in &spec.resources {
        let id = match role {
            Role::Source => resource.list.or(resource.get),
            Role::Destination => resource.create.or(resource.update).or(resource.replace),
        };
        let usable = id.filter(|id| record_of(spec, *id, role).is_ok_and(|(found, _)| found == *id));
        found.extend(usable.map(|id| end(id, &resource.name)));
    }
    if found.is_empty() {
        for (at, endpoint) in spec.endpoints.iter().enumerate() {
            let id = EndpointId(at as u32);
            let fits = match role {
                Role::Source => endpoint.method == Method::Get && endpoint.response_schema.is_some(),
                Role::Destination => {
                    endpoint.request_schema.is_some() && endpoint.role != Some(EndpointRole::Delete)
                }
            };
            if fits {
                found.push(end(id, &record_name(&endpoint.path)));
            }
        }
    }
    found
}

/// Whether the intent names a resource: by its own words, or by one that means the same.
fn named(end: &End, intent: &[String], model: &Embedder) -> Option<(usize, i32)> {
    /// From which nearness on a word stands for another.
    const MEANT: i32 = 620;
    let size = end.words.len();
    if size == 0 {
        return None;
    }
    if let Some(at) = intent.windows(size).position(|window| window == end.words) {
        return Some((at, 1000));
    }
    let own = model.embed(&end.words.join(" "));
    let near = intent
        .iter()
        .enumerate()
        .filter(|(_, word)| word.len() > 3)
        .map(|(at, word)| (own.similarity(&model.embed(word)), std::cmp::Reverse(at)));
    near.max().filter(|(score, _)| *score >= MEANT).map(|(score, at)| (at.0, score))
}

/// The best destination for a source.
fn best(
    end: &End,
    to: &[End],
    source: &ApiSpec,
    dest: &ApiSpec,
    model: &Embedder,
    asked: bool,
) -> Option<(i32, ProposedPair)> {
    let own = model.embed(&end.words.join(" "));
    let by_name = |other: &End| {
        let near = if other.words == end.words {
            1000
        } else {
            own.similarity(&model.embed(&other.words.join(" ")))
        };
        near.max(0) + other.named.map_or(0, |(_, score)| score / 4)
    };
    let mut ranked: Vec<(i32, &End)> = to.iter().map(|other| (by_name(other), other)).collect();
    ranked.sort_by_key(|(score, other)| (-score, other.id));
    ranked.truncate(COMPARED);
    let mut scored: Vec<(i32, i32, usize, &End)> = ranked
        .into_iter()
        .map(|(name, other)| {
            let (fields, count) = by_fields((source, end.id), (dest, other.id));
            ((name * 4 + fields * 6) / 10, name, count, other)
        })
        .collect();
    scored.sort_by_key(|(score, _, _, other)| (-score, other.id));
    let (score, name, count, other) = *scored.first()?;
    if !asked && score < ENOUGH {
        return None;
    }
    let written = |spec: &ApiSpec, id: EndpointId| {
        spec.get(id).map(|endpoint| format!("{} {}", endpoint.method, endpoint.path)).unwrap_or_default()
    };
    let names = if other.words == end.words {
        format!("both are {}", end.resource)
    } else if name >= 500 {
        format!("{} and {} are near in meaning", end.resource, other.resource)
    } else {
        format!("{} fits {} best", other.resource, end.resource)
    };
    let intent = match end.named {
        Some((_, 1000)) => format!("the intent names {}; ", end.resource),
        Some(_) => format!("the intent means {}; ", end.resource),
        None => String::new(),
    };
    let fields = match count {
        0 => "no field in common".to_owned(),
        1 => "1 field fits".to_owned(),
        count => format!("{count} fields fit"),
    };
    let proposed = ProposedPair {
        pair: EndpointPair { source: end.id, dest: other.id },
        stream: end.resource.clone(),
        source_endpoint: written(source, end.id),
        dest_endpoint: written(dest, other.id),
        confidence: f64::from(score.clamp(0, 1000)) / 1000.0,
        reason: format!("{intent}{names}; {fields}"),
        alternatives: scored[1..].iter().take(3).map(|(.., other)| written(dest, other.id)).collect(),
    };
    Some((score, proposed))
}

/// How well the fields fit, in thousandths, and how many do.
fn by_fields(source: (&ApiSpec, EndpointId), dest: (&ApiSpec, EndpointId)) -> (i32, usize) {
    let side = |(spec, endpoint), role| Resolved::new(&Side::Endpoint { spec, endpoint }, role).ok();
    let (Some(left), Some(right)) = (side(source, Role::Source), side(dest, Role::Destination)) else {
        return (0, 0);
    };
    let record = |side: &'_ Resolved<'_>| (side.name.clone(), side.root);
    let ((left_name, left_root), (right_name, right_root)) = (record(&left), record(&right));
    let from = Record { name: &left_name, schemas: &left.schemas, root: left_root };
    let to = Record { name: &right_name, schemas: &right.schemas, root: right_root };
    let Ok(matches) = match_fields(from, to, &Known::default()) else { return (0, 0) };
    let mut dests: Vec<_> =
        matches.pairs.iter().filter(|pair| pair.confidence >= 500).map(|pair| pair.dest).collect();
    dests.dedup();
    let required: Vec<_> = (0..matches.dest.len()).filter(|d| matches.dest[*d].required).collect();
    let filled = required.iter().filter(|d| matches.pairs.iter().any(|pair| pair.dest == **d)).count();
    let share = |part: usize, whole: usize| (part * 1000 / whole.max(1)) as i32;
    let needed = if required.is_empty() { 500 } else { share(filled, required.len()) };
    let covered = share(dests.len(), matches.dest.len().min(matches.source.len()).max(4));
    ((covered * 7 + needed * 3) / 10, dests.len())
}

/// Records that others refer to come first: customers before their orders.
fn in_order(found: Vec<(i32, ProposedPair)>, source: &ApiSpec) -> Vec<(i32, ProposedPair)> {
    let refers = |pair: &ProposedPair, other: &ProposedPair| {
        let record = source.get(pair.pair.source).and_then(|endpoint| endpoint.records.as_ref()?.schema);
        let name = singular(&other.stream).to_lowercase();
        record.and_then(|id| source.schemas.get(id)).is_some_and(|record| {
            record.properties.iter().any(|property| {
                let words = split_words(&property.name);
                words.len() >= 2
                    && words.last().is_some_and(|last| last == "id")
                    && words[..words.len() - 1].join("_") == name
            })
        })
    };
    let mut left = found;
    let mut ordered = Vec::new();
    while !left.is_empty() {
        // Without one that refers to none of the rest, they go in circles: then the first named comes first.
        let free =
            |at: &usize| (0..left.len()).all(|other| other == *at || !refers(&left[*at].1, &left[other].1));
        let next = (0..left.len()).find(free).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

//! A person's word on single lines: what is accepted, rejected, replaced; and mapping again around it.

use serde::{Deserialize, Serialize};
use serde_json::Value as Tree;

use super::connect::{Fact, Gap};
use super::convert::convert;
use super::draft::Sides;
use super::map::{Mapper, invalid};
use super::matching::Matches;
use super::proposal::MappingProposal;
use super::request::{LearnedLine, MapRequest};
use super::side::{Resolved, Role, Side, field_path};
use crate::error::{Error, Result, did_you_mean};
use crate::mapping::value::Object;
use crate::mapping::{FieldPath, Mapping, TransformType, Transformation, Value};

/// The key of a line under which its review stands.
pub(super) const REVIEW: &str = "x-review";
/// A person accepted the line as it is.
pub(super) const ACCEPTED: &str = "accepted";
/// A person rejected the line; it stays, switched off, so that it isn't proposed again.
pub(super) const REJECTED: &str = "rejected";
/// A person wrote the line.
pub(super) const REPLACED: &str = "replaced";
/// A person asked for the line before it was made.
pub(super) const HINT: &str = "hint";

/// A person's word on a line. Lines are named by their destination field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Edit {
    /// The line is right.
    Accept {
        /// The line's destination field.
        dest_field: String,
    },
    /// All lines that are used are right.
    AcceptAll,
    /// The line is wrong: it is switched off and not proposed again.
    Reject {
        /// The line's destination field.
        dest_field: String,
    },
    /// The field comes from elsewhere. Without a type, the conversion is chosen from the schemas.
    Replace {
        /// The line's destination field; there need not be a line yet.
        dest_field: String,
        /// The fields it comes from.
        source_fields: Vec<String>,
        /// The line's type, such as `custom`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transform_type: Option<String>,
        /// What the type needs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transform_config: Option<Tree>,
    },
    /// The field always has this value.
    Constant {
        /// The line's destination field.
        dest_field: String,
        /// The value.
        value: Tree,
    },
    /// A note for people.
    Note {
        /// The line's destination field.
        dest_field: String,
        /// What it says; empty takes it away.
        text: String,
    },
}

impl Mapper {
    /// Changes single lines of a mapping, and judges all of it anew. The connection blocks stay as they are.
    ///
    /// # Errors
    /// `invalid_input` for an edit of a line or field that isn't there, with the nearest name;
    /// `mapping_invalid` if the mapping doesn't compile any more, naming every problem. Nothing is changed then.
    pub fn edit(
        &self,
        source: Side<'_>,
        dest: Side<'_>,
        request: &MapRequest,
        mapping: &Mapping,
        edits: &[Edit],
    ) -> Result<MappingProposal> {
        let (from, to) = (Resolved::new(&source, Role::Source)?, Resolved::new(&dest, Role::Destination)?);
        let sides = Sides { source: &from, dest: &to, model: self.model };
        let mut mapping = mapping.clone();
        for edit in edits {
            apply(edit, &mut mapping, &sides)?;
        }
        mapping
            .validate(&self.functions)
            .map_err(|problems| Error::from(problems).in_operation("mapper.edit"))?;
        self.finish(mapping, &sides, request, None, Vec::new(), None)
    }

    /// Maps again and keeps what a person reviewed: accepted, replaced and constant lines stay, rejected ones
    /// aren't proposed again. Everything else is found anew.
    ///
    /// # Errors
    /// As [`map`](Self::map).
    pub fn remap(
        &self,
        source: Side<'_>,
        dest: Side<'_>,
        request: &MapRequest,
        previous: &Mapping,
    ) -> Result<MappingProposal> {
        let found = self.find(&source, &dest, request, Some(previous))?;
        self.assemble(found, request, Some(previous), &[])
    }
}

/// The lines of a mapping that people confirmed, to be learned from: see [`MapRequest::learned`].
pub fn learned_lines(mapping: &Mapping) -> Vec<LearnedLine> {
    let name = |block: Option<&str>| block.unwrap_or_default().to_owned();
    let source_api = name(mapping.source.as_ref().map(|source| source.api_name.as_str()));
    let dest_api = name(mapping.destination.as_ref().map(|destination| destination.api_name.as_str()));
    let confirmed = mapping.transformations.iter().filter(|line| line.enabled && is_firm(line));
    let lines = confirmed.flat_map(|line| {
        line.source_field.paths.iter().map(move |path| (line, path, line.source_field.paths.len() == 1))
    });
    lines
        .map(|(line, path, alone)| LearnedLine {
            source_api: source_api.clone(),
            dest_api: dest_api.clone(),
            source_field: path.to_string(),
            dest_field: line.dest_field.to_string(),
            transform_type: alone.then(|| line.transform_type.name().to_owned()),
            transform_config: (alone && !line.transform_config.is_empty())
                .then(|| serde_json::from_str(&Value::from(line.transform_config.clone()).to_string()).ok())
                .flatten(),
        })
        .collect()
}

/// A line with its review.
pub(super) fn marked(mut line: Transformation, review: &str) -> Transformation {
    line.extra.insert(REVIEW, review);
    line
}

fn review_of(line: &Transformation) -> Option<&str> {
    line.extra.get(REVIEW).and_then(Value::as_str)
}

/// Whether a person stands behind the line.
pub(super) fn is_firm(line: &Transformation) -> bool {
    matches!(review_of(line), Some(ACCEPTED | REPLACED | HINT))
}

/// Takes pairs that a person rejected out of what was found; the next best source gets its turn.
pub(super) fn withhold(matches: &mut Matches, previous: Option<&Mapping>) {
    let Some(previous) = previous else { return };
    let rejected: Vec<_> =
        previous.transformations.iter().filter(|line| review_of(line) == Some(REJECTED)).collect();
    let is = |s: &str, d: &str| {
        let (s, d) = (field_path(s), field_path(d));
        rejected.iter().any(|line| {
            line.source_field.paths.iter().any(|path| same(path, &s)) && same(&line.dest_field, &d)
        })
    };
    let (source, dest) = (&matches.source, &matches.dest);
    let gone = |s: usize, d: usize| is(&source[s].path, &dest[d].path);
    let groups: Vec<_> = matches
        .groups
        .drain(..)
        .filter(|group| !group.sources.iter().any(|s| group.dests.iter().any(|d| gone(*s, *d))))
        .collect();
    let mut pairs = Vec::new();
    for mut pair in matches.pairs.drain(..) {
        let d = pair.dest;
        pair.candidates.retain(|other| !gone(other.source, d));
        if gone(pair.source, d) {
            /// From which likelihood on, in thousandths, the next best takes the place of a rejected one.
            const NEXT: u16 = 300;
            let next = pair.candidates.first().copied().filter(|next| next.confidence >= NEXT);
            let Some(next) = next else { continue };
            pair.candidates.remove(0);
            (pair.source, pair.confidence) = (next.source, next.confidence);
        }
        pairs.push(pair);
    }
    (matches.groups, matches.pairs) = (groups, pairs);
}

/// Whether two paths are the same to a schema: a list as a whole is the list of its elements.
fn same(a: &FieldPath, b: &FieldPath) -> bool {
    let plain = |path: &FieldPath| {
        let path = super::draft::unindexed(path).to_string();
        path.trim_end_matches("[]").to_owned()
    };
    plain(a) == plain(b)
}

/// Puts the reviewed lines of an earlier mapping in the place of what was found for their fields.
pub(super) fn keep(lines: &mut Vec<Transformation>, previous: Option<&Mapping>) {
    let Some(previous) = previous else { return };
    for line in previous.transformations.iter().filter(|line| review_of(line).is_some()) {
        if is_firm(line) {
            let own = &line.dest_field;
            let covers = |other: &FieldPath| own.contains(other) || other.contains(own) || same(own, other);
            let at = lines.iter().position(|other| covers(&other.dest_field)).unwrap_or(lines.len());
            lines.retain(|other| !covers(&other.dest_field));
            lines.insert(at.min(lines.len()), line.clone());
        } else {
            lines.push(line.clone());
        }
    }
}

/// Natural keys that no line writes can't be looked for.
pub(super) fn written_keys(mapping: &mut Mapping, facts: &mut Vec<Fact>, gaps: &mut Vec<Gap>) {
    let written: Vec<FieldPath> = mapping
        .transformations
        .iter()
        .filter(|line| line.enabled)
        .map(|line| line.dest_field.clone())
        .collect();
    let Some(destination) = &mut mapping.destination else { return };
    let unwritten = |key: &FieldPath| !written.iter().any(|path| path.contains(key));
    let path = destination.operations.upsert.as_ref().map(|upsert| upsert.path.clone()).unwrap_or_default();
    let names = path.split('{').skip(1).filter_map(|part| part.split_once('}')?.0.parse().ok());
    if let Some(key) = names.into_iter().find(&unwritten) {
        gaps.push(Gap {
            name: "destination_upsert".to_owned(),
            pointer: "/destination/operations/upsert".to_owned(),
            question: format!(
                "{path} makes or changes a record, but no line writes {key}; which source field is it?"
            ),
            choices: Vec::new(),
            blocks: false,
        });
        destination.operations.upsert = None;
        facts.retain(|fact| fact.pointer != "/destination/operations/upsert");
    }
    let Some(key) = destination.match_on.iter().find(|key| unwritten(key)) else { return };
    gaps.push(Gap {
        name: "destination_match_on".to_owned(),
        pointer: "/destination/match_on".to_owned(),
        question: format!(
            "Records could be found by {key}, but no line writes it; which source field is it?"
        ),
        choices: Vec::new(),
        blocks: false,
    });
    destination.match_on.clear();
    destination.operations.find = None;
    facts.retain(|fact| {
        fact.pointer != "/destination/match_on" && fact.pointer != "/destination/operations/find"
    });
}

fn apply(edit: &Edit, mapping: &mut Mapping, sides: &Sides<'_>) -> Result<()> {
    match edit {
        Edit::Accept { dest_field } => {
            let line = line_of(mapping, dest_field)?;
            line.extra.insert(REVIEW, ACCEPTED);
        }
        Edit::AcceptAll => {
            for line in mapping.transformations.iter_mut().filter(|line| line.enabled) {
                if !is_firm(line) {
                    line.extra.insert(REVIEW, ACCEPTED);
                }
            }
        }
        Edit::Reject { dest_field } => {
            let line = line_of(mapping, dest_field)?;
            line.enabled = false;
            line.extra.insert(REVIEW, REJECTED);
        }
        Edit::Replace { dest_field, source_fields, transform_type, transform_config } => {
            let dest = known(dest_field, sides.dest, Role::Destination)?;
            let sources: Vec<FieldPath> = source_fields
                .iter()
                .map(|path| known(path, sides.source, Role::Source))
                .collect::<Result<_>>()?;
            let mut line = match transform_type {
                Some(kind) => said(&sources, &dest, kind, transform_config.as_ref())?,
                None => chosen(&sources, &dest, sides)?,
            };
            line.required =
                sides.dest.schemas.field(sides.dest.root, &dest.to_string()).is_some_and(|f| f.required);
            replace(mapping, line);
        }
        Edit::Constant { dest_field, value } => {
            let dest = known(dest_field, sides.dest, Role::Destination)?;
            let mut config = serde_json::Map::new();
            config.insert("function".into(), "constant".into());
            config.insert("params".into(), serde_json::json!({"value": value}));
            let line = said(&[], &dest, "custom", Some(&config.into()))?;
            let value = line.transform_config.get("params").and_then(|params| params.get("value"));
            super::fill::check_constant(sides.dest, &dest, value.unwrap_or(&Value::Null))?;
            replace(mapping, line);
        }
        Edit::Note { dest_field, text } => {
            let line = line_of(mapping, dest_field)?;
            line.note = (!text.trim().is_empty()).then(|| text.clone());
        }
    }
    Ok(())
}

fn line_of<'a>(mapping: &'a mut Mapping, dest_field: &str) -> Result<&'a mut Transformation> {
    let wanted: FieldPath = dest_field.trim().parse()?;
    let at = mapping.transformations.iter().position(|line| line.enabled && line.dest_field == wanted);
    let Some(at) = at else {
        let names: Vec<String> = mapping
            .transformations
            .iter()
            .filter(|line| line.enabled)
            .map(|line| line.dest_field.to_string())
            .collect();
        let help = did_you_mean(dest_field, names.iter().map(String::as_str))
            .unwrap_or_else(|| "name a line by its destination field".to_owned());
        return Err(invalid("no line writes that field".to_owned()).with("field", dest_field).help(help));
    };
    Ok(&mut mapping.transformations[at])
}

fn known(text: &str, side: &Resolved<'_>, role: Role) -> Result<FieldPath> {
    let path: FieldPath = text.trim().parse()?;
    if path.is_root() || side.schemas.field(side.root, &path.to_string()).is_some() {
        return Ok(path);
    }
    let fields = side.schemas.fields(side.root, 12);
    let help = did_you_mean(text, fields.iter().map(|field| field.path.as_str()))
        .unwrap_or_else(|| format!("the {} has {} fields", role.word(), fields.len()));
    Err(invalid(format!("the {} has no such field", role.word())).with("field", text).help(help))
}

/// A line as a person wrote it.
fn said(
    sources: &[FieldPath],
    dest: &FieldPath,
    kind: &str,
    config: Option<&Tree>,
) -> Result<Transformation> {
    let mut line = Object::new();
    let paths: Vec<Value> = sources.iter().map(|path| path.to_string().into()).collect();
    match paths.as_slice() {
        [] => {}
        [one] if kind != "collect" => line.insert("source_field", one.clone()),
        _ => line.insert("source_field", paths),
    }
    line.insert("dest_field", dest.to_string());
    line.insert("transform_type", kind);
    if let Some(config) = config {
        let config: Value =
            config.to_string().parse().map_err(|_| invalid("the settings can't be read".into()))?;
        line.insert("transform_config", config);
    }
    let mut document = Object::new();
    document.insert("version", crate::mapping::VERSION as i64);
    document.insert("transformations", vec![Value::from(line)]);
    let found = Mapping::from_value(&document.into())
        .map_err(|problems| Error::from(problems).in_operation("mapper.edit"))?;
    let line = found.transformations.into_iter().next().unwrap_or_default();
    Ok(Transformation { confidence: Some(1.0), reason: Some("you said so".to_owned()), ..line })
}

/// A line whose conversion follows from the schemas.
fn chosen(sources: &[FieldPath], dest: &FieldPath, sides: &Sides<'_>) -> Result<Transformation> {
    let to = sides.dest_facts(dest);
    let text = to.as_ref().is_some_and(|to| to.kind() == Some(crate::spec::Type::String));
    let mut line = match sources {
        [] => {
            return Err(invalid("a line needs a source field".to_owned())
                .with("field", dest)
                .help("name one, or give the field a constant"));
        }
        [source] => {
            let conversion =
                sides.source_facts(source).zip(to).map(|(from, to)| convert(&from, &to, sides.model));
            let mut line = said(sources, dest, "mapping", None)?;
            if let Some(conversion) = conversion {
                (line.transform_type, line.transform_config) = (conversion.kind, conversion.config);
            }
            line
        }
        _ if text => {
            let config = serde_json::json!({"function": "concat", "params": {"separator": " "}});
            said(sources, dest, "custom", Some(&config))?
        }
        _ => said(sources, dest, "collect", None)?,
    };
    if line.transform_type == TransformType::Mapping
        && sources.first().and_then(FieldPath::leaf_name) == dest.leaf_name()
    {
        line.transform_type = TransformType::Direct;
    }
    Ok(line)
}

fn replace(mapping: &mut Mapping, line: Transformation) {
    let own = line.dest_field.clone();
    let covers = |other: &Transformation| {
        other.enabled && (own.contains(&other.dest_field) || other.dest_field.contains(&own))
    };
    let lines = &mut mapping.transformations;
    let at = lines.iter().position(covers).unwrap_or(lines.len());
    let note = lines.get(at).and_then(|line| line.note.clone());
    lines.retain(|other| !covers(other));
    let line = Transformation { note, ..marked(line, REPLACED) };
    lines.insert(at.min(lines.len()), line);
}

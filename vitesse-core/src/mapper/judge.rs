//! The static check: what a mapping leaves empty, and what would fill it.

use super::draft::{Sides, unindexed};
use super::facts::Facts;
use super::matching::Matches;
use super::proposal::{Candidate, MayBeEmpty, Unmapped};
use super::side::{Resolved, field_path};
use crate::mapping::{FieldPath, Mapping, Step, TransformType, Transformation};
use crate::spec::{Field, SchemaId, Schemas};

/// How deep a destination is looked into.
const DEPTH: usize = 12;

/// A required field of the destination, and the line that fills it.
pub(super) struct Needed<'a> {
    pub(super) field: Field,
    pub(super) path: FieldPath,
    pub(super) line: Option<&'a Transformation>,
}

/// Every field of the destination that must be there, given what the lines write.
///
/// A required field of an object that is optional itself is needed once a line writes into that object.
pub(super) fn needed<'a>(mapping: &'a Mapping, dest: &Resolved<'_>) -> Vec<Needed<'a>> {
    let lines: Vec<_> = mapping
        .transformations
        .iter()
        .filter(|line| line.enabled)
        .map(|line| (unindexed(&line.dest_field), line))
        .collect();
    let mut found = Vec::new();
    for field in dest.schemas.fields(dest.root, DEPTH) {
        // A list of texts is one field: none of its elements must be there.
        let path = without_last_list(field_path(&field.path));
        let fills = |written: &FieldPath| written.contains(&path) || path.contains(written);
        let line = lines.iter().find(|(written, _)| fills(written)).map(|(_, line)| *line);
        let inside = |written: &FieldPath, prefix: &[Step]| {
            written.steps().starts_with(prefix) && written.steps().len() > prefix.len()
        };
        let within = |prefix: &[Step]| lines.iter().any(|(written, _)| inside(written, prefix));
        if must_be(&dest.schemas, dest.root, &path, within) {
            found.push(Needed { field, path, line });
        }
    }
    found
}

fn without_last_list(path: FieldPath) -> FieldPath {
    let end = path.steps().iter().rposition(|step| *step != Step::Each).map_or(0, |last| last + 1);
    if end == 0 { path } else { FieldPath::new(path.steps()[..end].iter().cloned()) }
}

fn must_be(schemas: &Schemas, root: SchemaId, path: &FieldPath, within: impl Fn(&[Step]) -> bool) -> bool {
    let mut at = root;
    let mut open = true;
    for (index, step) in path.steps().iter().enumerate() {
        let name = FieldPath::new([step.clone()]).to_string();
        let Some(field) = schemas.field(at, &name) else { return false };
        at = field.schema;
        if !field.required {
            // What is optional counts only if something is written into it.
            open = index + 1 < path.steps().len() && within(&path.steps()[..=index]);
        }
    }
    open
}

/// The needed fields that stay empty.
pub(super) fn unmapped(
    needed: &[Needed<'_>],
    matches: Option<&Matches>,
    dest: &Resolved<'_>,
) -> Vec<Unmapped> {
    let empty = needed.iter().filter(|needed| needed.line.is_none());
    empty.map(|needed| unmapped_one(needed, matches, dest)).collect()
}

fn unmapped_one(needed: &Needed<'_>, matches: Option<&Matches>, dest: &Resolved<'_>) -> Unmapped {
    let facts = Facts::of(&dest.schemas, needed.field.schema, &needed.field.path);
    let field = needed.path.to_string();
    let place = matches.and_then(|matches| {
        let d = matches.dest.iter().position(|dest| dest.path == needed.field.path)?;
        let (_, candidates) = matches.undecided.iter().find(|(dest, _)| *dest == d)?;
        Some((matches, candidates))
    });
    let candidates: Vec<_> = place
        .into_iter()
        .flat_map(|(matches, candidates)| candidates.iter().map(move |other| (matches, other)))
        .map(|(matches, other)| Candidate {
            source_field: field_path(&matches.source[other.source].path).to_string(),
            confidence: f64::from(other.confidence) / 1000.0,
        })
        .collect();
    let choice = facts.as_ref().and_then(|facts| facts.values.first().map(|value| value.text().to_owned()));
    let help = match (candidates.first(), choice) {
        (Some(best), _) => format!("the hint {}={field} would fill it, if that is right", best.source_field),
        (None, Some(value)) => {
            format!("nothing in the source is like it; a constant such as {value} would fill it")
        }
        (None, None) => {
            "nothing in the source is like it; name its source by a hint, or give it a constant".to_owned()
        }
    };
    Unmapped { field, holds: facts.map(|facts| facts.holds()).unwrap_or_default(), candidates, help }
}

/// The needed fields that are filled, but not by every record.
pub(super) fn may_be_empty(needed: &[Needed<'_>], sides: &Sides<'_>) -> Vec<MayBeEmpty> {
    let filled = needed.iter().filter_map(|needed| Some((needed, needed.line?)));
    filled
        .filter_map(|(needed, line)| {
            let because = why_empty(line, sides)?;
            Some(MayBeEmpty { field: needed.path.to_string(), because })
        })
        .collect()
}

fn why_empty(line: &Transformation, sides: &Sides<'_>) -> Option<String> {
    let function = line.transform_config.get("function").and_then(|name| name.as_str());
    if matches!(function, Some("constant" | "default")) || line.transform_type == TransformType::Collect {
        return None;
    }
    let doubts: Vec<_> = line.source_field.paths.iter().map(|path| doubt(path, sides)).collect();
    // One source that is always there is enough.
    let doubts: Option<Vec<String>> = doubts.into_iter().collect();
    doubts.filter(|doubts| !doubts.is_empty()).map(|doubts| doubts.join(", "))
}

/// Why a source may have no value.
fn doubt(path: &FieldPath, sides: &Sides<'_>) -> Option<String> {
    let source = sides.source;
    let mut at = source.root;
    let mut optional = false;
    for step in path.steps() {
        let name = FieldPath::new([step.clone()]).to_string();
        let field = source.schemas.field(at, &name)?;
        at = field.schema;
        // Within a list, the element is there.
        optional = if *step == Step::Each { false } else { optional || !field.required };
        optional |= matches!(step, Step::Index(_));
    }
    let nullable = Facts::of(&source.schemas, at, "").is_some_and(|facts| facts.nullable);
    match (optional, nullable) {
        (true, _) => Some(format!("{path} isn't in every record")),
        (false, true) => Some(format!("{path} may be null")),
        (false, false) => None,
    }
}

/// The fields of the source that no line uses.
pub(super) fn unused(mapping: &Mapping, source: &Resolved<'_>) -> Vec<String> {
    let lines = mapping.transformations.iter().filter(|line| line.enabled);
    let used: Vec<_> = lines.flat_map(|line| line.source_field.paths.iter().map(unindexed)).collect();
    let fields = source.schemas.fields(source.root, DEPTH).into_iter().map(|field| field_path(&field.path));
    fields.filter(|path| !used.iter().any(|used| used.contains(path))).map(|path| path.to_string()).collect()
}

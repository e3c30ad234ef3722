//! Whether lines mean the right thing, which no schema can tell: other fields that fit better by the mapper's
//! evidence, values that look unlike their field, units, moments, tables of values.

use serde_json::Value;

use super::causes::{everywhere, sources};
use super::coverage::find_all;
use super::lossy::{moment, number};
use super::meanings::{Dimension, called, fits, look, unit};
use super::report::{Finding, FindingClass, SampleRecord, Severity};
use super::sides::Sides;
use super::still::unsplit;
use super::tables;
use crate::error::Result;
use crate::generate::{Meaning, short};
use crate::mapper::matching::{Known, Matches, Record, match_fields};
use crate::mapping::{Compiled, FieldPath, Line, Mapping, Op, Step};
use crate::spec::{ApiSpec, Schema, SchemaId, Schemas};

/// How sure the mapper must be of the other field, in thousandths.
const SURE: u16 = 600;
/// And how much surer than of the line's own.
const SURER: u16 = 250;

/// A realistic record and what was made of it.
pub(super) type Pair = (Value, Vec<Value>);

pub(super) struct Meanings<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) compiled: &'a Compiled,
    pub(super) sides: &'a Sides<'a>,
    pub(super) source: &'a ApiSpec,
    pub(super) dest: &'a ApiSpec,
    pub(super) pairs: &'a [Pair],
}

/// A field with all that tells its meaning.
struct Told<'a> {
    name: String,
    schema: &'a Schema,
    meaning: Meaning,
}

impl Meanings<'_> {
    /// What the lines mean wrongly.
    pub(super) fn findings(&self, matches: &Matches) -> Vec<Finding> {
        let Some(root) = self.sides.dest() else { return Vec::new() };
        let mut found = Vec::new();
        for line in &self.compiled.lines {
            let told = self.told_line(line, root);
            let mut add = |class, cause: String, fix: String, sample: Option<SampleRecord>| {
                let document = self.mapping.transformations.get(line.index);
                found.push(Finding {
                    class,
                    severity: Severity::Error,
                    field: line.dest.to_string(),
                    source: document.map(sources).unwrap_or_default(),
                    line: Some(line.index),
                    cause,
                    fix,
                    count: self.pairs.len(),
                    of: self.pairs.len(),
                    sample,
                });
            };
            if let Some(other) = better(line, matches, self) {
                let own = line.sources.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
                let cause =
                    format!("`{}` is filled from {own}, but by its name and type it is `{other}`", line.dest);
                add(
                    FindingClass::WrongField,
                    cause,
                    format!("map `{other}` to it, or confirm the line"),
                    None,
                );
            }
            if let Op::Call(ready) = &line.op
                && ready.name == "lookup"
                && let Some(table) = ready.params.get("table").and_then(crate::mapping::Value::as_object)
                && let Some(what) = tables::wrong(table)
            {
                let cause = format!("the table of `{}` {what}", line.dest);
                add(FindingClass::WrongTable, cause, "correct the table, or confirm it".to_owned(), None);
            }
            let Some((from, to)) = told else { continue };
            let values = self.values(line);
            if let Some((cause, fix)) = wrong_unit(line, &from, &to, &values) {
                add(FindingClass::WrongUnit, cause, fix, example(line, &values));
            } else if let Some((cause, fix)) = wrong_moment(line, &from, &to, &values) {
                add(FindingClass::WrongTime, cause, fix, example(line, &values));
            } else if from.meaning != Meaning::Any
                && let Some(value) = all_unlike(to.meaning, &values)
            {
                let cause = format!(
                    "`{}` is for {}, but gets {}: {}",
                    line.dest,
                    called(to.meaning),
                    look(value),
                    short(value)
                );
                let fix = format!("map a field that holds {}", called(to.meaning));
                add(FindingClass::WrongLook, cause, fix, example(line, &values));
            }
        }
        found
    }

    /// What the mapper makes of the two records when it is asked nothing but that.
    pub(super) fn matches(&self) -> Result<Matches> {
        let Some(root) = self.sides.dest() else { return Ok(Matches::default()) };
        let name = |spec: &ApiSpec, id: SchemaId| {
            let schema = spec.schemas.get(id).and_then(|schema| schema.name.as_deref()).unwrap_or_default();
            format!("{} {schema}", spec.api_name)
        };
        let (from, to) = (name(self.source, self.sides.source), name(self.dest, root));
        let source = Record { name: &from, schemas: &self.source.schemas, root: self.sides.source };
        let dest = Record { name: &to, schemas: &self.dest.schemas, root };
        match match_fields(source, dest, &Known::default()) {
            // Records without fields have nothing to be confused.
            Err(error) if error.kind() == crate::ErrorKind::SpecInvalid => Ok(Matches::default()),
            matches => matches,
        }
    }

    /// What is known of both ends of a line with one source.
    fn told_line(&self, line: &Line, root: SchemaId) -> Option<(Told<'_>, Told<'_>)> {
        let [source] = line.sources.as_slice() else { return None };
        let from = told(&self.source.schemas, self.sides.source, &unsplit(source, self.mapping))?;
        Some((from, told(&self.dest.schemas, root, &line.dest)?))
    }

    /// What a line took and what it gave, value by value, where one can tell which became which.
    fn values(&self, line: &Line) -> Vec<(Value, Value)> {
        let [source] = line.sources.as_slice() else { return Vec::new() };
        if self.mapping.split.is_some() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (record, outputs) in self.pairs {
            let [output] = outputs.as_slice() else { continue };
            let (from, to) = (find_all(record, source), find_all(output, &line.dest));
            if from.len() == to.len() {
                let both = from.into_iter().zip(to).filter(|(a, b)| !a.is_null() && !b.is_null());
                found.extend(both.map(|(a, b)| (a.clone(), b.clone())));
            }
        }
        found
    }
}

fn told<'a>(schemas: &'a Schemas, root: SchemaId, path: &FieldPath) -> Option<Told<'a>> {
    let field = schemas.field(root, &path.to_string())?;
    let schema = schemas.get(field.schema)?;
    let mut keys = path.steps().iter().rev().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        _ => None,
    });
    let name = keys.next().unwrap_or_default().to_owned();
    let above = schemas.get(root).and_then(|schema| schema.name.as_deref()).unwrap_or_default();
    let meaning = Meaning::of(&name, keys.next().unwrap_or(above), schema);
    Some(Told { name, schema, meaning })
}

/// The field of the source that the mapper would choose for a line's destination, if it is clearly surer of it.
fn better(line: &Line, matches: &Matches, meanings: &Meanings<'_>) -> Option<String> {
    let dest = everywhere(&line.dest.to_string());
    let at = matches.dest.iter().position(|field| field.path == dest)?;
    let pair = matches.only_pair(at)?;
    let own: Vec<String> =
        line.sources.iter().map(|path| everywhere(&unsplit(path, meanings.mapping).to_string())).collect();
    let other = &matches.source.get(pair.source)?.path;
    if own.is_empty() || own.contains(other) {
        return None;
    }
    let of_own = pair.candidates.iter().filter(|candidate| {
        matches.source.get(candidate.source).is_some_and(|field| own.contains(&field.path))
    });
    let sure_of_own = of_own.map(|candidate| candidate.confidence).max().unwrap_or(0);
    (pair.confidence >= SURE && pair.confidence >= sure_of_own + SURER).then(|| other.clone())
}

/// A value, if all of them are unlike what the meaning asks for.
fn all_unlike(meaning: Meaning, values: &[(Value, Value)]) -> Option<&Value> {
    let first = &values.first()?.1;
    values.iter().all(|(_, value)| !fits(meaning, value)).then_some(first)
}

fn wrong_unit(
    line: &Line,
    from: &Told<'_>,
    to: &Told<'_>,
    values: &[(Value, Value)],
) -> Option<(String, String)> {
    let a = unit(&from.name, from.schema, from.meaning)?;
    let b = unit(&to.name, to.schema, to.meaning)?;
    if a.dimension != b.dimension {
        return None;
    }
    let expected = a.size / b.size;
    let pairs: Vec<(f64, f64)> = values
        .iter()
        .filter_map(|(x, y)| Some((as_number(x)?, as_number(y)?)))
        .filter(|(x, _)| *x != 0.0)
        .collect();
    // A unit of the result may be rounded away, and what rounds to little tells nothing.
    let right = |(x, y): &(f64, f64)| (y - x * expected).abs() <= (x * expected).abs() * 0.02 + 1.0;
    if pairs.is_empty() || pairs.iter().any(right) {
        return None;
    }
    let cause = format!(
        "`{}` is in {}, `{}` in {}, but the amount isn't converted",
        from.name, a.name, line.dest, b.name
    );
    let fix = match a.dimension {
        Dimension::Moment => "use the function `timestamp` with the right `format`".to_owned(),
        _ => format!("use the function `scale_decimal` with {{\"by\": {expected}}}"),
    };
    Some((cause, fix))
}

fn wrong_moment(
    line: &Line,
    from: &Told<'_>,
    to: &Told<'_>,
    values: &[(Value, Value)],
) -> Option<(String, String)> {
    let is_time =
        |meaning| matches!(meaning, Meaning::Date | Meaning::DateTime | Meaning::Unix | Meaning::UnixMillis);
    if !is_time(from.meaning) || !is_time(to.meaning) {
        return None;
    }
    let mut moved = Vec::new();
    for (x, y) in values {
        // Without a zone a text is no moment, so nothing can be said about it.
        if !has_zone(x) || !has_zone(y) {
            continue;
        }
        let (Some(x), Some(y)) = (as_moment(x), as_moment(y)) else { continue };
        moved.push((y - x) as f64 / 3.6e9);
    }
    let first = *moved.first()?;
    // Less than a minute is a fraction that was cut off.
    if moved.iter().any(|hours| hours.abs() < 1.0 / 60.0) {
        return None;
    }
    let cause =
        format!("`{}` is another moment than `{}`: it is off by {first:.1} hours", line.dest, from.name);
    Some((
        cause,
        "let the text say its own zone: use the format `iso8601`, or the `timezone` the text claims"
            .to_owned(),
    ))
}

fn has_zone(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::String(text) => {
            text.contains('T')
                && (text.ends_with('Z') || text.get(19..).is_some_and(|rest| rest.contains(['+', '-'])))
        }
        _ => false,
    }
}

fn as_number(value: &Value) -> Option<f64> {
    number(&value.to_string().parse().ok()?)
}

fn as_moment(value: &Value) -> Option<i64> {
    moment(&value.to_string().parse().ok()?)
}

fn example(line: &Line, values: &[(Value, Value)]) -> Option<SampleRecord> {
    let (input, output) = values.first()?.clone();
    Some(SampleRecord { probe: format!("a value of {}", line.dest), input, output: Some(output) })
}

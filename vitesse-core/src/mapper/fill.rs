//! Lines that need no partner in the source: constants, defaults; and conversions that people confirmed before.

use super::draft::Sides;
use super::facts::Facts;
use super::hints::Wishes;
use super::judge::needed;
use super::map::invalid;
use super::request::{LearnedLine, MapRequest};
use super::review;
use super::side::{Resolved, field_path, record_name};
use crate::embed::split_words;
use crate::error::Result;
use crate::mapping::value::Object;
use crate::mapping::{FieldPath, Functions, Mapping, Step, TransformType, Transformation, Value};
use crate::spec::{Json, Type};

/// A line that always gives the same value.
fn constant(path: &FieldPath, value: Value, reason: &str, confidence: f64) -> Transformation {
    let mut config = Object::new();
    config.insert("function", "constant");
    config.insert("params", [("value", value)].into_iter().collect::<Object>());
    Transformation {
        dest_field: path.clone(),
        transform_type: TransformType::Custom,
        transform_config: config,
        confidence: Some(confidence),
        reason: Some(reason.to_owned()),
        ..Transformation::default()
    }
}

/// The constants a person asked for, in the place of whatever was found for their fields.
pub(super) fn constants(lines: &mut Vec<Transformation>, wishes: &Wishes) {
    for (path, value) in &wishes.constants {
        lines.retain(|line| !path.contains(&line.dest_field) && !line.dest_field.contains(path));
        lines.push(review::marked(constant(path, value.clone(), "you said so", 1.0), review::HINT));
    }
}

/// Fills required fields that have only one value or a default, and puts the default where a source isn't in
/// every record.
pub(super) fn obvious(mapping: &mut Mapping, sides: &Sides<'_>) {
    let mut added = Vec::new();
    let mut defaults = Vec::new();
    for needed in needed(mapping, sides.dest) {
        let Some(facts) = Facts::of(&sides.dest.schemas, needed.field.schema, &needed.field.path) else {
            continue;
        };
        let default = facts.schema.details().default.as_ref().and_then(value);
        match (needed.line, facts.values.as_slice(), default) {
            // What nothing counts the elements of can't be filled.
            (None, ..) if needed.path.depth() > 0 && !counted(mapping, &needed.path) => {}
            (None, [only], _) => {
                if let Some(value) = value(only) {
                    added.push(constant(&needed.path, value, "its only value", 0.99));
                }
            }
            (None, _, Some(value)) => {
                added.push(constant(&needed.path, value, "the default the description gives", 0.9));
            }
            (Some(line), _, Some(value)) if is_copy(line) && !review::is_firm(line) => {
                defaults.push((line.dest_field.clone(), value));
            }
            _ => {}
        }
    }
    for (path, value) in defaults {
        let Some(line) =
            mapping.transformations.iter_mut().find(|line| line.enabled && line.dest_field == path)
        else {
            continue;
        };
        line.transform_type = TransformType::Custom;
        line.transform_config = Object::new();
        line.transform_config.insert("function", "default");
        line.transform_config.insert("params", [("value", value)].into_iter().collect::<Object>());
        let reason = line.reason.take().unwrap_or_default();
        line.reason = Some(format!("{reason}; the description's default where it is missing"));
    }
    for line in added {
        mapping.transformations.push(line);
        if mapping.validate(&Functions::builtin()).is_err() {
            mapping.transformations.pop();
        }
    }
}

/// Whether some line makes elements of every list that a path goes through.
fn counted(mapping: &Mapping, path: &FieldPath) -> bool {
    let lists = path.steps().iter().enumerate().filter(|(_, step)| **step == Step::Each);
    lists.into_iter().all(|(at, _)| {
        let list = &path.steps()[..=at];
        mapping.transformations.iter().any(|line| line.enabled && line.dest_field.steps().starts_with(list))
    })
}

fn is_copy(line: &Transformation) -> bool {
    matches!(line.transform_type, TransformType::Direct | TransformType::Mapping)
}

fn value(json: &Json) -> Option<Value> {
    json.text().parse().ok()
}

/// Lines that name a record of another stream: the destination's id of it is looked up when records move.
pub(super) fn references(lines: &mut Vec<Transformation>, request: &MapRequest, sides: &Sides<'_>) {
    for stream in &request.streams {
        let name = |path: &str| split_words(&record_name(path));
        let (from, to) = (name(&stream.source_endpoint), name(&stream.dest_endpoint));
        let Some(source) = id_of(sides.source, &from) else { continue };
        let taken = |line: &&Transformation| line.source_field.paths == [source.clone()];
        let suffix: Vec<String> = to.iter().cloned().chain(["id".to_owned()]).collect();
        // A person said which of the destination's ids of such records it is: `primary_contact_id`.
        let said = lines.iter().filter(taken).filter(|line| review::is_firm(line));
        let mut said = said.map(|line| line.dest_field.clone());
        let said = said.find(|dest| split_words(&dest.to_string()).ends_with(&suffix));
        let firm = said.is_some();
        // The record's id there, or whatever the source's was found to fill.
        let dest = said.or_else(|| id_of(sides.dest, &to)).or_else(|| {
            let dest = lines.iter().find(taken)?.dest_field.clone();
            let last = split_words(dest.leaf_name()?).pop()?;
            (last == "id").then_some(dest)
        });
        let Some(dest) = dest else { continue };
        let chosen = |line: &Transformation| line.dest_field == dest && review::is_firm(line);
        if dest.depth() < source.depth() || !firm && lines.iter().any(chosen) {
            continue;
        }
        let mut config = Object::new();
        config.insert("function", "ref");
        config.insert("params", [("stream", stream.stream.as_str())].into_iter().collect::<Object>());
        lines.retain(|line| {
            line.dest_field != dest && (review::is_firm(line) || line.source_field.paths != [source.clone()])
        });
        let line = Transformation {
            required: sides
                .dest
                .schemas
                .field(sides.dest.root, &dest.to_string())
                .is_some_and(|f| f.required),
            source_field: source.into(),
            dest_field: dest,
            transform_type: TransformType::Custom,
            transform_config: config,
            confidence: Some(if firm { 1.0 } else { 0.9 }),
            reason: Some(format!("the record that the stream {} made", stream.stream)),
            ..Transformation::default()
        };
        lines.push(if firm { review::marked(line, review::HINT) } else { line });
    }
}

/// The field that holds the id of a record of that name: `customer_id`, `customer.id`.
fn id_of(side: &Resolved<'_>, record: &[String]) -> Option<FieldPath> {
    let wanted: Vec<&str> = record.iter().map(String::as_str).chain(["id"]).collect();
    side.schemas.fields(side.root, 4).into_iter().find_map(|field| {
        let words: Vec<String> = split_words(&field.path);
        (!record.is_empty() && words == wanted).then(|| field_path(&field.path))
    })
}

/// Conversions that people confirmed in earlier mappings, and a word about it in the reason.
pub(super) fn learned(lines: &mut [Transformation], request: &MapRequest, sides: &Sides<'_>, use_it: bool) {
    if !use_it {
        return;
    }
    let fits = |learned: &&LearnedLine| learned.fits(sides.source.api, sides.dest.api);
    for learned in request.learned.iter().filter(fits) {
        let same = |line: &&mut Transformation| {
            let source = line.source_field.paths.iter().any(|path| path.to_string() == learned.source_field);
            source && line.dest_field.to_string() == learned.dest_field
        };
        let Some(line) = lines.iter_mut().find(same) else { continue };
        let (Some(kind), config) = (&learned.transform_type, &learned.transform_config) else { continue };
        let mut document = Object::new();
        document.insert(
            "source_field",
            line.source_field.paths.first().map(ToString::to_string).unwrap_or_default(),
        );
        document.insert("dest_field", line.dest_field.to_string());
        document.insert("transform_type", kind.as_str());
        if let Some(config) = config.as_ref().and_then(|config| config.to_string().parse::<Value>().ok()) {
            document.insert("transform_config", config);
        }
        let mut whole = Object::new();
        whole.insert("version", crate::mapping::VERSION as i64);
        whole.insert("transformations", vec![Value::from(document)]);
        // What an older version learned may not be known any more; then the schemas decide.
        let Ok(found) = Mapping::from_value(&whole.into()) else { continue };
        if found.validate(&Functions::builtin()).is_err() || line.source_field.paths.len() != 1 {
            continue;
        }
        if let Some(found) = found.transformations.into_iter().next()
            && (found.transform_type != line.transform_type
                || found.transform_config != line.transform_config)
        {
            line.transform_type = found.transform_type;
            line.transform_config = found.transform_config;
            line.reason = Some("confirmed in an earlier mapping, with its conversion".to_owned());
        }
    }
}

/// Refuses a fixed value that its field doesn't take.
pub(super) fn check_constant(dest: &Resolved<'_>, path: &FieldPath, value: &Value) -> Result<()> {
    let facts = dest.schemas.field(dest.root, &path.to_string());
    let facts = facts.and_then(|field| Facts::of(&dest.schemas, field.schema, &field.path));
    match facts {
        Some(facts) if !takes(&facts, value) => Err(invalid("the field doesn't take that value".to_owned())
            .with("field", path)
            .with("value", value)
            .help(format!("it holds {}", facts.holds()))),
        _ => Ok(()),
    }
}

fn takes(facts: &Facts<'_>, value: &Value) -> bool {
    let listed = facts.values.is_empty()
        || facts.values.iter().any(|known| known.text().parse::<Value>().as_ref() == Ok(value));
    let kind = match value {
        Value::Null => return facts.nullable || facts.types.is_any(),
        Value::Bool(_) => Type::Boolean,
        Value::Number(number) if number.as_i64().is_some() => Type::Integer,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::Array(_) => Type::Array,
        Value::Object(_) => Type::Object,
    };
    let number = kind == Type::Integer && facts.types.has(Type::Number);
    listed && (facts.types.is_any() || facts.types.has(kind) || number)
}

use super::apply_value;
use crate::mapping::{Compiled, Line, Op, Value};

/// What each line did with a record, one text a line, with types in place of values: for logs.
///
/// ```
/// use vitesse_core::mapping::{Functions, Mapping, value::read};
/// use vitesse_core::transform::plain::trace;
/// let mapping = Mapping::parse(br#"{"version": 1, "transformations": [
///     {"source_field": "email", "dest_field": "mail", "transform_type": "custom", "transform_config": {"function": "lower"}},
///     {"source_field": "items[].n", "dest_field": "lines[].n", "transform_type": "stringify"}
/// ]}"#).unwrap();
/// let compiled = mapping.compile(&Functions::builtin()).unwrap();
/// let record = read(br#"{"email": "Ada@x.example", "items": [{"n": 1}, {"n": 2}]}"#).unwrap();
/// assert_eq!(trace(&compiled, &record), [
///     "line 0: email (string) -> lower -> mail (string)",
///     "line 1: items[].n (2 x number) -> stringify -> lines[].n (2 x string)",
/// ]);
/// ```
pub fn trace(mapping: &Compiled, record: &Value) -> Vec<String> {
    let outcomes = apply_value(mapping, record.clone());
    let mut made = Vec::new();
    let mut failed = None;
    for outcome in outcomes {
        match outcome {
            Ok(value) => made.extend(value),
            // The message may quote a value; the line it names doesn't.
            Err(error) => {
                let line =
                    error.context().iter().find(|(key, _)| *key == "line").map(|(_, line)| line.clone());
                failed = Some(line.unwrap_or_default());
            }
        }
    }
    if made.is_empty() && failed.is_none() {
        return vec!["left out by the filter, or split into nothing".to_owned()];
    }
    let told = |line: &Line| {
        let sources: Vec<String> = line
            .sources
            .iter()
            .map(|source| format!("{source} ({})", types(&source.find_all(record))))
            .collect();
        let outcome = match &failed {
            Some(failing) if *failing == line.index.to_string() => "failed".to_owned(),
            Some(_) => "not made, another line failed".to_owned(),
            None => types(&made.iter().flat_map(|made| line.dest.find_all(made)).collect::<Vec<_>>()),
        };
        let how = match &line.op {
            Op::Copy => "copy",
            Op::ParseInt => "parse_int",
            Op::ParseFloat => "parse_float",
            Op::Stringify => "stringify",
            Op::ParseBool => "parse_bool",
            Op::Collect { .. } => "collect",
            Op::Call(function) => &function.name,
        };
        format!("line {}: {} -> {how} -> {} ({outcome})", line.index, sources.join(", "), line.dest)
    };
    mapping.lines.iter().map(told).collect()
}

/// The types of values: `string`, `3 x number`, `2 x string, 1 x null`, `missing`.
fn types(values: &[&Value]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for value in values {
        let name = value.type_name();
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    match &counts[..] {
        [] => "missing".to_owned(),
        [(name, 1)] => (*name).to_owned(),
        many => many.iter().map(|(name, count)| format!("{count} x {name}")).collect::<Vec<_>>().join(", "),
    }
}

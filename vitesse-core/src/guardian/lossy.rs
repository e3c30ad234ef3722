//! Lines whose value can't be had back: each line that has an inverse is run there and back.

use std::collections::BTreeMap;

use super::causes::sources;
use super::report::{Finding, FindingClass, SampleRecord, Severity};
use crate::mapping::functions::{Ready, convert};
use crate::mapping::{Compiled, Functions, Line, Mapping, Object, Op, Value};

/// What is lost in a line.
pub(super) fn findings(
    mapping: &Mapping,
    compiled: &Compiled,
    records: &[serde_json::Value],
) -> Vec<Finding> {
    let parsed: Vec<Value> = records.iter().filter_map(|record| record.to_string().parse().ok()).collect();
    let mut found = Vec::new();
    for line in &compiled.lines {
        let Some(document) = mapping.transformations.get(line.index) else { continue };
        let mut add = |cause: String, count, of, sample| {
            found.push(Finding {
                class: FindingClass::Lossy,
                severity: Severity::Note,
                field: line.dest.to_string(),
                source: sources(document),
                line: Some(line.index),
                cause,
                fix: "keep the original in a field of its own if it is needed again".to_owned(),
                count,
                of,
                sample,
            });
        };
        if let Op::Call(ready) = &line.op
            && ready.name == "lookup"
        {
            for (to, from) in merged(&ready.params) {
                add(format!("{} become one: {to}", from.join(" and ")), 0, 0, None);
            }
            continue;
        }
        let [source] = line.sources.as_slice() else { continue };
        let values: Vec<&Value> =
            parsed.iter().flat_map(|record| source.find_all(record)).filter(|v| !v.is_null()).collect();
        let lost: Vec<(&Value, Value)> =
            values.iter().filter_map(|value| Some((*value, back(line, value)?))).collect();
        if let Some((before, after)) = lost.first() {
            let input = serde_json::from_str(&before.to_string()).unwrap_or_default();
            let output = serde_json::from_str(&after.to_string()).ok();
            let sample = SampleRecord { probe: format!("{source} there and back"), input, output };
            let cause = format!(
                "{} keeps less than {source} has: {} comes back as {}",
                line.dest,
                cut(before),
                cut(after)
            );
            add(cause, lost.len(), values.len(), Some(sample));
        }
    }
    found
}

fn cut(value: &Value) -> String {
    let text = value.to_string();
    text.chars().take(60).collect()
}

/// What comes back of a value, if that is something else; `None` if nothing is lost, or there is no way back.
fn back(line: &Line, value: &Value) -> Option<Value> {
    match &line.op {
        Op::ParseInt | Op::ParseFloat => {
            let there = match line.op {
                Op::ParseInt => convert::parse_int(value),
                _ => convert::parse_float(value),
            };
            let back = convert::stringify(&there.ok()?);
            (number(&back)? != number(value)?).then_some(back)
        }
        Op::Call(ready) => by_function(ready, value),
        _ => None,
    }
}

fn by_function(ready: &Ready, value: &Value) -> Option<Value> {
    let there = ready.call(&[Some(value)]).ok().flatten()?;
    match ready.name.as_str() {
        "timestamp" => {
            let mut params = Object::new();
            if let Some(format) = ready.params.get("format") {
                params.insert("from", format.clone());
            }
            if let Some(zone) = ready.params.get("timezone").filter(|zone| !zone.is_null()) {
                params.insert("from_timezone", zone.clone());
            }
            let back = run("timestamp", &params, &there)?;
            (moment(&back)? != moment(value)?).then_some(back)
        }
        "scale_decimal" => {
            let by = number(ready.params.get("by")?)?;
            let back = number(&there)? / by;
            let before = number(value)?;
            let same = (back - before).abs() <= before.abs() * 1e-9;
            (!same).then(|| back.to_string().parse().ok()).flatten()
        }
        name => {
            let inverse = Functions::find(name)?.inverse?;
            let known = Functions::find(inverse)?.params;
            // Such pairs take the same parameters: the separator, the alphabet.
            let params = ready.params.iter().filter(|(key, _)| known.iter().any(|param| param.name == *key));
            let params: Object = params.map(|(key, value)| (key, value.clone())).collect();
            let back = run(inverse, &params, &there)?;
            let same =
                back == *value || number(&back).is_some_and(|number_back| Some(number_back) == number(value));
            (!same).then_some(back)
        }
    }
}

pub(super) fn run(function: &str, params: &Object, value: &Value) -> Option<Value> {
    Functions::builtin().ready(function, params).ok()?.call(&[Some(value)]).ok().flatten()
}

/// A moment in microseconds since 1970.
pub(super) fn moment(value: &Value) -> Option<i64> {
    let params: Object = [("format", "unix_us")].into_iter().collect();
    run("timestamp", &params, value)?.to_string().parse().ok()
}

pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_str().parse().ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

/// Values of a table that several keys become.
fn merged(params: &Object) -> Vec<(String, Vec<String>)> {
    let mut by_value: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in params.get("table").and_then(Value::as_object).into_iter().flat_map(Object::iter) {
        by_value.entry(value.to_string()).or_default().push(format!("\"{key}\""));
    }
    by_value.into_iter().filter(|(_, keys)| keys.len() > 1).collect()
}

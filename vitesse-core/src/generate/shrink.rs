use serde_json::Value;

/// How often `fails` is asked at most.
const MOST: usize = 3_000;

/// The smallest record made from a failing one that still fails: fields and items left out, texts shortened,
/// numbers made small, as far as each step keeps the failure.
///
/// ```
/// use serde_json::json;
/// use vitesse_core::generate::shrink;
/// let found = json!({"name": "Ada Lovelace", "tags": ["a", "b", "c"], "age": 36});
/// let small = shrink(found, |record| record["tags"].as_array().is_some_and(|tags| tags.len() > 1));
/// assert_eq!(small, json!({"tags": [null, null]}));
/// ```
pub fn shrink(record: Value, mut fails: impl FnMut(&Value) -> bool) -> Value {
    let mut best = record;
    let mut left = MOST;
    loop {
        let before = best.clone();
        let mut places = Vec::new();
        collect(&best, &mut Vec::new(), &mut places);
        for place in &places {
            // An earlier step may have taken this place away.
            let Some(value) = at(&best, place) else { continue };
            for smaller in smaller(value) {
                if left == 0 {
                    return best;
                }
                left -= 1;
                let mut tried = best.clone();
                match (smaller, at_mut(&mut tried, place)) {
                    (Change::To(value), Some(there)) => *there = value,
                    (Change::Gone, Some(_)) => remove(&mut tried, place),
                    (_, None) => continue,
                }
                if fails(&tried) {
                    best = tried;
                    break;
                }
            }
        }
        if best == before {
            return best;
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

enum Change {
    Gone,
    To(Value),
}

/// Every place of a value, outermost first and last items first, so that indexes stay true.
fn collect(value: &Value, way: &mut Vec<Step>, places: &mut Vec<Vec<Step>>) {
    places.push(way.clone());
    match value {
        Value::Object(members) => {
            for (key, inner) in members {
                way.push(Step::Key(key.clone()));
                collect(inner, way, places);
                way.pop();
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate().rev() {
                way.push(Step::Index(index));
                collect(inner, way, places);
                way.pop();
            }
        }
        _ => {}
    }
}

/// Smaller values to try in place of one, the smallest first.
fn smaller(value: &Value) -> Vec<Change> {
    let mut changes = vec![Change::Gone];
    let mut to = |value: Value| changes.push(Change::To(value));
    match value {
        Value::Null => {}
        Value::Bool(flag) => {
            if *flag {
                to(false.into());
            }
        }
        Value::Number(number) => {
            if number.as_f64() != Some(0.0) {
                to(0.into());
                to(1.into());
            }
            if let Some(whole) = number.as_i64().filter(|whole| whole.unsigned_abs() > 1) {
                to((whole / 2).into());
            }
        }
        Value::String(text) => {
            let count = text.chars().count();
            for part in [0, 1, count / 2, count.saturating_sub(1)] {
                if part < count {
                    to(text.chars().take(part).collect::<String>().into());
                }
            }
        }
        Value::Array(items) => {
            if !items.is_empty() {
                to(Value::Array(Vec::new()));
                to(Value::Array(items[..items.len() / 2].to_vec()));
            }
            to(Value::Null);
        }
        Value::Object(members) => {
            if !members.is_empty() {
                to(Value::Object(serde_json::Map::new()));
            }
        }
    }
    // A scalar that only has to be there can be anything.
    if matches!(value, Value::Number(_) | Value::String(_) | Value::Bool(_)) {
        changes.insert(1, Change::To(Value::Null));
    }
    changes
}

fn at<'v>(value: &'v Value, place: &[Step]) -> Option<&'v Value> {
    place.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

fn at_mut<'v>(value: &'v mut Value, place: &[Step]) -> Option<&'v mut Value> {
    place.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}

fn remove(value: &mut Value, place: &[Step]) {
    let Some((last, around)) = place.split_last() else { return };
    match (last, at_mut(value, around)) {
        (Step::Key(key), Some(Value::Object(members))) => drop(members.remove(key)),
        (Step::Index(index), Some(Value::Array(items))) if *index < items.len() => drop(items.remove(*index)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_nothing_to_do_with_the_failure_goes() {
        let record = json!({"a": {"b": [{"c": "éclair", "d": 12}, {"c": "x", "d": 900}]}, "e": "f"});
        let fails = |record: &Value| {
            record["a"]["b"]
                .as_array()
                .is_some_and(|items| items.iter().any(|i| i["d"].as_i64().is_some_and(|d| d > 100)))
        };
        assert_eq!(shrink(record, fails), json!({"a": {"b": [{"d": 112}]}}));
        assert_eq!(
            shrink(json!({"n": "éclair"}), |r| r["n"].as_str().is_some_and(|t| t.starts_with('é'))),
            json!({"n": "é"})
        );
        assert_eq!(shrink(json!([1, 2]), |_| false), json!([1, 2]));
    }
}

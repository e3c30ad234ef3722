//! Changes to a record.

use serde_json::{Map, Value};

/// How a record changes.
#[derive(Debug)]
pub(crate) enum Change {
    /// What is sent wins, the rest stays.
    Merge(Map<String, Value>),
    /// What is sent is all there is.
    Replace(Map<String, Value>),
    /// The operations of RFC 6902.
    Patch(Vec<Value>),
}

/// RFC 7396, but a null stays where the field may be null.
pub(crate) fn merge(
    record: &mut Map<String, Value>,
    sent: Map<String, Value>,
    nullable: &dyn Fn(&str) -> bool,
) {
    for (name, value) in sent {
        match (record.get_mut(&name), value) {
            (_, Value::Null) if !nullable(&name) => drop(record.remove(&name)),
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new, &|_| true),
            (_, value) => drop(record.insert(name, value)),
        }
    }
}

pub(crate) fn patch(record: &mut Value, operations: &[Value]) -> Result<(), String> {
    for operation in operations {
        let word = |name: &str| operation.get(name).and_then(Value::as_str);
        let path = word("path").ok_or("an operation has no path")?;
        let (parent, last) = path.rsplit_once('/').ok_or_else(|| format!("{path:?} is no JSON pointer"))?;
        let last = last.replace("~1", "/").replace("~0", "~");
        let value = operation.get("value").cloned().unwrap_or(Value::Null);
        let nothing = || format!("{path} is not there");
        match word("op").unwrap_or_default() {
            "test" => {
                if record.pointer(path) != Some(&value) {
                    return Err(format!("{path} is not what the test says"));
                }
            }
            "replace" => *record.pointer_mut(path).ok_or_else(nothing)? = value,
            op @ ("add" | "remove") => match record.pointer_mut(parent).ok_or_else(nothing)? {
                Value::Object(map) if op == "add" => drop(map.insert(last, value)),
                Value::Object(map) => drop(map.remove(&last).ok_or_else(nothing)?),
                Value::Array(list) => {
                    let at = if last == "-" { list.len() } else { last.parse().map_err(|_| nothing())? };
                    if op == "add" && at <= list.len() {
                        list.insert(at, value);
                    } else if op == "remove" && at < list.len() {
                        list.remove(at);
                    } else {
                        return Err(nothing());
                    }
                }
                _ => return Err(nothing()),
            },
            op => {
                return Err(format!(
                    "the operation {op:?} is not known here; use add, remove, replace or test"
                ));
            }
        }
    }
    Ok(())
}

//! Arrays: one element, all of them, their number and order.

use super::{Call, Function, ParamKind, built, convert, ex, fails, optional, refused, single};
use crate::error::Result;
use crate::mapping::Value;
use crate::mapping::predicate::order;
use crate::mapping::value::{write_string, write_value};
use std::cmp::Ordering;
use std::collections::HashSet;

use super::decimal::Decimal;
use std::sync::Arc;

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "first",
        summary: "The first element of an array.",
        doc: "Of an empty array it is missing. A value that is no array is its own first element, and last.",
        examples: &[ex("{}", &["[1,2]"], "1"), ex("{}", &["[]"], ""), ex("{}", &["7"], "7")],
        build: |_| built(|inputs| Ok(elements(inputs[0]).next().cloned())),
        ..Function::DEFAULT
    },
    Function {
        name: "last",
        summary: "The last element of an array.",
        examples: &[ex("{}", &["[1,2]"], "2"), ex("{}", &["[]"], "")],
        build: |_| built(|inputs| Ok(elements(inputs[0]).last().cloned())),
        ..Function::DEFAULT
    },
    Function {
        name: "join",
        params: &[
            optional("separator", ParamKind::String, r#"", ""#, "What stands between the elements."),
            optional("skip_empty", ParamKind::Bool, "true", "Whether null and empty elements are left out."),
        ],
        summary: "Puts the elements of an array together to one text.",
        examples: &[
            ex("{}", &[r#"["a",null,1.0]"#], r#""a, 1.0""#),
            ex(r#"{"separator": "|", "skip_empty": false}"#, &[r#"["a",null]"#], r#""a|""#),
        ],
        inverse: Some("split"),
        build: |args| {
            let (separator, skip) = (args.text("separator").to_owned(), args.flag("skip_empty"));
            built(move |inputs| {
                let parts = elements(inputs[0]).map(|value| match value {
                    Value::Null => String::new(),
                    other => convert::stringify(other).as_str().unwrap_or_default().to_owned(),
                });
                let parts: Vec<_> = parts.filter(|part| !skip || !part.is_empty()).collect();
                Ok(Some(parts.join(&separator).into()))
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "length",
        aliases: &["count", "size"],
        summary: "How many elements, fields or characters there are.",
        examples: &[
            ex("{}", &["[1,2]"], "2"),
            ex("{}", &[r#""héé""#], "3"),
            ex("{}", &[r#"{"a":1}"#], "1"),
            fails("{}", &["5"]),
        ],
        build: |_| {
            single(|value| {
                let length = match value {
                    Value::Array(items) => items.len(),
                    Value::Object(object) => object.len(),
                    Value::String(text) => text.chars().count(),
                    other => return Err(refused(format!("{} has no length", other.a_type()))),
                };
                Ok(crate::mapping::Number::from(length as u64).into())
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "unique",
        aliases: &["distinct"],
        summary: "Leaves out elements that came before.",
        doc: "Numbers are compared by value; the first of equal elements stays.",
        examples: &[
            ex("{}", &[r#"[1,"a",1.0,"a",null]"#], r#"[1,"a",null]"#),
            ex("{}", &[r#"[{"a":1,"b":[]},{"b":[],"a":1e0},"1"]"#], r#"[{"a":1,"b":[]},"1"]"#),
        ],
        build: |_| {
            of_array(|items| {
                let mut known = HashSet::new();
                let kept = items.iter().filter(|item| {
                    let mut text = String::new();
                    meaning(item, &mut text);
                    known.insert(text)
                });
                kept.cloned().collect::<Vec<_>>().into()
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "sort",
        params: &[optional("descending", ParamKind::Bool, "false", "Whether the largest comes first.")],
        summary: "Puts the elements of an array in order.",
        doc: "Numbers by value before texts by their characters; elements of other types come last, in the order they had.",
        examples: &[
            ex("{}", &[r#"["b",10,9.5,null,"a"]"#], r#"[9.5,10,"a","b",null]"#),
            ex(r#"{"descending": true}"#, &["[1,3,2]"], "[3,2,1]"),
        ],
        build: |args| {
            let descending = args.flag("descending");
            of_array(move |items| {
                let rank = |value: &Value| match value {
                    Value::Number(_) => 0,
                    Value::String(_) => 1,
                    _ => 2,
                };
                let mut items = items.to_vec();
                items.sort_by(|a, b| {
                    rank(a).cmp(&rank(b)).then_with(|| order(a, b).unwrap_or(Ordering::Equal))
                });
                if descending {
                    items.reverse();
                }
                items.into()
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "flatten",
        params: &[optional("depth", ParamKind::Integer, "1", "Through how many levels.")],
        summary: "Takes arrays within an array apart.",
        examples: &[
            ex("{}", &["[1,[2,[3]]]"], "[1,2,[3]]"),
            ex(r#"{"depth": 2}"#, &["[1,[2,[3]]]"], "[1,2,3]"),
        ],
        build: |args| {
            let depth = args.integer("depth")?;
            of_array(move |items| {
                let mut flat = Vec::new();
                flatten(items, depth, &mut flat);
                flat.into()
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "to_array",
        aliases: &["wrap"],
        summary: "Makes an array of one element.",
        doc: "An array stays as it is.",
        examples: &[ex("{}", &["1"], "[1]"), ex("{}", &["[1]"], "[1]")],
        inverse: Some("from_array"),
        build: |_| {
            single(|value| {
                Ok(match value {
                    Value::Array(_) => value.clone(),
                    other => Value::Array(vec![other.clone()]),
                })
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "from_array",
        aliases: &["unwrap"],
        summary: "Takes the only element out of an array.",
        doc: "Of an empty array it is missing; more than one element is an error. A value that is no array stays.",
        examples: &[ex("{}", &["[1]"], "1"), ex("{}", &["[]"], ""), fails("{}", &["[1,2]"])],
        inverse: Some("to_array"),
        build: |_| {
            built(|inputs| match inputs[0] {
                Some(Value::Array(items)) if items.len() > 1 => {
                    Err(refused(format!("the array has {} elements, not one", items.len()))
                        .help("use first or join"))
                }
                Some(Value::Array(items)) => Ok(items.first().cloned()),
                other => Ok(other.cloned()),
            })
        },
        ..Function::DEFAULT
    },
];

/// The place of an index that may count from the end.
pub(super) fn position(index: i64, length: usize) -> Option<usize> {
    let at = match usize::try_from(index) {
        Ok(at) => at,
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    (at < length).then_some(at)
}

fn of_array(function: impl Fn(&[Value]) -> Value + Send + Sync + 'static) -> Result<Arc<dyn Call>> {
    single(move |value| match value {
        Value::Array(items) => Ok(function(items)),
        other => Err(refused(format!("an array was expected, {} was found", other.a_type()))
            .help("use to_array first")),
    })
}

/// The elements of an array, or the value itself.
fn elements(value: Option<&Value>) -> std::slice::Iter<'_, Value> {
    match value {
        Some(Value::Array(items)) => items.iter(),
        Some(other) => std::slice::from_ref(other).iter(),
        None => [].iter(),
    }
}

fn flatten(items: &[Value], depth: i64, flat: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::Array(inner) if depth > 0 => flatten(inner, depth - 1, flat),
            other => flat.push(other.clone()),
        }
    }
}

/// The same text for values that mean the same: numbers by value, keys in any order.
fn meaning(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => match Decimal::parse(number.as_str()) {
            Some(decimal) => out.push_str(&format!("{decimal:?}")),
            None => out.push_str(number.as_str()),
        },
        Value::Array(items) => {
            for item in items {
                out.push('[');
                meaning(item, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            let mut fields: Vec<_> = object.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            for (key, value) in fields {
                out.push('{');
                write_string(key, out);
                meaning(value, out);
            }
            out.push('}');
        }
        other => write_value(other, out),
    }
}

//! The functions that have a fast form; a mapping with any other takes the plain road.

use super::program::Value as Write;
use super::sparse::Run;
use crate::mapping::functions::Ready;
use crate::mapping::{FieldPath, Value};

/// How the result of a function is written, and the bytes of a constant or default.
pub(super) fn known(function: &Ready, sources: &[FieldPath]) -> Option<(Write, Option<Run>)> {
    if function.from_host {
        return None;
    }
    let param = |name: &str| function.params.get(name);
    let bytes = |value: &Value| Run::new(value.to_string().into_bytes());
    match (function.name.as_str(), sources.len()) {
        ("constant", 0) => Some((Write::Nothing, Some(bytes(param("value")?)))),
        ("default", 1) if param("on_empty") == Some(&Value::Bool(false)) => {
            Some((Write::Default, Some(bytes(param("value")?))))
        }
        ("parse_int", 1) if function.params.is_empty() => Some((Write::Int, None)),
        ("parse_float", 1) if function.params.is_empty() => Some((Write::Float, None)),
        ("parse_bool", 1) if function.params.is_empty() => Some((Write::Bool, None)),
        ("stringify", 1) if function.params.is_empty() => Some((Write::Text, None)),
        ("timestamp", 1) => {
            let is = |name: &str, words: &[&str]| {
                let text = param(name).and_then(Value::as_str)?;
                words.iter().any(|word| word.eq_ignore_ascii_case(text)).then_some(())
            };
            is("timezone", &["utc", "z"])?;
            let iso = &["iso8601", "iso", "rfc3339"];
            let unix = &["unix", "unix_s"];
            // Both forms name their zone themselves, so that of the input doesn't matter.
            if is("from", &["auto", "unix", "unix_s"]).is_some() && is("format", iso).is_some() {
                return Some((Write::Iso, None));
            }
            (is("from", &["auto", "iso8601", "iso", "rfc3339"]).is_some() && is("format", unix).is_some())
                .then_some((Write::Unix, None))
        }
        _ => None,
    }
}

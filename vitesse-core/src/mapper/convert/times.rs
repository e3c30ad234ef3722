//! Moments: ISO 8601, seconds and milliseconds since 1970.

use super::Conversion;
use crate::mapper::facts::Facts;
use crate::mapping::value::Object;
use crate::spec::Type;

/// How a moment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Iso,
    Date,
    Unix,
    UnixMs,
    /// A text that is a moment by its name alone.
    Text,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Iso | Self::Text => "iso8601",
            Self::Date => "date",
            Self::Unix => "unix",
            Self::UnixMs => "unix_ms",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Iso | Self::Text => "ISO 8601",
            Self::Date => "a date",
            Self::Unix => "seconds since 1970",
            Self::UnixMs => "milliseconds since 1970",
        }
    }
}

pub(super) fn convert(from: &Facts<'_>, to: &Facts<'_>) -> Option<Conversion> {
    let (source, dest) = (form(from)?, form(to)?);
    // What either side may also write is not known well enough to read it.
    if source == dest
        || source == Form::Text && dest == Form::Iso
        || dest == Form::Text && source == Form::Iso
    {
        return None;
    }
    if dest == Form::Text && source == Form::Date {
        return None;
    }
    let mut params = Object::new();
    if matches!(source, Form::Unix | Form::UnixMs) {
        params.insert("from", source.name());
    }
    params.insert("format", dest.name());
    let words = format!("{} become {}", source.words(), dest.words());
    let mut found = Conversion::call("timestamp", params, words);
    if source == Form::Text {
        found.risk = Some("the description doesn't say how the source writes the time".to_owned());
    }
    if matches!(dest, Form::Unix) && !says_unit(to) {
        found.risk = Some("the description doesn't say whether seconds or milliseconds are meant".to_owned());
    }
    Some(found)
}

const NAMES: &[&str] = &[
    "at",
    "date",
    "time",
    "timestamp",
    "datetime",
    "created",
    "updated",
    "modified",
    "since",
    "until",
    "birthday",
    "expires",
    "deadline",
];
const UNIX: &[&str] =
    &["since 1970", "unix", "epoch", "unix time", "unix timestamp", "seconds since", "posix time"];
const MILLIS: &[&str] = &["milliseconds", "millisecond", "millis", "ms"];

fn form(facts: &Facts<'_>) -> Option<Form> {
    match facts.kind()? {
        Type::String => match facts.format {
            Some("date-time" | "datetime" | "timestamp") => Some(Form::Iso),
            Some("date") => Some(Form::Date),
            None if facts.values.is_empty() && named(facts) => Some(Form::Text),
            _ => None,
        },
        Type::Integer | Type::Number => {
            let unix = matches!(facts.format, Some("unix-time" | "unixtime" | "timestamp" | "date-time"));
            let millis = facts.format == Some("unix-time-ms")
                || facts.has_word(MILLIS) && named(facts)
                || facts.says(MILLIS) && (facts.says(UNIX) || named(facts))
                || (named(facts) || facts.says(UNIX)) && large_example(facts);
            if millis {
                return Some(Form::UnixMs);
            }
            (unix || facts.says(UNIX) || named(facts)).then_some(Form::Unix)
        }
        _ => None,
    }
}

/// Whether the name is one that moments have, at its end.
fn named(facts: &Facts<'_>) -> bool {
    let last = facts.words.last().map(String::as_str).unwrap_or_default();
    let before = facts.words.iter().rev().nth(1).map(String::as_str);
    if MILLIS.contains(&last) {
        return before.is_some_and(|word| NAMES.contains(&word));
    }
    // `at` needs something that happened: `created_at`. Alone it may be a place.
    NAMES.contains(&last) && (last != "at" || before.is_some())
}

fn says_unit(facts: &Facts<'_>) -> bool {
    facts.says(UNIX) || facts.says(&["seconds"]) || facts.format.is_some_and(|format| format.contains("unix"))
}

/// Seconds reach this size in the year 5138.
fn large_example(facts: &Facts<'_>) -> bool {
    facts.example().and_then(|value| value.text().parse::<f64>().ok()).is_some_and(|value| value >= 1e11)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::shown;

    #[test]
    fn moments_are_read_and_written_as_each_side_has_them() {
        let iso = || json!({"type": "string", "format": "date-time"});
        let unix = || json!({"type": "integer", "description": "Seconds since 1970."});
        let millis = || json!({"type": "integer", "description": "Unix time in milliseconds."});
        let custom = |params: &str| format!(r#"custom {{"function":"timestamp","params":{params}}}"#);
        assert_eq!(shown(("created_at", iso()), ("signed_up", unix())), custom(r#"{"format":"unix"}"#));
        assert_eq!(
            shown(("at", unix()), ("created", iso())),
            custom(r#"{"from":"unix","format":"iso8601"}"#)
        );
        assert_eq!(
            shown(("seen", millis()), ("seen", unix())),
            custom(r#"{"from":"unix_ms","format":"unix"}"#)
        );
        assert_eq!(
            shown(("created_at", iso()), ("day", json!({"type": "string", "format": "date"}))),
            custom(r#"{"format":"date"}"#)
        );
        assert_eq!(
            shown(("createdAt", json!({"type": "string"})), ("created_ms", json!({"type": "number"}))),
            custom(r#"{"format":"unix_ms"}"#)
        );
        assert_eq!(
            shown(("ts", json!({"type": "integer", "example": 1709202600123_i64})), ("created_at", iso())),
            "stringify",
            "a name that says nothing is no moment"
        );
    }

    #[test]
    fn what_both_write_the_same_way_is_copied() {
        let iso = || json!({"type": "string", "format": "date-time"});
        assert_eq!(shown(("created_at", iso()), ("created_at", iso())), "direct");
        assert_eq!(shown(("created_at", iso()), ("made_at", json!({"type": "string"}))), "mapping");
        assert_eq!(
            shown(("count", json!({"type": "integer"})), ("total", json!({"type": "integer"}))),
            "mapping"
        );
    }
}

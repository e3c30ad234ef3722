//! Which records a list's query asks for, and in which order.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::kind::Kind;
use super::plain;
use crate::spec::{Endpoint, Location, Schema};

/// A question to each record.
#[derive(Debug)]
enum Test {
    /// A field has one of these values.
    Is(String, Vec<String>),
    /// A field is on that side of a bound; the flag says whether the bound itself is.
    Bound(String, Ordering, bool, String),
    /// A text stands in some field.
    Holds(String),
}

/// What a query asks for.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    tests: Vec<Test>,
    /// The field to go by, and whether from the end; the order of creation if there is none.
    pub(crate) order: Option<(String, bool)>,
}

impl Filter {
    /// Reads what can be understood of a query: fields by their names, bounds (`updated_since`, `created[gte]`,
    /// `min_price`), words to search for, and the order. What nothing in a record answers to is passed over.
    pub(crate) fn of(
        endpoint: &Endpoint,
        kind: &Kind,
        record: &Schema,
        query: &BTreeMap<String, Value>,
    ) -> Self {
        let mut filter = Self::default();
        let records = endpoint.records.as_deref();
        let paging = endpoint.pagination.as_deref();
        let taken = |name: &str| {
            paging.is_some_and(|p| p.param.as_deref() == Some(name) || p.size_param.as_deref() == Some(name))
        };
        let since = records.and_then(|records| records.since_param.as_deref());
        // A reader that goes by changes wants the oldest first, so that it can go on from the last.
        if since.is_some()
            && let Some(updated) = &kind.updated
        {
            filter.order = Some((updated.to_string(), false));
        }
        let mut backwards = None;
        for (name, value) in query.iter().filter(|(name, _)| !taken(name)) {
            let said = endpoint
                .parameter(Location::Query, name)
                .and_then(|p| p.description.as_deref())
                .unwrap_or_default();
            let bound = |field: String, side: Ordering, strict: bool| {
                let told = ["or after", "or before", "or equal", "inclusive", "at or"]
                    .iter()
                    .any(|words| said.contains(words));
                Test::Bound(field, side, !strict || told, text(value))
            };
            let bare = plain(name);
            match bare.as_str() {
                "q" | "query" | "search" | "keyword" | "keywords" | "term" | "searchterm"
                    if value.is_string() =>
                {
                    filter.tests.push(Test::Holds(text(value).to_lowercase()));
                }
                "sort" | "sortby" | "orderby" | "ordering" | "order" | "sortfield" => {
                    if let Some((field, down)) = order(&text(value), kind, record) {
                        filter.order = Some((field, down));
                    } else {
                        backwards = direction(&text(value)).or(backwards);
                    }
                }
                "direction" | "sortdirection" | "sortorder" | "dir" | "orderdirection" => {
                    backwards = direction(&text(value)).or(backwards);
                }
                "ids" => filter.tests.push(Test::Is(kind.key.to_string(), list(value))),
                _ if since == Some(name) => {
                    let strict = bare.ends_with("after") || bare.ends_with("gt");
                    let field = kind.updated.as_deref().or(kind.created.as_deref());
                    filter
                        .tests
                        .extend(field.map(|field| bound(field.to_owned(), Ordering::Greater, strict)));
                }
                _ => {
                    if let Value::Object(inner) = value {
                        inside(name, inner, kind, record, &mut filter.tests);
                    } else if let Some(field) = field(inner_name(name), record) {
                        filter.tests.push(Test::Is(field, list(value)));
                    } else if let Some((field, side, strict)) = side(name, kind, record) {
                        filter.tests.push(bound(field, side, strict));
                    }
                }
            }
        }
        if let (Some(down), Some((_, order))) = (backwards, &mut filter.order) {
            *order = down;
        }
        filter
    }

    pub(crate) fn keeps(&self, record: &Value) -> bool {
        self.tests.iter().all(|test| match test {
            Test::Is(field, wanted) => match record.get(field) {
                Some(Value::Array(values)) => values.iter().any(|value| one_of(value, wanted)),
                Some(value) => one_of(value, wanted),
                None => false,
            },
            Test::Bound(field, side, open, bound) => record.get(field).is_some_and(|value| {
                let order = sort_text(value).cmp(&sort_text(&Value::String(bound.clone())));
                order == *side || *open && order == Ordering::Equal
            }),
            Test::Holds(word) => holds(record, word, 0),
        })
    }

    /// What a record is ordered by: texts that compare as the values do.
    pub(crate) fn place(&self, record: &Value) -> String {
        self.order.as_ref().and_then(|(field, _)| record.get(field)).map(sort_text).unwrap_or_default()
    }

    /// Whether the order is from the end.
    pub(crate) fn is_backwards(&self) -> bool {
        self.order.as_ref().is_some_and(|(_, down)| *down)
    }

    /// Whether every record is asked for, in the order of their making.
    pub(crate) fn is_plain(&self) -> bool {
        self.tests.is_empty() && self.order.is_none()
    }
}

/// `filter[status]`, `filter.status` and `where_status` as `status`.
fn inner_name(name: &str) -> &str {
    let inner =
        name.strip_suffix(']').and_then(|rest| rest.rsplit('[').next()).filter(|inner| !inner.is_empty());
    inner.unwrap_or_else(|| {
        name.strip_prefix("filter.").or_else(|| name.strip_prefix("filter_")).unwrap_or(name)
    })
}

/// `created[gte]=...`, or `filter[status]=...`.
fn inside(
    name: &str,
    inner: &serde_json::Map<String, Value>,
    kind: &Kind,
    record: &Schema,
    tests: &mut Vec<Test>,
) {
    for (word, value) in inner {
        let side = match plain(word).as_str() {
            "gt" | "after" => Some((Ordering::Greater, false)),
            "gte" | "ge" | "min" | "from" | "since" | "start" => Some((Ordering::Greater, true)),
            "lt" | "before" => Some((Ordering::Less, false)),
            "lte" | "le" | "max" | "to" | "until" | "end" => Some((Ordering::Less, true)),
            _ => None,
        };
        match side {
            Some((order, open)) => {
                let field = field(name, record).or_else(|| time_field(&plain(name), kind, record));
                tests.extend(field.map(|field| Test::Bound(field, order, open, text(value))));
            }
            None => {
                let word = if matches!(word.as_str(), "eq" | "in") { name } else { word };
                tests.extend(field(word, record).map(|field| Test::Is(field, list(value))));
            }
        }
    }
}

fn field(name: &str, record: &Schema) -> Option<String> {
    let wanted = plain(name);
    let found = record.properties.iter().find(|property| plain(&property.name) == wanted)?;
    Some(found.name.to_string())
}

/// `created_after`, `min_price`, `since`: the field, its side, and whether the bound is left out.
fn side(name: &str, kind: &Kind, record: &Schema) -> Option<(String, Ordering, bool)> {
    const WORDS: [(&str, Ordering, bool); 12] = [
        ("since", Ordering::Greater, false),
        ("after", Ordering::Greater, true),
        ("from", Ordering::Greater, false),
        ("gte", Ordering::Greater, false),
        ("gt", Ordering::Greater, true),
        ("min", Ordering::Greater, false),
        ("until", Ordering::Less, false),
        ("before", Ordering::Less, true),
        ("lte", Ordering::Less, false),
        ("lt", Ordering::Less, true),
        ("max", Ordering::Less, false),
        ("to", Ordering::Less, false),
    ];
    let bare = plain(name);
    WORDS.iter().find_map(|(word, order, strict)| {
        let rest = bare.strip_suffix(word).or_else(|| bare.strip_prefix(word))?;
        let found = time_field(rest, kind, record).or_else(|| field(rest, record))?;
        Some((found, *order, *strict))
    })
}

fn time_field(rest: &str, kind: &Kind, record: &Schema) -> Option<String> {
    let own = ["at", "on", "date", "time"].iter().find_map(|end| field(&format!("{rest}{end}"), record));
    own.or_else(|| match rest {
        "updated" | "modified" | "changed" | "lastupdated" | "lastmodified" | "" => {
            kind.updated.as_deref().map(Into::into)
        }
        "created" | "added" => kind.created.as_deref().map(Into::into),
        _ => None,
    })
}

/// `-created_at`, `created_at:desc`, `created_at desc`: only the first of several counts.
fn order(value: &str, kind: &Kind, record: &Schema) -> Option<(String, bool)> {
    let first = value.split(',').next().unwrap_or_default().trim();
    let (name, down) = match first.strip_prefix('-') {
        Some(name) => (name, true),
        None => {
            let (name, way) = first.split_once([':', ' ', '.']).unwrap_or((first, ""));
            (name.trim_start_matches('+'), way.trim().to_ascii_lowercase().starts_with("desc"))
        }
    };
    let found = field(name, record)
        .or_else(|| time_field(&plain(name), kind, record).filter(|_| !name.is_empty()))?;
    Some((found, down))
}

fn direction(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "desc" | "descending" | "-1" => Some(true),
        "asc" | "ascending" | "1" => Some(false),
        _ => None,
    }
}

fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        value => vec![text(value)],
    }
}

/// A value as it stands in a query.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn one_of(value: &Value, wanted: &[String]) -> bool {
    let own = text(value);
    wanted.iter().any(|wanted| own.eq_ignore_ascii_case(wanted))
}

fn holds(value: &Value, word: &str, depth: usize) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains(word),
        Value::Number(number) => number.to_string() == word,
        Value::Array(values) if depth < 8 => values.iter().any(|value| holds(value, word, depth + 1)),
        Value::Object(map) if depth < 8 => map.values().any(|value| holds(value, word, depth + 1)),
        _ => false,
    }
}

/// Texts that compare as values do: times by their moment whatever their form, numbers by size, texts by letters.
fn sort_text(value: &Value) -> String {
    if let Some(moment) = moment(value) {
        return format!("1{:020}", moment.saturating_add(1 << 60));
    }
    match value {
        Value::Null => "0".into(),
        Value::Bool(flag) => format!("2{flag}"),
        Value::Number(number) => number_text(number.as_f64().unwrap_or_default()),
        Value::String(text) => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => number_text(number),
            _ => format!("4{}", text.to_lowercase()),
        },
        other => format!("5{other}"),
    }
}

fn number_text(number: f64) -> String {
    // The bits of a positive number grow with it; those of a negative one shrink.
    let bits = number.to_bits();
    let bits = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
    format!("3{bits:020}")
}

/// A moment in milliseconds since 1970: RFC 3339, a date, a time without zone (UTC), or a large whole number.
pub(crate) fn moment(value: &Value) -> Option<i64> {
    let text = match value {
        Value::Number(number) => return epoch(number.as_i64()?),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    if let Ok(number) = text.parse::<i64>() {
        return epoch(number);
    }
    // Dates are long; this spares the parsers most texts.
    if text.len() < 8 || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.as_millisecond());
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(Date::into)).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

fn epoch(number: i64) -> Option<i64> {
    match number {
        100_000_000..100_000_000_000 => Some(number * 1000),
        100_000_000_000..100_000_000_000_000 => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_compare_by_what_they_mean() {
        let less = [
            (json!("2026-03-01T00:00:00+02:00"), json!("2026-02-28T23:00:00Z")),
            (json!("2026-03-01"), json!("2026-03-01T00:00:01Z")),
            (json!(1_772_323_200), json!("2026-03-01T00:00:01Z")),
            (json!(-3), json!(-2.5)),
            (json!("9"), json!("10")),
            (json!("apple"), json!("Berry")),
            (json!(null), json!(0)),
        ];
        for (a, b) in less {
            assert!(sort_text(&a) < sort_text(&b), "{a} {b}");
        }
    }
}

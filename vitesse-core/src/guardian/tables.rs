//! Tables of values that mean the wrong thing.

use crate::embed::{Embedder, split_words};
use crate::mapping::{Object, Value};

/// From how much on (in thousandths of a cosine, over two entries) two values fit better the other way round.
const BETTER: i32 = 500;

const YES: &[&str] = &[
    "active",
    "open",
    "enabled",
    "yes",
    "true",
    "on",
    "won",
    "paid",
    "accepted",
    "approved",
    "available",
    "confirmed",
    "success",
    "succeeded",
    "valid",
    "subscribed",
    "complete",
    "completed",
    "done",
    "live",
    "published",
    "high",
    "urgent",
];
const NO: &[&str] = &[
    "inactive",
    "disabled",
    "no",
    "false",
    "off",
    "lost",
    "cancelled",
    "canceled",
    "rejected",
    "denied",
    "failed",
    "failure",
    "invalid",
    "archived",
    "deleted",
    "unsubscribed",
    "unavailable",
    "unpaid",
    "declined",
    "draft",
    "incomplete",
    "low",
    "refused",
];

/// Words that stand on a scale: how urgent, or how far along. Words that stand on one in some APIs and
/// elsewhere in others (`pending`) are left out.
const SCALES: &[&[(i32, &[&str])]] = &[
    &[
        (0, &["trivial", "lowest", "none"]),
        (1, &["low", "minor"]),
        (2, &["normal", "medium", "moderate", "standard"]),
        (3, &["high", "major"]),
        (4, &["urgent", "critical", "severe"]),
        (5, &["highest", "blocker", "emergency"]),
    ],
    &[
        (0, &["new", "draft", "created", "todo", "backlog", "planned"]),
        (1, &["open", "ready", "packed", "accepted"]),
        (2, &["progress", "doing", "processing", "started", "paid", "won"]),
        (3, &["shipped", "transit", "dispatched"]),
        (
            4,
            &[
                "done",
                "solved",
                "resolved",
                "closed",
                "completed",
                "complete",
                "delivered",
                "fulfilled",
                "finished",
            ],
        ),
        (5, &["cancelled", "canceled", "lost", "rejected", "failed", "refunded"]),
    ],
];

/// What is wrong with a table, if anything is.
pub(super) fn wrong(table: &Object) -> Option<String> {
    let entries: Vec<(&str, String)> = table
        .iter()
        .filter_map(|(key, value)| match value {
            Value::String(text) => Some((key, text.clone())),
            Value::Bool(flag) => Some((key, flag.to_string())),
            _ => None,
        })
        .collect();
    let plain = |text: &str| split_words(text).concat();
    for (key, value) in &entries {
        let namesake = entries.iter().find(|(_, other)| plain(other) == plain(key) && !plain(key).is_empty());
        if let Some((_, other)) = namesake.filter(|(_, other)| plain(other) != plain(value)) {
            return Some(format!("makes \"{value}\" of \"{key}\", although there is \"{other}\""));
        }
    }
    let says = |text: &str, of: &[&str]| split_words(text).iter().any(|word| of.contains(&word.as_str()));
    let turned =
        |from: &[&str], to: &[&str]| entries.iter().find(|(key, value)| says(key, from) && says(value, to));
    if let (Some((a, b)), Some((c, d))) = (turned(YES, NO), turned(NO, YES)) {
        return Some(format!("makes \"{b}\" of \"{a}\" and \"{d}\" of \"{c}\""));
    }
    if let Some(((a, b), (c, d))) = SCALES.iter().find_map(|scale| out_of_order(&entries, scale)) {
        return Some(format!(
            "makes \"{b}\" of \"{a}\" and \"{d}\" of \"{c}\", which turns their order around"
        ));
    }
    let model = Embedder::builtin().ok()?;
    let vectors: Vec<_> = entries.iter().map(|(key, value)| (model.embed(key), model.embed(value))).collect();
    let mut best: Option<(i32, usize, usize)> = None;
    for (a, (key_a, value_a)) in vectors.iter().enumerate() {
        for (b, (key_b, value_b)) in vectors.iter().enumerate().skip(a + 1) {
            if entries[a].1 == entries[b].1 {
                continue;
            }
            let gain = key_a.similarity(value_b) + key_b.similarity(value_a)
                - key_a.similarity(value_a)
                - key_b.similarity(value_b);
            if gain >= BETTER && best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, a, b));
            }
        }
    }
    let (_, a, b) = best?;
    let ((key_a, value_a), (key_b, value_b)) = (&entries[a], &entries[b]);
    Some(format!(
        "makes \"{value_a}\" of \"{key_a}\" and \"{value_b}\" of \"{key_b}\", which fit the other way round"
    ))
}

type Entry<'e> = (&'e str, &'e str);

/// Two entries whose keys stand in one order on a scale and their values in the other.
fn out_of_order<'e>(
    entries: &'e [(&str, String)],
    scale: &[(i32, &[&str])],
) -> Option<(Entry<'e>, Entry<'e>)> {
    let place = |text: &str| {
        let words = split_words(text);
        scale
            .iter()
            .find(|(_, names)| words.iter().any(|word| names.contains(&word.as_str())))
            .map(|(place, _)| *place)
    };
    let placed: Vec<_> = entries
        .iter()
        .filter_map(|(key, value)| Some(((*key, value.as_str()), place(key)?, place(value)?)))
        .collect();
    placed.iter().find_map(|(a, key_a, value_a)| {
        let other = placed.iter().find(|(_, key_b, value_b)| key_a < key_b && value_a > value_b);
        other.map(|(b, ..)| (*a, *b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Option<String> {
        let value: Value = text.parse().unwrap();
        wrong(value.as_object().unwrap())
    }

    #[test]
    fn right_tables_pass_and_turned_ones_do_not() {
        for right in [
            r#"{"open": "new", "paid": "won", "shipped": "fulfilled", "cancelled": "lost"}"#,
            r#"{"yes": true, "no": false}"#,
            r#"{"todo": "open", "doing": "in_progress", "done": "closed"}"#,
            r#"{"low": "minor", "normal": "major", "urgent": "critical"}"#,
            r#"{"m": "male", "f": "female"}"#,
            r#"{"a": 1, "b": 2}"#,
        ] {
            assert_eq!(table(right), None, "{right}");
        }
        for turned in [
            r#"{"open": "lost", "paid": "new", "shipped": "fulfilled", "cancelled": "won"}"#,
            r#"{"active": "inactive", "inactive": "active"}"#,
            r#"{"yes": false, "no": true}"#,
            r#"{"low": "minor", "normal": "critical", "high": "major"}"#,
            r#"{"todo": "closed", "doing": "in_progress", "done": "open"}"#,
            r#"{"employee": "contractor", "contractor": "employee"}"#,
        ] {
            assert!(table(turned).is_some(), "{turned}");
        }
    }
}

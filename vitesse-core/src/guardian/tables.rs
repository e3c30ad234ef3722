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
            r#"{"employee": "contractor", "contractor": "employee"}"#,
        ] {
            assert!(table(turned).is_some(), "{turned}");
        }
    }
}

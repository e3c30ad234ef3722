//! Values of an enumeration become those of another, by their meaning.

use super::Conversion;
use crate::embed::{Embedder, split_words};
use crate::mapper::facts::{Facts, plain};
use crate::mapping::value::Object;
use crate::mapping::{TransformType, Value};
use crate::spec::{Json, Type};

/// Values that stand for one another where lists of states, levels and answers are kept.
const ALIKE: &[&[&str]] = &[
    &[
        "new",
        "open",
        "opened",
        "created",
        "pending",
        "draft",
        "unpaid",
        "submitted",
        "initial",
        "todo",
        "received",
    ],
    &["processing", "in progress", "working", "started", "ongoing", "in process", "in review"],
    &[
        "paid",
        "won",
        "closed won",
        "completed",
        "complete",
        "succeeded",
        "success",
        "successful",
        "settled",
        "captured",
        "done",
        "resolved",
    ],
    &["shipped", "fulfilled", "delivered", "sent", "dispatched"],
    &[
        "cancelled",
        "canceled",
        "lost",
        "closed lost",
        "void",
        "voided",
        "failed",
        "failure",
        "rejected",
        "declined",
        "expired",
        "abandoned",
        "deleted",
    ],
    &["refunded", "returned", "reversed", "charged back"],
    &[
        "active",
        "enabled",
        "subscribed",
        "on",
        "yes",
        "y",
        "true",
        "t",
        "live",
        "published",
        "opted in",
        "accepted",
        "verified",
    ],
    &[
        "inactive",
        "disabled",
        "unsubscribed",
        "off",
        "no",
        "n",
        "false",
        "f",
        "suspended",
        "archived",
        "unpublished",
        "blocked",
        "opted out",
        "unverified",
    ],
    &["low", "minor"],
    &["medium", "normal", "standard", "default", "moderate"],
    &["high", "major", "important"],
    &["urgent", "critical", "highest", "blocker"],
    &["male", "m", "man"],
    &["female", "f", "woman"],
    &["individual", "person", "private", "consumer"],
    &["company", "business", "organization", "organisation", "corporate"],
    &["other", "unknown", "unspecified", "custom", "misc", "none of these"],
];
const TRUE: usize = 6;
const FALSE: usize = 7;
const OTHER: usize = 16;

/// From which score on one value stands for another.
const ENOUGH: i32 = 480;

pub(super) fn convert(from: &Facts<'_>, to: &Facts<'_>, model: &Embedder) -> Option<Conversion> {
    match (from.kind(), to.kind()) {
        (Some(Type::Boolean), Some(Type::String | Type::Integer | Type::Number)) if to.values.len() >= 2 => {
            from_flag(to)
        }
        (_, Some(Type::Boolean)) if !from.values.is_empty() && from.kind() != Some(Type::Boolean) => {
            to_flag(from)
        }
        _ if to.values.is_empty() => None,
        _ if from.values.is_empty() => {
            let text = matches!(from.kind(), Some(Type::String) | None);
            text.then(|| {
                let taken: Vec<_> = to.values.iter().take(8).map(|value| plain(value)).collect();
                Conversion::copy(from.name == to.name)
                    .risky(format!("the destination takes only {}", taken.join(", ")))
            })
        }
        _ => between(from, to, model),
    }
}

fn between(from: &Facts<'_>, to: &Facts<'_>, model: &Embedder) -> Option<Conversion> {
    if from.values.iter().all(|value| to.values.contains(value)) {
        return None;
    }
    let (pairs, left) = assign(&from.values, &to.values, model);
    let mut table = Object::new();
    for (value, other) in &pairs {
        table.insert(plain(value), json(other));
    }
    let told: Vec<_> =
        pairs.iter().map(|(value, other)| format!("{} is {}", plain(value), plain(other))).collect();
    let words = match told.len() {
        0 => "values by a table".to_owned(),
        1..=4 => told.join(", "),
        more => format!("{more} values by meaning"),
    };
    let mut params = Object::new();
    params.insert("table", table);
    let catch_all = to.values.iter().find(|value| in_group(value, OTHER));
    let left: Vec<_> = left.iter().map(|value| plain(value)).collect();
    let mut risk = None;
    match (left.is_empty(), catch_all) {
        (true, _) => {}
        (false, Some(other)) => {
            params.insert("default", json(other));
            risk = Some(format!("{} become {:?}, for want of a better one", left.join(", "), plain(other)));
        }
        (false, None) => {
            let known: Vec<_> = to.values.iter().map(|value| plain(value)).collect();
            risk =
                Some(format!("no value of the destination ({}) fits {}", known.join(", "), left.join(", ")));
        }
    }
    Some(Conversion { risk, ..Conversion::call("lookup", params, words) })
}

/// Which value stands for which, and those of `from` that none stands for.
fn assign<'a>(
    from: &[&'a Json],
    to: &[&'a Json],
    model: &Embedder,
) -> (Vec<(&'a Json, &'a Json)>, Vec<&'a Json>) {
    let mut scores = Vec::new();
    for (s, value) in from.iter().enumerate() {
        for (d, other) in to.iter().enumerate() {
            let score = alike(value, other, model);
            if score >= ENOUGH {
                scores.push((-score, s, d));
            }
        }
    }
    scores.sort_unstable();
    let (mut chosen, mut taken) = (vec![None; from.len()], vec![false; to.len()]);
    for (_, s, d) in &scores {
        if chosen[*s].is_none() && !taken[*d] {
            chosen[*s] = Some(*d);
            taken[*d] = true;
        }
    }
    // What is left may share a value with another.
    for (_, s, d) in &scores {
        chosen[*s].get_or_insert(*d);
    }
    let pairs = chosen.iter().enumerate().filter_map(|(s, d)| d.map(|d| (from[s], to[d]))).collect();
    let left = chosen.iter().enumerate().filter(|(_, d)| d.is_none()).map(|(s, _)| from[s]).collect();
    (pairs, left)
}

/// How much two values mean the same, in thousandths.
fn alike(a: &Json, b: &Json, model: &Embedder) -> i32 {
    let (left, right) = (phrase(a), phrase(b));
    if a == b || !left.is_empty() && left == right {
        return 1000;
    }
    let together =
        ALIKE.iter().any(|group| group.contains(&left.as_str()) && group.contains(&right.as_str()));
    if together {
        return 850;
    }
    // Values that are known to mean something else don't become alike by being near.
    let known = |phrase: &str| ALIKE.iter().any(|group| group.contains(&phrase));
    if known(&left) && known(&right) || left.is_empty() || right.is_empty() {
        return 0;
    }
    let shares = left.split(' ').any(|word| right.split(' ').any(|other| word == other));
    let near = model.embed(&left).similarity(&model.embed(&right)).max(0);
    if shares { near.max(700) } else { near * 7 / 10 }
}

fn phrase(value: &Json) -> String {
    let text = plain(value);
    let words = split_words(&text);
    // Codes such as `1` or `A2` have no words that tell them apart.
    if words.is_empty() || text.chars().any(|c| c.is_ascii_digit()) {
        return text.to_lowercase();
    }
    words.join(" ")
}

fn in_group(value: &Json, group: usize) -> bool {
    ALIKE.get(group).is_some_and(|group| group.contains(&phrase(value).as_str()))
}

fn from_flag(to: &Facts<'_>) -> Option<Conversion> {
    let value = |group: usize, number: &str| {
        to.values.iter().find(|value| in_group(value, group) || value.text() == number)
    };
    let (yes, no) = (value(TRUE, "1")?, value(FALSE, "0")?);
    let table: Object = [("true", json(yes)), ("false", json(no))].into_iter().collect();
    let words = format!("true is {}, false is {}", plain(yes), plain(no));
    Some(Conversion::call("lookup", [("table", table)].into_iter().collect(), words))
}

fn to_flag(from: &Facts<'_>) -> Option<Conversion> {
    let understood = from.values.iter().all(|value| {
        let value = json(value);
        crate::mapping::functions::convert::parse_bool(&value).is_ok()
    });
    if understood {
        return Some(Conversion::of(TransformType::ParseBool, "becomes true or false"));
    }
    let mut table = Object::new();
    for value in &from.values {
        let flag = in_group(value, TRUE);
        if !flag && !in_group(value, FALSE) {
            return None;
        }
        table.insert(plain(value), flag);
    }
    Some(Conversion::call("lookup", [("table", table)].into_iter().collect(), "becomes true or false"))
}

fn json(value: &Json) -> Value {
    value.text().parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::shown;

    fn list(values: &[&str]) -> serde_json::Value {
        json!({"type": "string", "enum": values})
    }

    #[test]
    fn values_become_each_other_by_meaning() {
        assert_eq!(
            shown(
                ("status", list(&["open", "paid", "shipped", "cancelled"])),
                ("stage", list(&["new", "won", "fulfilled", "lost"]))
            ),
            r#"custom {"function":"lookup","params":{"table":{"open":"new","paid":"won","shipped":"fulfilled","cancelled":"lost"}}}"#
        );
        assert_eq!(
            shown(("p", list(&["LOW", "HIGH"])), ("p", list(&["low", "medium", "high"]))),
            r#"custom {"function":"lookup","params":{"table":{"LOW":"low","HIGH":"high"}}}"#
        );
        assert_eq!(shown(("p", list(&["a", "b"])), ("p", list(&["b", "c", "a"]))), "direct");
        assert_eq!(
            shown(("kind", list(&["retail", "wholesale"])), ("kind", list(&["wholesale", "other"]))),
            r#"custom {"function":"lookup","params":{"table":{"wholesale":"wholesale"},"default":"other"}}"#
        );
    }

    #[test]
    fn flags_and_their_words() {
        let flag = || json!({"type": "boolean"});
        assert_eq!(shown(("news", list(&["yes", "no"])), ("consent", flag())), "parse_bool");
        assert_eq!(
            shown(("state", list(&["enabled", "archived"])), ("active", flag())),
            r#"custom {"function":"lookup","params":{"table":{"enabled":true,"archived":false}}}"#
        );
        assert_eq!(
            shown(("active", flag()), ("state", list(&["active", "suspended"]))),
            r#"custom {"function":"lookup","params":{"table":{"true":"active","false":"suspended"}}}"#
        );
    }
}

//! Money: whole units and hundredths of them.

use super::Conversion;
use crate::mapper::facts::Facts;
use crate::mapping::value::Object;
use crate::mapping::{Number, Value};
use crate::spec::Type;

const SMALL_WORDS: &[&str] = &["cents", "cent", "pence", "minor", "subunits", "subunit", "centimes"];
const SMALL_PHRASES: &[&str] = &[
    "cents",
    "in cents",
    "minor unit",
    "minor units",
    "minor currency",
    "smallest currency unit",
    "pence",
    "smallest unit",
    "lowest denomination",
];
const MONEY: &[&str] = &[
    "price", "amount", "total", "cost", "value", "tax", "fee", "subtotal", "balance", "discount", "revenue",
    "paid", "due", "spent", "salary", "payment", "shipping", "refund", "rate",
];

pub(super) fn convert(from: &Facts<'_>, to: &Facts<'_>) -> Option<Conversion> {
    let number = |facts: &Facts<'_>| facts.is_number() || facts.kind() == Some(Type::String);
    if !number(from) || !number(to) || !from.values.is_empty() || !to.values.is_empty() {
        return None;
    }
    match (small(from), small(to)) {
        (false, true) if decimal(from) => {
            let mut params = by("100");
            params.insert("to", if to.kind() == Some(Type::String) { "string" } else { "integer" });
            Some(Conversion::call("scale_decimal", params, "times 100, to cents"))
        }
        (false, true) => None,
        (true, false) if money(to) => {
            let mut params = by("0.01");
            match to.kind() {
                Some(Type::String) => {
                    params.insert("places", 2);
                    params.insert("to", "string");
                }
                Some(Type::Integer) => return None,
                _ => params.insert("to", "number"),
            }
            Some(Conversion::call("scale_decimal", params, "cents divided by 100"))
        }
        _ => None,
    }
}

fn by(factor: &'static str) -> Object {
    let mut params = Object::new();
    if let Some(factor) = Number::new(factor) {
        params.insert("by", Value::Number(factor));
    }
    params
}

/// Whether it counts hundredths.
fn small(facts: &Facts<'_>) -> bool {
    facts.has_word(SMALL_WORDS) || facts.says(SMALL_PHRASES)
}

/// Whether it is an amount with a fraction. A whole number that doesn't say so most likely counts hundredths
/// too, as amounts in whole numbers do.
fn decimal(facts: &Facts<'_>) -> bool {
    match facts.kind() {
        Some(Type::Integer) => facts.says(&["dollars", "euros", "whole units", "major unit", "major units"]),
        _ => true,
    }
}

fn money(facts: &Facts<'_>) -> bool {
    facts.has_word(MONEY) || facts.says(&["currency", "dollars", "euros", "amount", "price"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::shown;

    #[test]
    fn amounts_are_scaled_by_what_names_and_descriptions_say() {
        let custom = |params: &str| format!(r#"custom {{"function":"scale_decimal","params":{params}}}"#);
        let of = |kind: &str| json!({"type": kind});
        assert_eq!(
            shown(("total_price", of("string")), ("amount_cents", of("integer"))),
            custom(r#"{"by":100,"to":"integer"}"#)
        );
        assert_eq!(
            shown(("price", json!({"type": "integer", "description": "In cents."})), ("price", of("number"))),
            custom(r#"{"by":0.01,"to":"number"}"#)
        );
        assert_eq!(
            shown(("price_cents", of("integer")), ("price", of("string"))),
            custom(r#"{"by":0.01,"places":2,"to":"string"}"#)
        );
        assert_eq!(shown(("amount", of("integer")), ("amount_cents", of("integer"))), "mapping");
        assert_eq!(shown(("unit_cents", of("integer")), ("price_cents", of("integer"))), "mapping");
        assert_eq!(shown(("cents", of("integer")), ("per_cent", of("string"))), "stringify");
    }
}

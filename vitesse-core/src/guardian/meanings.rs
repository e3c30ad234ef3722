//! What values look like, and the units that names and descriptions speak of.

use serde_json::Value;

use crate::embed::split_words;
use crate::generate::Meaning;
use crate::spec::{Schema, Type};

/// Whether a value can be what a field of that meaning is for; `true` where the meaning says nothing of looks.
pub(super) fn fits(meaning: Meaning, value: &Value) -> bool {
    let Some(text) = shown(value) else { return true };
    if text.trim().is_empty() {
        return true;
    }
    let number = text.trim().parse::<f64>().ok();
    let is_email = text.contains('@');
    let is_url = text.contains("://");
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    match meaning {
        Meaning::Email => is_email,
        Meaning::Phone => !is_email && !is_url && digits >= 4 && letters <= 4 && !is_moment(&text),
        Meaning::Url => is_url || !is_email && (text.contains('/') || text.contains('.')),
        Meaning::FirstName
        | Meaning::LastName
        | Meaning::PersonName
        | Meaning::Company
        | Meaning::City
        | Meaning::Job => !is_email && !is_url && number.is_none() && !is_moment(&text) && letters > 0,
        Meaning::Street => !is_email && !is_url && !is_moment(&text) && number.is_none(),
        Meaning::Zip => !is_email && !is_url && text.chars().count() <= 12,
        Meaning::CountryCode | Meaning::Currency => letters == text.chars().count() && letters <= 3,
        Meaning::Date | Meaning::DateTime => {
            number.is_some() || is_moment(&text) || digits >= 4 && !is_email && !is_url
        }
        Meaning::Unix => number.is_some_and(|number| number.abs() < 1e11),
        Meaning::UnixMillis => number.is_some_and(|number| number.abs() >= 1e10),
        Meaning::Money
        | Meaning::Cents
        | Meaning::Quantity
        | Meaning::Percent
        | Meaning::Latitude
        | Meaning::Longitude => !is_email && !is_url && digits > 0 && !is_moment(&text) && letters <= 4,
        Meaning::Text => !is_email,
        _ => true,
    }
}

/// What a value looks like, in words.
pub(super) fn look(value: &Value) -> &'static str {
    let Some(text) = shown(value) else { return "something else" };
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if text.contains('@') {
        "an email address"
    } else if text.contains("://") {
        "an address on the web"
    } else if is_moment(&text) {
        "a date"
    } else if text.trim().parse::<f64>().is_ok() {
        "a number"
    } else if letters == 0 && text.bytes().any(|byte| byte.is_ascii_digit()) {
        "digits"
    } else {
        "words"
    }
}

/// What a meaning is called.
pub(super) fn called(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Email => "an email address",
        Meaning::Phone => "a phone number",
        Meaning::Url => "an address on the web",
        Meaning::FirstName | Meaning::LastName | Meaning::PersonName => "a person's name",
        Meaning::Company => "a company's name",
        Meaning::City => "a city",
        Meaning::Job => "a job",
        Meaning::Street => "a street",
        Meaning::Zip => "a postal code",
        Meaning::CountryCode => "a country code",
        Meaning::Currency => "a currency code",
        Meaning::Date | Meaning::DateTime => "a date",
        Meaning::Unix => "seconds since 1970",
        Meaning::UnixMillis => "milliseconds since 1970",
        Meaning::Money | Meaning::Cents => "an amount of money",
        Meaning::Text => "a text",
        _ => "a number",
    }
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `2024-05-01`, with or without a time of day.
fn is_moment(text: &str) -> bool {
    let text = text.as_bytes();
    text.len() >= 10
        && text.iter().take(10).enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Money,
    Weight,
    Span,
    Distance,
    Moment,
}

/// A unit: what it measures, how much of the base unit it is, and its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    pub(super) dimension: Dimension,
    pub(super) size: f64,
    pub(super) name: &'static str,
}

const UNITS: &[(&[&str], Unit)] = &[
    (
        &["kg", "kilogram", "kilograms", "kilos"],
        Unit { dimension: Dimension::Weight, size: 1.0, name: "kilograms" },
    ),
    (&["g", "gram", "grams"], Unit { dimension: Dimension::Weight, size: 0.001, name: "grams" }),
    (&["lb", "lbs", "pounds"], Unit { dimension: Dimension::Weight, size: 0.453_592_37, name: "pounds" }),
    (&["oz", "ounces"], Unit { dimension: Dimension::Weight, size: 0.028_349_523, name: "ounces" }),
    (
        &["ms", "millis", "milliseconds"],
        Unit { dimension: Dimension::Span, size: 0.001, name: "milliseconds" },
    ),
    (&["sec", "secs", "seconds"], Unit { dimension: Dimension::Span, size: 1.0, name: "seconds" }),
    (&["mins", "minutes"], Unit { dimension: Dimension::Span, size: 60.0, name: "minutes" }),
    (&["hours", "hrs"], Unit { dimension: Dimension::Span, size: 3600.0, name: "hours" }),
    (&["days"], Unit { dimension: Dimension::Span, size: 86_400.0, name: "days" }),
    (
        &["km", "kilometers", "kilometres"],
        Unit { dimension: Dimension::Distance, size: 1000.0, name: "kilometres" },
    ),
    (&["miles"], Unit { dimension: Dimension::Distance, size: 1609.344, name: "miles" }),
    (&["meters", "metres"], Unit { dimension: Dimension::Distance, size: 1.0, name: "metres" }),
    (
        &["cm", "centimeters", "centimetres"],
        Unit { dimension: Dimension::Distance, size: 0.01, name: "centimetres" },
    ),
    (
        &["mm", "millimeters", "millimetres"],
        Unit { dimension: Dimension::Distance, size: 0.001, name: "millimetres" },
    ),
    (&["inches"], Unit { dimension: Dimension::Distance, size: 0.0254, name: "inches" }),
];

/// The unit a field is in, if its name, its meaning or its description tells.
pub(super) fn unit(name: &str, schema: &Schema, meaning: Meaning) -> Option<Unit> {
    let money = |size, name| Some(Unit { dimension: Dimension::Money, size, name });
    let since = |size, name| Some(Unit { dimension: Dimension::Moment, size, name });
    match meaning {
        Meaning::Cents => return money(0.01, "hundredths"),
        // A whole number of money may be either; who doesn't say leaves it open.
        Meaning::Money if schema.types.single() == Some(Type::Integer) => return None,
        Meaning::Money => return money(1.0, "whole units of currency"),
        Meaning::Unix => return since(1.0, "seconds since 1970"),
        Meaning::UnixMillis => return since(0.001, "milliseconds since 1970"),
        _ => {}
    }
    if !matches!(schema.types.single(), Some(Type::Integer | Type::Number | Type::String)) {
        return None;
    }
    let words = split_words(name);
    let said = split_words(schema.description.as_deref().unwrap_or_default());
    let after_in = |word: &str| said.windows(2).any(|pair| pair[0] == "in" && pair[1] == word);
    UNITS
        .iter()
        .find(|(names, _)| names.iter().any(|unit| words.iter().any(|w| w == unit) || after_in(unit)))
        .map(|(_, unit)| *unit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn looks_are_told_apart() {
        assert!(fits(Meaning::Email, &json!("a@b.example")) && !fits(Meaning::Email, &json!("+47 22 10")));
        assert!(
            fits(Meaning::Phone, &json!("+47 22 10 30")) && !fits(Meaning::Phone, &json!("a1234@b.example"))
        );
        assert!(!fits(Meaning::LastName, &json!("2024-05-01")) && fits(Meaning::LastName, &json!("O'Brien")));
        assert!(
            fits(Meaning::Unix, &json!(1_700_000_000)) && !fits(Meaning::Unix, &json!(1_700_000_000_000_i64))
        );
        assert!(fits(Meaning::Any, &json!("x")) && fits(Meaning::Email, &json!(null)));
    }

    #[test]
    fn units_are_read_from_names_and_descriptions() {
        let number = Schema::of(Type::Number);
        let said = Schema { description: Some("Weight of the parcel, in grams.".into()), ..number.clone() };
        assert_eq!(unit("weight_kg", &number, Meaning::Weight).unwrap().name, "kilograms");
        assert_eq!(unit("weight", &said, Meaning::Weight).unwrap().name, "grams");
        assert_eq!(unit("weight", &number, Meaning::Weight), None);
        assert_eq!(unit("amount", &Schema::of(Type::Integer), Meaning::Money), None);
    }
}

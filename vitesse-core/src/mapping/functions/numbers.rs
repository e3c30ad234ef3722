//! Numbers and booleans: conversion, scaling, rounding.

use super::decimal::{Decimal, Rounding};
use super::{Args, Function, Param, ParamKind, convert, ex, fails, optional, refused, single};
use crate::error::Result;
use crate::mapping::functions::args::wrong;
use crate::mapping::{Number, Value};

const ROUNDINGS: &[&str] = &["half_up", "half_even", "down", "floor", "ceil"];

const ROUNDING: Param = optional(
    "rounding",
    ParamKind::OneOf(ROUNDINGS),
    r#""half_up""#,
    "How the last digit is found: half_up (away from zero), half_even, down (towards zero), floor or ceil.",
);

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "parse_int",
        aliases: &["to_int", "int"],
        summary: "Text becomes a whole number, every digit kept.",
        doc: "White space around it, a plus sign, leading zeros and a fraction of zeros are taken away. Anything \
              else, a fraction or an exponent too, is an error.",
        examples: &[
            ex("{}", &[r#"" 0042 ""#], "42"),
            ex("{}", &[r#""12.00""#], "12"),
            ex("{}", &["123456789012345678901234567890"], "123456789012345678901234567890"),
            fails("{}", &[r#""12.5""#]),
            fails("{}", &["true"]),
        ],
        inverse: Some("stringify"),
        build: |_| single(convert::parse_int),
        ..Function::DEFAULT
    },
    Function {
        name: "parse_float",
        aliases: &["to_float", "float", "parse_number"],
        summary: "Text becomes a number, every digit kept.",
        doc: "White space around it, a plus sign and leading zeros are taken away. Thousands separators are not \
              understood: take them out with replace first.",
        examples: &[
            ex("{}", &[r#""12.50""#], "12.50"),
            ex("{}", &[r#""+.5""#], "0.5"),
            ex("{}", &["1e400"], "1e400"),
            fails("{}", &[r#""1,200""#]),
        ],
        inverse: Some("stringify"),
        build: |_| single(convert::parse_float),
        ..Function::DEFAULT
    },
    Function {
        name: "stringify",
        aliases: &["to_string", "string"],
        summary: "A number or boolean becomes text.",
        doc: "A number keeps its digits. An array or object becomes its compact JSON.",
        examples: &[
            ex("{}", &["1.0"], r#""1.0""#),
            ex("{}", &["true"], r#""true""#),
            ex("{}", &[r#"{"a": [1]}"#], r#""{\"a\":[1]}""#),
            ex("{}", &["null"], "null"),
        ],
        build: |_| single(|value| Ok(convert::stringify(value))),
        ..Function::DEFAULT
    },
    Function {
        name: "parse_bool",
        aliases: &["to_bool", "bool"],
        summary: "Text or 0 and 1 become a boolean.",
        doc: "True are true, yes, y, on, t and 1; false are false, no, n, off, f and 0; in any case.",
        examples: &[ex("{}", &[r#""Yes""#], "true"), ex("{}", &["0"], "false"), fails("{}", &[r#""maybe""#])],
        build: |_| single(convert::parse_bool),
        ..Function::DEFAULT
    },
    Function {
        name: "scale_decimal",
        aliases: &["scale", "multiply", "to_cents"],
        params: &[
            optional("by", ParamKind::Number, "100", "What to multiply with; 0.01 divides by a hundred."),
            optional(
                "to",
                ParamKind::OneOf(&["number", "integer", "string"]),
                r#""number""#,
                "What comes out. For integer a fraction that is left over is an error, unless places is 0.",
            ),
            Param {
                name: "places",
                kind: ParamKind::Integer,
                required: false,
                default: None,
                doc: "Rounds to so many digits behind the point, and writes that many.",
            },
            ROUNDING,
        ],
        summary: "Multiplies a number exactly, as with money in cents.",
        doc: "Calculates with the decimal digits, never with floats, however many there are. Without places the \
              result has no trailing zeros behind the point and no exponent.",
        examples: &[
            ex(r#"{"by": 100, "to": "integer"}"#, &[r#""19.99""#], "1999"),
            ex(r#"{"by": 0.01}"#, &["1999"], "19.99"),
            ex(r#"{"by": 0.01, "places": 2, "to": "string"}"#, &["1990"], r#""19.90""#),
            ex(r#"{"by": 100, "to": "integer", "places": 0}"#, &["0.125"], "13"),
            ex(r#"{"by": 100}"#, &["123456789012345678901234567890.5"], "12345678901234567890123456789050"),
            fails(r#"{"by": 100, "to": "integer"}"#, &["0.125"]),
            fails("{}", &[r#""free""#]),
        ],
        build: |args| {
            let by = args.get("by").and_then(Value::as_number).and_then(|by| Decimal::parse(by.as_str()));
            let by = by.ok_or_else(|| wrong("by", "the number is out of range"))?;
            let places = args.get("places").map(|_| places(args)).transpose()?;
            let (rounding, to) = (rounding(args), args.text("to").to_owned());
            single(move |value| {
                let product = decimal(value)?.times(&by);
                let product = places.map_or(product.clone(), |places| product.rounded(places, rounding));
                if to == "integer" && !product.is_whole() {
                    return Err(refused("the scaled number is not whole").help("set places to 0 to round it"));
                }
                let places = if to == "integer" { 0 } else { places.unwrap_or(0) };
                written(&product, places, to == "string")
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "round",
        aliases: &["round_decimal"],
        params: &[
            optional("places", ParamKind::Integer, "0", "How many digits behind the point are kept."),
            ROUNDING,
        ],
        summary: "Rounds a number to so many digits behind the point.",
        doc: "Trailing zeros are taken away; format_number keeps them.",
        examples: &[
            ex("{}", &["2.5"], "3"),
            ex(r#"{"rounding": "half_even"}"#, &["2.5"], "2"),
            ex(r#"{"places": 2}"#, &[r#""-1.005""#], "-1.01"),
        ],
        build: |args| {
            let (places, rounding) = (places(args)?, rounding(args));
            single(move |value| written(&decimal(value)?.rounded(places, rounding), 0, false))
        },
        ..Function::DEFAULT
    },
    Function {
        name: "format_number",
        aliases: &["number_format", "to_fixed"],
        params: &[
            optional("places", ParamKind::Integer, "2", "How many digits stand behind the point."),
            optional("point", ParamKind::String, r#"".""#, "What stands for the decimal point."),
            optional("group", ParamKind::String, r#""""#, "What stands between groups of three digits."),
            ROUNDING,
        ],
        summary: "Writes a number as text with a fixed number of digits behind the point.",
        doc: "The number is rounded exactly.",
        examples: &[
            ex("{}", &["1234.5"], r#""1234.50""#),
            ex(r#"{"group": "'", "point": ","}"#, &["-1234567.891"], r#""-1'234'567,89""#),
            ex(r#"{"places": 0, "group": ","}"#, &["999.5"], r#""1,000""#),
        ],
        build: |args| {
            let (places, rounding) = (places(args)?, rounding(args));
            let (point, group) = (args.text("point").to_owned(), args.text("group").to_owned());
            single(move |value| {
                let number = decimal(value)?.rounded(places, rounding);
                let text = number.plain(places).ok_or_else(too_long)?;
                let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
                let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
                let mut out = sign.to_owned();
                for (at, digit) in whole.chars().enumerate() {
                    if at > 0 && (whole.len() - at) % 3 == 0 {
                        out.push_str(&group);
                    }
                    out.push(digit);
                }
                if !fraction.is_empty() {
                    out.push_str(&point);
                    out.push_str(fraction);
                }
                Ok(out.into())
            })
        },
        ..Function::DEFAULT
    },
];

/// A number, or text that is one, as a decimal.
pub(super) fn decimal(value: &Value) -> Result<Decimal> {
    let number = convert::parse_float(value)?;
    let number = number.as_number().and_then(|number| Decimal::parse(number.as_str()));
    number.ok_or_else(too_long)
}

fn written(number: &Decimal, places: u32, as_text: bool) -> Result<Value> {
    let text = number.plain(places).ok_or_else(too_long)?;
    match Number::new(text.as_str()) {
        Some(number) if !as_text => Ok(number.into()),
        _ => Ok(text.into()),
    }
}

fn too_long() -> crate::Error {
    refused("the number has too many digits")
}

fn places(args: &Args<'_>) -> Result<u32> {
    let places = u32::try_from(args.integer("places")?).ok().filter(|places| *places <= 100);
    places.ok_or_else(|| wrong("places", "a number from 0 to 100 was expected"))
}

fn rounding(args: &Args<'_>) -> Rounding {
    match args.text("rounding") {
        "half_even" => Rounding::HalfEven,
        "down" => Rounding::Down,
        "floor" => Rounding::Floor,
        "ceil" => Rounding::Ceil,
        _ => Rounding::HalfUp,
    }
}

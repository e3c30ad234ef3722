//! The conversions behind `parse`, `stringify` and `parse_bool`.

use crate::error::Result;
use crate::mapping::Value;
use crate::mapping::functions::refused;

/// Text becomes a whole number: white space around it, a `+`, leading zeros and a fraction of zeros are taken
/// away; every digit stays. A number must be whole too.
///
/// # Errors
/// If it isn't a whole number.
pub fn parse_int(value: &Value) -> Result<Value> {
    let text = match value {
        Value::Number(number) => number.as_str(),
        Value::String(text) => text.as_str(),
        other => return Err(refused(format!("{} can't become a whole number", other.a_type()))),
    };
    number_text(text, true)
        .and_then(super::super::Number::new)
        .map(Value::Number)
        .ok_or_else(|| refused("it is not a whole number"))
}

/// Text becomes a number: white space around it, a `+` and leading zeros are taken away, a zero is put before
/// or behind a bare point; every digit stays, and an exponent too. A number stays as it is.
///
/// # Errors
/// If it isn't a number.
pub fn parse_float(value: &Value) -> Result<Value> {
    match value {
        Value::Number(_) => Ok(value.clone()),
        Value::String(text) => number_text(text, false)
            .and_then(super::super::Number::new)
            .map(Value::Number)
            .ok_or_else(|| refused("it is not a number")),
        other => Err(refused(format!("{} can't become a number", other.a_type()))),
    }
}

/// A number or boolean becomes its text, an array or object its compact JSON; text stays.
pub fn stringify(value: &Value) -> Value {
    match value {
        Value::String(_) => value.clone(),
        other => Value::String(other.to_string()),
    }
}

/// `true`, `yes`, `y`, `on`, `t` and `1`, as text in any case or as a number, become true; `false`, `no`, `n`,
/// `off`, `f` and `0` become false.
///
/// # Errors
/// If it is none of these.
pub fn parse_bool(value: &Value) -> Result<Value> {
    let text = match value {
        Value::Bool(_) => return Ok(value.clone()),
        Value::Number(number) => number.as_str(),
        Value::String(text) => text.trim_ascii(),
        other => return Err(refused(format!("{} can't become a boolean", other.a_type()))),
    };
    let is_one_of = |words: [&str; 6]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_one_of(["true", "yes", "y", "on", "t", "1"]) {
        Ok(Value::Bool(true))
    } else if is_one_of(["false", "no", "n", "off", "f", "0"]) {
        Ok(Value::Bool(false))
    } else {
        Err(refused("it is neither true nor false"))
    }
}

/// The text of the JSON number that was meant.
fn number_text(text: &str, whole: bool) -> Option<String> {
    let text = text.trim_ascii();
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (mantissa, exponent) = unsigned.split_at(unsigned.find(['e', 'E']).unwrap_or(unsigned.len()));
    let (integer, fraction) = match mantissa.split_once('.') {
        Some((integer, fraction)) => (integer, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(integer) || (integer.is_empty() && fraction.is_none_or(str::is_empty)) {
        return None;
    }
    let integer = integer.trim_start_matches('0');
    let integer = if integer.is_empty() { "0" } else { integer };
    if whole {
        let only_zeros = fraction.is_none_or(|fraction| fraction.bytes().all(|byte| byte == b'0'));
        return (only_zeros && exponent.is_empty()).then(|| format!("{sign}{integer}"));
    }
    let fraction = match fraction {
        None => String::new(),
        Some("") => ".0".to_owned(),
        Some(digits) => format!(".{digits}"),
    };
    Some(format!("{sign}{integer}{fraction}{exponent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let int = |text: &str| parse_int(&Value::from(text)).map(|value| value.to_string()).ok();
        let float = |text: &str| parse_float(&Value::from(text)).map(|value| value.to_string()).ok();
        for (text, as_int, as_float) in [
            ("12", Some("12"), Some("12")),
            (" +007\n", Some("7"), Some("7")),
            ("12.00", Some("12"), Some("12.00")),
            ("12.50", None, Some("12.50")),
            ("-0", Some("-0"), Some("-0")),
            (".5", None, Some("0.5")),
            ("5.", Some("5"), Some("5.0")),
            ("1e400", None, Some("1e400")),
            (
                "123456789012345678901234567890",
                Some("123456789012345678901234567890"),
                Some("123456789012345678901234567890"),
            ),
            ("", None, None),
            (".", None, None),
            ("+", None, None),
            ("--1", None, None),
            ("+-1", None, None),
            ("1,200", None, None),
            ("1 2", None, None),
            ("0x10", None, None),
            ("1e", None, None),
            ("NaN", None, None),
            ("١", None, None),
        ] {
            assert_eq!((int(text).as_deref(), float(text).as_deref()), (as_int, as_float), "{text:?}");
        }
    }

    #[test]
    fn booleans_come_in_many_words() {
        for (json, expect) in [
            (r#"" Yes ""#, Some(true)),
            ("1", Some(true)),
            ("0", Some(false)),
            (r#""OFF""#, Some(false)),
            ("true", Some(true)),
            ("2", None),
            ("1.0", None),
            (r#""""#, None),
            ("[]", None),
        ] {
            let found = parse_bool(&json.parse().unwrap()).ok().and_then(|value| value.as_bool());
            assert_eq!(found, expect, "{json}");
        }
    }
}

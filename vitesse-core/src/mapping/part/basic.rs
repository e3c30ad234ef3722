//! The parts that aren't declared by macro: text, numbers, paths, spans of time, lists.

use std::time::Duration;

use super::{Part, Reading};
use crate::mapping::value::{Number, Object};
use crate::mapping::{FieldPath, Value};

impl Part for String {
    fn read(value: &Value, reading: &mut Reading) -> Option<Self> {
        match value {
            Value::String(text) => Some(text.clone()),
            other => reading.expected("a string", other),
        }
    }

    fn write(&self) -> Value {
        self.as_str().into()
    }

    fn schema(_: &mut Object) -> Value {
        typed("string").into()
    }
}

impl Part for bool {
    fn read(value: &Value, reading: &mut Reading) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(*value),
            other => reading.expected("true or false", other),
        }
    }

    fn write(&self) -> Value {
        (*self).into()
    }

    fn schema(_: &mut Object) -> Value {
        typed("boolean").into()
    }
}

impl Part for u64 {
    fn read(value: &Value, reading: &mut Reading) -> Option<Self> {
        let Value::Number(number) = value else { return reading.expected("a whole number", value) };
        let read = number.as_u64();
        if read.is_none() {
            reading.problem(format!("{number} is not a whole number from 0 to {}", u64::MAX), None);
        }
        read
    }

    fn write(&self) -> Value {
        Number::from(*self).into()
    }

    fn schema(_: &mut Object) -> Value {
        let mut schema = typed("integer");
        schema.insert("minimum", 0);
        schema.into()
    }
}

impl Part for f64 {
    fn read(value: &Value, reading: &mut Reading) -> Option<Self> {
        match value {
            Value::Number(number) if number.as_f64().is_finite() => Some(number.as_f64()),
            Value::Number(number) => {
                reading.problem(format!("{number} is too large"), None);
                None
            }
            other => reading.expected("a number", other),
        }
    }

    fn write(&self) -> Value {
        // Debug keeps the point of 5.0; infinity and NaN, which JSON can't say, become null.
        Number::new(format!("{self:?}")).map_or(Value::Null, Value::Number)
    }

    fn schema(_: &mut Object) -> Value {
        typed("number").into()
    }
}

impl Part for Value {
    fn read(value: &Value, _: &mut Reading) -> Option<Self> {
        Some(value.clone())
    }

    fn write(&self) -> Value {
        self.clone()
    }

    fn schema(_: &mut Object) -> Value {
        Object::new().into()
    }
}

impl Part for Object {
    fn read(value: &Value, reading: &mut Reading) -> Option<Self> {
        match value {
            Value::Object(object) => Some(object.clone()),
            other => reading.expected("an object", other),
        }
    }

    fn write(&self) -> Value {
        self.clone().into()
    }

    fn schema(_: &mut Object) -> Value {
        typed("object").into()
    }
}

impl Part for FieldPath {
    fn read(value: &Value, reading: &mut Reading) -> Option<Self> {
        let Value::String(text) = value else { return reading.expected("a path", value) };
        text.parse::<Self>()
            .map_err(|error| {
                let message = format!("{text:?} is not a path: {}{}", error.message(), column(&error));
                reading.problem(message, error.help_text().map(str::to_owned));
            })
            .ok()
    }

    fn write(&self) -> Value {
        self.to_string().into()
    }

    fn schema(definitions: &mut Object) -> Value {
        crate::mapping::schema::define("FieldPath", definitions, |_| {
            let mut schema = Object::new();
            let doc = "Where a field is: a.b, a[\"odd.key\"], items[0].x, items[].x for each element, $ for the whole.";
            schema.insert("description", doc);
            schema.insert("type", "string");
            schema.insert("minLength", 1);
            schema
        })
    }
}

fn column(error: &crate::Error) -> String {
    let column = error.context().iter().find(|(key, _)| *key == "column");
    column.map(|(_, column)| format!(" (column {column})")).unwrap_or_default()
}

/// `"5m"`: a whole number of milliseconds (`ms`), seconds, minutes, hours or days.
impl Part for Duration {
    fn read(value: &Value, reading: &mut Reading) -> Option<Self> {
        let Value::String(text) = value else { return reading.expected("a span of time like \"5m\"", value) };
        let read = parse_span(text);
        if read.is_none() {
            let help = "write a whole number and ms, s, m, h or d: \"500ms\", \"5m\"".to_owned();
            reading.problem(format!("{text:?} is not a span of time"), Some(help));
        }
        read
    }

    fn write(&self) -> Value {
        let ms = self.as_millis();
        const UNITS: [(u128, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
        let unit = UNITS.iter().find(|(length, _)| ms != 0 && ms.is_multiple_of(*length));
        let (length, name) = unit.copied().unwrap_or((1, "ms"));
        format!("{}{name}", ms / length).into()
    }

    fn schema(_: &mut Object) -> Value {
        let mut schema = typed("string");
        schema.insert("pattern", "^[0-9]+(ms|s|m|h|d)$");
        schema.into()
    }
}

fn parse_span(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    let ms = match &text[digits..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(ms).map(Duration::from_millis)
}

/// `null` and nothing at all are the same.
impl<T: Part> Part for Option<T> {
    fn read(value: &Value, reading: &mut Reading) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::read(value, reading).map(Some),
        }
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::write)
    }

    fn schema(definitions: &mut Object) -> Value {
        let null = Value::from(typed("null"));
        let choices = vec![T::schema(definitions), null];
        [("anyOf", choices)].into_iter().collect::<Object>().into()
    }
}

impl<T: Part> Part for Vec<T> {
    fn read(value: &Value, reading: &mut Reading) -> Option<Self> {
        let Value::Array(items) = value else { return reading.expected("an array", value) };
        let read: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(at, item)| reading.within(&at.to_string(), |reading| T::read(item, reading)))
            .collect();
        read.into_iter().collect()
    }

    fn write(&self) -> Value {
        self.iter().map(T::write).collect::<Vec<_>>().into()
    }

    fn schema(definitions: &mut Object) -> Value {
        let mut schema = typed("array");
        schema.insert("items", T::schema(definitions));
        schema.into()
    }
}

fn typed(name: &str) -> Object {
    [("type", name)].into_iter().collect()
}

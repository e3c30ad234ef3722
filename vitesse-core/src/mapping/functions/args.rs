use super::{Function, ParamKind};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::mapping::value::{Object, read};
use crate::mapping::{Number, Value};

/// The parameters of a function: known, of the right type, defaults filled in.
pub struct Args<'a> {
    params: &'a Object,
}

impl<'a> Args<'a> {
    pub(super) fn new(params: &'a Object) -> Self {
        Self { params }
    }

    /// A parameter that may be absent.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.params.get(name)
    }

    /// A text parameter; empty if absent.
    pub fn text(&self, name: &str) -> &'a str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A whole number; 0 if absent.
    ///
    /// # Errors
    /// If it is too large.
    pub fn integer(&self, name: &'static str) -> Result<i64> {
        match self.get(name).and_then(Value::as_number) {
            Some(number) => number.as_i64().ok_or_else(|| wrong(name, format!("{number} is too large"))),
            None => Ok(0),
        }
    }

    /// A switch; false if absent.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or_default()
    }
}

/// An error about a parameter.
pub(crate) fn wrong(param: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::MappingInvalid, message.into())
        .in_operation("mapping.validate")
        .with("param", param)
}

type Wrong = (String, String, Option<String>);

/// Checks names and types, and fills the defaults in, in the order of declaration.
pub(super) fn complete(function: &Function, given: &Object) -> Result<Object, Vec<Wrong>> {
    let mut problems = Vec::new();
    let names = || function.params.iter().map(|param| param.name);
    for key in given.keys().filter(|key| !names().any(|name| name == *key)) {
        let help = did_you_mean(key, names()).unwrap_or_else(|| match names().collect::<Vec<_>>() {
            none if none.is_empty() => "it takes no parameters".to_owned(),
            names => format!("it takes {}", names.join(", ")),
        });
        let message = format!("the function {:?} has no such parameter", function.name);
        problems.push((format!("params/{key}"), message, Some(help)));
    }
    let mut complete = Object::new();
    for param in function.params {
        match given.get(param.name) {
            Some(value) => {
                if let Some(expected) = mismatch(param.kind, value) {
                    let message = format!("{expected} was expected, {} was found", value.a_type());
                    problems.push((format!("params/{}", param.name), message, None));
                }
                complete.insert(param.name, value.clone());
            }
            None if param.required => {
                let message = format!("the parameter {:?} of {:?} is missing", param.name, function.name);
                problems.push(("params".to_owned(), message, Some(param.doc.to_owned())));
            }
            None => {
                if let Some(value) = param.default.and_then(|text| read(text.as_bytes()).ok()) {
                    complete.insert(param.name, value);
                }
            }
        }
    }
    if problems.is_empty() { Ok(complete) } else { Err(problems) }
}

/// What was expected, if the value isn't that.
fn mismatch(kind: ParamKind, value: &Value) -> Option<String> {
    let (fits, expected) = match kind {
        ParamKind::String => (value.as_str().is_some(), "a string"),
        ParamKind::Integer => (value.as_number().and_then(Number::as_i64).is_some(), "a whole number"),
        ParamKind::Number => (value.as_number().is_some(), "a number"),
        ParamKind::Bool => (value.as_bool().is_some(), "true or false"),
        ParamKind::Array => (value.as_array().is_some(), "an array"),
        ParamKind::Object => (value.as_object().is_some(), "an object"),
        ParamKind::Any => (true, ""),
        ParamKind::OneOf(names) => {
            let fits = value.as_str().is_some_and(|text| names.contains(&text));
            return (!fits).then(|| format!("one of {}", names.join(", ")));
        }
    };
    (!fits).then(|| expected.to_owned())
}

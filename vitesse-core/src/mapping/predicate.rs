//! Conditions, made ready.

use std::cmp::Ordering;

use super::document::Condition;
use super::functions::decimal::Decimal;
use super::functions::{Functions, Ready};
use super::{FieldPath, Problem, Value};
use crate::error::Result;

/// A condition with its paths, patterns and expressions checked.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// Every one holds.
    All(Vec<Predicate>),
    /// One of them holds.
    Any(Vec<Predicate>),
    /// It doesn't hold.
    Not(Box<Predicate>),
    /// A test of the field, or of the value itself.
    Field(FieldPath, Test),
    /// A jq expression is neither false nor null.
    Jq(Ready),
}

/// A test of one field.
#[derive(Clone, Debug)]
pub enum Test {
    /// It is there, or it isn't.
    Exists(bool),
    /// It is null, or it is there and isn't.
    IsNull(bool),
    /// It equals this; numbers by their value.
    Equals(Value),
    /// It doesn't, or is missing.
    NotEquals(Value),
    /// It equals one of these.
    OneOf(Vec<Value>),
    /// It is a string in which the pattern is found.
    Matches(regex_lite::Regex),
    /// It is less.
    LessThan(Value),
    /// It is greater.
    GreaterThan(Value),
}

impl Predicate {
    /// Whether it holds for the value; a missing value has no fields.
    ///
    /// # Errors
    /// Only if a jq expression fails.
    pub fn holds(&self, value: Option<&Value>) -> Result<bool> {
        match self {
            Self::All(parts) => {
                for part in parts {
                    if !part.holds(value)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Any(parts) => {
                for part in parts {
                    if part.holds(value)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(part) => part.holds(value).map(|holds| !holds),
            Self::Field(path, test) => Ok(test.holds(value.and_then(|value| path.find(value)))),
            Self::Jq(jq) => {
                let result = jq.call(&[value])?;
                Ok(!matches!(result, None | Some(Value::Null | Value::Bool(false))))
            }
        }
    }

    /// Checks a condition that stands at `pointer`, and makes it ready.
    pub(crate) fn new(
        condition: &Condition,
        pointer: &str,
        functions: &Functions,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let before = problems.len();
        let mut parts = Vec::new();
        let mut tests = Vec::new();
        tests.extend(condition.exists.map(Test::Exists));
        tests.extend(condition.is_null.map(Test::IsNull));
        tests.extend(condition.equals.clone().map(Test::Equals));
        tests.extend(condition.not_equals.clone().map(Test::NotEquals));
        tests.extend(condition.one_of.clone().map(Test::OneOf));
        tests.extend(condition.less_than.clone().map(Test::LessThan));
        tests.extend(condition.greater_than.clone().map(Test::GreaterThan));
        if let Some(pattern) = &condition.matches {
            match regex_lite::Regex::new(pattern) {
                Ok(regex) => tests.push(Test::Matches(regex)),
                Err(error) => problems.push(Problem::new(format!("{pointer}/matches"), error.to_string())),
            }
        }
        if let Some(path) = &condition.field {
            if path.depth() > 0 {
                let help = "test one element like items[0], or use jq";
                problems
                    .push(Problem::new(format!("{pointer}/field"), "a condition can't use []").help(help));
            }
            if tests.is_empty() && condition.matches.is_none() {
                let help = "add exists, equals, in, matches or another test";
                problems.push(Problem::new(pointer, "the condition names a field but no test").help(help));
            }
        }
        let path = condition.field.clone().unwrap_or_default();
        parts.extend(tests.into_iter().map(|test| Self::Field(path.clone(), test)));
        if let Some(expression) = &condition.jq {
            let params = [("expression", expression.as_str())].into_iter().collect();
            match functions.ready("jq", &params) {
                Ok(ready) => parts.push(Self::Jq(ready)),
                Err(wrong) => problems.extend(wrong.into_iter().map(|(_, message, help)| {
                    Problem::new(format!("{pointer}/jq"), message).maybe_help(help)
                })),
            }
        }
        let mut many = |list: &Option<Vec<Condition>>, name: &str| {
            list.as_ref().map(|list| {
                list.iter()
                    .enumerate()
                    .filter_map(|(at, one)| {
                        Self::new(one, &format!("{pointer}/{name}/{at}"), functions, problems)
                    })
                    .collect()
            })
        };
        parts.extend(many(&condition.all, "all").map(Self::All));
        parts.extend(many(&condition.any, "any").map(Self::Any));
        if let Some(not) = &condition.not {
            let not = Self::new(&not.0, &format!("{pointer}/not"), functions, problems);
            parts.extend(not.map(|not| Self::Not(Box::new(not))));
        }
        if problems.len() > before {
            return None;
        }
        match parts.len() {
            0 => {
                let help = "name a field and a test, or jq, all, any or not";
                problems.push(Problem::new(pointer, "the condition is empty").help(help));
                None
            }
            1 => parts.pop(),
            _ => Some(Self::All(parts)),
        }
    }
}

impl Test {
    fn holds(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Exists(wanted) => value.is_some() == *wanted,
            Self::IsNull(wanted) => value.is_some_and(|value| value.is_null() == *wanted),
            Self::Equals(other) => value.is_some_and(|value| equal(value, other)),
            Self::NotEquals(other) => !value.is_some_and(|value| equal(value, other)),
            Self::OneOf(others) => value.is_some_and(|value| others.iter().any(|other| equal(value, other))),
            Self::Matches(regex) => value.and_then(Value::as_str).is_some_and(|text| regex.is_match(text)),
            Self::LessThan(other) => value.and_then(|value| order(value, other)) == Some(Ordering::Less),
            Self::GreaterThan(other) => {
                value.and_then(|value| order(value, other)) == Some(Ordering::Greater)
            }
        }
    }
}

/// Whether two values mean the same: numbers by value, objects whatever the order of their keys.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => a == b || order(a, b) == Some(Ordering::Equal),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

/// The order of two numbers or two texts; other pairs have none.
pub(crate) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            Some(Decimal::parse(a.as_str())?.cmp(&Decimal::parse(b.as_str())?))
        }
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

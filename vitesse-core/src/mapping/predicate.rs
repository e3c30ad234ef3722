//! Conditions, made ready.

use super::functions::Ready;
use super::{FieldPath, Value};

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

use crate::mapping::part::parts;
use crate::mapping::{FieldPath, Value};

parts! {
    /// Something that holds for a value or doesn't: one test of a field, a jq expression, or other conditions
    /// together. A missing field meets only `exists: false` and `not_equals`.
    pub struct Condition {
        /// The field that is tested; without it, the value itself.
        "field" field: Option<FieldPath> = None;
        /// Whether the field is there (null counts as there).
        "exists" exists: Option<bool> = None;
        /// The value it equals; numbers by their value.
        "equals" equals: Option<Value> = None;
        /// The value it doesn't equal.
        "not_equals" not_equals: Option<Value> = None;
        /// Whether it is null (`true`) or there and not null (`false`).
        "is_null" is_null: Option<bool> = None;
        /// Values of which it equals one.
        "in" one_of: Option<Vec<Value>> = None;
        /// A regular expression that the string matches somewhere.
        "matches" matches: Option<String> = None;
        /// The number or text it is less than.
        "less_than" less_than: Option<Value> = None;
        /// The number or text it is greater than.
        "greater_than" greater_than: Option<Value> = None;
        /// A jq expression whose first result is neither false nor null.
        "jq" jq: Option<String> = None;
        /// Conditions that all hold.
        "all" all: Option<Vec<Condition>> = None;
        /// Conditions of which one holds.
        "any" any: Option<Vec<Condition>> = None;
        /// A condition that doesn't hold.
        "not" not: Option<BoxedCondition> = None;
    }
}

/// A condition within a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxedCondition(pub Box<Condition>);

impl crate::mapping::part::Part for BoxedCondition {
    fn read(value: &Value, reading: &mut crate::mapping::part::Reading) -> Option<Self> {
        Condition::read(value, reading).map(|condition| Self(Box::new(condition)))
    }

    fn write(&self) -> Value {
        self.0.write()
    }

    fn schema(definitions: &mut crate::mapping::value::Object) -> Value {
        Condition::schema(definitions)
    }
}

//! What to do about a failure, in a sentence that can be carried out.

use super::causes::Failure;
use super::report::FindingClass;
use crate::mapping::Transformation;
use crate::spec::{Schema, Type};

/// Where a failure is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place<'a> {
    pub(super) line: Option<&'a Transformation>,
    pub(super) source: Option<&'a Schema>,
    pub(super) dest: Option<&'a Schema>,
    /// A source that would do for a field that no line makes.
    pub(super) candidate: Option<&'a str>,
}

pub(super) fn fix(failure: &Failure, place: Place<'_>) -> String {
    let from = place.line.and_then(|line| line.source_field.paths.first()).map(|path| format!("`{path}`"));
    let from = from.unwrap_or_else(|| "its source".to_owned());
    let expected = failure.expected.as_str();
    match failure.key.class {
        FindingClass::MissingRequired if failure.key.refused => {
            format!(
                "records without {from} go to the dead letters; give the line a `default` with on_error `default`, or use the function `default`, if they should arrive"
            )
        }
        FindingClass::MissingRequired => match (place.line, place.candidate) {
            (Some(_), _) => format!(
                "{from} need not be there: use the function `default` with a value, or set `required` so that such records are refused here"
            ),
            (None, Some(candidate)) => format!("add a line for it; `{candidate}` is the best candidate"),
            (None, None) => "add a line for it, or a `constant` if it is always the same".to_owned(),
        },
        FindingClass::Null => format!("use the function `default` on {from}, or filter such records out"),
        FindingClass::Type => conversion(place, expected),
        FindingClass::Format => match expected {
            "date-time" => "use the function `timestamp` with {\"format\": \"iso8601\"}".to_owned(),
            "date" => "use the function `timestamp` with {\"format\": \"date\"}".to_owned(),
            "uuid" => "use the function `uuid_v5`, or look the id up with `ref`".to_owned(),
            "email" | "uri" | "hostname" | "ipv4" | "ipv6" => {
                format!("map a field that holds such a value; {from} doesn't")
            }
            _ => format!(
                "bring {from} into the form {expected}, with `regex_replace`, `template` or another function"
            ),
        },
        FindingClass::Enum => {
            let values = place.source.map(|schema| &schema.enum_values).filter(|values| !values.is_empty());
            match values {
                Some(values) => {
                    let shown: Vec<_> = values.iter().take(8).map(|value| value.text()).collect();
                    format!("use the function `lookup` with a table from {} to {expected}", shown.join(", "))
                }
                None => format!("use the function `lookup` with a table to {expected} and a `default`"),
            }
        }
        FindingClass::Length if failure.key.message.contains("more") => {
            format!("use the function `substring` with {{\"length\": {expected}}}, or map a shorter field")
        }
        FindingClass::Length => {
            "use the function `default` with \"on_empty\": true, or `template` to fill it up".to_owned()
        }
        FindingClass::Range => format!(
            "check the unit (`scale_decimal`) and the limit {expected}; such records are refused there"
        ),
        FindingClass::Count => {
            format!("the destination's limit is {expected}; filter the elements, or split the record")
        }
        FindingClass::UnknownField => "take the line out, or correct the field's name".to_owned(),
        FindingClass::Alternative => {
            "fill the fields of one of the forms the destination knows, and no other's".to_owned()
        }
        FindingClass::TransformError => {
            format!(
                "choose a function that takes what {from} holds, or set on_error to `null`, `default` or `skip`"
            )
        }
        _ => "look at the line".to_owned(),
    }
}

/// The conversion from what the source holds to what the destination takes.
fn conversion(place: Place<'_>, expected: &str) -> String {
    let single = |schema: Option<&Schema>| schema.and_then(|schema| schema.types.single());
    let wanted = single(place.dest).map_or(expected, |kind| kind.as_str());
    match (single(place.source), wanted) {
        (Some(Type::String), "integer") if place.source.is_some_and(Schema::is_timestamp) => {
            "use the function `timestamp` with {\"format\": \"unix\"}".to_owned()
        }
        (Some(Type::String), "integer") => {
            "use transform_type `parse` with `parse_int`, or `scale_decimal` with \"to\": \"integer\" for decimal amounts".to_owned()
        }
        (Some(Type::Number), "integer") => "use `scale_decimal` or `round` with \"to\": \"integer\"".to_owned(),
        (Some(Type::String), "number") => "use transform_type `parse` with `parse_float`".to_owned(),
        (Some(Type::String | Type::Integer | Type::Number), "boolean") => "use transform_type `parse_bool`".to_owned(),
        (Some(Type::Boolean | Type::Integer | Type::Number), "string") => "use transform_type `stringify`".to_owned(),
        (Some(Type::Array), "string") => "use the function `join`, or `first`".to_owned(),
        (Some(Type::Array), _) => "use the function `first`, or give the destination []".to_owned(),
        (_, "array") => "use transform_type `collect`, or the function `to_array`".to_owned(),
        (Some(Type::Object), _) => "map one of its fields, not the whole object".to_owned(),
        (_, wanted) => format!("use a conversion that gives {wanted}"),
    }
}

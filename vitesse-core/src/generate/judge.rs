use std::collections::HashSet;
use std::fmt;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Way;
use super::judge_schema::{document, patterns};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::{SchemaId, Schemas};

/// How many violations of one record are told.
const MOST: usize = 50;

/// Tells whether records are of a schema, formats included.
pub struct Judge {
    validator: Validator,
    ignored: Vec<String>,
}

/// One thing that is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What kind of thing.
    pub kind: ViolationKind,
    /// The field: `customer.tags[0]`; empty for the record itself.
    pub field: String,
    /// What is wrong, to be put after the field.
    pub message: String,
    /// What the schema says there, for a fix: the format, the limit, the values.
    pub expected: String,
    /// What the record has there, as short JSON; empty if it has nothing there.
    pub found: String,
}

/// What kind of rule a record breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ViolationKind {
    /// A field isn't there.
    MissingRequired,
    /// Null where null isn't allowed.
    Null,
    /// A value of another type.
    Type,
    /// A text not of its format.
    Format,
    /// A text that its regular expression doesn't match.
    Pattern,
    /// A value that isn't among those there are.
    Enum,
    /// A text too long or too short.
    Length,
    /// A number too great or too small, or not of its step.
    Range,
    /// Too many or too few items or fields, or an item twice.
    Count,
    /// A field that must not be there.
    UnknownField,
    /// Not exactly one of its alternatives, or one that is excluded.
    Alternative,
}

impl Judge {
    /// A judge of the schema `root`, for records that go that way.
    ///
    /// # Errors
    /// `spec_invalid` if the schema says what no schema can say.
    pub fn new(schemas: &Schemas, root: SchemaId, way: Way) -> Result<Self> {
        let mut ignored = HashSet::new();
        let whole = document(schemas, root, way, &ignored);
        let validator = match build(&whole) {
            Ok(validator) => validator,
            Err(_) => {
                // A pattern that no engine knows must not keep the rest from being judged.
                ignored.extend(
                    patterns(&whole)
                        .into_iter()
                        .filter(|p| build(&serde_json::json!({"pattern": p})).is_err()),
                );
                build(&document(schemas, root, way, &ignored)).map_err(|error| {
                    let name = schemas
                        .get(root)
                        .and_then(|schema| schema.name.as_deref())
                        .unwrap_or("of the record");
                    Error::new(
                        ErrorKind::SpecInvalid,
                        format!("the schema {name} can't be used to judge records"),
                    )
                    .in_operation("generate.judge")
                    .with("reason", error)
                    .help("correct the description; `vitesse spec` shows what is wrong with it")
                })?
            }
        };
        let mut ignored: Vec<_> = ignored.into_iter().collect();
        ignored.sort();
        Ok(Self { validator, ignored })
    }

    /// The patterns of the schema that are not understood here, and so not judged.
    pub fn ignored_patterns(&self) -> &[String] {
        &self.ignored
    }

    /// Whether a record is of the schema.
    pub fn accepts(&self, record: &Value) -> bool {
        self.validator.is_valid(record)
    }

    /// What is wrong with a record, in the order of the schema; nothing if it is of the schema.
    pub fn violations(&self, record: &Value) -> Vec<Violation> {
        let mut found = Vec::new();
        for error in self.validator.iter_errors(record) {
            tell(&error, record, 0, &mut found);
            if found.len() >= MOST {
                break;
            }
        }
        found
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("ignored", &self.ignored).finish_non_exhaustive()
    }
}

/// `email is missing`.
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = if self.field.is_empty() { "the record" } else { &self.field };
        write!(f, "{field} {}", self.message)
    }
}

fn build(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .with_format("byte", |text| {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.decode(text.trim()).is_ok()
        })
        .build(schema)
}

fn tell(error: &ValidationError<'_>, record: &Value, depth: usize, found: &mut Vec<Violation>) {
    use ValidationErrorKind as K;
    use ViolationKind as V;
    let field = path(error.instance_path().as_str(), record);
    let value = error.instance();
    let mut add = |kind, field: String, message: String, expected: String, instance: &Value| {
        let shown = if kind == V::MissingRequired { String::new() } else { short(instance) };
        found.push(Violation { kind, field, message, expected, found: shown });
    };
    match error.kind() {
        K::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            add(V::MissingRequired, join(&field, name), "is missing".into(), String::new(), value);
        }
        K::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(one) => one.as_str().to_owned(),
                TypeKind::Multiple(set) => {
                    set.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(" or ")
                }
            };
            let (kind, message) = match value.as_ref() {
                Value::Null => (V::Null, format!("is null, where {wanted} is expected")),
                other => (V::Type, format!("is {}, where {wanted} is expected", a_type(other))),
            };
            add(kind, field, message, wanted, value);
        }
        K::Format { format } => {
            add(V::Format, field, format!("is not of the format {format}"), format.clone(), value)
        }
        K::ContentEncoding { content_encoding } => {
            add(V::Format, field, format!("is not in {content_encoding}"), content_encoding.clone(), value);
        }
        K::Pattern { pattern } => {
            add(V::Pattern, field, format!("does not match {pattern}"), pattern.clone(), value)
        }
        K::Enum { options } => {
            let message = "is none of the values there are".to_owned();
            let kind = if value.is_null() { V::Null } else { V::Enum };
            add(kind, field, message, short(options), value);
        }
        K::Constant { expected_value } => {
            add(V::Enum, field, "is not the one value there is".into(), short(expected_value), value);
        }
        K::MinLength { limit } => {
            add(V::Length, field, format!("has fewer than {limit} characters"), limit.to_string(), value)
        }
        K::MaxLength { limit } => {
            add(V::Length, field, format!("has more than {limit} characters"), limit.to_string(), value)
        }
        K::Minimum { limit } => {
            add(V::Range, field, format!("is less than {limit}"), limit.to_string(), value)
        }
        K::Maximum { limit } => {
            add(V::Range, field, format!("is more than {limit}"), limit.to_string(), value)
        }
        K::ExclusiveMinimum { limit } => {
            add(V::Range, field, format!("is not more than {limit}"), limit.to_string(), value)
        }
        K::ExclusiveMaximum { limit } => {
            add(V::Range, field, format!("is not less than {limit}"), limit.to_string(), value)
        }
        K::MultipleOf { multiple_of } => {
            add(V::Range, field, format!("is no multiple of {multiple_of}"), multiple_of.to_string(), value);
        }
        K::MinItems { limit } => {
            add(V::Count, field, format!("has fewer than {limit} items"), limit.to_string(), value)
        }
        K::MaxItems { limit } => {
            add(V::Count, field, format!("has more than {limit} items"), limit.to_string(), value)
        }
        K::MinProperties { limit } => {
            add(V::Count, field, format!("has fewer than {limit} fields"), limit.to_string(), value)
        }
        K::MaxProperties { limit } => {
            add(V::Count, field, format!("has more than {limit} fields"), limit.to_string(), value)
        }
        K::UniqueItems => add(V::Count, field, "has an item twice".into(), String::new(), value),
        K::AdditionalProperties { unexpected } | K::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                let inner = value.get(name).unwrap_or(&Value::Null);
                add(V::UnknownField, join(&field, name), "is not a field of it".into(), String::new(), inner);
            }
        }
        K::AnyOf { context } | K::OneOfNotValid { context } => {
            // What is wrong with the alternative that is nearest: the one a person would have meant.
            let nearest =
                context.iter().filter(|errors| !errors.is_empty()).min_by_key(|errors| distance(errors));
            match nearest {
                Some(errors) if depth < 8 => {
                    errors.iter().for_each(|error| tell(error, record, depth + 1, found))
                }
                _ => add(V::Alternative, field, "is none of its alternatives".into(), String::new(), value),
            }
        }
        K::OneOfMultipleValid { .. } => {
            add(V::Alternative, field, "is several of its alternatives at once".into(), String::new(), value);
        }
        other => {
            add(V::Alternative, field, format!("breaks the rule {}", other.keyword()), String::new(), value)
        }
    }
}

/// How far a value is from an alternative: another type at the top is farther than anything within.
fn distance(errors: &[ValidationError<'_>]) -> usize {
    let top =
        errors.iter().map(|error| error.instance_path().as_str().matches('/').count()).min().unwrap_or(0);
    let wrong_kind = errors.iter().any(|error| {
        error.instance_path().as_str().matches('/').count() == top
            && matches!(error.kind(), ValidationErrorKind::Type { .. } | ValidationErrorKind::Constant { .. })
    });
    let tagged = errors.iter().any(|error| {
        matches!(error.kind(), ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. })
    });
    errors.len() + usize::from(wrong_kind) * 100 + usize::from(tagged) * 50
}

/// A JSON pointer into a record as a path: `/tags/0` is `tags[0]`.
pub(super) fn path(pointer: &str, record: &Value) -> String {
    let mut path = String::new();
    let mut at = Some(record);
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        match at {
            Some(Value::Array(items)) => {
                path.push_str(&format!("[{step}]"));
                at = step.parse().ok().and_then(|index: usize| items.get(index));
            }
            _ => {
                path = join(&path, &step);
                at = at.and_then(|value| value.get(&step));
            }
        }
    }
    path
}

pub(super) fn join(path: &str, key: &str) -> String {
    let plain =
        !key.is_empty() && !key.contains(['.', '[', ']', '"', '\\']) && !key.contains(char::is_control);
    match (plain, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}[{}]", Value::from(key)),
    }
}

fn a_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A value's JSON, cut where it gets long.
pub(crate) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

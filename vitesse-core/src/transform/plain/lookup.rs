use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{FieldPath, Step, Value};

/// What a path leads to.
pub(super) enum Found<'v> {
    /// One value.
    One(&'v Value),
    /// The values behind the `[]` for which no index was given, in order.
    Many(Vec<&'v Value>),
}

/// Follows a path, the first `[]`s to the elements that `indexes` says. Null has no fields and no elements: what
/// is in it is missing. A value of another shape hides what is in it too, but is an error if `strict`.
pub(super) fn lookup<'v>(
    value: &'v Value,
    path: &FieldPath,
    indexes: &[usize],
    strict: bool,
) -> Result<Option<Found<'v>>> {
    let mut indexes = indexes.iter();
    let mut value = value;
    for (at, step) in path.steps().iter().enumerate() {
        let next = match step {
            Step::Each => match indexes.next() {
                Some(index) => inside(value, &Step::Index(*index), strict)?,
                None => {
                    let Some(items) = elements(value, strict)? else { return Ok(None) };
                    let mut found = Vec::new();
                    for item in items {
                        gather(item, &path.steps()[at + 1..], strict, &mut found)?;
                    }
                    return Ok(Some(Found::Many(found)));
                }
            },
            step => inside(value, step, strict)?,
        };
        match next {
            Some(next) => value = next,
            None => return Ok(None),
        }
    }
    Ok(Some(Found::One(value)))
}

/// How many elements the array has at the first `[]` for which no index is given; `None` if it is missing.
pub(super) fn count(
    value: &Value,
    path: &FieldPath,
    indexes: &[usize],
    strict: bool,
) -> Result<Option<usize>> {
    let mut each = path.steps().iter().enumerate().filter(|(_, step)| **step == Step::Each);
    let Some((end, _)) = each.nth(indexes.len()) else { return Ok(None) };
    let array = FieldPath::new(path.steps()[..end].iter().cloned());
    match lookup(value, &array, indexes, strict)? {
        Some(Found::One(array)) => Ok(elements(array, strict)?.map(<[Value]>::len)),
        _ => Ok(None),
    }
}

fn gather<'v>(value: &'v Value, steps: &[Step], strict: bool, found: &mut Vec<&'v Value>) -> Result<()> {
    let Some((step, rest)) = steps.split_first() else {
        found.push(value);
        return Ok(());
    };
    if *step == Step::Each {
        for item in elements(value, strict)?.unwrap_or_default() {
            gather(item, rest, strict, found)?;
        }
    } else if let Some(next) = inside(value, step, strict)? {
        gather(next, rest, strict, found)?;
    }
    Ok(())
}

fn inside<'v>(value: &'v Value, step: &Step, strict: bool) -> Result<Option<&'v Value>> {
    match (step, value) {
        (Step::Key(key), Value::Object(object)) => Ok(object.get(key)),
        (Step::Index(index), Value::Array(items)) => Ok(items.get(*index)),
        (_, Value::Null) => Ok(None),
        _ if !strict => Ok(None),
        (Step::Key(_), other) => Err(misshapen("an object", other)),
        (_, other) => Err(misshapen("an array", other)),
    }
}

fn elements(value: &Value, strict: bool) -> Result<Option<&[Value]>> {
    match value {
        Value::Array(items) => Ok(Some(items)),
        Value::Null => Ok(None),
        other if strict => Err(misshapen("an array", other)),
        _ => Ok(None),
    }
}

fn misshapen(expected: &str, found: &Value) -> Error {
    let message =
        format!("the source has a value of type {} where {expected} was expected", found.type_name());
    Error::new(ErrorKind::RecordInvalid, message).in_operation("transform.apply")
}

use std::fmt;
use std::str::FromStr;

use super::value::write_string;
use super::{Value, value};
use crate::error::{Error, ErrorKind, Result};

/// Where a field is: `a.b`, `a["odd.key"]`, `items[0].x`, `items[].x` (for each element), `$` (the root).
///
/// ```
/// use vitesse_core::mapping::{FieldPath, Step};
/// let path: FieldPath = r#"items[].a["odd.key"][0]"#.parse().unwrap();
/// assert_eq!(path.steps()[1], Step::Each);
/// assert_eq!(path.depth(), 1);
/// assert_eq!(path.to_string(), r#"items[].a["odd.key"][0]"#);
/// let error = "items[x]".parse::<FieldPath>().unwrap_err();
/// assert!(error.to_string().contains("column: 7"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath {
    steps: Vec<Step>,
}

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Into the field of an object.
    Key(String),
    /// To one element of an array, counted from 0.
    Index(usize),
    /// To each element of an array.
    Each,
}

impl FieldPath {
    /// The path made of these steps; without steps, the root.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect() }
    }

    /// The root: the whole record.
    pub fn root() -> Self {
        Self::default()
    }

    /// The steps from the root on.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether it is the whole record.
    pub fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many `[]` it has.
    pub fn depth(&self) -> usize {
        self.steps.iter().filter(|step| **step == Step::Each).count()
    }

    /// The name of the last key, if there is one.
    pub fn leaf_name(&self) -> Option<&str> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            _ => None,
        })
    }

    /// This path with one more step.
    #[must_use]
    pub fn join(&self, step: Step) -> Self {
        let mut steps = self.steps.clone();
        steps.push(step);
        Self { steps }
    }

    /// Whether every place of `other` is this place or within it.
    pub fn contains(&self, other: &Self) -> bool {
        other.steps.starts_with(&self.steps)
    }

    /// The value at a path without `[]`; `None` if it is missing.
    pub fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.steps.iter().try_fold(value, |value, step| match (step, value) {
            (Step::Key(key), Value::Object(object)) => object.get(key),
            (Step::Index(index), Value::Array(items)) => items.get(*index),
            _ => None,
        })
    }

    /// All values at a path, through every `[]`, in order.
    pub fn find_all<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let mut found = vec![value];
        for step in &self.steps {
            found = found
                .into_iter()
                .flat_map(|value| -> Vec<&Value> {
                    match (step, value) {
                        (Step::Key(key), Value::Object(object)) => object.get(key).into_iter().collect(),
                        (Step::Index(index), Value::Array(items)) => items.get(*index).into_iter().collect(),
                        (Step::Each, Value::Array(items)) => items.iter().collect(),
                        _ => Vec::new(),
                    }
                })
                .collect();
        }
        found
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("$");
        }
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) if is_bare(key) => {
                    f.write_str(if at == 0 { "" } else { "." })?;
                    f.write_str(key)?;
                }
                Step::Key(key) => {
                    let mut quoted = String::new();
                    write_string(key, &mut quoted);
                    write!(f, "[{quoted}]")?;
                }
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Each => f.write_str("[]")?,
            }
        }
        Ok(())
    }
}

impl FromStr for FieldPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "$" {
            return Ok(Self::root());
        }
        if text.is_empty() {
            return Err(wrong(text, 0, "a path can't be empty").help("write $ for the whole record"));
        }
        let mut steps = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let (step, length) = if rest.starts_with('[') {
                bracket(text, at)?
            } else {
                let dot = usize::from(rest.starts_with('.'));
                if dot == 0 && at > 0 {
                    return Err(wrong(text, at, "a dot or a bracket was expected"));
                }
                if dot == 1 && at == 0 {
                    return Err(wrong(text, at, "a path doesn't start with a dot"));
                }
                let key = bare_key(text, at + dot)?;
                (Step::Key(key.to_owned()), dot + key.len())
            };
            steps.push(step);
            at += length;
        }
        Ok(Self { steps })
    }
}

/// Whether a key can stand without quotes.
fn is_bare(key: &str) -> bool {
    !key.is_empty() && key != "$" && key.chars().all(is_bare_character)
}

fn is_bare_character(character: char) -> bool {
    !matches!(character, '.' | '[' | ']' | '"' | '\'')
        && !character.is_whitespace()
        && !character.is_control()
}

fn bare_key(text: &str, at: usize) -> Result<&str> {
    let rest = &text[at..];
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    let key = &rest[..end];
    if key.is_empty() {
        return Err(wrong(text, at, "a key was expected"));
    }
    if let Some(odd) = key.find(|character| !is_bare_character(character)) {
        return Err(wrong(text, at + odd, "the character can't stand in a key without quotes")
            .help(format!("write [{}]", Value::from(key))));
    }
    if key == "$" {
        return Err(wrong(text, at, "$ stands only alone, for the whole record")
            .help("leave \"$.\" away, or write [\"$\"] for a key of that name"));
    }
    Ok(key)
}

/// A step in brackets at `at`, and its length in bytes.
fn bracket(text: &str, at: usize) -> Result<(Step, usize)> {
    let rest = &text[at + 1..];
    if rest.starts_with(']') {
        return Ok((Step::Each, 2));
    }
    if rest.starts_with('"') {
        let end = quoted_length(rest).ok_or_else(|| wrong(text, at + 1, "the quote is not closed"))?;
        let key = value::read(&rest.as_bytes()[..end])
            .map_err(|error| wrong(text, at + 1 + error.byte, error.what))?;
        if !rest[end..].starts_with(']') {
            return Err(wrong(text, at + 1 + end, "a closing bracket was expected"));
        }
        let key = key.as_str().unwrap_or_default().to_owned();
        return Ok((Step::Key(key), end + 2));
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Err(wrong(text, at + 1, "an index, a quoted key or a closing bracket was expected"));
    }
    if digits > 1 && rest.starts_with('0') {
        return Err(wrong(text, at + 1, "an index doesn't start with a zero"));
    }
    let index = rest[..digits].parse().map_err(|_| wrong(text, at + 1, "the index is too large"))?;
    if !rest[digits..].starts_with(']') {
        return Err(wrong(text, at + 1 + digits, "a closing bracket was expected"));
    }
    Ok((Step::Index(index), digits + 2))
}

/// The length of the quoted text at the start, quotes included.
fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().enumerate().skip(1).find_map(|(at, byte)| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes.then_some(at + 1)
    })
}

fn wrong(text: &str, at: usize, what: &'static str) -> Error {
    // Columns are for people: characters, counted from 1.
    let column = text.get(..at).map_or(at, |before| before.chars().count()) + 1;
    Error::new(ErrorKind::MappingInvalid, what)
        .in_operation("mapping.parse_path")
        .with("path", text)
        .with("column", column)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_path() -> impl Strategy<Value = FieldPath> {
        let step = prop_oneof![
            "[a-z_$]{1,3}".prop_map(Step::Key),
            any::<String>().prop_map(Step::Key),
            (0usize..1000).prop_map(Step::Index),
            Just(Step::Each),
        ];
        proptest::collection::vec(step, 0..6).prop_map(FieldPath::new)
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(path in any_path()) {
            prop_assert_eq!(path.to_string().parse::<FieldPath>().unwrap(), path);
        }

        #[test]
        fn any_text_is_read_or_refused_and_shown_the_same(text in any::<String>()) {
            if let Ok(path) = text.parse::<FieldPath>() {
                prop_assert_eq!(path.to_string().parse::<FieldPath>().unwrap(), path);
            }
        }
    }

    #[test]
    fn errors_point_to_the_column() {
        for (text, column) in [
            ("", 1),
            (".a", 1),
            ("a..b", 3),
            ("a.", 3),
            ("a b", 2),
            ("a[", 3),
            ("a[x]", 3),
            ("a[01]", 3),
            ("a[1", 4),
            ("é[\"x]", 3),
            ("a[\"x\"", 6),
            ("a[0]b", 5),
            ("$.a", 1),
            ("a]", 2),
        ] {
            let error = text.parse::<FieldPath>().unwrap_err();
            assert!(error.context().contains(&("column", column.to_string())), "{text}: {error}");
        }
    }

    #[test]
    fn values_are_found() {
        let value: Value = r#"{"a":[{"b":1},{"b":[2,3]},{}],"":{"$":4}}"#.parse().unwrap();
        let found = |path: &str| {
            path.parse::<FieldPath>()
                .unwrap()
                .find_all(&value)
                .iter()
                .map(|v| v.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(found("a[].b"), ["1", "[2,3]"]);
        assert_eq!(found("a[].b[]"), ["2", "3"]);
        assert_eq!(found("a[1].b[0]"), ["2"]);
        assert_eq!(found(r#"[""]["$"]"#), ["4"]);
        assert_eq!(found("$").len(), 1);
        assert!(found("a.b").is_empty());
    }
}

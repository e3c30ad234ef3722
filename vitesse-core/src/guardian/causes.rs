//! Failures, grouped by what causes them.

use std::collections::HashMap;

use serde_json::Value;

use super::fixes::{Place, fix};
use super::report::{Finding, FindingClass, SampleRecord, Severity};
use super::shadow::Outcome;
use crate::generate::{Sample, Violation, ViolationKind};
use crate::mapping::{Mapping, Transformation};

/// How many causes are told; nobody reads more.
const MOST: usize = 200;

/// What is the same in two failures of one cause.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) class: FindingClass,
    pub(super) field: String,
    pub(super) line: Option<usize>,
    pub(super) message: String,
    /// Whether the record was refused here, and not there.
    pub(super) refused: bool,
}

/// A failure of one record.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) key: Key,
    pub(super) expected: String,
}

/// Every cause seen so far.
#[derive(Debug, Default)]
pub(super) struct Causes {
    known: HashMap<Key, usize>,
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) failure: Failure,
    pub(super) first: Sample,
    /// In how many realistic records, in how many valid adversarial ones, and in how many invalid ones.
    pub(super) counts: [usize; 3],
}

/// How many records of each kind there were.
pub(super) type Totals = [usize; 3];

impl Causes {
    /// Counts what a record of a kind (see [`Entry::counts`]) failed of.
    pub(super) fn add(&mut self, sample: &Sample, kind: usize, failures: Vec<Failure>) {
        let mut here: Vec<usize> = Vec::new();
        for failure in failures {
            let at = match self.known.get(&failure.key) {
                Some(at) => *at,
                None if self.entries.len() >= MOST => continue,
                None => {
                    self.known.insert(failure.key.clone(), self.entries.len());
                    self.entries.push(Entry { failure, first: sample.clone(), counts: [0; 3] });
                    self.entries.len() - 1
                }
            };
            // Three items that are wrong in the same way are one record that is wrong.
            if !here.contains(&at) {
                here.push(at);
                if let Some(count) = self.entries.get_mut(at).and_then(|entry| entry.counts.get_mut(kind)) {
                    *count += 1;
                }
            }
        }
    }
}

impl Entry {
    /// How grave the cause is. `made` tells in how many realistic records the line gave a value at all.
    pub(super) fn severity(&self, made: usize) -> Severity {
        use FindingClass as C;
        let key = &self.failure.key;
        match self.counts {
            [0, 0, _] => Severity::Note,
            [0, ..] => Severity::Warning,
            _ if key.class == C::MissingRequired && !key.refused => Severity::Critical,
            // A line that never gives what the destination takes was never right.
            [realistic, ..] if self.is_structural() && realistic >= made => Severity::Critical,
            _ => Severity::Error,
        }
    }

    /// Whether it is about what kind of value there is, and not about one value.
    pub(super) fn is_structural(&self) -> bool {
        use FindingClass as C;
        matches!(
            self.failure.key.class,
            C::Type | C::Null | C::Format | C::Enum | C::UnknownField | C::TransformError | C::Alternative
        )
    }

    pub(super) fn finding(
        &self,
        severity: Severity,
        totals: Totals,
        place: Place<'_>,
        sample: SampleRecord,
    ) -> Finding {
        let key = &self.failure.key;
        let kind = self.counts.iter().position(|count| *count > 0).unwrap_or(0);
        let field = if key.field.is_empty() { "the record" } else { &key.field };
        Finding {
            class: key.class,
            severity,
            field: key.field.clone(),
            source: place.line.map(sources).unwrap_or_default(),
            line: key.line,
            cause: format!("{field} {}", key.message),
            fix: fix(&self.failure, place),
            count: self.counts.get(kind).copied().unwrap_or(0),
            of: totals.get(kind).copied().unwrap_or(0),
            sample: Some(sample),
        }
    }
}

/// What a record failed of.
pub(super) fn failures(outcome: &Outcome, mapping: &Mapping) -> Vec<Failure> {
    match outcome {
        Outcome::Filtered => Vec::new(),
        Outcome::Refused(error) => {
            let fact = |name: &str| {
                error.context().iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
            };
            let line = fact("line").and_then(|line| line.parse().ok());
            let required = line
                .and_then(|line: usize| mapping.transformations.get(line))
                .is_some_and(|line| line.required && error.message() == "a required field is missing");
            let (class, message) = match required {
                true => (
                    FindingClass::MissingRequired,
                    "is required by the line, and records without it are refused".to_owned(),
                ),
                false => (FindingClass::TransformError, format!("can't be made: {}", error.message())),
            };
            let field = everywhere(fact("field").unwrap_or_default());
            let key = Key { class, field, line, message, refused: true };
            vec![Failure { key, expected: String::new() }]
        }
        Outcome::Made { violations, .. } => {
            violations.iter().map(|(_, violation)| of_violation(violation, mapping)).collect()
        }
    }
}

fn of_violation(violation: &Violation, mapping: &Mapping) -> Failure {
    use FindingClass as C;
    let class = match violation.kind {
        ViolationKind::MissingRequired => C::MissingRequired,
        ViolationKind::Null => C::Null,
        ViolationKind::Type => C::Type,
        ViolationKind::Format | ViolationKind::Pattern => C::Format,
        ViolationKind::Enum => C::Enum,
        ViolationKind::Length => C::Length,
        ViolationKind::Range => C::Range,
        ViolationKind::Count => C::Count,
        ViolationKind::UnknownField => C::UnknownField,
        _ => C::Alternative,
    };
    let field = everywhere(&violation.field);
    let line = line_of(&field, mapping);
    let key = Key { class, field, line, message: violation.message.clone(), refused: false };
    Failure { key, expected: violation.expected.clone() }
}

/// The line that makes a field, or what the field is in, or something in it.
pub(super) fn line_of(field: &str, mapping: &Mapping) -> Option<usize> {
    let lines = || mapping.transformations.iter().enumerate().filter(|(_, line)| line.enabled);
    let within = |outer: &str, inner: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let dest = |line: &Transformation| everywhere(&line.dest_field.to_string());
    lines()
        .find(|(_, line)| dest(line) == field)
        .or_else(|| lines().find(|(_, line)| within(&dest(line), field)))
        .or_else(|| lines().find(|(_, line)| !field.is_empty() && within(field, &dest(line))))
        .map(|(at, _)| at)
}

/// A path with `[]` for every place in a list.
pub(super) fn everywhere(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        out.push('[');
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        rest = if after[digits..].starts_with(']') { &after[digits..] } else { after };
    }
    out.push_str(rest);
    out
}

pub(super) fn sources(line: &Transformation) -> Vec<String> {
    line.source_field.paths.iter().map(ToString::to_string).collect()
}

/// What came out, to be shown.
pub(super) fn output(outcome: &Outcome) -> Option<Value> {
    match outcome {
        Outcome::Made { outputs, .. } => outputs.first().cloned(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_lists_are_one_field_and_lines_are_found_around_it() {
        assert_eq!(everywhere("lines[12].sku[0]"), "lines[].sku[]");
        assert_eq!(everywhere(r#"a["b[0]"]"#), r#"a["b[]"]"#);
        let mapping = Mapping::parse(
            br#"{"version": 1, "transformations": [
                {"source_field": "a", "dest_field": "address.lines", "transform_type": "mapping"},
                {"source_field": "b", "dest_field": "address.city", "transform_type": "mapping"},
                {"source_field": "c", "dest_field": "items[].sku", "transform_type": "mapping"}]}"#,
        )
        .unwrap();
        assert_eq!(line_of("address.lines[]", &mapping), Some(0));
        assert_eq!(line_of("address.city", &mapping), Some(1));
        assert_eq!(line_of("items[].sku", &mapping), Some(2));
        assert_eq!(line_of("address", &mapping), Some(0));
        assert_eq!(line_of("addresses", &mapping), None);
    }
}

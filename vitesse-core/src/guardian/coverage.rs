//! What the records tried out: lines, branches of the source's schema, required fields of the destination.

use serde_json::Value;

use super::report::Part;
use crate::mapping::{FieldPath, Mapping, Step};
use crate::spec::{SchemaId, Schemas};

/// How deep schemas are looked into.
const DEPTH: usize = 12;

/// One thing that a record can have or not.
#[derive(Debug)]
struct Branch {
    path: FieldPath,
    name: String,
    is: Is,
    seen: bool,
}

#[derive(Debug)]
enum Is {
    There,
    Missing,
    Null,
    Equal(Value),
}

/// Sees every record and keeps what is still new.
#[derive(Debug)]
pub(super) struct Watch {
    lines: Vec<(usize, FieldPath)>,
    /// In how many realistic records each line, by its place in the document, gave a value.
    pub(super) made: Vec<usize>,
    /// Whether it ever did.
    gave: Vec<bool>,
    branches: Vec<Branch>,
    required: Vec<(FieldPath, String, bool)>,
}

impl Watch {
    pub(super) fn new(
        mapping: &Mapping,
        source: (&Schemas, SchemaId),
        dest: (&Schemas, Option<SchemaId>),
    ) -> Self {
        let count = mapping.transformations.len();
        let enabled = mapping.transformations.iter().enumerate().filter(|(_, line)| line.enabled);
        let lines = enabled.map(|(at, line)| (at, line.dest_field.clone())).collect();
        let required = dest.1.map(|root| dest.0.fields(root, DEPTH)).unwrap_or_default();
        let required = required
            .into_iter()
            .filter(|field| field.required && dest.0.get(field.schema).is_none_or(|schema| !schema.read_only))
            .filter_map(|field| Some((field.path.parse().ok()?, field.path, false)))
            .collect();
        Self {
            lines,
            made: vec![0; count],
            gave: vec![false; count],
            branches: branches(source.0, source.1),
            required,
        }
    }

    pub(super) fn input(&mut self, record: &Value) {
        for branch in self.branches.iter_mut().filter(|branch| !branch.seen) {
            let found = find_all(record, &branch.path);
            branch.seen = match &branch.is {
                Is::There => found.iter().any(|value| !value.is_null()),
                Is::Missing => found.is_empty(),
                Is::Null => found.iter().any(|value| value.is_null()),
                Is::Equal(wanted) => found.contains(&wanted),
            };
        }
    }

    pub(super) fn outputs(&mut self, outputs: &[Value], realistic: bool) {
        for (at, path) in &self.lines {
            if self.gave[*at] && !realistic {
                continue;
            }
            // Null is what a line gives for null: it says nothing about the line.
            let gives =
                outputs.iter().any(|output| find_all(output, path).iter().any(|value| !value.is_null()));
            if gives {
                self.gave[*at] = true;
                self.made[*at] += usize::from(realistic);
            }
        }
        for (path, _, filled) in self.required.iter_mut().filter(|(.., filled)| !filled) {
            *filled = outputs.iter().any(|output| !find_all(output, path).is_empty());
        }
    }

    pub(super) fn transformations(&self) -> Part {
        Part::of(self.lines.iter().map(|(at, path)| (format!("line {at}: {path}"), self.gave[*at])))
    }

    pub(super) fn branches(&self) -> Part {
        Part::of(self.branches.iter().map(|branch| (branch.name.clone(), branch.seen)))
    }

    pub(super) fn required(&self) -> Part {
        Part::of(self.required.iter().map(|(_, name, filled)| (name.clone(), *filled)))
    }
}

fn branches(schemas: &Schemas, root: SchemaId) -> Vec<Branch> {
    let mut found = Vec::new();
    for field in schemas.fields(root, DEPTH) {
        let (Ok(path), Some(schema)) = (field.path.parse::<FieldPath>(), schemas.get(field.schema)) else {
            continue;
        };
        if schema.write_only {
            continue;
        }
        let mut add = |name: String, is| found.push(Branch { path: path.clone(), name, is, seen: false });
        add(format!("{} is there", field.path), Is::There);
        if !field.required {
            add(format!("{} is missing", field.path), Is::Missing);
        }
        if schema.nullable() {
            add(format!("{} is null", field.path), Is::Null);
        }
        for value in schema.enum_values.iter().map(|json| json.value()).filter(|value| !value.is_null()) {
            add(format!("{} is {value}", field.path), Is::Equal(value));
        }
    }
    found
}

/// Every value at a path.
pub(super) fn find_all<'v>(value: &'v Value, path: &FieldPath) -> Vec<&'v Value> {
    let mut found = vec![value];
    for step in path.steps() {
        found = match step {
            Step::Key(key) => found.into_iter().filter_map(|value| value.get(key)).collect(),
            Step::Index(index) => found.into_iter().filter_map(|value| value.get(index)).collect(),
            Step::Each => found.into_iter().filter_map(Value::as_array).flatten().collect(),
        };
    }
    found
}

//! One record's way: transformed by the plan, judged by the destination's schemas.

use serde_json::Value;

use super::lossy::run;
use super::sides::Sides;
use crate::error::{Error, Result};
use crate::generate::{Judge, Violation, Way};
use crate::mapping::{self, Functions, Mapping};
use crate::spec::{ApiSpec, Type};
use crate::transform::Plan;

/// Runs records as the runtime would, without sending them.
#[derive(Debug)]
pub(super) struct Shadow {
    pub(super) plan: Plan,
    /// By place in `Sides::writes`.
    judges: Vec<Option<Judge>>,
}

/// What became of a record.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The filter leaves it out.
    Filtered,
    /// A line could not be applied; it would go to the dead letters.
    Refused(Error),
    /// Records came out; each violation is of one of them, for one of the requests.
    Made { outputs: Vec<Value>, violations: Vec<(usize, Violation)> },
}

impl Outcome {
    /// Whether the record arrives, or is meant not to.
    pub(super) fn holds(&self) -> bool {
        match self {
            Self::Filtered => true,
            Self::Refused(_) => false,
            Self::Made { violations, .. } => violations.is_empty(),
        }
    }
}

impl Shadow {
    pub(super) fn new(
        mapping: &Mapping,
        functions: &Functions,
        sides: &Sides<'_>,
        dest: &ApiSpec,
    ) -> Result<Self> {
        let find = reference(mapping, sides, dest);
        let functions = functions.clone().with_references(move |stream, id| Ok(Some(find(stream, id))));
        let plan = Plan::compile(mapping, &functions)?;
        let mut known: Vec<(crate::spec::SchemaId, usize)> = Vec::new();
        let mut judges = Vec::new();
        for (at, call) in sides.writes.iter().enumerate() {
            // Requests that take the same are judged once.
            let judge = match call.record {
                Some(record) if known.iter().all(|(id, _)| *id != record) => {
                    known.push((record, at));
                    Some(Judge::new(&dest.schemas, record, Way::Request)?)
                }
                _ => None,
            };
            judges.push(judge);
        }
        Ok(Self { plan, judges })
    }

    /// Patterns of the destination that aren't understood.
    pub(super) fn ignored_patterns(&self) -> impl Iterator<Item = &String> {
        self.judges.iter().flatten().flat_map(Judge::ignored_patterns)
    }

    /// Sends a record's bytes through.
    pub(super) fn bytes(&self, record: &[u8]) -> Outcome {
        let mut out = Vec::new();
        if let Err(error) = self.plan.apply(record, &mut out) {
            return Outcome::Refused(error);
        }
        let mut outputs = Vec::new();
        for line in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(value) => outputs.push(value),
                Err(error) => {
                    let error =
                        Error::new(crate::ErrorKind::Internal, "what was made is not JSON").source(error);
                    return Outcome::Refused(error.in_operation("guardian.test"));
                }
            }
        }
        if outputs.is_empty() {
            return Outcome::Filtered;
        }
        let violations = outputs.iter().flat_map(|output| self.judge(output)).collect();
        Outcome::Made { outputs, violations }
    }

    /// The same for a record at hand.
    pub(super) fn record(&self, record: &Value) -> Outcome {
        self.bytes(record.to_string().as_bytes())
    }

    fn judge(&self, output: &Value) -> Vec<(usize, Violation)> {
        let mut found = Vec::new();
        for (at, judge) in self.judges.iter().enumerate() {
            let Some(judge) = judge.as_ref().filter(|judge| !judge.accepts(output)) else { continue };
            found.extend(judge.violations(output).into_iter().map(|violation| (at, violation)));
        }
        found
    }
}

/// What ids of the destination look like, which only the destination gives.
#[derive(Clone, Copy, Debug)]
enum Form {
    Same,
    Uuid,
    Number,
}

impl Form {
    fn of(self, id: &mapping::Value) -> mapping::Value {
        match self {
            Self::Same => id.clone(),
            Self::Uuid => run("uuid_v5", &mapping::Object::new(), id).unwrap_or_default(),
            Self::Number => {
                let digits: String =
                    id.to_string().bytes().map(|byte| char::from(b'0' + byte % 10)).take(9).collect();
                format!("1{digits}").parse().unwrap_or_default()
            }
        }
    }
}

/// What stands for the destination's id of another stream's record, by the stream and the source's id.
pub(super) fn reference(
    mapping: &Mapping,
    sides: &Sides<'_>,
    dest: &ApiSpec,
) -> impl Fn(&str, &mapping::Value) -> mapping::Value + Send + Sync + 'static {
    let forms = reference_forms(mapping, sides, dest);
    move |stream, id| {
        let form = forms.iter().find(|(name, _)| name == stream).map_or(Form::Same, |(_, form)| *form);
        form.of(id)
    }
}

/// The streams that lines refer to, and what their ids look like where they are put.
fn reference_forms(mapping: &Mapping, sides: &Sides<'_>, dest: &ApiSpec) -> Vec<(String, Form)> {
    let mut forms = Vec::new();
    for line in &mapping.transformations {
        let config = &line.transform_config;
        let stream = config.get("params").and_then(|params| params.get("stream")?.as_str());
        let (Some("ref"), Some(stream), Some(root)) =
            (config.get("function").and_then(|name| name.as_str()), stream, sides.dest())
        else {
            continue;
        };
        let field = dest.schemas.field(root, &line.dest_field.to_string());
        let form = match field.and_then(|field| dest.schemas.get(field.schema)) {
            Some(schema) if schema.format.as_deref() == Some("uuid") => Form::Uuid,
            Some(schema) if schema.types.single() == Some(Type::Integer) => Form::Number,
            _ => Form::Same,
        };
        forms.push((stream.to_owned(), form));
    }
    forms
}

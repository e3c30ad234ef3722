use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// What a test found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestReport {
    /// The score, from 0 to 100.
    pub health_score: HealthScore,
    /// How many realistic records were tried: those that are valid under the source's schema.
    pub test_count: usize,
    /// How many of them arrive.
    pub passed_tests: usize,
    /// How many don't.
    pub failed_tests: usize,
    /// Each of them, then each live call.
    pub test_details: Vec<TestDetail>,
    /// What must be mended before anything else.
    pub critical_issues: Vec<String>,
    /// Whether the integration may be deployed, and which rule decided.
    pub gate: Gate,
    /// What was tried out.
    pub coverage: Coverage,
    /// How adversarial records fare; `None` if none were tried.
    pub robustness: Option<Robustness>,
    /// What is wrong, by cause, the gravest first.
    pub findings: Vec<Finding>,
    /// What one should know, in sentences.
    pub warnings: Vec<String>,
    /// Failures by the status a destination would answer, or did: `400`, `401`, `429`, `other`.
    pub error_patterns: BTreeMap<String, usize>,
    /// How long records took here, from their bytes to a verdict.
    pub processing: Latency,
    /// What mocks of both APIs answered, if the calls were rehearsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<LiveReport>,
    /// What the real APIs answered, if they were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveReport>,
    /// The hash of the mapping that was tested.
    pub mapping_hash: String,
    /// What the records followed from.
    pub seed: u64,
}

impl TestReport {
    /// Whether the gate is passed.
    pub fn passed(&self) -> bool {
        self.gate.passed
    }

    /// The findings of a line of the mapping.
    pub fn of_line(&self, line: usize) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.line == Some(line))
    }
}

/// The score, from 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HealthScore {
    /// `success_rate * 0.7 + endpoint_coverage * 0.3`.
    #[serde(serialize_with = "figure")]
    pub overall: f64,
    /// The part of what is delivered that is as the destination's schema says.
    #[serde(serialize_with = "figure")]
    pub data_quality: f64,
    /// The success rate: the part of the records that arrive.
    #[serde(serialize_with = "figure")]
    pub reliability: f64,
}

/// One try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestDetail {
    /// Counts from 1.
    pub index: usize,
    /// The endpoint's path.
    pub endpoint: String,
    /// Its method.
    pub method: String,
    /// How it ended.
    pub status: TestStatus,
    /// How long it took, in milliseconds.
    #[serde(serialize_with = "figure")]
    pub response_time_ms: f64,
    /// The status a real API answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestStatus {
    /// As it should.
    Passed,
    /// Not as it should.
    Failed,
}

/// Whether the integration may be deployed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Whether it may.
    pub passed: bool,
    /// What decided.
    pub rule: GateRule,
    /// The same in a sentence.
    pub reason: String,
    /// From which score on it may.
    #[serde(serialize_with = "figure")]
    pub threshold: f64,
}

/// What decides about a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GateRule {
    /// A critical issue fails the gate whatever the score.
    CriticalIssue,
    /// So does a required field of the destination that a valid record leaves empty.
    RequiredFieldMissing,
    /// The score.
    Score,
}

impl GateRule {
    /// Its stable name.
    pub const fn id(self) -> &'static str {
        match self {
            Self::CriticalIssue => "critical_issue",
            Self::RequiredFieldMissing => "required_field_missing",
            Self::Score => "score",
        }
    }
}

/// What was tried out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The part of the mapping's endpoints that were tried, in percent.
    #[serde(serialize_with = "figure")]
    pub endpoint_coverage: f64,
    /// The endpoints of the mapping.
    pub endpoints: Vec<EndpointCoverage>,
    /// The lines that gave a value.
    pub transformations: Part,
    /// The optional fields, null values, enumeration values and alternatives of the source's schema that a
    /// record had.
    pub branches: Part,
    /// The required fields of the destination that were filled.
    pub required_fields: Part,
}

/// One endpoint of the mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointCoverage {
    /// What the mapping uses it for: `read`, `create`, ...
    pub operation: String,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Whether it was tried.
    pub covered: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Some of a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// How many.
    pub covered: usize,
    /// Of how many.
    pub total: usize,
    /// What isn't covered, at most twenty of it.
    pub missing: Vec<String>,
}

impl Part {
    pub(super) fn of(all: impl IntoIterator<Item = (String, bool)>) -> Self {
        let mut part = Self::default();
        for (name, covered) in all {
            part.total += 1;
            if covered {
                part.covered += 1;
            } else if part.missing.len() < 20 {
                part.missing.push(name);
            }
        }
        part
    }
}

/// How adversarial records fare. A valid one should arrive; one that breaks its own schema should arrive as a
/// valid record, or be refused with a reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Robustness {
    /// How many were tried.
    pub records: usize,
    /// How many are valid under the source's schema.
    pub valid: usize,
    /// How many fare as they should.
    pub held: usize,
    /// The part that does, in percent.
    #[serde(serialize_with = "figure")]
    pub score: f64,
}

/// One cause of failures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind of failure.
    pub class: FindingClass,
    /// How grave it is.
    pub severity: Severity,
    /// The field of the destination.
    pub field: String,
    /// The fields of the source that the line takes.
    pub source: Vec<String>,
    /// Which line of `transformations`, from 0; `None` if no line is at fault, or none is there.
    pub line: Option<usize>,
    /// What is wrong, in a sentence.
    pub cause: String,
    /// What to do about it.
    pub fix: String,
    /// In how many records it showed.
    pub count: usize,
    /// Of how many.
    pub of: usize,
    /// The smallest record that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleRecord>,
}

/// A record that shows a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleRecord {
    /// What it tries out.
    pub probe: String,
    /// The record, as small as it can be.
    pub input: Value,
    /// What becomes of it; `None` if it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Every record fails by it, or the gate does.
    Critical,
    /// Usual records fail by it, or arrive with the wrong meaning.
    Error,
    /// Unusual records fail by it.
    Warning,
    /// Good to know.
    Note,
}

macro_rules! classes {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal;)+) => {
        /// What kind of failure a finding is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum FindingClass {
            $($(#[doc = $doc])+ #[serde(rename = $id)] $name,)+
        }

        impl FindingClass {
            /// Every class.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its stable name.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id),+ }
            }
        }
    };
}

classes! {
    /// A required field of the destination is left empty.
    MissingRequired = "missing_required";
    /// Null where the destination doesn't take null.
    Null = "null";
    /// A value of another type.
    Type = "type";
    /// A text not of its format, or that its pattern doesn't match.
    Format = "format";
    /// A value that the destination's enumeration lacks.
    Enum = "enum";
    /// A text too long or too short.
    Length = "length";
    /// A number out of its range.
    Range = "range";
    /// Too many or too few items.
    Count = "count";
    /// A field that the destination doesn't know.
    UnknownField = "unknown_field";
    /// A field of the source that isn't described.
    UnknownSource = "unknown_source";
    /// None, or several, of the forms the destination knows.
    Alternative = "alternative";
    /// A line could not be applied.
    TransformError = "transform_error";
    /// What was there before can't be had back.
    Lossy = "lossy";
    /// Another field of the source belongs there by all evidence.
    WrongField = "wrong_field";
    /// The values look unlike what the field is for.
    WrongLook = "wrong_look";
    /// The amount is in another unit than the field's.
    WrongUnit = "wrong_unit";
    /// A moment becomes another moment.
    WrongTime = "wrong_time";
    /// A table gives values another meaning.
    WrongTable = "wrong_table";
    /// A real answer isn't as its API's description says.
    Drift = "drift";
}

impl fmt::Display for FindingClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// `line 3: amount_cents is a string, where integer is expected; ...`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{} ({} of {} records); {}", self.cause, self.count, self.of, self.fix)
    }
}

/// How long things took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half were faster.
    #[serde(serialize_with = "figure")]
    pub p50_ms: f64,
    /// 95 of 100 were faster.
    #[serde(serialize_with = "figure")]
    pub p95_ms: f64,
    /// 99 of 100 were faster.
    #[serde(serialize_with = "figure")]
    pub p99_ms: f64,
}

impl Latency {
    /// Of these times; all 0 of none.
    pub(super) fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        // The nearest rank: the smallest time that so many are not above.
        let rank = |percent: usize| {
            let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(at).copied().unwrap_or(0.0)
        };
        Self { p50_ms: rank(50), p95_ms: rank(95), p99_ms: rank(99) }
    }
}

/// What the APIs answered, or mocks of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveReport {
    /// How many calls were made.
    pub calls: usize,
    /// How many were answered as they should.
    pub succeeded: usize,
    /// How many real records were read, transformed and judged.
    pub records: usize,
    /// How many of those would arrive, or did.
    pub records_passed: usize,
    /// Response times by endpoint: `GET /customers`.
    pub latencies: BTreeMap<String, Latency>,
    /// What the answers said of rates, by endpoint: header and value.
    pub rate_limits: BTreeMap<String, BTreeMap<String, String>>,
    /// What fails the gate.
    pub critical_issues: Vec<String>,
}

/// A figure with at most two digits after the point; whole ones without any.
fn figure<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let rounded = (value * 100.0).round() / 100.0;
    if rounded.fract() == 0.0 && rounded.abs() < 1e15 {
        serializer.serialize_i64(rounded as i64)
    } else {
        serializer.serialize_f64(rounded)
    }
}

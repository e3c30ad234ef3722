use std::time::Instant;

use serde_json::Value;

use super::causes::{Causes, Entry, Totals, failures, output};
use super::coverage::Watch;
use super::fixes::Place;
use super::gate::{decide, percent, score};
use super::options::TestOptions;
use super::report::{
    Coverage, EndpointCoverage, Finding, FindingClass, Gate, GateRule, Latency, Robustness, SampleRecord,
    Severity, TestDetail, TestReport, TestStatus,
};
use super::semantics::{Meanings, Pair};
use super::shadow::{Outcome, Shadow};
use super::sides::{Call, Sides};
use super::{lossy, still};
use crate::error::{Error, ErrorKind, Result};
use crate::generate::{Generator, Sample, shrink};
use crate::mapper::matching::Matches;
use crate::mapping::{Condition, Functions, Mapping, Step};
use crate::progress::Progress;
use crate::spec::{ApiSpec, Schema};

/// How many records are drawn for one that the mapping's filter lets through.
const DRAWS: usize = 40;
/// How many records are kept for the questions that need them again.
const KEPT: usize = 50;
/// How many tries are told one by one.
const DETAILS: usize = 1_000;
/// How many causes get a smallest record.
const SHRUNK: usize = 40;

/// Tests integrations.
#[derive(Clone, Debug)]
pub struct Guardian {
    pub(super) options: TestOptions,
    pub(super) functions: Functions,
}

/// What was counted while records ran.
struct Tally {
    causes: Causes,
    watch: Watch,
    totals: Totals,
    passed: usize,
    made: usize,
    made_well: usize,
    held: usize,
    filtered: usize,
    details: Vec<TestDetail>,
    times: Vec<f64>,
    pairs: Vec<Pair>,
}

impl Guardian {
    /// A guardian with these options and the built-in functions.
    pub fn new(options: TestOptions) -> Self {
        Self { options, functions: Functions::builtin() }
    }

    /// With functions that the host program added.
    #[must_use]
    pub fn with_functions(mut self, functions: Functions) -> Self {
        self.functions = functions;
        self
    }

    /// What it was made with.
    pub fn options(&self) -> &TestOptions {
        &self.options
    }

    /// Tests a mapping between two APIs on synthetic records.
    ///
    /// # Errors
    /// `mapping_invalid` if the mapping can't be compiled or names no endpoint of the descriptions,
    /// `spec_invalid` if the source doesn't say what its records hold, `invalid_input` for a test of no record,
    /// `cancelled`. A test that runs and fails is no error: its report says so.
    pub fn test(
        &self,
        mapping: &Mapping,
        source: &ApiSpec,
        dest: &ApiSpec,
        progress: &Progress,
    ) -> Result<TestReport> {
        if self.options.test_count == 0 {
            return Err(Error::new(ErrorKind::InvalidInput, "a test needs a record at least")
                .in_operation("guardian.test"));
        }
        let sides = Sides::of(mapping, source, dest)?;
        let shadow = Shadow::new(mapping, &self.functions, &sides, dest)?;
        let generator = Generator::new(&source.schemas, sides.source, self.options.seed);
        let watch = Watch::new(mapping, (&source.schemas, sides.source), (&dest.schemas, sides.dest()));
        let mut tally = Tally {
            causes: Causes::default(),
            watch,
            totals: [0; 3],
            passed: 0,
            made: 0,
            made_well: 0,
            held: 0,
            filtered: 0,
            details: Vec::new(),
            times: Vec::new(),
            pairs: Vec::new(),
        };
        let adversarial = if self.options.adversarial { generator.adversarial() } else { Vec::new() };
        let step = progress.step("test", Some((self.options.test_count + adversarial.len()) as u64));
        let (mut number, mut tried) = (0, 0);
        while tried < self.options.test_count && number < (self.options.test_count * DRAWS) as u64 {
            let mut sample = generator.sample(number);
            number += 1;
            if let Some(filter) = &mapping.filter
                && satisfy(&mut sample.value, filter)
            {
                sample.valid = generator.accepts(&sample.value);
            }
            if self.realistic(&sample, mapping, &sides, &shadow, &mut tally) {
                tried += 1;
                step.advance(1)?;
            }
            step.check()?;
        }
        for sample in &adversarial {
            Self::adversarial(sample, mapping, &shadow, &mut tally);
            step.advance(1)?;
        }
        let meanings = Meanings {
            mapping,
            compiled: shadow.plan.compiled(),
            sides: &sides,
            source,
            dest,
            pairs: &tally.pairs,
        };
        let mut findings = still::findings(mapping, &sides, source, dest);
        let matches = meanings.matches()?;
        findings.extend(meanings.findings(&matches));
        let records: Vec<Value> = tally.pairs.iter().map(|(record, _)| record.clone()).collect();
        findings.extend(lossy::findings(mapping, shadow.plan.compiled(), &records));
        let caused = Caused {
            mapping,
            sides: &sides,
            source,
            dest,
            shadow: &shadow,
            generator: &generator,
            matches: &matches,
        };
        findings.extend(caused.findings(&tally, &step)?);
        Ok(self.report(mapping, &sides, &shadow, tally, findings))
    }

    /// Runs a realistic record. Tells whether it counts: the filter leaves some out, and a schema may make it
    /// impossible to draw a valid one.
    fn realistic(
        &self,
        sample: &Sample,
        mapping: &Mapping,
        sides: &Sides<'_>,
        shadow: &Shadow,
        tally: &mut Tally,
    ) -> bool {
        if !sample.valid {
            return false;
        }
        let bytes = sample.value.to_string().into_bytes();
        let start = Instant::now();
        let outcome = shadow.bytes(&bytes);
        let took = start.elapsed().as_secs_f64() * 1000.0;
        tally.watch.input(&sample.value);
        if matches!(outcome, Outcome::Filtered) {
            tally.filtered += 1;
            return false;
        }
        let holds = outcome.holds();
        tally.totals[0] += 1;
        tally.passed += usize::from(holds);
        tally.times.push(took);
        let failed = failures(&outcome, mapping);
        if tally.details.len() < DETAILS {
            tally.details.push(TestDetail {
                index: tally.details.len() + 1,
                endpoint: sides.read.path.clone(),
                method: sides.read.method.clone(),
                status: if holds { TestStatus::Passed } else { TestStatus::Failed },
                response_time_ms: took,
                status_code: None,
                error: failed.first().map(|failure| {
                    format!("{} {}", failure.key.field, failure.key.message).trim().to_owned()
                }),
            });
        }
        tally.causes.add(sample, 0, failed);
        if let Outcome::Made { outputs, violations } = outcome {
            tally.made += 1;
            tally.made_well += usize::from(violations.is_empty());
            tally.watch.outputs(&outputs, true);
            if tally.pairs.len() < KEPT {
                tally.pairs.push((sample.value.clone(), outputs));
            }
        }
        true
    }

    fn adversarial(sample: &Sample, mapping: &Mapping, shadow: &Shadow, tally: &mut Tally) {
        let outcome = shadow.record(&sample.value);
        tally.watch.input(&sample.value);
        let kind = if sample.valid { 1 } else { 2 };
        tally.totals[kind] += 1;
        let refused = matches!(outcome, Outcome::Refused(_));
        // To refuse what breaks its own schema is right.
        if outcome.holds() || refused && !sample.valid {
            tally.held += 1;
        } else {
            tally.causes.add(sample, kind, failures(&outcome, mapping));
        }
        if let Outcome::Made { outputs, .. } = &outcome {
            tally.watch.outputs(outputs, false);
        }
    }

    fn report(
        &self,
        mapping: &Mapping,
        sides: &Sides<'_>,
        shadow: &Shadow,
        tally: Tally,
        mut findings: Vec<Finding>,
    ) -> TestReport {
        findings.sort_by_key(|finding| (finding.severity, finding.line.unwrap_or(usize::MAX), finding.class));
        let endpoints = endpoints(sides, &tally);
        let covered = endpoints.iter().filter(|endpoint| endpoint.covered).count();
        let coverage = Coverage {
            endpoint_coverage: percent(covered, endpoints.len()),
            endpoints,
            transformations: tally.watch.transformations(),
            branches: tally.watch.branches(),
            required_fields: tally.watch.required(),
        };
        let [count, valid, invalid] = tally.totals;
        let tried = valid + invalid;
        let robustness = (tried > 0).then(|| Robustness {
            records: tried,
            valid,
            held: tally.held,
            score: percent(tally.held, tried),
        });
        let mut report = TestReport {
            health_score: score(
                percent(tally.passed, count),
                coverage.endpoint_coverage,
                percent(tally.made_well, tally.made),
            ),
            test_count: count,
            passed_tests: tally.passed,
            failed_tests: count - tally.passed,
            test_details: tally.details,
            critical_issues: critical(&findings, &coverage, count),
            gate: Gate {
                passed: false,
                rule: GateRule::Score,
                reason: String::new(),
                threshold: self.options.threshold,
            },
            coverage,
            robustness,
            warnings: warnings(mapping, shadow, &findings, tally.filtered, count, self),
            findings,
            error_patterns: [
                ("400".to_owned(), tally.made - tally.made_well),
                ("other".to_owned(), count - tally.made),
            ]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect(),
            processing: Latency::of(tally.times),
            rehearsal: None,
            live: None,
            mapping_hash: mapping.hash(),
            seed: self.options.seed,
        };
        report.gate = decide(&report, &self.options);
        report
    }
}

/// Turns causes into findings.
struct Caused<'a> {
    mapping: &'a Mapping,
    sides: &'a Sides<'a>,
    source: &'a ApiSpec,
    dest: &'a ApiSpec,
    shadow: &'a Shadow,
    generator: &'a Generator<'a>,
    matches: &'a Matches,
}

impl Caused<'_> {
    fn findings(&self, tally: &Tally, step: &crate::progress::Step<'_>) -> Result<Vec<Finding>> {
        let mut found = Vec::new();
        for (at, entry) in tally.causes.entries.iter().enumerate() {
            step.check()?;
            let line = entry.failure.key.line;
            let made = line.and_then(|line| tally.watch.made.get(line)).copied().unwrap_or(tally.totals[0]);
            let sample = if at < SHRUNK { self.smallest(entry) } else { entry.first.value.clone() };
            let shown = SampleRecord {
                probe: entry.first.probe.to_string(),
                output: output(&self.shadow.record(&sample)),
                input: sample,
            };
            found.push(entry.finding(entry.severity(made), tally.totals, self.place(entry), shown));
        }
        Ok(found)
    }

    /// The smallest record that fails in the same way and is as valid as it was.
    fn smallest(&self, entry: &Entry) -> Value {
        let key = &entry.failure.key;
        shrink(entry.first.value.clone(), |record| {
            let outcome = self.shadow.record(record);
            failures(&outcome, self.mapping).iter().any(|failure| failure.key == *key)
                && (!entry.first.valid || self.generator.accepts(record))
        })
    }

    fn place(&self, entry: &Entry) -> Place<'_> {
        let line = entry.failure.key.line.and_then(|line| self.mapping.transformations.get(line));
        let source = line.and_then(|line| line.source_field.paths.first()).and_then(|path| {
            let path = still::unsplit(path, self.mapping).to_string();
            self.schema(self.source, self.sides.source, &path)
        });
        let dest = self.sides.dest().and_then(|root| self.schema(self.dest, root, &entry.failure.key.field));
        let wanted = self.matches.dest.iter().position(|field| field.path == entry.failure.key.field);
        let paired = |at| self.matches.only_pair(at).map(|pair| pair.source);
        // Where the two records look unrelated, what came nearest is still the best there is.
        let nearest = |at| {
            let refused = self.matches.refused.as_ref()?;
            refused.nearest.iter().find(|(_, dest, _)| *dest == at).map(|(source, ..)| *source)
        };
        let found = wanted.and_then(|at| paired(at).or_else(|| nearest(at)));
        let candidate = found.and_then(|at| self.matches.source.get(at)).map(|field| field.path.as_str());
        Place { line, source, dest, candidate }
    }

    fn schema<'s>(&self, spec: &'s ApiSpec, root: crate::spec::SchemaId, path: &str) -> Option<&'s Schema> {
        spec.schemas.get(spec.schemas.field(root, path)?.schema)
    }
}

fn endpoints(sides: &Sides<'_>, tally: &Tally) -> Vec<EndpointCoverage> {
    let covered = |call: &Call<'_>, why_not: Option<&str>| EndpointCoverage {
        operation: call.operation.to_owned(),
        method: call.method.clone(),
        path: call.path.clone(),
        covered: why_not.is_none(),
        reason: why_not.map(str::to_owned),
    };
    let unknown = "the description has no such endpoint";
    let read = if tally.totals[0] > 0 { None } else { Some("no valid record could be drawn") };
    let mut all = vec![covered(&sides.read, read)];
    all.extend(sides.writes.iter().map(|call| {
        let why_not = match (call.endpoint, call.record) {
            (None, _) => Some(unknown),
            (_, None) => Some("the description doesn't say what it takes"),
            _ if tally.made == 0 => Some("no record got that far"),
            _ => None,
        };
        covered(call, why_not)
    }));
    all.extend(sides.others.iter().map(|call| covered(call, call.endpoint.is_none().then_some(unknown))));
    all
}

fn critical(findings: &[Finding], coverage: &Coverage, count: usize) -> Vec<String> {
    let mut issues = Vec::new();
    for endpoint in coverage.endpoints.iter().filter(|endpoint| endpoint.operation != "read") {
        if endpoint.reason.as_deref() == Some("the description has no such endpoint") {
            issues.push(format!(
                "schema mismatch: the destination has no {} {}",
                endpoint.method, endpoint.path
            ));
        }
    }
    if count == 0 {
        issues.push(
            "schema mismatch: no valid record of the source could be drawn and gets past the filter"
                .to_owned(),
        );
    }
    // Required fields have a rule of their own.
    let grave = findings
        .iter()
        .filter(|f| f.severity == Severity::Critical && f.class != FindingClass::MissingRequired);
    issues.extend(grave.map(|finding| {
        let line = finding.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        format!("schema mismatch: {line}{}", finding.cause)
    }));
    issues
}

fn warnings(
    mapping: &Mapping,
    shadow: &Shadow,
    findings: &[Finding],
    filtered: usize,
    count: usize,
    guardian: &Guardian,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for (line, name) in mapping.host_lines(&guardian.functions) {
        warnings.push(format!(
            "line {line} calls {name:?}, a function of this program: such a mapping can't be deployed"
        ));
    }
    for pattern in shadow.ignored_patterns() {
        warnings.push(format!(
            "the destination's pattern {pattern:?} isn't understood here, and wasn't judged by"
        ));
    }
    if filtered > count {
        warnings.push(format!("the filter leaves most records out: {filtered} of {}", filtered + count));
    }
    let meant = findings.iter().filter(|finding| {
        finding.severity == Severity::Error
            && matches!(
                finding.class,
                FindingClass::WrongField
                    | FindingClass::WrongLook
                    | FindingClass::WrongUnit
                    | FindingClass::WrongTime
                    | FindingClass::WrongTable
            )
    });
    warnings.extend(meant.map(|finding| match finding.line {
        Some(line) => format!("line {line}: {}", finding.cause),
        None => finding.cause.clone(),
    }));
    warnings
}

/// Changes a record so that a filter lets it through, where it is plain how. Tells whether it was changed.
fn satisfy(record: &mut Value, filter: &Condition) -> bool {
    if let Some(all) = &filter.all {
        return all.iter().fold(false, |changed, condition| satisfy(record, condition) | changed);
    }
    if let Some(first) = filter.any.as_ref().and_then(|any| any.first()) {
        return satisfy(record, first);
    }
    let wanted = filter.equals.as_ref().or_else(|| filter.one_of.as_ref().and_then(|values| values.first()));
    let (Some(field), Some(wanted)) = (&filter.field, wanted) else { return false };
    let Ok(wanted) = serde_json::from_str(&wanted.to_string()) else { return false };
    let mut at = record;
    for step in field.steps() {
        let next = match step {
            Step::Key(key) => at.get_mut(key),
            Step::Index(index) => at.get_mut(*index),
            Step::Each => None,
        };
        match next {
            Some(next) => at = next,
            None => return false,
        }
    }
    *at = wanted;
    true
}

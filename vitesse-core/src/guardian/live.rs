//! Calls to the real APIs, or to mocks of them.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use super::causes::failures;
use super::gate::decide;
use super::report::{
    Finding, FindingClass, Latency, LiveReport, Severity, TestDetail, TestReport, TestStatus,
};
use super::run::Guardian;
use super::shadow::{Outcome, Shadow};
use super::sides::{Call, Sides, find};
use crate::error::{Error, ErrorKind, Result};
use crate::generate::{Generator, Judge, Way};
use crate::mapping::{FieldPath, Mapping, Object};
use crate::net::{Auth, Client, HeaderMap, Method, Retry, Url};
use crate::progress::Progress;
use crate::spec::ApiSpec;

/// How many calls of one kind are made at most, whatever the test count.
const MOST: usize = 100;
/// How many calls look at the destination.
const LOOKS: usize = 5;

/// An API that can be called.
#[derive(Clone, Debug)]
pub struct LiveApi<'a> {
    /// Its description.
    pub spec: &'a ApiSpec,
    /// Its address, before every path.
    pub base_url: String,
    /// Its credentials.
    pub auth: Option<Auth>,
}

/// What a call came to.
struct Answer {
    status: Option<u16>,
    took: f64,
    headers: HeaderMap,
    body: Option<Value>,
    error: Option<Error>,
}

/// What the calls came to so far.
struct Calls<'a> {
    guardian: &'a Guardian,
    client: &'a Client,
    progress: &'a Progress,
    report: TestReport,
    live: LiveReport,
    times: BTreeMap<String, Vec<f64>>,
    drift: BTreeMap<(String, String), usize>,
}

impl Guardian {
    /// Asks the real APIs, and gives the report of [`test`](Self::test) with what they answered.
    ///
    /// The source's list is read and the destination is looked at. Only when `skip_destructive` is off are
    /// synthetic records written to the destination; nothing removes them again.
    ///
    /// # Errors
    /// As [`test`](Self::test). An API that doesn't answer is no error: the report says so.
    pub async fn probe(
        &self,
        report: TestReport,
        mapping: &Mapping,
        source: LiveApi<'_>,
        dest: LiveApi<'_>,
        client: &Client,
        progress: &Progress,
    ) -> Result<TestReport> {
        let sides = Sides::of(mapping, source.spec, dest.spec)?;
        let shadow = Shadow::new(mapping, &self.functions, &sides, dest.spec)?;
        let mut calls = Calls {
            guardian: self,
            client,
            progress,
            report,
            live: LiveReport::default(),
            times: BTreeMap::new(),
            drift: BTreeMap::new(),
        };
        calls.read(mapping, &sides, &source, &shadow).await?;
        let outputs = self.outputs(&sides, source.spec, &shadow);
        calls.look(mapping, &sides, &dest, outputs.first()).await?;
        if !self.options.skip_destructive {
            calls.write(mapping, &sides, &dest, &outputs).await?;
        }
        Ok(calls.finished())
    }

    /// Synthetic records as the destination gets them.
    fn outputs(&self, sides: &Sides<'_>, source: &ApiSpec, shadow: &Shadow) -> Vec<Value> {
        let generator = Generator::new(&source.schemas, sides.source, self.options.seed);
        let made = generator.realistic(self.options.test_count.min(MOST)).filter(|sample| sample.valid);
        made.flat_map(|sample| match shadow.record(&sample.value) {
            Outcome::Made { outputs, violations } if violations.is_empty() => outputs,
            _ => Vec::new(),
        })
        .collect()
    }
}

impl Calls<'_> {
    async fn read(
        &mut self,
        mapping: &Mapping,
        sides: &Sides<'_>,
        api: &LiveApi<'_>,
        shadow: &Shadow,
    ) -> Result<()> {
        let call = &sides.read;
        if call.path.contains('{') {
            self.report.warnings.push(format!(
                "{} {} was not called: its path needs a parent record",
                call.method, call.path
            ));
            return Ok(());
        }
        let empty = Object::new();
        let params = mapping.source.as_ref().map_or(&empty, |source| &source.params);
        let answer_schema = call.endpoint.and_then(|endpoint| endpoint.response_schema);
        let judge = answer_schema.and_then(|id| Judge::new(&api.spec.schemas, id, Way::Response).ok());
        let records = mapping
            .source
            .as_ref()
            .and_then(|source| source.records.clone())
            .or_else(|| call.endpoint?.records.as_ref()?.path.parse().ok())
            .unwrap_or_default();
        for _ in 0..self.guardian.options.test_count.min(MOST) {
            let answer = self.call(api, "source", call, params, None).await?;
            let Some(body) = &answer.body else {
                if self.must_stop(&answer) {
                    break;
                }
                continue;
            };
            for violation in judge.iter().flat_map(|judge| judge.violations(body)) {
                let field = super::causes::everywhere(&violation.field);
                *self.drift.entry((field, violation.message)).or_default() += 1;
            }
            for record in real_records(body, &records) {
                let outcome = shadow.record(record);
                if matches!(outcome, Outcome::Filtered) {
                    continue;
                }
                self.live.records += 1;
                self.live.records_passed += usize::from(outcome.holds());
                // The field and the rule are told; a person's record is not.
                for failure in failures(&outcome, mapping) {
                    let message = format!(
                        "is not what the destination takes, in real records: {}",
                        failure.key.message
                    );
                    *self.drift.entry((failure.key.field, message)).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// Calls of the destination that change nothing.
    async fn look(
        &mut self,
        mapping: &Mapping,
        sides: &Sides<'_>,
        api: &LiveApi<'_>,
        output: Option<&Value>,
    ) -> Result<()> {
        let by_mapping = sides
            .others
            .iter()
            .find(|call| call.operation == "find" && call.method.eq_ignore_ascii_case("GET"));
        let beside = sides.writes.iter().filter(|call| !call.path.contains('{')).find_map(|call| {
            let endpoint = find(api.spec, "GET", &call.path)?;
            Some(Call {
                operation: "look",
                method: "GET".to_owned(),
                path: call.path.clone(),
                endpoint: Some(endpoint),
                record: None,
            })
        });
        let Some(call) = by_mapping.or(beside.as_ref()) else {
            self.report
                .warnings
                .push("the destination was not called: there is nothing there to read".to_owned());
            return Ok(());
        };
        let operation =
            mapping.destination.as_ref().and_then(|destination| destination.operations.find.as_ref());
        let mut params = Object::new();
        if by_mapping.is_some() {
            for (name, value) in operation.iter().flat_map(|operation| operation.params.iter()) {
                params.insert(name, filled(value, output));
            }
        }
        for _ in 0..self.guardian.options.test_count.min(LOOKS) {
            let answer = self.call(api, "destination", call, &params, None).await?;
            if self.must_stop(&answer) {
                break;
            }
        }
        Ok(())
    }

    /// Writes synthetic records.
    async fn write(
        &mut self,
        mapping: &Mapping,
        sides: &Sides<'_>,
        api: &LiveApi<'_>,
        outputs: &[Value],
    ) -> Result<()> {
        let Some(call) = sides
            .writes
            .iter()
            .find(|call| matches!(call.operation, "create" | "upsert") && !call.path.contains('{'))
        else {
            self.report
                .warnings
                .push("nothing was written: the mapping has no operation that makes records".to_owned());
            return Ok(());
        };
        let operations = mapping.destination.as_ref().map(|destination| &destination.operations);
        let operation = operations.and_then(|operations| match call.operation {
            "create" => operations.create.as_ref(),
            _ => operations.upsert.as_ref(),
        });
        for output in outputs {
            let body = match operation {
                Some(operation) => wrapped(&operation.body, operation.wrap.as_ref(), output),
                None => output.clone(),
            };
            let answer = self.call(api, "destination", call, &Object::new(), Some(&body)).await?;
            self.live.records += 1;
            self.live.records_passed +=
                usize::from(answer.status.is_some_and(|status| (200..300).contains(&status)));
            if self.must_stop(&answer) {
                break;
            }
        }
        Ok(())
    }

    /// Makes a call and enters it everywhere it counts.
    async fn call(
        &mut self,
        api: &LiveApi<'_>,
        side: &str,
        call: &Call<'_>,
        params: &Object,
        body: Option<&Value>,
    ) -> Result<Answer> {
        self.progress.cancel().check()?;
        let answer = self.send(api, call, params, body).await?;
        let name = format!("{} {}", call.method, call.path);
        self.live.calls += 1;
        if answer.status.is_some() {
            self.times.entry(name.clone()).or_default().push(answer.took);
        }
        for (header, value) in answer.headers.iter().filter(|(name, _)| is_about_rates(name.as_str())) {
            let value = value.to_str().unwrap_or_default().to_owned();
            self.live.rate_limits.entry(name.clone()).or_default().insert(header.to_string(), value);
        }
        let said = match &answer.error {
            Some(error) => error.to_string(),
            None => format!("{}", answer.status.unwrap_or_default()),
        };
        let wrong =
            |what: &str, todo: &str| Some(format!("{what}: the {side} answers {name} with {said}; {todo}"));
        let issue = match (answer.status, answer.error.as_ref().map(Error::kind)) {
            (Some(200..=299), None) => None,
            (Some(401 | 403), _) | (_, Some(ErrorKind::CredentialRefused)) => {
                wrong("authentication failed", "check the credentials of its connection")
            }
            (Some(429), _) | (_, Some(ErrorKind::RateLimited)) => {
                wrong("rate limited", "use a smaller sample, or wait as long as it says")
            }
            (Some(400 | 422), _) => {
                wrong("schema mismatch", "compare the request with the API's description")
            }
            (Some(404 | 405), _) => wrong("schema mismatch", "the description names what isn't there"),
            _ => wrong("no connection", "check the address, and that it can be reached from here"),
        };
        self.live.succeeded += usize::from(issue.is_none());
        if issue.is_some() {
            let pattern = match answer.status {
                Some(status @ (400 | 401 | 429)) => status.to_string(),
                Some(403) => "401".to_owned(),
                Some(422) => "400".to_owned(),
                _ => "other".to_owned(),
            };
            *self.report.error_patterns.entry(pattern).or_default() += 1;
        }
        self.report.test_details.push(TestDetail {
            index: self.report.test_details.len() + 1,
            endpoint: call.path.clone(),
            method: call.method.clone(),
            status: if issue.is_none() { TestStatus::Passed } else { TestStatus::Failed },
            response_time_ms: answer.took,
            status_code: answer.status,
            error: issue.clone(),
        });
        if let Some(issue) = issue.filter(|issue| !self.live.critical_issues.contains(issue)) {
            self.live.critical_issues.push(issue);
        }
        Ok(answer)
    }

    async fn send(
        &self,
        api: &LiveApi<'_>,
        call: &Call<'_>,
        params: &Object,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let wrong = |message: &'static str| {
            Error::new(ErrorKind::InvalidInput, message)
                .in_operation("guardian.probe")
                .with("base_url", &api.base_url)
        };
        let mut url = Url::parse(&format!("{}{}", api.base_url.trim_end_matches('/'), call.path))
            .map_err(|error| wrong("the API's address is no URL").source(error))?;
        for (name, value) in params.iter() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            url.query_pairs_mut().append_pair(name, &text);
        }
        let method = Method::from_bytes(call.method.to_ascii_uppercase().as_bytes())
            .map_err(|_| wrong("the mapping names a method that can't be sent"))?;
        // Once: what is asked is how the API answers, and not whether patience helps.
        let mut request =
            self.client.request(method, url).retry(Retry::never()).header("accept", "application/json");
        request = request.cancel(self.progress.cancel());
        if let Some(auth) = &api.auth {
            request = request.auth(auth);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let start = Instant::now();
        let fetched = request.fetch().await;
        let took = start.elapsed().as_secs_f64() * 1000.0;
        match fetched {
            Ok(fetched) => {
                let good = fetched.status.is_success();
                let body = if good { serde_json::from_slice(&fetched.body).ok() } else { None };
                Ok(Answer {
                    status: Some(fetched.status.as_u16()),
                    took,
                    headers: fetched.headers,
                    body,
                    error: None,
                })
            }
            Err(error) if error.kind() == ErrorKind::Cancelled => Err(error),
            Err(error) => {
                Ok(Answer { status: None, took, headers: HeaderMap::new(), body: None, error: Some(error) })
            }
        }
    }

    /// Whether the next call would be answered in the same way, and only annoy.
    fn must_stop(&self, answer: &Answer) -> bool {
        !matches!(answer.status, Some(200..=299 | 400 | 422))
    }

    fn finished(mut self) -> TestReport {
        for ((field, message), count) in self.drift {
            let field = if field.is_empty() { "the answer".to_owned() } else { field };
            self.report.findings.push(Finding {
                class: FindingClass::Drift,
                severity: Severity::Warning,
                cause: format!("{field} {message}"),
                field,
                source: Vec::new(),
                line: None,
                fix: "read the API's description again, or report it to the API's owner".to_owned(),
                count,
                of: self.live.calls,
                sample: None,
            });
        }
        for (name, times) in self.times {
            self.live.latencies.insert(name, Latency::of(times));
        }
        let slow = self.guardian.options.slow_ms;
        let mut slowest: Vec<_> =
            self.live.latencies.iter().filter(|(_, latency)| latency.p95_ms > slow).collect();
        slowest.sort_by(|a, b| b.1.p95_ms.total_cmp(&a.1.p95_ms));
        for (name, latency) in slowest {
            self.report.warnings.push(format!(
                "{name} is slow: its 95th percentile is {:.0} ms, above {slow:.0} ms",
                latency.p95_ms
            ));
        }
        self.report.critical_issues.extend(self.live.critical_issues.iter().cloned());
        self.report.live = Some(self.live);
        self.report.gate = decide(&self.report, &self.guardian.options);
        self.report
    }
}

fn is_about_rates(header: &str) -> bool {
    header.contains("ratelimit") || header.contains("rate-limit") || header == "retry-after"
}

/// The records in an answer: `data[]`, or a single one.
fn real_records<'v>(body: &'v Value, path: &FieldPath) -> Vec<&'v Value> {
    let found = super::coverage::find_all(body, path);
    found
        .into_iter()
        .flat_map(|value| match value {
            Value::Array(items) => items.iter().collect(),
            other => vec![other],
        })
        .collect()
}

/// A parameter with its `{name}`s filled from a record.
fn filled(value: &crate::mapping::Value, output: Option<&Value>) -> String {
    let mut text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(Value::Object(members)) = output {
        for (name, value) in members {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text = text.replace(&format!("{{{name}}}"), &shown);
        }
    }
    text
}

/// A record where its operation puts it.
fn wrapped(around: &Object, wrap: Option<&FieldPath>, output: &Value) -> Value {
    let mut body: Value =
        serde_json::from_str(&crate::mapping::Value::Object(around.clone()).to_string()).unwrap_or_default();
    let Some(wrap) = wrap else {
        if let (Value::Object(body), Value::Object(output)) = (&mut body, output) {
            body.extend(output.clone());
            return Value::Object(body.clone());
        }
        return output.clone();
    };
    let mut at = &mut body;
    for step in wrap.steps() {
        if let crate::mapping::Step::Key(key) = step {
            if !at.is_object() {
                *at = Value::Object(serde_json::Map::new());
            }
            let Value::Object(members) = at else { break };
            at = members.entry(key.clone()).or_insert(Value::Null);
        }
    }
    *at = output.clone();
    body
}

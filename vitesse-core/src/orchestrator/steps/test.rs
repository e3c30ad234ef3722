use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::blocking;
use crate::error::{Error, ErrorKind, Result};
use crate::guardian::{Guardian, TestOptions, TestReport, TestStatus};
use crate::orchestrator::lease::{Done, Failed, Job, Run};
use crate::orchestrator::outcome::{StreamTest, Tested, next_step};
use crate::orchestrator::streams::{Stream, mapped, missing, specs};
use crate::orchestrator::tested::{Verdict, hashes};
use crate::orchestrator::whiteboard::{Priority, handover};
use crate::orchestrator::{Constraints, Preferences, StepName, TestRun, TestStepOptions, Vitesse, obey};
use crate::store::repository::{Action, AuditStatus, Status, StepError, TestResult};

const JOB: Job = Job { name: StepName::Test.as_str(), agent: StepName::Test.agent(), action: Action::Tested };

/// Under which name a record keeps what the last test was asked for.
pub(in crate::orchestrator) const TEST_OPTIONS: &str = "test_options";

/// What the record keeps of a test.
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    verdict: &'a Verdict,
    streams: &'a [StreamTest],
}

impl Vitesse {
    /// The fourth step: tries each stream's mapping on synthetic records. If all pass the gate, the status is then
    /// `deploying`. A test that doesn't pass is no error: the report says which rule decided and what to mend, and
    /// [`Tested::require_pass`] makes an error of it.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`] before `map`, [`ErrorKind::InvalidInput`] for a sample size that isn't 1 to 100.
    pub async fn test(&self, id: Uuid, options: TestStepOptions) -> Result<Tested> {
        let (run, kept) = self.begin_test(id, &options).await?;
        self.end_test(run, kept, options).await
    }

    pub(in crate::orchestrator) async fn begin_test(
        &self,
        id: Uuid,
        options: &TestStepOptions,
    ) -> Result<(Run, TestRun)> {
        let run = self
            .begin(id, JOB, |integration| match integration.mapping_logic.is_some() {
                true => Ok(()),
                false => Err(missing("a mapping", "map", integration)),
            })
            .await?;
        let kept = self.note_test(&run, options).await?;
        Ok((run, kept))
    }

    pub(in crate::orchestrator) async fn end_test(
        &self,
        run: Run,
        kept: TestRun,
        options: TestStepOptions,
    ) -> Result<Tested> {
        let outcome = self.test_all(&run, &options).await.and_then(|mut done| {
            let also = std::mem::take(&mut done.rows.also);
            done.rows.also = self.with_tested(also, &kept, &done.value)?;
            Ok(done)
        });
        let ended = run.finish(outcome).await;
        if let Err(error) = &ended {
            // The reason is what counts; that it couldn't be noted comes second.
            let _ = self.note_untested(&kept, error).await;
        }
        ended
    }

    async fn test_all(&self, run: &Run, options: &TestStepOptions) -> Result<Done<Tested>, Failed> {
        let integration = &run.integration;
        let streams: Vec<Stream> =
            mapped(integration)?.into_iter().filter(|stream| stream.proposal.refused.is_none()).collect();
        let preferences = Preferences::read(&integration.user_preferences)?;
        let constraints = Constraints::read(&integration.user_constraints)?;
        for stream in &streams {
            obey::check(stream.mapping(), &constraints)
                .map_err(|error| error.with("stream", &stream.name))?;
        }
        let preferred = preferences.sample_size.and_then(|size| usize::try_from(size).ok());
        let mut wanted = TestOptions::requested(options.test_sample_size.or(preferred).unwrap_or(5))?;
        wanted.skip_destructive = options.skip_destructive;
        wanted.seed = options.seed.unwrap_or(wanted.seed);
        let guardian = Arc::new(Guardian::new(wanted).with_functions(self.inner.functions.clone()));
        let (source, dest) = specs(integration)?;
        let both = [Arc::new(source), Arc::new(dest)];
        let apis = match options.live {
            true => Some(self.live_apis(integration, &streams, options)?),
            false => None,
        };
        let step = run.progress().step("test", Some(streams.len() as u64));
        let mut tests = Vec::new();
        for stream in &streams {
            step.check()?;
            let hash = stream.mapping().hash();
            let key = format!("{hash} {options:?}");
            let report = match run.restore::<TestReport>(&stream.name, &key).await? {
                Some(report) => report,
                None => {
                    let ([source, dest], mapping) = (both.clone(), stream.mapping().clone());
                    let progress = run.progress().clone();
                    let tester = guardian.clone();
                    let report = blocking(move || tester.test(&mapping, &source, &dest, &progress)).await?;
                    let report = match options.rehearse {
                        true => {
                            let [source, dest] = &both;
                            guardian.rehearse(report, stream.mapping(), source, dest, run.progress()).await?
                        }
                        false => report,
                    };
                    run.checkpoint(&stream.name, &key, &report).await?;
                    report
                }
            };
            let report = match &apis {
                Some(apis) => {
                    let [source, dest] = apis.of(stream, &both);
                    let (client, progress) = (&self.inner.client, run.progress());
                    guardian.probe(report, stream.mapping(), source, dest, client, progress).await?
                }
                None => report,
            };
            step.note(format!("{}: {:.1} of 100", stream.name, report.health_score.overall));
            step.advance(1)?;
            tests.push(StreamTest { name: stream.name.clone(), report });
        }
        drop(step);
        Ok(self.done(integration.id, integration.status, &streams, tests, options)?)
    }

    fn done(
        &self,
        id: Uuid,
        before: Status,
        streams: &[Stream],
        tests: Vec<StreamTest>,
        options: &TestStepOptions,
    ) -> Result<Done<Tested>> {
        let passed = tests.iter().all(|test| test.report.passed());
        let status = match (passed, before) {
            (true, _) => Status::Deploying,
            // It was ready to be deployed, and isn't any more.
            (false, Status::Deploying) => Status::Testing,
            (false, before) => before,
        };
        // An integration is as healthy as its weakest stream, and one that failed is weaker than any that passed.
        let weakest = tests.iter().min_by(|a, b| {
            let rank = |test: &StreamTest| (test.report.passed(), test.report.health_score.overall);
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        let Some(weakest) = weakest else {
            return Err(Error::new(ErrorKind::Internal, "there was no stream to test"));
        };
        let verdict = Verdict {
            passed,
            reason: format!("{}: {}", weakest.name, weakest.report.gate.reason),
            hashes: hashes(streams),
            at: self.now(),
        };
        let tree = |value: Result<Value, serde_json::Error>| {
            value.map_err(|error| Error::new(ErrorKind::Internal, "a report can't be written").source(error))
        };
        let health = tree(serde_json::to_value(weakest.report.health_score))?;
        let kept = tree(serde_json::to_value(Kept { verdict: &verdict, streams: &tests }))?;
        let sum =
            |count: fn(&TestReport) -> usize| tests.iter().map(|test| count(&test.report)).sum::<usize>();
        let value = Tested {
            integration_id: id,
            status,
            passed,
            reason: verdict.reason.clone(),
            health_score: health.clone(),
            test_count: sum(|report| report.test_count),
            passed_tests: sum(|report| report.passed_tests),
            failed_tests: sum(|report| report.failed_tests),
            threshold: weakest.report.gate.threshold,
            streams: tests,
            next_step: next_step(status),
        };
        let summary = json!({
            "passed": passed, "reason": verdict.reason, "health_score": health, "test_count": value.test_count,
            "passed_tests": value.passed_tests, "mapping_hashes": verdict.hashes,
        });
        let error = (!passed).then(|| StepError {
            step: JOB.name.into(),
            kind: ErrorKind::GateFailed.id().into(),
            message: value.refusal().to_string(),
            temporary: false,
            at: verdict.at,
        });
        let rows = value.streams.iter().flat_map(|test| &test.report.test_details).map(row).collect();
        let some = value.streams.iter().any(|test| test.report.passed());
        let says = match passed {
            true => handover(JOB.agent, "deployer", verdict.reason.clone(), Priority::Normal),
            false => handover(JOB.agent, "mapper", verdict.reason.clone(), Priority::High),
        };
        let asked = json!(options);
        let mut done = Done::new(value, move |integration| {
            integration.health_score = Some(health.clone());
            integration.test_report = Some(kept.clone());
            integration.status = status;
            integration.extra_metadata.insert(TEST_OPTIONS.into(), asked.clone());
            integration.last_error.clone_from(&error);
        });
        done.status = match (passed, some) {
            (true, _) => AuditStatus::Success,
            (false, true) => AuditStatus::Partial,
            (false, false) => AuditStatus::Failed,
        };
        done.rows.test_results = rows;
        done.details = Map::from_iter([("test".to_owned(), summary.clone())]);
        done.output = summary;
        done.input_keys = vec!["mapping_logic".into(), "source_api_spec".into(), "dest_api_spec".into()];
        done.output_keys = vec!["test_results".into()];
        done.says = vec![says];
        Ok(done)
    }
}

fn row(detail: &crate::guardian::TestDetail) -> TestResult {
    TestResult {
        endpoint: detail.endpoint.clone(),
        method: detail.method.clone(),
        status_code: detail.status_code,
        response_time_ms: detail.response_time_ms,
        success: detail.status == TestStatus::Passed,
        error_message: detail.error.clone(),
    }
}

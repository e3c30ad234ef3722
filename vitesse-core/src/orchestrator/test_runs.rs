//! Tests in the background, and the history of all tests.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::lease::Run;
use super::{TestStepOptions, Tested, Vitesse};
use crate::error::{Error, ErrorKind, Result};
use crate::guardian::TestOptions;
use crate::store::repository::{Listed, Paging, TEST_RUNS};
use crate::store::{Batch, Expect, Key};

/// One run of the step `test`, whoever waited for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestRun {
    /// Its id.
    pub id: Uuid,
    /// The integration.
    pub integration_id: Uuid,
    /// How far it is.
    pub status: TestRunStatus,
    /// When it began.
    pub start_time: Timestamp,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// Whether the gate was passed; none before its end.
    pub success: Option<bool>,
    /// Why it could not be run, or why the gate was not passed.
    pub error_message: Option<String>,
    /// What was asked for.
    pub request_data: Value,
    /// What came of it: the score and the counts.
    pub response_data: Option<Value>,
    /// How long it took, in milliseconds.
    pub execution_time: Option<u64>,
    /// When it was noted.
    pub created_at: Timestamp,
}

/// How far a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestRunStatus {
    /// It runs.
    Running,
    /// It came to its end, whether the gate was passed or not.
    Completed,
    /// It could not be run, or was broken off.
    Failed,
}

/// A test that runs in the background.
#[derive(Debug)]
pub struct StartedTest {
    /// The test as it began.
    pub run: TestRun,
    /// Ends when the test does. Dropped, the test goes on.
    pub ended: JoinHandle<()>,
}

impl Vitesse {
    /// Begins the step [`test`](Self::test) and doesn't wait for its end: [`test_run`](Self::test_run) tells how far
    /// it is. It holds the integration's lease like any step.
    ///
    /// # Errors
    /// As [`test`](Self::test), for all that is known before it begins.
    pub async fn start_test(&self, id: Uuid, options: TestStepOptions) -> Result<StartedTest> {
        if let Some(size) = options.test_sample_size {
            TestOptions::requested(size)?;
        }
        let (run, kept) = self.begin_test(id, &options).await?;
        let (vitesse, began) = (self.clone(), kept.clone());
        let ended = tokio::spawn(async move {
            // Why it failed is in the history, the record and the audit log.
            let _ = vitesse.end_test(run, began, options).await;
        });
        Ok(StartedTest { run: kept, ended })
    }

    /// The tests of an integration, newest first.
    ///
    /// # Errors
    /// If the store fails. An unknown integration has none.
    pub async fn test_runs(&self, id: Uuid, paging: &Paging) -> Result<Listed<TestRun>> {
        let mut page: Listed<TestRun> = self.inner.repository.newest(TEST_RUNS, id, paging).await?;
        if page.items.iter().any(|run| run.status == TestRunStatus::Running) {
            let lease = match self.inner.repository.light(id).await {
                Ok(read) => read.value.step_in_progress,
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            let holds = |run: &TestRun| {
                lease.as_ref().is_some_and(|lease| lease.run == run.id && self.is_held(lease))
            };
            for run in page.items.iter_mut().filter(|run| run.status == TestRunStatus::Running) {
                if !holds(run) {
                    run.status = TestRunStatus::Failed;
                    run.error_message = Some("it was broken off: start it again".into());
                }
            }
        }
        Ok(page)
    }

    /// One test of an integration.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none of that id.
    pub async fn test_run(&self, id: Uuid, run: Uuid) -> Result<TestRun> {
        let mut paging = Paging { after: None, limit: 100 };
        loop {
            let page = self.test_runs(id, &paging).await?;
            if let Some(found) = page.items.into_iter().find(|known| known.id == run) {
                return Ok(found);
            }
            match page.next {
                Some(next) => paging.after = Some(next),
                None => {
                    return Err(Error::new(ErrorKind::NotFound, "this integration had no such test")
                        .in_operation("orchestrator.test_run")
                        .with("integration", id)
                        .with("test", run));
                }
            }
        }
    }

    /// Notes that a test began.
    pub(super) async fn note_test(&self, run: &Run, options: &TestStepOptions) -> Result<TestRun> {
        let now = self.now();
        let kept = TestRun {
            id: run.id(),
            integration_id: run.integration.id,
            status: TestRunStatus::Running,
            start_time: now,
            end_time: None,
            success: None,
            error_message: None,
            request_data: json!(options),
            response_data: None,
            execution_time: None,
            created_at: now,
        };
        let batch = self.with_test(Batch::new(), &kept)?;
        self.inner.repository.store().commit(batch).await?;
        Ok(kept)
    }

    /// Notes with everything else that a test came to its end.
    pub(super) fn with_tested(&self, batch: Batch, kept: &TestRun, tested: &Tested) -> Result<Batch> {
        let mut kept = self.ended_at(kept);
        kept.status = TestRunStatus::Completed;
        kept.success = Some(tested.passed);
        kept.error_message = (!tested.passed).then(|| tested.reason.clone());
        kept.response_data = Some(json!({
            "health_score": tested.health_score, "test_count": tested.test_count,
            "passed_tests": tested.passed_tests, "failed_tests": tested.failed_tests,
            "threshold": tested.threshold, "reason": tested.reason,
        }));
        self.with_test(batch, &kept)
    }

    /// Notes that a test could not be run.
    pub(super) async fn note_untested(&self, kept: &TestRun, error: &Error) -> Result<()> {
        let mut kept = self.ended_at(kept);
        kept.status = TestRunStatus::Failed;
        kept.error_message = Some(error.to_string());
        let batch = self.with_test(Batch::new(), &kept)?;
        self.inner.repository.store().commit(batch).await.map(drop)
    }

    fn ended_at(&self, kept: &TestRun) -> TestRun {
        let now = self.now();
        let took = now.as_millisecond().saturating_sub(kept.start_time.as_millisecond());
        TestRun { end_time: Some(now), execution_time: u64::try_from(took).ok(), ..kept.clone() }
    }

    fn with_test(&self, batch: Batch, kept: &TestRun) -> Result<Batch> {
        let value = serde_json::to_vec(kept).map_err(|error| {
            Error::new(ErrorKind::Internal, "a test can't be written as JSON").source(error)
        })?;
        let id = self.inner.repository.newest_id(kept.integration_id, kept.start_time, kept.id);
        let key = Key::new(self.inner.repository.namespace(), TEST_RUNS, id);
        Ok(batch.put(key, Expect::Any, value))
    }
}

//! One step at a time: who runs it, that it still does, and how it ends.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::Vitesse;
use super::meter::Usage;
use super::whiteboard::{AgentContribution, What, append};
use crate::deployer::process::identity::Identity;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;
use crate::store::repository::{
    Action, AuditEntry, AuditStatus, CHECKPOINTS, Integration, Status, Step, StepError, StepLease,
};
use crate::store::{Batch, Expect, Key, Scan};

/// A step that runs. However it ends, the lease is given back; if this process dies, it expires.
#[derive(Debug)]
pub(super) struct Run {
    vitesse: Vitesse,
    /// The integration as it was when the step began.
    pub(super) integration: Integration,
    job: Job,
    run: Uuid,
    started: Instant,
    usage: Usage,
    renewing: JoinHandle<()>,
    ended: bool,
}

/// What is known of a step before it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    /// Its name in leases, logs and errors.
    pub(super) name: &'static str,
    /// Who does it, on the whiteboard.
    pub(super) agent: &'static str,
    /// What the audit log calls it.
    pub(super) action: Action,
}

/// What a step that succeeded leaves behind, all of it in one commit.
pub(super) struct Done<T> {
    /// What the caller gets.
    pub(super) value: T,
    /// The change of the record. It may be applied more than once, each time to what is there.
    pub(super) change: Box<dyn Fn(&mut Integration) + Send + Sync>,
    /// How the step went, for the audit log.
    pub(super) status: AuditStatus,
    /// What one would want to know later.
    pub(super) details: Map<String, Value>,
    /// Rows that go with it.
    pub(super) rows: Step,
    /// What the stage read.
    pub(super) input_keys: Vec<String>,
    /// What it wrote.
    pub(super) output_keys: Vec<String>,
    /// What it wrote, in short.
    pub(super) output: Value,
    /// What else goes on the whiteboard.
    pub(super) says: Vec<What>,
}

impl<T> Done<T> {
    /// A success with nothing but its change.
    pub(super) fn new(value: T, change: impl Fn(&mut Integration) + Send + Sync + 'static) -> Self {
        Self {
            value,
            change: Box::new(change),
            status: AuditStatus::Success,
            details: Map::new(),
            rows: Step::silent(),
            input_keys: Vec::new(),
            output_keys: Vec::new(),
            output: Value::Null,
            says: Vec::new(),
        }
    }
}

/// A failure that leaves something behind.
pub(super) struct Failed {
    pub(super) error: Error,
    /// Where the integration goes, if it doesn't stay where it is.
    pub(super) status: Option<Status>,
    /// Whether a part of the step succeeded.
    pub(super) partial: bool,
    /// What one would want to know later.
    pub(super) details: Map<String, Value>,
    /// What is written with it.
    pub(super) also: Batch,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, status: None, partial: false, details: Map::new(), also: Batch::new() }
    }
}

impl Vitesse {
    /// Begins a step: checks what it needs and takes the lease, or says who has it.
    pub(super) async fn begin(
        &self,
        id: Uuid,
        job: Job,
        ready: impl Fn(&Integration) -> Result<()> + Send + Sync,
    ) -> Result<Run> {
        let repository = &self.inner.repository;
        let run = Uuid::new_v4();
        loop {
            let current = repository.get(id).await?;
            let before = current.value.step_in_progress.as_ref();
            if let Some(lease) = before.filter(|lease| self.is_held(lease)) {
                return Err(taken(id, lease));
            }
            ready(&current.value)?;
            let broken_off = before.filter(|lease| lease.step == job.name);
            let failed = current.value.last_error.as_ref().filter(|error| error.step == job.name);
            let attempt = broken_off.map_or(1, |lease| lease.attempt + 1);
            let now = self.now();
            let mut taking = current.clone();
            taking.value.step_in_progress = Some(StepLease {
                step: job.name.into(),
                run,
                actor: self.actor.clone(),
                process: Identity::own().map(|process| process.to_string()),
                attempt,
                started_at: now,
                expires_at: after(now, self.inner.lease),
            });
            let status = current.value.status.to_string();
            let mut says = vec![What::Checkpoint { name: format!("before {}", job.name), status }];
            if let Some(because) =
                broken_off.map(|_| "broken off".to_owned()).or_else(|| failed.map(|e| e.kind.clone()))
            {
                says.push(What::Retry { attempt: attempt.max(2), because });
            }
            let head = (&run, job.name, self.actor.as_str());
            let also = append(Batch::new(), repository, id, now, head, says)?;
            match repository.update_light(taking, also).await {
                Ok(_) => {}
                // Somebody was faster: look who.
                Err(error) if error.kind() == ErrorKind::Conflict => continue,
                Err(error) => return Err(error),
            }
            let renewing = tokio::spawn(renew(self.clone(), id, run));
            return Ok(Run {
                vitesse: self.clone(),
                integration: current.value,
                job,
                run,
                started: Instant::now(),
                usage: Usage::now(),
                renewing,
                ended: false,
            });
        }
    }

    /// Whether whoever took a lease still has it: it hasn't expired, and its process isn't known to be gone.
    pub(super) fn is_held(&self, lease: &StepLease) -> bool {
        let gone = lease.process.as_ref().and_then(|process| process.parse::<Identity>().ok());
        lease.expires_at > self.now() && gone.and_then(|process| process.is_alive()) != Some(false)
    }
}

impl Run {
    /// Names this run.
    pub(super) fn id(&self) -> Uuid {
        self.run
    }

    /// Where to report to, and whether to stop.
    pub(super) fn progress(&self) -> &Progress {
        &self.vitesse.progress
    }

    /// Keeps what a part of the step came to, so that the step need not do it again if it is broken off.
    pub(super) async fn checkpoint<T: Serialize>(&self, name: &str, inputs: &str, value: &T) -> Result<()> {
        let (key, repository) = (self.checkpoint_key(name), &self.vitesse.inner.repository);
        let kept = json!({"inputs": inputs, "value": value});
        let bytes = serde_json::to_vec(&kept).map_err(|error| {
            Error::new(ErrorKind::Internal, "a checkpoint can't be written").with("name", name).source(error)
        })?;
        let says = What::Checkpoint { name: name.to_owned(), status: self.integration.status.to_string() };
        let batch = Batch::new().put(key, Expect::Any, bytes);
        let head = (&self.run, self.job.name, self.vitesse.actor.as_str());
        let id = self.integration.id;
        let batch = append(batch, repository, id, self.vitesse.now(), head, vec![says])?;
        repository.store().commit(batch).await.map(drop)
    }

    /// What a part came to in a run that was broken off, if it was asked the same.
    pub(super) async fn restore<T: DeserializeOwned>(&self, name: &str, inputs: &str) -> Result<Option<T>> {
        let key = self.checkpoint_key(name);
        let Some(document) = self.vitesse.inner.repository.store().get(&key).await? else { return Ok(None) };
        // One that an older version wrote is worth nothing, but no reason to fail either.
        let Ok(mut kept) = serde_json::from_slice::<Value>(&document.value) else { return Ok(None) };
        if kept.get("inputs").and_then(Value::as_str) != Some(inputs) {
            return Ok(None);
        }
        Ok(kept.get_mut("value").map(Value::take).and_then(|value| serde_json::from_value(value).ok()))
    }

    fn checkpoint_key(&self, name: &str) -> Key {
        let id = format!("{}/{}/{name}", self.integration.id, self.job.name);
        Key::new(self.vitesse.inner.repository.namespace(), CHECKPOINTS, id)
    }

    /// Ends the step: writes what came of it, or why it failed, and gives the lease back.
    pub(super) async fn finish<T>(mut self, outcome: Result<Done<T>, Failed>) -> Result<T> {
        self.renewing.abort();
        self.ended = true;
        match outcome {
            Ok(done) => self.succeed(done).await,
            Err(failed) => Err(self.fail(failed).await),
        }
    }

    async fn succeed<T>(&self, done: Done<T>) -> Result<T> {
        let took = self.started.elapsed().as_secs_f64() * 1000.0;
        let Done { value, change, status, details, rows, input_keys, output_keys, output, says } = done;
        let mut entries = vec![What::Contribution(AgentContribution {
            agent_id: self.job.agent.into(),
            agent_type: self.job.agent.into(),
            input_keys,
            output_keys,
            output_data: output,
            execution_time_ms: took,
            cpu_time_ms: Some(self.usage.cpu_ms()),
            memory_mb: Usage::memory_mb(),
        })];
        self.vitesse.inner.meter.count(self.job.name, status == AuditStatus::Success, self.started.elapsed());
        entries.extend(says);
        let leftovers = self.leftovers().await?;
        let write = |integration: &mut Integration| {
            integration.last_error = None;
            change(integration);
        };
        self.write(status, self.details(details, took), rows, entries, &leftovers, &write).await?;
        Ok(value)
    }

    async fn fail(&self, failed: Failed) -> Error {
        self.vitesse.inner.meter.count(self.job.name, false, self.started.elapsed());
        let Failed { error, status, partial, details, also } = failed;
        let took = self.started.elapsed().as_secs_f64() * 1000.0;
        let why = StepError {
            step: self.job.name.into(),
            kind: error.kind().id().into(),
            message: error.to_string(),
            temporary: error.is_temporary(),
            at: self.vitesse.now(),
        };
        let entry = What::Error {
            agent_type: self.job.agent.into(),
            kind: why.kind.clone(),
            message: why.message.clone(),
            temporary: why.temporary,
            execution_time_ms: took,
        };
        let mut details = self.details(details, took);
        details.insert("error".into(), json!({"kind": why.kind, "message": why.message}));
        let audit = if partial { AuditStatus::Partial } else { AuditStatus::Failed };
        let write = |integration: &mut Integration| {
            integration.last_error = Some(why.clone());
            if let Some(status) = status {
                integration.status = status;
            }
        };
        // The reason is what counts; that it couldn't be written down comes second.
        match self.write(audit, details, Step { also, ..Step::silent() }, vec![entry], &[], &write).await {
            Ok(()) => error,
            Err(second) => error.with("and this could not be recorded", second),
        }
    }

    fn details(&self, mut details: Map<String, Value>, took: f64) -> Map<String, Value> {
        details.insert("step".into(), self.job.name.into());
        details.insert("duration_ms".into(), json!((took * 1000.0).round() / 1000.0));
        details
    }

    async fn write(
        &self,
        status: AuditStatus,
        details: Map<String, Value>,
        rows: Step,
        entries: Vec<What>,
        leftovers: &[Key],
        change: &(dyn Fn(&mut Integration) + Send + Sync),
    ) -> Result<()> {
        let repository = &self.vitesse.inner.repository;
        let id = self.integration.id;
        let actor = self.vitesse.actor.clone();
        let head = (&self.run, self.job.name, actor.as_str());
        let mut batch = append(rows.also.clone(), repository, id, self.vitesse.now(), head, entries)?;
        for key in leftovers {
            batch = batch.delete(key.clone(), Expect::Any);
        }
        loop {
            let mut current = repository.get(id).await?;
            if current.value.step_in_progress.as_ref().is_none_or(|lease| lease.run != self.run) {
                return Err(Error::new(ErrorKind::Conflict, "somebody else took this step over meanwhile")
                    .in_operation("orchestrator.finish")
                    .with("step", self.job.name)
                    .with("integration", id)
                    .help("look at the integration's status; what they did counts"));
            }
            change(&mut current.value);
            current.value.step_in_progress = None;
            let audit = AuditEntry {
                action: self.job.action,
                actor: actor.clone(),
                status,
                details: Value::Object(details.clone()),
            };
            let step = Step {
                audit: Some(audit),
                test_results: rows.test_results.clone(),
                transformations: rows.transformations.clone(),
                also: batch.clone(),
            };
            match repository.update(current, step).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                ended => return ended.map(drop),
            }
        }
    }

    /// The checkpoints of this step, which nobody needs once it has ended.
    async fn leftovers(&self) -> Result<Vec<Key>> {
        let repository = &self.vitesse.inner.repository;
        let prefix = format!("{}/{}/", self.integration.id, self.job.name);
        let scan = Scan::new(repository.namespace(), CHECKPOINTS).prefix(prefix).limit(100);
        let page = repository.store().scan(&scan).await?;
        Ok(page.documents.into_iter().map(|document| document.key).collect())
    }
}

impl Drop for Run {
    /// A caller who went away leaves no lease behind that others would have to wait for.
    fn drop(&mut self) {
        self.renewing.abort();
        if self.ended {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(give_back(self.vitesse.clone(), self.integration.id, self.run));
        }
    }
}

/// Names what a part of a step was asked for.
pub(super) fn inputs(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("{:x}", hash.finalize())
}

/// Shows now and then that the step is still alive.
async fn renew(vitesse: Vitesse, id: Uuid, run: Uuid) {
    let every = vitesse.inner.lease / 3;
    loop {
        tokio::time::sleep(every).await;
        let Ok(mut current) = vitesse.inner.repository.light(id).await else { continue };
        match &mut current.value.step_in_progress {
            Some(lease) if lease.run == run => {
                lease.expires_at = after(vitesse.now(), vitesse.inner.lease);
            }
            _ => return,
        }
        // Refused or not, there is a next time before the lease ends.
        let _ = vitesse.inner.repository.update_light(current, Batch::new()).await;
    }
}

async fn give_back(vitesse: Vitesse, id: Uuid, run: Uuid) {
    for _ in 0..10 {
        let Ok(mut current) = vitesse.inner.repository.light(id).await else { return };
        if current.value.step_in_progress.as_ref().is_none_or(|lease| lease.run != run) {
            return;
        }
        current.value.step_in_progress = None;
        match vitesse.inner.repository.update_light(current, Batch::new()).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            _ => return,
        }
    }
}

fn after(now: Timestamp, lease: Duration) -> Timestamp {
    let lease = SignedDuration::try_from(lease).unwrap_or(SignedDuration::from_secs(60));
    now.checked_add(lease).unwrap_or(Timestamp::MAX)
}

fn taken(id: Uuid, lease: &StepLease) -> Error {
    Error::new(ErrorKind::Conflict, format!("the step {} of this integration runs already", lease.step))
        .in_operation("orchestrator.begin")
        .with("integration", id)
        .with("started by", &lease.actor)
        .with("since", lease.started_at)
        .help("wait until it ends, or until its lease expires")
}

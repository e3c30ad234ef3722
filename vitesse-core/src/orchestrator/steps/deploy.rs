use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::order::{Order, connections, kept_secrets};
use crate::deployer::{Deployed, Deployment, Preview};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Mapping;
use crate::orchestrator::export::generated;
use crate::orchestrator::lease::{Done, Failed, Job, Run};
use crate::orchestrator::outcome::DeployReport;
use crate::orchestrator::streams::mapped;
use crate::orchestrator::tested::Verdict;
use crate::orchestrator::whiteboard::{Priority, handover};
use crate::orchestrator::{DeployOptions, DeploymentOutcome, DeploymentRecord, StepName, Vitesse};
use crate::progress::Event;
use crate::store::repository::{Action, DeploymentConfig, Integration, Status};

const JOB: Job =
    Job { name: StepName::Deploy.as_str(), agent: StepName::Deploy.agent(), action: Action::Deployed };
const PAUSE: Job = Job { name: "pause", ..JOB };
const RESUME: Job = Job { name: "resume", ..JOB };
const ROLL_BACK: Job = Job { name: "rollback", ..JOB };

impl Vitesse {
    /// The fifth step: brings up exactly what was tested, and waits until it is healthy. The status is then
    /// `active`. Deployed again without a change, nothing is touched.
    ///
    /// With `force` the gate is passed over, which stands in the audit log.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`] before `map`, [`ErrorKind::GateFailed`] without a passed test of this very
    /// mapping, [`ErrorKind::MappingInvalid`] naming what the descriptions don't say and nobody filled in,
    /// [`ErrorKind::CredentialRefused`] naming the credentials that are missing, and what the target fails with. If
    /// the target didn't bring it up, the status is `failed`.
    pub async fn deploy(&self, id: Uuid, options: DeployOptions) -> Result<DeployReport> {
        let force = options.force;
        let run = self.begin(id, JOB, |integration| may_deploy(integration, force)).await?;
        let outcome = self.bring_up(&run, options).await;
        run.finish(outcome).await
    }

    /// Stops what is deployed and keeps its place and its state.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`] if nothing is deployed, [`ErrorKind::Unsupported`] if the target can't.
    pub async fn pause(&self, id: Uuid) -> Result<()> {
        self.set_paused(id, PAUSE, true).await
    }

    /// Starts what was paused.
    ///
    /// # Errors
    /// As [`pause`](Self::pause), and what the target fails with.
    pub async fn resume(&self, id: Uuid) -> Result<()> {
        self.set_paused(id, RESUME, false).await
    }

    /// What a deploy with these options would do on its target, without doing it: credentials that are given aren't kept
    /// either. What `deploy` would refuse before it asks the target is refused here as well.
    ///
    /// # Errors
    /// As [`deploy`](Self::deploy), and [`ErrorKind::Unsupported`] if the target can't say.
    pub async fn preview(&self, id: Uuid, options: DeployOptions) -> Result<Preview> {
        let integration = self.get(id).await?;
        may_deploy(&integration, options.force)?;
        let order = self.order(&integration, options).await?;
        order.target.preview(&order.deployment).await
    }

    /// Brings back an earlier deployment with its mappings, configuration and variables: the one of this number, else
    /// the last one that differs from what runs. Credentials are those of today.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`] if there is none, [`ErrorKind::NotFound`] for a number that isn't there, and as
    /// [`deploy`](Self::deploy).
    pub async fn roll_back(&self, id: Uuid, number: Option<u32>) -> Result<DeployReport> {
        let record = self.earlier(id, number).await?;
        let run = self.begin(id, ROLL_BACK, |_| Ok(())).await?;
        let outcome = match self.order_again(&run.integration, &record).await {
            Ok(order) => self.carry_out(&run, order).await,
            Err(error) => Err(error.into()),
        };
        run.finish(outcome).await
    }

    async fn bring_up(&self, run: &Run, options: DeployOptions) -> Result<Done<DeployReport>, Failed> {
        let given = options.credentials.clone();
        let order = self.order(&run.integration, options).await?;
        self.keep_credentials(run.integration.id, &given)?;
        self.carry_out(run, order).await
    }

    /// Has the target bring it up, and keeps what was done and what was generated, however it ends.
    async fn carry_out(&self, run: &Run, order: Order) -> Result<Done<DeployReport>, Failed> {
        let started = std::time::Instant::now();
        let integration = &run.integration;
        let notes: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = notes.clone();
        let progress = run.progress().heard_by(move |event| {
            if let Event::Note { message, .. } = event {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(message);
            }
        });
        let outcome = order.target.deploy(&order.deployment, &progress).await;
        let seconds = started.elapsed().as_secs_f64();
        let mut record = self.record_of(&order, seconds)?;
        let deployed = match outcome {
            Ok(deployed) => deployed,
            Err(error) => {
                record.log = std::mem::take(&mut *notes.lock().unwrap_or_else(PoisonError::into_inner));
                record.error = Some(error.to_string());
                let also = self.recorded(integration.id, record).await?;
                return Err(Failed { also, ..failed(error) });
            }
        };
        // A deployment that moves to another target leaves the old one once the new one is up.
        let old = Some(&integration.deployment_config)
            .filter(|old| integration.container_id.is_some() && old.target != record.config.target);
        record.log.clone_from(&deployed.log);
        if let Some(old) = old
            && let Err(error) = self.destroy_at(old, integration.id).await
        {
            record.log.push(format!("the deployment on {} could not be removed: {error}", old.target));
        }
        record.outcome =
            if deployed.changed { DeploymentOutcome::Deployed } else { DeploymentOutcome::Unchanged };
        record.service_url = Some(deployed.service_url.clone());
        let mut done = report(self, integration, Up { deployed, order, seconds, log: record.log.clone() });
        done.rows.also = self.recorded(integration.id, record).await?;
        Ok(done)
    }

    /// A record that says it failed, until it is known that it didn't.
    fn record_of(&self, order: &Order, seconds: f64) -> Result<DeploymentRecord> {
        let deployment = &order.deployment;
        Ok(DeploymentRecord {
            number: 0,
            at: self.now(),
            actor: self.actor.clone(),
            outcome: DeploymentOutcome::Failed,
            config: deployment.config.clone(),
            mapping_hash: deployment.mapping_hash(),
            mappings: deployment.mappings.iter().map(Mapping::to_json).collect(),
            environment: deployment.environment.clone(),
            secrets: order.secrets.clone(),
            connections: order.connections.clone(),
            service_url: None,
            seconds,
            log: Vec::new(),
            error: None,
            files: generated(deployment, self.inner.roots.is_some())?,
            rolled_back_to: order.rolled_back_to,
        })
    }

    async fn set_paused(&self, id: Uuid, job: Job, paused: bool) -> Result<()> {
        let run = self
            .begin(id, job, |integration| match integration.container_id.is_some() {
                true => Ok(()),
                false => Err(crate::orchestrator::streams::missing("a deployment", "deploy", integration)),
            })
            .await?;
        let outcome = self.hold(&run, paused).await;
        run.finish(outcome).await
    }

    async fn hold(&self, run: &Run, paused: bool) -> Result<Done<()>, Failed> {
        let integration = &run.integration;
        // What runs is what was deployed, not what was mapped since.
        let (mappings, environment) = deployed_before(integration)?;
        let target = self.inner.targets.get(&integration.deployment_config)?;
        let connections = connections(integration, None, None);
        // What doesn't run needs none, and whoever stops it may have none.
        let credentials = match paused {
            true => BTreeMap::new(),
            false => self.credentials_for(
                integration.id,
                &mappings,
                &connections,
                &kept_secrets(integration),
                BTreeMap::new(),
            )?,
        };
        let deployment = Deployment {
            credentials,
            config: integration.deployment_config.clone(),
            environment,
            paused,
            ..Deployment::new(integration.id, integration.name.clone(), mappings)
        };
        let deployed = target.update(&deployment, run.progress()).await?;
        let mut done = Done::new((), move |integration| {
            integration.extra_metadata.insert("paused".into(), paused.into());
        });
        done.details = Map::from_iter([("changed".to_owned(), deployed.changed.into())]);
        done.output = json!({"paused": paused});
        Ok(done)
    }

    pub(super) async fn destroy_at(&self, config: &DeploymentConfig, id: Uuid) -> Result<()> {
        self.inner.targets.get(config)?.destroy(id).await
    }
}

/// Everything that a deployment came to.
struct Up {
    deployed: Deployed,
    order: Order,
    seconds: f64,
    log: Vec<String>,
}

fn report(vitesse: &Vitesse, integration: &Integration, up: Up) -> Done<DeployReport> {
    let Up { deployed, order, seconds, log } = up;
    let Order { deployment, connections, secrets, forced, asked_for, rolled_back_to, .. } = order;
    let hash = deployment.mapping_hash();
    let value = DeployReport {
        integration_id: integration.id,
        status: Status::Active,
        container_id: deployed.container_id.clone(),
        service_url: deployed.service_url.clone(),
        deployment_time_seconds: seconds,
        changed: deployed.changed,
        forced,
        log: log.clone(),
    };
    let texts: Vec<Value> = deployment.mappings.iter().map(|mapping| mapping.to_json().into()).collect();
    let meta = Map::from_iter([
        ("service_url".to_owned(), Value::from(deployed.service_url.clone())),
        ("deployed_at".to_owned(), vitesse.now().to_string().into()),
        ("deployment_duration_seconds".to_owned(), json!(seconds)),
        ("deployed_hash".to_owned(), hash.clone().into()),
        ("deployed_mappings".to_owned(), texts.into()),
        ("deployed_environment".to_owned(), json!(deployment.environment)),
        ("deployed_secrets".to_owned(), json!(secrets)),
        ("connections".to_owned(), json!(connections)),
        ("build_log".to_owned(), json!(log)),
        ("paused".to_owned(), false.into()),
    ]);
    let (config, container) = (deployment.config.clone(), deployed.container_id.clone());
    let mut done = Done::new(value, move |integration| {
        integration.deployment_config = config.clone();
        if let Some(target) = &asked_for {
            integration.deployment_target.clone_from(target);
        }
        integration.container_id = Some(container.clone());
        integration.extra_metadata.extend(meta.clone());
        integration.status = Status::Active;
    });
    let summary = json!({
        "container_id": deployed.container_id, "service_url": deployed.service_url, "mapping_hash": hash,
        "changed": deployed.changed, "forced": forced, "target": deployment.config.target,
    });
    done.details = Map::from_iter([("deployment".to_owned(), summary.clone())]);
    if forced {
        done.details.insert("forced".into(), true.into());
    }
    if let Some(number) = rolled_back_to {
        done.details.insert("rolled_back_to".into(), number.into());
    }
    done.output = summary;
    done.input_keys = vec!["mapping_logic".into(), "test_results".into()];
    done.output_keys = vec!["deployment".into()];
    let priority = if forced { Priority::High } else { Priority::Normal };
    done.says =
        vec![handover(JOB.agent, "monitor", format!("it runs at {}", deployed.service_url), priority)];
    done
}

/// Whether the gate lets this very mapping through.
fn may_deploy(integration: &Integration, force: bool) -> Result<()> {
    let streams = mapped(integration)?;
    if force {
        return Ok(());
    }
    let refuse = |what: String| {
        Err(Error::new(ErrorKind::GateFailed, what)
            .in_operation("orchestrator.deploy")
            .with("integration", integration.id)
            .help("run `test`, mend what its report names, or deploy with force"))
    };
    match Verdict::of(integration)? {
        None => {
            Err(crate::orchestrator::streams::missing("a passed test of this mapping", "test", integration))
        }
        Some(verdict) if !verdict.is_about(&streams) => refuse("the last test was of another mapping".into()),
        Some(verdict) if !verdict.passed => refuse(format!("the last test didn't pass: {}", verdict.reason)),
        Some(_) => Ok(()),
    }
}

pub(super) fn deployed_before(integration: &Integration) -> Result<(Vec<Mapping>, BTreeMap<String, String>)> {
    let meta = &integration.extra_metadata;
    let texts = meta.get("deployed_mappings").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut mappings = Vec::new();
    for text in &texts {
        mappings.push(Mapping::parse(text.as_str().unwrap_or_default().as_bytes())?);
    }
    let environment = meta.get("deployed_environment").cloned().unwrap_or_else(|| json!({}));
    Ok((mappings, serde_json::from_value(environment).unwrap_or_default()))
}

/// What the target couldn't bring up is final; what it refused, or what may be gone next time, leaves the status.
fn failed(error: Error) -> Failed {
    let last =
        matches!(error.kind(), ErrorKind::DeployFailed | ErrorKind::BuildFailed) && !error.is_temporary();
    Failed { status: last.then_some(Status::Failed), ..Failed::from(error) }
}

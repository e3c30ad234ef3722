use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::deployer::{Deployed, Deployment, check_functions, needed};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Mapping;
use crate::orchestrator::connections::secret_name;
use crate::orchestrator::create::checked_config;
use crate::orchestrator::lease::{Done, Failed, Job, Run};
use crate::orchestrator::outcome::DeployReport;
use crate::orchestrator::streams::{Stream, mapped};
use crate::orchestrator::tested::Verdict;
use crate::orchestrator::whiteboard::{Priority, handover};
use crate::orchestrator::{Constraints, DeployOptions, StepName, Vitesse, obey};
use crate::secret::Secret;
use crate::store::repository::{Action, DeploymentConfig, Integration, Status};

const JOB: Job =
    Job { name: StepName::Deploy.as_str(), agent: StepName::Deploy.agent(), action: Action::Deployed };
const PAUSE: Job = Job { name: "pause", ..JOB };
const RESUME: Job = Job { name: "resume", ..JOB };

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

    async fn bring_up(&self, run: &Run, options: DeployOptions) -> Result<Done<DeployReport>, Failed> {
        let started = std::time::Instant::now();
        let integration = &run.integration;
        let streams = mapped(integration)?;
        let config = self.config(integration, &options)?;
        let constraints = Constraints::read(&integration.user_constraints)?;
        let mappings = ready(&streams, &constraints)?;
        obey::check_region(&constraints, region(&config))?;
        let target = self.inner.targets.get(&config)?;
        check_functions(target.functions().await?.as_deref(), &mappings)?;
        let connections =
            connections(integration, options.source_connection.as_ref(), options.dest_connection.as_ref());
        let deployment = Deployment {
            credentials: self.credentials_for(
                integration.id,
                &mappings,
                &connections,
                options.credentials.clone(),
            )?,
            config: config.clone(),
            environment: options.environment.clone(),
            ..Deployment::new(integration.id, integration.name.clone(), mappings)
        };
        // A deployment that moves to another target leaves the old one once the new one is up.
        let old = Some(&integration.deployment_config)
            .filter(|old| integration.container_id.is_some() && old.target != config.target);
        let deployed = target.deploy(&deployment, run.progress()).await.map_err(failed)?;
        let mut left = Vec::new();
        if let Some(old) = old
            && let Err(error) = self.destroy_at(old, integration.id).await
        {
            left.push(format!("the deployment on {} could not be removed: {error}", old.target));
        }
        let verdict = Verdict::of(integration)?;
        let forced = options.force && verdict.is_none_or(|verdict| !verdict.covers(&streams));
        let seconds = started.elapsed().as_secs_f64();
        Ok(report(
            self,
            integration,
            Up { deployed, deployment, connections, forced, seconds, left, options },
        ))
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
        let deployment = Deployment {
            credentials: self.credentials_for(integration.id, &mappings, &connections, BTreeMap::new())?,
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

    /// The configuration as the options change it; kept with the deployment.
    fn config(&self, integration: &Integration, options: &DeployOptions) -> Result<DeploymentConfig> {
        let mut config = integration.deployment_config.clone();
        if let Some(target) = &options.target {
            config.target = self.inner.targets.canonical(target)?;
        }
        config.replicas = options.replicas.unwrap_or(config.replicas);
        config.memory_mb = options.memory_mb.unwrap_or(config.memory_mb);
        config.cpu_cores = options.cpu_cores.unwrap_or(config.cpu_cores);
        config.auto_scale = options.auto_scale.unwrap_or(config.auto_scale);
        config.extra.extend(options.extra.clone());
        match serde_json::to_value(&config) {
            Ok(Value::Object(config)) => checked_config(config),
            _ => Ok(config),
        }
    }

    /// The values of the variables that mappings need: given now, from a connection, or from where credentials are
    /// kept. Those that are given are kept for this integration where that is possible.
    pub(in crate::orchestrator) fn credentials_for(
        &self,
        id: Uuid,
        mappings: &[Mapping],
        connections: &BTreeMap<String, String>,
        given: BTreeMap<String, Secret>,
    ) -> Result<BTreeMap<String, Secret>> {
        let source: &Arc<_> = &self.inner.credentials;
        let own = |variable: &str| {
            let id = id.simple().to_string().to_uppercase();
            format!("VITESSE_INTEGRATION_{id}__{}", variable.trim_start_matches("VITESSE_"))
        };
        for (variable, secret) in &given {
            match source.put(&own(variable), secret) {
                // Where nothing can be kept, it lasts for this deployment.
                Err(error) if error.kind() == ErrorKind::Unsupported => {}
                kept => kept?,
            }
        }
        let mut found = given;
        let mut missing = Vec::new();
        for need in needed(mappings) {
            if found.contains_key(&need.variable) {
                continue;
            }
            let (side, part) = match need.variable.strip_prefix("VITESSE_SOURCE_") {
                Some(part) => ("source", part),
                None => ("destination", need.variable.trim_start_matches("VITESSE_DEST_")),
            };
            let mut names = vec![own(&need.variable)];
            names.extend(connections.get(side).map(|connection| secret_name(connection, part)));
            names.push(need.variable.clone());
            if part == "TOKEN" {
                let alias = if side == "source" { "SOURCE_API_KEY" } else { "DEST_API_KEY" };
                names.push(alias.into());
            }
            let mut value = None;
            for name in names {
                value = value.or(source.get(&name)?.filter(|secret| !secret.is_empty()));
            }
            match value {
                Some(value) => drop(found.insert(need.variable, value)),
                None if need.optional => {}
                None => missing.push(format!("{} (for {})", need.variable, need.api_name)),
            }
        }
        match missing.is_empty() {
            true => Ok(found),
            false => Err(Error::new(
                ErrorKind::CredentialRefused,
                format!("credentials are missing: {}", missing.join(", ")),
            )
            .in_operation("orchestrator.deploy")
            .with("looked in", source.describe())
            .help("set them, or name a connection for the source and one for the destination")),
        }
    }
}

/// Everything that a deployment came to.
struct Up {
    deployed: Deployed,
    deployment: Deployment,
    connections: BTreeMap<String, String>,
    forced: bool,
    seconds: f64,
    left: Vec<String>,
    options: DeployOptions,
}

fn report(vitesse: &Vitesse, integration: &Integration, up: Up) -> Done<DeployReport> {
    let Up { deployed, deployment, connections, forced, seconds, left, options } = up;
    let hash = deployment.mapping_hash();
    let mut log = deployed.log.clone();
    log.extend(left);
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
        ("connections".to_owned(), json!(connections)),
        ("build_log".to_owned(), json!(log)),
        ("paused".to_owned(), false.into()),
    ]);
    let (config, container) = (deployment.config.clone(), deployed.container_id.clone());
    let target = options.target;
    let mut done = Done::new(value, move |integration| {
        integration.deployment_config = config.clone();
        if let Some(target) = &target {
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

/// The mappings of streams that can be deployed.
fn ready(streams: &[Stream], constraints: &Constraints) -> Result<Vec<Mapping>> {
    let mut open = Vec::new();
    for stream in streams.iter().filter(|stream| stream.proposal.refused.is_none()) {
        obey::check(stream.mapping(), constraints).map_err(|error| error.with("stream", &stream.name))?;
        let gaps = stream.proposal.gaps.iter().filter(|gap| gap.blocks);
        open.extend(gaps.map(|gap| format!("{} ({}): {}", gap.name, stream.name, gap.question)));
    }
    if !open.is_empty() {
        return Err(Error::new(
            ErrorKind::MappingInvalid,
            format!("the descriptions don't say all that a deployment needs: {}", open.join("; ")),
        )
        .in_operation("orchestrator.deploy")
        .help("map again with overrides that answer it"));
    }
    Ok(streams.iter().filter(|s| s.proposal.refused.is_none()).map(|s| s.mapping().clone()).collect())
}

/// Which connection each side uses: as it was said now, else as it was said before.
pub(super) fn connections(
    integration: &Integration,
    source: Option<&String>,
    dest: Option<&String>,
) -> BTreeMap<String, String> {
    let kept = integration.extra_metadata.get("connections").and_then(Value::as_object);
    let mut all: BTreeMap<String, String> = kept
        .into_iter()
        .flatten()
        .filter_map(|(side, name)| Some((side.clone(), name.as_str()?.to_owned())))
        .collect();
    for (side, said) in [("source", source), ("destination", dest)] {
        if let Some(name) = said {
            all.insert(side.into(), name.clone());
        }
    }
    all
}

fn deployed_before(integration: &Integration) -> Result<(Vec<Mapping>, BTreeMap<String, String>)> {
    let meta = &integration.extra_metadata;
    let texts = meta.get("deployed_mappings").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut mappings = Vec::new();
    for text in &texts {
        mappings.push(Mapping::parse(text.as_str().unwrap_or_default().as_bytes())?);
    }
    let environment = meta.get("deployed_environment").cloned().unwrap_or_else(|| json!({}));
    Ok((mappings, serde_json::from_value(environment).unwrap_or_default()))
}

fn region(config: &DeploymentConfig) -> Option<&str> {
    config.extra.get("region").and_then(Value::as_str)
}

/// What the target couldn't bring up is final; what it refused, or what may be gone next time, leaves the status.
fn failed(error: Error) -> Failed {
    let last =
        matches!(error.kind(), ErrorKind::DeployFailed | ErrorKind::BuildFailed) && !error.is_temporary();
    Failed { status: last.then_some(Status::Failed), ..Failed::from(error) }
}

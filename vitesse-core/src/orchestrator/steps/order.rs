//! What a deployment needs to know before its target is asked: mappings, configuration, credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::deploy::deployed_before;
use crate::deployer::{Deployer, Deployment, check_functions, needed};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Mapping;
use crate::orchestrator::connections::secret_name;
use crate::orchestrator::create::checked_config;
use crate::orchestrator::streams::{Stream, mapped};
use crate::orchestrator::tested::Verdict;
use crate::orchestrator::{Constraints, DeployOptions, DeploymentRecord, Vitesse, obey};
use crate::secret::Secret;
use crate::store::repository::{DeploymentConfig, Integration};

/// A deployment to be carried out.
pub(super) struct Order {
    pub(super) target: Arc<dyn Deployer>,
    pub(super) deployment: Deployment,
    pub(super) connections: BTreeMap<String, String>,
    /// The variables that were given as secrets.
    pub(super) secrets: Vec<String>,
    pub(super) forced: bool,
    /// The target, as it was asked for.
    pub(super) asked_for: Option<String>,
    pub(super) rolled_back_to: Option<u32>,
}

impl Vitesse {
    /// Everything that a deploy needs to know, checked.
    pub(super) async fn order(&self, integration: &Integration, options: DeployOptions) -> Result<Order> {
        let streams = mapped(integration)?;
        let config = self.config(integration, &options)?;
        let constraints = Constraints::read(&integration.user_constraints)?;
        let mappings = ready(&streams, &constraints)?;
        obey::check_region(&constraints, region(&config))?;
        let connections =
            connections(integration, options.source_connection.as_ref(), options.dest_connection.as_ref());
        let verdict = Verdict::of(integration)?;
        let needed: BTreeSet<String> = needed(&mappings).into_iter().map(|need| need.variable).collect();
        let secrets = options.credentials.keys().filter(|name| !needed.contains(*name)).cloned().collect();
        // What isn't spoken of stays: a variable may be all that keeps it from another address.
        let (_, mut environment) = deployed_before(integration)?;
        environment.extend(options.environment);
        environment.retain(|_, value| !value.is_empty());
        let order = Order {
            target: self.inner.targets.get(&config)?,
            deployment: Deployment {
                credentials: options.credentials,
                config,
                environment,
                ..Deployment::new(integration.id, integration.name.clone(), mappings)
            },
            connections,
            secrets,
            forced: options.force && verdict.is_none_or(|verdict| !verdict.covers(&streams)),
            asked_for: options.target,
            rolled_back_to: None,
        };
        self.supplied(order).await
    }

    /// The order that once was carried out.
    pub(super) async fn order_again(
        &self,
        integration: &Integration,
        record: &DeploymentRecord,
    ) -> Result<Order> {
        let constraints = Constraints::read(&integration.user_constraints)?;
        let mappings = record.parsed_mappings()?;
        mappings.iter().try_for_each(|mapping| obey::check(mapping, &constraints))?;
        obey::check_region(&constraints, region(&record.config))?;
        let order = Order {
            target: self.inner.targets.get(&record.config)?,
            deployment: Deployment {
                config: record.config.clone(),
                environment: record.environment.clone(),
                ..Deployment::new(integration.id, integration.name.clone(), mappings)
            },
            connections: record.connections.clone(),
            secrets: record.secrets.clone(),
            forced: false,
            asked_for: Some(record.config.target.clone()),
            rolled_back_to: Some(record.number),
        };
        self.supplied(order).await
    }

    /// The order with its credentials, which the target's runtime can run.
    async fn supplied(&self, mut order: Order) -> Result<Order> {
        let Deployment { integration_id, mappings, credentials, .. } = &mut order.deployment;
        check_functions(order.target.functions().await?.as_deref(), mappings)?;
        let given = std::mem::take(credentials);
        *credentials =
            self.credentials_for(*integration_id, mappings, &order.connections, &order.secrets, given)?;
        Ok(order)
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

    /// Keeps credentials that were given, for this integration and where that is possible.
    pub(super) fn keep_credentials(&self, id: Uuid, given: &BTreeMap<String, Secret>) -> Result<()> {
        for (variable, secret) in given {
            match self.inner.credentials.put(&own(id, variable), secret) {
                // Where nothing can be kept, it lasts for this deployment.
                Err(error) if error.kind() == ErrorKind::Unsupported => {}
                kept => kept?,
            }
        }
        Ok(())
    }

    /// The values of the variables that mappings need: given now, from a connection, or from where credentials are
    /// kept.
    pub(in crate::orchestrator) fn credentials_for(
        &self,
        id: Uuid,
        mappings: &[Mapping],
        connections: &BTreeMap<String, String>,
        also: &[String],
        given: BTreeMap<String, Secret>,
    ) -> Result<BTreeMap<String, Secret>> {
        let source: &Arc<_> = &self.inner.credentials;
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
            let mut names = vec![own(id, &need.variable)];
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
        for name in also {
            if found.contains_key(name) {
                continue;
            }
            let kept = source.get(&own(id, name))?.or(source.get(name)?);
            match kept.filter(|secret| !secret.is_empty()) {
                Some(value) => drop(found.insert(name.clone(), value)),
                None => missing.push(format!("{name} (given to an earlier deploy)")),
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

/// What a credential of one integration is called where credentials are kept.
fn own(id: Uuid, variable: &str) -> String {
    let id = id.simple().to_string().to_uppercase();
    format!("VITESSE_INTEGRATION_{id}__{}", variable.trim_start_matches("VITESSE_"))
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

pub(super) fn kept_secrets(integration: &Integration) -> Vec<String> {
    let kept = integration.extra_metadata.get("deployed_secrets").cloned().unwrap_or_default();
    serde_json::from_value(kept).unwrap_or_default()
}

/// What an integration's image holds.
pub(in crate::orchestrator) fn mappings_to_run(integration: &Integration) -> Result<Vec<Mapping>> {
    ready(&mapped(integration)?, &Constraints::read(&integration.user_constraints)?)
}

fn region(config: &DeploymentConfig) -> Option<&str> {
    config.extra.get("region").and_then(Value::as_str)
}

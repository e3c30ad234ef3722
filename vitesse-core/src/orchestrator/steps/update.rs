use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ingest::{forget_mapping, forget_test};
use crate::error::{Error, ErrorKind, Result};
use crate::orchestrator::create::{checked_config, checked_name};
use crate::orchestrator::discovery::checked;
use crate::orchestrator::lease::{Done, Failed, Job};
use crate::orchestrator::{Constraints, Preferences, UpdateIntegration, Vitesse};
use crate::store::Revision;
use crate::store::repository::{Action, Integration, Status};

const JOB: Job = Job { name: "update", agent: "discovery", action: Action::Updated };

impl Vitesse {
    /// Changes what people said of an integration. What depended on it is invalid then: another API wants its
    /// description read, another intent, hint, constraint or preference a new mapping, another deployment configuration a new deployment. What runs
    /// goes on until then.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if `revision` is given and somebody changed the integration since, or a step runs;
    /// [`ErrorKind::InvalidInput`] for a value that is wrong.
    pub async fn update(
        &self,
        id: Uuid,
        revision: Option<Revision>,
        changes: UpdateIntegration,
    ) -> Result<Integration> {
        if let Some(revision) = revision {
            self.expect_revision(id, revision).await?;
        }
        let run = self.begin(id, JOB, |_| Ok(())).await?;
        let outcome = self.change(&run.integration, changes).map_err(Failed::from);
        run.finish(outcome).await?;
        self.get(id).await
    }

    fn change(&self, before: &Integration, changes: UpdateIntegration) -> Result<Done<()>> {
        let mut after = before.clone();
        if let Some(name) = &changes.name {
            after.name = checked_name(name)?;
        }
        if let Some(description) = changes.description {
            after.description = description;
        }
        if let Some(source) = changes.source_discovery {
            after.source_discovery = checked("source_discovery", &source, self.now())?;
        }
        if let Some(dest) = changes.dest_discovery {
            after.dest_discovery = checked("dest_discovery", &dest, self.now())?;
        }
        if let Some(intent) = changes.user_intent {
            after.user_intent = intent;
        }
        if let Some(hints) = changes.mapping_hints {
            after.mapping_hints = hints.into_iter().map(|(from, to)| (from, to.into())).collect();
        }
        if let Some(constraints) = changes.user_constraints {
            Constraints::read(&constraints)?;
            after.user_constraints = constraints;
        }
        if let Some(preferences) = changes.user_preferences {
            Preferences::read(&preferences)?;
            after.user_preferences = preferences;
        }
        if let Some(target) = changes.deployment_target {
            after.deployment_config.target = self.inner.targets.canonical(&target)?;
            after.deployment_target = target;
        }
        if let Some(config) = changes.deployment_config {
            after.deployment_config = merged(&after, config)?;
        }
        let deployed_elsewhere = before.container_id.is_some()
            && before.deployment_config.target != after.deployment_config.target;
        if deployed_elsewhere {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a deployed integration moves by a deploy, not by an update",
            )
            .in_operation("orchestrator.update")
            .help("give the target to `deploy`: it removes the old deployment once the new one is up"));
        }
        let remap = after.user_intent != before.user_intent
            || after.mapping_hints != before.mapping_hints
            || after.user_constraints != before.user_constraints
            || after.user_preferences != before.user_preferences;
        let reread = after.source_discovery != before.source_discovery
            || after.dest_discovery != before.dest_discovery;
        let redeploy = after.deployment_config != before.deployment_config && before.status == Status::Active;
        let changed = changed_names(before, &after);
        let has_specs = before.source_api_spec.is_some() && before.dest_api_spec.is_some();
        let mut done = Done::new((), move |integration| {
            integration.name.clone_from(&after.name);
            integration.description.clone_from(&after.description);
            integration.source_discovery.clone_from(&after.source_discovery);
            integration.dest_discovery.clone_from(&after.dest_discovery);
            integration.user_intent.clone_from(&after.user_intent);
            integration.mapping_hints.clone_from(&after.mapping_hints);
            integration.user_constraints.clone_from(&after.user_constraints);
            integration.user_preferences.clone_from(&after.user_preferences);
            integration.deployment_target.clone_from(&after.deployment_target);
            integration.deployment_config.clone_from(&after.deployment_config);
            if reread {
                integration.source_api_spec = None;
                integration.dest_api_spec = None;
                forget_mapping(integration);
                integration.status = Status::Discovering;
            } else if remap && integration.status != Status::Discovering && has_specs {
                // The streams stay, so that mapping again keeps what people reviewed.
                integration.mapping_logic = None;
                forget_test(integration);
                integration.status = Status::Mapping;
            } else if redeploy {
                integration.status = Status::Deploying;
            }
        });
        if remap || reread {
            done.rows.transformations = Some(Vec::new());
        }
        done.details = Map::from_iter([("changed".to_owned(), json!(changed))]);
        done.output = json!({"changed": changed});
        done.output_keys = changed;
        Ok(done)
    }
}

/// The configuration with these values in their places; `null` takes one out.
fn merged(
    integration: &Integration,
    given: Map<String, Value>,
) -> Result<crate::store::repository::DeploymentConfig> {
    let Ok(Value::Object(mut config)) = serde_json::to_value(&integration.deployment_config) else {
        return Err(Error::new(ErrorKind::Internal, "a deployment configuration can't be written as JSON"));
    };
    for (name, value) in given.into_iter().filter(|(name, _)| name != "target") {
        match value {
            Value::Null => drop(config.remove(&name)),
            value => drop(config.insert(name, value)),
        }
    }
    checked_config(config)
}

fn changed_names(before: &Integration, after: &Integration) -> Vec<String> {
    let all = [
        ("name", before.name != after.name),
        ("description", before.description != after.description),
        ("source_discovery", before.source_discovery != after.source_discovery),
        ("dest_discovery", before.dest_discovery != after.dest_discovery),
        ("user_intent", before.user_intent != after.user_intent),
        ("mapping_hints", before.mapping_hints != after.mapping_hints),
        ("user_constraints", before.user_constraints != after.user_constraints),
        ("user_preferences", before.user_preferences != after.user_preferences),
        ("deployment_target", before.deployment_target != after.deployment_target),
        ("deployment_config", before.deployment_config != after.deployment_config),
    ];
    all.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name.to_owned()).collect()
}

//! What an integration is, beside what a file says it should be.

use serde_json::{Map, Value, json};

use super::plan::PlannedChange;
use super::wanted::Wanted;
use crate::error::Result;
use crate::orchestrator::{UpdateIntegration, Vitesse};
use crate::store::repository::{DeploymentConfig, Integration};

/// What differs of the record, and the update that makes it the same.
pub(super) fn record(
    vitesse: &Vitesse,
    is: &Integration,
    wanted: &Wanted,
) -> Result<(Vec<PlannedChange>, UpdateIntegration)> {
    let create = &wanted.create;
    let mut changes = Changes::default();
    let mut update = UpdateIntegration::default();
    if changes.differ("description", json!(is.description), json!(create.description)) {
        update.description = Some(create.description.clone());
    }
    if changes.differ("intent", json!(is.user_intent), json!(create.user_intent)) {
        update.user_intent = Some(create.user_intent.clone());
    }
    let (source, dest) = (known(&is.source_discovery), known(&create.source_discovery));
    if changes.differ("source", source, dest) {
        update.source_discovery = Some(create.source_discovery.clone());
    }
    let (source, dest) = (known(&is.dest_discovery), known(&create.dest_discovery));
    if changes.differ("destination", source, dest) {
        update.dest_discovery = Some(create.dest_discovery.clone());
    }
    if changes.differ("hints", json!(is.mapping_hints), json!(create.mapping_hints)) {
        update.mapping_hints = Some(create.mapping_hints.clone());
    }
    if changes.differ("constraints", json!(is.user_constraints), json!(create.user_constraints)) {
        update.user_constraints = Some(create.user_constraints.clone());
    }
    if changes.differ("preferences", json!(is.user_preferences), json!(create.user_preferences)) {
        update.user_preferences = Some(create.user_preferences.clone());
    }
    if let Some(target) = &create.deployment_target {
        let canonical = vitesse.targets().canonical(target)?;
        // Another target is for `deploy`, which removes the old deployment once the new one is up.
        if changes.differ("deploy.target", json!(is.deployment_config.target), json!(canonical))
            && is.container_id.is_none()
        {
            update.deployment_target = Some(target.clone());
        }
        let (before, after) =
            (config(&is.deployment_config), Value::Object(create.deployment_config.clone()));
        if changes.differ("deploy", before.clone(), after) {
            let mut change = create.deployment_config.clone();
            // What the file doesn't say any more is taken out.
            for key in before.as_object().into_iter().flat_map(Map::keys) {
                change.entry(key.clone()).or_insert(Value::Null);
            }
            update.deployment_config = Some(change);
        }
    }
    Ok((changes.0, update))
}

#[derive(Default)]
struct Changes(Vec<PlannedChange>);

impl Changes {
    /// Notes a difference, and says whether there is one.
    fn differ(&mut self, what: &str, before: Value, after: Value) -> bool {
        let differs = before != after;
        if differs {
            self.0.push(PlannedChange { what: what.to_owned(), before, after });
        }
        differs
    }
}

/// What of a result of discovery says which API it is; when it was found doesn't.
fn known(discovery: &Value) -> Value {
    let mut known = discovery.clone();
    if let Some(known) = known.as_object_mut() {
        known.remove("discovered_at");
        known.remove("confidence_score");
        known.retain(|_, value| !value.is_null());
    }
    known
}

/// A configuration without its target, as the file writes it.
fn config(config: &DeploymentConfig) -> Value {
    let mut config = serde_json::to_value(config).unwrap_or_default();
    if let Some(config) = config.as_object_mut() {
        config.remove("target");
    }
    config
}

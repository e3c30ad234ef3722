use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{AgentContribution, Entry, What};
use crate::store::repository::Integration;

/// The shared state of one integration's workflow: what its log and its record add up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Whiteboard {
    /// The integration.
    pub workflow_id: Uuid,
    /// What each kind of agent added, oldest first.
    pub agent_contributions: BTreeMap<String, Vec<AgentContribution>>,
    /// The whole log.
    pub execution_log: Vec<Entry>,
    /// The two chosen APIs: `source` and `destination`.
    pub discovered_apis: Map<String, Value>,
    /// The source's description.
    pub source_api_spec: Option<Value>,
    /// The destination's description.
    pub dest_api_spec: Option<Value>,
    /// The mapping.
    pub mapping_logic: Option<Value>,
    /// The last test.
    pub test_results: Option<Value>,
    /// What was learned, by name; a later pattern of the same name wins.
    pub learned_patterns: BTreeMap<String, Value>,
    /// What a knowledge harvester found.
    pub harvested_knowledge: Map<String, Value>,
    /// Standards and good practice.
    pub domain_knowledge: Map<String, Value>,
    /// What the integration is for.
    pub user_intent: String,
    /// What it must not do.
    pub user_constraints: Map<String, Value>,
    /// What it should rather do.
    pub user_preferences: Map<String, Value>,
    /// What went wrong, oldest first.
    pub errors: Vec<Value>,
    /// How often a step was begun again.
    pub retry_count: u32,
}

impl Whiteboard {
    /// The state of an integration, given its log.
    pub fn of(integration: &Integration, log: Vec<Entry>) -> Self {
        let mut state = Self {
            workflow_id: integration.id,
            discovered_apis: Map::from_iter([
                ("source".to_owned(), integration.source_discovery.clone()),
                ("destination".to_owned(), integration.dest_discovery.clone()),
            ]),
            source_api_spec: integration.source_api_spec.clone(),
            dest_api_spec: integration.dest_api_spec.clone(),
            mapping_logic: integration.mapping_logic.clone(),
            test_results: integration.test_report.clone(),
            user_intent: integration.user_intent.clone(),
            user_constraints: integration.user_constraints.clone(),
            user_preferences: integration.user_preferences.clone(),
            ..Self::default()
        };
        log.iter().for_each(|entry| state.add(entry));
        state.execution_log = log;
        state
    }

    /// What earlier stages left for an agent: their latest contribution, by kind.
    pub fn agent_context(&self, agent_type: &str) -> BTreeMap<&str, &AgentContribution> {
        let others = self.agent_contributions.iter().filter(|(other, _)| *other != agent_type);
        others.filter_map(|(other, all)| Some((other.as_str(), all.last()?))).collect()
    }

    /// What the log added up to at a position, such as a checkpoint's. The large parts aren't in the log, so they
    /// are left out.
    #[must_use]
    pub fn at(&self, position: &str) -> Self {
        let log: Vec<Entry> =
            self.execution_log.iter().filter(|entry| entry.position.as_str() <= position).cloned().collect();
        let mut state = Self {
            workflow_id: self.workflow_id,
            discovered_apis: self.discovered_apis.clone(),
            user_intent: self.user_intent.clone(),
            user_constraints: self.user_constraints.clone(),
            user_preferences: self.user_preferences.clone(),
            ..Self::default()
        };
        log.iter().for_each(|entry| state.add(entry));
        state.execution_log = log;
        state
    }

    fn add(&mut self, entry: &Entry) {
        match &entry.what {
            What::Contribution(contribution) => {
                self.agent_contributions
                    .entry(contribution.agent_type.clone())
                    .or_default()
                    .push(contribution.clone());
            }
            What::Pattern { name, pattern } => {
                self.learned_patterns.insert(name.clone(), pattern.clone());
            }
            What::Error { agent_type, kind, message, temporary, .. } => {
                self.errors.push(json!({
                    "at": entry.at, "step": entry.step, "agent_type": agent_type,
                    "kind": kind, "message": message, "temporary": temporary,
                }));
            }
            What::Retry { .. } => self.retry_count += 1,
            What::Checkpoint { .. } | What::Message(_) => {}
        }
    }
}

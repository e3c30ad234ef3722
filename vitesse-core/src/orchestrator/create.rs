use serde_json::{Value, json};

use super::discovery::{api_name, checked};
use super::meter::Usage;
use super::{Constraints, CreateIntegration, Preferences, StepName, Vitesse};
use crate::error::{Error, ErrorKind, Result};
use crate::orchestrator::whiteboard::{AgentContribution, Priority, What, append};
use crate::store::Batch;
use crate::store::repository::{DeploymentConfig, Integration, NewIntegration};

/// The longest name of an integration, in characters.
const LONGEST_NAME: usize = 200;

impl Vitesse {
    /// The first step: makes an integration of two chosen APIs and what is wanted of them.
    ///
    /// Everything is checked before anything is stored. The results of discovery are kept as they are given, with the
    /// moment they were found if they lack it. The status is then `discovering`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] saying what is wrong; nothing is stored then.
    pub async fn create(&self, wanted: CreateIntegration) -> Result<Integration> {
        let (started, usage) = (std::time::Instant::now(), Usage::now());
        let new = self.checked(wanted)?;
        let apis = json!({
            "source": api_name(&new.source_discovery), "destination": api_name(&new.dest_discovery),
        });
        let made = self.inner.repository.create(new).await?.value;
        self.inner.meter.count(StepName::Create.as_str(), true, started.elapsed());
        let head = (&uuid::Uuid::new_v4(), StepName::Create.as_str(), self.actor.as_str());
        let contribution = What::Contribution(AgentContribution {
            agent_id: StepName::Create.agent().into(),
            agent_type: StepName::Create.agent().into(),
            input_keys: vec!["user_intent".into()],
            output_keys: vec!["discovered_apis".into()],
            output_data: apis,
            execution_time_ms: started.elapsed().as_secs_f64() * 1000.0,
            cpu_time_ms: Some(usage.cpu_ms()),
            memory_mb: Usage::memory_mb(),
        });
        let content = format!("read the descriptions of {}", made.name);
        let message = super::whiteboard::handover("discovery", "ingestor", content, Priority::Normal);
        let repository = &self.inner.repository;
        let batch = append(Batch::new(), repository, made.id, self.now(), head, vec![contribution, message])?;
        // What was made is made, whether the log of it could be written or not.
        let _ = repository.store().commit(batch).await;
        Ok(made)
    }

    fn checked(&self, wanted: CreateIntegration) -> Result<NewIntegration> {
        let now = self.now();
        let mut new = NewIntegration::new(
            checked_name(&wanted.name)?,
            checked("source_discovery", &wanted.source_discovery, now)?,
            checked("dest_discovery", &wanted.dest_discovery, now)?,
        );
        Constraints::read(&wanted.user_constraints)?;
        Preferences::read(&wanted.user_preferences)?;
        let in_config = wanted.deployment_config.get("target").and_then(Value::as_str).map(str::to_owned);
        let target = wanted.deployment_target.filter(|target| !target.trim().is_empty()).or(in_config);
        new.deployment_target = target.unwrap_or_else(|| self.inner.default_target.clone());
        let mut config = wanted.deployment_config;
        config.insert("target".into(), self.inner.targets.canonical(&new.deployment_target)?.into());
        new.deployment_config = checked_config(config)?;
        new.description = wanted.description;
        new.user_intent = wanted.user_intent;
        new.user_constraints = wanted.user_constraints;
        new.user_preferences = wanted.user_preferences;
        new.mapping_hints =
            wanted.mapping_hints.into_iter().map(|(source, dest)| (source, dest.into())).collect();
        new.created_by = self.actor.clone();
        Ok(new)
    }
}

pub(super) fn checked_name(name: &str) -> Result<String> {
    let wrong = |what: &str| {
        Err(Error::new(ErrorKind::InvalidInput, format!("name: {what}")).in_operation("orchestrator.create"))
    };
    let name = name.trim();
    match name.chars().count() {
        0 => wrong("an integration needs one"),
        count if count > LONGEST_NAME => wrong("it is longer than 200 characters"),
        _ if name.chars().any(char::is_control) => wrong("it holds control characters"),
        _ => Ok(name.to_owned()),
    }
}

pub(super) fn checked_config(config: serde_json::Map<String, Value>) -> Result<DeploymentConfig> {
    let config: DeploymentConfig = serde_json::from_value(Value::Object(config)).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, format!("deployment_config: {error}"))
            .in_operation("orchestrator.create")
    })?;
    let DeploymentConfig { replicas, memory_mb, cpu_cores, .. } = &config;
    if *replicas == 0 || *memory_mb == 0 || !cpu_cores.is_finite() || *cpu_cores <= 0.0 {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "deployment_config: replicas, memory_mb and cpu_cores must be greater than 0",
        )
        .in_operation("orchestrator.create"));
    }
    Ok(config)
}

//! What is there of a deployment, beside what is wanted.

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum as Status};
use jiff::Timestamp;
use serde_json::Value;

use super::objects::{LABEL_OBJECT, LABEL_PAUSED};
use crate::deployer::Condition;

/// A container that the engine has.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) name: String,
    said: ContainerInspectResponse,
}

impl Found {
    pub(super) fn of(said: ContainerInspectResponse) -> Self {
        let name = said.name.as_deref().unwrap_or_default().trim_start_matches('/').to_owned();
        Self { id: said.id.clone().unwrap_or_default(), name, said }
    }

    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.said.config.as_ref()?.labels.as_ref()?.get(name).map(String::as_str)
    }

    /// The image it was made from, by its id.
    pub(super) fn image(&self) -> &str {
        self.said.image.as_deref().unwrap_or_default()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.label(LABEL_PAUSED).is_some()
    }

    /// The object it was made from, with what may be changed while it runs as it is now.
    pub(super) fn object(&self) -> Option<Value> {
        let mut object: Value = serde_json::from_str(self.label(LABEL_OBJECT)?).ok()?;
        let host = self.said.host_config.as_ref();
        let now = [
            ("Memory", host.and_then(|host| host.memory)),
            ("NanoCpus", host.and_then(|host| host.nano_cpus)),
        ];
        for (field, value) in now {
            // A kernel that can't hold a limit has none to show.
            if let (Some(value), Some(place)) = (
                value.filter(|value| *value > 0),
                object.get_mut("HostConfig").and_then(|host| host.get_mut(field)),
            ) {
                *place = value.into();
            }
        }
        Some(object)
    }

    pub(super) fn is_running(&self) -> bool {
        self.status() == Some(Status::RUNNING)
    }

    pub(super) fn restarts(&self) -> u32 {
        self.said.restart_count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
    }

    pub(super) fn started_at(&self) -> Option<Timestamp> {
        let at: Timestamp = self.said.state.as_ref()?.started_at.as_ref()?.parse().ok()?;
        // The engine writes the year 1 for one that was never started.
        (at > Timestamp::UNIX_EPOCH).then_some(at)
    }

    /// How it is if it doesn't run, and why.
    pub(super) fn down(&self) -> (Condition, String) {
        let state = self.said.state.as_ref();
        let code = state.and_then(|state| state.exit_code).unwrap_or(0);
        let why = match state {
            Some(state) if state.oom_killed == Some(true) => {
                "it needed more memory than memory_mb".to_owned()
            }
            Some(state) if state.error.as_ref().is_some_and(|error| !error.is_empty()) => {
                state.error.clone().unwrap_or_default()
            }
            _ => format!("it ended with exit code {code}"),
        };
        match self.status() {
            Some(Status::RESTARTING) => (Condition::Restarting, why),
            Some(Status::CREATED) => (Condition::Down, "it was made and never started".into()),
            Some(Status::PAUSED) => (Condition::Down, "somebody froze it by `docker pause`".into()),
            _ => (Condition::Down, why),
        }
    }

    /// Its address within a network.
    pub(super) fn address(&self) -> Option<String> {
        let networks = self.said.network_settings.as_ref()?.networks.as_ref()?;
        let address = networks.values().find_map(|network| network.ip_address.clone())?;
        (!address.is_empty()).then_some(address)
    }

    /// The networks that it belongs to.
    pub(super) fn networks(&self) -> Vec<String> {
        let networks = self.said.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
        networks.into_iter().flat_map(|networks| networks.keys().cloned()).collect()
    }

    fn status(&self) -> Option<Status> {
        self.said.state.as_ref()?.status
    }
}

//! What is deployed, as its target sees it.

use serde::Serialize;
use uuid::Uuid;

use super::Vitesse;
use super::outcome::Overview;
use super::streams::missing;
use crate::deployer::{LogPage, LogQuery, State};
use crate::error::Result;

/// An integration and what runs of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IntegrationStatus {
    /// The integration in a few words.
    #[serde(flatten)]
    pub overview: Overview,
    /// How its deployment is; none if it was never deployed.
    pub deployment: Option<State>,
    /// Why the target could not be asked, if it couldn't.
    pub deployment_error: Option<String>,
}

impl Vitesse {
    /// How an integration is: its record, and what its target says of the deployment. A target that can't be asked
    /// is no error: the status says so.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such integration.
    pub async fn status(&self, id: Uuid) -> Result<IntegrationStatus> {
        let integration = self.inner.repository.light(id).await?.value;
        let overview = Overview::of(&integration);
        if integration.container_id.is_none() {
            return Ok(IntegrationStatus { overview, deployment: None, deployment_error: None });
        }
        let asked = match self.inner.targets.get(&integration.deployment_config) {
            Ok(target) => target.status(id).await,
            Err(error) => Err(error),
        };
        Ok(match asked {
            Ok(state) => IntegrationStatus { overview, deployment: Some(state), deployment_error: None },
            Err(error) => {
                IntegrationStatus { overview, deployment: None, deployment_error: Some(error.to_string()) }
            }
        })
    }

    /// Lines of a deployment's log.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`](crate::ErrorKind::Prerequisite) if it was never deployed, and what the target
    /// fails with.
    pub async fn logs(&self, id: Uuid, query: &LogQuery) -> Result<LogPage> {
        let integration = self.inner.repository.light(id).await?.value;
        if integration.container_id.is_none() {
            return Err(missing("a deployment", "deploy", &integration));
        }
        self.inner.targets.get(&integration.deployment_config)?.logs(id, query).await
    }
}

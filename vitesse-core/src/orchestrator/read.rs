//! Everything that only looks.

use uuid::Uuid;

use super::outcome::{Overview, next_step};
use super::whiteboard::{
    AgentActivity, AgentMetrics, Collaboration, Communication, Whiteboard, WhiteboardPage, activities,
    after_all, collaboration, communications, entries, metrics,
};
use super::{StepName, Vitesse};
use crate::discovery::{Discovery, DiscoveryResult};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::store::Revision;
use crate::store::repository::{
    AuditRecord, Filter, Integration, Listed, Paging, TestResultRecord, Versioned, VersionedConfig,
};

/// How much of an id must be given for it to name an integration.
const SHORTEST: usize = 4;

impl Vitesse {
    /// APIs that fit what people type, best first: names, or what they want done. Nothing leaves the machine.
    ///
    /// # Errors
    /// As [`Discovery::discover`].
    pub fn discover(&self, query: &str, limit: usize) -> Result<Vec<DiscoveryResult>> {
        Discovery::builtin()?.discover(query, limit)
    }

    /// The integration that people mean: by its id, the beginning of its id, or its name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with the nearest name, [`ErrorKind::InvalidInput`] if several are meant.
    pub async fn find(&self, named: &str) -> Result<Uuid> {
        let named = named.trim();
        if let Ok(id) = named.parse::<Uuid>() {
            return Ok(self.inner.repository.light(id).await?.value.id);
        }
        let mut all: Vec<(Uuid, String)> = Vec::new();
        let mut paging = Paging { after: None, limit: 200 };
        loop {
            let page = self.inner.repository.list(&Filter::default(), &paging).await?;
            all.extend(page.items.into_iter().map(|item| (item.value.id, item.value.name)));
            match page.next {
                Some(next) => paging.after = Some(next),
                None => break,
            }
        }
        let begins = named.to_ascii_lowercase();
        let mut found: Vec<&(Uuid, String)> = all.iter().filter(|(_, name)| name == named).collect();
        if found.is_empty() && begins.len() >= SHORTEST {
            found = all.iter().filter(|(id, _)| id.to_string().starts_with(&begins)).collect();
        }
        let error = |kind, what: String| Error::new(kind, what).in_operation("orchestrator.find");
        match found.as_slice() {
            [(id, _)] => Ok(*id),
            [] => {
                let missing = error(ErrorKind::NotFound, format!("there is no integration {named:?}"));
                Err(match did_you_mean(named, all.iter().map(|(_, name)| name.as_str())) {
                    Some(hint) => missing.help(hint),
                    None => missing.help("`vitesse list` shows those that there are"),
                })
            }
            several => {
                let ids: Vec<String> = several.iter().map(|(id, _)| id.to_string()).collect();
                Err(error(ErrorKind::InvalidInput, format!("several integrations are called {named:?}"))
                    .help(format!("name one by its id: {}", ids.join(", "))))
            }
        }
    }

    /// An integration with everything known of it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none of that id.
    pub async fn get(&self, id: Uuid) -> Result<Integration> {
        Ok(self.inner.repository.get(id).await?.value)
    }

    /// The same with the revision that [`update`](Self::update) asks for.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn get_versioned(&self, id: Uuid) -> Result<Versioned<Integration>> {
        self.inner.repository.get(id).await
    }

    /// Integrations, newest first, without their specs and mappings.
    ///
    /// # Errors
    /// As [`Repository::list`](crate::store::repository::Repository::list).
    pub async fn list(&self, filter: &Filter, paging: &Paging) -> Result<Listed<Overview>> {
        let Listed { items, next } = self.inner.repository.list(filter, paging).await?;
        Ok(Listed { items: items.iter().map(|item| Overview::of(&item.value)).collect(), next })
    }

    /// An integration in a few words.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn overview(&self, id: Uuid) -> Result<Overview> {
        Ok(Overview::of(&self.inner.repository.light(id).await?.value))
    }

    /// What was done to an integration, by whom, and how it ended, newest first.
    ///
    /// # Errors
    /// If the store fails. An unknown integration has no history.
    pub async fn history(&self, id: Uuid, paging: &Paging) -> Result<Listed<AuditRecord>> {
        self.inner.repository.audit_log(id, paging).await
    }

    /// The calls that tests of an integration made, newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn test_results(&self, id: Uuid, paging: &Paging) -> Result<Listed<TestResultRecord>> {
        self.inner.repository.test_results(id, paging).await
    }

    /// Every deployment configuration an integration had, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn deployment_configs(&self, id: Uuid) -> Result<Vec<VersionedConfig>> {
        self.inner.repository.deployment_configs(id).await
    }

    /// The shared state of an integration's stages.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn whiteboard(&self, id: Uuid) -> Result<Whiteboard> {
        let integration = self.get(id).await?;
        let log = after_all(&self.inner.repository, Some(id)).await?;
        Ok(Whiteboard::of(&integration, log.into_iter().map(|(_, entry)| entry).collect()))
    }

    /// The log underneath, a page at a time, oldest first. To follow it, ask again with the last position.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn whiteboard_log(
        &self,
        id: Uuid,
        after: Option<&str>,
        limit: usize,
    ) -> Result<WhiteboardPage> {
        entries(&self.inner.repository, id, after, limit).await
    }

    /// What each agent does and did, over all integrations.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn agent_activities(&self) -> Result<Vec<AgentActivity>> {
        let log = after_all(&self.inner.repository, None).await?;
        Ok(activities(&log, &self.running().await?))
    }

    /// How each agent does, over all integrations.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn agent_metrics(&self) -> Result<Vec<AgentMetrics>> {
        let log = after_all(&self.inner.repository, None).await?;
        let all = self.every().await?;
        let waiting = all.iter().filter(|one| one.step_in_progress.is_none());
        let waiting: Vec<&str> =
            waiting.filter_map(|one| next_step(one.status)).map(StepName::agent).collect();
        Ok(metrics(&log, &running(&all), &waiting, self.now()))
    }

    /// How one agent does.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with the nearest name, and if the store fails.
    pub async fn agent_metrics_of(&self, agent: &str) -> Result<AgentMetrics> {
        let all = self.agent_metrics().await?;
        if let Some(found) = all.iter().find(|metrics| metrics.agent_id == agent) {
            return Ok(found.clone());
        }
        let known = all.iter().map(|metrics| metrics.agent_id.as_str());
        let error = Error::new(ErrorKind::NotFound, format!("there is no agent {agent:?}"))
            .in_operation("orchestrator.agent_metrics");
        Err(match did_you_mean(agent, known.clone()) {
            Some(hint) => error.help(hint),
            None => error.help(format!("the agents are {}", known.collect::<Vec<_>>().join(", "))),
        })
    }

    /// What agents told each other, newest first; of one integration, or of all.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn agent_communications(&self, id: Option<Uuid>) -> Result<Vec<Communication>> {
        Ok(communications(&after_all(&self.inner.repository, id).await?))
    }

    /// How the agents work together, over all integrations.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn collaboration(&self) -> Result<Collaboration> {
        Ok(collaboration(&after_all(&self.inner.repository, None).await?))
    }

    /// Which steps run at the moment.
    async fn running(&self) -> Result<Vec<(&'static str, String, Uuid)>> {
        Ok(running(&self.every().await?))
    }

    /// Goes on only if an integration is still as it was at a revision.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if somebody changed it since, and as [`get`](Self::get).
    pub async fn expect_revision(&self, id: Uuid, revision: Revision) -> Result<()> {
        match self.inner.repository.light(id).await?.revision == revision {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Conflict,
                "the integration was changed by somebody else since it was read",
            )
            .in_operation("orchestrator.expect_revision")
            .with("integration", id)
            .help("read it again and repeat the change")),
        }
    }
}

/// Which steps run, by whom, and for which integration.
fn running(all: &[Integration]) -> Vec<(&'static str, String, Uuid)> {
    let leases = all.iter().filter_map(|one| Some((one.step_in_progress.as_ref()?, one.id)));
    leases
        .filter_map(|(lease, id)| {
            let step = lease.step.parse::<StepName>().ok()?;
            Some((step.agent(), lease.step.clone(), id))
        })
        .collect()
}

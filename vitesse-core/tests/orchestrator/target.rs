//! A target written outside the crate, as others would: it remembers what it was told, and fails when it is asked to.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use uuid::Uuid;
use vitesse_core::deployer::{
    Capabilities, Condition, Deployed, Deployer, Deployment, LogLine, LogPage, LogQuery, State, container_id,
};
use vitesse_core::progress::Progress;
use vitesse_core::{Error, ErrorKind, Result};

#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) there: Mutex<BTreeMap<Uuid, Deployment>>,
    /// What the next calls fail with.
    pub(crate) fails: Mutex<Option<ErrorKind>>,
}

impl Shelf {
    pub(crate) fn fail(&self, kind: Option<ErrorKind>) {
        *self.fails.lock().unwrap() = kind;
    }

    pub(crate) fn deployment(&self, id: Uuid) -> Option<Deployment> {
        self.there.lock().unwrap().get(&id).cloned()
    }

    fn check(&self) -> Result<()> {
        match *self.fails.lock().unwrap() {
            Some(kind) => Err(Error::new(kind, "the shelf is broken")),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Deployer for Shelf {
    fn name(&self) -> &str {
        "shelf"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_replicas: 3,
            auto_scale: false,
            pause: true,
            logs: true,
            limits: true,
            rolling_update: true,
            watches_alone: true,
        }
    }

    async fn deploy(&self, deployment: &Deployment, _: &Progress) -> Result<Deployed> {
        deployment.check(self.name(), &self.capabilities())?;
        self.check()?;
        let mut there = self.there.lock().unwrap();
        let id = deployment.integration_id;
        let same = there.get(&id).is_some_and(|old| {
            old.mapping_hash() == deployment.mapping_hash() && old.paused == deployment.paused
        });
        there.insert(id, deployment.clone());
        Ok(Deployed {
            container_id: container_id(id),
            service_url: format!("http://shelf.test/vitesse-{id}"),
            changed: !same,
            log: vec!["put on the shelf".into()],
        })
    }

    async fn update(&self, deployment: &Deployment, progress: &Progress) -> Result<Deployed> {
        match self.deployment(deployment.integration_id) {
            Some(_) => self.deploy(deployment, progress).await,
            None => Err(Error::new(ErrorKind::NotFound, "not on the shelf")),
        }
    }

    async fn destroy(&self, integration: Uuid) -> Result<()> {
        self.check()?;
        self.there.lock().unwrap().remove(&integration);
        Ok(())
    }

    async fn status(&self, integration: Uuid) -> Result<State> {
        self.check()?;
        Ok(match self.deployment(integration) {
            Some(deployment) => State {
                condition: if deployment.paused { Condition::Paused } else { Condition::Healthy },
                mapping_hash: Some(deployment.mapping_hash()),
                ..State::absent()
            },
            None => State::absent(),
        })
    }

    async fn logs(&self, integration: Uuid, _: &LogQuery) -> Result<LogPage> {
        match self.deployment(integration) {
            Some(_) => Ok(LogPage { lines: vec![LogLine { text: "on the shelf".into() }], next: None }),
            None => Err(Error::new(ErrorKind::NotFound, "not on the shelf")),
        }
    }
}

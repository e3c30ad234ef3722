use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::VitesseBuilder;
use super::meter::{Meter, StepFigures};
use crate::deployer::{Deployers, RuntimeSearch};
use crate::mapping::Functions;
use crate::net::Client;
use crate::progress::Progress;
use crate::secret::CredentialSource;
use crate::store::Store;
use crate::store::repository::Repository;

/// Makes integrations: the door of the library. Cheap to clone; clones share everything but who acts and who is told.
#[derive(Clone)]
pub struct Vitesse {
    pub(super) inner: Arc<Inner>,
    pub(super) actor: String,
    pub(super) progress: Progress,
}

/// What all handles share.
pub(super) struct Inner {
    pub(super) repository: Repository,
    pub(super) client: Client,
    pub(super) targets: Deployers,
    pub(super) credentials: Arc<dyn CredentialSource>,
    pub(super) functions: Functions,
    pub(super) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) default_target: String,
    pub(super) runtime: RuntimeSearch,
    pub(super) roots: Option<PathBuf>,
    pub(super) lease: Duration,
    pub(super) meter: Meter,
}

impl Vitesse {
    /// Begins a `Vitesse` on a store.
    pub fn builder(store: Arc<dyn Store>) -> VitesseBuilder {
        VitesseBuilder::new(store)
    }

    /// The same, acting as this person: it stands in the audit log. `system` if nobody is named.
    #[must_use]
    pub fn by(&self, actor: impl Into<String>) -> Self {
        let actor: String = actor.into();
        let actor = if actor.trim().is_empty() { "system".to_owned() } else { actor };
        Self { actor, ..self.clone() }
    }

    /// The same, telling this listener how long work goes, and stopping when it is cancelled.
    #[must_use]
    pub fn with_progress(&self, progress: Progress) -> Self {
        Self { progress, ..self.clone() }
    }

    /// Who acts.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The integrations and their records underneath.
    pub fn repository(&self) -> &Repository {
        &self.inner.repository
    }

    /// The targets that integrations can be deployed to.
    pub fn targets(&self) -> &Deployers {
        &self.inner.targets
    }

    /// The functions that mappings may name.
    pub fn functions(&self) -> &Functions {
        &self.inner.functions
    }

    /// How the steps of this process went.
    pub fn step_figures(&self) -> &[StepFigures] {
        self.inner.meter.figures()
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }
}

impl fmt::Debug for Vitesse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vitesse")
            .field("store", &self.inner.repository.store().backend())
            .field("targets", &self.inner.targets)
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}

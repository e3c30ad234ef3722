//! A tested integration becomes a running deployment on a target: deployed, updated, watched, destroyed.
//!
//! [`Deployer`] is what a target promises, [`Capabilities`] what it can't do, as data. [`Deployers`] knows targets
//! by name, so that others can add theirs; the suite `deployer_behaviour` in `testing` holds each to the promises.
//! The target [`process`](ProcessTarget) is always there: the runtime binary as a child of this machine, without
//! Docker. The target `local` runs it as a container of a Docker Engine, behind Traefik; its [`Image`] is put together
//! here, and can be written to a file or pushed to a registry as well.
//!
//! A target gets everything it needs in one [`Deployment`] and keeps what it must remember on its own side. It asks
//! the store nothing, and decides nothing that was decided by a step before it.

#![forbid(unsafe_code)]

mod binary;
mod credentials;
mod deployment;
mod image;
mod local;
mod preview;
pub(crate) mod process;
mod registry;
mod runtime;

use std::fmt::Debug;

use async_trait::async_trait;
use uuid::Uuid;

pub use binary::{Architecture, Binary};
pub use credentials::{Needed, needed, needed_parts};
pub use deployment::{
    Capabilities, Condition, Deployed, Deployment, LogLine, LogPage, LogQuery, State, container_id,
};
pub use image::{
    ContextFile, Image, ImageParts, ImageReference, Layer, Pushed, RegistryLogin, build_context, image_name,
    push,
};
#[cfg(feature = "docker")]
pub use local::{LocalOptions, LocalTarget};
pub use local::{LocalSettings, Published, Traefik};
pub use preview::{Difference, Intent, Planned, Preview};
pub use process::{ProcessOptions, ProcessTarget};
pub use registry::{Deployers, canonical};
pub use runtime::{Runtime, RuntimeSearch, check_functions};

use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;

/// The label with an integration's full id, on everything that a target makes for it.
pub const LABEL_INTEGRATION: &str = "vitesse.integration.id";
/// The label with an integration's name.
pub const LABEL_NAME: &str = "vitesse.integration.name";
/// The label with the hash of what is deployed.
pub const LABEL_MAPPING: &str = "vitesse.mapping.hash";
/// The label with the runtime's version.
pub const LABEL_VERSION: &str = "vitesse.version";

/// A place that runs integrations. Object-safe; shared as `Arc<dyn Deployer>`.
#[async_trait]
pub trait Deployer: Send + Sync + Debug {
    /// The target's canonical name: `process`, `local`, `eks`, `ecs`.
    fn name(&self) -> &str;

    /// What the target can do, so that callers ask instead of failing late.
    fn capabilities(&self) -> Capabilities;

    /// Brings a deployment up and waits until it is healthy.
    ///
    /// # Behaviour
    /// - What [`capabilities`](Self::capabilities) can't do is refused with
    ///   [`ErrorKind::Unsupported`] before anything is touched.
    /// - The same deployment twice changes nothing the second time: [`Deployed::changed`] says so.
    /// - Over a deployment that is there already it is an [`update`](Self::update).
    /// - If it doesn't become healthy, the error is [`ErrorKind::DeployFailed`]
    ///   with the reason and the last lines of its log, and nothing of it is left running.
    /// - Cancelled through `progress`, it leaves either what was there before or nothing.
    async fn deploy(&self, deployment: &Deployment, progress: &Progress) -> Result<Deployed>;

    /// Replaces what runs by this deployment, keeping its state.
    ///
    /// # Behaviour
    /// - [`ErrorKind::NotFound`] if it isn't deployed.
    /// - If the new one doesn't become healthy, the old one runs again, and the error says that it was rolled back.
    /// - A [`paused`](Deployment::paused) deployment keeps its state and runs nothing.
    async fn update(&self, deployment: &Deployment, progress: &Progress) -> Result<Deployed>;

    /// What [`deploy`](Self::deploy) would do, without doing it: each object exactly as it would be made, and how it
    /// differs from what is there. Secrets are named, never shown.
    ///
    /// # Behaviour
    /// - What `deploy` would refuse is refused with the same error.
    /// - Nothing is changed anywhere.
    /// - [`ErrorKind::Unsupported`] for a target that can't say.
    async fn preview(&self, _deployment: &Deployment) -> Result<Preview> {
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("the target {} can't say beforehand what it would do", self.name()),
        )
        .in_operation("deployer.preview"))
    }

    /// Removes a deployment with its state. One that isn't there is fine.
    async fn destroy(&self, integration: Uuid) -> Result<()>;

    /// How a deployment is. One that isn't there is [`Condition::Absent`], which is no error.
    async fn status(&self, integration: Uuid) -> Result<State>;

    /// Lines of a deployment's log, oldest first.
    ///
    /// # Behaviour
    /// - Without [`LogQuery::after`] the last lines there are; with it, those that came after that page.
    /// - To follow a log, ask again with the page's [`LogPage::next`].
    /// - [`ErrorKind::NotFound`] if it isn't deployed.
    async fn logs(&self, integration: Uuid, query: &LogQuery) -> Result<LogPage>;

    /// The functions that what it runs knows, aliases included; `None` if it can't say: then those that every build
    /// has.
    async fn functions(&self) -> Result<Option<Vec<String>>> {
        Ok(None)
    }

    /// Takes over what an earlier control plane left running; called once when one starts.
    ///
    /// # Behaviour
    /// - Gives the integrations that are watched over from now on. Targets that watch over their own have none.
    async fn adopt(&self) -> Result<Vec<Uuid>> {
        Ok(Vec::new())
    }
}

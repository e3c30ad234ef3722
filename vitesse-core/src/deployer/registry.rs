use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::Deployer;
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::store::repository::DeploymentConfig;

/// Other spellings of targets that are accepted.
const ALIASES: &[(&str, &str)] = &[("cloud_eks", "eks"), ("cloud_ecs", "ecs"), ("docker", "local")];
/// Names that are kept for targets of ours, whether this build has them or not.
const OURS: &[&str] = &["process", "local", "eks", "ecs"];

type Factory = Arc<dyn Fn(&DeploymentConfig) -> Result<Arc<dyn Deployer>> + Send + Sync>;

/// Targets by name. Cheap to clone.
///
/// ```
/// use std::sync::Arc;
/// use vitesse_core::deployer::{Deployers, ProcessOptions, ProcessTarget};
/// use vitesse_core::store::repository::DeploymentConfig;
/// # let home = tempfile::tempdir().unwrap();
/// let target = ProcessTarget::new(ProcessOptions::new(home.path()))?;
/// let targets = Deployers::new().with(Arc::new(target));
///
/// let config = DeploymentConfig { target: "process".into(), ..DeploymentConfig::default() };
/// assert_eq!(targets.get(&config)?.name(), "process");
/// # Ok::<(), vitesse_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Deployers {
    factories: BTreeMap<String, Factory>,
    cloud: String,
}

impl Deployers {
    /// No target yet.
    pub fn new() -> Self {
        Self { factories: BTreeMap::new(), cloud: "eks".into() }
    }

    /// Adds a target that is made already, under its name. A later one of the same name replaces it.
    #[must_use]
    pub fn with(self, target: Arc<dyn Deployer>) -> Self {
        let name = target.name().to_owned();
        self.with_factory(name, move |_| Ok(target.clone()))
    }

    /// Adds a target that is made from a deployment's configuration each time it is used.
    #[must_use]
    pub fn with_factory(
        mut self,
        name: impl Into<String>,
        make: impl Fn(&DeploymentConfig) -> Result<Arc<dyn Deployer>> + Send + Sync + 'static,
    ) -> Self {
        self.factories.insert(name.into(), Arc::new(make));
        self
    }

    /// Which target `cloud` stands for; `eks` if nothing is said.
    #[must_use]
    pub fn with_cloud(mut self, name: impl Into<String>) -> Self {
        self.cloud = name.into();
        self
    }

    /// The names of the targets there are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.factories.keys().map(String::as_str)
    }

    /// The canonical name of a target as people write it, whether this build can deploy there or not.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a name that nobody knows.
    pub fn canonical(&self, name: &str) -> Result<String> {
        let name = canonical(name, &self.cloud);
        if OURS.contains(&name) || self.factories.contains_key(name) {
            return Ok(name.to_owned());
        }
        let known: Vec<&str> = self.known();
        let error = Error::new(ErrorKind::InvalidInput, format!("there is no target {name:?}"))
            .in_operation("deployer.target");
        Err(match did_you_mean(name, known.iter().copied()) {
            Some(hint) => error.help(hint),
            None => error.help(format!("it is one of {}", known.join(", "))),
        })
    }

    /// The target of a configuration.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a name that nobody knows, [`ErrorKind::Unsupported`] for one that this build
    /// can't deploy to, and whatever the target says of the configuration.
    pub fn get(&self, config: &DeploymentConfig) -> Result<Arc<dyn Deployer>> {
        let name = self.canonical(&config.target)?;
        let Some(make) = self.factories.get(&name) else {
            let there: Vec<&str> = self.names().collect();
            return Err(Error::new(ErrorKind::Unsupported, format!("nothing here deploys to {name}"))
                .in_operation("deployer.target")
                .help(format!("targets that are set up: {}", there.join(", "))));
        };
        make(config)
    }

    fn known(&self) -> Vec<&str> {
        let mut known: Vec<&str> = OURS.iter().copied().chain(self.names()).collect();
        known.extend(ALIASES.iter().map(|(alias, _)| *alias));
        known.push("cloud");
        known.sort_unstable();
        known.dedup();
        known
    }
}

/// The canonical spelling of a target; `cloud` becomes `default_cloud`. Unknown names stay as they are.
pub fn canonical<'a>(name: &'a str, default_cloud: &'a str) -> &'a str {
    match name {
        "cloud" => default_cloud,
        other => ALIASES.iter().find(|(alias, _)| *alias == other).map_or(other, |(_, name)| name),
    }
}

impl Default for Deployers {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Deployers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployers")
            .field("names", &self.factories.keys())
            .field("cloud", &self.cloud)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, expect: Result<&str, &str>) {
        let found = Deployers::new().with_cloud("ecs").canonical(written);
        match (found, expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found, expect),
            (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{error}"),
            (found, expect) => panic!("{found:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn every_spelling_of_the_reference_is_understood_and_others_are_helped() {
        check("local", Ok("local"));
        check("eks", Ok("eks"));
        check("cloud_eks", Ok("eks"));
        check("ecs", Ok("ecs"));
        check("cloud_ecs", Ok("ecs"));
        check("cloud", Ok("ecs"));
        check("process", Ok("process"));
        check("proces", Err("did you mean \"process\"?"));
        check("mainframe", Err("it is one of"));
    }

    #[test]
    fn a_target_that_is_known_and_not_here_is_named_with_those_that_are() {
        let config = DeploymentConfig { target: "cloud_eks".into(), ..DeploymentConfig::default() };
        let error = Deployers::new().get(&config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("nothing here deploys to eks"), "{error}");
    }
}

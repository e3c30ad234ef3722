//! What a test asks the engine behind the target's back: its command, as a person would.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;
use vitesse_core::deployer::{Deployment, LocalOptions, LocalTarget, RuntimeSearch};
use vitesse_core::mapping::Mapping;

use crate::parts;

/// The engine, and a network for one test, which goes with it.
pub(crate) struct Engine {
    pub(crate) address: String,
    pub(crate) network: String,
}

impl Engine {
    pub(crate) fn start() -> Self {
        let network = format!("vitesse-test-{}", Uuid::new_v4().simple());
        Self { address: parts::start("docker"), network }
    }

    pub(crate) fn options(&self) -> LocalOptions {
        let mut options = LocalOptions::new(&self.address);
        options.runtime = RuntimeSearch { option: Some(parts::runtime()), ..RuntimeSearch::default() };
        options.healthy_within = Duration::from_secs(60);
        options
    }

    /// The target for what is deployed in the test's network.
    pub(crate) fn target(&self, options: LocalOptions) -> LocalTarget {
        LocalTarget::new(Arc::new(options), &self.deployment().config).unwrap()
    }

    pub(crate) fn deployment(&self) -> Deployment {
        let mapping = Mapping::parse(br#"{"version": 1, "transformations": []}"#).unwrap();
        let mut deployment = Deployment::new(Uuid::new_v4(), "a", vec![mapping]);
        deployment.config.extra.insert("network".into(), self.network.clone().into());
        deployment
    }

    /// What `docker` says.
    pub(crate) fn docker(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new("docker").args(["--host", &self.address]).args(arguments).output().unwrap()
    }

    pub(crate) fn inspect(&self, name: &str) -> Value {
        let mut all: Value = serde_json::from_str(&self.docker(&["inspect", name])).unwrap();
        all[0].take()
    }

    /// Containers, images, volumes and networks that an integration left, networks of the test included.
    pub(crate) fn left_of(&self, integration: Uuid) -> String {
        let label = format!("label=vitesse.integration.id={integration}");
        let network = format!("name={}", self.network);
        [
            self.docker(&["ps", "-aq", "--filter", &label]),
            self.docker(&["images", "-aq", "--filter", &label]),
            self.docker(&["volume", "ls", "-q", "--filter", &label]),
            self.docker(&["network", "ls", "-q", "--filter", &network]),
        ]
        .concat()
    }

    /// The volumes that nothing has a name for.
    pub(crate) fn volumes(&self) -> Vec<String> {
        self.docker(&["volume", "ls", "-q"]).lines().map(str::to_owned).collect()
    }
}

/// A file tree as `docker export` gives it: path, mode, owner and size.
pub(crate) fn tree(engine: &Engine, image: &str, scratch: &Path) -> Vec<String> {
    let container = engine.docker(&["create", image]);
    let archive = scratch.join("tree.tar");
    engine.docker(&["export", "-o", archive.to_str().unwrap(), &container]);
    engine.docker(&["rm", "-v", &container]);
    let mut archive = tar::Archive::new(std::fs::File::open(archive).unwrap());
    let mut tree: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            let (mode, owner) = (header.mode().unwrap(), header.uid().unwrap());
            format!("{} {mode:o} {owner} {}", entry.path().unwrap().display(), header.size().unwrap())
        })
        // The engine makes these in every container.
        .filter(|line| {
            !["dev", "proc", "sys", ".dockerenv", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf"]
                .iter()
                .any(|made| line.starts_with(made))
        })
        .collect();
    tree.sort();
    tree
}

//! The target is registered by its name and keeps the promises of every target, with the runtime as it ships.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::PathBuf;
use std::sync::Arc;

use own_target::Children;
use uuid::Uuid;
use vitesse_core::deployer::{Deployers, Deployment, RuntimeSearch};
use vitesse_core::mapping::Mapping;
use vitesse_core::store::repository::DeploymentConfig;
use vitesse_core::testing::{DeployerSamples, deployer_behaviour};

fn runtime() -> PathBuf {
    let built = || std::env::current_exe().unwrap().with_file_name("../vitesse-runtime");
    let path = std::env::var_os("VITESSE_RUNTIME").map_or_else(built, Into::into);
    assert!(path.is_file(), "build it first: cargo build -p vitesse-runtime ({})", path.display());
    path.canonicalize().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_found_by_its_name_and_keeps_the_contract() {
    let home = tempfile::tempdir().unwrap();
    // ANCHOR: registered
    let search = RuntimeSearch { option: Some(runtime()), ..RuntimeSearch::default() };
    let targets = Deployers::new().with(Arc::new(Children::new(home.path(), search)));
    let config = DeploymentConfig { target: "children".into(), ..DeploymentConfig::default() };
    let target = targets.get(&config).unwrap();
    // ANCHOR_END: registered

    // ANCHOR: held
    let mapping = Mapping::parse(br#"{"version": 1, "transformations": []}"#).unwrap();
    let healthy = Deployment::new(Uuid::new_v4(), "a", vec![mapping]);
    let mut broken = healthy.clone();
    broken.environment.insert("VITESSE_SCHEDULE".into(), "now and then".into());
    deployer_behaviour(target, DeployerSamples { healthy, broken }).await;
    // ANCHOR_END: held
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "a folder outlived its deployment");
}

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use vitesse_core::ErrorKind;
use vitesse_core::deployer::{
    Condition, Deployer, Deployment, Intent, LogQuery, ProcessOptions, ProcessTarget, RuntimeSearch, State,
};
use vitesse_core::mapping::Mapping;
use vitesse_core::progress::Progress;
use vitesse_core::secret::Secret;
use vitesse_core::testing::{DeployerSamples, deployer_behaviour};

use crate::stand_in;

fn target(home: &Path, test: &str) -> ProcessTarget {
    let mut options = ProcessOptions::new(home);
    let runtime = stand_in::script(home, test);
    options.runtime = RuntimeSearch { option: Some(runtime), ..RuntimeSearch::default() };
    options.healthy_within = Duration::from_secs(20);
    options.restart_after = Duration::from_millis(50);
    ProcessTarget::new(options).unwrap()
}

fn deployment(role: &str) -> Deployment {
    let text = format!(r#"{{"version": 1, "transformations": [], "stream": "{role}"}}"#);
    Deployment::new(Uuid::new_v4(), "a", vec![Mapping::parse(text.as_bytes()).unwrap()])
}

async fn until(target: &ProcessTarget, id: Uuid, what: impl Fn(&State) -> bool) -> State {
    for _ in 0..400 {
        let state = target.status(id).await.unwrap();
        if what(&state) {
            return state;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it never came: {:?}", target.status(id).await.unwrap());
}

fn ask(url: &str, path: &str) {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let _ = stream.read(&mut [0; 100]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract() {
    if stand_in::play() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let target = Arc::new(target(home.path(), "process::it_keeps_the_contract"));
    let samples = DeployerSamples { healthy: deployment("well"), broken: deployment("refuses") };
    deployer_behaviour(target, samples).await;
    let left = std::fs::read_dir(home.path().join("deployments")).unwrap().count();
    assert_eq!(left, 0, "a folder outlived its deployment");
}

/// The runtime as it ships, if it is named; else the one that the workspace's tests build.
fn runtime() -> std::path::PathBuf {
    let built = || std::env::current_exe().unwrap().with_file_name("../vitesse-runtime");
    let path = std::env::var_os("VITESSE_RUNTIME").map_or_else(built, Into::into);
    assert!(path.is_file(), "build it first: cargo build -p vitesse-runtime ({})", path.display());
    path.canonicalize().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_runtime_keeps_the_contract() {
    let home = tempfile::tempdir().unwrap();
    let mut options = ProcessOptions::new(home.path());
    options.runtime = RuntimeSearch { option: Some(runtime()), ..RuntimeSearch::default() };
    options.restart_after = Duration::from_millis(50);
    let target = Arc::new(ProcessTarget::new(options).unwrap());
    let functions = target.functions().await.unwrap().unwrap();
    assert!(functions.iter().any(|name| name == "scale_decimal"), "{functions:?}");
    // A schedule that nobody understands keeps it from starting.
    let mut broken = deployment("broken");
    broken.environment.insert("VITESSE_SCHEDULE".into(), "now and then".into());
    let samples = DeployerSamples { healthy: deployment("well"), broken };
    deployer_behaviour(target, samples).await;
    assert_eq!(std::fs::read_dir(home.path().join("deployments")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_crashes_is_started_again_and_counted() {
    if stand_in::play() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let target = target(home.path(), "process::what_crashes_is_started_again_and_counted");
    let deployment = deployment("well");
    let id = deployment.integration_id;
    let deployed = target.deploy(&deployment, &Progress::none()).await.unwrap();
    ask(&deployed.service_url, "/crash");
    let state =
        until(&target, id, |state| state.restarts == 1 && state.condition == Condition::Healthy).await;
    assert_eq!(state.service_url, Some(deployed.service_url));
    let log = target.logs(id, &LogQuery::default()).await.unwrap();
    let said = log.lines.iter().any(|line| line.text.contains("exit status: 3) and is started again"));
    assert!(said, "{log:?}");
    target.destroy(id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_control_plane_adopts_what_runs_and_starts_what_ended() {
    if stand_in::play() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let name = "process::the_next_control_plane_adopts_what_runs_and_starts_what_ended";
    let (runs, ends) = (deployment("well"), deployment("well"));
    let first = target(home.path(), name);
    let running = first.deploy(&runs, &Progress::none()).await.unwrap();
    let ending = first.deploy(&ends, &Progress::none()).await.unwrap();
    let before = first.status(runs.integration_id).await.unwrap();

    // While one watches, another one may look, and nothing else.
    let second = target(home.path(), name);
    assert!(second.adopt().await.unwrap().is_empty());
    let error = second.destroy(runs.integration_id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(second.status(runs.integration_id).await.unwrap().condition, Condition::Healthy);

    drop(first);
    let mut adopted = Vec::new();
    while adopted.len() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        adopted = second.adopt().await.unwrap();
    }
    assert_eq!(second.status(runs.integration_id).await.unwrap(), before, "it went on all the while");
    ask(&ending.service_url, "/crash");
    until(&second, ends.integration_id, |state| state.restarts == 1 && state.condition == Condition::Healthy)
        .await;

    // Adopted processes end like our own.
    assert!(!second.deploy(&runs, &Progress::none()).await.unwrap().changed);
    second.destroy(runs.integration_id).await.unwrap();
    second.destroy(ends.integration_id).await.unwrap();
    assert!(TcpStream::connect(running.service_url.strip_prefix("http://").unwrap()).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_gets_its_environment_and_nothing_of_ours() {
    if stand_in::play() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let target = target(home.path(), "process::it_gets_its_environment_and_nothing_of_ours");
    let mut deployment = deployment("well");
    deployment.credentials =
        BTreeMap::from([("VITESSE_SOURCE_TOKEN".to_owned(), Secret::new("s3cret-value"))]);
    let two = deployment.mappings[0].clone();
    deployment.mappings.push(two);
    let id = deployment.integration_id;
    target.deploy(&deployment, &Progress::none()).await.unwrap();
    let folder = home.path().join("deployments").join(id.to_string());
    let names = std::fs::read_to_string(folder.join("state/environment")).unwrap();
    assert!(names.lines().any(|name| name == "VITESSE_SOURCE_TOKEN"), "{names}");
    assert!(!names.lines().any(|name| name.starts_with("CARGO") || name == "HOME"), "{names}");
    assert!(folder.join("releases/1/mapping/002.json").is_file(), "one file a stream");
    // The secret is in one file, which nobody else can read.
    let record = std::fs::read_to_string(folder.join("deployment.json")).unwrap();
    let log = std::fs::read_to_string(folder.join("log/runtime.log")).unwrap();
    assert!(!record.contains("s3cret-value") && !log.contains("s3cret-value"));

    // Another credential is another deployment.
    deployment.credentials.insert("VITESSE_SOURCE_TOKEN".into(), Secret::new("other"));
    assert!(target.deploy(&deployment, &Progress::none()).await.unwrap().changed);
    target.destroy(id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_a_deploy_then_does() {
    if stand_in::play() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let test = "process::a_dry_run_says_what_a_deploy_then_does";
    let first = target(home.path(), test);
    let mut deployment = deployment("well");
    let id = deployment.integration_id;
    deployment.credentials.insert("VITESSE_SOURCE_TOKEN".into(), Secret::new("s3cret-value"));
    deployment.environment.insert("BATCH_SIZE".into(), "7".into());

    let preview = first.preview(&deployment).await.unwrap();
    let kinds: Vec<&str> = preview.objects.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(kinds, ["folder", "process"]);
    assert!(preview.changes && preview.objects.iter().all(|object| object.intent == Intent::Create));
    let process = &preview.objects[1].object;
    assert_eq!(process["environment"]["BATCH_SIZE"], "7");
    assert_eq!(process["secrets"], serde_json::json!(["VITESSE_SOURCE_TOKEN"]));
    assert_eq!(process["runtime_version"], "9.9.9");
    assert_eq!(preview.notes, ["the secret VITESSE_SOURCE_TOKEN is handed over"]);
    assert!(!home.path().join("deployments").exists(), "a dry run makes nothing");

    let running = first.deploy(&deployment, &Progress::none()).await.unwrap();
    let same = first.preview(&deployment).await.unwrap();
    assert!(!same.changes && same.notes.is_empty(), "{same:?}");
    // Another control plane could not deploy, and says so beforehand; it takes nothing away from the first.
    let second = target(home.path(), test);
    assert_eq!(second.preview(&deployment).await.unwrap_err().kind(), ErrorKind::Conflict);

    // Other variables and secrets, and what is there no more.
    let mut other = deployment.clone();
    other.environment = BTreeMap::from([("VITESSE_SCHEDULE".to_owned(), "5m".to_owned())]);
    other.credentials = BTreeMap::from([
        ("VITESSE_SOURCE_TOKEN".to_owned(), Secret::new("another-value")),
        ("VITESSE_DEST_TOKEN".to_owned(), Secret::new("one-more")),
    ]);
    let preview = first.preview(&other).await.unwrap();
    let process = &preview.objects[1];
    assert_eq!((preview.objects[0].intent, process.intent), (Intent::Keep, Intent::Replace));
    let paths: Vec<&str> = process.differences.iter().map(|difference| difference.path.as_str()).collect();
    assert_eq!(paths, ["environment.BATCH_SIZE", "environment.VITESSE_SCHEDULE", "secrets"]);
    for note in
        ["VITESSE_DEST_TOKEN is handed over", "VITESSE_SOURCE_TOKEN is handed over with another value"]
    {
        assert!(preview.notes.iter().any(|known| known.ends_with(note)), "{:?}", preview.notes);
    }
    let told = serde_json::to_string(&preview).unwrap();
    assert!(
        !["s3cret-value", "another-value", "one-more"].iter().any(|secret| told.contains(secret)),
        "{told}"
    );
    assert_eq!(first.deploy(&deployment, &Progress::none()).await.unwrap().service_url, running.service_url);

    // What ended is put back, although nothing of it differs.
    drop(first);
    let third = target(home.path(), test);
    ask(&running.service_url, "/crash");
    until(&third, id, |state| state.condition == Condition::Down).await;
    let preview = third.preview(&deployment).await.unwrap();
    assert_eq!((preview.changes, preview.objects[1].intent), (true, Intent::Replace));
    assert!(preview.notes[0].ends_with("isn't well"), "{:?}", preview.notes);
    assert_eq!(third.status(id).await.unwrap().condition, Condition::Down, "nothing was started");
    third.destroy(id).await.unwrap();

    // A place for the state that it would not use.
    let mut elsewhere = deployment.clone();
    elsewhere.environment.insert("VITESSE_STATE".into(), "postgres://db/x".into());
    for error in [
        third.preview(&elsewhere).await.unwrap_err(),
        third.deploy(&elsewhere, &Progress::none()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_or_sick_it_leaves_nothing() {
    if stand_in::play() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let target = target(home.path(), "process::cancelled_or_sick_it_leaves_nothing");
    let sick = deployment("sick");
    let progress = Progress::none();
    let cancel = progress.cancel().clone();
    let deploying = target.deploy(&sick, &progress);
    let cancelling = async {
        until(&target, sick.integration_id, |state| state.condition == Condition::Unhealthy).await;
        cancel.cancel();
    };
    let (deployed, ()) = tokio::join!(deploying, cancelling);
    assert_eq!(deployed.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(target.status(sick.integration_id).await.unwrap().condition, Condition::Absent);
    assert!(!home.path().join("deployments").join(sick.integration_id.to_string()).exists());
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_control_plane_left_unnoted_is_ended() {
    if stand_in::play() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let target = target(home.path(), "process::what_a_killed_control_plane_left_unnoted_is_ended");
    let deployment = deployment("well");
    let id = deployment.integration_id;
    let state = home.path().join("deployments").join(id.to_string()).join("state");
    let mut forgotten =
        std::process::Command::new("sleep").arg("600").env("VITESSE_STATE", &state).spawn().unwrap();
    target.deploy(&deployment, &Progress::none()).await.unwrap();
    assert!(!forgotten.wait().unwrap().success(), "it was killed");
    target.destroy(id).await.unwrap();
}

//! Killed in each step: started again, the workflow goes on where it was, and finishes.
//!
//! The test starts itself again as the process that is killed. It says when it is in the step and then stands still,
//! so that the kill hits it there.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;
use vitesse_core::deployer::{Condition, ProcessOptions, ProcessTarget};
use vitesse_core::orchestrator::{
    DeployOptions, IngestOptions, MapOptions, TestRunStatus, TestStepOptions, Vitesse,
};
use vitesse_core::progress::{Event, Progress};
use vitesse_core::secret::Secret;
use vitesse_core::store::EmbeddedStore;
use vitesse_core::store::repository::{Paging, Status};

use crate::common::{both, example, shop_to_crm};
use crate::stand_in;

const TEST: &str = "killed::in_each_step_it_goes_on_where_it_was";

/// What a process has that is started in this folder.
async fn open(home: &Path) -> Vitesse {
    let store = EmbeddedStore::open(home.join("state.redb"), Default::default()).await.unwrap();
    let mut options = ProcessOptions::new(home);
    options.runtime.option = Some(stand_in::script(home, TEST));
    let target = Arc::new(ProcessTarget::new(options).unwrap());
    let vitesse = Vitesse::builder(Arc::new(store)).target(target).build().unwrap();
    vitesse.adopt().await.unwrap();
    vitesse
}

fn deploy() -> DeployOptions {
    let names = ["VITESSE_SOURCE_TOKEN", "VITESSE_DEST_CLIENT_ID", "VITESSE_DEST_CLIENT_SECRET"];
    DeployOptions {
        credentials: names.map(|name| (name.to_owned(), Secret::new("x"))).into(),
        ..DeployOptions::default()
    }
}

fn customers() -> MapOptions {
    MapOptions {
        source_endpoint: Some("/customers".into()),
        dest_endpoint: Some("/contacts".into()),
        ..MapOptions::default()
    }
}

async fn step(vitesse: &Vitesse, name: &str, id: Uuid, ingest: IngestOptions) -> vitesse_core::Result<()> {
    match name {
        "ingest" => vitesse.ingest(id, ingest).await.map(drop),
        "map" => vitesse.map(id, customers()).await.map(drop),
        "test" => vitesse.test(id, TestStepOptions::default()).await.map(drop),
        _ => vitesse.deploy(id, deploy()).await.map(drop),
    }
}

/// Plays the process that is killed, if this is it.
async fn play() -> bool {
    let Ok(told) = std::env::var("VITESSE_KILLED_IN") else { return false };
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let text = |key: &str| told[key].as_str().unwrap().to_owned();
    let vitesse = open(Path::new(&text("home"))).await;
    let wanted = text("step");
    let at = wanted.clone();
    // Where the step has done half of its work, as it says itself.
    let progress = Progress::to(move |event: Event| {
        // A deployment's first word is about its runtime, its second about what it wrote.
        let half = if at == "deploy" { 2 } else { 1 };
        if matches!(&event, Event::Advanced { step, done, .. } if step.starts_with(&at) && *done == half) {
            println!("\nin {at}");
            loop {
                std::thread::park();
            }
        }
    });
    let ingest = IngestOptions { source_spec_url: Some(text("source")), ..both() };
    let id = text("id").parse().unwrap();
    let done = step(&vitesse.with_progress(progress), &wanted, id, ingest).await;
    panic!("it was to be killed: {done:?}");
}

/// Runs the step in a process of its own and kills it in the middle.
fn kill_in(step: &str, home: &Path, id: Uuid, source: &Path) {
    let told = json!({"step": step, "home": home, "id": id, "source": source});
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env("VITESSE_KILLED_IN", told.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let reached = lines.any(|line| line == format!("in {step}"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reached, "the process never came to {step}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_each_step_it_goes_on_where_it_was() {
    if stand_in::play() || play().await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let source = home.join("shop.yaml");
    std::fs::copy(example("shop.yaml"), &source).unwrap();
    let id = open(home).await.create(shop_to_crm()).await.unwrap().id;
    for (name, after) in [
        ("ingest", Status::Mapping),
        ("map", Status::Testing),
        ("test", Status::Deploying),
        ("deploy", Status::Active),
    ] {
        kill_in(name, home, id, &source);
        let vitesse = open(home).await;
        let before = vitesse.get(id).await.unwrap();
        assert_ne!(before.status, after, "a step that was killed has not half happened");
        let lease = before.step_in_progress.expect("its lease is still there");
        assert_eq!(lease.step, name);
        if name == "test" {
            let tests = vitesse.test_runs(id, &Paging::default()).await.unwrap().items;
            assert_eq!(tests[0].status, TestRunStatus::Failed, "nobody runs it any more");
            assert!(tests[0].error_message.as_ref().unwrap().contains("broken off"));
        }
        let options = IngestOptions { source_spec_url: Some(source.display().to_string()), ..both() };
        step(&vitesse, name, id, options).await.unwrap();
        let read = vitesse.get(id).await.unwrap();
        assert_eq!(read.status, after, "{name}");
        assert!(read.step_in_progress.is_none());
    }
    let vitesse = open(home).await;
    let board = vitesse.whiteboard(id).await.unwrap();
    assert_eq!(board.retry_count, 4, "each step was begun twice");
    assert_eq!(vitesse.status(id).await.unwrap().deployment.unwrap().condition, Condition::Healthy);
    vitesse.delete(id, false).await.unwrap();
    assert_eq!(std::fs::read_dir(home.join("deployments")).unwrap().count(), 0);
}

//! The target `local` on a real Docker Engine, with the runtime as it ships.

use std::sync::Arc;
use std::time::Duration;

use vitesse_core::ErrorKind;
use vitesse_core::deployer::{
    Condition, Deployer, Deployment, Intent, LocalTarget, LogQuery, RuntimeSearch, State,
};
use vitesse_core::progress::Progress;
use vitesse_core::secret::Secret;
use vitesse_core::service::Admin;
use vitesse_core::testing::{DeployerSamples, deployer_behaviour};

use crate::docker::Engine;

async fn deploy(target: &LocalTarget, deployment: &Deployment) -> vitesse_core::Result<bool> {
    target.deploy(deployment, &Progress::none()).await.map(|deployed| deployed.changed)
}

fn broken(deployment: &Deployment) -> Deployment {
    let mut broken = deployment.clone();
    broken.environment.insert("VITESSE_SCHEDULE".into(), "now and then".into());
    broken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract() {
    let engine = Engine::start();
    let target = Arc::new(engine.target(engine.options()));
    let healthy = engine.deployment();
    let samples = DeployerSamples { broken: broken(&healthy), healthy };
    deployer_behaviour(target, samples).await;
    assert_eq!(engine.docker(&["network", "ls", "-q", "--filter", &format!("name={}", engine.network)]), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_runs_held_tight_and_leaves_nothing() {
    let engine = Engine::start();
    let target = engine.target(engine.options());
    let mut deployment = engine.deployment();
    deployment.config.memory_mb = 64;
    deployment.config.cpu_cores = 0.25;
    deployment.credentials.insert("VITESSE_SOURCE_TOKEN".into(), Secret::new("s3cret-value"));
    let id = deployment.integration_id;
    let deployed = target.deploy(&deployment, &Progress::none()).await.unwrap();
    assert_eq!(deployed.service_url, format!("http://localhost/vitesse-{id}"));
    assert!(deployed.log.iter().any(|line| line.contains("was not verified")), "{:?}", deployed.log);

    // As the engine sees it.
    let said = engine.inspect(&deployed.container_id);
    let host = &said["HostConfig"];
    assert_eq!((&host["Memory"], &host["NanoCpus"]), (&(64 << 20).into(), &250_000_000.into()));
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(host["CapDrop"][0], "ALL");
    assert_eq!(host["RestartPolicy"]["Name"], "unless-stopped");
    assert_eq!(said["Config"]["User"], "65532:65532");
    assert_eq!(said["Config"]["Labels"]["traefik.enable"], "true");
    assert!(said["NetworkSettings"]["Networks"][&engine.network].is_object());
    assert!(!said.to_string().contains("s3cret-value"), "inspect shows a secret");
    let image = engine.docker(&["inspect", said["Image"].as_str().unwrap()]);
    assert!(!image.contains("s3cret-value"));

    // It keeps its state, and is operated with the key that it was given.
    let state = target.status(id).await.unwrap();
    let admin = Admin::new(&state.admin_url.clone().unwrap(), state.admin_key.clone()).unwrap();
    assert!(admin.status().await.unwrap().running.is_none());
    assert!(Admin::new(&state.admin_url.unwrap(), None).unwrap().status().await.is_err());

    target.destroy(id).await.unwrap();
    assert_eq!(engine.left_of(id), "");
    let volumes = engine.volumes();
    let own = said["Mounts"].as_array().unwrap().iter().map(|mount| mount["Name"].as_str().unwrap());
    own.for_each(|name| assert!(!volumes.iter().any(|volume| volume == name), "the volume {name} is left"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_a_deploy_then_does() {
    let engine = Engine::start();
    let target = engine.target(engine.options());
    let mut deployment = engine.deployment();
    let id = deployment.integration_id;
    deployment.credentials.insert("VITESSE_SOURCE_TOKEN".into(), Secret::new("s3cret-value"));

    let first = target.preview(&deployment).await.unwrap();
    assert!(first.changes && first.objects.iter().all(|object| object.intent == Intent::Create));
    let kinds: Vec<&str> = first.objects.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(kinds, ["image", "network", "volume", "container"]);
    assert!(!serde_json::to_string(&first).unwrap().contains("s3cret-value"));
    assert_eq!(engine.left_of(id), "", "a dry run makes nothing");

    assert!(deploy(&target, &deployment).await.unwrap());
    let same = target.preview(&deployment).await.unwrap();
    assert!(!same.changes, "{same:?}");
    assert!(!deploy(&target, &deployment).await.unwrap());

    deployment.config.memory_mb = 256;
    let more = target.preview(&deployment).await.unwrap();
    let container = more.objects.iter().find(|object| object.kind == "container").unwrap();
    assert_eq!(container.intent, Intent::Replace);
    let paths: Vec<&str> = container.differences.iter().map(|difference| difference.path.as_str()).collect();
    assert_eq!(paths, ["HostConfig.Memory", "HostConfig.MemorySwap"]);
    deployment.config.memory_mb = 512;

    deployment.credentials.insert("VITESSE_SOURCE_TOKEN".into(), Secret::new("another"));
    let secret = target.preview(&deployment).await.unwrap();
    assert!(
        secret.changes
            && secret
                .notes
                .iter()
                .any(|note| note.contains("VITESSE_SOURCE_TOKEN is handed over with another value")),
        "{secret:?}"
    );
    assert!(deploy(&target, &deployment).await.unwrap());

    // Somebody changed it by hand.
    let name = deployment_name(&deployment);
    engine.docker(&["update", "--memory", "128m", "--memory-swap", "128m", &name]);
    assert!(target.preview(&deployment).await.unwrap().changes);
    assert!(deploy(&target, &deployment).await.unwrap());
    target.destroy(id).await.unwrap();
    assert_eq!(engine.left_of(id), "");
}

fn deployment_name(deployment: &Deployment) -> String {
    vitesse_core::deployer::container_id(deployment.integration_id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_stays_as_long_as_somebody_could_be_started_in_it() {
    let engine = Engine::start();
    let target = engine.target(engine.options());
    let (paused, mut goes) = (engine.deployment(), engine.deployment());
    goes.config = paused.config.clone();
    deploy(&target, &paused).await.unwrap();
    deploy(&target, &goes).await.unwrap();
    let held = Deployment { paused: true, ..paused.clone() };
    target.update(&held, &Progress::none()).await.unwrap();
    target.destroy(goes.integration_id).await.unwrap();
    let networks = || engine.docker(&["network", "ls", "--format", "{{.Name}}"]);
    assert!(networks().contains(&engine.network));
    target.update(&paused, &Progress::none()).await.unwrap();
    target.destroy(paused.integration_id).await.unwrap();
    assert!(!networks().contains(&engine.network));
}

/// Answers as Traefik's API does: everything is up, or nothing is known.
fn traefik(up: bool) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let (status, body) = match up {
                true => {
                    ("200 OK", r#"{"status": "enabled", "serverStatus": {"http://172.18.0.2:8080": "UP"}}"#)
                }
                false => ("404 Not Found", "{}"),
            };
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = std::io::Write::write_all(&mut stream, format!("{head}{body}").as_bytes());
        }
    });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_traefik_can_be_asked_it_succeeds_only_once_it_is_routed() {
    let engine = Engine::start();
    let deployment = engine.deployment();
    let mut options = engine.options();
    options.traefik_url = Some(traefik(false));
    options.routed_within = Duration::from_millis(300);
    let error = deploy(&engine.target(options.clone()), &deployment).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeployFailed);
    assert!(error.to_string().contains("it has no such router"), "{error}");
    assert_eq!(engine.left_of(deployment.integration_id), "");

    options.traefik_url = Some(traefik(true));
    let target = engine.target(options);
    let deployed = target.deploy(&deployment, &Progress::none()).await.unwrap();
    assert!(deployed.log.contains(&"Traefik routes to it".to_owned()), "{:?}", deployed.log);
    target.destroy(deployment.integration_id).await.unwrap();
}

async fn until(target: &LocalTarget, deployment: &Deployment, what: impl Fn(&State) -> bool) -> State {
    for _ in 0..400 {
        let state = target.status(deployment.integration_id).await.unwrap();
        if what(&state) {
            return state;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never came: {:?}", target.status(deployment.integration_id).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_starts_again_what_crashes() {
    let engine = Engine::start();
    let target = engine.target(engine.options());
    let deployment = engine.deployment();
    deploy(&target, &deployment).await.unwrap();
    let pid = engine.inspect(&deployment_name(&deployment))["State"]["Pid"].as_i64().unwrap();
    std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    let state =
        until(&target, &deployment, |state| state.restarts == 1 && state.condition == Condition::Healthy)
            .await;
    assert_eq!(state.mapping_hash, Some(deployment.mapping_hash()));
    target.destroy(deployment.integration_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_run_where_the_state_is_shared_and_roll_over_without_a_gap() {
    let engine = Engine::start();
    let target = engine.target(engine.options());
    let mut deployment = engine.deployment();
    let id = deployment.integration_id;
    deployment.config.replicas = 2;
    let error = deploy(&target, &deployment).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("can't share the state"), "{error}");
    assert_eq!(engine.left_of(id), "");

    deployment.environment.insert("VITESSE_STATE".into(), "memory:".into());
    // Nobody routes to them, so nobody has to be waited for.
    let nobody = serde_json::json!({"enabled": false});
    deployment.config.extra.insert("traefik_config".into(), nobody);
    deploy(&target, &deployment).await.unwrap();
    let name = deployment_name(&deployment);
    let old = engine.docker(&["ps", "-q", "--no-trunc", "--filter", &format!("name={name}")]);
    assert_eq!(old.lines().count(), 2);
    let logs = target.logs(id, &LogQuery::default()).await.unwrap();
    assert!(logs.lines.len() >= 2);

    // The old ones are stopped only once the new ones are there.
    let mut other = deployment.clone();
    other.environment.insert("BATCH_SIZE".into(), "7".into());
    deploy(&target, &other).await.unwrap();
    let gone: Vec<String> = old.lines().map(str::to_owned).collect();
    // The engine counts in whole seconds.
    let until = (jiff::Timestamp::now().as_second() + 1).to_string();
    let filters = ["--filter", "event=start", "--filter", "event=kill", "--format", "{{.Action}} {{.ID}}"];
    let events = engine.docker(&[&["events", "--since", "5m", "--until", &until], &filters[..]].concat());
    let of = |line: &&str| gone.iter().any(|id| line.ends_with(id.as_str()));
    let started: Vec<usize> = events
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with("start") && !of(line))
        .map(|(at, _)| at)
        .collect();
    let killed = events.lines().position(|line| line.starts_with("kill") && of(&line)).unwrap();
    assert!(started.iter().filter(|at| **at < killed).count() >= 2, "{events}");

    // One that doesn't come up leaves both as they were.
    let error = deploy(&target, &broken(&other)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeployFailed);
    assert!(error.to_string().contains("now and then"), "the log says why: {error}");
    assert!(!deploy(&target, &other).await.unwrap(), "what ran is what was deployed");

    other.config.replicas = 1;
    deploy(&target, &other).await.unwrap();
    assert_eq!(engine.docker(&["ps", "-aq", "--filter", &format!("name={name}")]).lines().count(), 1);
    target.destroy(id).await.unwrap();
    assert_eq!(engine.left_of(id), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_the_way_is_named() {
    let engine = Engine::start();
    let target = engine.target(engine.options());

    // A port that somebody holds.
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut deployment = engine.deployment();
    deployment.config.extra.insert("publish".into(), holder.local_addr().unwrap().port().into());
    let error = deploy(&target, &deployment).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeployFailed, "{error}");
    assert!(error.help_text().unwrap().contains("`publish` is taken"), "{error}");
    assert_eq!(engine.left_of(deployment.integration_id), "");
    drop(holder);
    deploy(&target, &deployment).await.unwrap();
    let port = deployment.config.extra["publish"].as_u64().unwrap();
    std::net::TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    target.destroy(deployment.integration_id).await.unwrap();

    // A container of the same name that isn't ours.
    let deployment = engine.deployment();
    let other = Deployment {
        integration_id: {
            let mut bytes = *deployment.integration_id.as_bytes();
            bytes[15] ^= 1;
            uuid::Uuid::from_bytes(bytes)
        },
        ..deployment.clone()
    };
    deploy(&target, &deployment).await.unwrap();
    let error = deploy(&target, &other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(target.status(deployment.integration_id).await.unwrap().condition, Condition::Healthy);
    target.destroy(deployment.integration_id).await.unwrap();

    // A runtime that needs the machine's libraries, and one for another processor.
    let with = |path: std::path::PathBuf| {
        let mut options = engine.options();
        options.runtime = RuntimeSearch { option: Some(path), ..RuntimeSearch::default() };
        engine.target(options)
    };
    let error = deploy(&with(std::env::current_exe().unwrap()), &deployment).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BuildFailed);
    assert!(error.to_string().contains("linked dynamically"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("vitesse-runtime");
    let mut file = std::fs::read(crate::parts::runtime()).unwrap();
    let here = u16::from_le_bytes([file[18], file[19]]);
    file[18..20].copy_from_slice(&(if here == 62 { 183u16 } else { 62 }).to_le_bytes());
    std::fs::write(&foreign, file).unwrap();
    let error = deploy(&with(foreign), &deployment).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BuildFailed);
    assert!(error.to_string().contains("the runtime is for"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_it_leaves_what_was_there() {
    let engine = Engine::start();
    let target = engine.target(engine.options());
    let deployment = engine.deployment();
    let id = deployment.integration_id;
    deploy(&target, &deployment).await.unwrap();
    let mut other = deployment.clone();
    other.environment.insert("BATCH_SIZE".into(), "7".into());
    let cancel = Progress::none().cancel().clone();
    let told = cancel.clone();
    let progress = Progress::to(move |event| {
        if matches!(&event, vitesse_core::progress::Event::Note { message, .. } if message.ends_with(" made"))
        {
            told.cancel();
        }
    })
    .with_cancel(cancel);
    let error = target.deploy(&other, &progress).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    until(&target, &deployment, |state| state.condition == Condition::Healthy).await;
    assert!(!deploy(&target, &deployment).await.unwrap());
    target.destroy(id).await.unwrap();
    assert_eq!(engine.left_of(id), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_that_was_killed_is_cleaned_up_by_the_next() {
    let engine = Engine::start();
    let target = engine.target(engine.options());
    let deployment = engine.deployment();
    deploy(&target, &deployment).await.unwrap();
    let mut other = deployment.clone();
    other.environment.insert("BATCH_SIZE".into(), "7".into());
    // Dropped in the midst of it, as if the process had been killed.
    let (reached, stop) = tokio::sync::oneshot::channel();
    let reached = std::sync::Mutex::new(Some(reached));
    let progress = Progress::to(move |event| {
        if matches!(&event, vitesse_core::progress::Event::Note { message, .. } if message.ends_with(" made"))
        {
            reached.lock().unwrap().take().map(|reached| reached.send(()));
        }
    });
    tokio::select! {
        biased;
        _ = stop => {}
        ended = target.deploy(&other, &progress) => panic!("{ended:?}"),
    }
    assert_eq!(deploy(&target, &other).await.map_err(|error| error.to_string()), Ok(true));
    assert_eq!(target.status(deployment.integration_id).await.unwrap().condition, Condition::Healthy);
    target.destroy(deployment.integration_id).await.unwrap();
    assert_eq!(engine.left_of(deployment.integration_id), "");
}

//! What `local` says in labels, read by a real Traefik.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use uuid::Uuid;
use vitesse_core::deployer::{Deployer as _, Deployment, LocalTarget};
use vitesse_core::progress::Progress;

use crate::docker::Engine;
use crate::parts;

/// Traefik, reading the labels of the engine's containers; ended when it is dropped.
struct Traefik {
    child: Child,
    web: u16,
    api: u16,
}

impl Traefik {
    fn start(engine: &Engine, more: &[&str]) -> Self {
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (web, api) = (port(), port());
        let child = Command::new(parts::ask(&["traefik", "path"]))
            .args([
                "--providers.docker=true",
                "--providers.docker.exposedbydefault=false",
                "--api.insecure=true",
            ])
            // Containers of other tests come and go, and each time Traefik forgets what it heard of all others' health.
            .arg(format!(
                "--providers.docker.constraints=Label(`traefik.docker.network`,`{}`)",
                engine.network
            ))
            .args(["--global.checknewversion=false", "--global.sendanonymoususage=false"])
            .arg(format!("--providers.docker.endpoint={}", engine.address))
            .arg(format!("--entrypoints.web.address=127.0.0.1:{web}"))
            .arg(format!("--entrypoints.traefik.address=127.0.0.1:{api}"))
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, web, api }
    }

    /// The target in front of which it stands.
    fn target(&self, engine: &Engine) -> LocalTarget {
        let mut options = engine.options();
        options.traefik_url = Some(format!("http://127.0.0.1:{}/dashboard/", self.api));
        engine.target(options)
    }

    fn ask(&self, host: &str, path: &str) -> (u16, String) {
        ask(self.web, host, path).unwrap_or_else(|| panic!("Traefik doesn't answer {path}"))
    }
}

impl Drop for Traefik {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status and the whole text of an answer; none if none came.
fn ask(port: u16, host: &str, request: &str) -> Option<(u16, String)> {
    let (method, path) = request.split_once(' ')?;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    // Whoever answers without reading a body may cut its own answer short.
    let body = if method == "POST" {
        "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    } else {
        "\r\n"
    };
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{body}").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some((text.split(' ').nth(1)?.parse().ok()?, text))
}

async fn deployed(target: &LocalTarget, deployment: &Deployment) {
    let deployed = target.deploy(deployment, &Progress::none()).await.unwrap();
    assert!(
        deployed.changed && deployed.log.contains(&"Traefik routes to it".to_owned()),
        "{:?}",
        deployed.log
    );
}

/// By the rules of version 3, and by those of version 2, which it still understands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_routes_to_the_data_side_and_to_nothing_else() {
    let engine = Engine::start();
    for rules in ["v3", "v2"] {
        let traefik = Traefik::start(&engine, &[&format!("--core.defaultrulesyntax={rules}")]);
        let target = traefik.target(&engine);
        let deployment = Deployment { integration_id: Uuid::new_v4(), ..engine.deployment() };
        let id = deployment.integration_id;
        deployed(&target, &deployment).await;
        let (status, text) = traefik.ask("localhost", &format!("GET /vitesse-{id}/health"));
        assert!(status == 200 && text.contains("healthy"), "{text}");
        let (status, text) = traefik.ask(&format!("vitesse-{id}.local"), "GET /health");
        assert!(status == 200 && text.contains("healthy"), "{text}");
        // What operators ask is on a port that isn't routed.
        let (status, text) = traefik.ask("localhost", &format!("GET /vitesse-{id}/metrics"));
        assert!(status == 404 && text.contains("there is nothing at this path"), "{text}");
        assert_eq!(traefik.ask("localhost", "GET /health").0, 404);
        target.destroy(id).await.unwrap();
        assert_eq!(engine.left_of(id), "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_beside_the_old_ones_loses_no_request() {
    let engine = Engine::start();
    let traefik = Traefik::start(&engine, &[]);
    let target = traefik.target(&engine);
    let mut deployment = engine.deployment();
    deployment.config.replicas = 2;
    deployment.environment.insert("VITESSE_STATE".into(), "memory:".into());
    deployed(&target, &deployment).await;

    let (stop, web) = (Arc::new(AtomicBool::new(false)), traefik.web);
    let (until, request) = (stop.clone(), format!("POST /vitesse-{}/transform", deployment.integration_id));
    let calling = tokio::task::spawn_blocking(move || {
        let mut answers = BTreeMap::new();
        while !until.load(Ordering::Relaxed) {
            let status = ask(web, "localhost", &request).map(|(status, _)| status);
            *answers.entry(status).or_insert(0) += 1;
            std::thread::sleep(Duration::from_millis(5));
        }
        answers
    });
    deployment.environment.insert("BATCH_SIZE".into(), "7".into());
    let outcome = target.deploy(&deployment, &Progress::none()).await;
    // A little longer, since Traefik hears of an end afterwards.
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.store(true, Ordering::Relaxed);
    let answers = calling.await.unwrap();
    outcome.unwrap();
    assert_eq!(answers.keys().collect::<Vec<_>>(), [&Some(200)], "{answers:?}");
    target.destroy(deployment.integration_id).await.unwrap();
    assert_eq!(engine.left_of(deployment.integration_id), "");
}

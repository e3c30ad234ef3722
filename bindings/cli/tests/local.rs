//! The whole way to a container of a real Docker Engine and back, by the command.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod parts;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use parts::parts;
use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

struct Place {
    home: tempfile::TempDir,
    engine: String,
}

impl Place {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), engine: parts(&["docker", "start"]) }
    }

    fn vitesse(&self, words: &[&str]) -> Output {
        Command::new(trycmd::cargo::cargo_bin!("vitesse"))
            .args(words)
            .env("VITESSE_HOME", self.home.path().join("home"))
            .env("VITESSE_RUNTIME", runtime())
            .env("DOCKER_HOST", &self.engine)
            .env("VITESSE_ALLOW", "127.0.0.1")
            .env("REGISTRY_LOGIN", "vitesse:for-tests")
            .env("SECRET_KEY", "NvwKeS0Npk4oOIw0xiZnfjJVRnnYWEIuqnHXpq69hOU=")
            .env_remove("TRAEFIK_DASHBOARD_URL")
            .output()
            .unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        let output = self.vitesse(&[words, &["--json"]].concat());
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn docker(&self, words: &[&str]) -> String {
        let output = Command::new("docker").args(["--host", &self.engine]).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The exported project, run as its compose file says.
fn composed(place: &Place, folder: &Path, id: &str) {
    let text = std::fs::read_to_string(folder.join("compose.yaml")).unwrap();
    let network = format!("vitesse-test-{id}");
    assert!(text.contains(&format!("name: \"{network}\"")), "{text}");
    let filled = "VITESSE_SOURCE_TOKEN=s3cret\nVITESSE_DEST_CLIENT_ID=a\nVITESSE_DEST_CLIENT_SECRET=s3cret\n";
    std::fs::write(folder.join(".env"), filled).unwrap();
    let command = parts(&["compose", "command"]);
    let project = format!("composed-{}", &id[..8]);
    let compose = |words: &[&str]| {
        let mut all = command.split(' ');
        let output = Command::new(all.next().unwrap())
            .args(all)
            .args(["--project-name", &project])
            .args(words)
            .current_dir(folder)
            .env("DOCKER_HOST", &place.engine)
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    // All of it can be read; Traefik itself would have to be pulled.
    assert!(compose(&["config"]).contains("traefik"));
    compose(&["up", "--build", "--detach", "integration"]);
    let container = compose(&["ps", "-q", "integration"]);
    place.docker(&["exec", &container, "/vitesse-runtime", "health"]);
    compose(&["down", "--volumes", "--rmi", "all"]);
}

fn runtime() -> PathBuf {
    let shipped = || {
        Path::new(trycmd::cargo::cargo_bin!("vitesse"))
            .ancestors()
            .nth(2)
            .unwrap()
            .join("shipped/vitesse-runtime")
    };
    let path = std::env::var_os("VITESSE_RUNTIME").map_or_else(shipped, Into::into);
    assert!(path.is_file(), "build it first: make static ({})", path.display());
    path
}

#[test]
fn from_two_descriptions_to_a_container_and_back() {
    let place = Place::new();
    let (shop, crm) = (format!("{ROOT}/examples/apis/shop.yaml"), format!("{ROOT}/examples/apis/crm.json"));
    let id = place.json(&[
        "create",
        "Shop",
        &shop,
        &crm,
        "--intent",
        "sync customers to contacts",
        "--target",
        "local",
    ]);
    let id = id["integration_id"].as_str().or(id["id"].as_str()).unwrap().to_owned();
    place.json(&["ingest", "Shop"]);
    place.json(&[
        "map",
        "Shop",
        "--from",
        "/customers",
        "--to",
        "/contacts",
        "--hint",
        "accepts_marketing=marketing_consent",
        "--hint",
        "lifetime_value=lifetime_value_cents",
        "--hint",
        "tags=labels",
        "--hint",
        "created_at=signed_up_at",
    ]);
    place.json(&["test", "Shop"]);

    // What is missing is named before anything is made.
    let network = format!("network=vitesse-test-{id}");
    let missing = place.vitesse(&["deploy", "Shop", "--config", &network]);
    assert!(!missing.status.success());
    assert!(String::from_utf8_lossy(&missing.stderr).contains("VITESSE_SOURCE_TOKEN"));
    let env_file = place.home.path().join("env");
    std::fs::write(&env_file, "VITESSE_SOURCE_TOKEN=s3cret\nVITESSE_DEST_CLIENT_ID=a\nVITESSE_DEST_CLIENT_SECRET='s3cret'\nBATCH_SIZE=7\n").unwrap();
    let env_file = env_file.to_str().unwrap();
    let deploy = ["deploy", "Shop", "--config", &network, "--env-file", env_file];

    let preview = place.json(&[&deploy[..], &["--dry-run"]].concat());
    assert_eq!(preview["changes"], true);
    assert!(preview["objects"].as_array().unwrap().iter().all(|object| object["intent"] == "create"));
    assert!(!preview.to_string().contains("s3cret"));

    let first = place.json(&deploy);
    assert_eq!(first["status"], "active");
    assert_eq!(first["service_url"], format!("http://localhost/vitesse-{id}"));
    // A secret that was given is kept; the configuration stays as it was said.
    let again = place.json(&["deploy", "Shop", "--env", "BATCH_SIZE=7"]);
    assert_eq!(again["changed"], false, "{again}");
    let status = place.json(&["status", "Shop"]);
    assert_eq!(status["deployment"]["condition"], "healthy");
    assert!(status["service"].is_object(), "it is asked with its key: {status}");
    assert!(!place.json(&["logs", "Shop"])["lines"].as_array().unwrap().is_empty());

    let more = place.json(&["deploy", "Shop", "--env", "BATCH_SIZE=7", "--memory", "256"]);
    assert_eq!(more["changed"], true);
    let build = place.json(&["logs", "Shop", "--build"]);
    assert_eq!((&build["number"], &build["config"]["memory_mb"]), (&3.into(), &256.into()));
    assert!(build["files"].as_array().unwrap().iter().any(|file| file["path"] == "Dockerfile"));
    place.json(&["rollback", "Shop"]);
    let container = place.json(&["status", "Shop"]);
    assert_eq!(container["deployment"]["condition"], "healthy");
    let name = format!("vitesse-{}", &id[..8]);
    assert_eq!(
        place.docker(&["inspect", "--format", "{{.HostConfig.Memory}}", &name]).trim(),
        (512 << 20).to_string()
    );
    let list = place.json(&["deployments", "Shop"]);
    assert_eq!(list["deployments"].as_array().unwrap().len(), 4);
    assert_eq!(list["deployments"][0]["rolled_back_to"], 2);

    // The image by itself, and by hand.
    let folder = place.home.path().join("project");
    let file = place.home.path().join("image.tar");
    place.json(&["export", "Shop", folder.to_str().unwrap()]);
    let image = place.json(&[
        "image",
        "Shop",
        "--output",
        file.to_str().unwrap(),
        "--context",
        folder.to_str().unwrap(),
    ]);
    place.docker(&["load", "-i", file.to_str().unwrap()]);
    assert_eq!(
        place.docker(&["inspect", "--format", "{{.Id}}", image["name"].as_str().unwrap()]).trim(),
        image["id"]
    );
    place.docker(&["build", "-q", "-t", &format!("{name}:built"), folder.to_str().unwrap()]);
    let built = format!("{name}:built");
    let check = [
        "run",
        "--rm",
        "--network",
        "none",
        "--entrypoint",
        "/vitesse-runtime",
        &built,
        "transform",
        "--check",
        "--mapping",
    ];
    place.docker(&[&check[..], &["/mapping/001-customers.json"]].concat());

    composed(&place, &folder, &id);

    // Pushed with the login of a connection; without one the registry refuses.
    let registry = parts(&["registry", "start"]);
    let to = format!("{registry}/tests/{name}:1");
    let nobody = place.vitesse(&["image", "Shop", "--push", &to]);
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("VITESSE_REGISTRY_USERNAME"));
    place.json(&["connect", "registry", &format!("http://{registry}"), "--basic-env", "REGISTRY_LOGIN"]);
    let pushed = place.json(&["image", "Shop", "--push", &to, "--connection", "registry"]);
    assert_eq!(pushed["pushed"]["digest"], image["digest"]);

    place.json(&["delete", "Shop"]);
    place.docker(&["rmi", "-f", &format!("{name}:built")]);
    for what in [&["ps", "-aq"][..], &["images", "-aq"], &["volume", "ls", "-q"]] {
        let label = format!("label=vitesse.integration.id={id}");
        assert_eq!(place.docker(&[what, &["--filter", &label]].concat()), "", "{what:?}");
    }
}

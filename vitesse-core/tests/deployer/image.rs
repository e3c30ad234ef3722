//! The image: built by an engine from the generated files it is the same, and registries take it.

use std::path::Path;
use std::process::Command;

use uuid::Uuid;
use vitesse_core::ErrorKind;
use vitesse_core::deployer::{
    Binary, Deployment, Image, ImageParts, ImageReference, RegistryLogin, build_context, push,
};
use vitesse_core::mapping::Mapping;
use vitesse_core::net::{Client, Guard, NetConfig};
use vitesse_core::progress::Progress;
use vitesse_core::secret::Secret;

use crate::docker::{Engine, tree};
use crate::parts;

fn deployment() -> Deployment {
    let mapping = Mapping::parse(br#"{"version": 1, "transformations": [], "stream": "orders"}"#).unwrap();
    Deployment::new(Uuid::new_v4(), "Shop \"to\" $(CRM)", vec![mapping])
}

fn image(deployment: &Deployment, binary: &Binary) -> Image {
    Image::assemble(&ImageParts { deployment, binary, version: "0.1.0", roots: Some(b"added\n") }).unwrap()
}

fn login() -> RegistryLogin {
    RegistryLogin { username: "vitesse".into(), password: Secret::new("for-tests") }
}

fn client() -> Client {
    Client::new(NetConfig { guard: Guard::from_list(["127.0.0.1"]).unwrap(), ..NetConfig::default() })
        .unwrap()
}

#[test]
fn an_archive_is_loaded_runs_and_stays_small() {
    let (engine, folder, deployment) = (Engine::start(), tempfile::tempdir().unwrap(), deployment());
    let binary = Binary::read(&parts::runtime()).unwrap();
    let image = image(&deployment, &binary);
    assert!(image.size() < 13_000_000, "{} bytes", image.size());
    let file = folder.path().join("image.tar");
    let name = format!("vitesse-test-{}:archive", deployment.integration_id.simple());
    image.write_archive(&name, std::fs::File::create(&file).unwrap()).unwrap();
    engine.docker(&["load", "-i", file.to_str().unwrap()]);
    assert_eq!(engine.inspect(&name)["Id"], image.id(), "the engine calls it as we do");
    let said = engine.docker(&[
        "run",
        "--rm",
        "--read-only",
        "--network",
        "none",
        "--entrypoint",
        "/vitesse-runtime",
        &name,
        "--version",
        "--json",
    ]);
    assert!(said.contains("mapping_versions"), "{said}");
    engine.docker(&["rmi", &name]);
}

#[test]
fn built_by_an_engine_from_the_dockerfile_it_is_the_same() {
    let (engine, folder, deployment) = (Engine::start(), tempfile::tempdir().unwrap(), deployment());
    let binary = Binary::read(&parts::runtime()).unwrap();
    let parts =
        ImageParts { deployment: &deployment, binary: &binary, version: "0.1.0", roots: Some(b"added\n") };
    let image = Image::assemble(&parts).unwrap();
    let context = folder.path().join("context");
    std::fs::create_dir(&context).unwrap();
    for file in build_context(&parts) {
        write(&context.join(&file.path), file.content.as_deref(), file.can_run);
    }
    let dockerfile = vitesse_templates::render(&vitesse_templates::Dockerfile {
        integration_id: deployment.integration_id.to_string(),
        name: deployment.name.clone(),
        mapping_hash: deployment.mapping_hash(),
        version: "0.1.0".into(),
        added_roots: true,
    });
    write(&context.join("Dockerfile"), Some(dockerfile.unwrap().as_bytes()), false);
    let id = deployment.integration_id.simple();
    let (built, ours) = (format!("vitesse-test-{id}:built"), format!("vitesse-test-{id}:ours"));
    engine.docker(&["build", "-q", "-t", &built, context.to_str().unwrap()]);
    let archive = folder.path().join("image.tar");
    image.write_archive(&ours, std::fs::File::create(&archive).unwrap()).unwrap();
    engine.docker(&["load", "-i", archive.to_str().unwrap()]);

    assert_eq!(tree(&engine, &built, folder.path()), tree(&engine, &ours, folder.path()));
    let (built_says, ours_says) = (engine.inspect(&built), engine.inspect(&ours));
    for field in ["User", "ExposedPorts", "Entrypoint", "Volumes", "Labels"] {
        assert_eq!(built_says["Config"][field], ours_says["Config"][field], "{field}");
    }
    let env = |said: &serde_json::Value| {
        let mut env: Vec<String> = serde_json::from_value(said["Config"]["Env"].clone()).unwrap();
        // The builder adds one that means nothing here.
        env.retain(|variable| !variable.starts_with("PATH="));
        env
    };
    assert_eq!(env(&built_says), env(&ours_says));
    engine.docker(&["rmi", "-f", &built, &ours]);
}

fn write(path: &Path, content: Option<&[u8]>, can_run: bool) {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(content) = content else { return std::fs::create_dir_all(path).unwrap() };
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
    let mode = if can_run { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_registry_takes_it_once_and_gives_back_the_same() {
    let (registry, deployment) = (parts::start("registry"), deployment());
    let binary = Binary::read(&parts::runtime()).unwrap();
    let image = image(&deployment, &binary);
    let place = format!("{registry}/tests/{}", deployment.integration_id.simple());
    let to: ImageReference = format!("{place}:1.0").parse().unwrap();
    let (client, progress, login) = (client(), Progress::none(), login());
    let pushed = push(&image, &to, Some(&login), &client, &progress).await.unwrap();
    assert_eq!(pushed.digest, image.digest());
    assert!(pushed.sent > image.size());
    let again = push(&image, &to, Some(&login), &client, &progress).await.unwrap();
    assert!(again.sent < 2000, "only the manifest: {}", again.sent);

    // An engine pulls exactly this, by the digest.
    let engine = Engine::start();
    let by_digest = format!("{place}@{}", image.digest());
    let config = tempfile::tempdir().unwrap();
    let docker = |arguments: &[&str]| {
        let mut command = Command::new("docker");
        let output = command
            .args(["--config", config.path().to_str().unwrap(), "--host", &engine.address])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    docker(&["login", "-u", "vitesse", "-p", "for-tests", &registry]);
    docker(&["pull", "-q", &by_digest]);
    assert_eq!(engine.inspect(&by_digest)["Id"], image.id());
    engine.docker(&["rmi", &by_digest]);
}

#[tokio::test]
async fn a_registry_that_refuses_is_understood() {
    let (registry, deployment) = (parts::start("registry"), deployment());
    let binary = Binary::read(&parts::runtime()).unwrap();
    let image = image(&deployment, &binary);
    let to: ImageReference = format!("{registry}/tests/refused").parse().unwrap();
    let (client, progress) = (client(), Progress::none());
    let nobody = push(&image, &to, None, &client, &progress).await.unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::CredentialRefused, "{nobody}");
    assert!(nobody.help_text().unwrap().contains("VITESSE_REGISTRY_USERNAME"));
    let wrong = RegistryLogin { password: Secret::new("s3cret-guess"), ..login() };
    let error = push(&image, &to, Some(&wrong), &client, &progress).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused, "{error}");
    assert!(!format!("{error} {error:?}").contains("s3cret-guess"));
    // One on a private address is a name like any other: the guard decides.
    let guarded = Client::new(NetConfig::default()).unwrap();
    let error = push(&image, &to, Some(&login()), &guarded, &progress).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddressRefused, "{error}");
    progress.cancel().cancel();
    let error = push(&image, &to, Some(&login()), &client, &progress).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
}

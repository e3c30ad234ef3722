//! What is kept of deployments, and going back to one.

use std::sync::Arc;

use uuid::Uuid;
use vitesse_core::ErrorKind;
use vitesse_core::orchestrator::{
    DeployOptions, DeploymentOutcome, ImageOptions, MapOptions, TestStepOptions, Vitesse,
};
use vitesse_core::secret::{EncryptedSource, KeyRing, Secret};
use vitesse_core::store::MemoryStore;
use vitesse_core::store::repository::Status;

use crate::target::Shelf;
use crate::way::{customers, mapped, memory, tested, with_credentials};

async fn again(vitesse: &Vitesse, id: Uuid, options: MapOptions) {
    vitesse.map(id, MapOptions { restart: true, ..options }).await.unwrap();
    vitesse.test(id, TestStepOptions::default()).await.unwrap().require_pass().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_kept_with_what_it_takes_to_go_back() {
    let (vitesse, shelf) = memory();
    let id = tested(&vitesse).await;
    assert!(vitesse.deployments(id, 10).await.unwrap().is_empty());
    assert_eq!(vitesse.roll_back(id, None).await.unwrap_err().kind(), ErrorKind::Prerequisite);

    let mut options = with_credentials();
    options.environment.insert("BATCH_SIZE".into(), "7".into());
    options.credentials.insert("VITESSE_KEY".into(), Secret::new("s3cret-value"));
    vitesse.deploy(id, options).await.unwrap();
    let first = shelf.deployment(id).unwrap();
    assert_eq!(first.credentials["VITESSE_KEY"].expose(), "s3cret-value");

    again(
        &vitesse,
        id,
        MapOptions { constants: [("company_name".into(), "Web".into())].into(), ..customers() },
    )
    .await;
    vitesse.deploy(id, DeployOptions { memory_mb: Some(256), ..with_credentials() }).await.unwrap();
    let second = shelf.deployment(id).unwrap();
    assert_ne!(first.mapping_hash(), second.mapping_hash());

    shelf.fail(Some(ErrorKind::DeployFailed));
    vitesse.deploy(id, with_credentials()).await.unwrap_err();
    shelf.fail(None);

    let records = vitesse.deployments(id, 10).await.unwrap();
    let told: Vec<_> = records.iter().map(|record| (record.number, record.outcome)).collect();
    use DeploymentOutcome::{Deployed, Failed};
    assert_eq!(told, [(3, Failed), (2, Deployed), (1, Deployed)]);
    assert!(records[0].error.as_ref().unwrap().contains("the shelf is broken"));
    assert_eq!(records[1].config.memory_mb, 256);
    assert_eq!((records[2].environment["BATCH_SIZE"].as_str(), records[2].actor.as_str()), ("7", "anna"));
    assert!(records[2].log.contains(&"put on the shelf".to_owned()));
    let files: Vec<&str> = records[2].files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, [".env.example", "Dockerfile", "compose.yaml"]);
    assert!(!serde_json::to_string(&records).unwrap().contains("s3cret-value"));
    assert_eq!(vitesse.deployments(id, 1).await.unwrap().len(), 1);
    assert_eq!(vitesse.deployment(id, Some(2)).await.unwrap(), records[1]);
    assert_eq!(vitesse.deployment(id, Some(9)).await.unwrap_err().kind(), ErrorKind::NotFound);

    // Named by whoever asks, and not by the integration.
    let error = vitesse.roll_back(id, Some(9)).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, "orchestrator.rollback"), "{error}");
    assert_eq!(vitesse.roll_back(Uuid::nil(), Some(9)).await.unwrap_err().kind(), ErrorKind::NotFound);

    // Nothing keeps secrets here, so the one that was given then has to be there again.
    let error = vitesse.roll_back(id, Some(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused);
    assert!(error.to_string().contains("VITESSE_KEY"), "{error}");
    let error = vitesse.roll_back(id, Some(3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "one that never ran is nothing to go back to");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn going_back_brings_the_mapping_the_size_and_the_variables() {
    let (vitesse, shelf) = memory();
    let vitesse = crate::way::fixed(&vitesse, &shelf);
    let id = tested(&vitesse).await;
    let environment = [("BATCH_SIZE".to_owned(), "7".to_owned())];
    vitesse
        .deploy(id, DeployOptions { environment: environment.into(), ..DeployOptions::default() })
        .await
        .unwrap();
    let first = shelf.deployment(id).unwrap();
    again(
        &vitesse,
        id,
        MapOptions { constants: [("company_name".into(), "Web".into())].into(), ..customers() },
    )
    .await;
    vitesse.deploy(id, DeployOptions { memory_mb: Some(256), ..DeployOptions::default() }).await.unwrap();
    // What isn't spoken of stays; an empty value takes a variable away.
    assert_eq!(shelf.deployment(id).unwrap().environment, first.environment);
    let gone = DeployOptions {
        environment: [("BATCH_SIZE".into(), String::new())].into(),
        ..DeployOptions::default()
    };
    vitesse.deploy(id, gone).await.unwrap();
    assert!(shelf.deployment(id).unwrap().environment.is_empty());
    vitesse.roll_back(id, Some(2)).await.unwrap();

    let report = vitesse.roll_back(id, Some(1)).await.unwrap();
    assert!(report.changed && !report.forced);
    let back = shelf.deployment(id).unwrap();
    assert_eq!(back.mapping_hash(), first.mapping_hash());
    assert_eq!((back.config.memory_mb, back.environment), (512, first.environment));
    let read = vitesse.get(id).await.unwrap();
    assert_eq!((read.status, read.deployment_config.memory_mb), (Status::Active, 512));
    let latest = vitesse.deployment(id, None).await.unwrap();
    assert_eq!(latest.rolled_back_to, Some(1));
    // And forward again: the last that differs from what runs.
    vitesse.roll_back(id, None).await.unwrap();
    assert_eq!(shelf.deployment(id).unwrap().config.memory_mb, 256);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_kept_by_a_deploy_and_by_nothing_less() {
    let folder = tempfile::tempdir().unwrap();
    let ring = KeyRing::parse(&KeyRing::generate()).unwrap();
    let source = Arc::new(EncryptedSource::open(folder.path().join("credentials"), ring).unwrap());
    let vitesse = Vitesse::builder(Arc::new(MemoryStore::new()))
        .target(Arc::new(Shelf::default()))
        .default_target("shelf")
        .credentials(source.clone())
        .build()
        .unwrap();
    let id = tested(&vitesse).await;
    // The shelf can't say what it would do, and is asked only once everything is there.
    let error = vitesse.preview(id, with_credentials()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let mut half = with_credentials();
    half.credentials.remove("VITESSE_SOURCE_TOKEN");
    let error = vitesse.deploy(id, half).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused, "{error}");
    assert!(source.names().unwrap().is_empty(), "neither brought anything up");
    vitesse.deploy(id, with_credentials()).await.unwrap();
    assert!(!source.names().unwrap().is_empty());
    vitesse.deploy(id, DeployOptions::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_and_a_preview_need_what_a_deploy_needs() {
    let (vitesse, _) = memory();
    let id = mapped(&vitesse).await;
    let options = ImageOptions { push: Some("no place".into()), ..ImageOptions::default() };
    let error = vitesse.image(id, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "where it goes is looked at first: {error}");
    let error = vitesse.preview(id, with_credentials()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Prerequisite, "{error}");
    vitesse.test(id, TestStepOptions::default()).await.unwrap().require_pass().unwrap();
    let error = vitesse.preview(id, DeployOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused, "{error}");
    let error = vitesse.preview(id, with_credentials()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "the shelf can't say: {error}");
}

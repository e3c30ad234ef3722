//! An integration as a file: planned, applied, and left alone when nothing differs.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;
use vitesse_core::ErrorKind;
use vitesse_core::orchestrator::{
    Project, ProjectPlan, StepName, Vitesse, project_reference, project_schema,
};
use vitesse_core::store::repository::Status;
use vitesse_core::store::{MemoryStore, Store};
use vitesse_core::testing::assert_generated;

use crate::common::example;
use crate::target::Shelf;
use crate::way::Fixed;

fn place() -> (Vitesse, Arc<Shelf>) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let shelf = Arc::new(Shelf::default());
    let builder = Vitesse::builder(store).target(shelf.clone()).default_target("shelf");
    (builder.credentials(Arc::new(Fixed)).build().unwrap().by("anna"), shelf)
}

fn text() -> String {
    let (shop, crm) = (example("shop.yaml"), example("crm.json"));
    format!(
        "name: Shop to CRM
intent: sync customers and orders
source: {{api: {shop}}}
destination:
  api: {crm}
  base_url: https://eu.lighthouse-crm.example/api/v1
streams:
  - {{name: customers, from: GET /customers, to: POST /contacts, hints: {{tags: labels}}}}
  - from: GET /orders
    to: POST /deals
    hints: {{number: name}}
    destination: {{batch: {{records: 1}}}}
deploy:
  target: shelf
  environment: {{BATCH_SIZE: 50}}
schedule: 15m
"
    )
}

fn project(text: &str) -> Project {
    Project::parse(text, "").unwrap()
}

fn steps(plan: &ProjectPlan) -> Vec<StepName> {
    plan.steps.iter().map(|planned| planned.step).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_planned_is_done_and_nothing_else() {
    use StepName::{Create, Deploy, Ingest, Map, Test};
    let (vitesse, shelf) = place();
    let first = project(&text());
    let plan = vitesse.plan(&first).await.unwrap();
    assert_eq!((steps(&plan), plan.integration_id), (vec![Create, Ingest, Map, Test, Deploy], None));
    let applied = vitesse.apply(&first).await.unwrap();
    assert_eq!(applied.plan, plan);
    let id = applied.integration_id;
    let up = shelf.deployment(id).unwrap();
    assert_eq!(up.environment["BATCH_SIZE"], "50");
    assert_eq!(up.environment["VITESSE_SCHEDULE"], "15m");
    assert_eq!(up.mappings.len(), 2);
    let base = &up.mappings[1].destination.as_ref().unwrap().base_url;
    assert_eq!(base, "https://eu.lighthouse-crm.example/api/v1", "what a side says holds in every stream");

    // Again, nothing; not even a new revision.
    let before = vitesse.get_versioned(id).await.unwrap().revision;
    assert!(vitesse.plan(&first).await.unwrap().is_empty());
    assert!(vitesse.apply(&first).await.unwrap().plan.is_empty());
    assert_eq!(vitesse.get_versioned(id).await.unwrap().revision, before);

    // Each change does what depends on it.
    let changes = [
        ("description: for sales\n", vec!["description"], vec![]),
        ("test: {samples: 7}\n", vec![], vec![Test, Deploy]),
        ("constraints: {never_send: [phone]}\n", vec!["constraints"], vec![Map, Test, Deploy]),
        ("preferences: {on_error: skip}\n", vec!["preferences"], vec![Map, Test, Deploy]),
    ];
    let mut text = text();
    for (more, keys, runs) in changes {
        text.push_str(more);
        let project = project(&text);
        let plan = vitesse.plan(&project).await.unwrap();
        let changed: Vec<_> = plan.changes.iter().map(|change| change.what.as_str()).collect();
        assert_eq!((changed, steps(&plan)), (keys, runs), "{more}");
        vitesse.apply(&project).await.unwrap();
        assert!(vitesse.plan(&project).await.unwrap().is_empty(), "{more}");
    }
    let larger = text.replace("target: shelf", "target: shelf\n  memory_mb: 1024").replace("15m", "1h");
    let plan = vitesse.plan(&project(&larger)).await.unwrap();
    assert_eq!((plan.changes[0].what.as_str(), steps(&plan)), ("deploy", vec![Deploy]));
    vitesse.apply(&project(&larger)).await.unwrap();
    assert_eq!(shelf.deployment(id).unwrap().config.memory_mb, 1024);
    assert!(vitesse.plan(&project(&larger)).await.unwrap().is_empty());

    // What others changed meanwhile is changed back.
    let update = vitesse_core::orchestrator::UpdateIntegration {
        user_intent: Some("something else".into()),
        ..Default::default()
    };
    vitesse.update(id, None, update).await.unwrap();
    let plan = vitesse.apply(&project(&larger)).await.unwrap().plan;
    assert_eq!((plan.changes[0].what.as_str(), steps(&plan)), ("intent", vec![Map, Test, Deploy]));
    assert_eq!(vitesse.get(id).await.unwrap().status, Status::Active);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_file_no_longer_says_is_taken_away() {
    use StepName::{Deploy, Map, Test};
    let (vitesse, shelf) = place();
    let all = text();
    let id = vitesse.apply(&project(&all)).await.unwrap().integration_id;
    let some = all.replace("{tags: labels}", "{tags: labels}, filter: {field: phone, is_null: false}");
    assert_eq!(steps(&vitesse.plan(&project(&some)).await.unwrap()), [Map, Test, Deploy]);
    vitesse.apply(&project(&some)).await.unwrap();
    let filter = |at: usize| shelf.deployment(id).unwrap().mappings[at].filter.is_some();
    assert!(filter(0) && !filter(1) && vitesse.plan(&project(&some)).await.unwrap().is_empty());
    let exported = vitesse.export(id).await.unwrap();
    assert!(exported.iter().any(|file| file.path == "vitesse.yaml" && file.text.contains("filter:")));

    let other = all.replace("BATCH_SIZE: 50", "VITESSE_LOG: info");
    vitesse.apply(&project(&other)).await.unwrap();
    assert!(!filter(0));
    let up = shelf.deployment(id).unwrap().environment;
    assert_eq!(up.keys().map(String::as_str).collect::<Vec<_>>(), ["VITESSE_LOG", "VITESSE_SCHEDULE"]);
    assert!(vitesse.plan(&project(&other)).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_description_that_changed_is_read_anew() {
    let (vitesse, _) = place();
    let folder = tempfile::tempdir().unwrap();
    let shop = std::fs::read_to_string(example("shop.yaml")).unwrap();
    std::fs::write(folder.path().join("shop.yaml"), &shop).unwrap();
    std::fs::copy(example("crm.json"), folder.path().join("crm.json")).unwrap();
    let file = folder.path().join("vitesse.yaml");
    let text = "name: Two\nintent: sync customers\nsource: {api: shop.yaml, name: Ours}\ndestination: {api: crm.json}\n";
    std::fs::write(&file, text).unwrap();
    let project = Project::open(&file).unwrap();
    let applied = vitesse.apply(&project).await.unwrap();
    assert!(applied.deployed.is_none() && applied.score.is_some());
    assert_eq!(vitesse.overview(applied.integration_id).await.unwrap().source_api, "Ours");
    assert!(vitesse.plan(&project).await.unwrap().is_empty());
    std::fs::write(folder.path().join("shop.yaml"), shop.replace("maximum: 250", "maximum: 100")).unwrap();
    let plan = vitesse.plan(&project).await.unwrap();
    assert_eq!(plan.steps[0].because, "the description of the source changed");
    vitesse.apply(&project).await.unwrap();
    assert!(vitesse.plan(&project).await.unwrap().is_empty());

    // Another API in its place.
    std::fs::rename(folder.path().join("shop.yaml"), folder.path().join("store.yaml")).unwrap();
    let project = Project::parse(&text.replace("shop.yaml", "store.yaml"), folder.path()).unwrap();
    let plan = vitesse.apply(&project).await.unwrap().plan;
    assert_eq!((plan.changes[0].what.as_str(), plan.steps[0].step), ("source", StepName::Ingest));
    assert!(vitesse.plan(&project).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exported_describes_the_same() {
    let (vitesse, _) = place();
    let id = vitesse.apply(&project(&text())).await.unwrap().integration_id;
    let files = vitesse.export(id).await.unwrap();
    let names: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        names,
        [
            "mapping/001-customers.json",
            "mapping/002-orders.json",
            "README.md",
            ".env.example",
            "Dockerfile",
            "compose.yaml",
            "vitesse.yaml"
        ]
    );
    let written = project(&files[6].text);
    assert!(vitesse.plan(&written).await.unwrap().is_empty(), "{}", files[6].text);
    assert!(files[3].text.contains("VITESSE_SOURCE_TOKEN") && !files[3].text.contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_fails_stops_it_and_it_goes_on_from_there() {
    let (vitesse, shelf) = place();
    let without_name = text().replace("hints: {number: name}", "hints: {}");
    let error = vitesse.apply(&project(&without_name)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GateFailed);
    assert!(error.to_string().contains("step: test"), "{error}");
    let id = vitesse.find("Shop to CRM").await.unwrap();
    assert!(shelf.deployment(id).is_none());
    let plan = vitesse.plan(&project(&without_name)).await.unwrap();
    assert_eq!(steps(&plan), [StepName::Test, StepName::Deploy]);
    vitesse.apply(&project(&text())).await.unwrap();
    assert!(shelf.deployment(id).is_some());
}

#[test]
fn every_mistake_is_named_with_its_line() {
    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        let error = Project::parse(text, "").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        for part in expect {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    }
    let sides = "source: {api: a.yaml}\ndestination: {api: b.yaml}\n";
    check("", &["an object was expected"]);
    check(sides, &["the key \"name\" is missing"]);
    check(&format!("nam: x\n{sides}"), &["line 1, nam: there is no such key; did you mean \"name\"?"]);
    check(
        &format!("name: x\n{sides}streams:\n  - form: GET /a\n    to: POST /b\ndeploy: {{replica: 2}}\n"),
        &["line 5, streams.0.form", "did you mean \"from\"?", "line 7, deploy.replica", "\"replicas\""],
    );
    check(&format!("name: x\n{sides}schedule: 5m\n"), &["nothing is deployed that could run by it"]);
    check(&format!("version: 2\nname: x\n{sides}"), &["line 1, version", "reads version 1"]);
    check(&format!("name: x\n{sides}hints: {{a: [b]}}\n"), &["line 4, hints"]);
    check("name: [\n", &["line"]);
    check(&format!("name: x\nname: y\n{sides}"), &["occurs twice", "line: 2"]);
}

#[test]
fn the_example_is_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let project = Project::open(&root.join("examples/shop-to-crm/vitesse.yaml")).unwrap();
    assert_eq!(project.file.streams.len(), 2);
    assert_eq!(json!(project.file.name), "Shop to CRM");
}

fn docs(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/reference").join(file)
}

#[test]
fn generated_json_schema_of_the_project_file() {
    assert_generated(docs("vitesse.schema.json"), &project_schema());
}

#[test]
fn generated_reference_of_the_project_file() {
    const MARK: &str = "change it there. -->\n";
    let page = std::fs::read_to_string(docs("vitesse-yaml.md")).unwrap();
    let written = &page[..page.find(MARK).unwrap() + MARK.len()];
    assert_generated(docs("vitesse-yaml.md"), &format!("{written}{}", project_reference()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_name_integrations_and_apis_as_they_like() {
    let (vitesse, _) = place();
    for (named, name, source) in [
        (example("shop.yaml").as_str(), "Fjord Shop", "file"),
        ("https://api.example.com/v1", "api.example.com", "url"),
        ("stripe.com", "Stripe API", "catalog"),
        ("Stripe API", "Stripe API", "catalog"),
    ] {
        let chosen = vitesse.choose(named).unwrap();
        assert_eq!(
            (chosen["api_name"].as_str(), chosen["source"].as_str()),
            (Some(name), Some(source)),
            "{named}"
        );
    }
    assert!(vitesse.choose("https://x.test/openapi.json").unwrap().get("spec_url").is_some());
    for (named, kind, says) in [
        ("strpe.com", ErrorKind::NotFound, "did you mean \"stripe.com\"?"),
        ("nowhere.yaml", ErrorKind::NotFound, "nowhere.yaml"),
        (concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), ErrorKind::SpecInvalid, "Cargo.toml"),
    ] {
        let error = vitesse.choose(named).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let error = vitesse.find(&Uuid::new_v4().to_string()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use vitesse_core::orchestrator::{CreateIntegration, IngestOptions, Vitesse};
use vitesse_core::store::{EmbeddedStore, MemoryStore, PostgresStore, Store};

/// The file of an example API.
pub(crate) fn example(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("examples/apis").join(name).display().to_string()
}

pub(crate) fn discovery(name: &str) -> Value {
    json!({
        "api_name": name, "description": "for a test", "base_url": "https://api.example.com",
        "documentation_url": "https://example.com/docs", "confidence_score": 0.95, "source": "catalog"
    })
}

/// Shop to CRM, as discovery and a person would choose it.
pub(crate) fn shop_to_crm() -> CreateIntegration {
    CreateIntegration {
        name: "Shop to CRM".into(),
        source_discovery: discovery("Fjord Shop"),
        dest_discovery: discovery("Lighthouse CRM"),
        user_intent: "Sync customers to contacts".into(),
        ..CreateIntegration::default()
    }
}

pub(crate) fn both() -> IngestOptions {
    IngestOptions {
        source_spec_url: Some(example("shop.yaml")),
        dest_spec_url: Some(example("crm.json")),
        ..IngestOptions::default()
    }
}

pub(crate) fn vitesse(store: &Arc<dyn Store>) -> Vitesse {
    let namespace = uuid::Uuid::new_v4().to_string();
    Vitesse::builder(store.clone()).namespace(namespace).build().unwrap().by("anna")
}

/// Every store, and what must outlive it.
pub(crate) async fn stores() -> Vec<(Arc<dyn Store>, Box<dyn Send>)> {
    let folder = tempfile::tempdir().unwrap();
    let embedded = EmbeddedStore::open(folder.path().join("state.redb"), Default::default()).await.unwrap();
    let postgres = PostgresStore::open(&server(), Default::default()).await.unwrap();
    vec![
        (Arc::new(MemoryStore::new()), Box::new(())),
        (Arc::new(embedded), Box::new(folder)),
        (Arc::new(postgres), Box::new(())),
    ]
}

/// The shared PostgreSQL: the one that is named, else one that is started here.
pub(crate) fn server() -> String {
    std::env::var("VITESSE_TEST_POSTGRES").unwrap_or_else(|_| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let output = Command::new(root.join(".ci/parts")).args(["postgres", "start"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

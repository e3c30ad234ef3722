//! The commands that people know, typed as they know them. Only hosts are others: the control plane's, and those of the
//! two APIs, which answer here; and the target is one that needs no Docker.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::world::{API, World, describe};

const SOURCE: &str = include_str!("reference/source.json");
const DEST: &str = include_str!("reference/destination.json");

/// What is in the file of that name, run by a shell.
async fn typed(command: &str, places: &[(&str, &str)]) -> Value {
    let file = format!("{}/tests/http/reference/{command}.sh", env!("CARGO_MANIFEST_DIR"));
    let mut text = std::fs::read_to_string(file).unwrap();
    for (public, local) in places {
        text = text.replace(public, local);
    }
    let run = move || {
        Command::new("sh").arg("-c").arg(text).stdin(Stdio::null()).stderr(Stdio::null()).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(output.status.success(), "{command}: is curl installed? {output:?}");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{command}: {error}: {}", String::from_utf8_lossy(&output.stdout)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_five_steps_as_they_are_typed() {
    let world = World::new().await;
    let (source, dest) = (describe(SOURCE).await, describe(DEST).await);
    let mut places = vec![
        ("localhost:9001", world.address.as_str()),
        ("https://api.salesforce.com/openapi.json", ""),
        ("https://api.hubspot.com/openapi.json", ""),
        ("\"deployment_target\": \"local\"", "\"deployment_target\": \"process\""),
    ];
    let (source_spec, dest_spec) = (format!("{source}/openapi.json"), format!("{dest}/openapi.json"));
    places[1].1 = &source_spec;
    places[2].1 = &dest_spec;

    let made = typed("create", &places).await;
    let id = made["integration_id"].as_str().unwrap().to_owned();
    assert_eq!((&made["status"], &made["current_step"]), (&"success".into(), &"DISCOVERING".into()));
    let integration = &made["data"]["integration"];
    assert_eq!(integration["status"], "discovering");
    assert_eq!(integration["source_discovery"]["confidence_score"], 0.95);
    for later in ["source_api_spec", "dest_api_spec", "mapping_logic", "health_score", "container_id"] {
        assert_eq!(integration.get(later), Some(&Value::Null), "{later}");
    }
    let next = |answer: &Value, step: &str| {
        assert_eq!(answer["data"]["next_step"], step, "{answer}");
        assert_eq!(answer["data"]["next_endpoint"], format!("/integrations/{id}/{step}"));
    };
    next(&made, "ingest");

    places.push(("ad9cb833-cd8d...", &id));
    let ingested = typed("ingest", &places).await;
    assert_eq!(ingested["current_step"], "MAPPING", "{ingested}");
    assert_eq!(
        ingested["data"]["source_endpoints"],
        serde_json::json!(["/customers", "/orders", "/contacts"])
    );
    assert_eq!(ingested["data"]["dest_endpoints"], serde_json::json!(["/contacts", "/deals", "/companies"]));
    next(&ingested, "map");

    let mapped = typed("map", &places).await;
    assert_eq!(mapped["current_step"], "TESTING", "{mapped}");
    assert!(mapped["data"]["transformation_count"].as_u64().unwrap() >= 5, "{mapped}");
    let complexity = mapped["data"]["complexity_score"].as_f64().unwrap();
    assert!((1.0..=10.0).contains(&complexity));
    next(&mapped, "test");

    let tested = typed("test", &places).await;
    assert_eq!(tested["current_step"], "DEPLOYING", "{tested}");
    assert!(tested["data"]["health_score"]["overall"].as_f64().unwrap() >= 70.0);
    assert_eq!((&tested["data"]["test_count"], &tested["data"]["passed_tests"]), (&10.into(), &10.into()));
    next(&tested, "deploy");

    let deployed = typed("deploy", &places).await;
    assert_eq!(deployed["current_step"], "ACTIVE", "{deployed}");
    assert_eq!(deployed["data"]["container_id"], format!("vitesse-{}", &id[..8]));
    assert!(deployed["data"]["service_url"].as_str().unwrap().starts_with("http://"));
    assert!(deployed["data"]["deployment_time_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(deployed["data"].as_object().unwrap().len(), 3, "nothing but what is known");

    // Each of the answers holds exactly what people know, and a status has no envelope.
    let state = world.get(&format!("/integrations/{id}")).await.is(200).json();
    let names: Vec<&String> = state.as_object().unwrap().keys().collect();
    assert_eq!(names, ["health_score", "integration_id", "last_updated", "status"]);
    assert_eq!(state["status"], "active");
    let list = world.get("/integrations").await.is(200).json();
    assert_eq!((&list["status"], &list["count"]), (&"success".into(), &1.into()));
    let names: Vec<&String> = list["data"][0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["created_at", "health_score", "id", "name", "status"]);
    world.ask("DELETE", &format!("{API}/integrations/{id}"), &[], "").await.is(200);
    let gone = world.get(&format!("/integrations/{id}")).await.is(404).json();
    assert_eq!((&gone["status"], &gone["http_status"]), (&"failed".into(), &404.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shorter_commands_too() {
    let world = World::new().await;
    let places = [("localhost:9001", world.address.as_str())];
    let made = typed("create-short", &places).await;
    assert_eq!(made["current_step"], "DISCOVERING", "{made}");
    assert_eq!(made["data"]["integration"]["created_by"], "system");
    assert_eq!(made["data"]["integration"]["deployment_config"]["target"], "local");
    assert_eq!(made["data"]["integration"]["deployment_config"]["memory_mb"], 512);
    let found = world.get("/discover?query=Salesforce&limit=5").await.is(200).json();
    assert!(found["data"].as_array().unwrap().len() <= 5);
}

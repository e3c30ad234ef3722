//! A deployment over HTTP: told beforehand, recorded, brought back, taken away as files and as an image.

use std::process::Command;

use serde_json::{Value, json};

use crate::world::{API, World};

/// Deploys with these credentials, none of which may be shown to anybody.
fn asked(batch: &str) -> Value {
    json!({
        "credentials": {
            "VITESSE_SOURCE_TOKEN": "s3cret-a", "VITESSE_DEST_CLIENT_ID": "s3cret-b", "VITESSE_DEST_CLIENT_SECRET": "s3cret-c",
        },
        "environment": {"BATCH_SIZE": batch},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_is_told_beforehand_recorded_and_brought_back() {
    let world = World::new().await;
    let id = world.mapped().await;
    let at = |path: &str| format!("/integrations/{id}{path}");
    let refused = world.send("POST", &at("/deploy/preview"), &asked("7")).await.is(400).json();
    assert_eq!(refused["details"]["help"], "run `test` first", "{refused}");
    assert_eq!(world.get(&at("/deployments")).await.is(200).json()["count"], 0);
    world.send("POST", &at("/rollback"), &json!({})).await.is(400);
    world.send("POST", &at("/test"), &json!({})).await.is(200);

    let preview = world.send("POST", &at("/deploy/preview"), &asked("7")).await.is(200);
    assert!(!preview.text().contains("s3cret"), "{}", preview.text());
    let preview = preview.json();
    assert_eq!((&preview["data"]["target"], &preview["data"]["changes"]), (&"process".into(), &true.into()));
    let kinds: Vec<&Value> =
        preview["data"]["objects"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["folder", "process"]);
    assert_eq!(world.get(&at("")).await.is(200).json()["status"], "deploying", "nothing was done");
    let refused = world.send("POST", &at("/deploy/preview"), &json!({})).await.is(400).json();
    assert_eq!(refused["error_id"], "credential_refused", "nothing that was given was kept: {refused}");

    world.send("POST", &at("/deploy"), &asked("7")).await.is(200);
    let same = json!({"environment": {"BATCH_SIZE": "7"}});
    let preview = world.send("POST", &at("/deploy/preview"), &same).await.is(200).json();
    assert_eq!(preview["data"]["changes"], false, "{preview}");
    world.send("POST", &at("/deploy"), &json!({"environment": {"BATCH_SIZE": "8"}})).await.is(200);

    let list = world.get(&at("/deployments")).await.is(200).json();
    let told = |list: &Value, place: usize, name: &str| list["data"][place][name].clone();
    assert_eq!(
        (&list["count"], told(&list, 0, "number"), told(&list, 1, "number")),
        (&2.into(), json!(2), json!(1))
    );
    assert_eq!(told(&list, 0, "environment"), json!({"BATCH_SIZE": "8"}));
    assert_eq!(
        (told(&list, 0, "outcome"), &list["data"][0]["config"]["target"]),
        (json!("deployed"), &json!("process"))
    );
    assert!(list["data"][0].get("files").is_none(), "a list is short");
    assert_eq!(world.get(&at("/deployments?limit=1")).await.is(200).json()["count"], 1);
    let first = world.get(&at("/deployments/1")).await.is(200);
    assert!(!first.text().contains("s3cret"), "{}", first.text());
    let first = first.json();
    assert_eq!(first["data"]["environment"]["BATCH_SIZE"], "7");
    assert!(
        first["data"]["log"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line.as_str().unwrap().contains("healthy"))
    );
    assert!(first["data"]["files"].as_array().unwrap().iter().any(|file| file["path"] == "Dockerfile"));
    for nothing in ["/deployments/9", "/deployments/0", "/deployments/one", "/deployments/4294967296"] {
        world.get(&at(nothing)).await.is(404);
    }

    // The number stands in the body: what is at the address is there.
    let refused = world.send("POST", &at("/rollback"), &json!({"to": 9})).await.is(400).json();
    assert_eq!(refused["error_id"], "not_found", "{refused}");
    world.send("POST", &at("/rollback"), &json!({"to": 0})).await.is(400);
    let back = world.ask("POST", &format!("{API}{}", at("/rollback")), &[], "").await.is(200).json();
    assert_eq!((&back["current_step"], &back["integration_id"]), (&"ACTIVE".into(), &id.as_str().into()));
    let list = world.get(&at("/deployments")).await.is(200).json();
    assert_eq!(
        (told(&list, 0, "rolled_back_to"), told(&list, 0, "environment")),
        (json!(1), json!({"BATCH_SIZE": "7"}))
    );
    world.ask("DELETE", &format!("{API}{}", at("")), &[], "").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_deployment_made_is_taken_away() {
    let world = World::new().await;
    let early = world.ingested().await;
    for path in ["export", "image"] {
        let refused = world.get(&format!("/integrations/{early}/{path}")).await.is(400).json();
        assert_eq!(refused["details"]["help"], "run `map` first", "{path}");
    }
    let id = world.mapped().await;
    let at = |path: &str| format!("/integrations/{id}{path}");
    let files = world.get(&at("/export")).await.is(200).json();
    let paths: Vec<&Value> = files["data"].as_array().unwrap().iter().map(|file| &file["path"]).collect();
    for wanted in ["vitesse.yaml", "Dockerfile", "compose.yaml", "mapping/001-customers.json"] {
        assert!(paths.iter().any(|path| **path == wanted), "{wanted} is not in {paths:?}");
    }

    let image = world.send("POST", &at("/image"), &json!({})).await.is(200).json();
    assert_eq!((&image["data"]["pushed"], &image["data"]["output"]), (&Value::Null, &Value::Null));
    assert_eq!(image["data"]["labels"]["vitesse.integration.id"], id.as_str());
    let archive = world.get(&at("/image")).await.is(200);
    let name = format!("attachment; filename=\"vitesse-{}.tar\"", &id[..8]);
    assert_eq!(archive.header("content-disposition"), Some(name.as_str()));
    assert_eq!(archive.header("content-length"), Some(archive.body.len().to_string().as_str()));
    let mut archive = tar::Archive::new(archive.body.as_slice());
    let inside: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    let config =
        format!("blobs/sha256/{}", image["data"]["id"].as_str().unwrap().trim_start_matches("sha256:"));
    assert!(inside.contains(&config) && inside.contains(&"index.json".to_owned()), "{inside:?}");

    // Places of the server's disk are not the caller's to name, and a registry has to be one.
    for (wrong, part) in [
        (json!({"output": "/tmp/x"}), "output"),
        (json!({"context": "/tmp"}), "context"),
        (json!({"push": "no registry"}), "registry"),
        (json!({"push": "127.0.0.1:1/a/b:1", "connection": "nobody"}), "login"),
    ] {
        let refused = world.send("POST", &at("/image"), &wrong).await.is(400).json();
        assert!(refused["error"].as_str().unwrap().contains(part), "{refused}");
    }
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.ci/parts"))
        .args(["registry", "start"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let registry = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let login = json!({"name": "registry", "base_url": format!("http://{registry}"), "auth": {"type": "basic"},
        "secrets": {"USERNAME": "vitesse", "PASSWORD": "for-tests"}});
    world.send("POST", "/connections", &login).await.is(201);
    let to = json!({"push": format!("{registry}/tests/http-{}:1", &id[..8]), "connection": "registry"});
    let pushed = world.send("POST", &at("/image"), &to).await.is(200).json();
    assert_eq!(pushed["data"]["pushed"]["digest"], image["data"]["digest"], "{pushed}");
}

//! What each operation does, and how it says no.

use serde_json::{Value, json};

use crate::world::{API, World, shop_to_crm};

const NOBODY: &str = "ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_in_the_wrong_order_and_wrong_input_are_refused_with_the_remedy() {
    let world = World::new().await;
    let made = world.send("POST", "/integrations", &shop_to_crm()).await.is(200).json();
    let id = made["integration_id"].as_str().unwrap();
    for (step, needed) in [("map", "ingest"), ("test", "map"), ("deploy", "map")] {
        let refused =
            world.send("POST", &format!("/integrations/{id}/{step}"), &json!({})).await.is(400).json();
        assert_eq!(refused["error_id"], "prerequisite", "{refused}");
        assert_eq!(refused["details"]["help"], format!("run `{needed}` first"));
    }
    // Nobody answers there: the side and the cause are told.
    let asked = json!({"source_spec_url": "http://127.0.0.1:1/openapi.json", "dest_spec_url": "http://127.0.0.1:1/x.json"});
    let refused = world.send("POST", &format!("/integrations/{id}/ingest"), &asked).await.is(400).json();
    assert!(refused["error"].as_str().unwrap().contains("source API spec"), "{refused}");
    let asked = json!({"source_document": "{", "dest_document": "{}"});
    let refused = world.send("POST", &format!("/integrations/{id}/ingest"), &asked).await.is(400).json();
    assert_eq!(refused["error_id"], "spec_invalid", "{refused}");
    // A file of the server's machine is nothing that a caller may name.
    let asked = json!({"source_spec_url": "/etc/passwd", "dest_spec_url": "file:///etc/passwd"});
    world.send("POST", &format!("/integrations/{id}/ingest"), &asked).await.is(400);

    for (path, body, part) in [
        ("/integrations", json!({"name": "x"}), "source_discovery"),
        (
            "/integrations",
            json!({"name": " ", "source_discovery": {"api_name": "a"}, "dest_discovery": {"api_name": "b"}}),
            "/name",
        ),
        ("/integrations", json!({"nam": "x"}), "did you mean \"name\"?"),
        (&format!("/integrations/{id}/test") as &str, json!({"test_sample_size": 0}), "/test_sample_size"),
        (&format!("/integrations/{id}/test"), json!({"test_sample_size": "5"}), "/test_sample_size"),
        (&format!("/integrations/{id}/deploy"), json!({"replicas": 0}), "/replicas"),
        (
            &format!("/integrations/{id}/deploy"),
            json!({"environment": {"LD_PRELOAD": "/x.so"}}),
            "/environment",
        ),
    ] {
        let refused = world.send("POST", path, &body).await.is(400).json();
        let told = format!("{} {}", refused["error"], refused["details"]["help"].as_str().unwrap());
        assert!(told.contains(part), "{told}");
        assert_eq!(refused["error_id"], "invalid_input");
    }
    let mut unknown = shop_to_crm();
    unknown["deployment_target"] = "moon".into();
    world.send("POST", "/integrations", &unknown).await.is(400);
    assert_eq!(world.get("/integrations").await.is(200).json()["count"], 1, "nothing of these was stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_404_whoever_asks() {
    let world = World::new().await;
    for path in [
        "",
        "/details",
        "/history",
        "/tests",
        "/test-results",
        "/status",
        "/logs",
        "/whiteboard",
        "/whiteboard/log",
        "/events",
        "/review",
        "/mappings",
        "/field-mappings",
        "/transformation-rules",
        "/deployment-configs",
        "/deployments",
        "/deployments/1",
        "/export",
        "/image",
        "/descriptions/source",
    ] {
        let refused = world.get(&format!("/integrations/{NOBODY}{path}")).await.is(404).json();
        assert_eq!(refused["error_id"], "not_found", "{path}");
    }
    for step in [
        "ingest",
        "map",
        "test",
        "deploy",
        "deploy/preview",
        "rollback",
        "image",
        "tests",
        "sync",
        "pause",
        "resume",
    ] {
        world.send("POST", &format!("/integrations/{NOBODY}/{step}"), &Value::Null).await;
        let path = format!("{API}/integrations/{NOBODY}/{step}");
        world.ask("POST", &path, &[], "").await.is(404);
    }
    for path in [
        "/integrations/nonsense",
        "/integrations/%00",
        "/connections/nobody",
        "/agents/nobody/metrics",
        "/nowhere",
    ] {
        world.get(path).await.is(404);
    }
    let refused = world.get("/agents/maper/metrics").await.is(404).json();
    assert_eq!(refused["details"]["help"], "did you mean \"mapper\"?");
    world.ask("DELETE", &format!("{API}/keys/0123456789ab"), &[], "").await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_is_reviewed_edited_and_tried() {
    let world = World::new().await;
    let id = world.mapped().await;
    let at = |path: &str| format!("/integrations/{id}{path}");
    let review = world.get(&at("/review")).await.is(200);
    let tag = review.header("etag").unwrap().to_owned();
    assert!(review.json()["data"]["streams"][0]["lines"].as_array().unwrap().len() > 5);
    let edits = json!({"edits": [{"do": "replace", "dest_field": "given_name", "source_fields": ["first_name"],
        "transform_type": "custom", "transform_config": {"function": "upper"}}]});
    let stale = [("if-match", "\"1\"")];
    assert_eq!(
        world.send_with("POST", &at("/review"), &stale, &edits).await.is(409).json()["error_id"],
        "conflict"
    );
    world.send_with("POST", &at("/review"), &[("if-match", &tag)], &edits).await.is(200);
    let record = json!({"record": {"id": "c1", "first_name": "Ada", "last_name": "L", "email": "a@b.test"}, "dest_field": "given_name"});
    let tried = world.send("POST", &at("/review/try"), &record).await.is(200).json();
    assert_eq!(tried["data"]["after"]["given_name"], "ADA", "{tried}");

    let fields = world.get(&at("/field-mappings")).await.is(200).json();
    let line = |all: &Value, field: &str| {
        all["data"].as_array().unwrap().iter().find(|line| line["target_field"] == field).cloned().unwrap()
    };
    let given = line(&fields, "given_name");
    assert_eq!(
        (&given["transformation"], &given["data_type"]),
        (&"upper".into(), &"string".into()),
        "{given}"
    );
    let new = json!({"source_field": "last_name", "target_field": "family_name", "required": true, "transformation": "lower"});
    let added = world.send("POST", &at("/field-mappings"), &new).await.is(201).json();
    assert_eq!(added["data"]["field_mapping"]["required"], true, "{added}");
    let rule = json!({"name": "quiet", "source_field": "last_name", "target_field": "family_name",
        "transformation_logic": {"function": "trim"}, "enabled": false});
    let added = world.send("POST", &at("/transformation-rules"), &rule).await.is(201).json();
    assert_eq!(added["data"]["transformation_rule"]["enabled"], false, "{added}");
    let rules = world.get(&at("/transformation-rules")).await.is(200).json();
    assert_eq!(line(&rules, "family_name")["description"], "quiet");
    // A rule that is switched off is no field mapping any more, and stays in what is deployed as a line that is off.
    let fields = world.get(&at("/field-mappings")).await.is(200).json();
    assert!(fields["data"].as_array().unwrap().iter().all(|line| line["target_field"] != "family_name"));
    let documents = world.get(&at("/mappings")).await.is(200).json();
    assert_eq!(documents["count"], 1);
    let wrong = json!({"source_field": "no_such_field", "target_field": "family_name"});
    world.send("POST", &at("/field-mappings"), &wrong).await.is(400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_body_names_wrongly_is_400_since_the_integration_is_there() {
    let world = World::new().await;
    let id = world.mapped().await;
    let at = |path: &str| format!("/integrations/{id}{path}");
    let stream = json!({"stream": "customers2", "record": {}});
    world.send("POST", &at("/review/try"), &stream).await.is(400);
    let line = json!({"dest_field": "famly_name", "record": {}});
    let refused = world.send("POST", &at("/review/try"), &line).await.is(400).json();
    assert_eq!(refused["details"]["help"], "did you mean \"family_name\"?");
    let endpoint = json!({"source_endpoint": "/costumers", "dest_endpoint": "/contacts"});
    let refused = world.send("POST", &at("/map"), &endpoint).await.is(400).json();
    assert_eq!(refused["error_id"], "not_found", "{refused}");

    let new = world.ingested().await;
    let early = json!({"stream": "customers", "record": {}});
    let refused = world.send("POST", &format!("/integrations/{new}/review/try"), &early).await.is(400).json();
    assert_eq!(refused["details"]["help"], "run `map` first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_in_the_background_ends_in_the_history() {
    let world = World::new().await;
    let id = world.mapped().await;
    let at = |path: &str| format!("/integrations/{id}{path}");
    let started = world.send("POST", &at("/tests"), &json!({"test_sample_size": 20})).await.is(202).json();
    assert_eq!(started["data"]["status"], "running");
    assert_eq!(started["data"]["request_data"]["test_sample_size"], 20);
    let run = started["data"]["id"].as_str().unwrap();
    let ended = loop {
        let now = world.get(&at(&format!("/tests/{run}"))).await.is(200).json();
        if now["data"]["status"] != "running" {
            break now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let data = &ended["data"];
    assert_eq!(
        (&data["status"], &data["success"], &data["error_message"]),
        (&"completed".into(), &true.into(), &Value::Null)
    );
    assert_eq!(data["response_data"]["test_count"], 20);
    assert!(data["execution_time"].is_u64() && data["end_time"].is_string());
    // A test that somebody waited for is in the history as well, newest first.
    world.send("POST", &at("/test"), &json!({})).await.is(200);
    let history = world.get(&at("/tests?limit=1")).await.is(200).json();
    assert_ne!(history["data"][0]["id"], run);
    let after = history["next"].as_str().unwrap();
    let history = world.get(&at(&format!("/tests?after={}", after.replace('/', "%2F")))).await.is(200).json();
    assert_eq!(history["data"][0]["id"], run);
    world.get(&at(&format!("/tests/{id}"))).await.is(404);
    assert!(world.get(&at("/test-results")).await.is(200).json()["count"].as_u64().unwrap() > 0);
    let details = world.get(&at("/details")).await.is(200).json();
    assert!(
        details["data"]["test_report"].is_object()
            && !details["data"]["field_mappings"].as_array().unwrap().is_empty()
    );
    assert_eq!(world.get(&at("/descriptions/source")).await.is(200).json()["data"]["api_name"], "Fjord Shop");
    world.get(&at("/descriptions/middle")).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_that_fails_the_gate_says_score_and_threshold() {
    let world = World::new().await;
    let id = world.ingested().await;
    // Nothing fills what the destination requires.
    let asked = json!({"source_endpoint": "/products", "dest_endpoint": "/contacts", "mapping_hints": {"title": "given_name"}});
    let mapped = world.send("POST", &format!("/integrations/{id}/map"), &asked).await.is(200).json();
    assert!(mapped["data"]["transformation_count"].as_u64().unwrap() > 0, "{mapped}");
    let failed = world.send("POST", &format!("/integrations/{id}/test"), &json!({})).await.is(400).json();
    let text = failed["error"].as_str().unwrap();
    assert!(
        text.starts_with("Integration tests failed: health_score = ") && text.ends_with("(threshold: 70)"),
        "{text}"
    );
    assert!(failed["details"]["health_score"]["overall"].is_number());
    let refused = world.send("POST", &format!("/integrations/{id}/deploy"), &json!({})).await.is(400).json();
    assert_eq!(refused["error_id"], "gate_failed", "{refused}");
    let state = world.get(&format!("/integrations/{id}")).await.is(200).json();
    assert_eq!(state["status"], "testing", "it stays where it is");
    let history = world.get(&format!("/integrations/{id}/tests")).await.is(200).json();
    assert_eq!(
        (&history["data"][0]["status"], &history["data"][0]["success"]),
        (&"completed".into(), &false.into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_counted_and_what_is_not_known_is_null() {
    let world = World::new().await;
    let empty = world.get("/agents/mapper/metrics").await.is(200).json();
    for unknown in [
        "uptime_percentage",
        "average_task_duration",
        "success_rate",
        "error_rate",
        "response_time_p95",
        "collaboration_score",
        "cpu_usage_avg",
        "memory_usage_avg",
    ] {
        assert_eq!(empty["data"].get(unknown), Some(&Value::Null), "{unknown}");
    }
    assert_eq!(world.get("/integrations/stats").await.is(200).json()["data"]["average_health"], Value::Null);
    let id = world.mapped().await;
    world.send("POST", &format!("/integrations/{id}/test"), &json!({})).await.is(200);
    let measured = world.get("/agents/mapper/metrics").await.is(200).json();
    let data = &measured["data"];
    assert_eq!(
        (&data["tasks_completed_today"], &data["success_rate"], &data["error_rate"]),
        (&1.into(), &json!(1.0), &json!(0.0))
    );
    assert_eq!((&data["uptime_percentage"], &data["collaboration_score"]), (&json!(100.0), &json!(1.0)));
    assert!(
        data["cpu_usage_avg"].as_f64().unwrap() > 0.0 && data["memory_usage_avg"].as_f64().unwrap() > 1.0
    );
    let deployer = world.get("/agents/deployer/metrics").await.is(200).json();
    assert_eq!(deployer["data"]["pending_tasks"], 1);
    let stats = world.get("/integrations/stats").await.is(200).json();
    assert_eq!((&stats["data"]["total"], &stats["data"]["by_status"]["deploying"]), (&1.into(), &1.into()));
    assert!(stats["data"]["average_health"].as_f64().unwrap() >= 70.0);
    let work = world.get("/agents/stats").await.is(200).json();
    assert!(work["data"]["handovers"]["ingestor -> mapper"].as_u64().unwrap() >= 1, "{work}");
    let said = world.get(&format!("/agents/communications?integration_id={id}")).await.is(200).json();
    assert!(said["data"].as_array().unwrap().iter().any(|one| one["status"] == "read"), "{said}");
    world.get("/agents/communications?integration_id=012345678901234567890123456789012345").await.is(400);
    let all = world.get("/agents/activities").await.is(200).json();
    assert_eq!(all["count"], 5);
    let status = world.get("/status").await.is(200).json();
    assert_eq!(status["data"]["orchestrator"]["status"], "running");
    assert_eq!(status["data"]["agents"]["guardian"]["tasks_completed"], 1);

    let text = world.ask("GET", "/metrics", &[], "").await.is(200).text();
    for line in [
        "vitesse_steps_total{step=\"map\",outcome=\"succeeded\"} 1",
        "vitesse_step_seconds_count{step=\"test\"} 1",
        "vitesse_integrations{status=\"deploying\"} 1",
        "vitesse_deployments_failed 0",
        "vitesse_api_requests_total{operation=\"mapIntegration\",outcome=\"ok\"} 1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
    assert!(text.contains(&format!("vitesse_health_score{{integration=\"{id}\"")));
    for (name, ..) in vitesse_http::METRICS {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name} is not in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_paged_filtered_and_stable_while_others_write() {
    let world = World::new().await;
    for number in 0..7 {
        let mut new = shop_to_crm();
        new["name"] = format!("integration {number}").into();
        world.send("POST", "/integrations", &new).await.is(200);
    }
    let mut seen = Vec::new();
    let mut path = "/integrations?limit=2".to_owned();
    loop {
        let page = world.get(&path).await.is(200).json();
        seen.extend(
            page["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()),
        );
        // What is made meanwhile comes before what is listed already.
        world.send("POST", "/integrations", &shop_to_crm()).await.is(200);
        match page["next"].as_str() {
            Some(next) => path = format!("/integrations?limit=2&after={}", next.replace('/', "%2F")),
            None => break,
        }
    }
    assert_eq!(seen, (0..7).rev().map(|number| format!("integration {number}")).collect::<Vec<_>>());
    let some = world.get("/integrations?name=TION%203&status=discovering&view=overview").await.is(200).json();
    assert_eq!((&some["count"], &some["data"][0]["builder_status"]), (&1.into(), &"draft".into()));
    assert_eq!(some["data"][0]["source_api"], "Fjord Shop");
    assert_eq!(world.get("/integrations?status=active").await.is(200).json()["count"], 0);
    for wrong in ["limit=0", "limit=x", "status=activ", "after=x", "page=2", "limit=1&limit=2"] {
        world.get(&format!("/integrations?{wrong}")).await.is(400);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integration_is_changed_only_as_it_was_seen() {
    let world = World::new().await;
    let made = world.send("POST", "/integrations", &shop_to_crm()).await.is(200).json();
    let path = format!("/integrations/{}", made["integration_id"].as_str().unwrap());
    let seen = world.get(&path).await.is(200);
    let tag = seen.header("etag").unwrap().to_owned();
    let full = format!("{API}{path}");
    let again = world.ask("GET", &full, &[("if-none-match", &tag)], "").await.is(304);
    assert!(again.body.is_empty() && again.header("etag") == Some(&tag));
    let renamed =
        world.send_with("PATCH", &path, &[("if-match", &tag)], &json!({"name": "renamed"})).await.is(200);
    assert_eq!(renamed.json()["data"]["integration"]["name"], "renamed");
    let new = renamed.header("etag").unwrap().to_owned();
    assert_ne!(new, tag);
    for stale in [tag.as_str(), "\"0\"", "W/\"1\"", "1"] {
        let refused =
            world.send_with("PATCH", &path, &[("if-match", stale)], &json!({"name": "x"})).await.is(409);
        assert_eq!(refused.json()["error_id"], "conflict");
        world.ask("DELETE", &full, &[("if-match", stale)], "").await.is(409);
    }
    world.send("PATCH", &path, &json!({})).await.is(400);
    world.send("PATCH", &path, &json!({"status": "active"})).await.is(400);
    let history = world.get(&format!("{path}/history")).await.is(200).json();
    assert_eq!(
        (&history["data"][0]["action"], &history["data"][1]["action"]),
        (&"updated".into(), &"created".into())
    );
    world.ask("DELETE", &full, &[("if-match", &new)], "").await.is(200);
    world.get(&path).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_never_shows_its_secret() {
    let world = World::new().await;
    let new = json!({"name": "my-crm", "base_url": "http://127.0.0.1:1", "auth": {"type": "bearer"}, "secrets": {"TOKEN": "s3cret-t0ken"}});
    let added = world.send("POST", "/connections", &new).await.is(201);
    let mut told = vec![added.text()];
    told.push(world.get("/connections").await.is(200).text());
    told.push(world.get("/connections/my-crm").await.is(200).text());
    let tested = world.send("POST", "/connections/my-crm/test", &Value::Null).await;
    assert_eq!(tested.status, 400, "it takes no body");
    let tested = world.ask("POST", &format!("{API}/connections/my-crm/test"), &[], "").await.is(200);
    assert_eq!(tested.json()["data"]["ok"], false, "nobody answers there");
    told.push(tested.text());
    assert!(told.iter().all(|text| !text.contains("s3cret")), "{told:?}");
    let wrong = json!({"name": "other", "base_url": "http://127.0.0.1:1", "auth": {"type": "bearer"}});
    let refused = world.send("POST", "/connections", &wrong).await.is(400).json();
    assert_eq!(refused["error_id"], "credential_refused");
    world.ask("DELETE", &format!("{API}/connections/my-crm"), &[], "").await.is(200);
    world.get("/connections/my-crm").await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_old_paths_are_gone_and_say_what_replaces_them() {
    let world = World::new().await;
    for (path, instead) in [
        ("", "/integrations"),
        ("/create", "/integrations"),
        ("/integrations", "/integrations"),
        ("/integrations/7/test", "/integrations/7/test"),
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let gone = world
                .ask(method, &format!("/api/v1/integration-builder{path}"), &[], "")
                .await
                .is(410)
                .json();
            assert_eq!(gone["details"]["replaced_by"], format!("{API}{instead}"));
            assert_eq!((&gone["status"], &gone["http_status"]), (&"failed".into(), &410.into()));
        }
    }
    let wrong = world.ask("PUT", &format!("{API}/integrations"), &[], "").await.is(405);
    assert!(wrong.header("allow").unwrap().contains("POST"));
    assert_eq!(wrong.json()["http_status"], 405);
    let head = world.ask("HEAD", "/health", &[], "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

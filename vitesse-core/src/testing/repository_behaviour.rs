use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, json};

use super::store_behaviour::space;
use crate::error::ErrorKind;
use crate::store::repository::{
    Action, AuditEntry, Filter, NewIntegration, Paging, Repository, Status, Step, TestResult,
    TransformationRow,
};
use crate::store::{Scan, Store};

/// Holds the typed repositories to their promises on top of a store.
///
/// It needs a Tokio runtime with several threads, and works in namespaces of its own with random names.
///
/// ```
/// use std::sync::Arc;
/// use vitesse_core::{store::MemoryStore, testing::repository_behaviour};
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
/// repository_behaviour(Arc::new(MemoryStore::new())).await;
/// # });
/// ```
///
/// # Panics
/// At the first promise that is broken, saying which.
pub async fn repository_behaviour(store: Arc<dyn Store>) {
    what_is_written_is_read_with_every_column(&store).await;
    of_two_who_change_the_same_state_one_is_told(&store).await;
    eight_writers_lose_no_update(&store).await;
    lists_are_newest_first_filtered_and_paged_stably(&store).await;
    what_comes_of_a_step_is_written_with_it(&store).await;
}

fn repository(store: &Arc<dyn Store>) -> (Repository, String) {
    let space = space();
    (Repository::new(store.clone(), space.clone()), space)
}

fn new(name: &str) -> NewIntegration {
    NewIntegration::new(name, json!({"api_name": "Shop"}), json!({"api_name": "CRM"}))
}

fn step() -> Step {
    Step::audited(AuditEntry::success(Action::Updated, "anna", json!({})))
}

fn row(source: &str, dest: &str) -> TransformationRow {
    TransformationRow {
        source_field: source.into(),
        dest_field: dest.into(),
        transform_type: "direct".into(),
        transform_config: Map::new(),
    }
}

/// Every document of every collection.
async fn everything(store: &dyn Store, space: &str) -> usize {
    let mut count = 0;
    let collections = [
        "integrations",
        "integrations_by_time",
        "integration_parts",
        "integration_audit_logs",
        "test_results",
        "transformations",
        "deployment_configs",
        "whiteboard",
        "workflow_checkpoints",
    ];
    for collection in collections {
        count += store.scan(&Scan::new(space, collection).limit(1000)).await.unwrap().documents.len();
    }
    count
}

async fn what_is_written_is_read_with_every_column(store: &Arc<dyn Store>) {
    let (repository, _) = repository(store);
    let made = repository.create(new("Shop to CRM")).await.unwrap();
    assert_eq!(repository.get(made.value.id).await.unwrap(), made);
    assert_eq!(made.value.status, Status::Discovering);

    let mut changed = made.clone();
    let integration = &mut changed.value;
    integration.status = Status::Active;
    integration.source_api_spec = Some(json!({"endpoints": [1, 2]}));
    integration.dest_api_spec = Some(json!({"endpoints": []}));
    integration.mapping_logic = Some(json!({"transformations": []}));
    integration.health_score = Some(json!({"overall": 85.0}));
    integration.container_id = Some("vitesse-ad9cb833".into());
    integration.extra_metadata.insert("service_url".into(), json!("http://localhost:8080/x"));
    let updated = repository.update(changed.clone(), step()).await.unwrap();
    assert!(updated.revision > made.revision && updated.value.updated_at > made.value.updated_at);
    changed.value.updated_at = updated.value.updated_at;
    assert_eq!(updated.value, changed.value);
    assert_eq!(repository.get(made.value.id).await.unwrap(), updated);

    // A part that is taken away is gone.
    let mut without = updated;
    without.value.mapping_logic = None;
    repository.update(without, step()).await.unwrap();
    let read = repository.get(made.value.id).await.unwrap().value;
    assert!(read.mapping_logic.is_none() && read.source_api_spec.is_some());

    let columns = serde_json::to_value(&read).unwrap();
    for column in [
        "id",
        "name",
        "status",
        "source_discovery",
        "dest_discovery",
        "source_api_spec",
        "dest_api_spec",
        "health_score",
        "deployment_config",
        "container_id",
        "deployment_target",
        "created_by",
        "extra_metadata",
        "created_at",
        "updated_at",
    ] {
        assert!(columns.get(column).is_some(), "{column}");
    }
    assert_eq!(columns["status"], "active");
}

async fn of_two_who_change_the_same_state_one_is_told(store: &Arc<dyn Store>) {
    let (repository, space) = repository(store);
    let made = repository.create(new("a")).await.unwrap();
    let before = everything(&**store, &space).await;
    repository.update(made.clone(), step()).await.unwrap();
    let mut late = made.clone();
    late.value.name = "b".into();
    late.value.mapping_logic = Some(json!({}));
    let error = repository.update(late, step()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(repository.get(made.value.id).await.unwrap().value.name, "a");
    assert_eq!(everything(&**store, &space).await, before + 1, "nothing of the refused step was written");
}

async fn eight_writers_lose_no_update(store: &Arc<dyn Store>) {
    let (repository, _) = repository(store);
    let id = repository.create(new("a")).await.unwrap().value.id;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let repository = repository.clone();
            tokio::spawn(async move {
                for turn in 0..10 {
                    loop {
                        let mut read = repository.get(id).await.unwrap();
                        read.value.extra_metadata.insert(format!("{writer}-{turn}"), json!(true));
                        match repository.update(read, step()).await {
                            Ok(_) => break,
                            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict),
                        }
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(repository.get(id).await.unwrap().value.extra_metadata.len(), 80);
    let log = repository.audit_log(id, &Paging { limit: 1000, ..Paging::default() }).await.unwrap();
    assert_eq!(log.items.len(), 81);
}

async fn lists_are_newest_first_filtered_and_paged_stably(store: &Arc<dyn Store>) {
    let (repository, _) = repository(store);
    let mut ids = Vec::new();
    for index in 0..50 {
        let mut new = new(&format!("Number {index}"));
        new.created_by = if index % 2 == 0 { "anna" } else { "ben" }.into();
        let mut made = repository.create(new).await.unwrap();
        if index % 5 == 0 {
            made.value.status = Status::Active;
            made = repository.update(made, step()).await.unwrap();
        }
        ids.push(made.value.id);
    }
    ids.reverse();

    let mut seen = Vec::new();
    let mut paging = Paging { after: None, limit: 7 };
    loop {
        let page = repository.list(&Filter::default(), &paging).await.unwrap();
        seen.extend(page.items.iter().map(|item| item.value.id));
        // New integrations and changes between two pages move nothing.
        repository.create(new("another")).await.unwrap();
        match page.next {
            Some(next) => paging.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ids);

    let filter = Filter {
        status: Some(Status::Active),
        name: Some("NUMBER".into()),
        created_by: Some("anna".into()),
        ..Filter::default()
    };
    let found = repository.list(&filter, &Paging { limit: 100, ..Paging::default() }).await.unwrap();
    assert_eq!(found.items.len(), 5);
    assert!(found.items.iter().all(|item| item.value.created_by == "anna"));

    let error = repository.list(&filter, &Paging { after: Some("x".into()), limit: 1 }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

async fn what_comes_of_a_step_is_written_with_it(store: &Arc<dyn Store>) {
    let (repository, space) = repository(store);
    let made = repository.create(new("a")).await.unwrap();
    let id = made.value.id;
    let result = TestResult {
        endpoint: "/contacts".into(),
        method: "POST".into(),
        status_code: Some(201),
        response_time_ms: 12.5,
        success: true,
        error_message: None,
    };
    let mut tested = step();
    tested.test_results = vec![result.clone(), TestResult { success: false, status_code: None, ..result }];
    tested.transformations = Some(vec![row("a", "b"), row("c", "d"), row("e", "f")]);
    let made = repository.update(made, tested).await.unwrap();

    let results = repository.test_results(id, &Paging::default()).await.unwrap().items;
    assert_eq!(results.len(), 2);
    let first = repository.transformations(id).await.unwrap();
    assert_eq!(first.iter().map(|row| row.source_field.as_str()).collect::<Vec<_>>(), ["a", "c", "e"]);

    // Mapped anew: lines that are the same keep their ids, those that are gone are gone.
    let mut remapped = step();
    remapped.transformations = Some(vec![row("a", "b"), row("c", "x")]);
    let mut made = repository.update(made, remapped).await.unwrap();
    let second = repository.transformations(id).await.unwrap();
    assert_eq!(second.len(), 2);
    assert_eq!(second[0].id, first[0].id);
    assert_ne!(second[1].id, first[1].id);

    // Deployment configurations are kept as versions; other changes make none.
    made.value.deployment_config.memory_mb = 1024;
    let made = repository.update(made, step()).await.unwrap();
    repository.update(made, step()).await.unwrap();
    let configs = repository.deployment_configs(id).await.unwrap();
    let versions: Vec<_> = configs.iter().map(|v| (v.version, v.config.memory_mb)).collect();
    assert_eq!(versions, [(1, 512), (2, 1024)]);

    // Paged, newest first.
    let mut log = Vec::new();
    let mut paging = Paging { after: None, limit: 2 };
    loop {
        let page = repository.audit_log(id, &paging).await.unwrap();
        log.extend(page.items);
        match page.next {
            Some(next) => paging.after = Some(next),
            None => break,
        }
    }
    assert_eq!(log.len(), 5);
    assert!(log.is_sorted_by(|a, b| a.created_at >= b.created_at));
    assert_eq!(log.last().unwrap().action, Action::Created);
    assert_eq!(log.iter().map(|entry| entry.id).collect::<BTreeSet<_>>().len(), 5);

    repository.delete(id).await.unwrap();
    assert_eq!(everything(&**store, &space).await, 0, "a record outlived its integration");
    assert_eq!(repository.delete(id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(repository.get(id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use serde_json::json;
use vitesse_core::ErrorKind;
use vitesse_core::orchestrator::{CreateIntegration, IngestOptions, StepName, Vitesse};
use vitesse_core::progress::{Event, Progress};
use vitesse_core::store::repository::{Action, AuditStatus, Filter, Paging, Status, StepLease};
use vitesse_core::store::{Batch, MemoryStore, Store};

use crate::common::{both, shop_to_crm, stores, vitesse};

fn memory() -> Vitesse {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    vitesse(&store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_made_read_listed_and_deleted_on_every_store() {
    for (store, _guard) in stores().await {
        let vitesse = vitesse(&store);
        let made = vitesse.create(shop_to_crm()).await.unwrap();
        assert_eq!((made.status, made.created_by.as_str()), (Status::Discovering, "anna"));
        assert_eq!(made.deployment_config.target, "process");
        assert!(made.source_discovery["discovered_at"].is_string(), "stamped");
        assert_eq!(vitesse.get(made.id).await.unwrap(), made);

        let (progress, events) = Progress::collected();
        let found = vitesse.with_progress(progress).ingest(made.id, both()).await.unwrap();
        assert_eq!((found.status, found.next_step), (Status::Mapping, Some(StepName::Map)));
        assert!(found.source_endpoints.contains(&"/customers".to_owned()), "{found:?}");
        assert!(found.dest_endpoints.contains(&"/contacts".to_owned()), "{found:?}");
        let told = events.take();
        assert!(told.iter().any(|event| matches!(event, Event::Advanced { done: 2, .. })), "{told:?}");

        let read = vitesse.get(made.id).await.unwrap();
        assert_eq!(read.status, Status::Mapping);
        assert_eq!(read.source_api_spec.unwrap()["api_name"], "Fjord Shop");
        assert!(read.step_in_progress.is_none() && read.last_error.is_none());

        let listed = vitesse.list(&Filter::default(), &Paging::default()).await.unwrap().items;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].builder_status, "draft");
        assert_eq!(listed[0].source_api, "Fjord Shop");

        let history = vitesse.history(made.id, &Paging::default()).await.unwrap().items;
        let done: Vec<_> = history.iter().map(|entry| (entry.action, entry.status)).collect();
        assert_eq!(done, [(Action::Updated, AuditStatus::Success), (Action::Created, AuditStatus::Success)]);
        assert_eq!(history[0].details["step"], "ingest");
        assert_eq!(history[0].actor, "anna");

        let board = vitesse.whiteboard(made.id).await.unwrap();
        assert_eq!(board.workflow_id, made.id);
        assert_eq!(board.agent_contributions["ingestor"][0].input_keys, ["discovered_apis"]);
        assert!(board.agent_context("mapper").contains_key("ingestor"));
        assert!(board.dest_api_spec.is_some());

        vitesse.delete(made.id, false).await.unwrap();
        assert_eq!(vitesse.get(made.id).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(vitesse.whiteboard_log(made.id, None, 10).await.unwrap().entries.is_empty());
    }
}

#[tokio::test]
async fn nothing_is_stored_of_what_is_wrong() {
    let vitesse = memory();
    let wrong = [
        CreateIntegration { name: " ".into(), ..shop_to_crm() },
        CreateIntegration { name: "a\u{7}b".into(), ..shop_to_crm() },
        CreateIntegration { source_discovery: json!({}), ..shop_to_crm() },
        CreateIntegration {
            dest_discovery: json!({"api_name": "x", "confidence_score": 7}),
            ..shop_to_crm()
        },
        CreateIntegration { deployment_target: Some("mainframe".into()), ..shop_to_crm() },
        CreateIntegration {
            deployment_config: json!({"replicas": 0}).as_object().unwrap().clone(),
            ..shop_to_crm()
        },
        CreateIntegration {
            user_constraints: json!({"never_sent": []}).as_object().unwrap().clone(),
            ..shop_to_crm()
        },
    ];
    for wanted in wrong {
        let error = vitesse.create(wanted.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{wanted:?}");
    }
    assert!(vitesse.list(&Filter::default(), &Paging::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn every_spelling_of_a_target_is_kept_and_understood() {
    let vitesse = memory();
    for (asked, target) in [("local", "local"), ("cloud_eks", "eks"), ("cloud", "eks"), ("ecs", "ecs")] {
        let made = vitesse
            .create(CreateIntegration { deployment_target: Some(asked.into()), ..shop_to_crm() })
            .await
            .unwrap();
        assert_eq!(made.deployment_target, asked);
        assert_eq!(made.deployment_config.target, target);
        let defaults = (made.deployment_config.replicas, made.deployment_config.memory_mb);
        assert_eq!((defaults, made.deployment_config.cpu_cores), ((1, 512), 0.5));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_side_that_fails_is_named_and_the_other_is_kept_for_the_next_try() {
    let vitesse = memory();
    let made = vitesse.create(shop_to_crm()).await.unwrap();
    let half = IngestOptions { dest_spec_url: Some("/nowhere/crm.json".into()), ..both() };
    let error = vitesse.ingest(made.id, half).await.unwrap_err();
    assert!(error.to_string().contains("side: destination"), "{error}");

    let read = vitesse.get(made.id).await.unwrap();
    assert_eq!(read.status, Status::Discovering, "the status stays");
    assert_eq!(read.last_error.unwrap().step, "ingest");
    assert!(read.source_api_spec.is_none() && read.step_in_progress.is_none());
    let entry = vitesse.history(made.id, &Paging::default()).await.unwrap().items.remove(0);
    assert_eq!((entry.status, &entry.details["read"]), (AuditStatus::Partial, &json!("source")));

    let none = IngestOptions { source_spec_url: Some("/nowhere/shop.yaml".into()), ..both() };
    vitesse.ingest(made.id, IngestOptions { dest_spec_url: Some("/no".into()), ..none }).await.unwrap_err();
    let entry = vitesse.history(made.id, &Paging::default()).await.unwrap().items.remove(0);
    assert_eq!(entry.status, AuditStatus::Failed);

    vitesse.ingest(made.id, both()).await.unwrap();
    let read = vitesse.get(made.id).await.unwrap();
    assert!(read.status == Status::Mapping && read.last_error.is_none());
    let board = vitesse.whiteboard(made.id).await.unwrap();
    assert_eq!((board.errors.len(), board.retry_count), (2, 2));
}

#[tokio::test]
async fn without_an_address_it_says_what_to_give() {
    let vitesse = memory();
    let wanted = CreateIntegration { source_discovery: json!({"api_name": "Shop"}), ..shop_to_crm() };
    let made = vitesse.create(wanted).await.unwrap();
    let options = IngestOptions { source_spec_url: None, ..both() };
    let error = vitesse.ingest(made.id, options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("source_spec_url"), "{error}");

    // A file that a discovery result names is nobody's word to open one.
    let wanted = CreateIntegration {
        source_discovery: json!({"api_name": "Shop", "spec_url": "/etc/passwd"}),
        ..shop_to_crm()
    };
    let made = vitesse.create(wanted).await.unwrap();
    let options = IngestOptions { source_spec_url: None, ..both() };
    let error = vitesse.ingest(made.id, options).await.unwrap_err();
    assert!(error.to_string().contains("may be a file"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_callers_one_wins_and_the_other_is_told_who() {
    for (store, _guard) in stores().await {
        let vitesse = vitesse(&store);
        let made = vitesse.create(shop_to_crm()).await.unwrap();
        let callers: Vec<_> = (0..6)
            .map(|number| {
                let vitesse = vitesse.by(format!("caller {number}"));
                tokio::spawn(async move { vitesse.ingest(made.id, both()).await })
            })
            .collect();
        let mut won = 0;
        for caller in callers {
            match caller.await.unwrap() {
                Ok(_) => won += 1,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                    assert!(error.to_string().contains("the step ingest of this integration runs already"));
                    assert!(error.to_string().contains("started by: caller"), "{error}");
                }
            }
        }
        assert!(won >= 1);
        let history = vitesse.history(made.id, &Paging::default()).await.unwrap().items;
        assert_eq!(history.len(), 1 + won, "only who ran the step is in the log");
    }
}

/// A step that is held: by whom, and until when.
async fn hold(vitesse: &Vitesse, id: uuid::Uuid, process: Option<String>, expires_at: Timestamp) {
    let mut read = vitesse.repository().light(id).await.unwrap();
    read.value.step_in_progress = Some(StepLease {
        step: "ingest".into(),
        run: uuid::Uuid::new_v4(),
        actor: "somebody".into(),
        process,
        attempt: 1,
        started_at: Timestamp::UNIX_EPOCH,
        expires_at,
    });
    vitesse.repository().update_light(read, Batch::new()).await.unwrap();
}

#[tokio::test]
async fn a_lease_holds_until_it_expires() {
    let seconds = Arc::new(AtomicI64::new(1000));
    let clock = seconds.clone();
    let vitesse = Vitesse::builder(Arc::new(MemoryStore::new()))
        .clock(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap())
        .build()
        .unwrap();
    let made = vitesse.create(shop_to_crm()).await.unwrap();
    hold(&vitesse, made.id, None, Timestamp::from_second(1060).unwrap()).await;
    let error = vitesse.ingest(made.id, both()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(vitesse.delete(made.id, true).await.unwrap_err().kind(), ErrorKind::Conflict);

    seconds.store(1061, Ordering::SeqCst);
    vitesse.ingest(made.id, both()).await.unwrap();
    let board = vitesse.whiteboard(made.id).await.unwrap();
    assert_eq!(board.retry_count, 1, "it was begun a second time");
}

#[tokio::test]
async fn a_lease_of_a_process_that_is_gone_holds_nobody_up() {
    let vitesse = memory();
    let made = vitesse.create(shop_to_crm()).await.unwrap();
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    // As a process of this machine writes it, but of one that has ended.
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap();
    let place = format!("{} {}", boot.trim(), space.display());
    let later = Timestamp::now().checked_add(1.hour()).unwrap();
    hold(&vitesse, made.id, Some(format!("{pid}@1@elsewhere")), later).await;
    assert_eq!(vitesse.ingest(made.id, both()).await.unwrap_err().kind(), ErrorKind::Conflict);
    hold(&vitesse, made.id, Some(format!("{pid}@1@{place}")), later).await;
    vitesse.ingest(made.id, both()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_away_or_cancels_leaves_the_integration_free() {
    let vitesse = memory();
    let made = vitesse.create(shop_to_crm()).await.unwrap();
    let progress = Progress::none();
    progress.cancel().cancel();
    let error = vitesse.with_progress(progress).ingest(made.id, both()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);

    let polled_once =
        tokio::time::timeout(Duration::from_millis(2), vitesse.ingest(made.id, both())).await.is_err();
    for _ in 0..200 {
        if vitesse.get(made.id).await.unwrap().step_in_progress.is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    vitesse.ingest(made.id, both()).await.unwrap();
    let _ = polled_once;
}

#[tokio::test]
async fn agents_show_what_they_did() {
    let vitesse = memory();
    let made = vitesse.create(shop_to_crm()).await.unwrap();
    vitesse.ingest(made.id, IngestOptions { dest_spec_url: Some("/no".into()), ..both() }).await.unwrap_err();
    vitesse.ingest(made.id, both()).await.unwrap();

    let activities = vitesse.agent_activities().await.unwrap();
    assert_eq!(activities.len(), 5);
    let ingestor = activities.iter().find(|agent| agent.agent_id == "ingestor").unwrap();
    assert_eq!((ingestor.tasks_completed, ingestor.success_rate), (1, Some(0.5)));
    let mapper = activities.iter().find(|agent| agent.agent_id == "mapper").unwrap();
    assert_eq!((mapper.tasks_completed, mapper.success_rate), (0, None));

    let metrics = vitesse.agent_metrics().await.unwrap();
    let ingestor = metrics.iter().find(|agent| agent.agent_id == "ingestor").unwrap();
    assert_eq!((ingestor.tasks_completed_today, ingestor.error_rate), (1, Some(0.5)));
    assert_eq!(ingestor.collaboration_score, Some(1.0), "it built on what discovery left");

    let told = vitesse.agent_communications(Some(made.id)).await.unwrap();
    assert_eq!(told.len(), 2);
    assert_eq!((told[0].message.to_agent.as_str(), told[0].status), ("mapper", "delivered"));
    assert_eq!((told[1].message.to_agent.as_str(), told[1].status), ("ingestor", "read"));
    let together = vitesse.collaboration().await.unwrap();
    assert_eq!(together.handovers["discovery -> ingestor"], 1);
    assert_eq!((together.errors, together.workflows), (1, 1));
}

#[tokio::test]
async fn the_log_is_paged_in_order_and_a_checkpoint_gives_the_state_before() {
    let vitesse = memory();
    let made = vitesse.create(shop_to_crm()).await.unwrap();
    vitesse.ingest(made.id, both()).await.unwrap();
    let board = vitesse.whiteboard(made.id).await.unwrap();
    let mut positions = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = vitesse.whiteboard_log(made.id, after.as_deref(), 2).await.unwrap();
        positions.extend(page.entries.into_iter().map(|entry| entry.position));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let whole: Vec<_> = board.execution_log.iter().map(|entry| entry.position.clone()).collect();
    assert_eq!(positions, whole);
    assert!(positions.is_sorted());
    // Before the ingestor contributed, only discovery had.
    let before = board.at(&positions[2]);
    assert!(before.agent_contributions.contains_key("discovery"));
    assert!(!before.agent_contributions.contains_key("ingestor"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_broken_off_step_had_done_is_not_done_again() {
    let vitesse = memory();
    let made = vitesse.create(shop_to_crm()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("shop.yaml");
    std::fs::copy(crate::common::example("shop.yaml"), &source).unwrap();
    let source = Some(source.display().to_string());
    let half = IngestOptions {
        source_spec_url: source.clone(),
        dest_spec_url: Some("/nowhere/crm.json".into()),
        ..IngestOptions::default()
    };
    vitesse.ingest(made.id, half).await.unwrap_err();
    // The source is gone, but it was read.
    drop(folder);
    vitesse.ingest(made.id, IngestOptions { source_spec_url: source.clone(), ..both() }).await.unwrap();
    // Once the step ended well, the next one reads anew.
    let error =
        vitesse.ingest(made.id, IngestOptions { source_spec_url: source, ..both() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

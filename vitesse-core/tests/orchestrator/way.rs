//! The whole way, in order, out of order, reviewed, forced, paused and taken down.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;
use vitesse_core::ErrorKind;
use vitesse_core::deployer::{Condition, LogQuery};
use vitesse_core::mapper::Edit;
use vitesse_core::mapping::Functions;
use vitesse_core::orchestrator::{
    CreateIntegration, DeployOptions, MapOptions, NewFieldMapping, NewTransformationRule, ReviewEdit,
    RunEdit, StepName, StreamEdit, TestStepOptions, UpdateIntegration, Vitesse, WholeOptions,
};
use vitesse_core::secret::Secret;
use vitesse_core::store::repository::{Action, AuditStatus, Filter, Paging, Status};
use vitesse_core::store::{MemoryStore, Store};

use crate::common::{both, example, shop_to_crm, stores};
use crate::target::Shelf;

fn place(store: &Arc<dyn Store>) -> (Vitesse, Arc<Shelf>) {
    let shelf = Arc::new(Shelf::default());
    let vitesse = Vitesse::builder(store.clone())
        .namespace(Uuid::new_v4().to_string())
        .target(shelf.clone())
        .default_target("shelf")
        .build()
        .unwrap()
        .by("anna");
    (vitesse, shelf)
}

pub(crate) fn memory() -> (Vitesse, Arc<Shelf>) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    place(&store)
}

pub(crate) fn customers() -> MapOptions {
    let hints = [
        ("accepts_marketing", "marketing_consent"),
        ("lifetime_value", "lifetime_value_cents"),
        ("tags", "labels"),
        ("created_at", "signed_up_at"),
    ];
    MapOptions {
        source_endpoint: Some("/customers".into()),
        dest_endpoint: Some("/contacts".into()),
        mapping_hints: hints.map(|(from, to)| (from.to_owned(), to.to_owned())).into(),
        ..MapOptions::default()
    }
}

pub(crate) fn with_credentials() -> DeployOptions {
    let names = ["VITESSE_SOURCE_TOKEN", "VITESSE_DEST_CLIENT_ID", "VITESSE_DEST_CLIENT_SECRET"];
    DeployOptions {
        credentials: names.map(|name| (name.to_owned(), Secret::new("s3cret"))).into(),
        ..DeployOptions::default()
    }
}

pub(crate) async fn mapped(vitesse: &Vitesse) -> Uuid {
    let id = vitesse.create(shop_to_crm()).await.unwrap().id;
    vitesse.ingest(id, both()).await.unwrap();
    let mapped = vitesse.map(id, customers()).await.unwrap();
    assert!(!mapped.abstained);
    id
}

pub(crate) async fn tested(vitesse: &Vitesse) -> Uuid {
    let id = mapped(vitesse).await;
    let tested = vitesse.test(id, TestStepOptions::default()).await.unwrap();
    tested.require_pass().unwrap();
    id
}

fn line(edit: Edit) -> StreamEdit {
    StreamEdit { stream: None, edit: ReviewEdit::Line(edit) }
}

fn run(edit: RunEdit) -> StreamEdit {
    StreamEdit { stream: None, edit: ReviewEdit::Run(edit) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_steps_in_their_order_on_every_store() {
    for (store, _guard) in stores().await {
        let (vitesse, shelf) = place(&store);
        let id = vitesse.create(shop_to_crm()).await.unwrap().id;

        // Out of order, each names what is missing.
        for (called, first) in [("map", "ingest"), ("test", "map"), ("deploy", "map"), ("review", "map")] {
            let error = match called {
                "map" => vitesse.map(id, customers()).await.unwrap_err(),
                "test" => vitesse.test(id, TestStepOptions::default()).await.unwrap_err(),
                "deploy" => vitesse.deploy(id, DeployOptions::default()).await.unwrap_err(),
                _ => vitesse.review(id).await.unwrap_err(),
            };
            assert_eq!(error.kind(), ErrorKind::Prerequisite, "{called}");
            assert!(error.to_string().contains(&format!("run `{first}` first")), "{called}: {error}");
        }
        assert!(vitesse.get(id).await.unwrap().last_error.is_none(), "a refusal changes nothing");

        vitesse.ingest(id, both()).await.unwrap();
        let mapped = vitesse.map(id, customers()).await.unwrap();
        assert_eq!((mapped.status, mapped.next_step), (Status::Testing, Some(StepName::Test)));
        assert_eq!(mapped.streams[0].source_endpoint, "GET /customers");
        assert!(mapped.transformation_count >= 8 && (1.0..=10.0).contains(&mapped.complexity_score));
        let again = vitesse.map(id, customers()).await.unwrap();
        assert_eq!(again.streams, mapped.streams, "the step is idempotent");

        let error = vitesse.deploy(id, with_credentials()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Prerequisite, "{error}");
        let tested = vitesse.test(id, TestStepOptions::default()).await.unwrap();
        tested.require_pass().unwrap();
        assert_eq!(
            (tested.status, tested.test_count, tested.next_step),
            (Status::Deploying, 5, Some(StepName::Deploy))
        );

        let deployed = vitesse.deploy(id, with_credentials()).await.unwrap();
        assert_eq!(deployed.container_id, format!("vitesse-{}", &id.to_string()[..8]));
        assert!(deployed.changed && !deployed.forced);
        assert!(!vitesse.deploy(id, with_credentials()).await.unwrap().changed, "deployed twice");

        let read = vitesse.get(id).await.unwrap();
        assert_eq!(read.status, Status::Active);
        assert_eq!(read.mapping_logic.as_ref().unwrap()["source_endpoint"], json!("/customers"));
        for key in ["service_url", "deployed_at", "deployment_duration_seconds"] {
            assert!(read.extra_metadata.contains_key(key), "{key}");
        }
        assert!(read.health_score.as_ref().unwrap()["overall"].as_f64().unwrap() >= 70.0);
        assert_eq!(shelf.deployment(id).unwrap().mappings, vitesse.mappings(id).await.unwrap());
        let rows = vitesse.repository().transformations(id).await.unwrap();
        assert_eq!(rows.len(), mapped.transformation_count);
        assert!(!vitesse.test_results(id, &Paging::default()).await.unwrap().items.is_empty());

        let status = vitesse.status(id).await.unwrap();
        assert_eq!(status.deployment.unwrap().condition, Condition::Healthy);
        assert_eq!(status.overview.builder_status, "active");
        assert!(status.overview.success_rate.is_some());
        assert_eq!(vitesse.logs(id, &LogQuery::default()).await.unwrap().lines.len(), 1);

        let history = vitesse.history(id, &Paging::default()).await.unwrap().items;
        let actions: Vec<_> = history.iter().map(|entry| entry.action).collect();
        use Action::{Created, Deployed, Tested, Updated};
        assert_eq!(actions, [Deployed, Deployed, Tested, Updated, Updated, Updated, Created]);
        // What is on record tells no secret.
        let everything =
            serde_json::to_string(&(read, history, vitesse.whiteboard(id).await.unwrap())).unwrap();
        assert!(!everything.contains("s3cret"));

        vitesse.delete(id, false).await.unwrap();
        assert!(shelf.deployment(id).is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_intent_with_two_resources_makes_two_streams() {
    let (vitesse, _) = memory();
    let wanted = CreateIntegration { user_intent: "sync customers and orders".into(), ..shop_to_crm() };
    let id = vitesse.create(wanted).await.unwrap().id;
    vitesse.ingest(id, both()).await.unwrap();
    let mapped = vitesse.map(id, MapOptions::default()).await.unwrap();
    let names: Vec<_> = mapped.streams.iter().map(|stream| stream.name.as_str()).collect();
    assert_eq!(names, ["customers", "orders"]);
    let logic = vitesse.get(id).await.unwrap().mapping_logic.unwrap();
    assert_eq!(logic["stream"], "customers", "the record's mapping is the first");
    let error = vitesse.try_record(id, None, None, "{}").await.unwrap_err();
    assert!(error.to_string().contains("name one of customers, orders"), "{error}");
    let error = vitesse.try_record(id, Some("order"), None, "{}").await.unwrap_err();
    assert!(error.to_string().contains("did you mean \"orders\"?"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_is_reviewed_line_by_line_and_what_is_confirmed_is_learned() {
    let (vitesse, _) = memory();
    let id = tested(&vitesse).await;
    let review = vitesse.review(id).await.unwrap();
    let revision = review.revision;
    let edits = vec![
        line(Edit::Accept { dest_field: "family_name".into() }),
        line(Edit::Reject { dest_field: "labels".into() }),
        line(Edit::Replace {
            dest_field: "given_name".into(),
            source_fields: vec!["last_name".into()],
            transform_type: Some("custom".into()),
            transform_config: Some(json!({"function": "upper"})),
        }),
        run(RunEdit::Require { dest_field: "given_name".into(), required: true }),
        run(RunEdit::Enable { dest_field: "signed_up_at".into(), enabled: false }),
    ];
    let reviewed = vitesse.edit(id, Some(revision), edits.clone()).await.unwrap();
    assert_eq!(reviewed.status, Status::Testing, "another mapping is to be tested again");
    assert!(reviewed.learned >= 2);
    let read = vitesse.get(id).await.unwrap();
    assert!(read.health_score.is_none() && read.test_report.is_none());

    // The same edits on the state before are refused as a whole.
    let error = vitesse.edit(id, Some(revision), edits).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);

    let review = vitesse.review(id).await.unwrap();
    let of =
        |field: &str| review.streams[0].lines.iter().find(|line| line.dest_field == field).unwrap().clone();
    assert_eq!(of("family_name").review.as_deref(), Some("accepted"));
    assert_eq!((of("labels").enabled, of("signed_up_at").enabled), (false, false));
    assert!(of("given_name").required);

    // What is left out doesn't run; what was added does.
    let record = r#"{"last_name": "Lovelace", "email": "ada@x.test", "tags": ["a"], "created_at": "2024-01-01T00:00:00Z"}"#;
    let tried = vitesse.try_record(id, None, None, record).await.unwrap();
    assert_eq!(tried.after["given_name"], "LOVELACE");
    assert!(tried.after.get("labels").is_none() && tried.after.get("signed_up_at").is_none());
    let alone = vitesse.try_record(id, None, Some("signed_up_at"), record).await.unwrap();
    assert!(alone.after.get("signed_up_at").is_some(), "a line that is off can be tried: {alone:?}");
    let error = vitesse.try_record(id, None, Some("given_nam"), record).await.unwrap_err();
    assert!(error.to_string().contains("did you mean \"given_name\"?"), "{error}");
    let error = vitesse.try_record(id, None, None, "{").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RecordInvalid);

    // Mapped again, reviewed lines stay.
    vitesse.map(id, customers()).await.unwrap();
    let review = vitesse.review(id).await.unwrap();
    let of =
        |field: &str| review.streams[0].lines.iter().find(|line| line.dest_field == field).unwrap().clone();
    assert_eq!(of("given_name").source_fields, ["last_name"]);
    assert!(!of("labels").enabled);

    // Another integration between the same two learns from it.
    let learned = vitesse.learned("fjord shop", "LIGHTHOUSE CRM").await.unwrap();
    assert!(learned.iter().any(|line| line.source_field == "last_name" && line.dest_field == "family_name"));
    let other = mapped(&vitesse).await;
    let board = vitesse.whiteboard(other).await.unwrap();
    assert!(board.learned_patterns.contains_key("learned_lines_used"), "{:?}", board.learned_patterns);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_is_wrong_changes_nothing() {
    let (vitesse, _) = memory();
    let id = mapped(&vitesse).await;
    let before = vitesse.review(id).await.unwrap().streams;
    let good = line(Edit::Accept { dest_field: "family_name".into() });
    let wrong = [
        line(Edit::Accept { dest_field: "famly_name".into() }),
        StreamEdit { stream: Some("nowhere".into()), edit: good.edit.clone() },
        run(RunEdit::Enable { dest_field: "nothing".into(), enabled: false }),
        line(Edit::Replace {
            dest_field: "given_name".into(),
            source_fields: vec!["last_name".into()],
            transform_type: Some("custom".into()),
            transform_config: Some(json!({"function": "shuot"})),
        }),
    ];
    for wrong in wrong {
        let error = vitesse.edit(id, None, vec![good.clone(), wrong.clone()]).await.unwrap_err();
        assert!(error.to_string().contains("edit: 2"), "{wrong:?}: {error}");
        assert_eq!(vitesse.review(id).await.unwrap().streams, before, "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn field_mappings_and_rules_are_edits_of_the_document() {
    let (vitesse, _) = memory();
    let id = mapped(&vitesse).await;
    let new = NewFieldMapping {
        source_field: "email".into(),
        target_field: "given_name".into(),
        required: true,
        transformation: Some("upper".into()),
        ..NewFieldMapping::default()
    };
    vitesse.add_field_mapping(id, new).await.unwrap();
    let rule = NewTransformationRule {
        name: "shout".into(),
        source_field: "last_name".into(),
        target_field: "family_name".into(),
        transformation_logic: json!({"function": "upper"}).as_object().unwrap().clone(),
        enabled: false,
        ..NewTransformationRule::default()
    };
    vitesse.add_transformation_rule(id, rule).await.unwrap();
    let mappings = vitesse.field_mappings(id).await.unwrap();
    let given = mappings.iter().find(|mapping| mapping.target_field == "given_name").unwrap();
    assert_eq!((given.source_field.as_str(), given.required), ("email", true));
    assert_eq!(given.transformation.as_deref(), Some("upper"));
    let rules = vitesse.transformation_rules(id).await.unwrap();
    let shout = rules.iter().find(|rule| rule.target_field == "family_name").unwrap();
    assert_eq!((shout.enabled, shout.description.as_str()), (false, "shout"));
    // They are in what the runtime gets, and a rule that is off is not in what it does.
    let tried =
        vitesse.try_record(id, None, None, r#"{"last_name": "Byron", "email": "a@x.test"}"#).await.unwrap();
    assert_eq!(tried.after["given_name"], "A@X.TEST");
    assert!(tried.after.get("family_name").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_was_tested_is_deployed_unless_somebody_answers_for_it() {
    let (vitesse, shelf) = memory();
    let id = tested(&vitesse).await;
    vitesse.deploy(id, with_credentials()).await.unwrap();
    let before = shelf.deployment(id).unwrap().mapping_hash();

    // Reviewed after the test: another mapping. What runs goes on.
    vitesse.edit(id, None, vec![line(Edit::Reject { dest_field: "labels".into() })]).await.unwrap();
    assert_eq!(vitesse.get(id).await.unwrap().status, Status::Testing);
    let error = vitesse.deploy(id, with_credentials()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Prerequisite, "{error}");
    assert_eq!(shelf.deployment(id).unwrap().mapping_hash(), before);

    let forced = vitesse.deploy(id, DeployOptions { force: true, ..with_credentials() }).await.unwrap();
    assert!(forced.forced);
    let entry = vitesse.history(id, &Paging::default()).await.unwrap().items.remove(0);
    assert_eq!((entry.action, &entry.details["forced"]), (Action::Deployed, &json!(true)));

    // A required field that nothing fills fails the gate, whatever the score.
    let edits = vec![run(RunEdit::Enable { dest_field: "family_name".into(), enabled: false })];
    vitesse.edit(id, None, edits).await.unwrap();
    let tested = vitesse.test(id, TestStepOptions::default()).await.unwrap();
    assert!(!tested.passed);
    let refused = tested.require_pass().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::GateFailed);
    assert!(refused.to_string().starts_with("Integration tests failed: health_score = "), "{refused}");
    let read = vitesse.get(id).await.unwrap();
    assert_eq!((read.status, read.last_error.unwrap().kind.as_str()), (Status::Testing, "gate_failed"));
    let error = vitesse.deploy(id, with_credentials()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GateFailed, "{error}");
    let history = vitesse.history(id, &Paging::default()).await.unwrap().items;
    assert_eq!((history[0].action, history[0].status), (Action::Tested, AuditStatus::Failed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_of_this_process_is_tried_and_warned_of_and_not_deployed() {
    let shelf = Arc::new(Shelf::default());
    let loud = |inputs: &[Option<&vitesse_core::mapping::Value>]| {
        let text = inputs.first().copied().flatten().and_then(|value| value.as_str());
        Ok(text.map(|text| text.to_uppercase().as_str().into()))
    };
    let vitesse = Vitesse::builder(Arc::new(MemoryStore::new()))
        .target(shelf.clone())
        .default_target("shelf")
        .functions(Functions::builtin().with("our_loud", loud))
        .build()
        .unwrap();
    let id = mapped(&vitesse).await;
    let ours = Edit::Replace {
        dest_field: "given_name".into(),
        source_fields: vec!["first_name".into()],
        transform_type: Some("custom".into()),
        transform_config: Some(json!({"function": "our_loud"})),
    };
    vitesse.edit(id, None, vec![line(ours)]).await.unwrap();
    let tested = vitesse.test(id, TestStepOptions::default()).await.unwrap();
    assert!(tested.passed, "{}", tested.reason);
    let report = &tested.streams[0].report;
    assert!(report.warnings.iter().any(|warning| warning.contains("our_loud")), "{:?}", report.warnings);
    let error = vitesse.deploy(id, with_credentials()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("our_loud") && error.to_string().contains("given_name"), "{error}");
    // Not even by force: it could not run there.
    let forced = DeployOptions { force: true, ..with_credentials() };
    assert_eq!(vitesse.deploy(id, forced).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(shelf.deployment(id).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_fails_leaves_the_record_as_the_table_says() {
    let (vitesse, shelf) = memory();
    let id = tested(&vitesse).await;
    let error = vitesse.deploy(id, DeployOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialRefused);
    for name in ["VITESSE_SOURCE_TOKEN (for Fjord Shop)", "VITESSE_DEST_CLIENT_SECRET (for Lighthouse CRM)"] {
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(vitesse.get(id).await.unwrap().status, Status::Deploying, "nothing was begun");

    shelf.fail(Some(ErrorKind::Unreachable));
    vitesse.deploy(id, with_credentials()).await.unwrap_err();
    let read = vitesse.get(id).await.unwrap();
    assert_eq!((read.status, read.last_error.unwrap().temporary), (Status::Deploying, true));

    shelf.fail(Some(ErrorKind::DeployFailed));
    vitesse.deploy(id, with_credentials()).await.unwrap_err();
    let read = vitesse.get(id).await.unwrap();
    assert_eq!((read.status, read.last_error.unwrap().step.as_str()), (Status::Failed, "deploy"));
    let overview = vitesse.overview(id).await.unwrap();
    assert_eq!((overview.builder_status, overview.next_step), ("inactive", Some(StepName::Deploy)));

    shelf.fail(None);
    vitesse.deploy(id, with_credentials()).await.unwrap();
    let read = vitesse.get(id).await.unwrap();
    assert!(read.status == Status::Active && read.last_error.is_none());

    // More than the target can do is refused before anything is touched.
    let error =
        vitesse.deploy(id, DeployOptions { replicas: Some(9), ..with_credentials() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(vitesse.get(id).await.unwrap().status, Status::Active);

    // The target can't be reached: the record stays with the reason, unless forced.
    shelf.fail(Some(ErrorKind::Unreachable));
    assert!(vitesse.status(id).await.unwrap().deployment_error.unwrap().contains("the shelf is broken"));
    vitesse.delete(id, false).await.unwrap_err();
    assert_eq!(vitesse.get(id).await.unwrap().last_error.unwrap().step, "delete");
    vitesse.delete(id, true).await.unwrap();
    assert_eq!(vitesse.get(id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused_and_resumed_it_is_what_was_deployed() {
    let (vitesse, shelf) = memory();
    let id = tested(&vitesse).await;
    assert_eq!(vitesse.pause(id).await.unwrap_err().kind(), ErrorKind::Prerequisite);
    // Credentials from a place that can only be read last for a deployment, so they are in the environment here.
    let (without, vitesse) = (vitesse.clone(), fixed(&vitesse, &shelf));
    vitesse.deploy(id, DeployOptions::default()).await.unwrap();
    let deployed = shelf.deployment(id).unwrap();
    // Whoever stops it needs no credentials.
    without.pause(id).await.unwrap();
    let paused = shelf.deployment(id).unwrap();
    assert!(paused.paused && paused.credentials.is_empty() && !deployed.credentials.is_empty());
    assert_eq!(without.resume(id).await.unwrap_err().kind(), ErrorKind::CredentialRefused);
    assert_eq!(vitesse.overview(id).await.unwrap().builder_status, "inactive");
    assert_eq!(vitesse.status(id).await.unwrap().deployment.unwrap().condition, Condition::Paused);
    vitesse.resume(id).await.unwrap();
    assert_eq!(shelf.deployment(id).unwrap().mapping_hash(), deployed.mapping_hash());
    assert_eq!(vitesse.overview(id).await.unwrap().builder_status, "active");
}

/// That they may run beside each other follows from a secret, which what is paused doesn't get.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_whose_state_is_named_by_a_secret_are_paused() {
    let (vitesse, shelf) = memory();
    let id = tested(&vitesse).await;
    let state = ("VITESSE_STATE".to_owned(), Secret::new("postgres://u:p@db/x"));
    let two = DeployOptions { replicas: Some(2), credentials: [state].into(), ..DeployOptions::default() };
    let vitesse = fixed(&vitesse, &shelf);
    vitesse.deploy(id, two).await.unwrap();
    vitesse.pause(id).await.unwrap();
    let paused = shelf.deployment(id).unwrap();
    assert!(paused.paused && paused.config.replicas == 2 && paused.credentials.is_empty());
}

/// The same with the environment of a test.
pub(crate) fn fixed(vitesse: &Vitesse, shelf: &Arc<Shelf>) -> Vitesse {
    Vitesse::builder(vitesse.repository().store().clone())
        .namespace(vitesse.repository().namespace())
        .target(shelf.clone())
        .default_target("shelf")
        .credentials(Arc::new(Fixed))
        .build()
        .unwrap()
}

/// The environment of a test.
#[derive(Debug, Default)]
pub(crate) struct Fixed;

impl vitesse_core::secret::CredentialSource for Fixed {
    fn get(&self, name: &str) -> vitesse_core::Result<Option<Secret>> {
        let known = [
            "SOURCE_API_KEY",
            "VITESSE_CONNECTION_CRM__CLIENT_ID",
            "VITESSE_DEST_CLIENT_ID",
            "VITESSE_DEST_CLIENT_SECRET",
        ];
        Ok(known.contains(&name).then(|| Secret::new("s3cret")))
    }

    fn put(&self, name: &str, _: &Secret) -> vitesse_core::Result<()> {
        Err(vitesse_core::Error::new(ErrorKind::Unsupported, format!("{name} can't be kept")))
    }

    fn describe(&self) -> String {
        "a test".into()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_be_done_is_not_done() {
    let (vitesse, shelf) = memory();
    let constraints = |given: Value| given.as_object().unwrap().clone();
    let wanted = CreateIntegration {
        user_constraints: constraints(
            json!({"never_send": ["phone", "default_address"], "never_call": ["DELETE /contacts/{id}"]}),
        ),
        user_preferences: constraints(json!({"on_error": "skip", "sample_size": 7})),
        ..shop_to_crm()
    };
    let id = vitesse.create(wanted).await.unwrap().id;
    vitesse.ingest(id, both()).await.unwrap();
    vitesse.map(id, customers()).await.unwrap();
    let mapping = vitesse.mappings(id).await.unwrap().remove(0);
    let sends = |field: &str| {
        let lines = mapping.transformations.iter().filter(|line| line.enabled);
        lines.flat_map(|line| &line.source_field.paths).any(|path| path.to_string().starts_with(field))
    };
    assert!(!sends("phone") && !sends("default_address") && sends("email"));
    let operations = mapping.destination.as_ref().unwrap().operations.clone();
    assert!(operations.delete.is_none() && operations.create.is_some());
    assert_eq!(mapping.on_error.to_string(), "skip");
    assert_eq!(vitesse.test(id, TestStepOptions::default()).await.unwrap().test_count, 7);

    // Neither by a person's edit.
    let edit = line(Edit::Replace {
        dest_field: "given_name".into(),
        source_fields: vec!["phone".into()],
        transform_type: None,
        transform_config: None,
    });
    let error = vitesse.edit(id, None, vec![edit]).await.unwrap_err();
    assert!(error.to_string().contains("forbid sending phone"), "{error}");

    // Constraints that come later hold for what was mapped before.
    let update = UpdateIntegration {
        user_constraints: Some(constraints(json!({"never_send": ["emial"]}))),
        ..UpdateIntegration::default()
    };
    vitesse.update(id, None, update).await.unwrap();
    let error = vitesse.map(id, customers()).await.unwrap_err();
    assert!(error.to_string().contains("did you mean \"email\"?"), "{error}");
    let update = UpdateIntegration {
        user_constraints: Some(constraints(json!({"regions": ["eu-west-1"]}))),
        ..UpdateIntegration::default()
    };
    vitesse.update(id, None, update).await.unwrap();
    vitesse.map(id, customers()).await.unwrap();
    vitesse.test(id, TestStepOptions::default()).await.unwrap();
    let error = vitesse.deploy(id, with_credentials()).await.unwrap_err();
    assert!(error.to_string().contains("region"), "{error}");
    assert!(shelf.deployment(id).is_none());
    let extra = constraints(json!({"region": "eu-west-1"}));
    vitesse.deploy(id, DeployOptions { extra, ..with_credentials() }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_invalidates_what_depends_on_it_and_nothing_else() {
    let (vitesse, _) = memory();
    let id = tested(&vitesse).await;
    vitesse.deploy(id, with_credentials()).await.unwrap();
    let read = vitesse.get_versioned(id).await.unwrap();
    let rename = UpdateIntegration { name: Some("Renamed".into()), ..UpdateIntegration::default() };
    let after = vitesse.update(id, Some(read.revision), rename.clone()).await.unwrap();
    assert_eq!((after.name.as_str(), after.status), ("Renamed", Status::Active));
    let error = vitesse.update(id, Some(read.revision), rename).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);

    let larger = UpdateIntegration {
        deployment_config: Some(json!({"memory_mb": 1024}).as_object().unwrap().clone()),
        ..UpdateIntegration::default()
    };
    let after = vitesse.update(id, None, larger).await.unwrap();
    assert_eq!((after.status, after.deployment_config.memory_mb), (Status::Deploying, 1024));
    assert_eq!(vitesse.deployment_configs(id).await.unwrap().len(), 2);
    vitesse.deploy(id, with_credentials()).await.unwrap();

    let other =
        UpdateIntegration { user_intent: Some("something else".into()), ..UpdateIntegration::default() };
    let after = vitesse.update(id, None, other).await.unwrap();
    assert_eq!(after.status, Status::Mapping);
    assert!(after.mapping_logic.is_none() && after.health_score.is_none());
    assert!(after.container_id.is_some(), "what runs goes on");
    let elsewhere =
        UpdateIntegration { deployment_target: Some("eks".into()), ..UpdateIntegration::default() };
    assert_eq!(vitesse.update(id, None, elsewhere).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let entry = vitesse.history(id, &Paging::default()).await.unwrap().items.remove(0);
    assert_eq!((entry.status, entry.details["step"].as_str()), (AuditStatus::Failed, Some("update")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_call_goes_as_far_as_it_can() {
    let (vitesse, _) = memory();
    let at = WholeOptions { map: customers(), ..WholeOptions::at(example("shop.yaml"), example("crm.json")) };
    let whole = vitesse.create_integration(shop_to_crm(), at.clone()).await.unwrap();
    assert!(whole.stopped.is_none(), "{:?}", whole.stopped);
    assert_eq!(vitesse.get(whole.integration_id).await.unwrap().status, Status::Deploying);

    let mut nowhere = at.clone();
    nowhere.ingest.source_spec_url = Some("/nowhere.yaml".into());
    let whole = vitesse.create_integration(shop_to_crm(), nowhere).await.unwrap();
    let (step, error) = whole.stopped.unwrap();
    assert_eq!((step, error.kind()), (StepName::Ingest, ErrorKind::NotFound));
    // It is there, ready to go on.
    vitesse.ingest(whole.integration_id, both()).await.unwrap();

    let wrong = CreateIntegration { name: String::new(), ..shop_to_crm() };
    assert_eq!(vitesse.create_integration(wrong, at).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(vitesse.list(&Filter::default(), &Paging::default()).await.unwrap().items.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_fits_it_says_so_and_stays() {
    let (vitesse, _) = memory();
    let id = vitesse.create(shop_to_crm()).await.unwrap().id;
    let mut options = both();
    let weather = r#"{"openapi": "3.1.0", "info": {"title": "Weather", "version": "1"}, "paths": {"/readings": {
        "get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "array",
        "items": {"type": "object", "properties": {"hpa": {"type": "number"}, "isobar": {"type": "integer"},
        "gust_kn": {"type": "number"}}}}}}}}}}}}"#;
    options.source_document = Some(weather.into());
    vitesse.ingest(id, options).await.unwrap();
    let wanted = MapOptions {
        source_endpoint: Some("/readings".into()),
        dest_endpoint: Some("/contacts".into()),
        ..MapOptions::default()
    };
    let mapped = vitesse.map(id, wanted).await.unwrap();
    assert!(mapped.abstained, "{:?}", mapped.streams[0].proposal.mapping.transformations);
    assert_eq!(mapped.status, Status::Mapping);
    assert_eq!(mapped.refusal().unwrap().kind(), ErrorKind::MappingInvalid);
    let review = vitesse.review(id).await.unwrap();
    assert!(review.streams[0].refused.is_some(), "the reason is kept");
    let error = vitesse.test(id, TestStepOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Prerequisite);
    let entry = vitesse.history(id, &Paging::default()).await.unwrap().items.remove(0);
    assert_eq!(entry.status, AuditStatus::Failed);
}

//! The whole way against two mocks.

use std::sync::Arc;

use serde_json::json;
use vitesse_core::guardian::{Guardian, TestOptions, TestReport};
use vitesse_core::mapping::Mapping;
use vitesse_core::progress::Progress;

use super::integrations::{Integration, all};

async fn rehearse(integration: Integration) -> TestReport {
    let mapping = Mapping::parse(integration.mapping.to_string().as_bytes()).unwrap();
    let (source, dest) = (Arc::new(integration.source), Arc::new(integration.dest));
    let guardian = Guardian::new(TestOptions { test_count: 10, ..TestOptions::default() });
    let report = guardian.test(&mapping, &source, &dest, &Progress::none()).unwrap();
    assert!(report.passed(), "{}: {:#?}", integration.name, report.gate);
    guardian.rehearse(report, &mapping, &source, &dest, &Progress::none()).await.unwrap()
}

#[tokio::test]
async fn good_integrations_go_the_whole_way() {
    let mut rehearsed = 0;
    for integration in all() {
        let name = integration.name.clone();
        let connected =
            integration.mapping["source"].is_object() && integration.mapping["destination"].is_object();
        let report = rehearse(integration).await;
        assert!(report.passed(), "{name}: {:#?}", report.gate);
        let Some(rehearsal) = report.rehearsal else {
            assert!(!connected, "{name}");
            continue;
        };
        rehearsed += 1;
        assert_eq!(rehearsal.calls, rehearsal.succeeded, "{name}");
        assert_eq!(rehearsal.records, 10, "{name}: records were read and written, {rehearsal:?}");
        assert!(rehearsal.critical_issues.is_empty() && rehearsal.calls > 1, "{name}: {rehearsal:?}");
        // A shop's customer without a last name is refused, as the mapping says; most have one.
        assert!(rehearsal.records_passed * 2 > rehearsal.records, "{name}: {rehearsal:?}");
        assert!(report.live.is_none());
    }
    assert!(rehearsed >= 2, "{rehearsed}");
}

#[tokio::test]
async fn a_body_that_the_destination_does_not_take_is_found_by_calling_it() {
    let mut integration = all().into_iter().find(|one| one.name == "shop-to-crm/customers").unwrap();
    // The records are right and the operation isn't, which no record shows.
    integration.mapping["destination"]["operations"]["create"]["wrap"] = json!("contact");
    let report = rehearse(integration).await;
    assert!(!report.passed());
    assert!(
        report.critical_issues[0]
            .starts_with("schema mismatch: the destination answers POST /contacts with 4"),
        "{:?}",
        report.critical_issues
    );
}

#[tokio::test]
async fn a_read_that_the_source_refuses_is_told_with_its_reason() {
    let mut integration = all().into_iter().find(|one| one.name == "shop-to-crm/customers").unwrap();
    integration.mapping["source"]["params"] = json!({"updated_since": "yesterday"});
    let report = rehearse(integration).await;
    assert!(!report.passed());
    let issue = &report.critical_issues[0];
    assert!(
        issue.starts_with("schema mismatch: the source answers GET /customers with 4")
            && issue.contains("updated_since"),
        "{issue}"
    );
    assert_eq!(report.rehearsal.unwrap().records_passed, 0);
}

#[tokio::test]
async fn what_has_no_connection_is_not_rehearsed() {
    let mut integration = all().into_iter().find(|one| one.name == "shop-to-crm/customers").unwrap();
    integration.mapping["source"] = json!({"type": "file", "file": {"path": "customers.ndjson"}});
    let report = rehearse(integration).await;
    assert!(report.passed() && report.rehearsal.is_none());
}

use serde_json::{Value, json};

use super::{FindingClass, Guardian, Severity, TestOptions, TestReport};
use crate::ingestor::{ReadOptions, read};
use crate::mapping::Mapping;
use crate::progress::Progress;
use crate::spec::ApiSpec;

fn spec(name: &str, paths: Value) -> ApiSpec {
    let document = json!({"openapi": "3.1.0", "info": {"title": name, "version": "1"}, "paths": paths});
    read(document.to_string().as_bytes(), &ReadOptions::default()).unwrap().spec
}

fn source(record: Value) -> ApiSpec {
    let list = json!({"type": "array", "items": record});
    let answer = json!({"description": "", "content": {"application/json": {"schema": list}}});
    spec("Shop", json!({"/orders": {"get": {"responses": {"200": answer}}}}))
}

fn dest(record: Value) -> ApiSpec {
    let body = json!({"content": {"application/json": {"schema": record}}});
    spec(
        "Books",
        json!({"/invoices": {"post": {"requestBody": body, "responses": {"201": {"description": ""}}}}}),
    )
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

#[track_caller]
fn run(options: TestOptions, from: &ApiSpec, to: &ApiSpec, mapping: Value) -> TestReport {
    let mut document = json!({"version": 1, "source_endpoint": "/orders", "dest_endpoint": "/invoices"});
    document.as_object_mut().unwrap().extend(mapping.as_object().unwrap().clone());
    let mapping = Mapping::parse(document.to_string().as_bytes()).unwrap();
    Guardian::new(options).test(&mapping, from, to, &Progress::none()).unwrap()
}

fn line(from: &str, to: &str) -> Value {
    json!({"source_field": from, "dest_field": to, "transform_type": "mapping"})
}

fn told(report: &TestReport, least: Severity) -> Vec<String> {
    let found = report.findings.iter().filter(|finding| finding.severity <= least);
    found.map(|finding| format!("{}: {} -> {}", finding.class, finding.cause, finding.fix)).collect()
}

#[test]
fn a_good_mapping_passes_and_every_figure_follows_from_the_report() {
    let from = source(object(
        &["id", "total"],
        json!({"id": {"type": "string"}, "total": {"type": "string", "example": "9.90"},
        "note": {"type": "string"}, "state": {"type": "string", "enum": ["open", "paid"]}}),
    ));
    let to = dest(object(
        &["reference", "amount"],
        json!({"reference": {"type": "string"}, "amount": {"type": "number"}, "note": {"type": "string"}}),
    ));
    let mapping = json!({"transformations": [line("id", "reference"), line("note", "note"),
        {"source_field": "total", "dest_field": "amount", "transform_type": "parse", "transform_config": {"function": "parse_float"}}]});
    let report = run(TestOptions { test_count: 20, ..TestOptions::default() }, &from, &to, mapping.clone());
    assert!(report.passed(), "{report:#?}");
    assert_eq!((report.test_count, report.passed_tests, report.failed_tests), (20, 20, 0));
    assert_eq!(report.health_score.overall, 100.0);
    assert_eq!(report.coverage.transformations.covered, 3);
    assert_eq!(report.coverage.required_fields.covered, 2);
    assert_eq!(report.coverage.branches.missing, [""; 0]);
    assert_eq!(told(&report, Severity::Error), [""; 0]);
    let robust = report.robustness.unwrap();
    assert!(robust.records > 20 && robust.valid < robust.records && robust.held > 10, "{robust:?}");
    assert!((robust.score - robust.held as f64 * 100.0 / robust.records as f64).abs() < 1e-9);

    // The shape of the reference, and back.
    let form = serde_json::to_value(&report).unwrap();
    assert_eq!(form["health_score"], json!({"overall": 100, "data_quality": 100, "reliability": 100}));
    let detail = &form["test_details"][0];
    assert_eq!(
        (&detail["index"], &detail["endpoint"], &detail["method"], &detail["status"]),
        (&json!(1), &json!("/orders"), &json!("GET"), &json!("passed"))
    );
    assert!(detail["response_time_ms"].is_number());
    assert_eq!(form["gate"]["rule"], "score");
    let back: TestReport = serde_json::from_value(form.clone()).unwrap();
    assert_eq!(serde_json::to_value(back).unwrap(), form);

    // The same seed gives the same report, but for the clock.
    let again = run(TestOptions { test_count: 20, ..TestOptions::default() }, &from, &to, mapping);
    assert_eq!(again.findings, report.findings);
}

#[test]
fn an_unmapped_required_field_fails_the_gate_by_its_own_rule() {
    let from = source(object(
        &["id", "mail"],
        json!({"id": {"type": "string"}, "mail": {"type": "string", "format": "email"}}),
    ));
    let to = dest(object(
        &["reference", "email"],
        json!({"reference": {"type": "string"}, "email": {"type": "string", "format": "email"}}),
    ));
    let report =
        run(TestOptions::default(), &from, &to, json!({"transformations": [line("id", "reference")]}));
    assert!(!report.passed());
    assert_eq!(report.gate.rule.id(), "required_field_missing");
    assert_eq!(report.health_score.overall, 30.0);
    assert_eq!(
        told(&report, Severity::Critical),
        ["missing_required: email is missing -> add a line for it; `mail` is the best candidate"]
    );
    let sample = report.findings[0].sample.as_ref().unwrap();
    assert_eq!(sample.output, Some(json!({"reference": ""})));
}

#[test]
fn each_class_names_its_line_and_a_fix_and_records_are_made_small() {
    let from = source(object(
        &["id", "made", "state", "name", "count", "email"],
        json!({"id": {"type": "integer"}, "made": {"type": "string", "format": "date-time"}, "email": {"type": "string", "format": "email"},
            "state": {"type": "string", "enum": ["open", "paid"]}, "name": {"type": "string"}, "count": {"type": "integer"}}),
    ));
    let to = dest(object(
        &[],
        json!({"reference": {"type": "string"}, "day": {"type": "string", "format": "date"},
        "stage": {"type": "string", "enum": ["new", "won"]}, "label": {"type": "string", "maxLength": 2},
        "units": {"type": "integer", "maximum": 0}, "extra": {"type": "boolean"}}),
    ));
    let report = run(
        TestOptions::default(),
        &from,
        &to,
        json!({"transformations": [
            line("id", "reference"), line("made", "day"), line("state", "stage"), line("name", "label"), line("count", "units"), line("name", "extr")
        ]}),
    );
    let find = |class: FindingClass| {
        report.findings.iter().find(|f| f.class == class).unwrap_or_else(|| panic!("{class} {report:#?}"))
    };
    assert_eq!(
        (find(FindingClass::Type).line, find(FindingClass::Type).severity),
        (Some(0), Severity::Critical)
    );
    assert_eq!(find(FindingClass::Type).fix, "use transform_type `stringify`");
    assert_eq!(find(FindingClass::Format).line, Some(1));
    assert!(find(FindingClass::Format).fix.contains("timestamp"));
    assert_eq!(find(FindingClass::Enum).line, Some(2));
    assert!(
        find(FindingClass::Enum).fix.contains(r#"from "open", "paid" to ["new","won"]"#),
        "{}",
        find(FindingClass::Enum).fix
    );
    assert_eq!(find(FindingClass::Length).line, Some(3));
    assert_eq!(find(FindingClass::Range).line, Some(4));
    assert_eq!(
        (find(FindingClass::UnknownField).line, find(FindingClass::UnknownField).fix.as_str()),
        (Some(5), "did you mean `extra`?")
    );
    // Only what the schema requires is left of the record, and the name is as short as it can be.
    let small = &find(FindingClass::Length).sample.as_ref().unwrap().input;
    assert_eq!(small["name"].as_str().unwrap().chars().count(), 3, "{small}");
    assert_eq!(report.critical_issues.len(), 3, "{:?}", report.critical_issues);
    assert!(report.critical_issues.iter().all(|issue| issue.starts_with("schema mismatch: line ")));
    assert_eq!(report.error_patterns["400"], 5);
}

#[test]
fn what_can_be_missing_is_told_and_a_refusal_is_a_decision() {
    let from = source(object(&["id"], json!({"id": {"type": "string"}, "name": {"type": "string"}})));
    let to = dest(object(&["name"], json!({"name": {"type": "string"}})));
    let many = || TestOptions { test_count: 40, ..TestOptions::default() };
    let open = run(many(), &from, &to, json!({"transformations": [line("name", "name")]}));
    assert_eq!(open.gate.rule.id(), "required_field_missing");
    let mut required = line("name", "name");
    required["required"] = json!(true);
    let refused = run(many(), &from, &to, json!({"transformations": [required]}));
    assert!(refused.passed() && refused.failed_tests > 0, "{refused:#?}");
    assert!(told(&refused, Severity::Error)[0].starts_with("missing_required: name is required by the line"));
}

#[test]
fn filters_are_met_and_what_is_lost_is_noted() {
    let from = source(object(
        &["at", "state", "kind"],
        json!({"at": {"type": "string", "format": "date-time"}, "kind": {"type": "string"},
        "state": {"type": "string", "enum": ["a", "b", "c"]}}),
    ));
    let to = dest(object(
        &["closed_at", "s"],
        json!({"closed_at": {"type": "integer", "description": "Seconds since 1970."}, "s": {"type": "string"}}),
    ));
    let report = run(
        TestOptions { test_count: 30, ..TestOptions::default() },
        &from,
        &to,
        json!({
        "filter": {"all": [{"field": "kind", "equals": "sale"}, {"field": "state", "in": ["a", "b"]}]},
        "transformations": [
            {"source_field": "at", "dest_field": "closed_at", "transform_type": "custom", "transform_config": {"function": "timestamp", "params": {"format": "unix"}}},
            {"source_field": "state", "dest_field": "s", "transform_type": "custom", "transform_config": {"function": "lookup", "params": {"table": {"a": "x", "b": "x", "c": "y"}}}}
        ]}),
    );
    assert!(report.passed() && report.test_count == 30, "{report:#?}");
    let lossy: Vec<_> = report.findings.iter().filter(|f| f.class == FindingClass::Lossy).collect();
    assert_eq!(lossy.len(), 2, "{lossy:#?}");
    assert!(
        lossy[0].cause.contains("closed_at keeps less than at has") && lossy[0].severity == Severity::Note
    );
    assert!(lossy[1].cause.contains(r#""a" and "b" become one"#));
}

#[test]
fn what_cannot_be_tested_is_an_error_that_says_why() {
    let from = source(object(&[], json!({"id": {"type": "string"}})));
    let to = dest(object(&[], json!({"id": {"type": "string"}})));
    let fails = |document: Value| {
        let mapping = Mapping::parse(document.to_string().as_bytes()).unwrap();
        Guardian::new(TestOptions::default())
            .test(&mapping, &from, &to, &Progress::none())
            .unwrap_err()
            .to_string()
    };
    let wrong = fails(
        json!({"version": 1, "source_endpoint": "/order", "dest_endpoint": "/invoices", "transformations": []}),
    );
    assert!(wrong.contains("no such endpoint") && wrong.contains("/orders"), "{wrong}");
    let nowhere = fails(json!({"version": 1, "source_endpoint": "/orders", "transformations": []}));
    assert!(nowhere.contains("doesn't say where records go"), "{nowhere}");
    // An endpoint that the destination lacks is found by the test.
    let report = run(
        TestOptions::default(),
        &from,
        &to,
        json!({"dest_endpoint": "/nowhere", "transformations": [line("id", "id")]}),
    );
    assert_eq!(report.critical_issues, ["schema mismatch: the destination has no POST /nowhere"]);
    assert_eq!(report.coverage.endpoint_coverage, 50.0);
}

#[test]
fn it_can_be_stopped() {
    let from = source(object(&[], json!({"id": {"type": "string"}})));
    let to = dest(object(&[], json!({"id": {"type": "string"}})));
    let mapping = Mapping::parse(br#"{"version": 1, "source_endpoint": "/orders", "dest_endpoint": "/invoices", "transformations": []}"#).unwrap();
    let progress = Progress::none();
    progress.cancel().cancel();
    let error = Guardian::new(TestOptions::default()).test(&mapping, &from, &to, &progress).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Cancelled);
}

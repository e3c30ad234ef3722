//! Whether the guardian says what is wrong, and nothing about what isn't.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use vitesse_core::guardian::{FindingClass, Severity, TestOptions, TestReport};

use super::breaks::{BREAKS, Break};
use super::integrations::{Integration, all};

fn options() -> TestOptions {
    TestOptions { test_count: 20, adversarial: false, ..TestOptions::default() }
}

/// Whether something that a person must look at is told of one of the fields.
fn names(report: &TestReport, fields: &[String]) -> bool {
    report
        .findings
        .iter()
        .any(|finding| finding.severity <= Severity::Error && fields.contains(&finding.field))
}

fn is_semantic(class: FindingClass) -> bool {
    use FindingClass as C;
    matches!(class, C::WrongField | C::WrongLook | C::WrongUnit | C::WrongTime | C::WrongTable)
}

#[test]
fn good_mappings_pass_without_a_false_alarm() {
    let (mut lines, mut alarms) = (0, Vec::new());
    for integration in all() {
        let report =
            integration.test(&integration.mapping, TestOptions { test_count: 60, ..TestOptions::default() });
        assert!(report.passed(), "{}: {} {:#?}", integration.name, report.gate.reason, report.findings);
        lines += integration.mapping["transformations"].as_array().unwrap().len();
        let alarm = report.findings.iter().filter(|f| {
            is_semantic(f.class) || f.severity <= Severity::Error && f.class != FindingClass::MissingRequired
        });
        alarms.extend(alarm.map(|finding| format!("{}: {finding}", integration.name)));
    }
    assert!(alarms.len() * 20 <= lines, "{} alarms in {lines} lines: {alarms:#?}", alarms.len());
}

struct Row {
    broken: usize,
    caught: usize,
    missed: Vec<String>,
}

/// A row for each way, on two threads: there are hundreds of mappings to test.
fn rows(integrations: &[Integration]) -> Vec<Row> {
    let half = |from: usize| -> Vec<(usize, Row)> {
        BREAKS
            .iter()
            .enumerate()
            .skip(from)
            .step_by(2)
            .map(|(at, way)| (at, row(integrations, way)))
            .collect()
    };
    let mut rows = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        let mut rows = half(0);
        rows.extend(other.join().unwrap());
        rows
    });
    rows.sort_by_key(|(at, _)| *at);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn row(integrations: &[Integration], way: &Break) -> Row {
    let mut row = Row { broken: 0, caught: 0, missed: Vec::new() };
    for integration in integrations {
        for (mut mapping, fields) in (way.make)(integration) {
            // Its `match_on` names fields, and would be wrong by itself.
            mapping.as_object_mut().unwrap().remove("destination");
            let report = integration.test(&mapping, options());
            row.broken += 1;
            if names(&report, &fields) {
                row.caught += 1;
            } else {
                row.missed.push(format!("{}: {}: {fields:?}", way.name, integration.name));
            }
        }
    }
    row
}

#[test]
fn broken_mappings_are_caught_and_each_break_is_in_the_book() {
    let integrations = all();
    let mut table = String::from(
        "| break | what is done | a schema can show it | broken mappings | caught |\n|---|---|---|--:|--:|\n",
    );
    let (mut missed_by_schema, mut missed, mut meant, mut meant_caught) = (Vec::new(), Vec::new(), 0, 0);
    for (way, row) in BREAKS.iter().zip(rows(&integrations)) {
        assert!(row.broken > 0, "{} breaks nothing", way.name);
        let shows = if way.by_schema { "yes" } else { "no" };
        let percent = row.caught * 100 / row.broken;
        writeln!(
            table,
            "| {} | {} | {shows} | {} | {} ({percent} %) |",
            way.name, way.what, row.broken, row.caught
        )
        .unwrap();
        if way.by_schema {
            missed_by_schema.extend(row.missed);
        } else {
            (meant, meant_caught) = (meant + row.broken, meant_caught + row.caught);
            missed.extend(row.missed);
        }
    }
    assert_eq!(missed_by_schema, [""; 0], "every break that a schema can show is caught");
    assert!(meant_caught * 10 >= meant * 7, "{meant_caught} of {meant}:\n{table}\n{missed:#?}");
    println!("{table}\n{missed:#?}");
    let page =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/src/explanation/guardian.md");
    let text = std::fs::read_to_string(page).unwrap();
    for way in BREAKS {
        assert!(
            text.contains(&format!("| {} | {} |", way.name, way.what)),
            "the page has no row for {}",
            way.name
        );
    }
}

#[test]
fn a_broken_line_is_told_with_all_that_helps() {
    let integration = all().into_iter().find(|integration| integration.name == "people-to-payroll").unwrap();
    let mut mapping = integration.mapping.clone();
    let at = |dest: &str, mapping: &Value| {
        mapping["transformations"]
            .as_array()
            .unwrap()
            .iter()
            .position(|line| line["dest_field"] == dest)
            .unwrap()
    };
    let salary = at("annual_salary_cents", &mapping);
    mapping["transformations"][salary]["transform_config"]["params"] =
        serde_json::json!({"by": 1, "to": "integer", "places": 0});
    let report = integration.test(&mapping, options());
    let finding = report.of_line(salary).find(|finding| finding.class == FindingClass::WrongUnit).unwrap();
    assert_eq!(
        finding.cause,
        "`salary` is in whole units of currency, `annual_salary_cents` in hundredths, but the amount isn't converted"
    );
    assert_eq!(finding.fix, r#"use the function `scale_decimal` with {"by": 100}"#);
    assert!(finding.sample.is_some() && report.warnings.iter().any(|warning| warning.contains("hundredths")));
}

use serde::Serialize;
use vitesse_core::Result;
use vitesse_core::guardian::{Finding, Severity, TestReport};
use vitesse_core::orchestrator::{TestStepOptions, Tested};

use super::session::{Session, short};
use crate::args::Test;
use crate::ui::{Screen, Show};

/// How many findings of a stream are shown.
const MOST: usize = 10;

pub(crate) fn run(args: &Test, session: &Session<'_>) -> Result<()> {
    session.with(&args.which, async |vitesse, id| {
        let options = TestStepOptions {
            test_sample_size: args.samples,
            skip_destructive: !args.write,
            seed: args.seed,
            rehearse: !args.no_rehearsal,
            live: args.live,
            source_connection: args.connections.source_connection.clone(),
            dest_connection: args.connections.dest_connection.clone(),
            source_base_url: args.source_url.clone(),
            dest_base_url: args.dest_url.clone(),
        };
        let tested = vitesse.test(id, options).await?;
        let passed = tested.require_pass();
        session.ui.report(&Report { tested })?;
        passed
    })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Report {
    tested: Tested,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        show(&self.tested, screen);
        let id = short(self.tested.integration_id);
        match self.tested.passed {
            true => screen.hint(format!("vitesse deploy {id}")),
            false => screen.hint(format!("vitesse review {id}, then vitesse test {id}")),
        }
    }
}

/// Scores, then what is wrong by cause, the gravest first.
pub(super) fn show(tested: &Tested, screen: &mut Screen) {
    screen.heading("Test");
    show_scores(tested, screen);
    show_findings(tested, screen);
}

/// The score of each stream, and what decided.
pub(super) fn show_scores(tested: &Tested, screen: &mut Screen) {
    let row = |name: &str, report: &TestReport| {
        let score = &report.health_score;
        vec![
            name.to_owned(),
            if report.passed() { "passed".into() } else { "failed".into() },
            format!("{:.1}", score.overall),
            format!("{} of {}", report.passed_tests, report.test_count),
            format!("{:.0} %", report.coverage.endpoint_coverage),
            report.gate.reason.clone(),
        ]
    };
    let rows = tested.streams.iter().map(|test| row(&test.name, &test.report)).collect();
    screen.table(&["stream", "gate", "score", "records", "endpoints", "because"], rows);
}

fn show_findings(tested: &Tested, screen: &mut Screen) {
    for test in &tested.streams {
        for issue in &test.report.critical_issues {
            screen.warn(format!("{}: {issue}", test.name));
        }
        let report = &test.report;
        let serious: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.severity < Severity::Note).collect();
        if !serious.is_empty() {
            screen.heading(format!("Findings of {}", test.name));
        }
        for finding in serious.iter().take(MOST) {
            let Finding { severity, field, cause, fix, count, of, .. } = finding;
            screen.line(format!("{} {field}: {cause} ({count} of {of})", word(*severity)));
            screen.line(format!("  {fix}"));
        }
        if serious.len() > MOST {
            screen.line(format!("… and {} more; --json has them all", serious.len() - MOST));
        }
        if let Some(rehearsal) = &report.rehearsal {
            screen.line(format!(
                "{}, rehearsed between mocks of both APIs: {} of {} calls were answered, {} of {} records arrived",
                test.name, rehearsal.succeeded, rehearsal.calls, rehearsal.records_passed, rehearsal.records
            ));
        }
        if let Some(live) = &report.live {
            screen.heading(format!("The real APIs, {}", test.name));
            screen.line(format!("{} of {} real records would arrive", live.records_passed, live.records));
        }
        for warning in &report.warnings {
            screen.line(format!("note: {warning}"));
        }
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

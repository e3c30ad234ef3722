//! The score and the gate: all rules about passing, in one place.

use super::options::TestOptions;
use super::report::{FindingClass, Gate, GateRule, HealthScore, Severity, TestReport};

/// What share of the score the success rate has; the coverage of endpoints has the rest.
const SUCCESS: f64 = 0.7;
const COVERAGE: f64 = 0.3;

/// Some of many, in percent; of none, nothing succeeded.
pub(super) fn percent(some: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { some as f64 * 100.0 / of as f64 }
}

/// The score.
pub(super) fn score(success_rate: f64, endpoint_coverage: f64, data_quality: f64) -> HealthScore {
    // Cents of a point, so that the figures in a report give the very score in it.
    let overall = ((success_rate * SUCCESS + endpoint_coverage * COVERAGE) * 100.0).round() / 100.0;
    HealthScore { overall, data_quality, reliability: success_rate }
}

/// Decides about a report whose figures and findings are there.
pub(super) fn decide(report: &TestReport, options: &TestOptions) -> Gate {
    let threshold = options.threshold;
    let no = |rule, reason| Gate { passed: false, rule, reason, threshold };
    if let Some(first) = report.critical_issues.first() {
        let more = match report.critical_issues.len() {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        return no(GateRule::CriticalIssue, format!("a critical issue: {first}{more}"));
    }
    let empty = report.findings.iter().find(|finding| {
        finding.class == FindingClass::MissingRequired && finding.severity == Severity::Critical
    });
    if let Some(finding) = empty {
        return no(
            GateRule::RequiredFieldMissing,
            format!("a required field of the destination: {}", finding.cause),
        );
    }
    let overall = report.health_score.overall;
    let (passed, than) = if overall >= threshold { (true, "not below") } else { (false, "below") };
    let reason = format!("the score {overall} is {than} the threshold {threshold}");
    Gate { passed, rule: GateRule::Score, reason, threshold }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_is_the_reference_one() {
        assert_eq!(score(100.0, 100.0, 0.0).overall, 100.0);
        assert_eq!(score(percent(1, 3), 100.0, 0.0).overall, 53.33);
        assert_eq!(score(percent(4, 7), 100.0, 0.0).overall, 70.0);
        assert_eq!(score(0.0, 50.0, 0.0).overall, 15.0);
        assert_eq!(percent(0, 0), 0.0);
    }
}

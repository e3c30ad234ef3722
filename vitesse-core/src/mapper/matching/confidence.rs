/// From which evidence on a line is written: the best balance of wrong and missing lines in development.
pub(super) const ENOUGH: i32 = 680;

/// Evidence and the share of right lines there, in thousandths, measured on integrations that people wrote.
const MEASURED: &[(i32, i32)] = &[
    (600, 100),
    (660, 300),
    (700, 500),
    (800, 600),
    (900, 690),
    (1010, 700),
    (1050, 780),
    (1075, 910),
    (1080, 920),
];

/// What a line's evidence comes to: its score, and how far ahead of its rivals it is.
pub(super) fn evidence(score: i32, ahead: i32) -> i32 {
    score + ahead.clamp(-100, 100) / 2
}

/// How likely a line with this evidence is right, in thousandths.
pub(super) fn of(evidence: i32) -> u16 {
    let above = MEASURED.partition_point(|(at, _)| *at <= evidence);
    let share = match (above.checked_sub(1).and_then(|below| MEASURED.get(below)), MEASURED.get(above)) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (evidence - x0) * (y1 - y0) / (x1 - x0),
        (Some((_, last)), None) => *last,
        (None, _) => MEASURED[0].1,
    };
    u16::try_from(share).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn more_evidence_is_never_less_confidence() {
        let all: Vec<_> = (0..1300).map(of).collect();
        assert!(all.is_sorted() && all[0] == 100 && all[1299] == 920);
    }
}

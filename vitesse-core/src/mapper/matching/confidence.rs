//! What evidence comes to: the share of right lines at like evidence.

use super::weights::Weights;

/// How likely a line with this score is right, in thousandths: a line between measured points.
pub(super) fn of(score: i32, weights: &Weights) -> u16 {
    let curve = &weights.curve;
    let above = curve.partition_point(|(at, _)| *at <= score);
    let share = match (above.checked_sub(1).and_then(|below| curve.get(below)), curve.get(above)) {
        (Some((x0, y0)), Some((x1, y1))) => {
            let way = i64::from(score - x0) * i64::from(y1 - y0) / i64::from((x1 - x0).max(1));
            i64::from(*y0) + way
        }
        (Some((_, last)), None) => i64::from(*last),
        (None, first) => first.map_or(0, |(_, share)| i64::from(*share)),
    };
    u16::try_from(share.clamp(0, 999)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_evidence_is_never_less_confidence() {
        let all: Vec<_> = (-9000..9000).step_by(7).map(|score| of(score, &Weights::BUILTIN)).collect();
        assert!(all.is_sorted() && all[0] < 100 && all.last().is_some_and(|last| *last > 900));
    }
}

//! What evidence comes to: the share of right lines at like evidence.

use super::choose::Candidate;
use super::field::Field;
use super::weights::Weights;

/// How many numbers confidence is made of.
pub(super) const SIGNS: usize = 4;

/// Their names, in the order of the numbers.
#[cfg(feature = "testing")]
pub(super) const SIGN_NAMES: [&str; SIGNS] = ["score", "both_listed", "both_listed_deep", "into_list"];

/// Points of the logistic curve: log odds and the share, both in thousandths.
const CURVE: [(i32, i32); 25] = [
    (-6000, 2),
    (-5458, 4),
    (-4916, 7),
    (-4375, 12),
    (-3833, 21),
    (-3291, 36),
    (-2750, 60),
    (-2208, 99),
    (-1666, 159),
    (-1125, 245),
    (-583, 358),
    (-41, 490),
    (500, 622),
    (1041, 739),
    (1583, 830),
    (2124, 893),
    (2666, 935),
    (3208, 961),
    (3750, 977),
    (4291, 986),
    (4833, 992),
    (5375, 995),
    (5916, 997),
    (6458, 998),
    (7000, 999),
];

/// What says how much a score is worth: integrations take over fewer of the fields of a list's objects than of the
/// record's own, however alike they are.
pub(super) fn signs(s: &Field, d: &Field, score: i32) -> [i32; SIGNS] {
    let yes = |what: bool| if what { 1000 } else { 0 };
    let both = s.within.min(d.within);
    [score, yes(both > 0), yes(both > 1), yes(s.within == 0 && d.within > 0)]
}

/// How likely a pair is right, in thousandths.
pub(super) fn of(candidate: &Candidate, s: &Field, d: &Field, weights: &Weights) -> u16 {
    let signs = signs(s, d, candidate.score);
    let sum =
        signs.iter().zip(&weights.sure).map(|(sign, weight)| i64::from(*sign) * i64::from(*weight) / 1000);
    share(i64::from(weights.sure_base) + sum.sum::<i64>())
}

/// How alike two fields are, in thousandths: their confidence wherever they are.
pub(super) fn alike(candidate: &Candidate, weights: &Weights) -> u16 {
    let score = i64::from(candidate.score) * i64::from(weights.sure[0]) / 1000;
    share(i64::from(weights.sure_base) + score)
}

/// From which log odds on confidence grows more slowly than they say: too few cases tell very high shares apart, and
/// what is called sure has to be.
const SURE: i64 = 1500;

/// The share of right lines at these log odds: a line between the points.
fn share(odds: i64) -> u16 {
    let odds = if odds > SURE { SURE + (odds - SURE) * 3 / 4 } else { odds };
    let above = CURVE.partition_point(|(at, _)| i64::from(*at) <= odds);
    let share = match (above.checked_sub(1).and_then(|below| CURVE.get(below)), CURVE.get(above)) {
        (Some((x0, y0)), Some((x1, y1))) => {
            let way = (odds - i64::from(*x0)) * i64::from(y1 - y0) / i64::from((x1 - x0).max(1));
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
        let all: Vec<_> = (-9000..9000).step_by(7).map(share).collect();
        assert!(all.is_sorted() && all[0] < 100 && all.last().is_some_and(|last| *last > 950));
        assert!(share(2500) < 910, "what is called sure is more than that");
        assert!(Weights::BUILTIN.sure[0] > 0);
    }

    #[test]
    fn the_curve_is_the_logistic_one() {
        for (odds, share) in CURVE {
            let exact = 1000.0 / (1.0 + (-f64::from(odds) / 1000.0).exp());
            assert!((exact - f64::from(share)).abs() <= 1.0, "{odds}: {share} and {exact}");
        }
    }
}

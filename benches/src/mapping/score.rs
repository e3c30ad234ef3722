//! How well an answer fits a case: precision, recall, calibration.

use super::Case;

/// What one proposed pair is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It meets this right pair.
    Right(usize),
    /// It is wrong.
    Wrong,
    /// It doesn't count.
    Unknown,
}

/// The right answers of a case, with paths as they are compared: without list markers, in lower case.
#[derive(Debug)]
pub struct Judge {
    gold: Vec<(String, String)>,
    neutral: Vec<(String, String)>,
    open_world: bool,
}

/// A path as it is compared.
pub fn plain(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for letter in path.trim_start_matches(['$', '/', '.']).chars() {
        match letter {
            '[' => inside = true,
            ']' => inside = false,
            '/' if !inside => out.push('.'),
            _ if !inside => out.extend(letter.to_lowercase()),
            _ => {}
        }
    }
    let names: Vec<_> =
        out.split('.').filter(|name| !name.is_empty() && !name.bytes().all(|b| b.is_ascii_digit())).collect();
    names.join(".")
}

fn within(path: &str, container: &str) -> bool {
    path.strip_prefix(container).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Judge {
    /// The judge of a case.
    pub fn new(case: &Case) -> Self {
        let pairs = |list: &[(String, String)]| -> Vec<(String, String)> {
            let plain = |path: &String| if path == "*" { path.clone() } else { plain(path) };
            let mut pairs: Vec<_> = list.iter().map(|(a, b)| (plain(a), plain(b))).collect();
            pairs.sort();
            pairs.dedup();
            pairs
        };
        Self { gold: pairs(&case.gold), neutral: pairs(&case.neutral), open_world: case.open_world }
    }

    /// How many right pairs there are.
    pub fn right(&self) -> usize {
        self.gold.len()
    }

    /// What a pair is worth by itself.
    pub fn verdict(&self, source: &str, dest: &str) -> Verdict {
        let (a, b) = (plain(source), plain(dest));
        if let Some(at) = self.gold.iter().position(|(x, y)| *x == a && *y == b) {
            return Verdict::Right(at);
        }
        let free = |(x, y): &(String, String)| *x == a && *y == b || x == "*" && within(&b, y);
        if self.neutral.iter().any(free) {
            return Verdict::Unknown;
        }
        // A right pair of containers is met by what is alike inside them; a pair of containers says too little.
        for (at, (x, y)) in self.gold.iter().enumerate() {
            if within(&a, x) && within(&b, y) {
                return if a[x.len()..] == b[y.len()..] { Verdict::Right(at) } else { Verdict::Unknown };
            }
            if within(x, &a) && within(y, &b) {
                return Verdict::Unknown;
            }
        }
        let all = || self.gold.iter().chain(&self.neutral);
        if self.open_world && all().all(|(x, _)| *x != a) && all().all(|(_, y)| *y != b) {
            return Verdict::Unknown;
        }
        Verdict::Wrong
    }

    /// The right, wrong and missing pairs of an answer.
    pub fn count<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Count {
        let mut met = vec![false; self.gold.len()];
        let mut seen = Vec::new();
        let mut count = Count::default();
        for (source, dest) in pairs {
            let pair = (plain(source), plain(dest));
            if seen.contains(&pair) {
                continue;
            }
            match self.verdict(source, dest) {
                Verdict::Right(at) => met[at] = true,
                Verdict::Wrong => count.wrong += 1,
                Verdict::Unknown => {}
            }
            seen.push(pair);
        }
        count.right = met.iter().filter(|met| **met).count();
        count.missing = met.len() - count.right;
        count
    }
}

/// How many pairs are right, wrong and missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Right pairs that were found.
    pub right: usize,
    /// Pairs that are wrong.
    pub wrong: usize,
    /// Right pairs that were not found.
    pub missing: usize,
}

impl Count {
    /// Adds another answer's.
    pub fn add(&mut self, other: Self) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.missing += other.missing;
    }

    /// Precision, recall and their balance.
    pub fn shares(self) -> [f64; 3] {
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        let (p, r) =
            (share(self.right, self.right + self.wrong), share(self.right, self.right + self.missing));
        [p, r, if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }]
    }
}

/// How far what is said differs from what is so: the mean distance of confidence and share of right pairs, over
/// ten bins.
pub fn calibration_error(pairs: &[(f64, bool)]) -> f64 {
    let mut bins = [(0.0, 0.0, 0.0); 10];
    for (confidence, right) in pairs {
        let bin = &mut bins[((confidence * 10.0) as usize).min(9)];
        bin.0 += 1.0;
        bin.1 += confidence;
        bin.2 += f64::from(*right);
    }
    bins.iter().map(|(_, said, so)| (said - so).abs()).sum::<f64>() / (pairs.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(gold: &[(&str, &str)], neutral: &[(&str, &str)], open_world: bool) -> Judge {
        let own = |list: &[(&str, &str)]| list.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        let side = || super::super::Side { name: String::new(), schema: serde_json::Value::Null };
        Judge::new(&Case {
            id: String::new(),
            intent: String::new(),
            source: side(),
            dest: side(),
            gold: own(gold),
            neutral: own(neutral),
            open_world,
        })
    }

    #[test]
    fn paths_are_compared_without_list_markers_and_case() {
        assert_eq!(plain("$.Items[0].Name"), "items.name");
        assert_eq!(plain("/a/b[]"), "a.b");
        assert_eq!(plain("a.0.b"), "a.b");
    }

    #[test]
    fn what_is_right_wrong_and_not_counted() {
        let judge = judge(&[("a", "x"), ("list", "rows")], &[("*", "meta"), ("b", "y")], true);
        assert_eq!(judge.verdict("A", "x"), Verdict::Right(0));
        assert_eq!(judge.verdict("list[].k", "rows[].k"), Verdict::Right(1));
        assert_eq!(judge.verdict("list[].k", "rows[].l"), Verdict::Unknown);
        assert_eq!(judge.verdict("q", "meta.deep"), Verdict::Unknown);
        assert_eq!(judge.verdict("b", "y"), Verdict::Unknown);
        assert_eq!(judge.verdict("q", "r"), Verdict::Unknown, "neither end is known");
        assert_eq!(judge.verdict("a", "r"), Verdict::Wrong);
        let count = judge.count([("a", "x"), ("a", "x"), ("a", "y")]);
        assert_eq!(count, Count { right: 1, wrong: 1, missing: 1 });
    }

    #[test]
    fn calibration_is_the_distance_of_words_and_deeds() {
        assert!(calibration_error(&[(1.0, true), (0.05, false)]) < 0.03);
        assert!(calibration_error(&[(0.95, false), (0.95, false)]) > 0.9);
    }
}

//! Simple matchers to compare with: what a few lines of code reach.

use vitesse_core::embed::{Embedder, split_words};

use super::score::{Count, Judge};

/// A simple way to say how alike two paths are, from 0 to 1.
pub type Likeness = fn(&str, &str) -> f64;

/// The simple ways, with their names.
pub const ALL: [(&str, Likeness); 4] = [
    ("same name", same),
    ("Jaro-Winkler, name", winkler),
    ("Jaro-Winkler, path", winkler_path),
    ("vectors, path", vectors),
];

fn leaf(path: &str) -> String {
    split_words(path.rsplit('.').next().unwrap_or(path)).concat()
}

fn same(a: &str, b: &str) -> f64 {
    if leaf(a) == leaf(b) { 1.0 } else { 0.0 }
}

fn winkler(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(&leaf(a), &leaf(b))
}

fn winkler_path(a: &str, b: &str) -> f64 {
    f64::midpoint(winkler(a, b), strsim::jaro_winkler(&split_words(a).concat(), &split_words(b).concat()))
}

fn vectors(a: &str, b: &str) -> f64 {
    Embedder::builtin().map_or(0.0, |model| f64::from(model.embed(a).similarity(&model.embed(b))) / 1000.0)
}

/// The best pairs first, each field once: the pairs with how alike they are.
pub fn greedy(source: &[String], dest: &[String], likeness: Likeness) -> Vec<(usize, usize, f64)> {
    let mut all = Vec::new();
    for (s, a) in source.iter().enumerate() {
        all.extend(dest.iter().enumerate().map(|(d, b)| (s, d, likeness(a, b))));
    }
    all.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
    let (mut left, mut right) = (vec![true; source.len()], vec![true; dest.len()]);
    all.retain(|(s, d, _)| {
        let free = left[*s] && right[*d];
        if free {
            left[*s] = false;
            right[*d] = false;
        }
        free
    });
    all
}

/// The best balance that a simple way reaches with any one threshold for all cases, chosen with the answers in
/// sight: more than it would reach on others.
pub fn best(cases: &[(Judge, Vec<String>, Vec<String>)], likeness: Likeness) -> (f64, Count) {
    let answers: Vec<_> = cases.iter().map(|(_, source, dest)| greedy(source, dest, likeness)).collect();
    let at = |threshold: f64| {
        let mut total = Count::default();
        for ((judge, source, dest), answer) in cases.iter().zip(&answers) {
            let kept = answer.iter().filter(|(.., alike)| *alike >= threshold);
            total.add(judge.count(kept.map(|(s, d, _)| (source[*s].as_str(), dest[*d].as_str()))));
        }
        (threshold, total)
    };
    let all = (6..=20).map(|step| at(f64::from(step) / 20.0));
    all.max_by(|a, b| a.1.shares()[2].total_cmp(&b.1.shares()[2])).unwrap_or_default()
}

use std::collections::HashMap;

use super::field::Field;
use super::score::Scores;

/// From which score on a line is written.
const ENOUGH: i32 = 600;
/// From which score on another source joins an array that is taken.
const JOIN: i32 = 680;
/// From which score on a source that is taken fills another destination.
const AGAIN: i32 = 970;

/// A line: the source, the destination, how alike they are, and how far ahead of the runner-up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) source: usize,
    pub(super) dest: usize,
    pub(super) score: i32,
    pub(super) ahead: i32,
}

/// Chooses the lines. `taken` are lines that stand already; they are given back first.
pub(super) fn assign(
    source: &[Field],
    dest: &[Field],
    scores: &mut Scores,
    taken: &[(usize, usize)],
) -> Vec<Pair> {
    // Fields that agree vote for their neighbours: what stands together belongs together.
    let first = one_to_one(source, dest, scores, taken);
    let mut votes: HashMap<(&str, &str), i32> = HashMap::new();
    for pair in &first {
        *votes.entry((&source[pair.source].parent, &dest[pair.dest].parent)).or_default() += 1;
    }
    for (s, from) in source.iter().enumerate() {
        for (d, to) in dest.iter().enumerate() {
            let Some(votes) = votes.get(&(from.parent.as_str(), to.parent.as_str())) else { continue };
            scores.add(s, d, (votes * 12).min(48));
        }
    }
    let mut pairs = one_to_one(source, dest, scores, taken);
    let used = |pairs: &[Pair], s: usize| pairs.iter().any(|pair| pair.source == s);
    let fixed = |d: usize| taken.iter().any(|(_, dest)| *dest == d);

    // Several flat fields go into one array.
    let mut more = Vec::new();
    for s in (0..source.len())
        .filter(|s| source[*s].parent.is_empty() && !source[*s].repeated() && !used(&pairs, *s))
    {
        let best = (0..dest.len()).max_by_key(|d| (scores.get(s, *d), std::cmp::Reverse(*d)));
        let fits =
            |d: &usize| scores.get(s, *d) >= JOIN && dest[*d].repeated() && dest[*d].listed && !fixed(*d);
        let Some(d) = best.filter(fits) else { continue };
        if pairs.iter().any(|pair| pair.dest == d && !source[pair.source].repeated()) {
            more.push(Pair { source: s, dest: d, score: scores.get(s, d) - 40, ahead: 0 });
        }
    }
    // One field fills a second destination when it all but says so.
    for d in (0..dest.len()).filter(|d| !fixed(*d) && pairs.iter().all(|pair| pair.dest != *d)) {
        let best = (0..source.len()).max_by_key(|s| (scores.get(*s, d), std::cmp::Reverse(*s)));
        if let Some(s) = best.filter(|s| scores.get(*s, d) >= AGAIN) {
            more.push(Pair { source: s, dest: d, score: scores.get(s, d) - 120, ahead: 0 });
        }
    }
    pairs.extend(more);
    pairs.sort_by_key(|pair| (pair.dest, pair.source));
    pairs
}

fn one_to_one(source: &[Field], dest: &[Field], scores: &Scores, taken: &[(usize, usize)]) -> Vec<Pair> {
    let mut best: Vec<(i32, usize, usize)> = Vec::new();
    for s in 0..source.len() {
        for d in 0..dest.len() {
            let score = scores.get(s, d);
            if score >= ENOUGH {
                best.push((score, s, d));
            }
        }
    }
    // Of equals, what is nearer the top of both schemas.
    let depth = |field: &Field| field.path.matches('.').count() as i32;
    best.sort_by_key(|(score, s, d)| (-score, depth(&source[*s]) + depth(&dest[*d]), *s, *d));
    let (mut free_source, mut free_dest) = (vec![true; source.len()], vec![true; dest.len()]);
    let mut pairs = Vec::new();
    for (s, d) in taken {
        free_source[*s] = false;
        free_dest[*d] = false;
        pairs.push(Pair { source: *s, dest: *d, score: scores.get(*s, *d), ahead: 1000 });
    }
    let mut chosen = Vec::new();
    for (score, s, d) in best {
        if free_source[s] && free_dest[d] {
            free_source[s] = false;
            free_dest[d] = false;
            chosen.push((score, s, d));
        }
    }
    for (score, s, d) in chosen {
        let rival_source =
            (0..source.len()).filter(|other| *other != s).map(|other| scores.get(other, d)).max();
        let rival_dest = (0..dest.len()).filter(|other| *other != d).map(|other| scores.get(s, other)).max();
        let ahead = score - rival_source.unwrap_or(0).max(rival_dest.unwrap_or(0));
        pairs.push(Pair { source: s, dest: d, score, ahead });
    }
    pairs
}

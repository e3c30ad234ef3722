//! Which of the pairs that are alike become lines: what every pair means to the others.

use std::collections::HashMap;

use super::evidence::{self, Compared, Row};
use super::field::Field;
use super::parts;
use super::weights::Weights;

/// How many partners of each field get a second look.
const PARTNERS: usize = 12;

/// From which log odds on (in thousandths) a pair may be the first choice of its fields.
const WORTH: i32 = -3500;

/// The log odds of a field that joins others in a list that is named as it is, in thousandths.
const JOINS: i32 = 300;

/// The log odds of the parts of a whole, in thousandths.
const TOGETHER: i32 = 1000;

/// From which log odds on a pair votes for those around it.
const VOTES: i32 = -1500;

/// How many kinds of relations a pair has to the other pairs.
pub(super) const RELATIONS: usize = 13;

/// Their names, in the order of the numbers.
#[cfg(feature = "testing")]
pub(super) const RELATION_NAMES: [&str; RELATIONS] = [
    "alone",
    "chosen",
    "dest_taken",
    "dest_joins",
    "source_taken",
    "source_again",
    "ahead_dest",
    "ahead_source",
    "neighbours",
    "neighbours_share",
    "company",
    "records",
    "list_taken",
];

/// A pair that got a second look.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) source: usize,
    pub(super) dest: usize,
    pub(super) row: Row,
    /// What the pair's own evidence comes to.
    pub(super) alone: i32,
    pub(super) relations: [i32; RELATIONS],
    /// What everything comes to, in thousandths of a unit of log odds.
    pub(super) score: i32,
    /// Whether it is the first choice of both fields.
    pub(super) chosen: bool,
    /// Whether it is a part of a whole, or the whole of a part.
    pub(super) together: bool,
}

/// All pairs worth a second look, each with what speaks for it, by destination and then by source.
///
/// `fixed` are pairs that stand already. `records` says how alike the names of the records are.
pub(super) fn candidates(
    compared: &Compared,
    fixed: &[(usize, usize)],
    learned: &[(usize, usize)],
    records: i32,
    weights: &Weights,
) -> Vec<Candidate> {
    let together = parts::together(compared);
    let extra = [fixed, learned, &together].concat();
    let mut all: Vec<Candidate> = worth_a_look(compared, extra)
        .into_iter()
        .map(|(source, dest)| {
            let row = compared.row(source, dest);
            let alone = evidence::sum(&row, weights);
            Candidate {
                source,
                dest,
                row,
                alone,
                relations: [0; RELATIONS],
                score: alone,
                chosen: false,
                together: false,
            }
        })
        .collect();
    // First by themselves; then fields that agree vote for those around them, and the choice is made again.
    let first = one_to_one(compared, &all, fixed);
    let votes = Votes::of(compared, &all, &first);
    for (candidate, first) in all.iter_mut().zip(&first) {
        let own = *first && candidate.alone > VOTES;
        let [count, share] = votes.of_pair(parents(compared, candidate), own);
        candidate.relations[8] = count;
        candidate.relations[9] = share;
        let taken = votes.list_is_taken(lists(compared, candidate));
        candidate.relations[12] = taken;
        let [a, b, c] = weights.beside;
        candidate.score += (count * a + share * b + taken * c) / 1000;
    }
    let chosen = one_to_one(compared, &all, fixed);
    relate(compared, &mut all, &chosen, records);
    for (candidate, chosen) in all.iter_mut().zip(&chosen) {
        candidate.chosen = *chosen;
        let relations = candidate.relations.iter().zip(&weights.line);
        candidate.score =
            weights.line_base + relations.map(|(value, weight)| value * weight / 1000).sum::<i32>();
        // Few of the cases fill a list from several fields, so that what was fitted says nothing of it.
        if candidate.relations[3] > 0
            && candidate.row[0] >= 800
            && compared.dest.fields[candidate.dest].listed
        {
            candidate.score = candidate.score.max(JOINS);
        }
        if together.contains(&(candidate.source, candidate.dest)) && candidate.score < TOGETHER {
            candidate.together = true;
            candidate.score = TOGETHER;
        }
    }
    all
}

/// Whether the intent names the source, or the destination, by a word that the other one hasn't.
pub(super) fn intended(s: &Field, d: &Field, intent: &[String], entity: &[String]) -> bool {
    let named = |a: &Field, b: &Field| {
        a.own_words().any(|word| {
            intent.iter().any(|said| said == word) && !b.says(word) && !entity.iter().any(|e| e == word)
        })
    };
    named(s, d) || named(d, s)
}

/// The best partners of each field at first sight, by destination and then by source.
fn worth_a_look(compared: &Compared, extra: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    let (height, width) = (compared.source.fields.len(), compared.dest.fields.len());
    let mut pairs = extra;
    let mut covers = Vec::with_capacity(width);
    let mut of_dest = vec![Partners::default(); width];
    for s in 0..height {
        let mut of_source = Partners::default();
        for (d, (glance, of_dest)) in compared.glances(s, &mut covers).zip(&mut of_dest).enumerate() {
            of_source.offer(glance, d);
            of_dest.offer(glance, s);
        }
        pairs.extend(of_source.best.iter().map(|(_, d)| (s, *d)));
    }
    for (d, of_dest) in of_dest.iter().enumerate() {
        pairs.extend(of_dest.best.iter().map(|(_, s)| (*s, d)));
    }
    pairs.sort_unstable_by_key(|(s, d)| (*d, *s));
    pairs.dedup();
    pairs
}

/// The best of what a field was offered, best first; of equals, what came first.
#[derive(Clone, Debug, Default)]
struct Partners {
    best: Vec<(i32, usize)>,
}

impl Partners {
    fn offer(&mut self, glance: i32, at: usize) {
        let full = self.best.len() >= PARTNERS;
        if glance <= 0 || full && self.best.last().is_some_and(|(least, _)| glance <= *least) {
            return;
        }
        if full {
            self.best.pop();
        }
        let place = self.best.partition_point(|(other, _)| *other >= glance);
        self.best.insert(place, (glance, at));
    }
}

/// Which candidates are chosen when the best is chosen first and each field only once.
fn one_to_one(compared: &Compared, all: &[Candidate], fixed: &[(usize, usize)]) -> Vec<bool> {
    let mut free_source = vec![true; compared.source.fields.len()];
    let mut free_dest = vec![true; compared.dest.fields.len()];
    let mut chosen: Vec<bool> =
        all.iter().map(|candidate| fixed.contains(&(candidate.source, candidate.dest))).collect();
    for (s, d) in fixed {
        free_source[*s] = false;
        free_dest[*d] = false;
    }
    // Of equals, what is nearer the top of both records.
    let depth = |at: &usize| {
        let candidate = &all[*at];
        compared.source.fields[candidate.source].depth + compared.dest.fields[candidate.dest].depth
    };
    let mut order: Vec<usize> = (0..all.len()).filter(|at| all[*at].score >= WORTH).collect();
    order.sort_by_key(|at| (-all[*at].score, depth(at), all[*at].source, all[*at].dest));
    for at in order {
        let candidate = &all[at];
        if free_source[candidate.source] && free_dest[candidate.dest] {
            free_source[candidate.source] = false;
            free_dest[candidate.dest] = false;
            chosen[at] = true;
        }
    }
    chosen
}

/// How many chosen pairs lead from one object to another.
#[derive(Default)]
struct Votes<'a> {
    between: HashMap<(&'a str, &'a str), i32>,
    from: HashMap<&'a str, i32>,
    to: HashMap<&'a str, i32>,
    /// The same between lists of objects.
    lists: HashMap<(&'a str, &'a str), i32>,
    /// The most that lead from one list, and to one.
    from_list: HashMap<&'a str, i32>,
    to_list: HashMap<&'a str, i32>,
}

impl<'a> Votes<'a> {
    fn of(compared: &'a Compared, all: &[Candidate], chosen: &[bool]) -> Self {
        let mut votes = Self::default();
        for (candidate, _) in
            all.iter().zip(chosen).filter(|(candidate, chosen)| **chosen && candidate.alone > VOTES)
        {
            let (from, to) = parents(compared, candidate);
            *votes.between.entry((from, to)).or_default() += 1;
            *votes.from.entry(from).or_default() += 1;
            *votes.to.entry(to).or_default() += 1;
            let (from, to) = lists(compared, candidate);
            if !from.is_empty() && !to.is_empty() {
                *votes.lists.entry((from, to)).or_default() += 1;
            }
        }
        for ((from, to), count) in &votes.lists {
            let (from, to) =
                (votes.from_list.entry(*from).or_default(), votes.to_list.entry(*to).or_default());
            (*from, *to) = ((*from).max(*count), (*to).max(*count));
        }
        votes
    }

    /// Whether the objects of one of two lists are made from another's, or into another's: 0 or 1000.
    fn list_is_taken(&self, (from, to): (&str, &str)) -> i32 {
        let own = self.lists.get(&(from, to)).copied().unwrap_or(0);
        let most = |counts: &HashMap<&str, i32>, list: &str| counts.get(list).copied().unwrap_or(0);
        let others = most(&self.from_list, from).max(most(&self.to_list, to));
        if others >= 2 && others > own { 1000 } else { 0 }
    }

    /// How many pairs lead the same way, and their share of all that could; a pair's own vote isn't counted.
    fn of_pair(&self, (from, to): (&str, &str), own: bool) -> [i32; 2] {
        let count = self.between.get(&(from, to)).copied().unwrap_or(0) - i32::from(own);
        let fewer = self.from.get(from).min(self.to.get(to)).copied().unwrap_or(0) - i32::from(own);
        [count.min(4) * 250, 1000 * count / fewer.max(1)]
    }
}

fn lists<'a>(compared: &'a Compared, candidate: &Candidate) -> (&'a str, &'a str) {
    (&compared.source.fields[candidate.source].list, &compared.dest.fields[candidate.dest].list)
}

fn parents<'a>(compared: &'a Compared, candidate: &Candidate) -> (&'a str, &'a str) {
    (&compared.source.fields[candidate.source].parent, &compared.dest.fields[candidate.dest].parent)
}

/// The best and the second best score of a field's candidates.
#[derive(Clone, Copy)]
struct Best(i32, i32);

impl Best {
    const NONE: Self = Self(i32::MIN / 2, i32::MIN / 2);

    fn add(&mut self, score: i32) {
        if score > self.0 {
            *self = Self(score, self.0);
        } else if score > self.1 {
            self.1 = score;
        }
    }

    /// How far a score of the field is ahead of the best of the others.
    fn ahead(self, score: i32) -> i32 {
        let rival = if score == self.0 { self.1 } else { self.0 };
        (score - rival).clamp(-3000, 3000)
    }
}

fn relate(compared: &Compared, all: &mut [Candidate], chosen: &[bool], records: i32) {
    let mut by_source = vec![Best::NONE; compared.source.fields.len()];
    let mut by_dest = vec![Best::NONE; compared.dest.fields.len()];
    let mut source_taken = vec![false; compared.source.fields.len()];
    let mut dest_taken = vec![false; compared.dest.fields.len()];
    let mut scores = Vec::new();
    for (candidate, chosen) in all.iter().zip(chosen) {
        by_source[candidate.source].add(candidate.score);
        by_dest[candidate.dest].add(candidate.score);
        if *chosen {
            source_taken[candidate.source] = true;
            dest_taken[candidate.dest] = true;
            scores.push(candidate.score);
        }
    }
    // What company a pair is in: how good the best choices of these two records are.
    scores.sort_unstable_by_key(|score| std::cmp::Reverse(*score));
    scores.truncate(8);
    let company = scores.iter().map(|score| score.clamp(&-3000, &3000)).sum::<i32>() / 8;
    let yes = |what: bool| if what { 1000 } else { 0 };
    for (candidate, chosen) in all.iter_mut().zip(chosen) {
        let (s, d) = (&compared.source.fields[candidate.source], &compared.dest.fields[candidate.dest]);
        let dest_taken = dest_taken[candidate.dest] && !chosen;
        let source_taken = source_taken[candidate.source] && !chosen;
        let joins = dest_taken && d.lists > s.lists && candidate.row[10] < 1000;
        let again = source_taken && (candidate.row[4] > 0 || candidate.row[5] > 0);
        let [.., count, share, _, _, list_taken] = candidate.relations;
        candidate.relations = [
            candidate.alone.clamp(-8000, 8000),
            yes(*chosen),
            yes(dest_taken),
            yes(joins),
            yes(source_taken),
            yes(again),
            if joins { 0 } else { by_dest[candidate.dest].ahead(candidate.score) },
            if again { 0 } else { by_source[candidate.source].ahead(candidate.score) },
            count,
            share,
            company,
            records,
            list_taken,
        ];
    }
}

//! Pairs that are one line together.

use super::evidence::Compared;
use super::parts::part_of_name;
use super::{Group, GroupKind, Pair};

/// The groups among the pairs, by their first destination.
pub(super) fn groups(compared: &Compared, pairs: &[Pair]) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut dests: Vec<usize> = pairs.iter().map(|pair| pair.dest).collect();
    dests.dedup();
    for d in dests {
        let to = &compared.dest.fields[d];
        let into: Vec<&Pair> = pairs.iter().filter(|pair| pair.dest == d).collect();
        if into.len() < 2 {
            continue;
        }
        let from = |pair: &&Pair| &compared.source.fields[pair.source];
        let names = |pair: &&Pair| part_of_name(from(pair)).is_some();
        let kind = if to.lists == 0 && into.iter().all(names) {
            GroupKind::Join
        } else if to.lists > 0 && into.iter().all(|pair| from(pair).lists == 0)
            || into.iter().all(|pair| from(pair).own_words().eq(["street"]))
        {
            GroupKind::Lines
        } else {
            continue;
        };
        let mut sources: Vec<usize> = into.iter().map(|pair| pair.source).collect();
        sources.sort_by_key(|s| {
            let field = &compared.source.fields[*s];
            (part_of_name(field), field.digits, *s)
        });
        let confidence = into.iter().map(|pair| pair.confidence).min().unwrap_or(0);
        groups.push(Group { kind, sources, dests: vec![d], confidence });
    }
    let mut sources: Vec<usize> = pairs.iter().map(|pair| pair.source).collect();
    sources.sort_unstable();
    sources.dedup();
    for s in sources {
        let out: Vec<&Pair> = pairs.iter().filter(|pair| pair.source == s).collect();
        let to = |d: usize| &compared.dest.fields[d];
        let whole = part_of_name(&compared.source.fields[s]).is_none();
        if out.len() >= 2 && whole && out.iter().all(|pair| part_of_name(to(pair.dest)).is_some()) {
            let mut dests: Vec<usize> = out.iter().map(|pair| pair.dest).collect();
            dests.sort_by_key(|d| part_of_name(to(*d)));
            let confidence = out.iter().map(|pair| pair.confidence).min().unwrap_or(0);
            groups.push(Group { kind: GroupKind::Split, sources: vec![s], dests, confidence });
        }
    }
    groups
}

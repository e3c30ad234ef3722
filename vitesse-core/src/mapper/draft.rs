//! From pairs of fields to lines of a mapping: groups, lists and conversions.

use std::collections::BTreeMap;

use super::convert::{Conversion, convert};
use super::facts::Facts;
use super::matching::{Evidence, Group, GroupKind, Matches, Pair};
use super::proposal::Note;
use super::review;
use super::side::{Resolved, field_path};
use crate::embed::Embedder;
use crate::mapping::value::{Number, Object};
use crate::mapping::{FieldPath, Sources, Step, TransformType, Transformation, Value};
use crate::spec::Type;

/// A line in the making.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) sources: Vec<FieldPath>,
    pub(super) dest: FieldPath,
    /// In thousandths.
    pub(super) confidence: u16,
    pub(super) reason: Vec<String>,
    /// Other sources, with how likely they are, in thousandths.
    pub(super) candidates: Vec<(String, u16)>,
    /// What is done; chosen from the schemas if it is open.
    pub(super) conversion: Option<Conversion>,
    /// Which element of a list it makes, when several fields make one.
    slot: usize,
    /// A person said so.
    pub(super) firm: bool,
    /// A missing result is an error.
    pub(super) required: bool,
}

/// The two sides, and what turns words into meaning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides<'a> {
    pub(super) source: &'a Resolved<'a>,
    pub(super) dest: &'a Resolved<'a>,
    pub(super) model: &'static Embedder,
}

impl<'a> Sides<'a> {
    pub(super) fn source_facts(&self, path: &FieldPath) -> Option<Facts<'a>> {
        facts(self.source, path)
    }

    pub(super) fn dest_facts(&self, path: &FieldPath) -> Option<Facts<'a>> {
        facts(self.dest, path)
    }
}

fn facts<'a>(side: &'a Resolved<'a>, path: &FieldPath) -> Option<Facts<'a>> {
    let path = if path.is_root() { String::new() } else { path.to_string() };
    let field = side.schemas.field(side.root, &path)?;
    Facts::of(&side.schemas, field.schema, &path)
}

/// The lines that the pairs and groups come to.
pub(super) fn drafts(matches: &Matches, sides: &Sides<'_>, notes: &mut Vec<Note>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut grouped = Vec::new();
    for group in &matches.groups {
        if let Some(lines) = together(group, matches, sides) {
            drafts.extend(lines);
            grouped.extend(group.sources.iter().flat_map(|s| group.dests.iter().map(|d| (*s, *d))));
        }
    }
    let mut by_dest: BTreeMap<usize, Vec<&Pair>> = BTreeMap::new();
    for pair in matches.pairs.iter().filter(|pair| !grouped.contains(&(pair.source, pair.dest))) {
        by_dest.entry(pair.dest).or_default().push(pair);
    }
    for pairs in by_dest.values() {
        several(pairs, matches, sides, &mut drafts);
    }
    let order = |draft: &Draft| {
        let dest = unindexed(&draft.dest);
        matches.dest.iter().position(|field| dest.contains(&field_path(&field.path))).unwrap_or(usize::MAX)
    };
    align(&mut drafts, notes);
    for draft in &mut drafts {
        settle(draft, sides, notes);
    }
    drafts.sort_by_key(|draft| (order(draft), draft.dest.clone()));
    drafts
}

impl Draft {
    pub(super) fn new(sources: Vec<FieldPath>, dest: FieldPath, confidence: u16, reason: String) -> Self {
        Self {
            sources,
            dest,
            confidence,
            reason: vec![reason],
            candidates: Vec::new(),
            conversion: None,
            slot: 0,
            firm: false,
            required: false,
        }
    }

    fn of(pair: &Pair, matches: &Matches) -> Self {
        let (s, d) = (&matches.source[pair.source], &matches.dest[pair.dest]);
        let firm = pair.evidence.contains(&Evidence::Hint);
        let told = if firm { 1 } else { 2 };
        let reason: Vec<_> = pair.evidence.iter().take(told).map(ToString::to_string).collect();
        Self {
            candidates: pair
                .candidates
                .iter()
                .map(|other| (matches.source[other.source].path.clone(), other.confidence))
                .collect(),
            firm,
            required: d.required,
            reason,
            ..Self::new(vec![field_path(&s.path)], field_path(&d.path), pair.confidence, String::new())
        }
    }

    /// Says so if a language model chose the source.
    pub(super) fn say_who_chose(&mut self, told: &[(String, String)]) {
        let is = |path: &str, own: &FieldPath| unindexed(&field_path(path)) == unindexed(own);
        let own = |(source, dest): &(String, String)| {
            is(dest, &self.dest) && self.sources.iter().any(|path| is(source, path))
        };
        if told.iter().any(own) {
            self.reason.insert(0, "chosen by the language model among the candidates".to_owned());
        }
    }

    fn depth(&self) -> usize {
        self.sources.iter().map(FieldPath::depth).max().unwrap_or(0)
    }

    fn decided(mut self, conversion: Conversion) -> Self {
        self.conversion = Some(conversion);
        self
    }

    /// The line as it stands in the document.
    pub(super) fn line(&self) -> Transformation {
        let conversion = self.conversion.clone().unwrap_or_else(|| Conversion::copy(self.same_name()));
        let mut reason = self.reason.clone();
        reason.push(conversion.words);
        reason.retain(|part| !part.is_empty());
        let several = matches!(conversion.kind, TransformType::Collect) || self.sources.len() != 1;
        let sources = match (several, self.sources.as_slice()) {
            (false, [one]) => one.clone().into(),
            (_, []) => Sources::default(),
            _ => self.sources.clone().into(),
        };
        let line = Transformation {
            source_field: sources,
            dest_field: self.dest.clone(),
            transform_type: conversion.kind,
            transform_config: conversion.config,
            required: self.required,
            confidence: Some(f64::from(self.confidence) / 1000.0),
            reason: Some(reason.join("; ")),
            candidates: self.candidates.iter().map(|(path, sure)| candidate(path, *sure)).collect(),
            ..Transformation::default()
        };
        if self.firm { review::marked(line, review::HINT) } else { line }
    }

    fn same_name(&self) -> bool {
        self.sources.first().and_then(FieldPath::leaf_name) == self.dest.leaf_name()
    }
}

fn candidate(path: &str, confidence: u16) -> Value {
    let mut object = Object::new();
    object.insert("source_field", field_path(path).to_string());
    let share = format!("{:?}", f64::from(confidence) / 1000.0);
    object.insert("confidence", Number::new(share).map_or(Value::Null, Value::Number));
    object.into()
}

/// The lines of a group; `None` if its pairs are better taken one by one.
fn together(group: &Group, matches: &Matches, sides: &Sides<'_>) -> Option<Vec<Draft>> {
    let sources: Vec<_> = group.sources.iter().map(|s| field_path(&matches.source[*s].path)).collect();
    let dests: Vec<_> = group.dests.iter().map(|d| field_path(&matches.dest[*d].path)).collect();
    let firm = |s: usize, d: usize| {
        matches
            .pairs
            .iter()
            .any(|pair| (pair.source, pair.dest) == (s, d) && pair.evidence.contains(&Evidence::Hint))
    };
    // Whoever says where the whole goes, and says it of one part only, doesn't want it split.
    let said = |d: &&usize| group.sources.iter().any(|s| firm(*s, **d));
    let hinted = group.dests.iter().filter(said).count();
    let halfway = 0 < hinted && hinted < group.dests.len();
    let base = |sources: Vec<FieldPath>, dest: FieldPath, d: usize| {
        // A hint is certain, whatever the group it is part of.
        let hinted = group.sources.iter().any(|s| firm(*s, d));
        let confidence = if hinted { 1000 } else { group.confidence };
        Draft {
            required: matches.dest[d].required,
            firm: hinted,
            ..Draft::new(sources, dest, confidence, Evidence::Together.to_string())
        }
    };
    match (group.kind, dests.as_slice(), group.dests.as_slice()) {
        (GroupKind::Join, [dest], [d]) => Some(vec![base(sources, dest.clone(), *d).decided(concat(" "))]),
        (GroupKind::Lines, [dest], [d]) if dest.steps().last() == Some(&Step::Each) => {
            let draft = base(sources, parent(dest), *d);
            Some(vec![draft.decided(collect())])
        }
        (GroupKind::Lines, [dest], [d]) if dest.depth() == 0 => {
            let text = sides.dest_facts(dest)?.kind() == Some(Type::String);
            text.then(|| vec![base(sources, dest.clone(), *d).decided(concat(", "))])
        }
        (GroupKind::Split, [_, _, ..], ids) if sources.len() == 1 && !halfway => {
            let last = dests.len() - 1;
            let line = |(at, (dest, d)): (usize, (&FieldPath, &usize))| {
                base(sources.clone(), dest.clone(), *d).decided(part(at, last))
            };
            Some(dests.iter().zip(ids).enumerate().map(line).collect())
        }
        _ => None,
    }
}

fn concat(separator: &str) -> Conversion {
    let params = [("separator", separator)].into_iter().collect();
    Conversion::call("concat", params, "joined to one text")
}

fn collect() -> Conversion {
    let config = [("skip_nulls", true), ("skip_empty", true)].into_iter().collect();
    let words = "collected to a list".to_owned();
    Conversion { kind: TransformType::Collect, config, words, risk: None }
}

/// One part of a full name: the first word, the last part with all that is before it, or what is between.
fn part(at: usize, last: usize) -> Conversion {
    let mut params = Object::new();
    if at == 0 {
        params.insert("by", " ");
        params.insert("index", 0);
        return Conversion::call("split", params, "the first word");
    }
    // Of two parts the second is everything behind the first word: "King Lovelace".
    let (pattern, words) = match (at == last, last) {
        (true, 1) => (r"^\S+\s+(.+)$", "all behind the first word"),
        (true, _) => (r"^.*\s(\S+)$", "the last word"),
        (false, _) => (r"^\S+\s+(.+)\s+\S+$", "the words between"),
    };
    params.insert("pattern", pattern);
    params.insert("group", 1);
    Conversion::call("regex_extract", params, words)
}

/// The lines of all pairs with one destination.
fn several(pairs: &[&Pair], matches: &Matches, sides: &Sides<'_>, drafts: &mut Vec<Draft>) {
    let mut lines: Vec<Draft> = pairs.iter().map(|pair| Draft::of(pair, matches)).collect();
    if lines.len() == 1 {
        return drafts.extend(lines);
    }
    let dest = lines[0].dest.clone();
    let flat = lines.iter().all(|line| line.depth() < dest.depth());
    if lines.iter().any(|line| line.firm) {
        lines.retain(|line| line.firm);
    }
    let joined = |lines: Vec<Draft>, dest: FieldPath, conversion: Conversion| {
        let confidence = lines.iter().map(|line| line.confidence).min().unwrap_or(0);
        let mut first = lines[0].clone();
        first.sources = lines.iter().flat_map(|line| line.sources.clone()).collect();
        (first.dest, first.confidence) = (dest, confidence);
        first.decided(conversion)
    };
    if lines.len() > 1 && dest.steps().last() == Some(&Step::Each) && flat {
        return drafts.push(joined(lines, parent(&dest), collect()));
    }
    if lines.len() > 1 && flat {
        for (slot, line) in lines.iter_mut().enumerate() {
            line.slot = slot;
        }
        return drafts.extend(lines);
    }
    let text = sides.dest_facts(&dest).is_some_and(|facts| facts.kind() == Some(Type::String));
    if lines.len() > 1 && lines[0].firm && text {
        return drafts.push(joined(lines, dest, concat(" ")));
    }
    // One field has one source: the likeliest, the others are its candidates.
    lines.sort_by_key(|line| std::cmp::Reverse(line.confidence));
    let others: Vec<_> =
        lines[1..].iter().map(|line| (line.sources[0].to_string(), line.confidence)).collect();
    let mut best = lines.swap_remove(0);
    for other in others {
        if !best.candidates.iter().any(|(path, _)| *path == other.0) {
            best.candidates.insert(0, other);
        }
    }
    drafts.push(best);
}

/// Sees to it that each list of the destination is made of one list of the source, or element by element.
fn align(drafts: &mut Vec<Draft>, notes: &mut Vec<Note>) {
    let mut done: Vec<Vec<Step>> = Vec::new();
    loop {
        let mut open: Vec<Vec<Step>> = drafts.iter().flat_map(|draft| prefixes(&draft.dest)).collect();
        open.retain(|prefix| !done.contains(prefix));
        open.sort_by_key(Vec::len);
        let Some(prefix) = open.into_iter().next() else { return };
        let level = prefix.iter().filter(|step| **step == Step::Each).count() - 1;
        let within = |draft: &Draft| draft.dest.steps().starts_with(&prefix);
        let mut votes: BTreeMap<Vec<Step>, u32> = BTreeMap::new();
        for draft in drafts.iter().filter(|draft| within(draft)) {
            if let Some(list) = list_of(draft, level) {
                *votes.entry(list).or_default() +=
                    u32::from(draft.confidence) + if draft.firm { 10_000 } else { 0 };
            }
        }
        let Some(list) = votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(list, _)| list) else {
            // No list counts the elements: they are named one by one.
            for draft in drafts.iter_mut().filter(|draft| within(draft)) {
                let mut steps = draft.dest.steps().to_vec();
                steps[prefix.len() - 1] = Step::Index(draft.slot);
                draft.dest = FieldPath::new(steps);
            }
            continue;
        };
        drafts.retain(|draft| {
            let fits = !within(draft) || list_of(draft, level).is_none_or(|own| own == list);
            if !fits {
                let message = format!(
                    "{} comes from another list than the other fields of {}, so it is left out",
                    draft.sources[0],
                    FieldPath::new(prefix.clone())
                );
                notes.push(Note::on(&draft.dest, message));
            }
            // An element that a list makes has no second one beside it.
            fits && (draft.slot == 0 || !within(draft))
        });
        done.push(prefix);
    }
}

/// The list of the source that says how many elements the destination has at that level.
fn list_of(draft: &Draft, level: usize) -> Option<Vec<Step>> {
    let source = draft.sources.iter().find(|source| source.depth() > level)?;
    prefixes(source).into_iter().nth(level)
}

/// Every beginning of a path that ends in `[]`.
fn prefixes(path: &FieldPath) -> Vec<Vec<Step>> {
    let steps = path.steps();
    let ends = steps.iter().enumerate().filter(|(_, step)| **step == Step::Each);
    ends.map(|(at, _)| steps[..=at].to_vec()).collect()
}

/// Chooses the conversion, and takes one of many where the destination has one.
pub(super) fn settle(draft: &mut Draft, sides: &Sides<'_>, notes: &mut Vec<Note>) {
    if draft.conversion.is_none() && draft.sources.len() == 1 {
        choose(draft, sides);
    }
    if let Some(risk) = draft.conversion.as_ref().and_then(|conversion| conversion.risk.clone()) {
        notes.push(Note::on(&draft.dest, risk));
    }
}

fn choose(draft: &mut Draft, sides: &Sides<'_>) {
    let (source, dest) = (draft.sources[0].clone(), draft.dest.clone());
    let to = sides.dest_facts(&dest);
    let is_list = |path: &FieldPath| path.steps().last() == Some(&Step::Each);
    let commas = |facts: Option<&Facts<'_>>| {
        facts.is_some_and(|facts| facts.says(&["comma-separated", "comma separated", "separated by commas"]))
    };
    if source.depth() > dest.depth() {
        // A list of texts becomes one text where the name is that of many.
        let many = to.as_ref().is_some_and(|to| {
            to.kind() == Some(Type::String)
                && (commas(Some(to))
                    || to.words.last().is_some_and(|word| super::side::singular(word) != *word))
        });
        if is_list(&source) && source.depth() == 1 && many {
            draft.sources = vec![parent(&source)];
            let params = [("separator", ", ")].into_iter().collect();
            draft.conversion = Some(Conversion::call("join", params, "joined with commas"));
            return;
        }
        draft.sources = vec![firsts(&source, dest.depth())];
        draft.reason.push("the first of them".to_owned());
    }
    let from = sides.source_facts(&draft.sources[0]);
    let into_list = matches!(dest.steps().last(), Some(Step::Index(0)));
    if into_list && commas(from.as_ref()) {
        draft.dest = parent(&dest);
        let params = [("by", Value::from(",")), ("trim", true.into())].into_iter().collect();
        draft.conversion = Some(Conversion::call("split", params, "split at commas"));
        return;
    }
    let (Some(from), Some(to)) = (from, to) else { return };
    let conversion = convert(&from, &to, sides.model);
    let copies = matches!(conversion.kind, TransformType::Direct | TransformType::Mapping);
    if copies && is_list(&draft.sources[0]) && is_list(&dest) && draft.sources[0].depth() == dest.depth() {
        (draft.sources, draft.dest) = (vec![parent(&draft.sources[0])], parent(&dest));
        draft.conversion = Some(Conversion::copy(draft.same_name()));
        return;
    }
    draft.conversion = Some(conversion);
}

/// The path with only its first `keep` lists walked through; of the others the first element is taken.
fn firsts(path: &FieldPath, keep: usize) -> FieldPath {
    let mut seen = 0;
    FieldPath::new(path.steps().iter().map(|step| {
        seen += usize::from(*step == Step::Each);
        if *step == Step::Each && seen > keep { Step::Index(0) } else { step.clone() }
    }))
}

fn parent(path: &FieldPath) -> FieldPath {
    let steps = path.steps();
    FieldPath::new(steps[..steps.len().saturating_sub(1)].iter().cloned())
}

/// The path with `[]` for every index: how a schema names it.
pub(super) fn unindexed(path: &FieldPath) -> FieldPath {
    FieldPath::new(path.steps().iter().map(|step| match step {
        Step::Index(_) => Step::Each,
        step => step.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::side::{Role, Side};
    use super::*;
    use crate::mapping::Mapping;

    /// The lines of one group between schemas with these texts, run over a record.
    fn made(sources: &[&str], dests: &[&str], kind: GroupKind, record: &str) -> String {
        let schema = |names: &[&str]| {
            let properties: serde_json::Map<_, _> = names
                .iter()
                .map(|name| match name.strip_suffix("[]") {
                    Some(name) => (name.to_owned(), json!({"type": "array", "items": {"type": "string"}})),
                    None => ((*name).to_owned(), json!({"type": "string"})),
                })
                .collect();
            json!({"properties": properties})
        };
        let (left, right) = (schema(sources), schema(dests));
        let source = Resolved::new(&Side::schema(&left), Role::Source).unwrap();
        let dest = Resolved::new(&Side::schema(&right), Role::Destination).unwrap();
        let model = Embedder::builtin().unwrap();
        let sides = Sides { source: &source, dest: &dest, model };
        let fields = |side: &Resolved<'_>| side.schemas.fields(side.root, 4);
        let mut matches = Matches { source: fields(&source), dest: fields(&dest), ..Matches::default() };
        let place =
            |fields: &[crate::spec::Field], name: &str| fields.iter().position(|f| f.path == name).unwrap();
        let group = Group {
            kind,
            sources: sources.iter().map(|name| place(&matches.source, name)).collect(),
            dests: dests.iter().map(|name| place(&matches.dest, name)).collect(),
            confidence: 800,
        };
        for s in &group.sources {
            for d in &group.dests {
                let evidence = vec![Evidence::Together];
                matches.pairs.push(Pair {
                    source: *s,
                    dest: *d,
                    confidence: 800,
                    evidence,
                    candidates: Vec::new(),
                });
            }
        }
        matches.groups = vec![group];
        let lines = drafts(&matches, &sides, &mut Vec::new());
        let mapping = Mapping::of(lines.iter().map(Draft::line));
        let plan = crate::transform::Plan::compile(&mapping, &crate::mapping::Functions::builtin()).unwrap();
        let mut out = Vec::new();
        plan.apply(record.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap().trim().to_owned()
    }

    #[test]
    fn groups_become_one_line_or_one_for_each_part() {
        let name = r#"{"first": "Ada", "last": "King Lovelace"}"#;
        assert_eq!(
            made(&["first", "last"], &["name"], GroupKind::Join, name),
            r#"{"name":"Ada King Lovelace"}"#
        );
        let name = r#"{"name": "Ada King Lovelace"}"#;
        assert_eq!(
            made(&["name"], &["given", "surname"], GroupKind::Split, name),
            r#"{"given":"Ada","surname":"King Lovelace"}"#
        );
        assert_eq!(
            made(&["name"], &["a_first", "b_middle", "c_last"], GroupKind::Split, name),
            r#"{"a_first":"Ada","b_middle":"King","c_last":"Lovelace"}"#
        );
        let street = r#"{"street1": "High St 1", "street2": null}"#;
        assert_eq!(
            made(&["street1", "street2"], &["lines[]"], GroupKind::Lines, street),
            r#"{"lines":["High St 1"]}"#
        );
        assert_eq!(
            made(&["street1", "street2"], &["street"], GroupKind::Lines, street),
            r#"{"street":"High St 1"}"#
        );
    }
}

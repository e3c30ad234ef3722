use super::assign::{self, Pair as Chosen};
use super::field::{self, Field};
use super::score::Scores;
use super::{Candidate, Evidence, Known, Matches, Pair, Record, Refusal, confidence, lexicon};
use crate::embed::{Embedder, split_words};
use crate::error::{Error, ErrorKind, Result, nearest};
use crate::spec;

/// How deep a schema is followed; deeper fields are left out.
const DEPTH: usize = 12;

/// How many fields of a schema are looked at; references can make more of them than anyone could map.
const MOST_FIELDS: usize = 10_000;

/// The whole way from two records to the answer.
pub(super) fn decide(source: Record<'_>, dest: Record<'_>, known: &Known<'_>) -> Result<Matches> {
    let model = Embedder::builtin()?;
    let entity = entity(&source, &dest);
    let (left, right) = (leaves(&source, "source")?, leaves(&dest, "destination")?);
    let from = read(&left, &source, &entity, model);
    let mut to = read(&right, &dest, &entity, model);
    field::mark_generated(&mut to);
    let mut taken = Vec::new();
    for (source, dest) in known.hints {
        taken.push((place(source, &from, "source")?, place(dest, &to, "destination")?));
    }
    let mut scores = Scores::of(&from, &to, model);
    let mut chosen = assign::assign(&from, &to, &mut scores, &taken);
    let hinted = |pair: &Chosen| taken.contains(&(pair.source, pair.dest));
    let evidence = |pair: &Chosen| confidence::evidence(pair.score, pair.ahead);
    chosen.retain(|pair| hinted(pair) || evidence(pair) >= confidence::ENOUGH);
    let mut refused = None;
    if !chosen.iter().any(|pair| hinted(pair) || telling(pair, &from, &to)) {
        let mut nearest: Vec<_> =
            chosen.iter().map(|pair| (pair.source, pair.dest, confidence::of(evidence(pair)))).collect();
        nearest.sort_by_key(|(.., confidence)| std::cmp::Reverse(*confidence));
        nearest.truncate(5);
        let mut hints_for: Vec<usize> = (0..to.len()).collect();
        hints_for.sort_by_key(|d| !to[*d].required);
        hints_for.truncate(5);
        let reason =
            "the two have nothing in common but what every record has; name the pairs you know as hints";
        refused = Some(Refusal { reason: reason.to_owned(), nearest, hints_for });
        chosen.clear();
    }
    let pair = |pair: &Chosen| {
        let by_hint = hinted(pair);
        Pair {
            source: pair.source,
            dest: pair.dest,
            confidence: if by_hint { 1000 } else { confidence::of(evidence(pair)) },
            evidence: vec![if by_hint { Evidence::Hint } else { reason(&from[pair.source], &to[pair.dest]) }],
            candidates: candidates(pair.source, pair.dest, &from, &scores),
        }
    };
    let pairs: Vec<_> = chosen.iter().map(pair).collect();
    Ok(Matches { source: left, dest: right, pairs, groups: Vec::new(), undecided: Vec::new(), refused })
}

fn leaves(record: &Record<'_>, side: &'static str) -> Result<Vec<spec::Field>> {
    let mut leaves = record.schemas.fields(record.root, DEPTH);
    // The root itself is no field, and neither is what has fields that aren't looked at.
    leaves.retain(|field| {
        let open = record.schemas.get(field.schema).is_some_and(|schema| !schema.properties.is_empty());
        !field.path.is_empty() && !open
    });
    leaves.truncate(MOST_FIELDS);
    if leaves.is_empty() {
        return Err(Error::new(ErrorKind::SpecInvalid, format!("the schema of the {side} has no fields"))
            .in_operation("mapper.map")
            .help("give a JSON Schema of type object, with properties"));
    }
    Ok(leaves)
}

fn read(leaves: &[spec::Field], record: &Record<'_>, entity: &[String], model: &Embedder) -> Vec<Field> {
    let nothing = spec::Schema::default();
    let schema = |leaf: &spec::Field| record.schemas.get(leaf.schema).unwrap_or(&nothing);
    leaves.iter().map(|leaf| Field::new(leaf, schema(leaf), entity, model)).collect()
}

fn candidates(source: usize, dest: usize, from: &[Field], scores: &Scores) -> Vec<Candidate> {
    let mut others: Vec<_> = (0..from.len()).filter(|other| *other != source).collect();
    others.sort_by_key(|other| (-scores.get(*other, dest), *other));
    let good = others.iter().filter(|other| scores.get(**other, dest) >= 400).take(3);
    good.map(|other| Candidate { source: *other, confidence: confidence::of(scores.get(*other, dest)) })
        .collect()
}

/// Words that nearly every record has a field for, whatever it is about.
const COMMON: &[&str] = &[
    "id",
    "name",
    "date",
    "updated",
    "created",
    "status",
    "type",
    "description",
    "url",
    "number",
    "code",
    "amount",
    "active",
];

/// Whether a line says that both records are about the same: an id and a name are in every record.
fn telling(pair: &Chosen, from: &[Field], to: &[Field]) -> bool {
    let (s, d) = (&from[pair.source], &to[pair.dest]);
    let says = |field: &Field| field.words.iter().any(|(word, _)| !COMMON.contains(&word.as_str()));
    confidence::evidence(pair.score, pair.ahead) >= 850 && says(s) && says(d)
}

/// The words that name the records themselves, which say nothing within them: `order_status` is the status.
fn entity(source: &Record<'_>, dest: &Record<'_>) -> Vec<String> {
    let mut words = Vec::new();
    for name in [source.name, dest.name] {
        words.extend(lexicon::canonical(&split_words(name)).pop());
    }
    words
}

fn place(path: &str, fields: &[Field], side: &'static str) -> Result<usize> {
    fields.iter().position(|field| field.path == path).ok_or_else(|| {
        let error =
            Error::new(ErrorKind::InvalidInput, format!("a hint names a field that the {side} doesn't have"))
                .in_operation("mapper.map")
                .with("field", path);
        match nearest(path, fields.iter().map(|field| field.path.as_str())) {
            Some(name) => error.help(format!("did you mean {name:?}?")),
            None => {
                error.help(format!("the {side} has {} fields, such as {:?}", fields.len(), fields[0].path))
            }
        }
    })
}

fn reason(s: &Field, d: &Field) -> Evidence {
    let own = |field: &Field| -> Vec<String> {
        field.words[..field.own].iter().map(|(word, _)| word.clone()).collect()
    };
    let (a, b) = (own(s), own(d));
    if a == b {
        return Evidence::SameName(a.join(" "));
    }
    let shared: Vec<_> = a.iter().filter(|word| b.contains(word)).cloned().collect();
    match shared.is_empty() {
        false => Evidence::SharedWords(shared.join(" ")),
        true => Evidence::NearMeaning(a.join(" "), b.join(" ")),
    }
}

//! The whole way from two records to the answer.

use super::choose::{self, Candidate as Looked};
use super::evidence::Compared;
use super::field::{self, Field, Names};
use super::reasons::reasons;
use super::weights::Weights;
use super::{Candidate, Evidence, Known, Matches, Pair, Record, confidence, groups, lexicon, refuse};
use crate::embed::{Embedder, split_words};
use crate::error::{Error, ErrorKind, Result, nearest};
use crate::spec;

/// How deep a schema is followed; deeper fields are left out.
const DEPTH: usize = 12;

/// How many fields of a schema are looked at; references can make more of them than anyone could map.
const MOST_FIELDS: usize = 10_000;

/// From which confidence on a pair is part of the answer. Where shares of right lines are what confidence says,
/// the balance of wrong and missing lines is best near half of the best balance itself.
pub(super) const ENOUGH: u16 = 370;

/// Below this confidence nothing is part of the answer, however alike it is.
const AT_LEAST: u16 = 200;

/// From which confidence on a source is worth being named as a candidate.
const WORTH_NAMING: u16 = 30;

/// What a pair that people confirmed before gains, in thousandths of a unit of log odds.
const CONFIRMED: i32 = 5000;

/// What a pair gains whose source is named in the intent.
const INTENDED: i32 = 700;

/// Everything that led to an answer: what the fitting script looks at.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) source: Vec<spec::Field>,
    pub(super) dest: Vec<spec::Field>,
    pub(super) looked: Vec<Looked>,
    compared: Compared,
    hinted: Vec<(usize, usize)>,
    learned: Vec<(usize, usize)>,
    records: i32,
}

impl Work {
    pub(super) fn new(
        source: Record<'_>,
        dest: Record<'_>,
        known: &Known<'_>,
        weights: &Weights,
    ) -> Result<Self> {
        let model = Embedder::builtin()?;
        let (left, right) = (entity(source.name), entity(dest.name));
        let records = alike(&left, &right, model);
        let entity: Vec<String> = left.last().into_iter().chain(right.last()).cloned().collect();
        let (left, right) = (leaves(&source, "source")?, leaves(&dest, "destination")?);
        let read = |leaves: &[spec::Field], record: &Record<'_>| -> Vec<Field> {
            let mut names = Names::default();
            leaves.iter().map(|leaf| Field::new(leaf, record.schemas, &entity, &mut names)).collect()
        };
        let (mut from, mut to) = (read(&left, &source), read(&right, &dest));
        field::mark_generated(&mut to);
        field::mark_second(&mut from);
        field::mark_second(&mut to);
        let mut hinted = Vec::new();
        for (source, dest) in known.hints {
            hinted.push((place(source, &left, "source")?, place(dest, &right, "destination")?));
        }
        let at = |path: &str, fields: &[spec::Field]| fields.iter().position(|field| field.path == path);
        let learned: Vec<_> = known
            .learned
            .iter()
            .filter_map(|(source, dest)| Some((at(source, &left)?, at(dest, &right)?)))
            .collect();
        let compared = Compared::new(from, to, model);
        let mut looked = choose::candidates(&compared, &hinted, &learned, records, weights);
        let intent = lexicon::canonical(&split_words(known.intent));
        for candidate in &mut looked {
            if learned.contains(&(candidate.source, candidate.dest)) {
                candidate.score += CONFIRMED;
            }
            let source = &compared.source.fields[candidate.source];
            if !intent.is_empty()
                && choose::intended(source, &compared.dest.fields[candidate.dest], &intent, &entity)
            {
                candidate.score += INTENDED;
            }
        }
        Ok(Self { source: left, dest: right, looked, compared, hinted, learned, records })
    }

    pub(super) fn confidence(&self, looked: &Looked, weights: &Weights) -> u16 {
        match self.hinted.contains(&(looked.source, looked.dest)) {
            true => 1000,
            false => self.alone(looked, weights),
        }
    }

    /// What confidence a pair has whatever a hint says.
    fn alone(&self, looked: &Looked, weights: &Weights) -> u16 {
        let (s, d) = (&self.compared.source.fields[looked.source], &self.compared.dest.fields[looked.dest]);
        confidence::of(looked, s, d, weights)
    }

    /// What its confidence is made of.
    #[cfg(feature = "testing")]
    pub(super) fn signs(&self, looked: &Looked) -> [i32; confidence::SIGNS] {
        let (s, d) = (&self.compared.source.fields[looked.source], &self.compared.dest.fields[looked.dest]);
        confidence::signs(s, d, looked.score)
    }

    /// The answer.
    pub(super) fn matches(self, weights: &Weights) -> Matches {
        let hinted = |looked: &Looked| self.hinted.contains(&(looked.source, looked.dest));
        let fixed = |d: usize| self.hinted.iter().any(|(_, dest)| *dest == d);
        let stands = |looked: &&Looked| match fixed(looked.dest) {
            true => hinted(looked),
            // What is alike but taken over less often is proposed too, with less confidence.
            false => {
                confidence::alike(looked, weights) >= ENOUGH && self.confidence(looked, weights) >= AT_LEAST
            }
        };
        let mut chosen: Vec<&Looked> = self.looked.iter().filter(stands).collect();
        let sure = |looked: &Looked| self.confidence(looked, weights);
        // Whether two records are about the same is told by what is alike, wherever it is.
        let alike = |looked: &Looked| confidence::alike(looked, weights);
        let kin: Vec<&Looked> =
            self.looked.iter().filter(|looked| stands(looked) || alike(looked) >= ENOUGH).collect();
        let kinship = refuse::Kinship { chosen: &kin, records: self.records, alike: &alike };
        let refused = refuse::refuse(&self.compared, &self.looked, &kinship, &self.hinted, &sure);
        if refused.is_some() {
            chosen.clear();
        } else if chosen.is_empty() {
            chosen = kin;
        }
        let pairs: Vec<Pair> = chosen
            .iter()
            .map(|looked| {
                let mut evidence = reasons(&self.compared, looked);
                if self.learned.contains(&(looked.source, looked.dest)) {
                    evidence.insert(0, Evidence::Learned);
                }
                if hinted(looked) {
                    evidence = vec![Evidence::Hint];
                }
                let candidates = self.others(looked.dest, Some(looked.source), weights);
                Pair {
                    source: looked.source,
                    dest: looked.dest,
                    confidence: sure(looked),
                    evidence,
                    candidates,
                }
            })
            .collect();
        let filled = |d: usize| pairs.iter().any(|pair| pair.dest == d);
        let undecided = (0..self.dest.len())
            .filter(|d| !filled(*d))
            .map(|d| (d, self.others(d, None, weights)))
            .filter(|(_, candidates)| !candidates.is_empty())
            .collect();
        let groups = groups::groups(&self.compared, &pairs);
        Matches { source: self.source, dest: self.dest, pairs, groups, undecided, refused }
    }

    /// The best sources for a destination, without the one that is chosen.
    fn others(&self, dest: usize, chosen: Option<usize>, weights: &Weights) -> Vec<Candidate> {
        let start = self.looked.partition_point(|looked| looked.dest < dest);
        let end = self.looked.partition_point(|looked| looked.dest <= dest);
        let all = self.looked.get(start..end).unwrap_or_default();
        let mut others: Vec<&Looked> = all.iter().filter(|looked| Some(looked.source) != chosen).collect();
        others.sort_by_key(|looked| (-looked.score, looked.source));
        let named = others
            .iter()
            .map(|looked| Candidate { source: looked.source, confidence: self.alone(looked, weights) });
        named.filter(|candidate| candidate.confidence >= WORTH_NAMING).take(3).collect()
    }
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

/// The words that name a side's records: `Shop order (create)` is an order. Within the records they say
/// nothing: `order_status` is the status.
fn entity(name: &str) -> Vec<String> {
    lexicon::canonical(&split_words(name.split('(').next().unwrap_or_default()))
}

/// How alike the names of the records are, in thousandths; a low number if one has none.
fn alike(left: &[String], right: &[String], model: &Embedder) -> i32 {
    let (Some(a), Some(b)) = (left.last(), right.last()) else { return 300 };
    if right.contains(a) || left.contains(b) {
        return 1000;
    }
    let vector = |word: &String| model.embed_words([(word.as_str(), 4)]);
    lexicon::near(a, b).max(vector(a).similarity(&vector(b)).max(0))
}

fn place(path: &str, fields: &[spec::Field], side: &'static str) -> Result<usize> {
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

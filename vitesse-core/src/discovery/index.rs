//! Which words stand in which entry, and how much they say there.

use std::collections::{HashMap, HashSet};

use super::catalog::{Entry, host};
use super::words::{Stems, words};
use crate::embed::{Embedder, Vector};

/// Parts of addresses that name nobody.
const PLUMBING: &[&str] = &[
    "api",
    "www",
    "raw",
    "githubusercontent",
    "unpkg",
    "docs",
    "developer",
    "developers",
    "local",
    "io",
    "com",
    "net",
    "org",
    "co",
    "gov",
    "uk",
    "de",
    "openapi",
    "swagger",
    "main",
    "master",
    "json",
    "yaml",
    "yml",
    "spec",
    "v1",
    "v2",
    "v3",
];
/// A name's part counts as this much of a word of its own: `weather` in `weatherbit`.
const WITHIN: f32 = 0.45;
/// A word in fewer entries than this isn't offered as a neighbour in meaning: its vector says little.
const FEWEST: usize = 3;

/// How much a word says by where it stands.
#[derive(Clone, Copy)]
enum Part {
    Name,
    Provider,
    Address,
    Category,
    Description,
    Keyword,
}

impl Part {
    /// Whether it holds names, which run words together.
    fn names(self) -> bool {
        matches!(self, Self::Name | Self::Provider | Self::Address)
    }

    fn weight(self) -> f32 {
        match self {
            Self::Name => 6.0,
            Self::Provider => 6.0,
            Self::Address => 1.5,
            Self::Category => 2.5,
            Self::Description => 2.0,
            Self::Keyword => 1.0,
        }
    }
}

/// One word of the catalogue.
#[derive(Debug)]
pub(super) struct Term {
    /// How much it tells entries apart.
    pub(super) rarity: f32,
    /// The entries that have it, each with how much it says there, from 0 to 1.
    pub(super) entries: Vec<(u32, f32)>,
    vector: Option<Box<Vector>>,
}

#[derive(Debug)]
pub(super) struct Index {
    numbers: HashMap<Box<str>, u32>,
    terms: Vec<Term>,
}

impl Index {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let texts: Vec<_> =
            entries.iter().map(|entry| parts(entry).map(|(part, text)| (part, words(&text)))).collect();
        let common = common(&texts);
        let mut building = Building::default();
        for (at, parts) in texts.iter().enumerate() {
            let mut here: HashMap<u32, f32> = HashMap::new();
            for (part, said) in parts {
                // One word of a short name says more than one of a long name.
                let share = part.weight() / (0.6 + 0.1 * (said.len() as f32).clamp(2.0, 16.0));
                let mut add = |word: &str, share: f32| {
                    for number in building.numbers_of(word) {
                        let total = here.entry(number).or_default();
                        *total = (*total + share).min(share.max(*total) * 1.5);
                    }
                };
                for word in said {
                    add(word, share);
                    if part.names() {
                        within(word, &common).for_each(|inner| add(inner, share * WITHIN));
                    }
                }
            }
            for (number, total) in here {
                building.terms[number as usize].entries.push((at as u32, total / (total + 1.5)));
            }
        }
        building.finish(entries.len())
    }

    pub(super) fn term(&self, number: u32) -> &Term {
        &self.terms[number as usize]
    }

    /// The number of the word with a stem.
    pub(super) fn number(&self, stem: &str) -> Option<u32> {
        self.numbers.get(stem).copied()
    }

    /// The number of the very word, but for its plural.
    pub(super) fn exact(&self, word: &str) -> Option<u32> {
        self.numbers.get(exactly(word).as_str()).copied()
    }

    /// Words spelt nearly like this one, each with how likely it was meant.
    pub(super) fn spelt_like(&self, stem: &str) -> Vec<(u32, f32)> {
        let length = stem.chars().count();
        let most = match length {
            0..=3 => return Vec::new(),
            4..=6 => 1,
            _ => 2,
        };
        let near = |(word, number): (&str, &u32)| {
            if word.starts_with(EXACTLY) || word.len().abs_diff(stem.len()) > most {
                return None;
            }
            let distance = strsim::osa_distance(word, stem);
            (distance <= most).then(|| {
                // The first letter is seldom the wrong one.
                let start = word.chars().next() == stem.chars().next();
                (*number, 1.0 - 0.15 * distance as f32 - if start { 0.0 } else { 0.2 })
            })
        };
        self.numbers.iter().map(|(word, number)| (&**word, number)).filter_map(near).collect()
    }

    /// Longer words that begin with this one.
    pub(super) fn begun_by(&self, stem: &str) -> Vec<u32> {
        if stem.len() < 4 {
            return Vec::new();
        }
        let begun = |(word, _): &(&str, &u32)| {
            word.len() > stem.len() && word.starts_with(stem) && !word.starts_with(EXACTLY)
        };
        self.numbers
            .iter()
            .map(|(word, number)| (&**word, number))
            .filter(begun)
            .map(|(_, number)| *number)
            .collect()
    }

    /// Words of nearly the same meaning, each with how near.
    pub(super) fn meant_by(&self, meaning: &Vector) -> Vec<(u32, f32)> {
        const NEAR: i32 = 600;
        const MOST: usize = 6;
        let near = |(number, term): (usize, &Term)| {
            let similarity = term.vector.as_ref()?.similarity(meaning);
            (similarity >= NEAR).then_some((number as u32, similarity))
        };
        let mut near: Vec<_> = self.terms.iter().enumerate().filter_map(near).collect();
        near.sort_unstable_by_key(|(number, similarity)| (std::cmp::Reverse(*similarity), *number));
        near.truncate(MOST);
        near.into_iter().map(|(number, similarity)| (number, similarity as f32 / 1000.0)).collect()
    }
}

/// Marks a word that is itself, not its stem.
const EXACTLY: char = '=';

fn exactly(word: &str) -> String {
    let single = word.strip_suffix('s').filter(|single| single.len() >= 3 && !single.ends_with('s'));
    format!("{EXACTLY}{}", single.unwrap_or(word))
}

#[derive(Default)]
struct Building {
    /// The same words come again and again: a stem is worked out once.
    known: HashMap<String, [u32; 2]>,
    numbers: HashMap<Box<str>, u32>,
    surfaces: Vec<String>,
    terms: Vec<Term>,
}

impl Building {
    /// The numbers of a word's stem, and of the word itself.
    fn numbers_of(&mut self, word: &str) -> [u32; 2] {
        if let Some(numbers) = self.known.get(word) {
            return *numbers;
        }
        let numbers = [self.number(Stems::new().stem(word), word), self.number(exactly(word), word)];
        self.known.insert(word.to_owned(), numbers);
        numbers
    }

    fn number(&mut self, key: String, surface: &str) -> u32 {
        let next = self.terms.len() as u32;
        *self.numbers.entry(key.into_boxed_str()).or_insert_with(|| {
            self.surfaces.push(surface.to_owned());
            self.terms.push(Term { rarity: 0.0, entries: Vec::new(), vector: None });
            next
        })
    }

    fn finish(mut self, entries: usize) -> Index {
        let model = Embedder::builtin().ok();
        for (key, number) in &self.numbers {
            let term = &mut self.terms[*number as usize];
            let found = term.entries.len() as f32;
            term.rarity = ((entries as f32 - found + 0.5) / (found + 0.5)).ln_1p();
            if term.entries.len() >= FEWEST && !key.starts_with(EXACTLY) {
                term.vector = model.map(|model| Box::new(model.embed(&self.surfaces[*number as usize])));
            }
        }
        Index { numbers: self.numbers, terms: self.terms }
    }
}

/// Words that several entries use, which may be parts of names.
fn common(texts: &[[(Part, Vec<String>); 6]]) -> HashSet<&str> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (part, said) in texts.iter().flatten() {
        if !part.names() {
            said.iter().for_each(|word| *seen.entry(word).or_default() += 1);
        }
    }
    seen.into_iter().filter(|(word, times)| word.len() >= 5 && *times >= 4).map(|(word, _)| word).collect()
}

/// The common words that a longer one begins or ends with: `ticket` and `master` for `ticketmaster`.
fn within<'a>(word: &'a str, common: &'a HashSet<&str>) -> impl Iterator<Item = &'a str> {
    let ends = word.char_indices().map(|(at, _)| at).filter(|at| *at >= 5 && at + 3 < word.len());
    let first = ends.clone().rev().map(|at| &word[..at]).find(|part| common.contains(part));
    let last =
        (1..word.len().saturating_sub(4)).filter_map(|at| word.get(at..)).find(|part| common.contains(part));
    first.into_iter().chain(last)
}

fn parts(entry: &Entry) -> [(Part, String); 6] {
    let plumbing = |text: &str| {
        let words = text.split(['.', '/', '-', '_', ':']).filter(|word| !PLUMBING.contains(word));
        words.collect::<Vec<_>>().join(" ")
    };
    let repository = entry.spec_url.split_once("githubusercontent.com/").map_or("", |(_, rest)| {
        rest.split_inclusive('/')
            .take(2)
            .map(str::len)
            .sum::<usize>()
            .checked_sub(1)
            .map_or("", |end| &rest[..end])
    });
    let hosts = [host(&entry.base_url), host(&entry.documentation_url), host(&entry.spec_url)].join(".");
    [
        (Part::Name, entry.name.clone()),
        (Part::Provider, plumbing(&entry.id)),
        (Part::Address, format!("{} {}", plumbing(&hosts), plumbing(repository))),
        (Part::Category, entry.categories.join(" ")),
        (Part::Description, entry.description.clone()),
        (Part::Keyword, entry.keywords.clone()),
    ]
}

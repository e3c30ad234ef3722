//! The index of the catalogue, as `make generate` works it out.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::catalog::{Entry, host, pack, unpack};
use super::index::{BLOCK, EXACTLY, MAGIC, exactly};
use super::words::{Stems, words};
use crate::embed::{Embedder, split_words};

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

/// The bytes of the index, of what `assets/catalog/catalog.bin` holds.
pub fn index_of(catalog: &[u8]) -> Option<Vec<u8>> {
    let entries = unpack(catalog)?;
    let terms = terms_of(&entries);
    let model = Embedder::builtin().ok()?;
    let mut providers: HashMap<&str, u16> = HashMap::new();
    let mut table = Vec::new();
    for entry in &entries {
        let next = u16::try_from(providers.len()).ok()?;
        let provider = *providers.entry(&entry.provider).or_insert(next);
        table.extend(provider.to_le_bytes());
        table.extend(u16::try_from(entry.endpoints).ok()?.to_le_bytes());
    }
    let (mut numbers, mut text, mut postings) = (Vec::new(), Vec::new(), Vec::new());
    // Most words stand in few entries, and many in the very same.
    let mut known: HashMap<Vec<u8>, u32> = HashMap::new();
    for (key, Building { surface, entries }) in &terms {
        let packed = postings_of(entries);
        let next = u32::try_from(postings.len()).ok()?;
        let at = *known.entry(packed.clone()).or_insert_with(|| {
            postings.extend(packed);
            next
        });
        let alone = !key.starts_with(EXACTLY)
            && entries.len() >= FEWEST
            && split_words(surface) == [surface.as_str()];
        let row = if alone { model.row(surface).map_or(0, |row| row + 1) } else { 0 };
        numbers.extend(u32::try_from(text.len()).ok()?.to_le_bytes());
        numbers.extend(at.to_le_bytes());
        numbers.extend(u16::try_from(entries.len()).ok()?.to_le_bytes());
        numbers.extend(u16::try_from(row).ok()?.to_le_bytes());
        text.extend(key.bytes());
    }
    let (mut ends, mut blocks) = (Vec::new(), Vec::new());
    for block in entries.chunks(BLOCK) {
        blocks.extend(pack(block)?);
        ends.extend(u32::try_from(blocks.len()).ok()?.to_le_bytes());
    }
    let parts = [table, numbers, text, postings, ends, blocks];
    let mut whole = MAGIC.to_vec();
    for part in &parts {
        whole.extend(u32::try_from(part.len()).ok()?.to_le_bytes());
    }
    parts.iter().for_each(|part| whole.extend(part));
    Some(whole)
}

/// Each entry as the step from the one before, in groups of seven bits, and how much the word says there.
fn postings_of(entries: &BTreeMap<usize, f32>) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut before = 0;
    for (entry, says) in entries {
        let mut step = entry - before;
        before = *entry;
        while step > 0x7f {
            packed.push((step & 0x7f) as u8 | 0x80);
            step >>= 7;
        }
        packed.push(step as u8);
        packed.push((says * 255.0).round().clamp(1.0, 255.0) as u8);
    }
    packed
}

/// A term on its way into the index.
struct Building {
    /// The first word that has this stem, as it was written.
    surface: String,
    entries: BTreeMap<usize, f32>,
}

fn terms_of(entries: &[Entry]) -> BTreeMap<String, Building> {
    let texts: Vec<_> =
        entries.iter().map(|entry| parts(entry).map(|(part, text)| (part, words(&text)))).collect();
    let common = common(&texts);
    let stems = Stems::new();
    let mut terms: BTreeMap<String, Building> = BTreeMap::new();
    for (at, parts) in texts.iter().enumerate() {
        let mut here: BTreeMap<String, f32> = BTreeMap::new();
        for (part, said) in parts {
            // One word of a short name says more than one of a long name.
            let share = part.weight() / (0.6 + 0.1 * (said.len() as f32).clamp(2.0, 16.0));
            let mut add = |word: &str, share: f32| {
                for key in [stems.stem(word), exactly(word)] {
                    terms
                        .entry(key.clone())
                        .or_insert_with(|| Building { surface: word.to_owned(), entries: BTreeMap::new() });
                    let total = here.entry(key).or_default();
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
        for (key, total) in here {
            if let Some(term) = terms.get_mut(&key) {
                term.entries.insert(at, total / (total + 1.5));
            }
        }
    }
    terms
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

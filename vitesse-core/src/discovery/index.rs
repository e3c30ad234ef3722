//! Which words stand in which entry, and how much they say there: worked out ahead of time, and read where it lies.
//!
//! `assets/catalog/index.bin` is written by `make generate` from the catalogue. Nothing of it is unpacked but the
//! entries that a search finds, so the first search of a process costs what any other does.

use std::sync::OnceLock;

use crate::embed::{Embedder, Vector};

static BYTES: &[u8] = include_bytes!("../../assets/catalog/index.bin");

/// What the file begins with, and how many lengths follow.
pub(super) const MAGIC: &[u8; 4] = b"VCI1";
pub(super) const LENGTHS: usize = 6;
/// An entry: its provider's number and how many operations it has.
pub(super) const ENTRY: usize = 4;
/// A term: where its word and its entries begin, how many entries it has, and its row of the model, from 1 on.
pub(super) const TERM: usize = 12;
/// So many entries are packed together.
pub(super) const BLOCK: usize = 32;
/// Marks a word that is itself, not its stem.
pub(super) const EXACTLY: char = '=';

/// The parts of the file, in their order.
#[derive(Debug)]
pub(super) struct Index {
    entries: &'static [u8],
    terms: &'static [u8],
    words: &'static [u8],
    postings: &'static [u8],
    /// Where each block of entries ends, then the blocks.
    ends: &'static [u8],
    blocks: &'static [u8],
    unpacked: OnceLock<Vec<super::Entry>>,
}

/// One word of the catalogue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    /// How much it tells entries apart.
    pub(super) rarity: f32,
    count: usize,
    postings: &'static [u8],
}

impl Index {
    pub(super) fn builtin() -> Option<Self> {
        Self::read(BYTES)
    }

    pub(super) fn read(bytes: &'static [u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_at_checked(4 + 4 * LENGTHS)?;
        let (magic, lengths) = head.split_at_checked(4)?;
        if magic != MAGIC {
            return None;
        }
        let mut part = |at: usize| {
            let (part, after) = rest.split_at_checked(u32_at(lengths, at) as usize)?;
            rest = after;
            Some(part)
        };
        let index = Self {
            entries: part(0)?,
            terms: part(1)?,
            words: part(2)?,
            postings: part(3)?,
            ends: part(4)?,
            blocks: part(5)?,
            unpacked: OnceLock::new(),
        };
        let whole = rest.is_empty() && !index.entries.is_empty() && index.entries.len().is_multiple_of(ENTRY);
        (whole
            && index.terms.len().is_multiple_of(TERM)
            && index.len().div_ceil(BLOCK) * 4 == index.ends.len())
        .then_some(index)
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len() / ENTRY
    }

    /// The number of an entry's provider; entries of one provider have the same.
    pub(super) fn provider(&self, entry: usize) -> u16 {
        u16_at(self.entries, entry * 2)
    }

    /// How many operations an entry has.
    pub(super) fn endpoints(&self, entry: usize) -> u16 {
        u16_at(self.entries, entry * 2 + 1)
    }

    /// One entry, and no more unpacked than is needed for it.
    pub(super) fn entry(&self, at: usize) -> Option<super::Entry> {
        if let Some(all) = self.unpacked.get() {
            return all.get(at).cloned();
        }
        super::catalog::unpack(self.block(at / BLOCK)?)?.into_iter().nth(at % BLOCK)
    }

    /// Every entry; unpacked once.
    pub(super) fn all(&self) -> &[super::Entry] {
        self.unpacked.get_or_init(|| {
            let blocks = (0..self.ends.len() / 4).filter_map(|at| super::catalog::unpack(self.block(at)?));
            blocks.flatten().collect()
        })
    }

    fn block(&self, at: usize) -> Option<&'static [u8]> {
        let start = at.checked_sub(1).map_or(0, |before| u32_at(self.ends, before) as usize);
        self.blocks.get(start..u32_at(self.ends, at) as usize)
    }

    pub(super) fn term(&self, number: u32) -> Term {
        let at = number as usize * TERM;
        let term = self.terms.get(at..at + TERM).unwrap_or(&[0; TERM]);
        let count = usize::from(u16_at(term, 4));
        let found = count as f32;
        Term {
            rarity: ((self.len() as f32 - found + 0.5) / (found + 0.5)).ln_1p(),
            count,
            postings: self.postings.get(u32_at(term, 1) as usize..).unwrap_or_default(),
        }
    }

    fn numbers(&self) -> std::ops::Range<u32> {
        0..(self.terms.len() / TERM) as u32
    }

    /// Words stand in the order of their letters.
    fn word(&self, number: u32) -> &'static str {
        let start = |number: u32| u32_at(self.terms, number as usize * (TERM / 4)) as usize;
        let end = if number + 1 < self.numbers().end { start(number + 1) } else { self.words.len() };
        let word = self.words.get(start(number)..end).unwrap_or_default();
        std::str::from_utf8(word).unwrap_or_default()
    }

    /// The first word that isn't before `wanted`.
    fn first_from(&self, wanted: &str) -> u32 {
        let (mut low, mut high) = (0, self.numbers().end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.word(middle) < wanted { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The number of the word with a stem.
    pub(super) fn number(&self, stem: &str) -> Option<u32> {
        let at = self.first_from(stem);
        (at < self.numbers().end && self.word(at) == stem).then_some(at)
    }

    /// The number of the very word, but for its plural.
    pub(super) fn exact(&self, word: &str) -> Option<u32> {
        self.number(&exactly(word))
    }

    /// Words spelt nearly like this one, each with how likely it was meant.
    pub(super) fn spelt_like(&self, stem: &str) -> Vec<(u32, f32)> {
        let length = stem.chars().count();
        let most = match length {
            0..=3 => return Vec::new(),
            4..=6 => 1,
            _ => 2,
        };
        let near = |number: u32| {
            let word = self.word(number);
            if word.starts_with(EXACTLY) || word.len().abs_diff(stem.len()) > most {
                return None;
            }
            let distance = strsim::osa_distance(word, stem);
            (distance <= most).then(|| {
                // The first letter is seldom the wrong one.
                let start = word.chars().next() == stem.chars().next();
                (number, 1.0 - 0.15 * distance as f32 - if start { 0.0 } else { 0.2 })
            })
        };
        self.numbers().filter_map(near).collect()
    }

    /// Longer words that begin with this one.
    pub(super) fn begun_by(&self, stem: &str) -> Vec<u32> {
        if stem.len() < 4 {
            return Vec::new();
        }
        let from =
            (self.first_from(stem)..self.numbers().end).take_while(|at| self.word(*at).starts_with(stem));
        from.filter(|at| self.word(*at).len() > stem.len()).collect()
    }

    /// Words of nearly the same meaning, each with how near.
    pub(super) fn meant_by(&self, model: &Embedder, meaning: &Vector) -> Vec<(u32, f32)> {
        const NEAR: i32 = 600;
        const MOST: usize = 6;
        let near = |(number, term): (usize, &[u8])| {
            let row = usize::from(u16_at(term, 5)).checked_sub(1)?;
            let similarity = model.similarity_of(row, meaning);
            (similarity >= NEAR).then_some((number as u32, similarity))
        };
        let mut near: Vec<_> = self.terms.chunks_exact(TERM).enumerate().filter_map(near).collect();
        near.sort_unstable_by_key(|(number, similarity)| (std::cmp::Reverse(*similarity), *number));
        near.truncate(MOST);
        near.into_iter().map(|(number, similarity)| (number, similarity as f32 / 1000.0)).collect()
    }
}

impl Term {
    /// The entries that have it, each with how much it says there, from 0 to 1.
    pub(super) fn entries(self) -> impl Iterator<Item = (usize, f32)> {
        let mut rest = self.postings.iter().copied();
        let mut entry = 0;
        (0..self.count).map_while(move |_| {
            let mut step = 0;
            for place in 0..3 {
                let byte = rest.next()?;
                step |= usize::from(byte & 0x7f) << (7 * place);
                if byte & 0x80 == 0 {
                    break;
                }
            }
            entry += step;
            Some((entry, f32::from(rest.next()?) / 255.0))
        })
    }
}

/// The key of a word that is itself, but for its plural.
pub(super) fn exactly(word: &str) -> String {
    let single = word.strip_suffix('s').filter(|single| single.len() >= 3 && !single.ends_with('s'));
    format!("{EXACTLY}{}", single.unwrap_or(word))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at * 4..at * 4 + 4).and_then(|four| <[u8; 4]>::try_from(four).ok());
    four.map_or(0, u32::from_le_bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let two = bytes.get(at * 2..at * 2 + 2).and_then(|two| <[u8; 2]>::try_from(two).ok());
    two.map_or(0, u16::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_asset_is_whole() {
        let index = Index::builtin().unwrap();
        assert_eq!((index.len(), index.all().len()), (2639, 2639));
        for entry in index.all() {
            assert!(!entry.name.is_empty() && entry.spec_url.starts_with("http"), "{entry:?}");
        }
        for number in index.numbers() {
            let term = index.term(number);
            assert_eq!(term.entries().count(), term.count, "{}", index.word(number));
            assert!(term.entries().all(|(entry, says)| entry < index.len() && says > 0.0));
            assert_eq!(index.number(index.word(number)), Some(number), "in the order of letters, each once");
        }
        assert!(BYTES.len() < 1_500_000, "{} bytes", BYTES.len());
    }

    #[test]
    fn an_entry_alone_is_the_same_as_among_all() {
        let (alone, all) = (Index::builtin().unwrap(), Index::builtin().unwrap());
        for at in [0, BLOCK - 1, BLOCK, 1234, 2638] {
            assert_eq!(alone.entry(at).as_ref(), all.all().get(at));
            assert_eq!(u32::from(alone.endpoints(at)), all.all()[at].endpoints);
        }
        assert!(alone.entry(2639).is_none());
        assert!(alone.unpacked.get().is_none(), "nothing but what was asked for was unpacked");
    }

    #[test]
    fn a_damaged_asset_is_refused() {
        for bytes in [&BYTES[..BYTES.len() - 1], &BYTES[..10], &[], &BYTES[1..]] {
            assert!(Index::read(bytes).is_none());
        }
    }
}

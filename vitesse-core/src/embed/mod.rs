//! Text becomes vectors, by a small model that is part of the crate.
//!
//! The model knows the words that name fields in API descriptions; a word it doesn't know is the sum of its
//! pieces. All of it is integers, so the same text gives the same vector on every platform.
//!
//! ```
//! use vitesse_core::embed::Embedder;
//! let model = Embedder::builtin()?;
//! let near = model.embed("zip code").similarity(&model.embed("postalCode"));
//! let far = model.embed("zip code").similarity(&model.embed("humidity"));
//! assert!(near > far);
//! # Ok::<(), vitesse_core::Error>(())
//! ```

#![forbid(unsafe_code)]

mod words;

use std::collections::HashMap;
use std::sync::OnceLock;

pub use words::split_words;

use crate::error::{Error, ErrorKind, Result};

/// How many numbers a vector has.
pub const DIMENSIONS: usize = 128;
const HEADER: usize = 16;
const ROW: usize = DIMENSIONS + 2;
/// The length of a vector: dot products of two stay within 32 bits.
const LENGTH: i64 = 4096;
static BYTES: &[u8] = include_bytes!("../../assets/fields/fields.bin");

/// The direction of a text's meaning, of length 4096; all zeros for a text without words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vector([i16; DIMENSIONS]);

impl Vector {
    /// The cosine of the angle between two, in thousandths.
    pub fn similarity(&self, other: &Self) -> i32 {
        let dot: i32 = self.0.iter().zip(&other.0).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
        (i64::from(dot) * 1000 / (LENGTH * LENGTH)) as i32
    }
}

/// The model.
#[derive(Debug)]
pub struct Embedder {
    words: HashMap<&'static str, usize>,
    rows: &'static [u8],
    buckets: usize,
}

impl Embedder {
    /// The model that is part of the crate, read at first use.
    ///
    /// # Errors
    /// `internal` if the asset is damaged, which a test rules out.
    pub fn builtin() -> Result<&'static Self> {
        static MODEL: OnceLock<Option<Embedder>> = OnceLock::new();
        MODEL.get_or_init(|| Self::read(BYTES)).as_ref().ok_or_else(damaged)
    }

    /// The same model, read anew: what the first use of [`builtin`](Self::builtin) costs.
    ///
    /// # Errors
    /// As there.
    pub fn load() -> Result<Self> {
        Self::read(BYTES).ok_or_else(damaged)
    }

    fn read(bytes: &'static [u8]) -> Option<Self> {
        let number = |at: usize| {
            let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_le_bytes(four)).ok()
        };
        let (dimensions, count, buckets) = (number(4)?, number(8)?, number(12)?);
        if bytes.get(..4)? != b"VFE1" || dimensions != DIMENSIONS || buckets == 0 {
            return None;
        }
        let lengths = bytes.get(HEADER..HEADER.checked_add(count)?)?;
        let mut at = HEADER + count;
        let mut words = HashMap::with_capacity(count);
        for (row, length) in lengths.iter().enumerate() {
            let end = at + usize::from(*length);
            words.insert(std::str::from_utf8(bytes.get(at..end)?).ok()?, row);
            at = end;
        }
        let rows = bytes.get(at..)?;
        (rows.len() == (count + buckets).checked_mul(ROW)?).then_some(Self { words, rows, buckets })
    }

    /// The vector of a text or an identifier.
    pub fn embed(&self, text: &str) -> Vector {
        let words = split_words(text);
        self.embed_words(words.iter().map(|word| (word.as_str(), 4)))
    }

    /// Whether the model has a vector of its own for a word, in lower case.
    pub fn knows(&self, word: &str) -> bool {
        self.words.contains_key(word)
    }

    /// The row of a word that the model has a vector of its own for.
    #[cfg(all(feature = "discover", any(test, feature = "testing")))]
    pub(crate) fn row(&self, word: &str) -> Option<usize> {
        self.words.get(word).copied()
    }

    /// The cosine of the angle between the word of a row and a vector, in thousandths, without making the word's.
    #[cfg(feature = "discover")]
    pub(crate) fn similarity_of(&self, row: usize, other: &Vector) -> i32 {
        let values = self.rows.get(row * ROW + 2..(row + 1) * ROW).unwrap_or_default();
        let (mut dot, mut square) = (0_i32, 0_i32);
        for (value, other) in values.iter().zip(&other.0) {
            let value = i32::from(*value as i8);
            // At most 128 times 127 times 4096: within 32 bits.
            dot += value * i32::from(*other);
            square += value * value;
        }
        let length = f64::from(square).sqrt().max(1.0) * LENGTH as f64;
        (f64::from(dot) * 1000.0 / length) as i32
    }

    /// The vector of words, each with a weight from 1 to 16.
    pub fn embed_words<'a>(&self, words: impl IntoIterator<Item = (&'a str, i64)>) -> Vector {
        let mut sum = [0_i64; DIMENSIONS];
        for (word, weight) in words {
            match self.words.get(word) {
                Some(row) => self.add(*row, weight.clamp(1, 16) * 16, &mut sum),
                None => {
                    let pieces = self.pieces(word);
                    let share = weight.clamp(1, 16) * 16 / (pieces.len().max(1) as i64);
                    pieces.iter().for_each(|row| self.add(*row, share.max(1), &mut sum));
                }
            }
        }
        // Brought into a range whose squares can be added up.
        let top = sum.iter().map(|value| value.abs()).max().unwrap_or(0).max(1);
        let small = sum.map(|value| value * (1 << 20) / top);
        let length = small.iter().map(|value| value * value).sum::<i64>().isqrt().max(1);
        Vector(small.map(|value| (value * LENGTH / length) as i16))
    }

    fn add(&self, row: usize, weight: i64, sum: &mut [i64; DIMENSIONS]) {
        let Some((scale, values)) =
            self.rows.get(row * ROW..(row + 1) * ROW).and_then(|row| row.split_at_checked(2))
        else {
            return;
        };
        let scale = i64::from(scale[0]) | i64::from(scale[1]) << 8;
        for (total, value) in sum.iter_mut().zip(values) {
            *total += i64::from(*value as i8) * scale * weight;
        }
    }

    /// The rows of a word's pieces of three to five letters.
    fn pieces(&self, word: &str) -> Vec<usize> {
        let marked = format!("<{word}>");
        let bytes = marked.as_bytes();
        let mut rows = Vec::new();
        for size in 3..=5 {
            for gram in bytes.windows(size) {
                let hash = gram
                    .iter()
                    .fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
                rows.push(self.words.len() + hash as usize % self.buckets);
            }
        }
        rows.sort_unstable();
        rows.dedup();
        rows
    }
}

fn damaged() -> Error {
    Error::new(ErrorKind::Internal, "the built-in model is damaged").in_operation("embed.builtin")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn similarity(a: &str, b: &str) -> i32 {
        let model = Embedder::builtin().unwrap();
        model.embed(a).similarity(&model.embed(b))
    }

    #[test]
    fn a_text_is_itself_and_nothing_is_nothing() {
        assert!(similarity("customer email", "customer_email") > 990);
        assert_eq!(similarity("", "email"), 0);
        assert_eq!(similarity("123 --", "email"), 0);
    }

    #[test]
    fn words_of_one_meaning_are_nearer_than_others() {
        assert!(similarity("phone", "telephone") > similarity("phone", "price"));
        assert!(similarity("updated", "modified") > similarity("updated", "street"));
        assert!(
            similarity("customerx", "customer") > similarity("customerx", "street"),
            "pieces of unknown words"
        );
    }

    #[test]
    fn a_damaged_model_is_refused() {
        assert!(Embedder::read(&BYTES[..BYTES.len() - 1]).is_none());
        assert!(Embedder::read(&BYTES[..10]).is_none());
        assert!(Embedder::read(b"").is_none());
    }
}

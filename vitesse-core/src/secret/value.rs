use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A text that must not leak: no `Display`, no `Serialize`, a `Debug` that tells nothing, and memory that
/// is wiped when it is dropped.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Every call is a place to look at in review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the text is `guess`, in a time that doesn't depend on where they differ.
    ///
    /// ```
    /// use vitesse_core::secret::Secret;
    /// assert!(Secret::new("key").is("key"));
    /// assert!(!Secret::new("key").is("kez") && !Secret::new("key").is("keys"));
    /// ```
    pub fn is(&self, guess: &str) -> bool {
        let (own, guess) = (self.0.as_bytes(), guess.as_bytes());
        let same = own.iter().zip(guess).fold(0, |acc, (a, b)| std::hint::black_box(acc | (a ^ b)));
        own.len() == guess.len() && same == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

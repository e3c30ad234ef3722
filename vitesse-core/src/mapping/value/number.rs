use std::fmt;

/// A JSON number as the text it came as.
///
/// Two numbers are equal when their text is: `1.0` and `1` are different, since nothing here may change a
/// digit. [`crate::mapping::functions::decimal`] compares and calculates by value.
///
/// ```
/// use vitesse_core::mapping::Number;
/// assert_eq!(Number::new("1.50").unwrap().as_str(), "1.50");
/// assert!(Number::new("01").is_none());
/// assert!(Number::new("NaN").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number(String);

impl Number {
    /// The number, if the text is one by the grammar of RFC 8259.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (number_length(text.as_bytes()) == Ok(text.len())).then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as an unsigned integer, if it is written as one and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The value as an integer, if it is written as one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The nearest floating-point number; for settings and scores, never for records.
    pub fn as_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// Takes text that is known to follow the grammar.
    pub(crate) fn from_valid(text: String) -> Self {
        debug_assert!(number_length(text.as_bytes()) == Ok(text.len()), "{text}");
        Self(text)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self(number.to_string())
    }
}

/// How many bytes at the start are a number, or the offset of the byte that breaks the grammar.
pub(crate) fn number_length(bytes: &[u8]) -> Result<usize, usize> {
    let digits = |mut at: usize| {
        let start = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at == start { Err(at) } else { Ok(at) }
    };
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    at = match bytes.get(at) {
        Some(b'0') => at + 1,
        _ => digits(at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = digits(at + 1 + sign)?;
    }
    Ok(at)
}

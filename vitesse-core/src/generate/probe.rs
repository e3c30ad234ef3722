use std::fmt;

use serde::{Deserialize, Serialize};

/// What a synthetic record tries out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Probe {
    /// The kind of trial.
    pub kind: ProbeKind,
    /// The field it is about: `customer.tags[0]`; empty for the record as a whole.
    pub field: String,
}

impl Probe {
    pub(super) fn new(kind: ProbeKind, field: impl Into<String>) -> Self {
        Self { kind, field: field.into() }
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $words:literal;)+) => {
        /// What can be tried out with a record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum ProbeKind {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ProbeKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What it does to the field, to be put after the field's name.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $words),+ }
            }
        }
    };
}

kinds! {
    /// Nothing but being there.
    Realistic = "is as usual";
    /// An alternative of `oneOf` or `anyOf`.
    Alternative = "takes another of its forms";
    /// A value of an enumeration.
    EnumValue = "takes another of its values";
    /// A field that need not be there isn't.
    Missing = "is left out";
    /// Every field that need not be there isn't.
    OnlyRequired = "has its required fields alone";
    /// Null where it is allowed.
    Null = "is null";
    /// Null where it isn't allowed.
    UnexpectedNull = "is null where null is not allowed";
    /// The least number.
    Minimum = "is the least number";
    /// The greatest number.
    Maximum = "is the greatest number";
    /// Below the least number.
    BelowMinimum = "is below the least number";
    /// Above the greatest number.
    AboveMaximum = "is above the greatest number";
    /// Nought.
    Zero = "is 0";
    /// Less than nought.
    Negative = "is negative";
    /// A whole number that a 64-bit float can't hold.
    BigInteger = "is an integer beyond 2^53";
    /// A number with many digits.
    ManyDigits = "has many digits after the point";
    /// The shortest text.
    Shortest = "is as short as may be";
    /// The longest text.
    Longest = "is as long as may be";
    /// A text that is longer than any that people write.
    VeryLong = "is a text of 10,000 characters";
    /// No character at all.
    EmptyText = "is an empty text";
    /// Emoji, line breaks, quotes, escapes.
    OddText = "has emoji, escapes and line breaks";
    /// No item.
    EmptyList = "is an empty list";
    /// Many items.
    LongList = "is a long list";
    /// A number as a text: `"12"`.
    NumberAsText = "is a number written as text";
    /// A text as a number.
    TextAsNumber = "is a number where a text is said";
    /// A boolean as a text or a number.
    BooleanAsText = "is a boolean written as text";
    /// One item without its list.
    ItemAlone = "is an item without its list";
    /// A value that the enumeration doesn't have.
    UnknownEnum = "has a value that its enumeration lacks";
    /// Fields that nobody described.
    ExtraField = "has a field that is not described";
    /// A moment in another zone, or with a fraction.
    OtherZone = "is a moment in another time zone";
    /// A moment without a zone, as some APIs write it.
    NoZone = "is a moment without a time zone";
    /// A day that only leap years have.
    LeapDay = "is a leap day";
    /// A decimal amount with a comma.
    DecimalComma = "is an amount with a decimal comma";
}

/// `email is null where null is not allowed`.
impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = if self.field.is_empty() { "the record" } else { &self.field };
        write!(f, "{field} {}", self.kind.words())
    }
}

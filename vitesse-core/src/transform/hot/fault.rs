/// What is wrong with the text of a record, and where.
///
/// One machine word, so that results of the scanner travel in registers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault(u64);

/// The kinds of [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FaultKind {
    Value,
    Key,
    Colon,
    InObject,
    InArray,
    Number,
    Control,
    Escape,
    Surrogate,
    Depth,
    Utf8,
    /// The text ends too early.
    Cut,
    /// The text is longer than positions can say.
    Size,
}

const KINDS: [FaultKind; 13] = [
    FaultKind::Value,
    FaultKind::Key,
    FaultKind::Colon,
    FaultKind::InObject,
    FaultKind::InArray,
    FaultKind::Number,
    FaultKind::Control,
    FaultKind::Escape,
    FaultKind::Surrogate,
    FaultKind::Depth,
    FaultKind::Utf8,
    FaultKind::Cut,
    FaultKind::Size,
];

impl Fault {
    #[inline(always)]
    pub(crate) fn new(kind: FaultKind, at: usize) -> Self {
        Self((at as u64) << 8 | kind as u64)
    }

    pub(crate) fn at(self) -> usize {
        (self.0 >> 8) as usize
    }

    pub(crate) fn kind(self) -> FaultKind {
        KINDS[(self.0 & 0xff) as usize % KINDS.len()]
    }

    /// What is wrong, in a few words.
    pub(crate) fn message(self) -> &'static str {
        match self.kind() {
            FaultKind::Value => "a value was expected here",
            FaultKind::Key => "a key in quotes was expected here",
            FaultKind::Colon => "a colon was expected after the key",
            FaultKind::InObject => "a comma or a closing brace was expected here",
            FaultKind::InArray => "a comma or a closing bracket was expected here",
            FaultKind::Number => "this is not a number of JSON",
            FaultKind::Control => "a control character stands unescaped in a string",
            FaultKind::Escape => "this escape is unknown to JSON",
            FaultKind::Surrogate => "half of a surrogate pair stands alone",
            FaultKind::Depth => "containers nest too deeply",
            FaultKind::Utf8 => "the text is not valid UTF-8",
            FaultKind::Cut => "the record ends too early",
            FaultKind::Size => "the record is too long",
        }
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {}", self.kind(), self.at())
    }
}

use crate::spec;

/// What [`match_fields`](super::match_fields) found.
///
/// A field is named by its place in `source` or `dest`, which list every field that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// The fields of the source: those that have no fields of their own, in the schema's order.
    pub source: Vec<spec::Field>,
    /// The fields of the destination, likewise.
    pub dest: Vec<spec::Field>,
    /// The pairs, by destination and then by source. A field may be in several.
    pub pairs: Vec<Pair>,
    /// Pairs that are one line together. Each pair of a group is in `pairs` too.
    pub groups: Vec<Group>,
    /// Destinations without a pair that have sources worth a look, each with the best of them, best first.
    pub undecided: Vec<(usize, Vec<Candidate>)>,
    /// Why there is no pair. There is one exactly if `pairs` is empty.
    pub refused: Option<Refusal>,
}

impl Matches {
    /// The pair that fills a destination, if exactly one does.
    pub fn only_pair(&self, dest: usize) -> Option<&Pair> {
        let mut pairs = self.pairs.iter().filter(|pair| pair.dest == dest);
        let first = pairs.next()?;
        pairs.next().is_none().then_some(first)
    }
}

/// A field of the source and the field of the destination it fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The place of the source's field in [`Matches::source`].
    pub source: usize,
    /// The place of the destination's field in [`Matches::dest`].
    pub dest: usize,
    /// How likely it is right, in thousandths: the share of right pairs at like evidence. 1000 for a hint.
    pub confidence: u16,
    /// What speaks for it, the strongest first; never empty.
    pub evidence: Vec<Evidence>,
    /// The other sources that came next for this destination, best first, at most three.
    pub candidates: Vec<Candidate>,
}

/// A source that could fill a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The place of the source's field in [`Matches::source`].
    pub source: usize,
    /// How likely it would be right if it were chosen, in thousandths.
    pub confidence: u16,
}

/// One thing that speaks for a pair. `Display` says it in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// A hint says so.
    Hint,
    /// People confirmed it in an earlier mapping.
    Learned,
    /// Both have the same name, as it is written or as the mapper thinks of it: these words.
    SameName(String),
    /// The names share these words.
    SharedWords(String),
    /// One name is near the other in meaning: the source's words and the destination's.
    NearMeaning(String, String),
    /// The descriptions speak of the same.
    Description,
    /// The two have values in common: of their enumerations, formats, patterns or examples.
    Values,
    /// The fields around them belong together too.
    Neighbours,
    /// The parts of one thing go together: see [`Matches::groups`].
    Together,
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hint => f.write_str("you said so"),
            Self::Learned => f.write_str("confirmed in an earlier mapping"),
            Self::SameName(words) => write!(f, "both are \"{words}\""),
            Self::SharedWords(words) => write!(f, "both speak of \"{words}\""),
            Self::NearMeaning(a, b) => write!(f, "\"{a}\" and \"{b}\" are near in meaning"),
            Self::Description => f.write_str("their descriptions say the same"),
            Self::Values => f.write_str("they hold the same kind of values"),
            Self::Neighbours => f.write_str("the fields around them belong together"),
            Self::Together => f.write_str("the parts make the whole"),
        }
    }
}

/// How the pairs of a group become one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupKind {
    /// Several sources are joined with spaces, in the group's order: first and last name into a full name.
    Join,
    /// Several sources are the lines of one text, or the items of one list, in the group's order.
    Lines,
    /// One source is split over several destinations, in the group's order: a full name into first and last.
    Split,
}

/// Pairs that are one line together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// How they become one line.
    pub kind: GroupKind,
    /// The sources, in the order they are used.
    pub sources: Vec<usize>,
    /// The destinations, in the order they are filled.
    pub dests: Vec<usize>,
    /// How likely all of it is right, in thousandths.
    pub confidence: u16,
}

/// Why there is no pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the two lack, in a sentence.
    pub reason: String,
    /// The pairs (source, destination, confidence) that came nearest, best first, at most five.
    pub nearest: Vec<(usize, usize, u16)>,
    /// The destinations for which a hint would help most: required ones first, at most five.
    pub hints_for: Vec<usize>,
}

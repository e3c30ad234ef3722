//! A mapping made ready: paths in order of the output, functions found, parameters checked.

use super::document::{LineError, RecordError};
use super::functions::Ready;
use super::{FieldPath, Value};

/// A mapping that was validated and resolved; both roads of `transform` run this.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The enabled lines, in the order of the document.
    pub lines: Vec<Line>,
    /// The shape of the output; its leaves are indexes into `lines`.
    pub output: Node,
    /// Records that don't meet it are left out.
    pub filter: Option<super::predicate::Predicate>,
    /// One record to many: the array, and whether a record without elements is kept.
    pub split: Option<(FieldPath, bool)>,
    /// Arrays and what their elements must meet to stay, outermost arrays first.
    pub element_filters: Vec<(FieldPath, super::predicate::Predicate)>,
    /// Whether a record may be something else than an object, since a line takes the whole of it or
    /// goes into it as an array.
    pub takes_any: bool,
    /// Whether a path that leads into a value of another shape is an error of the line.
    pub strict: bool,
    /// What becomes of a record that fails.
    pub on_error: RecordError,
}

/// A line, resolved.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its index in `transformations`.
    pub index: usize,
    /// The fields it takes.
    pub sources: Vec<FieldPath>,
    /// The field it makes.
    pub dest: FieldPath,
    /// What it does.
    pub op: Op,
    /// What an error does.
    pub on_error: LineError,
    /// The value for [`LineError::Default`].
    pub default: Value,
    /// Whether a missing result is an error.
    pub required: bool,
    /// Whether each collected value becomes an element at the last `[]` of `dest`, and doesn't stand in an
    /// array of its own.
    pub spread: bool,
}

/// What a line does with its value.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Nothing: the subtree as it is.
    Copy,
    /// [`super::TransformType::Parse`] to a whole number.
    ParseInt,
    /// [`super::TransformType::Parse`] to a number.
    ParseFloat,
    /// [`super::TransformType::Stringify`].
    Stringify,
    /// [`super::TransformType::ParseBool`].
    ParseBool,
    /// [`super::TransformType::Collect`].
    Collect {
        /// Whether nulls are left out.
        skip_nulls: bool,
        /// Whether empty strings are left out.
        skip_empty: bool,
    },
    /// [`super::TransformType::Custom`].
    Call(Ready),
}

/// A part of the output, its fields in the order of first mention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// What the line of this index (into [`Compiled::lines`]) gives.
    Leaf(usize),
    /// An object; left out if none of its fields came, except as an element of `Each` and as the root.
    Object(Vec<(String, Node)>),
    /// An array whose elements are made one by one; those that are missing are left out.
    List(Vec<Node>),
    /// An array with as many elements as the longest array that a line beneath walks through.
    Each(Box<Node>),
}

impl Line {
    /// Whether the line says how many elements the `[]` of that level (from 0) of its destination has.
    pub fn counts(&self, level: usize) -> bool {
        let depth = self.dest.depth();
        level < depth
            && (self.sources.iter().any(|source| source.depth() > level)
                || (self.spread && level + 1 == depth))
    }
}

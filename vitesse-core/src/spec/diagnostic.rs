use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Something about a document that its owner would want to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// What kind of thing.
    #[serde(rename = "id")]
    pub kind: DiagnosticKind,
    /// How bad it is.
    pub severity: Severity,
    /// What was done about it.
    pub action: Action,
    /// What was wrong, in a sentence.
    pub message: String,
    /// Where: a JSON pointer, such as `#/paths/~1orders/get`.
    pub pointer: String,
    /// The line, from 1, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The document, when it isn't the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// `warning at #/paths/~1orders/get, line 12: the reference ... leads nowhere (skipped)`
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.severity.as_str(), shortened(&self.pointer))?;
        if let Some(document) = &self.document {
            write!(f, " of {document}")?;
        }
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.message)?;
        if self.action != Action::None {
            write!(f, " ({})", self.action.as_str())?;
        }
        Ok(())
    }
}

/// A pointer that people can read: of a very long one, where it begins and ends.
fn shortened(pointer: &str) -> Cow<'_, str> {
    const MOST: usize = 200;
    let steps: Vec<&str> = pointer.split('/').collect();
    if pointer.len() <= MOST || steps.len() < 8 {
        return pointer.into();
    }
    let (first, last) = (&steps[..4], &steps[steps.len() - 3..]);
    format!("{}/.. {} more ../{}", first.join("/"), steps.len() - 7, last.join("/")).into()
}

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// The document is wrong or unusual there; what came out is most likely what was meant.
    Warning,
    /// Something of the document is lost.
    Error,
}

impl Severity {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What was done about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing had to be done.
    None,
    /// It was put right.
    Repaired,
    /// It was left out.
    Skipped,
    /// What was meant was guessed.
    Guessed,
}

impl Action {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Repaired => "repaired",
            Self::Skipped => "skipped",
            Self::Guessed => "guessed",
        }
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $severity:ident;)+) => {
        /// The kinds of diagnostics. An id is stable and never changes meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum DiagnosticKind {
            $($(#[doc = $doc])+ #[serde(rename = $id)] $name,)+
        }

        impl DiagnosticKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable id.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id),+ }
            }

            /// What it means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii()),+ }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),+ }
            }
        }
    };
}

kinds! {
    /// The text isn't valid UTF-8, or is in another encoding.
    Encoding = "encoding", Warning;
    /// The text isn't the strict JSON it looks like, but could be read.
    LooseSyntax = "loose_syntax", Warning;
    /// A key occurs twice in one object; the last one counts.
    DuplicateKey = "duplicate_key", Warning;
    /// A part is nested deeper than the limit.
    TooDeep = "too_deep", Error;
    /// A list of kept things is longer than its limit.
    TooMany = "too_many", Error;
    /// A YAML scalar or tag means something else than its writer may think.
    YamlPitfall = "yaml_pitfall", Info;
    /// The document doesn't say its version, or one that doesn't exist.
    VersionUnclear = "version_unclear", Warning;
    /// Something required is missing.
    Missing = "missing", Warning;
    /// A value is of another type than it must be.
    WrongType = "wrong_type", Warning;
    /// A value isn't one of those that are allowed.
    UnknownValue = "unknown_value", Warning;
    /// A reference leads nowhere.
    DanglingReference = "dangling_reference", Error;
    /// A reference leads to itself.
    CircularReference = "circular_reference", Error;
    /// Members beside a `$ref` that count for nothing in this version.
    ReferenceSiblings = "reference_siblings", Info;
    /// Another document that a reference names could not be read.
    ExternalDocument = "external_document", Error;
    /// Two operations have the same operation id.
    DuplicateOperationId = "duplicate_operation_id", Warning;
    /// Two parameters of one operation have the same name and place.
    DuplicateParameter = "duplicate_parameter", Warning;
    /// A path's templates and its parameters don't agree.
    PathParameter = "path_parameter", Warning;
    /// A path is written wrongly.
    BadPath = "bad_path", Warning;
    /// Two paths differ only in the names of their templates.
    AmbiguousPath = "ambiguous_path", Info;
    /// A media type is written wrongly.
    BadMediaType = "bad_media_type", Warning;
    /// A status is written wrongly.
    BadStatus = "bad_status", Warning;
    /// A server's address can't be used as it stands.
    BadServer = "bad_server", Warning;
    /// Security names a scheme that isn't described, or describes one wrongly.
    BadSecurity = "bad_security", Warning;
    /// Parts of a schema contradict each other.
    Contradiction = "contradiction", Warning;
    /// A member of another version or of none; it counts for nothing.
    UnknownMember = "unknown_member", Info;
    /// A schema was inferred from examples.
    GuessedSchema = "guessed_schema", Info;
    /// A schema names no fields, so nothing of it can be mapped.
    VagueSchema = "vague_schema", Info;
    /// There is no description of an API, only of its data.
    NoDescription = "no_description", Warning;
    /// An operation describes no success.
    NoSuccess = "no_success", Info;
    /// The document came from elsewhere than was asked.
    FoundElsewhere = "found_elsewhere", Info;
    /// The API shows no description; this one is kept by somebody else, and may be out of date.
    ThirdPartyCopy = "third_party_copy", Warning;
}

impl fmt::Display for DiagnosticKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

//! What went wrong, where, and what to do about it.
//!
//! Every fallible function of the crate returns [`Result`]. An [`Error`] carries a [`ErrorKind`] to match
//! on, says whether trying again can help, names the operation, keeps the facts that lead to the cause as
//! key-value context, and offers one sentence of help.
//!
//! ```
//! use vitesse_core::{Error, ErrorKind};
//!
//! let error = Error::new(ErrorKind::MappingInvalid, "unknown function \"splitt\"")
//!     .in_operation("mapping.validate")
//!     .with("line", 3)
//!     .with("field", "customer.email")
//!     .help("did you mean \"split\"?");
//!
//! assert_eq!(error.kind().id(), "mapping_invalid");
//! assert!(!error.is_temporary());
//! assert_eq!(
//!     error.to_string(),
//!     "unknown function \"splitt\" (line: 3, field: customer.email); did you mean \"split\"?"
//! );
//! ```
//!
//! Deliberately absent: HTTP statuses and exception classes. Each face maps the kinds to its own world, and a
//! test there walks [`ErrorKind::ALL`]. Only exit codes stand here, since two commands share them.

#![forbid(unsafe_code)]

mod kind;
mod nearest;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

pub use kind::ErrorKind;
pub use nearest::{did_you_mean, nearest};

/// The result of every fallible function in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure with everything needed to act on it.
///
/// It is one pointer wide, so `Result<T>` stays small on hot paths.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    temporary: bool,
    operation: Cow<'static, str>,
    message: Cow<'static, str>,
    context: Vec<(&'static str, String)>,
    help: Option<Cow<'static, str>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure of `kind`; `message` says what was wrong in a few plain words, without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            temporary: kind.usually_temporary(),
            operation: Cow::Borrowed(""),
            message: message.into(),
            context: Vec::new(),
            help: None,
            source: None,
        }))
    }

    /// Names what was being done, as `room.action`. The innermost name wins, since it is the precise one.
    #[must_use]
    pub fn in_operation(mut self, operation: impl Into<Cow<'static, str>>) -> Self {
        if self.0.operation.is_empty() {
            self.0.operation = operation.into();
        }
        self
    }

    /// Adds a fact that leads to the cause. Never a secret: context is printed and logged.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((key, value.to_string()));
        self
    }

    /// Says what to do, in one sentence.
    #[must_use]
    pub fn help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Keeps the failure that caused this one.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Marks the failure as one that may be gone when tried again.
    #[must_use]
    pub fn temporary(mut self) -> Self {
        self.0.temporary = true;
        self
    }

    /// Marks the failure as one that trying again can't mend.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.0.temporary = false;
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether trying again, unchanged, can help.
    pub fn is_temporary(&self) -> bool {
        self.0.temporary
    }

    /// What was being done, as `room.action`; empty if nobody said.
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// What was wrong, without context or help.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The facts that lead to the cause, in the order they were added.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }

    /// What to do, if something is known to help.
    pub fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The messages of the failures behind this one, nearest first. What was told before them is left out: many a
    /// failure tells its own cause along with it.
    pub fn causes(&self) -> impl Iterator<Item = String> + '_ {
        let mut next = StdError::source(self);
        let mut before = String::new();
        std::iter::from_fn(move || {
            loop {
                let cause = next?;
                next = cause.source();
                let text = cause.to_string();
                let told = self.0.message.contains(&text)
                    || self.0.context.iter().any(|(_, value)| value.contains(&text))
                    || before.contains(&text);
                if !told && !text.is_empty() {
                    before.clone_from(&text);
                    return Some(text);
                }
            }
        })
    }
}

/// One line: what was wrong, where, what to do.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for (index, (key, value)) in self.0.context.iter().enumerate() {
            let open = if index == 0 { " (" } else { ", " };
            write!(f, "{open}{key}: {value}")?;
        }
        if !self.0.context.is_empty() {
            f.write_str(")")?;
        }
        match &self.0.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// Several lines, for people who debug: the kind, the operation, each fact and each cause.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = if self.0.temporary { "temporary" } else { "permanent" };
        write!(f, "{} ({status})", self.0.kind.id())?;
        if !self.0.operation.is_empty() {
            write!(f, " at {}", self.0.operation)?;
        }
        write!(f, " => {}", self.0.message)?;
        for (key, value) in &self.0.context {
            write!(f, "\n    {key}: {value}")?;
        }
        for cause in self.causes() {
            write!(f, "\n    caused by: {cause}")?;
        }
        if let Some(help) = &self.0.help {
            write!(f, "\n    help: {help}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_one_line_and_debug_tells_everything() {
        let io = std::io::Error::other("disk on fire");
        let error = Error::new(ErrorKind::StoreFailed, "the commit was not written")
            .in_operation("store.commit")
            .in_operation("orchestrator.ingest")
            .with("backend", "embedded")
            .help("free some space and try again")
            .source(io);
        assert_eq!(
            error.to_string(),
            "the commit was not written (backend: embedded); free some space and try again"
        );
        insta::assert_snapshot!(format!("{error:?}"), @r"
        store_failed (permanent) at store.commit => the commit was not written
            backend: embedded
            caused by: disk on fire
            help: free some space and try again
        ");
    }

    #[test]
    fn a_cause_is_told_once() {
        #[derive(Debug)]
        struct Outer(std::io::Error);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "I/O error: {}", self.0)
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let error = || Error::new(ErrorKind::StoreFailed, "not written");
        let outer = || Outer(std::io::Error::other("disk on fire"));
        assert_eq!(error().source(outer()).causes().collect::<Vec<_>>(), ["I/O error: disk on fire"]);
        let told = error().with("cause", "I/O error: disk on fire").source(outer());
        assert_eq!(told.causes().count(), 0);
    }

    #[test]
    fn the_kind_decides_whether_to_retry_unless_told_otherwise() {
        assert!(Error::new(ErrorKind::Unreachable, "no answer").is_temporary());
        assert!(!Error::new(ErrorKind::Unreachable, "no such host").permanent().is_temporary());
        assert!(Error::new(ErrorKind::StoreFailed, "busy").temporary().is_temporary());
    }

    #[test]
    fn an_error_is_one_pointer() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }
}

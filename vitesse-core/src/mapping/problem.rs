use std::fmt;

use crate::error::{Error, ErrorKind};

/// One thing that is wrong with a mapping document.
///
/// Shown in one line: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where in the document, as a JSON pointer: `/transformations/3/dest_field`.
    pub pointer: String,
    /// Which line of `transformations`, counted from 0, if it is in one.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do, if something is known to help.
    pub help: Option<String>,
}

impl Problem {
    /// A problem at a JSON pointer.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let pointer = pointer.into();
        let line = pointer
            .strip_prefix("/transformations/")
            .and_then(|rest| rest.split('/').next())
            .and_then(|index| index.parse().ok());
        Self { pointer, line, message: message.into(), help: None }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with help that may not be known.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        let pointer = if self.pointer.is_empty() { "the document" } else { &self.pointer };
        write!(f, "{pointer}: {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a mapping document; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        let count = problems.0.len();
        let message = match problems.0.as_slice() {
            [only] => format!("the mapping document is wrong: {only}"),
            _ => format!("the mapping document is wrong in {count} places:\n{problems}"),
        };
        Error::new(ErrorKind::MappingInvalid, message).in_operation("mapping.validate").source(problems)
    }
}

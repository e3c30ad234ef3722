//! YAML and JSON files of our own, read by the same reader as descriptions, but strictly.

use super::tree::{Tree, Val};
use super::yaml;
use crate::error::{Error, ErrorKind, Result};

/// More JSON than this comes of no file that a person wrote.
const MOST: usize = 16 << 20;

/// A file that is no description: its values, and where they stand.
pub(crate) struct PlainFile {
    tree: Tree<'static>,
}

impl PlainFile {
    /// Reads YAML, of which JSON is a part.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] with the line and the column. What is merely loose, such as a key that comes
    /// twice, is wrong too: nobody would know which was meant.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |message: String, line: usize| {
            Error::new(ErrorKind::InvalidInput, message).in_operation("ingestor.yaml").with("line", line)
        };
        let tree = yaml::parse(text)
            .map_err(|error| wrong(error.message, error.line).with("column", error.column))?;
        match tree.faults.first() {
            Some(fault) => {
                let line = tree.lines_of(&[fault.node]).first().copied().unwrap_or(1);
                Err(wrong(fault.message.clone(), line as usize))
            }
            None => Ok(Self { tree }),
        }
    }

    /// The same as JSON text.
    pub(crate) fn to_json(&self) -> Result<String> {
        self.tree.root().to_json(MOST).ok_or_else(|| {
            Error::new(ErrorKind::LimitExceeded, "the file stands for more than it can")
                .in_operation("ingestor.yaml")
        })
    }

    /// The line, from 1, of what a JSON pointer leads to; where it leads nowhere, of what it leads to last.
    pub(crate) fn line(&self, pointer: &str) -> usize {
        let mut at = self.tree.root();
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            match child(at, &step) {
                Some(next) => at = next,
                None => break,
            }
        }
        self.tree.lines_of(&[at.node()]).first().map_or(1, |line| *line as usize)
    }
}

fn child<'t>(at: Val<'t>, step: &str) -> Option<Val<'t>> {
    match at.is_list() {
        true => at.items().nth(step.parse().ok()?),
        false => at.get(step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_and_slips_are_not_mended() {
        let file = PlainFile::parse("a: 1\nb:\n  - x: [1, 2]\n    y: '007'\n").unwrap();
        assert_eq!(file.to_json().unwrap(), r#"{"a":1,"b":[{"x":[1,2],"y":"007"}]}"#);
        assert_eq!((file.line("/b/0/y"), file.line("/b/0/nothing"), file.line("")), (4, 3, 1));
        for (text, line) in [("a: 1\na: 2\n", 2), ("a: [1\nb: 2\n", 2)] {
            let error = PlainFile::parse(text).err().unwrap().to_string();
            assert!(error.contains(&format!("line: {line}")), "{error}");
        }
    }
}

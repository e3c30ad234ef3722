use std::cell::RefCell;
use std::sync::Arc;

use thread_local::ThreadLocal;

use super::hot::{self, Fast, Outcome, Padded};
use super::plain;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{Compiled, Functions, Mapping};

/// A mapping made ready to run: JSON bytes in, JSON bytes out.
///
/// It is made once and used for any number of records, by any number of threads.
///
/// ```
/// use vitesse_core::mapping::{Functions, Mapping};
/// use vitesse_core::transform::Plan;
/// let mapping = Mapping::parse(br#"{"version": 1, "transformations": [
///     {"source_field": "first_name", "dest_field": "name.given", "transform_type": "mapping"}
/// ]}"#).unwrap();
/// let plan = Plan::compile(&mapping, &Functions::builtin()).unwrap();
/// let mut out = Vec::new();
/// plan.apply(br#"{"first_name": "Ada"}"#, &mut out).unwrap();
/// assert_eq!(out, b"{\"name\":{\"given\":\"Ada\"}}\n");
/// ```
#[derive(Debug)]
pub struct Plan {
    compiled: Arc<Compiled>,
    walk: Fast,
    fast: bool,
    /// What single calls of each thread learned, for its next one.
    learned: ThreadLocal<RefCell<Single>>,
}

impl Plan {
    /// Checks a mapping and lays it out.
    ///
    /// # Errors
    /// Every problem of the mapping at once.
    pub fn compile(mapping: &Mapping, functions: &Functions) -> Result<Self> {
        Ok(Self::of(mapping.compile(functions)?))
    }

    /// The plan of a mapping that was compiled already.
    pub fn of(compiled: Compiled) -> Self {
        let compiled = Arc::new(compiled);
        let fast = Fast::compile(&compiled);
        Self {
            fast: fast.is_some(),
            walk: fast.unwrap_or_else(|| Fast::passing(&compiled)),
            compiled,
            learned: ThreadLocal::new(),
        }
    }

    /// The same without the fast road: for comparisons.
    #[must_use]
    pub fn plainly(self) -> Self {
        Self { walk: Fast::passing(&self.compiled), fast: false, learned: ThreadLocal::new(), ..self }
    }

    /// Whether records go from bytes to bytes. If not, each record is read as a whole first: conditions or a
    /// split then change what some line takes.
    pub fn is_fast(&self) -> bool {
        self.fast
    }

    /// The lines, by their index in the document, that are made of values and take more time than others.
    pub fn slow_lines(&self) -> &[usize] {
        self.walk.slow_lines()
    }

    /// The mapping it runs.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// Transforms one record and appends what it becomes to `out`: a line for each record made, so none if
    /// the filter left it out and several if it was split.
    ///
    /// # Errors
    /// If the text isn't exactly one JSON value, or a line of the mapping fails; then `out` is as it was.
    pub fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        match self.learned.get_or(|| RefCell::new(self.single())).try_borrow_mut() {
            Ok(mut single) => self.apply_with(&mut single, record, out),
            // A function of the host's, called by a line, that has the same plan transform something else.
            Err(_) => self.apply_with(&mut self.single(), record, out),
        }
    }

    fn single(&self) -> Single {
        Single { state: self.walk.state(), padded: Padded::default() }
    }

    fn apply_with(&self, single: &mut Single, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        if self.fast && simdutf8::basic::from_utf8(record).is_ok() {
            let first = record.iter().position(|byte| !is_space(*byte)).unwrap_or(record.len());
            let (padded, text) = single.padded.around(&record[first..]);
            if let Outcome::Written(end) = self.walk.record(&mut single.state, padded, text.clone(), out)
                && padded[end..text.end].iter().all(|byte| is_space(*byte))
            {
                return Ok(());
            }
            out.truncate(start);
        }
        // Whatever is unusual or wrong is for the plain road to do or to explain.
        self.apply_plain(record, out)
    }

    pub(super) fn apply_plain(&self, record: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        for outcome in plain::apply(&self.compiled, record) {
            match outcome {
                plain::Outcome::Made(json) => {
                    out.extend_from_slice(&json);
                    out.push(b'\n');
                }
                plain::Outcome::Filtered => {}
                plain::Outcome::Failed(error) => {
                    out.truncate(start);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    pub(super) fn state(&self) -> hot::State {
        self.walk.state()
    }

    /// One record of a longer text; see [`Fast::record`].
    #[inline]
    pub(super) fn step(
        &self,
        state: &mut hot::State,
        buffer: &[u8],
        text: std::ops::Range<usize>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let start = out.len();
        match self.walk.record(state, buffer, text, out) {
            Outcome::Written(end) if !self.fast => {
                out.truncate(start);
                Outcome::Plain(end)
            }
            outcome => outcome,
        }
    }
}

/// What one call at a time needs.
struct Single {
    state: hot::State,
    padded: Padded,
}

impl std::fmt::Debug for Single {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Single").finish_non_exhaustive()
    }
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

pub(super) fn broken(message: &'static str, byte: usize) -> Error {
    Error::new(ErrorKind::RecordInvalid, message).in_operation("transform.apply").with("byte", byte)
}

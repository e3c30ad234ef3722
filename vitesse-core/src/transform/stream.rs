use std::ops::ControlFlow;

use super::Plan;
use super::hot::{FaultKind, Outcome, PADDING, State};
use super::plan::{broken, is_space};
use crate::error::{Error, ErrorKind, Result};

/// How much is read at a time: it stays in the second-level cache while it is walked.
pub const BLOCK: usize = 256 << 10;

/// Records of a stream, transformed block by block: NDJSON, JSON arrays and documents one after the other,
/// with any whitespace between them.
///
/// Text is put into [`Self::space`], told with [`Self::filled`], and transformed by [`Self::run`]. A top-level
/// array is an array of records.
pub struct Stream<'p> {
    plan: &'p Plan,
    state: State,
    /// [`PADDING`] bytes, the text, and at least [`PADDING`] zeros.
    buffer: Vec<u8>,
    /// Where the text that was not transformed yet starts and ends.
    start: usize,
    end: usize,
    /// Up to where the text is known to be UTF-8, and whether that is a fault.
    checked: usize,
    invalid: bool,
    /// How many bytes were transformed before `start`.
    passed: u64,
    records: u64,
    in_array: InArray,
    /// A broken record is being passed: nothing counts until the next one starts.
    skipping: bool,
    limit: usize,
    most_records: u64,
    watch: Option<Watch<'p>>,
}

type Watch<'p> = Box<dyn FnMut(u64, &[u8]) + Send + 'p>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum InArray {
    No,
    First,
    /// A comma or the end comes next.
    After,
    /// A comma was there.
    Next,
}

/// A record that failed.
#[derive(Debug)]
pub struct Failure<'t> {
    /// Its number, counted from 1.
    pub record: u64,
    /// Where it starts in the stream.
    pub offset: u64,
    /// Its text, as far as it is known where it ends.
    pub text: &'t [u8],
    /// Why; the context names the byte within the record, if it is about one.
    pub error: Error,
}

impl<'p> Stream<'p> {
    /// A stream at its start.
    pub fn new(plan: &'p Plan) -> Self {
        Self {
            plan,
            state: plan.state(),
            buffer: vec![0; BLOCK + 2 * PADDING],
            start: PADDING,
            end: PADDING,
            checked: PADDING,
            invalid: false,
            passed: 0,
            records: 0,
            in_array: InArray::No,
            skipping: false,
            limit: 64 << 20,
            most_records: u64::MAX,
            watch: None,
        }
    }

    /// Refuses records longer than this many bytes.
    #[must_use]
    pub fn record_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes.max(BLOCK);
        self
    }

    /// Stops after so many records.
    #[must_use]
    pub fn most_records(mut self, records: u64) -> Self {
        self.most_records = records;
        self
    }

    /// Shows the number and the text of each record that is JSON, whatever becomes of it.
    #[must_use]
    pub fn watch(mut self, seen: impl FnMut(u64, &[u8]) + Send + 'p) -> Self {
        self.watch = Some(Box::new(seen));
        self
    }

    /// Begins a new text, with what was learned from the old one.
    pub fn restart(&mut self) {
        (self.start, self.end, self.checked) = (PADDING, PADDING, PADDING);
        (self.passed, self.records) = (0, 0);
        (self.invalid, self.skipping, self.in_array) = (false, false, InArray::No);
        self.buffer[PADDING..2 * PADDING].fill(0);
    }

    /// How many records were read so far, those that failed included.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How many bytes were read so far.
    pub fn bytes(&self) -> u64 {
        self.passed
    }

    /// Whether as many records were read as were asked for.
    pub fn is_done(&self) -> bool {
        self.records >= self.most_records
    }

    /// Where the next text goes.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > PADDING {
            self.buffer.copy_within(self.start..self.end, PADDING);
            let moved = self.start - PADDING;
            self.start -= moved;
            self.end -= moved;
            self.checked -= moved;
        }
        if self.buffer.len() - self.end - PADDING < BLOCK / 4 {
            // A record longer than the buffer: it grows until the record fits.
            let longer = self.buffer.len() * 2;
            self.buffer.resize(longer, 0);
        }
        let end = self.buffer.len() - PADDING;
        &mut self.buffer[self.end..end]
    }

    /// Tells that `bytes` of the space were filled.
    pub fn filled(&mut self, bytes: usize) {
        self.end = (self.end + bytes).min(self.buffer.len() - PADDING);
        self.buffer[self.end..self.end + PADDING].fill(0);
    }

    /// Transforms every record that is there whole, and appends what they become to `out`. `last` says that
    /// no more text comes. Each failure is handed to `failed`, which says whether to go on.
    ///
    /// # Errors
    /// If a record is longer than the limit. Where `failed` breaks, the stream stays behind that record.
    pub fn run(
        &mut self,
        last: bool,
        out: &mut Vec<u8>,
        mut failed: impl FnMut(Failure<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        self.check_text(last);
        loop {
            if self.skipping && !self.resume(last) {
                break;
            }
            if !self.next_record() || self.is_done() {
                break;
            }
            match self.separator() {
                Separator::Record => {}
                Separator::Passed => continue,
                Separator::Wrong(message) => {
                    self.records += 1;
                    if self.fail(self.start, self.start + 1, broken(message, 0), &mut failed).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                    self.in_array = InArray::No;
                    self.skipping = true;
                    continue;
                }
            }
            let (start, end) = (self.start, self.end);
            let written = out.len();
            let outcome = self.plan.step(&mut self.state, &self.buffer, start..end, out);
            let stop = match outcome {
                Outcome::Written(stop) | Outcome::Plain(stop) => stop,
                Outcome::Fault(fault) if fault.at() >= end && !last => {
                    if end - start > self.limit {
                        return Err(Error::new(
                            ErrorKind::LimitExceeded,
                            "a record is longer than the limit",
                        )
                        .in_operation("transform.stream")
                        .with("record", self.records + 1)
                        .with("offset", self.passed)
                        .with("limit", self.limit));
                    }
                    break;
                }
                Outcome::Fault(fault) => {
                    self.records += 1;
                    // The plain road's words are the law; a text it can't see an end of is ours to explain.
                    let message =
                        if fault.at() >= end { "the record ends too early" } else { fault.message() };
                    let error = if self.invalid && self.checked <= fault.at() {
                        broken("the text is not valid UTF-8", self.checked - start)
                    } else {
                        broken(message, fault.at() - start)
                    };
                    let rest =
                        if fault.kind() == FaultKind::Size { &[][..] } else { &self.buffer[start..end] };
                    let known = start + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                    if self.in_array == InArray::No {
                        let flow = self.fail(start, known, error, &mut failed);
                        self.skipping = true;
                        self.pass(start + 1);
                        if flow.is_break() {
                            return Ok(flow);
                        }
                        continue;
                    }
                    // In an array only the brackets tell where the next record starts.
                    let stop = matching_end(&self.buffer[start..end]).map_or(end, |length| start + length);
                    let flow = self.fail(start, stop, error, &mut failed);
                    self.in_array = InArray::After;
                    self.pass(stop);
                    if flow.is_break() {
                        return Ok(flow);
                    }
                    continue;
                }
            };
            if stop == end && !last && !matches!(self.buffer[start], b'{' | b'[' | b'"') {
                // A number may go on in the next block.
                out.truncate(written);
                break;
            }
            self.records += 1;
            if self.in_array != InArray::No {
                self.in_array = InArray::After;
            }
            let invalid = self.invalid && stop > self.checked;
            if let Some(watch) = &mut self.watch {
                watch(self.records, &self.buffer[start..stop]);
            }
            let result = match outcome {
                _ if invalid => {
                    out.truncate(written);
                    Err(broken("the text is not valid UTF-8", self.checked - start))
                }
                Outcome::Plain(_) => self.plan.apply_plain(&self.buffer[start..stop], out),
                _ => Ok(()),
            };
            if let Err(error) = result {
                let flow = self.fail(start, stop, error, &mut failed);
                self.pass(stop);
                if invalid {
                    self.check_text(last);
                }
                if flow.is_break() {
                    return Ok(flow);
                }
            } else {
                self.pass(stop);
            }
        }
        if last && !self.is_done() && self.in_array != InArray::No && self.start >= self.end {
            self.in_array = InArray::No;
            self.records += 1;
            let error = broken("the array of records is not closed", 0);
            return Ok(self.fail(self.start, self.start, error, &mut failed));
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Moves to the first byte that is no whitespace; false if there is none.
    #[inline]
    fn next_record(&mut self) -> bool {
        let mut at = self.start;
        while at < self.end && is_space(self.buffer[at]) {
            at += 1;
        }
        self.pass(at);
        at < self.end
    }

    #[inline]
    fn separator(&mut self) -> Separator {
        let byte = self.buffer[self.start];
        match (self.in_array, byte) {
            (InArray::No, b'[') => self.in_array = InArray::First,
            (InArray::First | InArray::After, b']') => self.in_array = InArray::No,
            (InArray::After, b',') => self.in_array = InArray::Next,
            (InArray::After, _) => return Separator::Wrong("a comma or the end of the array was expected"),
            (InArray::No | InArray::First | InArray::Next, _) => return Separator::Record,
        }
        self.pass(self.start + 1);
        Separator::Passed
    }

    #[inline]
    fn pass(&mut self, to: usize) {
        self.passed += (to - self.start) as u64;
        self.start = to;
    }

    fn fail(
        &self,
        start: usize,
        stop: usize,
        error: Error,
        failed: &mut impl FnMut(Failure<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let text = self.buffer.get(start..stop.max(start)).unwrap_or_default();
        failed(Failure { record: self.records, offset: self.passed, text, error })
    }

    /// Passes a broken record up to the next line that starts one; false if that needs more text.
    fn resume(&mut self, last: bool) -> bool {
        let text = &self.buffer[self.start..self.end];
        let line = text.windows(2).position(|pair| pair[0] == b'\n' && matches!(pair[1], b'{' | b'['));
        match line {
            Some(line) => {
                self.pass(self.start + line + 1);
                self.skipping = false;
            }
            // A line feed at the very end may be the one.
            None => self.pass(if last { self.end } else { (self.end - 1).max(self.start) }),
        }
        if self.invalid && self.checked < self.start {
            self.check_text(last);
        }
        line.is_some()
    }

    /// Checks the text that was not checked yet. A fault stays where it is until its record was passed.
    fn check_text(&mut self, last: bool) {
        if self.invalid && self.checked >= self.start {
            return;
        }
        let from = self.checked.max(self.start);
        let text = &self.buffer[from..self.end];
        self.invalid = false;
        self.checked = self.end;
        if simdutf8::basic::from_utf8(text).is_err()
            && let Err(error) = std::str::from_utf8(text)
        {
            self.checked = from + error.valid_up_to();
            self.invalid = error.error_len().is_some() || last;
        }
    }
}

enum Separator {
    /// A record starts here.
    Record,
    /// A bracket or comma around records, passed.
    Passed,
    Wrong(&'static str),
}

/// The length of a broken value, by its brackets and strings alone.
fn matching_end(text: &[u8]) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return Some(at + usize::from(depth == 1)),
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

//! Writing the output: literal runs and slots, one after the other.

use super::dates;
use super::scan::Text;
use super::shape::Span;
use super::simd::{Simd, WIDTH};
use super::sparse::Tree;
use super::walk::Group;
use crate::mapping::Compiled;

/// One step: a literal run, then a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// Where in [`Program::literals`] the run stands.
    pub(crate) literal: u32,
    pub(crate) literal_len: u32,
    pub(crate) value: Value,
    /// The slot of the value.
    pub(crate) slot: u32,
}

/// How a slot is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing: only the literal run.
    Nothing,
    /// The bytes as they came.
    Copy,
    /// A whole number, or text that is one.
    Int,
    /// A number, or text that is one.
    Float,
    /// A boolean, or text that is one.
    Bool,
    /// Text, or the digits of a number in quotes.
    Text,
    /// The bytes as they came, unless they are null.
    Default,
    /// Whole seconds since 1970 as ISO 8601.
    Iso,
    /// ISO 8601 as whole seconds since 1970.
    Unix,
    /// What was made of values for this slot.
    Made,
    /// The elements that [`Program::lists`] names in this range, those that are missing left out.
    Collect { from: u32, to: u32 },
    /// The next `ops` steps for each frame of a group, in an array; the slot says which frames.
    Each { group: u32, ops: u32 },
}

/// What a record is written from.
#[derive(Clone, Copy)]
pub(crate) struct Material<'t> {
    pub(crate) text: Text,
    /// What was made of values, and [`WIDTH`] bytes more.
    pub(crate) made: *const u8,
    pub(crate) mapping: &'t Compiled,
}

/// What writes a record.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) ops: Vec<Op>,
    pub(crate) literals: Vec<u8>,
    pub(crate) lists: Vec<u32>,
    pub(crate) tree: Tree,
    /// How many bytes the literal runs and conversions of one record take at most, for each group one more
    /// entry; and how often one byte of the record may be copied.
    pub(crate) fixed: usize,
    pub(crate) fixed_each: Vec<usize>,
    pub(crate) copies: usize,
}

/// How much longer than its source a converted value can become.
pub(crate) const GROWTH: usize = dates::ISO_LENGTH + 2;
/// The digits of the greatest number.
const DIGITS: usize = 20;

impl Program {
    /// Writes the record and a line feed; false if the plain road has to, and then nothing was written.
    ///
    /// # Safety
    ///
    /// The text keeps its contract, spans lie inside it, and frames are those of this plan.
    #[inline(always)]
    pub(crate) unsafe fn run<S: Simd>(
        &self,
        from: Material<'_>,
        record_len: usize,
        root: &[Span],
        groups: &[Group],
        out: &mut Vec<u8>,
    ) -> bool {
        let mut need = self.fixed + self.copies * record_len + 2 * WIDTH;
        for (group, fixed) in groups.iter().zip(&self.fixed_each) {
            need += group.spans.len() / group.stride * fixed;
        }
        if need > 1 << 20 {
            // A long record and many lines: rather few reallocations than a bound that is never reached.
            return self.missing(from, root, groups, out);
        }
        out.reserve(need);
        let start = out.len();
        // SAFETY: room for the most that the steps can write was reserved just above.
        unsafe {
            let to = out.as_mut_ptr().add(start);
            if let Some(end) = self.write::<S>(from, &self.ops, root.as_ptr(), groups, to) {
                *end = b'\n';
                out.set_len(start + end.offset_from(to) as usize + 1);
                return true;
            }
            // From the record's beginning: what is missing is known only where it stands.
            if let Ok(Some(end)) = S::sparse(self, from, &self.tree, root.as_ptr(), groups, to, true) {
                *end = b'\n';
                out.set_len(start + end.offset_from(to) as usize + 1);
                return true;
            }
        }
        self.missing(from, root, groups, out)
    }

    /// Gives the place behind what was written, or nothing if a value is missing or unusual.
    #[inline(always)]
    unsafe fn write<S: Simd>(
        &self,
        from: Material<'_>,
        ops: &[Op],
        frame: *const Span,
        groups: &[Group],
        mut to: *mut u8,
    ) -> Option<*mut u8> {
        // SAFETY: as for `run`; every step writes at most what its bound says, and the copy's overhang is
        // reserved once behind all.
        unsafe {
            let mut next = ops.as_ptr();
            let end = next.add(ops.len());
            while next < end {
                let op = &*next;
                next = next.add(1);
                to = copy::<S>(self.literals.as_ptr().add(op.literal as usize), op.literal_len as usize, to);
                if let Value::Each { group, ops } = op.value {
                    let frames = *frame.add(op.slot as usize);
                    if frames.end == 0 {
                        return None;
                    }
                    let group = groups.get_unchecked(group as usize);
                    let body = std::slice::from_raw_parts(next, ops as usize);
                    *to = b'[';
                    to = to.add(1);
                    let open = to;
                    for index in 0..frames.end - 1 {
                        let frame = group.spans.as_ptr().add((frames.start + index) as usize * group.stride);
                        to = self.write_each::<S>(from, body, frame, groups, to)?;
                        *to = b',';
                        to = to.add(1);
                    }
                    // The last comma becomes the bracket.
                    to = if to == open { to } else { to.sub(1) };
                    *to = b']';
                    to = to.add(1);
                    next = next.add(ops as usize);
                    continue;
                }
                to = self.value::<S>(from, op, frame, to)?;
            }
            Some(to)
        }
    }

    /// The body of an array; not inlined into itself.
    unsafe fn write_each<S: Simd>(
        &self,
        from: Material<'_>,
        ops: &[Op],
        frame: *const Span,
        groups: &[Group],
        to: *mut u8,
    ) -> Option<*mut u8> {
        // SAFETY: handed on, to a function that is compiled for the same processor.
        unsafe { S::write(self, from, ops, frame, groups, to) }
    }

    /// What [`Simd::write`] is.
    #[inline(always)]
    pub(crate) unsafe fn write_body<S: Simd>(
        &self,
        from: Material<'_>,
        ops: &[Op],
        frame: *const Span,
        groups: &[Group],
        to: *mut u8,
    ) -> Option<*mut u8> {
        // SAFETY: handed on.
        unsafe { self.write::<S>(from, ops, frame, groups, to) }
    }

    #[inline(always)]
    pub(super) unsafe fn value<S: Simd>(
        &self,
        from: Material<'_>,
        op: &Op,
        frame: *const Span,
        to: *mut u8,
    ) -> Option<*mut u8> {
        let text = from.text;
        // SAFETY: spans lie inside the text or what was made, and no value is longer than its span plus
        // `GROWTH`.
        unsafe {
            let span = |slot: u32| Some(*frame.add(slot as usize)).filter(|span| span.end != 0);
            let place = |slot: u32| {
                let span = span(slot)?;
                Some((text.at(span.start as usize), (span.end - span.start) as usize))
            };
            // One decision for each value, since it is taken for every value of every record.
            match op.value {
                Value::Nothing => Some(to),
                Value::Copy => {
                    let (at, len) = place(op.slot)?;
                    Some(copy_value::<S>(at, len, to))
                }
                Value::Default => {
                    let (at, len) = place(op.slot)?;
                    (*at != b'n').then(|| copy_value::<S>(at, len, to))
                }
                Value::Int => {
                    let (at, len) = place(op.slot)?;
                    int::<S>(at, len, to)
                }
                Value::Float => {
                    let (at, len) = place(op.slot)?;
                    float::<S>(at, len, to)
                }
                Value::Bool => {
                    let (at, len) = place(op.slot)?;
                    boolean::<S>(at, len, to)
                }
                Value::Text => {
                    let (at, len) = place(op.slot)?;
                    quoted::<S>(at, len, to)
                }
                Value::Iso => {
                    let (at, len) = place(op.slot)?;
                    let iso = dates::iso_of_unix(std::slice::from_raw_parts(at, len))?;
                    to.copy_from_nonoverlapping(iso.as_ptr(), iso.len());
                    Some(to.add(iso.len()))
                }
                Value::Unix => {
                    let (at, len) = place(op.slot)?;
                    let seconds = dates::unix_of_iso(std::slice::from_raw_parts(at, len))?;
                    Some(decimal::<S>(seconds, to))
                }
                Value::Made => {
                    let span = span(op.slot)?;
                    let len = (span.end - span.start) as usize;
                    Some(copy::<S>(from.made.add(span.start as usize), len, to))
                }
                Value::Collect { from, to: last } => {
                    let mut to = to;
                    *to = b'[';
                    to = to.add(1);
                    let open = to;
                    for slot in self.lists.get_unchecked(from as usize..last as usize) {
                        let (at, len) = place(*slot)?;
                        to = copy_value::<S>(at, len, to);
                        *to = b',';
                        to = to.add(1);
                    }
                    to = if to == open { to } else { to.sub(1) };
                    *to = b']';
                    Some(to.add(1))
                }
                Value::Each { .. } => None,
            }
        }
    }
}

/// What may be a number, without its quotes.
struct Numeral<'t> {
    inner: &'t [u8],
    inner_at: *const u8,
    /// What stands behind its sign, and where something else than a digit is from there on.
    digits: &'t [u8],
    mask: u32,
}

/// # Safety
///
/// `at` is where the bytes are, with a vector more behind them.
#[inline(always)]
unsafe fn numeral<S: Simd>(at: *const u8, bytes: &[u8]) -> Numeral<'_> {
    let inner = unquoted(bytes);
    let digits = inner.strip_prefix(b"-").unwrap_or(inner);
    // SAFETY: the digits are among the bytes.
    let mask = unsafe { S::non_digits(within(at, bytes, digits)) };
    Numeral { inner, inner_at: within(at, bytes, inner), digits, mask }
}

/// A whole number, or text that is one.
///
/// # Safety
///
/// As for [`copy`], and `len` isn't 0; likewise for the other conversions.
#[inline(always)]
unsafe fn int<S: Simd>(at: *const u8, len: usize, to: *mut u8) -> Option<*mut u8> {
    // SAFETY: the caller's promise; what is inside the value has the same bytes behind it.
    unsafe {
        let bytes = std::slice::from_raw_parts(at, len);
        if bytes[0] == b'n' {
            return Some(copy::<S>(at, len, to));
        }
        let Numeral { inner, inner_at, digits, mask } = numeral::<S>(at, bytes);
        let plain = digits.len().wrapping_sub(1) < 18
            && mask.trailing_zeros() as usize >= digits.len()
            && (digits[0] != b'0' || (digits.len() == 1 && inner.len() == 1));
        plain.then(|| copy::<S>(inner_at, inner.len(), to))
    }
}

/// A number, or text that is one.
#[inline(always)]
unsafe fn float<S: Simd>(at: *const u8, len: usize, to: *mut u8) -> Option<*mut u8> {
    // SAFETY: as for `int`.
    unsafe {
        let bytes = std::slice::from_raw_parts(at, len);
        if bytes[0] == b'n' {
            return Some(copy::<S>(at, len, to));
        }
        let Numeral { inner, inner_at, digits, mask } = numeral::<S>(at, bytes);
        let whole = mask.trailing_zeros() as usize;
        if digits.len().wrapping_sub(1) >= 18 || whole == 0 || (digits[0] == b'0' && whole != 1) {
            return None;
        }
        if whole < digits.len() {
            let fraction = (mask & (mask - 1)).trailing_zeros() as usize;
            if digits[whole] != b'.' || fraction < digits.len() || whole + 1 == digits.len() {
                return None;
            }
        }
        Some(copy::<S>(inner_at, inner.len(), to))
    }
}

/// A boolean, or text that is one.
#[inline(always)]
unsafe fn boolean<S: Simd>(at: *const u8, len: usize, to: *mut u8) -> Option<*mut u8> {
    // SAFETY: as for `int`.
    unsafe {
        let bytes = std::slice::from_raw_parts(at, len);
        if bytes[0] == b'n' {
            return Some(copy::<S>(at, len, to));
        }
        let inner = unquoted(bytes);
        let inner_at = within(at, bytes, inner);
        matches!(inner, b"true" | b"false").then(|| copy::<S>(inner_at, inner.len(), to))
    }
}

/// Text, or the digits of a number in quotes.
#[inline(always)]
unsafe fn quoted<S: Simd>(at: *const u8, len: usize, to: *mut u8) -> Option<*mut u8> {
    // SAFETY: as for `int`.
    unsafe {
        match *at {
            b'"' | b'n' => Some(copy::<S>(at, len, to)),
            b'-' | b'0'..=b'9' => {
                *to = b'"';
                let to = copy::<S>(at, len, to.add(1));
                *to = b'"';
                Some(to.add(1))
            }
            _ => None,
        }
    }
}

/// The place of a part of the value, as a pointer into the padded text: wide operations look behind the part.
#[inline(always)]
fn within(at: *const u8, bytes: &[u8], part: &[u8]) -> *const u8 {
    at.wrapping_add(part.as_ptr() as usize - bytes.as_ptr() as usize)
}

#[inline(always)]
fn unquoted(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b'"', inner @ .., b'"'] => inner,
        other => other,
    }
}

/// Copies `len` bytes, up to a vector more.
///
/// # Safety
///
/// `from` has `len` readable bytes and `to` as many writable ones, and both a vector more.
#[inline(always)]
pub(super) unsafe fn copy<S: Simd>(from: *const u8, len: usize, to: *mut u8) -> *mut u8 {
    // SAFETY: the caller's promise; each step starts before `len`.
    unsafe {
        S::copy(from, to);
        let mut done = WIDTH;
        while done < len {
            S::copy(from.add(done), to.add(done));
            done += WIDTH;
        }
        to.add(len)
    }
}

/// Copies a value. A container that spans lines loses its whitespace, so that a record stays one line.
///
/// # Safety
///
/// As for [`copy`].
#[inline(always)]
pub(super) unsafe fn copy_value<S: Simd>(from: *const u8, len: usize, to: *mut u8) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe {
        if *from | 0x20 == b'{' && S::has_line_feed(from, len) {
            return compact(std::slice::from_raw_parts(from, len), to);
        }
        copy::<S>(from, len, to)
    }
}

/// # Safety
///
/// As many writable bytes at `to` as the text has.
#[cold]
#[inline(never)]
unsafe fn compact(text: &[u8], mut to: *mut u8) -> *mut u8 {
    let (mut in_string, mut escaped) = (false, false);
    for byte in text {
        if in_string || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            // SAFETY: at most one byte is written for each that is read.
            unsafe {
                *to = *byte;
                to = to.add(1);
            }
        }
        if escaped {
            escaped = false;
        } else if *byte == b'"' {
            in_string = !in_string;
        } else {
            escaped = in_string && *byte == b'\\';
        }
    }
    to
}

/// # Safety
///
/// [`DIGITS`] writable bytes at `to`, and a vector more.
#[inline(always)]
unsafe fn decimal<S: Simd>(mut number: u64, to: *mut u8) -> *mut u8 {
    let mut digits = [0; DIGITS + WIDTH];
    let mut at = DIGITS;
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    // SAFETY: a number of 64 bits has at most 20 digits, and a vector of zeros stands behind them.
    unsafe { copy::<S>(digits.as_ptr().add(at), DIGITS - at, to) }
}

//! Writing a record in which something is missing: field by field, since nothing says beforehand what is there.

use super::extras::{append, line_of};
use super::program::{GROWTH, Material, Op, Program, Value, copy, copy_value};
use super::shape::Span;
use super::simd::{Portable, Simd, WIDTH};
use super::walk::Group;

/// One field, for records in which something is missing.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    /// A value: the step that writes it; its literal run is not used.
    /// With [`Value::Nothing`] it is only the bytes; with [`Value::Default`] they stand for what is missing.
    /// The line and the slots of its sources serve where the step finds something unusual.
    Leaf { op: Op, required: bool, constant: Option<Run>, line: usize, inputs: Box<[u32]> },
    /// Fields with their keys as they are written: `"key":`.
    Object(Vec<(Run, Tree)>),
    /// Elements; those that are missing are left out.
    List(Vec<Tree>),
    /// An element for each frame.
    Each { group: u32, slot: u32, body: Box<Tree> },
}

/// Bytes that are copied by wide steps: there is room to look behind them.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    padded: Box<[u8]>,
}

impl Run {
    /// These bytes.
    pub(crate) fn new(mut bytes: Vec<u8>) -> Self {
        bytes.extend([0; WIDTH]);
        Self { padded: bytes.into() }
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.padded[..self.len()]
    }

    fn len(&self) -> usize {
        self.padded.len() - WIDTH
    }

    /// # Safety
    ///
    /// As many writable bytes at `to`, and a vector more.
    #[inline(always)]
    unsafe fn write<S: Simd>(&self, to: *mut u8) -> *mut u8 {
        // SAFETY: the padding stands behind the bytes, and the rest is the caller's promise.
        unsafe { copy::<S>(self.padded.as_ptr(), self.len(), to) }
    }
}

/// A value that only its line's own rule can decide about.
pub(crate) struct Unusual;

/// The place behind what was written, or nothing if there was nothing to write.
pub(crate) type Part = Result<Option<*mut u8>, Unusual>;

impl Program {
    /// What [`Simd::sparse`] is: writes a part of the output; `always` even if nothing is in it.
    ///
    /// # Safety
    ///
    /// As for [`Program::run`]; there is room for the whole record at `to`.
    #[inline(always)]
    pub(super) unsafe fn sparse_body<S: Simd>(
        &self,
        from: Material<'_>,
        tree: &Tree,
        frame: *const Span,
        groups: &[Group],
        to: *mut u8,
        always: bool,
    ) -> Part {
        // SAFETY: handed on; each byte that is written is one that the whole record has too, or is written over.
        unsafe {
            let fields = match tree {
                Tree::Leaf { .. } => return self.sparse_leaf::<S>(from, tree, frame, to),
                Tree::Object(fields) => fields,
                Tree::List(items) => {
                    let open = to.add(1);
                    let mut next = open;
                    for item in items {
                        if let Some(end) = S::sparse(self, from, item, frame, groups, next, false)? {
                            *end = b',';
                            next = end.add(1);
                        }
                    }
                    return Ok((next != open).then(|| close(to, next, b"[]")));
                }
                Tree::Each { group, slot, body } => {
                    let frames = *frame.add(*slot as usize);
                    if frames.end == 0 {
                        return Ok(None);
                    }
                    let group = groups.get_unchecked(*group as usize);
                    let mut next = to.add(1);
                    for index in 0..frames.end - 1 {
                        let frame = group.spans.as_ptr().add((frames.start + index) as usize * group.stride);
                        if let Some(end) = S::sparse(self, from, body, frame, groups, next, true)? {
                            *end = b',';
                            next = end.add(1);
                        }
                    }
                    return Ok(Some(close(to, next, b"[]")));
                }
            };
            let open = to.add(1);
            let mut next = open;
            for (key, field) in fields {
                let value = key.write::<S>(next);
                let written = match field {
                    Tree::Leaf { .. } => self.sparse_leaf::<S>(from, field, frame, value)?,
                    _ => S::sparse(self, from, field, frame, groups, value, false)?,
                };
                if let Some(end) = written {
                    *end = b',';
                    next = end.add(1);
                }
            }
            Ok((always || next != open).then(|| close(to, next, b"{}")))
        }
    }

    #[inline(always)]
    unsafe fn sparse_leaf<S: Simd>(
        &self,
        from: Material<'_>,
        leaf: &Tree,
        frame: *const Span,
        to: *mut u8,
    ) -> Part {
        let Tree::Leaf { op, required, constant, .. } = leaf else { return Err(Unusual) };
        // SAFETY: slots are of this frame; spans that were set lie in the text.
        unsafe {
            if let Value::Collect { from: first, to: last } = op.value {
                let open = to.add(1);
                let mut next = open;
                for slot in self.lists.get_unchecked(first as usize..last as usize) {
                    let span = *frame.add(*slot as usize);
                    if span.end != 0 {
                        let len = (span.end - span.start) as usize;
                        let end = copy_value::<S>(from.text.at(span.start as usize), len, next);
                        *end = b',';
                        next = end.add(1);
                    }
                }
                return match (next != open, required) {
                    (true, _) => Ok(Some(close(to, next, b"[]"))),
                    (false, true) => Err(Unusual),
                    (false, false) => Ok(None),
                };
            }
            let span =
                if op.value == Value::Nothing { Span::default() } else { *frame.add(op.slot as usize) };
            if let Some(constant) = constant {
                if op.value != Value::Default || span.end == 0 || from.text.byte(span.start as usize) == b'n'
                {
                    return Ok(Some(constant.write::<S>(to)));
                }
            } else if span.end == 0 {
                return if *required { Err(Unusual) } else { Ok(None) };
            }
            self.value::<S>(from, op, frame, to).map(Some).ok_or(Unusual)
        }
    }

    /// The same for a record in which something is unusual too: only here may one line cost more than the others.
    #[cold]
    #[inline(never)]
    pub(super) fn missing(
        &self,
        from: Material<'_>,
        root: &[Span],
        groups: &[Group],
        out: &mut Vec<u8>,
    ) -> bool {
        let start = out.len();
        if self.tree(from, &self.tree, root, groups, out, true).is_none() {
            out.truncate(start);
            return false;
        }
        out.push(b'\n');
        true
    }

    /// Whether something was written; nothing if the plain road has to.
    fn tree(
        &self,
        from: Material<'_>,
        tree: &Tree,
        frame: &[Span],
        groups: &[Group],
        out: &mut Vec<u8>,
        always: bool,
    ) -> Option<bool> {
        match tree {
            Tree::Leaf { op, constant: Some(bytes), .. } => {
                let span = frame.get(op.slot as usize).copied().unwrap_or_default();
                // SAFETY: a span that was set starts inside the text.
                let null = span.end == 0 || unsafe { from.text.byte(span.start as usize) } == b'n';
                if op.value == Value::Default && !null {
                    return self.leaf(from, tree, frame, out);
                }
                out.extend_from_slice(bytes.bytes());
                Some(true)
            }
            Tree::Leaf { .. } => self.leaf(from, tree, frame, out),
            Tree::Object(fields) => {
                let start = out.len();
                out.push(b'{');
                for (key, field) in fields {
                    let before = out.len();
                    out.extend_from_slice(key.bytes());
                    if self.tree(from, field, frame, groups, out, false)? {
                        out.push(b',');
                    } else {
                        out.truncate(before);
                    }
                }
                if out.len() == start + 1 {
                    if !always {
                        out.truncate(start);
                        return Some(false);
                    }
                    out.push(b'}');
                } else if let Some(last) = out.last_mut() {
                    *last = b'}';
                }
                Some(true)
            }
            Tree::List(items) => {
                let start = out.len();
                out.push(b'[');
                for item in items {
                    if self.tree(from, item, frame, groups, out, false)? {
                        out.push(b',');
                    }
                }
                if out.len() == start + 1 {
                    out.truncate(start);
                    return Some(false);
                }
                if let Some(last) = out.last_mut() {
                    *last = b']';
                }
                Some(true)
            }
            Tree::Each { group, slot, body } => {
                let frames = frame.get(*slot as usize)?;
                if frames.end == 0 {
                    return Some(false);
                }
                let group = groups.get(*group as usize)?;
                let first = frames.start as usize * group.stride;
                let spans = group.spans.get(first..first + (frames.end as usize - 1) * group.stride)?;
                out.push(b'[');
                for frame in spans.chunks_exact(group.stride) {
                    if self.tree(from, body, frame, groups, out, true)? {
                        out.push(b',');
                    }
                }
                match out.last_mut() {
                    Some(last) if *last == b',' => *last = b']',
                    _ => out.push(b']'),
                }
                Some(true)
            }
        }
    }

    fn leaf(&self, from: Material<'_>, leaf: &Tree, frame: &[Span], out: &mut Vec<u8>) -> Option<bool> {
        let Tree::Leaf { op, required, line, inputs, .. } = leaf else { return None };
        let missing = |slot: u32| frame.get(slot as usize).is_none_or(|span| span.end == 0);
        let mut op = *op;
        let mut lists = Vec::new();
        if let Value::Collect { from, to } = op.value {
            let slots = self.lists.get(from as usize..to as usize)?;
            lists.extend(slots.iter().copied().filter(|slot| !missing(*slot)));
            op.value = Value::Collect { from: 0, to: lists.len() as u32 };
        }
        let nothing = if let Value::Collect { .. } = op.value { lists.is_empty() } else { missing(op.slot) };
        if nothing && !required {
            return Some(false);
        }
        if !nothing {
            let spans = if lists.is_empty() { std::slice::from_ref(&op.slot) } else { &lists[..] };
            let len: usize = spans
                .iter()
                .map(|slot| frame[*slot as usize])
                .map(|span| (span.end - span.start) as usize + 1)
                .sum();
            out.reserve(len + GROWTH + 2 * WIDTH);
            let start = out.len();
            let program = Program { lists, ..Self::empty() };
            // SAFETY: room for the value was reserved just above; its spans are set, so they lie in the text or
            // in what was made. The portable operations run everywhere.
            unsafe {
                let to = out.as_mut_ptr().add(start);
                if let Some(end) = program.value::<Portable>(from, &op, frame.as_ptr(), to) {
                    out.set_len(start + end.offset_from(to) as usize);
                    return Some(true);
                }
            }
        }
        // Only this line pays for what is unusual in it.
        // SAFETY: the text keeps its contract.
        let text = unsafe { std::slice::from_raw_parts(from.text.at(0), from.text.len()) };
        let value = line_of(from.mapping, *line, inputs, text, frame)?;
        if let Some(value) = &value {
            append(value, out);
        }
        Some(value.is_some())
    }

    fn empty() -> Self {
        Self {
            ops: Vec::new(),
            literals: Vec::new(),
            lists: Vec::new(),
            tree: Tree::Object(Vec::new()),
            fixed: 0,
            fixed_each: Vec::new(),
            copies: 0,
        }
    }
}

/// Puts brackets around the parts between `to` and `next`, each of which ends with a comma.
///
/// # Safety
///
/// Both are places in one buffer, `next` behind `to`, and there is room at `next`.
#[inline(always)]
unsafe fn close(to: *mut u8, next: *mut u8, brackets: &[u8; 2]) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe {
        *to = brackets[0];
        let end = if next == to.add(1) { next } else { next.sub(1) };
        *end = brackets[1];
        end.add(1)
    }
}

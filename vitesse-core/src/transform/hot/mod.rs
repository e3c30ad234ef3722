//! The fast road: bytes in, bytes out, one pass, no tree.
//!
//! The walk ([`walk`]) passes every byte of a record once, validates all of it, and leaves the places of the
//! wanted values in slots; the program ([`program`]) then writes literal runs and slots. What it can't decide
//! here it leaves to the plain road: [`Outcome::Plain`].
#![expect(unsafe_code, reason = "wide loads over padded buffers: 2.5 to 3 times the speed of checked ones")]

mod compile;
mod dates;
mod extras;
mod fault;
mod functions;
mod layout;
mod padded;
mod program;
mod scan;
mod shape;
mod simd;
mod sparse;
mod walk;

use std::ops::Range;
use std::sync::Arc;

use extras::{Extras, Next};
pub(crate) use fault::{Fault, FaultKind};
pub(crate) use padded::Padded;
use program::{Material, Program};
use shape::{Shape, Span};
use simd::{Portable, Simd};
use walk::{Array, Group, Target, Walk};

use crate::mapping::Compiled;

/// How many zeros a text handed to [`Fast::record`] needs behind it, and how many bytes of anything before.
pub(crate) const PADDING: usize = 2 * simd::WIDTH;

/// The part of a plan that the fast road needs; shared by all threads.
#[derive(Debug)]
pub(crate) struct Fast {
    mapping: Arc<Compiled>,
    targets: Vec<Target>,
    arrays: Vec<Array>,
    /// The wanted keys of each shape: name, slot, target.
    shapes: Vec<Vec<(String, u32, u32)>>,
    strides: Vec<usize>,
    root_slots: usize,
    root_slot: u32,
    root_target: u32,
    program: Program,
    extras: Option<Box<Extras>>,
    /// The lines that need values, by their index in the document.
    slow_lines: Vec<usize>,
}

/// What a thread learns and reuses from record to record.
pub(crate) struct State {
    root: Vec<Span>,
    /// What the root is set to before each record, copied by vectors: both have whole ones.
    blank: Vec<Span>,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
    scratch: Vec<u8>,
    /// What was made of values for this record, up to `made_base` what all parts of a split share.
    made: Vec<u8>,
    made_base: usize,
    /// How many bytes are written more than once.
    extra: usize,
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "there is only one way there"))]
    portable: bool,
}

/// What became of a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was written; it ends before this place.
    Written(usize),
    /// It is valid JSON and ends before this place, but the plain road has to transform it.
    Plain(usize),
    /// It is not valid, or ends too early if the fault is at the end of the text.
    Fault(Fault),
}

impl Fast {
    /// The fast form of a mapping, if it has one.
    pub(crate) fn compile(mapping: &Arc<Compiled>) -> Option<Self> {
        compile::compile(mapping)
    }

    /// Finds where records end and writes an empty object for each: for mappings without a fast form.
    pub(crate) fn passing(mapping: &Arc<Compiled>) -> Self {
        compile::passing(mapping)
    }

    /// The lines that are made of values, not of bytes.
    pub(crate) fn slow_lines(&self) -> &[usize] {
        &self.slow_lines
    }

    /// A state to begin with.
    pub(crate) fn state(&self) -> State {
        let slots = self.root_slots.max(1).next_multiple_of(simd::WIDTH / size_of::<Span>());
        let shapes = self
            .shapes
            .iter()
            .map(|keys| Shape::new(keys.iter().map(|(key, slot, target)| (key.as_str(), *slot, *target))));
        State {
            root: vec![Span::default(); slots],
            blank: vec![Span::default(); slots],
            groups: self.strides.iter().map(|stride| Group { spans: Vec::new(), stride: *stride }).collect(),
            shapes: shapes.collect(),
            scratch: Vec::new(),
            made: vec![0; PADDING],
            made_base: 0,
            extra: 0,
            portable: !wide_available(),
        }
    }

    /// Transforms the record that starts at `text.start` of `buffer`, and appends the output to `out`.
    ///
    /// Positions are counted from the start of the buffer. The buffer holds [`PADDING`] bytes before the
    /// range and [`PADDING`] zeros behind it; otherwise nothing is done and the record counts as cut off.
    #[inline]
    pub(crate) fn record(
        &self,
        state: &mut State,
        buffer: &[u8],
        text: Range<usize>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        if text.start < PADDING || text.end < text.start || buffer.len() < text.end + PADDING {
            return Outcome::Fault(Fault::new(FaultKind::Cut, text.end));
        }
        if text.end - text.start > u32::MAX as usize / 2 {
            return Outcome::Fault(Fault::new(FaultKind::Size, text.start));
        }
        debug_assert!(buffer[text.end..text.end + PADDING].iter().all(|byte| *byte == 0));
        let len = text.end - text.start;
        // SAFETY: `text.start` is inside the buffer.
        let base = unsafe { buffer.as_ptr().add(text.start) };
        // SAFETY: the buffer has the padding on both sides, checked above, and AVX2 is there if it is used.
        let outcome = unsafe {
            let text = scan::Text::new(base, len);
            #[cfg(target_arch = "x86_64")]
            if !state.portable {
                return shift(simd::Avx2::transform(self, state, text, out), buffer, base);
            }
            Portable::transform(self, state, text, out)
        };
        shift(outcome, buffer, base)
    }
}

impl State {
    /// The record's frame if `frame` is 0, else that of the element `at` of a group.
    fn frame(&mut self, frame: usize, at: usize) -> &mut [Span] {
        match frame.checked_sub(1) {
            None => &mut self.root,
            Some(group) => {
                let Group { spans, stride } = &mut self.groups[group];
                &mut spans[at * *stride..(at + 1) * *stride]
            }
        }
    }

    /// Uses the portable operations even where wider ones are to be had.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn portable(mut self) -> Self {
        self.portable = true;
        self
    }
}

/// Positions in the record become positions in the buffer.
#[inline(always)]
fn shift(outcome: Outcome, buffer: &[u8], base: *const u8) -> Outcome {
    let start = base as usize - buffer.as_ptr() as usize;
    match outcome {
        Outcome::Written(end) => Outcome::Written(end + start),
        Outcome::Plain(end) => Outcome::Plain(end + start),
        Outcome::Fault(fault) => Outcome::Fault(Fault::new(fault.kind(), fault.at() + start)),
    }
}

fn wide_available() -> bool {
    #[cfg(target_arch = "x86_64")]
    return simd::Avx2::available();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// One record: walk, then write.
///
/// # Safety
///
/// As for the trait [`Simd`] and for [`scan::Text`].
#[inline(always)]
unsafe fn transform<S: Simd>(fast: &Fast, state: &mut State, text: scan::Text, out: &mut Vec<u8>) -> Outcome {
    let bytes = size_of_val(state.blank.as_slice());
    // SAFETY: the root is as long as the blank one, and both are whole vectors.
    unsafe { program::copy::<S>(state.blank.as_ptr().cast(), bytes, state.root.as_mut_ptr().cast()) };
    for group in &mut state.groups {
        group.spans.clear();
    }
    let root = state.root.as_mut_ptr();
    let mut walk = Walk {
        text,
        targets: &fast.targets,
        arrays: &fast.arrays,
        shapes: &mut state.shapes,
        groups: &mut state.groups,
        scratch: &mut state.scratch,
    };
    // SAFETY: the frames were laid out by the compiler of the plan, for the very slots its targets name.
    let walked = unsafe { walk::record::<S>(&mut walk, 0, fast.root_slot, fast.root_target, root) };
    let end = match walked {
        Ok(end) => end,
        Err(fault) => return Outcome::Fault(fault),
    };
    // SAFETY: the record was walked, so it has a first byte.
    if unsafe { text.byte(0) } != b'{' && !fast.mapping.takes_any {
        return Outcome::Plain(end);
    }
    let (mut parts, mut is_split) = (0..1, false);
    if let Some(extras) = &fast.extras {
        // SAFETY: the text keeps its contract.
        let bytes = unsafe { std::slice::from_raw_parts(text.at(0), text.len()) };
        match extras.begin(&fast.mapping, bytes, state) {
            Next::Write => {}
            Next::Leave => return Outcome::Written(end),
            Next::Plain => return Outcome::Plain(end),
            Next::Split(frames) => (parts, is_split) = (frames, true),
        }
    }
    let start = out.len();
    for part in parts {
        if is_split && let Some(extras) = &fast.extras {
            // SAFETY: as above.
            let bytes = unsafe { std::slice::from_raw_parts(text.at(0), text.len()) };
            if !extras.part_of(&fast.mapping, bytes, state, part) {
                out.truncate(start);
                return Outcome::Plain(end);
            }
        }
        let material = Material { text, made: state.made.as_ptr(), mapping: &fast.mapping };
        let more = state.made.len() + state.extra;
        // SAFETY: every span that was set lies inside the text, or inside what was made, which is padded.
        if !unsafe { fast.program.run::<S>(material, end + more, &state.root, &state.groups, out) } {
            out.truncate(start);
            return Outcome::Plain(end);
        }
    }
    Outcome::Written(end)
}

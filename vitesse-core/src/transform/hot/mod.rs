//! The fast road: bytes in, bytes out, one pass, no tree.
//!
//! The walk ([`walk`]) passes every byte of a record once, validates all of it, and leaves the places of the
//! wanted values in slots; the program ([`program`]) then writes literal runs and slots. What it can't decide
//! here it leaves to the plain road: [`Outcome::Plain`].
#![expect(unsafe_code, reason = "wide loads over padded buffers: 2.5 to 3 times the speed of checked ones")]

mod compile;
mod dates;
mod fault;
mod functions;
mod program;
mod scan;
mod shape;
mod simd;
mod walk;

use std::ops::Range;

pub(crate) use fault::{Fault, FaultKind};
use program::Program;
use shape::{Shape, Span};
use simd::{Portable, Simd};
use walk::{Array, Group, Target, Walk};

use crate::mapping::Compiled;

/// How many zeros a text handed to [`Fast::record`] needs behind it, and how many bytes of anything before.
pub(crate) const PADDING: usize = 2 * simd::WIDTH;

/// The part of a plan that the fast road needs; shared by all threads.
#[derive(Debug)]
pub(crate) struct Fast {
    targets: Vec<Target>,
    arrays: Vec<Array>,
    /// The wanted keys of each shape: name, slot, target.
    shapes: Vec<Vec<(String, u32, u32)>>,
    strides: Vec<usize>,
    root_slots: usize,
    root_slot: u32,
    root_target: u32,
    program: Program,
}

/// What a thread learns and reuses from record to record.
pub(crate) struct State {
    root: Vec<Span>,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
    scratch: Vec<u8>,
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
    pub(crate) fn compile(mapping: &Compiled) -> Option<Self> {
        compile::compile(mapping)
    }

    /// A state to begin with.
    /// Finds where records end and writes an empty object for each: for mappings without a fast form.
    pub(crate) fn passing() -> Self {
        compile::passing()
    }

    pub(crate) fn state(&self) -> State {
        let shapes = self
            .shapes
            .iter()
            .map(|keys| Shape::new(keys.iter().map(|(key, slot, target)| (key.as_str(), *slot, *target))));
        State {
            root: vec![Span::default(); self.root_slots],
            groups: self.strides.iter().map(|stride| Group { spans: Vec::new(), stride: *stride }).collect(),
            shapes: shapes.collect(),
            scratch: Vec::new(),
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
    /// Uses the portable operations even where wider ones are to be had.
    #[cfg(test)]
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
    state.root.fill(Span::default());
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
    // SAFETY: every span that was set lies inside the text.
    if unsafe { fast.program.run::<S>(text, end, &state.root, &state.groups, out) } {
        Outcome::Written(end)
    } else {
        Outcome::Plain(end)
    }
}

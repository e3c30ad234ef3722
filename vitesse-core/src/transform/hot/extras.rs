//! What the fast road does with values rather than with bytes: conditions, splits, and lines without a fast form.
//!
//! Each looks only at the places that the walk left for it, so that only it pays for a tree. Whatever goes
//! wrong here is left to the plain road, which explains it.
#![forbid(unsafe_code)]

use super::State;
use super::layout::Check;
use super::shape::Span;
use super::walk::{ELEMENT, Group};
use crate::mapping::value::{read, write_value};
use crate::mapping::{Compiled, FieldPath, Node, Object, Predicate, Step, Value};
use crate::transform::plain;

/// Everything of a mapping that bytes alone can't do.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// Shapes that a strict mapping asks for.
    pub(crate) checks: Vec<Check>,
    pub(crate) filter: Option<(Predicate, Parts)>,
    pub(crate) elements: Vec<ElementFilter>,
    pub(crate) split: Option<Split>,
    pub(crate) mirrors: Vec<Mirror>,
    /// What is made once for each record, and for each element of a group.
    pub(crate) root: Vec<Made>,
    pub(crate) groups: Vec<(u32, Made)>,
}

/// A condition for the elements of an array.
#[derive(Debug)]
pub(crate) struct ElementFilter {
    pub(crate) condition: Predicate,
    pub(crate) parts: Parts,
    pub(crate) group: u32,
    /// The frame around the array, and the slot there that tells which frames are its elements.
    pub(crate) frame: usize,
    pub(crate) slot: u32,
}

/// One record to many.
#[derive(Debug)]
pub(crate) struct Split {
    /// The slot of the array itself, the one that tells its frames, and their group.
    pub(crate) whole: u32,
    pub(crate) frames: u32,
    pub(crate) group: u32,
    /// Where the element's slots are put in the record's frame.
    pub(crate) base: u32,
    pub(crate) keep_empty: bool,
}

/// A value of the record that is written once for each element of a group.
#[derive(Debug)]
pub(crate) struct Mirror {
    pub(crate) group: u32,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

/// A part of the output that is made of values. What it becomes stands in [`State::made`].
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) slot: u32,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// A line, from the slots of its sources.
    Line(usize, Vec<u32>),
    /// A part of the output with its lines, from the values they look into.
    Part(Node, Parts),
}

/// The parts of a record or element that something looks at: enough of it to stand for the whole.
#[derive(Debug)]
pub(crate) enum Parts {
    Value(u32),
    Object(Vec<(String, Parts)>),
}

/// What to do next.
pub(crate) enum Next {
    /// Write the record.
    Write,
    /// Write it once for each element of the split.
    Split(std::ops::Range<u32>),
    /// Write nothing.
    Leave,
    /// Let the plain road do it.
    Plain,
}

impl Extras {
    pub(crate) fn is_empty(&self) -> bool {
        self.checks.is_empty()
            && self.filter.is_none()
            && self.elements.is_empty()
            && self.split.is_none()
            && self.mirrors.is_empty()
            && self.root.is_empty()
            && self.groups.is_empty()
    }

    /// Does what is done once for a record, behind the walk.
    pub(crate) fn begin(&self, mapping: &Compiled, text: &[u8], state: &mut State) -> Next {
        self.try_begin(mapping, text, state).unwrap_or(Next::Plain)
    }

    fn try_begin(&self, mapping: &Compiled, text: &[u8], state: &mut State) -> Option<Next> {
        if let Some((condition, parts)) = &self.filter
            && !condition.holds(parts.value(text, &state.root)?.as_ref()).ok()?
        {
            return Some(Next::Leave);
        }
        for filter in &self.elements {
            filter.run(text, state)?;
        }
        if !self.checks.iter().all(|check| check.holds(text, state)) {
            return None;
        }
        state.made.clear();
        // A place that ends at zero is missing.
        state.made.push(0);
        state.extra = 0;
        for mirror in &self.mirrors {
            let span = state.root[mirror.from as usize];
            let Group { spans, stride } = &mut state.groups[mirror.group as usize];
            for frame in spans.chunks_exact_mut(*stride) {
                frame[mirror.to as usize] = span;
                state.extra += (span.end - span.start) as usize;
            }
        }
        for (group, made) in &self.groups {
            let Group { spans, stride } = &mut state.groups[*group as usize];
            // Elements that a condition left out have no place.
            for frame in spans.chunks_exact_mut(*stride).filter(|frame| frame[ELEMENT as usize].end > 0) {
                frame[made.slot as usize] = made.make(mapping, text, frame, &mut state.made)?;
            }
        }
        state.made_base = state.made.len();
        let Some(split) = &self.split else {
            self.part(mapping, text, state)?;
            return Some(Next::Write);
        };
        let whole = state.root[split.whole as usize];
        match text.get(whole.start as usize) {
            Some(b'[') if whole.end > 0 => {
                let frames = state.root[split.frames as usize];
                if frames.end == 0 {
                    return None;
                }
                match frames.end - 1 {
                    0 if split.keep_empty => None,
                    count => Some(Next::Split(frames.start..frames.start + count)),
                }
            }
            Some(b'n') | None if !split.keep_empty => Some(Next::Split(0..0)),
            _ if whole.end == 0 && !split.keep_empty => Some(Next::Split(0..0)),
            _ => None,
        }
    }

    /// Puts one element of the split in the place of its array, and makes what depends on it.
    pub(crate) fn part_of(&self, mapping: &Compiled, text: &[u8], state: &mut State, frame: u32) -> bool {
        if let Some(split) = &self.split {
            let group = &state.groups[split.group as usize];
            let first = frame as usize * group.stride;
            let base = split.base as usize;
            state.root[base..base + group.stride].copy_from_slice(&group.spans[first..first + group.stride]);
        }
        self.part(mapping, text, state).is_some()
    }

    fn part(&self, mapping: &Compiled, text: &[u8], state: &mut State) -> Option<()> {
        state.made.truncate(state.made_base);
        for made in &self.root {
            state.root[made.slot as usize] = made.make(mapping, text, &state.root, &mut state.made)?;
        }
        // Copies look at a vector more than there is.
        state.made.resize(state.made.len() + super::PADDING, 0);
        Some(())
    }
}

impl ElementFilter {
    /// Moves the frames that stay to the front of their array.
    fn run(&self, text: &[u8], state: &mut State) -> Option<()> {
        let outer = if self.frame == 0 { 1 } else { state.groups[self.frame - 1].len() };
        for at in 0..outer {
            let mut around = state.frame(self.frame, at)[self.slot as usize];
            if around.end == 0 {
                continue;
            }
            let Group { spans, stride } = &mut state.groups[self.group as usize];
            let place = |number: u32| (around.start + number) as usize * *stride;
            let mut kept = 0;
            for element in 0..around.end - 1 {
                let value = self.parts.value(text, spans.get(place(element)..place(element + 1))?)?;
                if self.condition.holds(value.as_ref()).ok()? {
                    spans.copy_within(place(element)..place(element + 1), place(kept));
                    kept += 1;
                }
            }
            spans[place(kept)..place(around.end - 1)].fill(Span::default());
            around.end = kept + 1;
            state.frame(self.frame, at)[self.slot as usize] = around;
        }
        Some(())
    }
}

impl Made {
    /// Gives the place of what was made; nothing if the plain road has to.
    fn make(&self, mapping: &Compiled, text: &[u8], frame: &[Span], made: &mut Vec<u8>) -> Option<Span> {
        let value = match &self.what {
            What::Line(line, slots) => line_of(mapping, *line, slots, text, frame)?,
            What::Part(node, parts) => {
                plain::part(mapping, node, &parts.value(text, frame)?.unwrap_or_default()).ok()?
            }
        };
        let Some(value) = value else { return Some(Span::default()) };
        let start = made.len();
        append(&value, made);
        Some(Span { start: u32::try_from(start).ok()?, end: u32::try_from(made.len()).ok()? })
    }
}

/// What a line gives for the values in these slots; nothing if it fails.
pub(super) fn line_of(
    mapping: &Compiled,
    line: usize,
    slots: &[u32],
    text: &[u8],
    frame: &[Span],
) -> Option<Option<Value>> {
    let inputs = slots.iter().map(|slot| value_at(text, frame, *slot)).collect::<Option<Vec<_>>>()?;
    plain::line(mapping.lines.get(line)?, inputs).ok()
}

/// Writes a value behind what is there.
pub(super) fn append(value: &Value, out: &mut Vec<u8>) {
    let mut text = String::new();
    match value {
        // The usual ones need no text between.
        Value::Number(number) => return out.extend_from_slice(number.as_str().as_bytes()),
        other => write_value(other, &mut text),
    }
    out.extend_from_slice(text.as_bytes());
}

/// The value of a slot, `None` inside if it is missing; nothing if it can't be read.
fn value_at(text: &[u8], frame: &[Span], slot: u32) -> Option<Option<Value>> {
    let span = *frame.get(slot as usize)?;
    if span.end == 0 {
        return Some(None);
    }
    read(text.get(span.start as usize..span.end as usize)?).ok().map(Some)
}

impl Parts {
    /// No part yet.
    pub(super) fn none() -> Self {
        Self::Object(Vec::new())
    }

    /// One more, with its slot.
    pub(super) fn add(&mut self, steps: &[Step], slot: u32) {
        match (steps.split_first(), &mut *self) {
            (None, _) => *self = Self::Value(slot),
            // The whole is there already.
            (Some(_), Self::Value(_)) => {}
            (Some((Step::Key(key), rest)), Self::Object(fields)) => {
                let at = fields.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
                    fields.push((key.clone(), Self::Object(Vec::new())));
                    fields.len() - 1
                });
                fields[at].1.add(rest, slot);
            }
            (Some(_), Self::Object(_)) => {}
        }
    }

    /// What is there of it; nothing if it can't be read.
    fn value(&self, text: &[u8], frame: &[Span]) -> Option<Option<Value>> {
        match self {
            Self::Value(slot) => value_at(text, frame, *slot),
            Self::Object(fields) => {
                let mut object = Object::new();
                for (key, part) in fields {
                    if let Some(value) = part.value(text, frame)? {
                        object.insert(key.as_str(), value);
                    }
                }
                Some(Some(Value::Object(object)))
            }
        }
    }
}

/// The part of a path that goes through keys only.
pub(super) fn keys_of(path: &FieldPath) -> FieldPath {
    FieldPath::new(path.steps().iter().take_while(|step| matches!(step, Step::Key(_))).cloned())
}

/// Every path that a condition looks at, from the value it judges.
pub(super) fn looked_at(condition: &Predicate, paths: &mut Vec<FieldPath>) {
    match condition {
        Predicate::All(parts) | Predicate::Any(parts) => {
            parts.iter().for_each(|part| looked_at(part, paths));
        }
        Predicate::Not(part) => looked_at(part, paths),
        Predicate::Field(path, _) => paths.push(path.clone()),
        Predicate::Jq(_) => paths.push(FieldPath::root()),
    }
}

impl Check {
    fn holds(&self, text: &[u8], state: &State) -> bool {
        let right = |span: &Span| match text.get(span.start as usize) {
            _ if span.end == 0 => true,
            Some(b'n') => true,
            Some(byte) => (!self.object || *byte == b'{') && (!self.array || *byte == b'['),
            None => false,
        };
        match self.frame.checked_sub(1).and_then(|group| state.groups.get(group)) {
            None => state.root.get(self.slot as usize).is_none_or(right),
            Some(group) => {
                group.spans.chunks_exact(group.stride).all(|frame| right(&frame[self.slot as usize]))
            }
        }
    }
}

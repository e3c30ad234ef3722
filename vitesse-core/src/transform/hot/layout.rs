//! Where the wanted values of a record go: the slots, targets, shapes and frames of a mapping.

use std::collections::HashMap;

use super::shape::{NOTHING, UNWANTED};
use super::walk::{Array, ELEMENT, Each, Indexed, Target};
use crate::mapping::{FieldPath, Step};

/// What is wanted of a value: itself, and what is in it.
#[derive(Default)]
pub(super) struct Wanted {
    whole: bool,
    /// The shapes it must have if paths may not lead into others.
    needs: Needs,
    keys: Vec<(String, Wanted)>,
    indexes: Vec<(usize, Wanted)>,
    each: Option<Box<Wanted>>,
}

#[derive(Clone, Copy, Default)]
struct Needs {
    object: bool,
    array: bool,
}

impl Wanted {
    /// Wants the value at a path. `strict` says that the path may lead through no value of another shape.
    pub(super) fn add(&mut self, steps: &[Step], strict: bool) {
        let Some((step, rest)) = steps.split_first() else {
            self.whole = true;
            return;
        };
        if strict {
            match step {
                Step::Key(_) => self.needs.object = true,
                Step::Index(_) | Step::Each => self.needs.array = true,
            }
        }
        let inner = match step {
            Step::Key(key) => entry(&mut self.keys, key),
            Step::Index(index) => entry(&mut self.indexes, index),
            Step::Each => self.each.get_or_insert_default(),
        };
        inner.add(rest, strict);
    }

    fn has_inside(&self) -> bool {
        !self.keys.is_empty() || !self.indexes.is_empty() || self.each.is_some()
    }
}

fn entry<'w, K: PartialEq + Clone>(list: &'w mut Vec<(K, Wanted)>, key: &K) -> &'w mut Wanted {
    let at = list.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
        list.push((key.clone(), Wanted::default()));
        list.len() - 1
    });
    &mut list[at].1
}

/// The value at this slot must begin with one of these brackets, be null, or be missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub(crate) frame: usize,
    pub(crate) slot: u32,
    pub(crate) object: bool,
    pub(crate) array: bool,
}

/// An array whose elements have frames of their own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements {
    /// The frame around, and its slot that tells which frames belong to the array.
    pub(super) frame: usize,
    pub(super) slot: u32,
    pub(super) group: u32,
}

/// The tables of the walk. Frame 0 is the record's; frame `n` belongs to the elements of group `n - 1`.
#[derive(Default)]
pub(super) struct Layout {
    pub(super) targets: Vec<Target>,
    pub(super) arrays: Vec<Array>,
    pub(super) shapes: Vec<Vec<(String, u32, u32)>>,
    /// The next free slot of each frame.
    pub(super) frames: Vec<u32>,
    pub(super) checks: Vec<Check>,
    pub(super) root: (u32, u32),
    slots: HashMap<FieldPath, (usize, u32)>,
    elements: HashMap<FieldPath, Elements>,
}

impl Layout {
    pub(super) fn new(wanted: &Wanted) -> Self {
        let mut layout =
            Self { targets: vec![Target::default()], frames: vec![UNWANTED + 1], ..Self::default() };
        layout.root = layout.place(wanted, FieldPath::root(), 0);
        layout
    }

    /// The frame and slot of a wanted path.
    pub(super) fn find(&self, path: &FieldPath) -> Option<(usize, u32)> {
        self.slots.get(path).copied()
    }

    /// Where the elements of an array are.
    pub(super) fn elements(&self, array: &FieldPath) -> Option<Elements> {
        self.elements.get(array).copied()
    }

    pub(super) fn slot(&mut self, frame: usize) -> u32 {
        self.frames[frame] += 1;
        self.frames[frame] - 1
    }

    /// Gives a value its slot, in `frame`, and its target.
    fn place(&mut self, wanted: &Wanted, path: FieldPath, frame: usize) -> (u32, u32) {
        let slot = if wanted.whole || wanted.needs.any() { self.slot(frame) } else { UNWANTED };
        self.name(wanted, &path, frame, slot);
        (slot, self.target(wanted, path, frame))
    }

    fn name(&mut self, wanted: &Wanted, path: &FieldPath, frame: usize, slot: u32) {
        if wanted.whole {
            self.slots.insert(path.clone(), (frame, slot));
        }
        if wanted.needs.any() {
            let Needs { object, array } = wanted.needs;
            self.checks.push(Check { frame, slot, object, array });
        }
    }

    fn target(&mut self, wanted: &Wanted, path: FieldPath, frame: usize) -> u32 {
        if !wanted.has_inside() {
            return NOTHING;
        }
        // Everything inside gets neighbouring slots, so that it can be forgotten at once.
        let from = self.frames[frame];
        let number = self.targets.len();
        self.targets.push(Target::default());
        let object = (!wanted.keys.is_empty()).then(|| {
            let keys = wanted.keys.iter().map(|(key, inner)| {
                let (slot, target) = self.place(inner, path.join(Step::Key(key.clone())), frame);
                (key.clone(), slot, target)
            });
            let keys = keys.collect();
            self.shapes.push(keys);
            self.shapes.len() as u32 - 1
        });
        let array = (!wanted.indexes.is_empty() || wanted.each.is_some()).then(|| {
            let each = wanted.each.as_deref().map(|inner| self.each(inner, &path, frame));
            let indexed = wanted.indexes.iter().map(|(index, inner)| {
                let (slot, target) = self.place(inner, path.join(Step::Index(*index)), frame);
                Indexed { index: u32::try_from(*index).unwrap_or(u32::MAX), slot, target }
            });
            let indexed = indexed.collect();
            self.arrays.push(Array { each, indexed });
            self.arrays.len() as u32 - 1
        });
        self.targets[number] = Target { object, array, inside: (from, self.frames[frame]) };
        number as u32
    }

    fn each(&mut self, inner: &Wanted, path: &FieldPath, frame: usize) -> Each {
        let frames = self.slot(frame);
        let own = self.frames.len();
        let group = own as u32 - 1;
        self.frames.push(ELEMENT + 1);
        self.elements.insert(path.clone(), Elements { frame, slot: frames, group });
        let element = path.join(Step::Each);
        self.name(inner, &element, own, ELEMENT);
        Each { group, frames, target: self.target(inner, element, own) }
    }
}

impl Needs {
    fn any(self) -> bool {
        self.object || self.array
    }
}

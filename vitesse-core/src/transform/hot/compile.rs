//! Laying a mapping out for the walk and the program.
//!
//! Whatever has no place here (filters, splits, strict paths, arrays aligned from different sources, functions
//! that need a value) gives no fast plan: the plain road then runs the mapping.

use std::collections::HashMap;

use super::Fast;
use super::program::{GROWTH, Op as Step, Program, Tree, Value as Write};
use super::shape::{NOTHING, UNWANTED};
use super::walk::{Array, ELEMENT, Each, Indexed, Target};
use crate::mapping::value::write_string;
use crate::mapping::{Compiled, FieldPath, Line, Node, Op, Step as PathStep};

/// More lines than this are rather run by the plain road than laid out.
const MOST_SLOTS: u32 = 1 << 16;

pub(super) fn compile(mapping: &Compiled) -> Option<Fast> {
    if mapping.filter.is_some()
        || mapping.split.is_some()
        || !mapping.element_filters.is_empty()
        || mapping.strict
    {
        return None;
    }
    let mut wanted = Wanted::default();
    for line in &mapping.lines {
        for source in &line.sources {
            wanted.add(source.steps());
        }
    }
    let mut layout = Layout::default();
    layout.targets.push(Target::default());
    layout.frames.push(UNWANTED + 1);
    let (root_slot, root_target) = layout.place(&wanted, FieldPath::root(), 0);
    if layout.frames.iter().sum::<u32>() > MOST_SLOTS {
        return None;
    }
    let program = Writing { mapping, layout: &layout }.program()?;
    Some(Fast {
        strides: layout.frames[1..].iter().map(|slots| *slots as usize).collect(),
        root_slots: layout.frames[0] as usize,
        targets: layout.targets,
        arrays: layout.arrays,
        shapes: layout.shapes,
        root_slot,
        root_target,
        program,
    })
}

pub(super) fn passing() -> Fast {
    let program = Program {
        ops: Vec::new(),
        literals: vec![0; super::PADDING],
        lists: Vec::new(),
        tree: Tree::Object(Vec::new()),
        fixed: 0,
        fixed_each: Vec::new(),
        copies: 0,
    };
    Fast {
        targets: vec![Target::default()],
        arrays: Vec::new(),
        shapes: Vec::new(),
        strides: Vec::new(),
        root_slots: 1,
        root_slot: UNWANTED,
        root_target: NOTHING,
        program,
    }
}

/// What is wanted of a value: itself, and what is in it.
#[derive(Default)]
struct Wanted {
    whole: bool,
    keys: Vec<(String, Wanted)>,
    indexes: Vec<(usize, Wanted)>,
    each: Option<Box<Wanted>>,
}

impl Wanted {
    fn add(&mut self, steps: &[PathStep]) {
        let Some((step, rest)) = steps.split_first() else {
            self.whole = true;
            return;
        };
        let inner = match step {
            PathStep::Key(key) => entry(&mut self.keys, key),
            PathStep::Index(index) => entry(&mut self.indexes, index),
            PathStep::Each => self.each.get_or_insert_default(),
        };
        inner.add(rest);
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

#[derive(Default)]
struct Layout {
    targets: Vec<Target>,
    arrays: Vec<Array>,
    shapes: Vec<Vec<(String, u32, u32)>>,
    /// The next free slot of each frame: the root's, then each group's.
    frames: Vec<u32>,
    /// Where each wanted path is.
    slots: HashMap<FieldPath, u32>,
    /// Where each array that is walked through is: the slot that tells its frames, and its group.
    groups: HashMap<FieldPath, (u32, u32)>,
}

impl Layout {
    /// Gives a value its slot, in `frame`, and its target.
    fn place(&mut self, wanted: &Wanted, path: FieldPath, frame: usize) -> (u32, u32) {
        let slot = if wanted.whole { self.slot(frame) } else { UNWANTED };
        if wanted.whole {
            self.slots.insert(path.clone(), slot);
        }
        (slot, self.target(wanted, path, frame))
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
                let (slot, target) = self.place(inner, path.join(PathStep::Key(key.clone())), frame);
                (key.clone(), slot, target)
            });
            let keys = keys.collect();
            self.shapes.push(keys);
            self.shapes.len() as u32 - 1
        });
        let array = (!wanted.indexes.is_empty() || wanted.each.is_some()).then(|| {
            let each = wanted.each.as_deref().map(|inner| self.each(inner, &path, frame));
            let indexed = wanted.indexes.iter().map(|(index, inner)| {
                let (slot, target) = self.place(inner, path.join(PathStep::Index(*index)), frame);
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
        self.groups.insert(path.clone(), (frames, group));
        let element = path.join(PathStep::Each);
        if inner.whole {
            self.slots.insert(element.clone(), ELEMENT);
        }
        Each { group, frames, target: self.target(inner, element, own) }
    }

    fn slot(&mut self, frame: usize) -> u32 {
        self.frames[frame] += 1;
        self.frames[frame] - 1
    }
}

struct Writing<'a> {
    mapping: &'a Compiled,
    layout: &'a Layout,
}

impl Writing<'_> {
    fn program(&self) -> Option<Program> {
        let mut program = Program {
            ops: Vec::new(),
            literals: Vec::new(),
            lists: Vec::new(),
            tree: Tree::Object(Vec::new()),
            fixed: 0,
            fixed_each: vec![0; self.layout.frames.len() - 1],
            copies: 0,
        };
        program.tree = self.tree(&self.mapping.output, None, &mut program.lists)?;
        let mut run = Vec::new();
        let tree = std::mem::replace(&mut program.tree, Tree::Object(Vec::new()));
        flatten(&tree, &mut run, &mut program, None);
        finish(&mut run, &mut program, None);
        program.tree = tree;
        // The copy of a literal may look at a vector more than there is.
        program.literals.extend([0; super::PADDING]);
        Some(program)
    }

    /// `array` is the array of the source whose elements the place in the output is counted by.
    fn tree(&self, node: &Node, array: Option<&FieldPath>, lists: &mut Vec<u32>) -> Option<Tree> {
        match node {
            Node::Leaf(line) => self.leaf(self.mapping.lines.get(*line)?, array, lists),
            Node::Object(fields) => {
                let mut made = Vec::new();
                for (key, node) in fields {
                    let mut text = String::new();
                    write_string(key, &mut text);
                    text.push(':');
                    made.push((text.into_bytes().into(), self.tree(node, array, lists)?));
                }
                Some(Tree::Object(made))
            }
            Node::Each(body) => {
                let mut arrays = Vec::new();
                self.arrays(body, array, &mut arrays)?;
                let first = arrays.first()?;
                if arrays.iter().any(|other| other != first) {
                    return None;
                }
                let (slot, group) = *self.layout.groups.get(first)?;
                let body = Box::new(self.tree(body, Some(first), lists)?);
                Some(Tree::Each { group, slot, body })
            }
            Node::List(_) => None,
        }
    }

    /// The arrays of the source that the lines beneath walk through, one level below `outer`.
    fn arrays(&self, node: &Node, outer: Option<&FieldPath>, found: &mut Vec<FieldPath>) -> Option<()> {
        match node {
            Node::Leaf(line) => {
                for source in &self.mapping.lines.get(*line)?.sources {
                    let from = outer.map_or(0, |outer| outer.steps().len() + 1);
                    let within = source.steps().get(from..)?;
                    let each = within.iter().position(|step| *step == PathStep::Each)?;
                    let array = FieldPath::new(source.steps()[..from + each].iter().cloned());
                    if outer.is_some_and(|outer| !outer.join(PathStep::Each).contains(&array)) {
                        return None;
                    }
                    found.push(array);
                }
                Some(())
            }
            Node::Object(fields) => fields.iter().try_for_each(|(_, node)| self.arrays(node, outer, found)),
            Node::List(nodes) => nodes.iter().try_for_each(|node| self.arrays(node, outer, found)),
            Node::Each(body) => self.arrays(body, outer, found),
        }
    }

    fn leaf(&self, line: &Line, array: Option<&FieldPath>, lists: &mut Vec<u32>) -> Option<Tree> {
        if line.spread {
            return None;
        }
        // Each source must be in the very element that the place in the output is counted by.
        let slot = |source: &FieldPath| {
            let inside = match array {
                Some(array) => {
                    let element = array.join(PathStep::Each);
                    element.contains(source) && source.depth() == element.depth()
                }
                None => source.depth() == 0,
            };
            if inside { self.layout.slots.get(source).copied() } else { None }
        };
        let (value, constant) = match &line.op {
            Op::Copy => (Write::Copy, None),
            Op::ParseInt => (Write::Int, None),
            Op::ParseFloat => (Write::Float, None),
            Op::Stringify => (Write::Text, None),
            Op::ParseBool => (Write::Bool, None),
            Op::Collect { skip_nulls: false, skip_empty: false } => {
                let from = lists.len() as u32;
                for source in &line.sources {
                    lists.push(slot(source)?);
                }
                (Write::Collect { from, to: lists.len() as u32 }, None)
            }
            Op::Collect { .. } => return None,
            Op::Call(function) => super::functions::known(function, &line.sources)?,
        };
        let constant = match constant {
            Some(constant) => Some(constant),
            None if line.sources.is_empty() => return None,
            None => None,
        };
        let slot = match (&value, line.sources.as_slice()) {
            (Write::Collect { .. } | Write::Nothing, _) => UNWANTED,
            (_, [source]) => slot(source)?,
            _ => return None,
        };
        let op = Step { literal: 0, literal_len: 0, value, slot };
        Some(Tree::Leaf { op, required: line.required, constant })
    }
}

/// Adds the steps of a record in which everything is there. `run` is the literal run so far.
fn flatten(tree: &Tree, run: &mut Vec<u8>, program: &mut Program, group: Option<u32>) {
    match tree {
        Tree::Leaf { op, constant: Some(bytes), .. } if op.value == Write::Nothing => {
            run.extend_from_slice(bytes);
        }
        Tree::Leaf { op, .. } => {
            program.copies += match op.value {
                Write::Collect { from, to } => {
                    bound(program, group, (to - from) as usize);
                    (to - from) as usize
                }
                _ => 1,
            };
            bound(program, group, GROWTH);
            step(*op, run, program, group);
        }
        Tree::Object(fields) => {
            run.push(b'{');
            for (index, (key, field)) in fields.iter().enumerate() {
                if index > 0 {
                    run.push(b',');
                }
                run.extend_from_slice(key);
                flatten(field, run, program, group);
            }
            run.push(b'}');
        }
        Tree::Each { group: inner, slot, body } => {
            let place = program.ops.len();
            bound(program, group, 2);
            step(
                Step { literal: 0, literal_len: 0, value: Write::Nothing, slot: *slot },
                run,
                program,
                group,
            );
            bound(program, Some(*inner), 1);
            flatten(body, run, program, Some(*inner));
            finish(run, program, Some(*inner));
            let ops = (program.ops.len() - place - 1) as u32;
            program.ops[place].value = Write::Each { group: *inner, ops };
        }
    }
}

/// Adds a step for what is left of the literal run.
fn finish(run: &mut Vec<u8>, program: &mut Program, group: Option<u32>) {
    if !run.is_empty() {
        step(Step { literal: 0, literal_len: 0, value: Write::Nothing, slot: 0 }, run, program, group);
    }
}

fn step(op: Step, run: &mut Vec<u8>, program: &mut Program, group: Option<u32>) {
    bound(program, group, run.len());
    let (literal, literal_len) = (program.literals.len() as u32, run.len() as u32);
    program.literals.append(run);
    program.ops.push(Step { literal, literal_len, ..op });
}

fn bound(program: &mut Program, group: Option<u32>, bytes: usize) {
    match group {
        Some(group) => program.fixed_each[group as usize] += bytes,
        None => program.fixed += bytes,
    }
}

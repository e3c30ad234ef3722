//! Laying a mapping out for the walk and the program.
//!
//! What bytes alone can't do (functions without a fast form, conditions, arrays aligned from different sources)
//! is made of the values it looks at, and only of these. Where even that would take more than it saves, there is
//! no fast plan, and the plain road runs the mapping.

use std::sync::Arc;

use super::Fast;
use super::extras::{ElementFilter, Extras, Made, Mirror, Parts, Split, What, keys_of, looked_at};
use super::layout::{Layout, Wanted};
use super::program::{GROWTH, Op as Step, Program, Value as Write};
use super::shape::{NOTHING, UNWANTED};
use super::sparse::{Run, Tree};
use super::walk::Target;
use crate::mapping::value::write_string;
use crate::mapping::{Compiled, FieldPath, Line, Node, Op, Step as PathStep};

/// More lines than this are rather run by the plain road than laid out.
const MOST_SLOTS: u32 = 1 << 16;

pub(super) fn compile(mapping: &Arc<Compiled>) -> Option<Fast> {
    // Which values parts of the output are made of shows when they are laid out, and then these are wanted too.
    let mut values = Vec::new();
    for _ in 0..2 {
        let mut writing = Writing::new(mapping, &values)?;
        let program = writing.program()?;
        if writing.values.is_empty() {
            return Some(writing.into_fast(mapping, program));
        }
        values = writing.values;
    }
    None
}

pub(super) fn passing(mapping: &Arc<Compiled>) -> Fast {
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
        mapping: Arc::clone(mapping),
        targets: vec![Target::default()],
        arrays: Vec::new(),
        shapes: Vec::new(),
        strides: Vec::new(),
        root_slots: 1,
        root_slot: UNWANTED,
        root_target: NOTHING,
        program,
        extras: None,
        slow_lines: mapping.lines.iter().map(|line| line.index).collect(),
    }
}

/// The part of the source that a place in the output is counted by: an element of an array, or the record.
#[derive(Clone, PartialEq, Eq)]
struct Inside {
    /// The path of the element.
    element: FieldPath,
    frame: usize,
}

struct Writing<'a> {
    mapping: &'a Compiled,
    layout: Layout,
    extras: Extras,
    lists: Vec<u32>,
    /// The element of the split, its frame, and where its slots are in the record's.
    split: Option<(FieldPath, usize, u32)>,
    /// What is not wanted yet but should be.
    values: Vec<FieldPath>,
    slow_lines: Vec<usize>,
}

impl<'a> Writing<'a> {
    /// Nothing if conditions or the split change what some line takes as a whole.
    fn new(mapping: &'a Compiled, values: &[FieldPath]) -> Option<Self> {
        let by = mapping.split.as_ref().map(|(by, _)| by);
        let mut wanted = Wanted::default();
        let lines = mapping.lines.iter().flat_map(|line| &line.sources);
        for path in lines.chain(values) {
            let changed = by.is_some_and(|by| !by.contains(path) && meet(path, by))
                || mapping.element_filters.iter().any(|(array, _)| changes(array, &of_part(by, path)));
            if changed {
                return None;
            }
            wanted.add(of_part(by, path).steps(), mapping.strict);
        }
        let mut judged = Vec::new();
        if let Some(filter) = &mapping.filter {
            looked_at(filter, &mut judged);
        }
        judged.iter().for_each(|path| wanted.add(keys_of(path).steps(), false));
        for (array, condition) in &mapping.element_filters {
            let mut paths = Vec::new();
            looked_at(condition, &mut paths);
            wanted.add(array.join(PathStep::Each).steps(), false);
            paths.iter().for_each(|path| wanted.add(element_part(array, path).steps(), false));
        }
        if let Some(by) = by {
            wanted.add(by.steps(), false);
            wanted.add(by.join(PathStep::Each).steps(), false);
        }
        let mut layout = Layout::new(&wanted);
        let mut extras = Extras { checks: std::mem::take(&mut layout.checks), ..Extras::default() };
        if let Some(filter) = &mapping.filter {
            let mut parts = Parts::none();
            for keys in judged.iter().map(keys_of) {
                parts.add(keys.steps(), layout.find(&keys)?.1);
            }
            extras.filter = Some((filter.clone(), parts));
        }
        for (array, condition) in &mapping.element_filters {
            let (mut paths, mut parts) = (Vec::new(), Parts::none());
            looked_at(condition, &mut paths);
            for path in &paths {
                parts.add(keys_of(path).steps(), layout.find(&element_part(array, path))?.1);
            }
            let place = layout.elements(array)?;
            let (group, frame, slot) = (place.group, place.frame, place.slot);
            extras.elements.push(ElementFilter { condition: condition.clone(), parts, group, frame, slot });
        }
        let mut split = None;
        if let Some((by, keep_empty)) = &mapping.split {
            let place = layout.elements(by)?;
            let own = place.group as usize + 1;
            let base = layout.frames[0];
            layout.frames[0] += layout.frames[own];
            split = Some((by.join(PathStep::Each), own, base));
            let (whole, frames) = (layout.find(by)?.1, place.slot);
            extras.split = Some(Split { whole, frames, group: place.group, base, keep_empty: *keep_empty });
        }
        (layout.frames.iter().sum::<u32>() <= MOST_SLOTS).then_some(Self {
            mapping,
            layout,
            extras,
            lists: Vec::new(),
            split,
            values: Vec::new(),
            slow_lines: Vec::new(),
        })
    }

    fn into_fast(self, mapping: &Arc<Compiled>, program: Program) -> Fast {
        let layout = self.layout;
        let mut slow_lines = self.slow_lines;
        slow_lines.sort_unstable();
        Fast {
            mapping: Arc::clone(mapping),
            strides: layout.frames[1..].iter().map(|slots| *slots as usize).collect(),
            root_slots: layout.frames[0] as usize,
            targets: layout.targets,
            arrays: layout.arrays,
            shapes: layout.shapes,
            root_slot: layout.root.0,
            root_target: layout.root.1,
            program,
            extras: (!self.extras.is_empty()).then(|| Box::new(self.extras)),
            slow_lines,
        }
    }

    fn program(&mut self) -> Option<Program> {
        let tree = self.tree(&self.mapping.output, None)?;
        let mut program = Program {
            ops: Vec::new(),
            literals: Vec::new(),
            lists: std::mem::take(&mut self.lists),
            tree: Tree::Object(Vec::new()),
            fixed: 0,
            fixed_each: vec![0; self.layout.frames.len() - 1],
            copies: 0,
        };
        let mut run = Vec::new();
        flatten(&tree, &mut run, &mut program, None);
        finish(&mut run, &mut program, None);
        program.tree = tree;
        // The copy of a literal may look at a vector more than there is.
        program.literals.extend([0; super::PADDING]);
        Some(program)
    }

    /// A part of the output. At the top level everything has a form; nothing is given only for what stands in an
    /// array, which is then made as a whole.
    fn tree(&mut self, node: &Node, inside: Option<&Inside>) -> Option<Tree> {
        match node {
            Node::Object(fields) => {
                let mut made = Vec::new();
                for (key, node) in fields {
                    let mut text = String::new();
                    write_string(key, &mut text);
                    text.push(':');
                    made.push((Run::new(text.into_bytes()), self.tree(node, inside)?));
                }
                Some(Tree::Object(made))
            }
            Node::List(nodes) => {
                nodes.iter().map(|node| self.tree(node, inside)).collect::<Option<_>>().map(Tree::List)
            }
            Node::Leaf(_) | Node::Each(_) => {
                let extras = &self.extras;
                let before =
                    (self.lists.len(), self.slow_lines.len(), extras.mirrors.len(), extras.groups.len());
                let tree = match node {
                    Node::Leaf(line) => self.leaf(*line, inside),
                    Node::Each(body) => self.each(body, inside),
                    _ => None,
                };
                if tree.is_none() && inside.is_none() {
                    self.lists.truncate(before.0);
                    self.slow_lines.truncate(before.1);
                    self.extras.mirrors.truncate(before.2);
                    self.extras.groups.truncate(before.3);
                    return self.part(node);
                }
                tree
            }
        }
    }

    fn each(&mut self, body: &Node, inside: Option<&Inside>) -> Option<Tree> {
        let mut arrays = Vec::new();
        self.arrays(body, inside, &mut arrays)?;
        let array = arrays.first()?;
        if arrays.iter().any(|other| other != array) {
            return None;
        }
        let place = self.layout.elements(array)?;
        let (frame, slot) = self.in_record(place.frame, place.slot);
        if frame != inside.map_or(0, |inside| inside.frame) {
            return None;
        }
        let element = Inside { element: array.join(PathStep::Each), frame: place.group as usize + 1 };
        let body = Box::new(self.tree(body, Some(&element))?);
        Some(Tree::Each { group: place.group, slot, body })
    }

    /// The arrays of the source that the lines beneath walk through, one level below `inside`. Lines that take
    /// what stands around the array don't count.
    fn arrays(&self, node: &Node, inside: Option<&Inside>, found: &mut Vec<FieldPath>) -> Option<()> {
        match node {
            Node::Leaf(line) => {
                let line = &self.mapping.lines[*line];
                for source in line.sources.iter().map(|source| self.of_part(source)) {
                    let around = match (inside, &self.split) {
                        (Some(inside), _) if inside.element.contains(&source) => inside.element.steps().len(),
                        (None, Some((element, ..))) if element.contains(&source) => element.steps().len(),
                        _ => 0,
                    };
                    let within = &source.steps()[around..];
                    match within.iter().position(|step| *step == PathStep::Each) {
                        Some(_) if inside.is_some() && around == 0 => return None,
                        Some(each) => {
                            found.push(FieldPath::new(source.steps()[..around + each].iter().cloned()));
                        }
                        None => {}
                    }
                }
                (!line.spread).then_some(())
            }
            Node::Object(fields) => fields.iter().try_for_each(|(_, node)| self.arrays(node, inside, found)),
            Node::List(nodes) => nodes.iter().try_for_each(|node| self.arrays(node, inside, found)),
            Node::Each(body) => self.arrays(body, inside, found),
        }
    }

    fn leaf(&mut self, number: usize, inside: Option<&Inside>) -> Option<Tree> {
        let line = &self.mapping.lines[number];
        if line.spread {
            return None;
        }
        let frame = inside.map_or(0, |inside| inside.frame);
        let inputs =
            line.sources.iter().map(|source| self.input(source, frame)).collect::<Option<Box<[u32]>>>()?;
        let (value, constant) = match self.fast_form(line, &inputs) {
            Some(known) => known,
            None => {
                let slot = self.layout.slot(frame);
                let made = Made { slot, what: What::Line(number, inputs.to_vec()) };
                match inside {
                    None => self.extras.root.push(made),
                    Some(inside) => self.extras.groups.push((inside.frame as u32 - 1, made)),
                }
                self.slow_lines.push(line.index);
                let op = Step { literal: 0, literal_len: 0, value: Write::Made, slot };
                return Some(Tree::Leaf { op, required: false, constant: None, line: number, inputs });
            }
        };
        let slot = match (&value, &inputs[..]) {
            (Write::Collect { .. } | Write::Nothing, _) => UNWANTED,
            (_, slots) => *slots.first()?,
        };
        let op = Step { literal: 0, literal_len: 0, value, slot };
        Some(Tree::Leaf { op, required: line.required, constant, line: number, inputs })
    }

    fn fast_form(&mut self, line: &Line, inputs: &[u32]) -> Option<(Write, Option<Run>)> {
        let one = |value| (inputs.len() == 1).then_some((value, None));
        match &line.op {
            Op::Copy => one(Write::Copy),
            Op::ParseInt => one(Write::Int),
            Op::ParseFloat => one(Write::Float),
            Op::Stringify => one(Write::Text),
            Op::ParseBool => one(Write::Bool),
            Op::Collect { skip_nulls: false, skip_empty: false } => {
                let from = self.lists.len() as u32;
                self.lists.extend(inputs);
                Some((Write::Collect { from, to: self.lists.len() as u32 }, None))
            }
            Op::Collect { .. } => None,
            Op::Call(function) => super::functions::known(function, &line.sources),
        }
    }

    /// A part of the output made as a whole, as the plain road does it.
    fn part(&mut self, node: &Node) -> Option<Tree> {
        let mut lines = Vec::new();
        lines_of(node, &mut lines);
        let mut parts = Parts::none();
        for source in lines.iter().flat_map(|line| &self.mapping.lines[*line].sources) {
            let keys = keys_of(source);
            match self.layout.find(&self.of_part(&keys)).map(|(frame, slot)| self.in_record(frame, slot)) {
                Some((0, slot)) => parts.add(keys.steps(), slot),
                Some(_) => return None,
                None => self.values.push(keys),
            }
        }
        let slot = self.layout.slot(0);
        self.slow_lines.extend(lines.iter().map(|line| self.mapping.lines[*line].index));
        self.extras.root.push(Made { slot, what: What::Part(node.clone(), parts) });
        let op = Step { literal: 0, literal_len: 0, value: Write::Made, slot };
        Some(Tree::Leaf { op, required: false, constant: None, line: 0, inputs: Box::default() })
    }

    /// The slot of a source in the frame where it is needed. What stands around an array comes into the frames
    /// of its elements too.
    fn input(&mut self, source: &FieldPath, frame: usize) -> Option<u32> {
        let (found, slot) = self.layout.find(&self.of_part(source))?;
        let in_split = self.split.as_ref().is_some_and(|(_, own, _)| *own == found);
        match self.in_record(found, slot) {
            (found, slot) if found == frame => Some(slot),
            (0, from) if !in_split => {
                let to = self.layout.slot(frame);
                self.extras.mirrors.push(Mirror { group: frame as u32 - 1, from, to });
                Some(to)
            }
            _ => None,
        }
    }

    /// The element of the split has its slots in the record's frame.
    fn in_record(&self, frame: usize, slot: u32) -> (usize, u32) {
        match &self.split {
            Some((_, own, base)) if *own == frame => (0, base + slot),
            _ => (frame, slot),
        }
    }

    fn of_part(&self, path: &FieldPath) -> FieldPath {
        of_part(self.mapping.split.as_ref().map(|(by, _)| by), path)
    }
}

/// A path of a part of a split record, as it is in the record before the split.
fn of_part(by: Option<&FieldPath>, path: &FieldPath) -> FieldPath {
    match by.filter(|by| by.contains(path)) {
        None => path.clone(),
        Some(by) => path.steps()[by.steps().len()..]
            .iter()
            .cloned()
            .fold(by.join(PathStep::Each), |path, step| path.join(step)),
    }
}

/// The part of an element that a condition looks at.
fn element_part(array: &FieldPath, path: &FieldPath) -> FieldPath {
    keys_of(path).steps().iter().cloned().fold(array.join(PathStep::Each), |path, step| path.join(step))
}

/// Whether two paths may name the same place as far as both go.
fn meet(a: &FieldPath, b: &FieldPath) -> bool {
    a.steps().iter().zip(b.steps()).all(|pair| match pair {
        (PathStep::Key(a), PathStep::Key(b)) => a == b,
        (PathStep::Key(_), _) | (_, PathStep::Key(_)) => false,
        _ => true,
    })
}

/// Whether a condition on the elements of an array changes what the path leads to otherwise than by leaving
/// whole elements out.
fn changes(array: &FieldPath, path: &FieldPath) -> bool {
    meet(array, path) && !array.join(PathStep::Each).contains(path)
}

fn lines_of(node: &Node, lines: &mut Vec<usize>) {
    match node {
        Node::Leaf(line) => lines.push(*line),
        Node::Object(fields) => fields.iter().for_each(|(_, node)| lines_of(node, lines)),
        Node::List(nodes) => nodes.iter().for_each(|node| lines_of(node, lines)),
        Node::Each(body) => lines_of(body, lines),
    }
}

/// Adds the steps of a record in which everything is there. `run` is the literal run so far.
fn flatten(tree: &Tree, run: &mut Vec<u8>, program: &mut Program, group: Option<u32>) {
    match tree {
        Tree::Leaf { op, constant: Some(bytes), .. } if op.value == Write::Nothing => {
            run.extend_from_slice(bytes.bytes());
        }
        Tree::Leaf { op, constant, .. } => {
            program.copies += match op.value {
                Write::Collect { from, to } => {
                    bound(program, group, (to - from) as usize);
                    (to - from) as usize
                }
                _ => 1,
            };
            bound(program, group, GROWTH + constant.as_ref().map_or(0, |constant| constant.bytes().len()));
            step(*op, run, program, group);
        }
        Tree::Object(fields) => {
            run.push(b'{');
            for (index, (key, field)) in fields.iter().enumerate() {
                if index > 0 {
                    run.push(b',');
                }
                run.extend_from_slice(key.bytes());
                flatten(field, run, program, group);
            }
            run.push(b'}');
        }
        Tree::List(items) => {
            run.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    run.push(b',');
                }
                flatten(item, run, program, group);
            }
            run.push(b']');
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

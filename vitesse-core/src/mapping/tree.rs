//! The shape of the output, grown from the destinations of the lines.

use super::compiled::{Line, Node};
use super::{FieldPath, Problem, Step};

/// The output while it grows; empty until the first line.
#[derive(Default)]
pub(super) struct Tree {
    root: Option<Node>,
}

impl Tree {
    /// Gives a line its place, or says which other line is in the way.
    pub(super) fn add(
        &mut self,
        dest: &FieldPath,
        line: usize,
        pointer: &str,
        lines: &[Line],
        problems: &mut Vec<Problem>,
    ) {
        let root = self.root.take();
        match grow(root, dest.steps(), line) {
            Ok(node) => self.root = Some(node),
            Err((node, conflict)) => {
                let other = lines.get(first_leaf(&conflict.with)).map_or(0, |line| line.index);
                let at = format!("{pointer}/dest_field");
                problems
                    .push(Problem::new(at, format!("{} line {other}", conflict.what)).help(conflict.help));
                self.root = Some(node);
            }
        }
    }

    /// Sees to it that something says how many elements each array has, and that no index is left out.
    pub(super) fn check_counts(&self, lines: &[Line], problems: &mut Vec<Problem>) {
        if let Some(root) = &self.root {
            check_counts(root, 0, lines, problems);
        }
    }

    /// The finished shape; without any line, an empty object.
    pub(super) fn into_node(self) -> Node {
        self.root.map_or(Node::Object(Vec::new()), tidy)
    }
}

struct Conflict {
    what: &'static str,
    help: &'static str,
    with: Node,
}

type Grown = Result<Node, (Node, Conflict)>;

/// The node with the line in it. Lists keep every index up to the largest; holes are told of later.
fn grow(node: Option<Node>, steps: &[Step], line: usize) -> Grown {
    let Some((step, rest)) = steps.split_first() else {
        return match node {
            None => Ok(Node::Leaf(line)),
            Some(node) => {
                let what = match node {
                    Node::Leaf(_) => "the same field is written by",
                    _ => "the field is written whole here and in parts by",
                };
                let help = "remove one, disable it, or write to another field";
                let with = node.clone();
                Err((node, Conflict { what, help, with }))
            }
        };
    };
    match (step, node) {
        (Step::Key(key), None) => {
            grow(None, rest, line).map(|inner| Node::Object(vec![(key.clone(), inner)]))
        }
        (Step::Key(key), Some(Node::Object(mut fields))) => {
            match fields.iter().position(|(known, _)| known == key) {
                None => {
                    // A fresh branch can't be in anybody's way.
                    if let Ok(inner) = grow(None, rest, line) {
                        fields.push((key.clone(), inner));
                    }
                    Ok(Node::Object(fields))
                }
                Some(at) => {
                    let inner = std::mem::replace(&mut fields[at].1, HOLE);
                    let (inner, conflict) = split(grow(Some(inner), rest, line));
                    fields[at].1 = inner;
                    join(Node::Object(fields), conflict)
                }
            }
        }
        (Step::Index(index), None) => {
            grow(Some(Node::List(Vec::new())), &[&[Step::Index(*index)], rest].concat(), line)
        }
        (Step::Index(index), Some(Node::List(mut items))) => {
            // An index far out would only reserve memory; the hole before it is told of anyway.
            let index = (*index).min(items.len() + 1024);
            if items.len() <= index {
                items.resize(index + 1, HOLE);
            }
            let inner = std::mem::replace(&mut items[index], HOLE);
            let (inner, conflict) = split(grow((inner != HOLE).then_some(inner), rest, line));
            items[index] = inner;
            join(Node::List(items), conflict)
        }
        (Step::Each, None) => grow(None, rest, line).map(|inner| Node::Each(Box::new(inner))),
        (Step::Each, Some(Node::Each(inner))) => {
            let (inner, conflict) = split(grow(Some(*inner), rest, line));
            join(Node::Each(Box::new(inner)), conflict)
        }
        (_, Some(node)) => {
            let what = match node {
                Node::Leaf(_) => "the field is written in parts here and whole by",
                _ => {
                    "the field can't be an object, an array by index and an array by [] at once, as here and in"
                }
            };
            let help = "let all lines agree on what the field is";
            let with = node.clone();
            Err((node, Conflict { what, help, with }))
        }
    }
}

/// Stands for an index that no line writes.
const HOLE: Node = Node::Leaf(usize::MAX);

fn split(grown: Grown) -> (Node, Option<Conflict>) {
    match grown {
        Ok(node) => (node, None),
        Err((node, conflict)) => (node, Some(conflict)),
    }
}

fn join(node: Node, conflict: Option<Conflict>) -> Grown {
    match conflict {
        None => Ok(node),
        Some(conflict) => Err((node, conflict)),
    }
}

fn first_leaf(node: &Node) -> usize {
    match node {
        Node::Leaf(line) => *line,
        Node::Object(fields) => fields.first().map_or(usize::MAX, |(_, node)| first_leaf(node)),
        Node::List(items) => items.iter().map(first_leaf).min().unwrap_or(usize::MAX),
        Node::Each(inner) => first_leaf(inner),
    }
}

fn leaves(node: &Node, found: &mut Vec<usize>) {
    match node {
        Node::Leaf(line) => found.push(*line),
        Node::Object(fields) => fields.iter().for_each(|(_, node)| leaves(node, found)),
        Node::List(items) => items.iter().for_each(|node| leaves(node, found)),
        Node::Each(inner) => leaves(inner, found),
    }
}

fn check_counts(node: &Node, level: usize, lines: &[Line], problems: &mut Vec<Problem>) {
    match node {
        Node::Leaf(_) => {}
        Node::Object(fields) => {
            fields.iter().for_each(|(_, node)| check_counts(node, level, lines, problems))
        }
        Node::List(items) => {
            if let Some(at) = items.iter().position(|item| *item == HOLE) {
                let after = items[at..].iter().find(|item| **item != HOLE).map_or(usize::MAX, first_leaf);
                let line = lines.get(after).map_or(0, |line| line.index);
                let pointer = format!("/transformations/{line}/dest_field");
                let message = format!("no line writes index {at} of this array");
                problems.push(Problem::new(pointer, message).help("count from 0 without gaps"));
            }
            items
                .iter()
                .filter(|item| **item != HOLE)
                .for_each(|node| check_counts(node, level, lines, problems));
        }
        Node::Each(inner) => {
            let mut found = Vec::new();
            leaves(inner, &mut found);
            let counted = found.iter().filter_map(|line| lines.get(*line)).any(|line| line.counts(level));
            if !counted {
                let line = lines.get(first_leaf(inner)).map_or(0, |line| line.index);
                let pointer = format!("/transformations/{line}/dest_field");
                let help = "take the value of one line from an array with [], collect several fields, or write an index like [0]";
                problems
                    .push(Problem::new(pointer, "nothing says how many elements this array has").help(help));
            }
            check_counts(inner, level + 1, lines, problems);
        }
    }
}

/// Without holes, for the case that they were told of.
fn tidy(node: Node) -> Node {
    match node {
        Node::Leaf(_) => node,
        Node::Object(fields) => {
            Node::Object(fields.into_iter().map(|(key, node)| (key, tidy(node))).collect())
        }
        Node::List(items) => Node::List(items.into_iter().filter(|item| *item != HOLE).map(tidy).collect()),
        Node::Each(inner) => Node::Each(Box::new(tidy(*inner))),
    }
}

use super::lookup::{Found, count, lookup};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::functions::convert;
use crate::mapping::{Compiled, FieldPath, Line, LineError, Node, Object, Op, Predicate, Step, Value};

/// The records to make from one: filtered, their arrays filtered, split. `None` if the filter leaves it out.
pub(super) fn parts(mapping: &Compiled, mut record: Value) -> Result<Option<Vec<Value>>> {
    if !mapping.takes_any && !matches!(record, Value::Object(_)) {
        let message = format!("a record is an object, {} was found", record.a_type());
        return Err(Error::new(ErrorKind::RecordInvalid, message)
            .in_operation("transform.apply")
            .help("take `$`, the whole record, or a path such as `[].id` where records are no objects"));
    }
    if let Some(filter) = &mapping.filter
        && !filter.holds(Some(&record))?
    {
        return Ok(None);
    }
    for (array, condition) in &mapping.element_filters {
        keep_elements(&mut record, array.steps(), condition)?;
    }
    let Some((by, keep_empty)) = &mapping.split else { return Ok(Some(vec![record])) };
    let elements = match by.find(&record) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(elements)) => elements.clone(),
        Some(other) => {
            let message = format!("a record is split by an array, {} was found", other.a_type());
            return Err(Error::new(ErrorKind::RecordInvalid, message)
                .in_operation("transform.apply")
                .with("split", by));
        }
    };
    if elements.is_empty() && *keep_empty {
        return Ok(Some(vec![record]));
    }
    let part = |element| {
        let mut part = record.clone();
        replace(&mut part, by.steps(), element);
        part
    };
    Ok(Some(elements.into_iter().map(part).collect()))
}

/// Makes one record.
pub(super) fn record(mapping: &Compiled, record: &Value) -> Result<Value> {
    let evaluation = Evaluation { mapping, record };
    let made = evaluation.node(&mapping.output, &mut Vec::new(), true)?;
    Ok(made.unwrap_or_default())
}

/// A part of the output at the top level, from a record that has what its lines look at.
pub(in crate::transform) fn part(mapping: &Compiled, node: &Node, record: &Value) -> Result<Option<Value>> {
    Evaluation { mapping, record }.node(node, &mut Vec::new(), false)
}

/// What a line gives for the values of its sources, after its own rule for errors. None of the sources may
/// stand for many values.
pub(in crate::transform) fn line(line: &Line, inputs: Vec<Option<Value>>) -> Result<Option<Value>> {
    settle(line, operation(line, inputs))
}

struct Evaluation<'a> {
    mapping: &'a Compiled,
    record: &'a Value,
}

impl Evaluation<'_> {
    /// A part of the output, at the elements that `indexes` says. An object without fields is nothing, unless
    /// it must be there: as the root, and as an element that others are counted by.
    fn node(&self, node: &Node, indexes: &mut Vec<usize>, must_be: bool) -> Result<Option<Value>> {
        match node {
            Node::Leaf(line) => self.line(&self.mapping.lines[*line], indexes),
            Node::Object(fields) => {
                let mut object = Object::new();
                for (key, node) in fields {
                    if let Some(value) = self.node(node, indexes, false)? {
                        object.insert(key.as_str(), value);
                    }
                }
                Ok((must_be || !object.is_empty()).then_some(Value::Object(object)))
            }
            Node::List(nodes) => {
                let mut items = Vec::new();
                for node in nodes {
                    items.extend(self.node(node, indexes, false)?);
                }
                Ok((!items.is_empty()).then_some(Value::Array(items)))
            }
            Node::Each(element) => {
                let Some(length) = self.length(element, indexes)? else { return Ok(None) };
                let mut items = Vec::new();
                for index in 0..length {
                    indexes.push(index);
                    let item = self.node(element, indexes, true);
                    indexes.pop();
                    items.extend(item?);
                }
                Ok(Some(Value::Array(items)))
            }
        }
    }

    /// How many elements an array of the output has: as many as the longest array that a line beneath it
    /// walks through at this level. `None` if there is no such array.
    fn length(&self, node: &Node, indexes: &[usize]) -> Result<Option<usize>> {
        match node {
            Node::Leaf(line) => self.line_length(&self.mapping.lines[*line], indexes),
            Node::Object(fields) => self.longest(fields.iter().map(|(_, node)| node), indexes),
            Node::List(nodes) => self.longest(nodes.iter(), indexes),
            Node::Each(element) => self.length(element, indexes),
        }
    }

    fn longest<'n>(&self, nodes: impl Iterator<Item = &'n Node>, indexes: &[usize]) -> Result<Option<usize>> {
        nodes.map(|node| self.length(node, indexes)).try_fold(None, |longest, next| Ok(longest.max(next?)))
    }

    fn line_length(&self, line: &Line, indexes: &[usize]) -> Result<Option<usize>> {
        let strict = self.mapping.strict;
        let length = if line.spread && indexes.len() + 1 == line.dest.depth() {
            self.collect(line, indexes).map(|collected| collected.map(|values| values.len()))
        } else {
            line.sources.iter().try_fold(None, |longest: Option<usize>, source| {
                Ok(longest.max(count(self.record, source, indexes, strict)?))
            })
        };
        match (length, line.on_error) {
            (Err(error), LineError::Fail) => Err(located(error, line)),
            // A line that is allowed to fail has no say in how many elements there are.
            (Err(_), _) => Ok(None),
            (length, _) => length,
        }
    }

    /// What a line gives, after its own rule for errors.
    fn line(&self, line: &Line, indexes: &[usize]) -> Result<Option<Value>> {
        settle(line, self.operation(line, indexes))
    }

    fn operation(&self, line: &Line, indexes: &[usize]) -> Result<Option<Value>> {
        if !matches!(line.op, Op::Collect { .. }) {
            let inputs = line.sources.iter().map(|source| self.value(source, indexes));
            return operation(line, inputs.collect::<Result<_>>()?);
        }
        if !line.spread {
            return Ok(self.collect(line, indexes)?.map(Value::Array));
        }
        let (element, outer) = indexes.split_last().map_or((0, indexes), |(last, outer)| (*last, outer));
        let collected = self.collect(line, outer)?;
        Ok(collected.and_then(|values| values.into_iter().nth(element)))
    }

    fn value(&self, source: &FieldPath, indexes: &[usize]) -> Result<Option<Value>> {
        Ok(lookup(self.record, source, indexes, self.mapping.strict)?.map(|found| match found {
            Found::One(value) => value.clone(),
            Found::Many(values) => Value::Array(values.into_iter().cloned().collect()),
        }))
    }

    /// The values of all sources that are there; `None` if none is.
    fn collect(&self, line: &Line, indexes: &[usize]) -> Result<Option<Vec<Value>>> {
        let mut collected = None;
        for source in &line.sources {
            let values = match lookup(self.record, source, indexes, self.mapping.strict)? {
                None => continue,
                Some(Found::One(value)) => vec![value],
                Some(Found::Many(values)) => values,
            };
            let kept = values.into_iter().filter(|value| collects(&line.op, value));
            collected.get_or_insert_with(Vec::new).extend(kept.cloned());
        }
        Ok(collected)
    }
}

fn operation(line: &Line, mut inputs: Vec<Option<Value>>) -> Result<Option<Value>> {
    let convert: fn(&Value) -> Result<Value> = match &line.op {
        Op::Copy => return Ok(inputs.first_mut().and_then(Option::take)),
        Op::Call(function) => {
            return function.call(&inputs.iter().map(Option::as_ref).collect::<Vec<_>>());
        }
        Op::Collect { .. } => {
            let all: Vec<Value> = inputs.into_iter().flatten().collect();
            let kept = |all: Vec<Value>| all.into_iter().filter(|value| collects(&line.op, value)).collect();
            return Ok((!all.is_empty()).then(|| Value::Array(kept(all))));
        }
        Op::ParseInt => convert::parse_int,
        Op::ParseFloat => convert::parse_float,
        Op::Stringify => |value| Ok(convert::stringify(value)),
        Op::ParseBool => convert::parse_bool,
    };
    // Missing stays missing, and null null.
    match inputs.first().and_then(Option::as_ref) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(Value::Null)),
        Some(value) => convert(value).map(Some),
    }
}

/// Whether a collection takes the value.
fn collects(op: &Op, value: &Value) -> bool {
    let Op::Collect { skip_nulls, skip_empty } = op else { return true };
    !(*skip_nulls && value.is_null() || *skip_empty && value.as_str().is_some_and(str::is_empty))
}

/// The line's own rule for errors.
fn settle(line: &Line, made: Result<Option<Value>>) -> Result<Option<Value>> {
    let made = made.and_then(|made| match made {
        None if line.required => Err(Error::new(ErrorKind::RecordInvalid, "a required field is missing")
            .in_operation("transform.apply")),
        made => Ok(made),
    });
    match (made, line.on_error) {
        (Err(error), LineError::Fail) => Err(located(error, line)),
        (Err(_), LineError::Null) => Ok(Some(Value::Null)),
        (Err(_), LineError::Default) => Ok(Some(line.default.clone())),
        (Err(_), LineError::Skip) => Ok(None),
        (made, _) => made,
    }
}

fn located(error: Error, line: &Line) -> Error {
    error.with("line", line.index).with("field", &line.dest)
}

/// Leaves out the elements of the array at `steps` that don't meet the condition.
fn keep_elements(value: &mut Value, steps: &[Step], condition: &Predicate) -> Result<()> {
    match (steps.split_first(), value) {
        (None, Value::Array(items)) => {
            let mut kept = Vec::new();
            for item in std::mem::take(items) {
                if condition.holds(Some(&item))? {
                    kept.push(item);
                }
            }
            *items = kept;
        }
        (Some((Step::Key(key), rest)), Value::Object(object)) => {
            if let Some(inner) = object.get_mut(key) {
                keep_elements(inner, rest, condition)?;
            }
        }
        (Some((Step::Index(index), rest)), Value::Array(items)) => {
            if let Some(inner) = items.get_mut(*index) {
                keep_elements(inner, rest, condition)?;
            }
        }
        (Some((Step::Each, rest)), Value::Array(items)) => {
            for item in items {
                keep_elements(item, rest, condition)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn replace(value: &mut Value, steps: &[Step], with: Value) {
    match (steps.split_first(), value) {
        (None, value) => *value = with,
        (Some((Step::Key(key), rest)), Value::Object(object)) => {
            if let Some(inner) = object.get_mut(key) {
                replace(inner, rest, with);
            }
        }
        (Some((Step::Index(index), rest)), Value::Array(items)) => {
            if let Some(inner) = items.get_mut(*index) {
                replace(inner, rest, with);
            }
        }
        _ => {}
    }
}

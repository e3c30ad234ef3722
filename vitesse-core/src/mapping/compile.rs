//! From the document to its ready form, every mistake told at once.

use super::compiled::{Compiled, Line, Op};
use super::document::{LineError, Mapping, Strictness, TransformType, Transformation};
use super::functions::{Functions, Inputs};
use super::predicate::Predicate;
use super::tree::Tree;
use super::value::Object;
use super::{FieldPath, Problem, Problems, Step, Value, connection};
use crate::error::did_you_mean;

impl Mapping {
    /// Checks what the document says and makes it ready to run.
    ///
    /// # Errors
    /// Everything that is wrong, at once, each with its line, its place and what helps.
    ///
    /// ```
    /// use vitesse_core::mapping::{Functions, Mapping};
    /// let mapping = Mapping::parse(br#"{"version": 1, "transformations": [
    ///     {"source_field": "a", "dest_field": "x", "transform_type": "custom", "transform_config": {"function": "splitt"}},
    ///     {"source_field": "b", "dest_field": "x.y", "transform_type": "mapping"}
    /// ]}"#).unwrap();
    /// let problems = mapping.compile(&Functions::builtin()).unwrap_err();
    /// assert_eq!(problems.0.len(), 2);
    /// assert_eq!((problems.0[0].line, problems.0[1].line), (Some(0), Some(1)));
    /// ```
    pub fn compile(&self, functions: &Functions) -> Result<Compiled, Problems> {
        let mut problems = Vec::new();
        let mut tree = Tree::default();
        let mut lines: Vec<Line> = Vec::new();
        for (index, line) in self.transformations.iter().enumerate() {
            let pointer = format!("/transformations/{index}");
            let ready = resolve(line, index, &pointer, functions, &mut problems);
            if !line.enabled {
                continue;
            }
            tree.add(&line.dest_field, lines.len(), &pointer, &lines, &mut problems);
            // A line that is wrong in itself still claims its place in the output.
            lines.push(ready.unwrap_or_else(|| blank(line, index)));
        }
        tree.check_counts(&lines, &mut problems);
        let mut predicate =
            |condition, pointer: &str| Predicate::new(condition, pointer, functions, &mut problems);
        let filter = self.filter.as_ref().and_then(|condition| predicate(condition, "/filter"));
        let mut element_filters = Vec::new();
        for (at, filter) in self.element_filters.iter().enumerate() {
            let ready = predicate(&filter.condition, &format!("/element_filters/{at}/where"));
            element_filters.extend(ready.map(|ready| (filter.array.clone(), ready)));
        }
        // Outer arrays first, so that inner ones of dropped elements aren't looked at.
        element_filters.sort_by_key(|(path, _)| path.steps().len());
        if let Some(split) = &self.split
            && split.by.depth() > 0
        {
            let help = format!("write {:?} for the array itself", split.by.to_string().replace("[]", ""));
            problems.push(Problem::new("/split/by", "the array of a split is named without []").help(help));
        }
        connection::check(self, functions, &mut problems);
        if !problems.is_empty() {
            problems.sort_by_key(|problem| problem.line.map_or((0, 0), |line| (1, line)));
            return Err(Problems(problems));
        }
        let begins_at_a_key = |path: &FieldPath| matches!(path.steps().first(), Some(Step::Key(_)));
        let takes_any = !lines.iter().flat_map(|line| &line.sources).all(begins_at_a_key);
        Ok(Compiled {
            lines,
            takes_any,
            output: tree.into_node(),
            filter,
            split: self.split.as_ref().map(|split| (split.by.clone(), split.keep_empty)),
            element_filters,
            strict: self.strictness == Strictness::Strict,
            on_error: self.on_error,
        })
    }

    /// Checks what the document says. The same as [`Mapping::compile`] for those who only want to know.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn validate(&self, functions: &Functions) -> Result<(), Problems> {
        self.compile(functions).map(drop)
    }

    /// The enabled lines that name a function which is not among the given ones, with its name: what a runtime
    /// lacks that listed these.
    ///
    /// ```
    /// use vitesse_core::mapping::Mapping;
    /// let mapping = Mapping::parse(br#"{"version": 1, "transformations": [
    ///     {"source_field": "a", "dest_field": "x", "transform_type": "custom", "transform_config": {"function": "shout"}}
    /// ]}"#).unwrap();
    /// assert_eq!(mapping.lines_beyond(["upper"]), [(0, "shout".to_owned())]);
    /// ```
    pub fn lines_beyond<'n>(&self, known: impl IntoIterator<Item = &'n str>) -> Vec<(usize, String)> {
        let known: std::collections::HashSet<&str> = known.into_iter().collect();
        let lines = self.transformations.iter().enumerate();
        lines
            .filter(|(_, line)| line.enabled && line.transform_type == TransformType::Custom)
            .filter_map(|(index, line)| Some((index, line.transform_config.get("function")?.as_str()?)))
            .filter(|(_, name)| !known.contains(name))
            .map(|(index, name)| (index, name.to_owned()))
            .collect()
    }

    /// The lines that call functions of the host program, with the functions' names: they work in this process
    /// only and can't be deployed.
    pub fn host_lines(&self, functions: &Functions) -> Vec<(usize, String)> {
        let name = |line: &Transformation| Some(line.transform_config.get("function")?.as_str()?.to_owned());
        self.transformations
            .iter()
            .enumerate()
            .filter(|(_, line)| line.transform_type == TransformType::Custom)
            .filter_map(|(index, line)| Some((index, name(line)?)))
            .filter(|(_, name)| functions.is_from_host(name))
            .collect()
    }
}

/// One line, resolved; `None` if something is wrong with it.
fn resolve(
    line: &Transformation,
    index: usize,
    pointer: &str,
    functions: &Functions,
    problems: &mut Vec<Problem>,
) -> Option<Line> {
    let before = problems.len();
    let op = operation(line, pointer, functions, problems);
    let sources = &line.source_field.paths;
    let depth = line.dest_field.depth();
    let deepest = sources.iter().map(FieldPath::depth).max().unwrap_or(0);
    let gathers = matches!(line.transform_type, TransformType::Collect | TransformType::Custom);
    if deepest > depth && !gathers {
        let help = format!(
            "give the destination {deepest} [], or make one value of the array with a function such as first or join"
        );
        let message = format!("the source goes through {deepest} [], the destination through {depth}");
        problems.push(Problem::new(format!("{pointer}/dest_field"), message).help(help));
    }
    match (line.on_error, &line.default) {
        (LineError::Default, None) => {
            let help = "add \"default\", or choose another on_error";
            problems.push(Problem::new(pointer, "on_error is default, but there is no default").help(help));
        }
        (LineError::Default, Some(_)) | (_, None) => {}
        (_, Some(_)) => {
            let help = "set on_error to \"default\"; for missing values use the function default";
            problems.push(Problem::new(format!("{pointer}/default"), "the default is never used").help(help));
        }
    }
    if let Some(confidence) = line.confidence
        && !(0.0..=1.0).contains(&confidence)
    {
        problems.push(Problem::new(format!("{pointer}/confidence"), "a confidence is from 0 to 1"));
    }
    (problems.len() == before).then_some(())?;
    Some(Line {
        op: op?,
        spread: line.transform_type == TransformType::Collect && depth > deepest,
        ..blank(line, index)
    })
}

fn blank(line: &Transformation, index: usize) -> Line {
    Line {
        index,
        sources: line.source_field.paths.clone(),
        dest: line.dest_field.clone(),
        op: Op::Copy,
        on_error: line.on_error,
        default: line.default.clone().unwrap_or_default(),
        required: line.required,
        spread: false,
    }
}

fn operation(
    line: &Transformation,
    pointer: &str,
    functions: &Functions,
    problems: &mut Vec<Problem>,
) -> Option<Op> {
    let config = &line.transform_config;
    let name = line.transform_type.name();
    let sources = line.source_field.paths.len();
    let known: &[&str] = match line.transform_type {
        TransformType::Custom => &["function", "params"],
        TransformType::Parse => &["function"],
        TransformType::Collect => &["skip_nulls", "skip_empty"],
        _ => &[],
    };
    check_keys(config, known, name, pointer, problems);
    let wants = match line.transform_type {
        TransformType::Custom => Inputs::Any,
        TransformType::Collect => Inputs::Many,
        _ => Inputs::One,
    };
    check_sources(sources, wants, &format!("the type {name}"), pointer, problems);
    match line.transform_type {
        TransformType::Direct | TransformType::Mapping => Some(Op::Copy),
        TransformType::Stringify => Some(Op::Stringify),
        TransformType::ParseBool => Some(Op::ParseBool),
        TransformType::Collect => {
            let mut flag = |key: &str| match config.get(key) {
                None => false,
                Some(Value::Bool(flag)) => *flag,
                Some(other) => {
                    let message = format!("true or false was expected, {} was found", other.a_type());
                    problems.push(Problem::new(format!("{pointer}/transform_config/{key}"), message));
                    false
                }
            };
            Some(Op::Collect { skip_nulls: flag("skip_nulls"), skip_empty: flag("skip_empty") })
        }
        TransformType::Parse => match config.get("function").and_then(Value::as_str) {
            Some("parse_int") => Some(Op::ParseInt),
            Some("parse_float") => Some(Op::ParseFloat),
            other => {
                let help = other
                    .and_then(|name| did_you_mean(name, ["parse_int", "parse_float"]))
                    .unwrap_or_else(|| "name \"parse_int\" or \"parse_float\" there".to_owned());
                let message = "parse doesn't say what to parse to";
                problems
                    .push(Problem::new(format!("{pointer}/transform_config/function"), message).help(help));
                None
            }
        },
        TransformType::Custom => {
            let Some(function) = config.get("function").and_then(Value::as_str) else {
                let help = "name one: {\"function\": \"split\", \"params\": {}}";
                let at = format!("{pointer}/transform_config/function");
                problems.push(Problem::new(at, "custom names no function").help(help));
                return None;
            };
            let empty = Object::new();
            let params = match config.get("params") {
                None => &empty,
                Some(Value::Object(params)) => params,
                Some(other) => {
                    let message = format!("an object was expected, {} was found", other.a_type());
                    problems.push(Problem::new(format!("{pointer}/transform_config/params"), message));
                    return None;
                }
            };
            if let (false, Some(found)) = (functions.is_from_host(function), Functions::find(function)) {
                check_sources(sources, found.inputs, &format!("the function {function}"), pointer, problems);
            }
            match functions.ready(function, params) {
                Ok(ready) => Some(Op::Call(ready)),
                Err(wrong) => {
                    problems.extend(wrong.into_iter().map(|(at, message, help)| {
                        Problem::new(format!("{pointer}/transform_config/{at}"), message).maybe_help(help)
                    }));
                    None
                }
            }
        }
    }
}

fn check_keys(config: &Object, known: &[&str], name: &str, pointer: &str, problems: &mut Vec<Problem>) {
    for key in config.keys().filter(|key| !known.contains(key) && !super::part::is_extension(key)) {
        let help = did_you_mean(key, known.iter().copied()).unwrap_or_else(|| match known {
            [] => format!("{name} takes no settings"),
            _ => format!("{name} takes {}", known.join(", ")),
        });
        let at = format!("{pointer}/transform_config/{key}");
        problems.push(Problem::new(at, "there is no such key").help(help));
    }
}

fn check_sources(count: usize, wants: Inputs, who: &str, pointer: &str, problems: &mut Vec<Problem>) {
    let wanted = match wants {
        Inputs::None if count > 0 => "no field",
        Inputs::One if count != 1 => "exactly one field",
        Inputs::Many if count == 0 => "one or more fields",
        _ => return,
    };
    let message = format!("{who} takes {wanted}, {count} are given");
    problems.push(Problem::new(format!("{pointer}/source_field"), message));
}

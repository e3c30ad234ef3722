//! YAML text to a [`Tree`], by the core schema of YAML 1.2.
//!
//! An alias is a node that names another, so a document of a few lines can't become a huge one. Merge keys
//! (`<<`) are expanded once, name by name, up to a limit.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::json::{SyntaxError, is_number};
use super::mend;
use super::tree::{Kind, MAX_DEPTH, Node, Tree};
use crate::spec::{Action, DiagnosticKind};

/// How many members merge keys may add to a document in all.
const MOST_MERGED: usize = 1_000_000;

/// Reads YAML; where it isn't, as its writer must have meant it, if there is one such way.
pub(crate) fn parse(text: &str) -> Result<Tree<'static>, SyntaxError> {
    let error = match strict(text) {
        Ok(tree) => return Ok(tree),
        Err(error) => error,
    };
    let Some((mut tree, mended)) = mend::parse(text, &error, strict) else { return Err(error) };
    for (line, what) in mended {
        let lines = tree.lines.as_deref().unwrap_or_default();
        let node = lines.iter().position(|of| *of as usize >= line).unwrap_or_default();
        tree.fault(node, DiagnosticKind::LooseSyntax, Action::Repaired, what);
    }
    Ok(tree)
}

fn strict(text: &str) -> Result<Tree<'static>, SyntaxError> {
    let mut reader =
        Reader { tree: Tree::over(Cow::Owned(String::with_capacity(text.len()))), ..Reader::default() };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| SyntaxError {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            message: error.info().to_owned(),
        })?;
        reader.line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents == 2 {
                reader.tree.fault(
                    0,
                    DiagnosticKind::LooseSyntax,
                    Action::Skipped,
                    "only the first document is read",
                );
                break;
            }
        }
        reader.event(event);
    }
    if reader.tree.nodes.is_empty() {
        reader.scalar(Kind::Null, "");
    }
    reader.tree.lines = Some(reader.lines);
    Ok(reader.tree)
}

#[derive(Default)]
struct Reader {
    tree: Tree<'static>,
    lines: Vec<u32>,
    line: u32,
    open: Vec<Open>,
    anchors: HashMap<usize, u32>,
    /// How deep inside a part that is passed over.
    skipping: usize,
    merged: usize,
}

struct Open {
    node: usize,
    object: bool,
    /// In an object: whether a key was read and its value is next.
    has_key: bool,
    merges: Vec<usize>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::SequenceStart(anchor, _) => self.begin(false, anchor),
            Event::MappingStart(anchor, _) => self.begin(true, anchor),
            Event::SequenceEnd | Event::MappingEnd if self.skipping > 0 => {
                self.skipping -= 1;
                if self.skipping == 0 {
                    self.skipped();
                }
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ if self.skipping > 0 => {}
            Event::Alias(anchor) => self.alias(anchor),
            Event::Scalar(text, style, anchor, tag) => {
                if anchor > 0 {
                    self.anchors.insert(anchor, self.tree.nodes.len() as u32);
                }
                let tag = tag.filter(|tag| tag.is_yaml_core_schema());
                let tag = tag.as_ref().map(|tag| tag.suffix.as_str());
                if self.at_key() {
                    self.key(&text, style == ScalarStyle::Plain && text == "<<");
                } else if tag == Some("str") || (style != ScalarStyle::Plain && tag.is_none()) {
                    self.scalar(Kind::Text, &text);
                } else {
                    self.plain(&text);
                }
                self.value_done();
            }
            _ => {}
        }
    }

    fn at_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.object && !open.has_key)
    }

    /// After a key, a value is next; after a value, a key.
    fn value_done(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.has_key = open.object && !open.has_key;
        }
    }

    fn push(&mut self, node: Node) {
        self.tree.nodes.push(node);
        self.lines.push(self.line);
    }

    fn scalar(&mut self, kind: Kind, text: &str) {
        let start = self.tree.text.len();
        self.tree.text.to_mut().push_str(text);
        self.push(Node::new(kind, start, text.len()));
    }

    fn key(&mut self, text: &str, merge: bool) {
        let node = self.tree.nodes.len();
        self.scalar(if merge { Kind::Dropped } else { Kind::Text }, text);
        if merge && let Some(open) = self.open.last_mut() {
            open.merges.push(node);
        }
    }

    fn plain(&mut self, text: &str) {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => self.scalar(Kind::Null, ""),
            "true" | "True" | "TRUE" => self.scalar(Kind::True, "true"),
            "false" | "False" | "FALSE" => self.scalar(Kind::False, "false"),
            _ => {
                let node = self.tree.nodes.len();
                let first = text.as_bytes()[0];
                if first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.') {
                    if let Some(number) = number(text) {
                        if first == b'0' && text.len() > 1 && text.bytes().all(|b| b.is_ascii_digit()) {
                            let message = format!("{text} is {number} in YAML 1.2 and octal in YAML 1.1");
                            self.tree.fault(node, DiagnosticKind::YamlPitfall, Action::None, message);
                        }
                        return self.scalar(Kind::Number, &number);
                    }
                    if matches!(
                        text.trim_start_matches(['+', '-']),
                        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN"
                    ) {
                        let message = format!("{text} has no JSON form; it is read as a text");
                        self.tree.fault(node, DiagnosticKind::YamlPitfall, Action::Repaired, message);
                    }
                } else if text.len() <= 3
                    && ["yes", "no", "on", "off"].iter().any(|w| text.eq_ignore_ascii_case(w))
                {
                    let message = format!("{text} is a text in YAML 1.2 and a boolean in YAML 1.1");
                    self.tree.fault(node, DiagnosticKind::YamlPitfall, Action::None, message);
                }
                self.scalar(Kind::Text, text);
            }
        }
    }

    fn begin(&mut self, object: bool, anchor: usize) {
        if self.skipping > 0 {
            self.skipping += 1;
            return;
        }
        // A key that is no scalar has no JSON form; its member is passed over.
        if self.at_key() || self.open.len() >= MAX_DEPTH {
            self.skipping = 1;
            return;
        }
        let node = self.tree.nodes.len();
        if anchor > 0 {
            self.anchors.insert(anchor, node as u32);
        }
        self.open.push(Open { node, object, has_key: false, merges: Vec::new() });
        let start = self.tree.text.len();
        self.push(Node::new(if object { Kind::Object } else { Kind::List }, start, 0));
    }

    fn skipped(&mut self) {
        let node = self.tree.nodes.len();
        if self.at_key() {
            let message = "a key that isn't a scalar has no JSON form; its member is left out";
            self.tree.fault(node, DiagnosticKind::WrongType, Action::Skipped, message);
            self.scalar(Kind::Dropped, "");
        } else {
            let message = format!("nested deeper than {MAX_DEPTH}");
            self.tree.fault(node, DiagnosticKind::TooDeep, Action::Skipped, message);
            self.scalar(Kind::Null, "");
        }
        self.value_done();
    }

    fn alias(&mut self, anchor: usize) {
        let node = self.tree.nodes.len();
        let target = self.anchors.get(&anchor).copied();
        let inside = target.is_some_and(|target| self.open.iter().any(|open| open.node == target as usize));
        match target {
            Some(target) if self.at_key() => {
                let name = self.tree.val(target).scalar().unwrap_or_default().into_owned();
                self.key(&name, false);
            }
            Some(target) if !inside => self.push(Node::new(Kind::Alias, target as usize, 0)),
            _ => {
                let message = "an alias leads to what it is part of, or nowhere";
                self.tree.fault(node, DiagnosticKind::CircularReference, Action::Skipped, message);
                self.scalar(Kind::Null, "");
            }
        }
        self.value_done();
    }

    fn end(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let end = self.tree.nodes.len();
        self.tree.nodes[open.node].set_len(end);
        if open.object {
            self.tree.drop_duplicates(open.node);
            if !open.merges.is_empty() {
                self.merge(&open);
                let end = self.tree.nodes.len();
                self.tree.nodes[open.node].set_len(end);
            }
        }
        self.value_done();
    }

    /// Adds the members of merged mappings that the mapping itself doesn't have.
    fn merge(&mut self, open: &Open) {
        let mut added: Vec<(Node, u32)> = Vec::new();
        {
            let own = self.tree.val(open.node as u32);
            let mut names: HashSet<String> = own.members().map(|(name, _)| name.into_owned()).collect();
            for key in &open.merges {
                let value = self.tree.val(*key as u32 + 1);
                let sources: Vec<_> = if value.is_list() { value.items().collect() } else { vec![value] };
                for source in sources {
                    let start = source.node() as usize;
                    let mut at = start + 1;
                    while source.is_object() && at < self.tree.after(start) {
                        let name = self.tree.val(at as u32).as_str();
                        if let Some(name) = name
                            && names.insert(name.into_owned())
                        {
                            added.push((self.tree.nodes[at], self.tree.val(at as u32 + 1).node()));
                        }
                        at = self.tree.after(at + 1);
                    }
                }
            }
        }
        self.merged += added.len();
        if self.merged > MOST_MERGED {
            let message = format!("merge keys add more than {MOST_MERGED} members");
            self.tree.fault(open.node, DiagnosticKind::TooMany, Action::Skipped, message);
            return;
        }
        for (key, value) in added {
            self.push(key);
            self.push(Node::new(Kind::Alias, value as usize, 0));
        }
    }
}

/// The JSON form of a number of the core schema.
fn number(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().map(|n| format!("{sign}{n}"));
    if let Some(octal) = digits.strip_prefix("0o") {
        return radix(octal, 8);
    }
    if let Some(hex) = digits.strip_prefix("0x") {
        return radix(hex, 16);
    }
    let end = digits.find(['.', 'e', 'E']).unwrap_or(digits.len());
    let (whole, rest) = digits.split_at(end);
    let (fraction, exponent) = rest.split_at(rest.find(['e', 'E']).unwrap_or(rest.len()));
    if whole.is_empty() && fraction.len() < 2 {
        return None;
    }
    let trimmed = whole.trim_start_matches('0');
    let whole = if trimmed.is_empty() { "0" } else { trimmed };
    let fraction = if fraction == "." { ".0" } else { fraction };
    let number = format!("{sign}{whole}{fraction}{exponent}");
    is_number(number.as_bytes()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(text: &str) -> String {
        parse(text).unwrap().root().to_json(100_000).unwrap()
    }

    #[test]
    fn the_core_schema_decides_what_scalars_are() {
        assert_eq!(
            back(
                "[no, on, 'true', True, ~, 007, 0o17, 0x1F, +1, .5, 1., 1e3, 2024-01-02, 1.10, 12:30, !!str 1, 1_000]"
            ),
            r#"["no","on","true",true,null,7,15,31,1,0.5,1.0,1e3,"2024-01-02",1.10,"12:30","1","1_000"]"#
        );
        assert_eq!(back("200: a\non: b\nnull: c"), r#"{"200":"a","on":"b","null":"c"}"#);
        assert_eq!(parse("a: yes\nb: 010").unwrap().faults.len(), 2);
    }

    #[test]
    fn aliases_merge_keys_and_duplicates() {
        let text = "base: &b {x: 1, y: 2}\none:\n  <<: *b\n  y: 3\ntwo: {<<: [*b, {z: 4}], x: 5}\nsame: *b\n";
        assert_eq!(
            back(text),
            r#"{"base":{"x":1,"y":2},"one":{"y":3,"x":1},"two":{"x":5,"y":2,"z":4},"same":{"x":1,"y":2}}"#
        );
        let doubled = parse("a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(doubled.root().to_json(99).unwrap(), r#"{"b":2,"a":3}"#);
        assert_eq!(doubled.lines_of(&[doubled.faults[0].node]), [3]);
    }

    #[test]
    fn a_small_document_stays_small() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for n in 1..40 {
            let items = vec![format!("*a{}", n - 1); 9].join(", ");
            text.push_str(&format!("a{n}: &a{n} [{items}]\n"));
        }
        let tree = parse(&text).unwrap();
        assert!(tree.nodes.len() < 1000);
        assert_eq!(tree.root().to_json(1_000_000), None);
        assert_eq!(back("a: &a [1, *a]"), r#"{"a":[1,null]}"#);
    }

    #[test]
    fn depth_is_bounded() {
        // The reader of events has a limit of its own for brackets; indentation has none.
        let deep: String = (0..400).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
        let tree = parse(&deep).unwrap();
        assert_eq!(tree.faults[0].kind, DiagnosticKind::TooDeep);
        let many = "[".repeat(100_000);
        assert!(parse(&many).is_err());
    }

    #[test]
    fn faults_are_located() {
        let fault = parse("a: 1\nb: [1, 2\nc: 3\n").map(|_| ()).unwrap_err();
        assert!(fault.line >= 2, "{fault:?}");
    }
}

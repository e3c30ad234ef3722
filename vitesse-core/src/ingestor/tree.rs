//! A document as a flat list of small nodes over its text.
//!
//! A node is eight bytes: where its text begins, its kind, and how long its text is or where its last child
//! ends. Nothing is copied and nothing is boxed, so a tree is about half the size of a document at most, and
//! looking for a member is a walk over neighbours. JSON nodes point into the document itself; YAML nodes
//! into a buffer of the scalars' texts.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Write as _;

use super::fast::Map;
use crate::spec::{Action, DiagnosticKind};

/// How deep documents may be nested; real ones stay below 60.
pub(crate) const MAX_DEPTH: usize = 256;

/// The largest text a tree can hold: lengths and positions have 28 bits.
pub(crate) const MAX_TEXT: usize = (1 << 28) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Null,
    False,
    True,
    Number,
    /// A text that stands in the buffer as it is.
    Text,
    /// A text with escapes.
    Escaped,
    List,
    Object,
    /// A YAML alias; the position is that of the node it stands for.
    Alias,
    /// A key that doesn't count: a later one has the same name.
    Dropped,
}

const KINDS: [Kind; 10] = [
    Kind::Null,
    Kind::False,
    Kind::True,
    Kind::Number,
    Kind::Text,
    Kind::Escaped,
    Kind::List,
    Kind::Object,
    Kind::Alias,
    Kind::Dropped,
];

#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) at: u32,
    info: u32,
}

impl Node {
    pub(crate) fn new(kind: Kind, at: usize, len: usize) -> Self {
        Self { at: at as u32, info: (kind as u32) << 28 | (len as u32 & 0x0fff_ffff) }
    }

    pub(crate) fn kind(self) -> Kind {
        KINDS.get((self.info >> 28) as usize).copied().unwrap_or(Kind::Null)
    }

    /// The length of a scalar, or the position after the last child.
    pub(crate) fn len(self) -> usize {
        (self.info & 0x0fff_ffff) as usize
    }

    pub(crate) fn set_len(&mut self, len: usize) {
        self.info = self.info & 0xf000_0000 | (len as u32 & 0x0fff_ffff);
    }

    fn is_container(self) -> bool {
        matches!(self.kind(), Kind::List | Kind::Object)
    }
}

/// A fault that the reader of the text found, at a node.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) node: u32,
    pub(crate) kind: DiagnosticKind,
    pub(crate) action: Action,
    pub(crate) message: String,
}

/// One document.
#[derive(Debug, Default)]
pub(crate) struct Tree<'t> {
    pub(crate) text: Cow<'t, str>,
    pub(crate) nodes: Vec<Node>,
    /// The line of each node, where the text's own positions don't tell.
    pub(crate) lines: Option<Vec<u32>>,
    pub(crate) faults: Vec<Fault>,
    /// Which document it is of those that are read together.
    pub(crate) number: u32,
    /// The members of large objects by name, made when first asked for.
    index: RefCell<Map<u32, Map<Box<str>, u32>>>,
}

impl<'t> Tree<'t> {
    pub(crate) fn over(text: Cow<'t, str>) -> Self {
        Self { text, ..Self::default() }
    }

    pub(crate) fn root(&self) -> Val<'_> {
        self.val(0)
    }

    /// The value at a node; an alias gives what it stands for.
    pub(crate) fn val(&self, node: u32) -> Val<'_> {
        let node = match self.nodes.get(node as usize) {
            Some(it) if it.kind() == Kind::Alias => it.at,
            _ => node,
        };
        Val { tree: self, node }
    }

    /// The position after a node and all its children.
    pub(crate) fn after(&self, node: usize) -> usize {
        match self.nodes.get(node) {
            Some(it) if it.is_container() => it.len().max(node + 1),
            _ => node + 1,
        }
    }

    /// Adds a fault; a broken document may have very many, of which the first tell enough.
    pub(crate) fn fault(
        &mut self,
        node: usize,
        kind: DiagnosticKind,
        action: Action,
        message: impl Into<String>,
    ) {
        if self.faults.len() < 10_000 {
            self.faults.push(Fault { node: node as u32, kind, action, message: message.into() });
        }
    }

    /// Drops all but the last member of each name from the object at `node`, which must be complete.
    pub(crate) fn drop_duplicates(&mut self, node: usize) {
        let end = self.after(node);
        let mut sieve = 0_u64;
        let mut suspicious = false;
        let mut at = node + 1;
        let mut count = 0;
        while at < end {
            let key = self.nodes[at];
            let bytes = &self.text.as_bytes()[key.at as usize..key.at as usize + key.len()];
            let first = bytes.first().copied().unwrap_or_default();
            let last = bytes.last().copied().unwrap_or_default();
            let hash = (bytes.len() as u64) ^ u64::from(first) << 8 ^ u64::from(last) << 16;
            let bit = 1 << (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58);
            suspicious |= sieve & bit != 0 || key.kind() == Kind::Escaped;
            sieve |= bit;
            count += 1;
            at = self.after(at + 1);
        }
        if suspicious && count > 1 {
            self.drop_duplicates_slowly(node, end, count);
        }
    }

    #[cold]
    fn drop_duplicates_slowly(&mut self, node: usize, end: usize, count: usize) {
        let mut doubled = Vec::new();
        {
            let mut seen: Map<Cow<'_, str>, usize> = Map::with_capacity_and_hasher(count, Default::default());
            let mut at = node + 1;
            while at < end {
                if self.nodes[at].kind() != Kind::Dropped
                    && let Some(name) = self.string(at)
                    && let Some(earlier) = seen.insert(name, at)
                {
                    doubled.push((earlier, at));
                }
                at = self.after(at + 1);
            }
        }
        for (earlier, later) in doubled {
            let name = self.string(later).unwrap_or_default().into_owned();
            let message = format!("the key {name:?} occurs twice; the last one counts");
            self.fault(later + 1, DiagnosticKind::DuplicateKey, Action::Skipped, message);
            let key = self.nodes[earlier];
            self.nodes[earlier] = Node::new(Kind::Dropped, key.at as usize, key.len());
        }
    }

    /// The text of a text node.
    fn string(&self, node: usize) -> Option<Cow<'_, str>> {
        let it = self.nodes.get(node)?;
        let raw = self.text.get(it.at as usize..it.at as usize + it.len())?;
        match it.kind() {
            Kind::Text => Some(Cow::Borrowed(raw)),
            Kind::Escaped => Some(Cow::Owned(unescape(raw))),
            _ => None,
        }
    }

    /// The JSON pointer of a node, and the fragment form's `#` before it.
    pub(crate) fn pointer(&self, node: u32) -> String {
        let target = node as usize;
        let mut pointer = String::from("#");
        let mut at = 0;
        'down: while at != target {
            let Some(here) = self.nodes.get(at).copied().filter(|here| here.is_container()) else { break };
            let end = self.after(at);
            let mut child = at + 1;
            let mut number = 0;
            while child < end {
                let value = if here.kind() == Kind::Object { child + 1 } else { child };
                let next = self.after(value);
                if target < next {
                    let _ = match here.kind() {
                        Kind::Object => write!(pointer, "/{}", escape_pointer(&self.key(child))),
                        _ => write!(pointer, "/{number}"),
                    };
                    if target == child {
                        break 'down;
                    }
                    at = value;
                    continue 'down;
                }
                child = next;
                number += 1;
            }
            break;
        }
        pointer
    }

    /// The name at a key node, of a dropped one too.
    fn key(&self, node: usize) -> Cow<'_, str> {
        match self.nodes.get(node) {
            Some(it) if it.kind() == Kind::Dropped => {
                self.text.get(it.at as usize..it.at as usize + it.len()).unwrap_or_default().into()
            }
            _ => self.string(node).unwrap_or_default(),
        }
    }

    /// The lines, from 1, of `nodes`, which must be in ascending order.
    pub(crate) fn lines_of(&self, nodes: &[u32]) -> Vec<u32> {
        if let Some(lines) = &self.lines {
            return nodes.iter().map(|node| lines.get(*node as usize).copied().unwrap_or(1)).collect();
        }
        let bytes = self.text.as_bytes();
        let (mut line, mut done) = (1, 0);
        let mut found = Vec::with_capacity(nodes.len());
        for node in nodes {
            let at = self.nodes.get(*node as usize).map_or(0, |node| node.at as usize).min(bytes.len());
            if at > done {
                line += bytes[done..at].iter().filter(|b| **b == b'\n').count() as u32;
                done = at;
            }
            found.push(line);
        }
        found
    }
}

/// A value in a tree.
#[derive(Clone, Copy)]
pub(crate) struct Val<'t> {
    tree: &'t Tree<'t>,
    node: u32,
}

impl<'t> Val<'t> {
    pub(crate) fn node(self) -> u32 {
        self.node
    }

    pub(crate) fn tree(self) -> &'t Tree<'t> {
        self.tree
    }

    /// A number that no other value has, in all documents that are read together.
    pub(crate) fn key(self) -> u64 {
        u64::from(self.tree.number) << 32 | u64::from(self.node)
    }

    pub(crate) fn kind(self) -> Kind {
        self.tree.nodes.get(self.node as usize).map_or(Kind::Null, |node| node.kind())
    }

    pub(crate) fn is_object(self) -> bool {
        self.kind() == Kind::Object
    }

    pub(crate) fn is_list(self) -> bool {
        self.kind() == Kind::List
    }

    pub(crate) fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// What kind of value it is, for messages: `a list`.
    pub(crate) fn what(self) -> &'static str {
        match self.kind() {
            Kind::Null | Kind::Alias | Kind::Dropped => "null",
            Kind::False | Kind::True => "a boolean",
            Kind::Number => "a number",
            Kind::Text | Kind::Escaped => "a text",
            Kind::List => "a list",
            Kind::Object => "an object",
        }
    }

    /// The text of a text.
    pub(crate) fn as_str(self) -> Option<Cow<'t, str>> {
        self.tree.string(self.node as usize)
    }

    /// The text of a scalar: numbers and booleans as they are written.
    pub(crate) fn scalar(self) -> Option<Cow<'t, str>> {
        match self.kind() {
            Kind::Number => Some(Cow::Borrowed(self.raw())),
            Kind::True => Some("true".into()),
            Kind::False => Some("false".into()),
            _ => self.as_str(),
        }
    }

    pub(crate) fn as_bool(self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// The digits of a number.
    pub(crate) fn as_number(self) -> Option<&'t str> {
        (self.kind() == Kind::Number).then(|| self.raw())
    }

    fn raw(self) -> &'t str {
        let Some(node) = self.tree.nodes.get(self.node as usize) else { return "" };
        self.tree.text.get(node.at as usize..node.at as usize + node.len()).unwrap_or_default()
    }

    /// The member of that name.
    pub(crate) fn get(self, name: &str) -> Option<Val<'t>> {
        /// From here on an index pays.
        const MANY: usize = 32;
        if !self.is_object() {
            return None;
        }
        let tree = self.tree;
        let end = tree.after(self.node as usize);
        let mut at = self.node as usize + 1;
        let mut seen = 0;
        while at < end {
            let key = tree.nodes[at];
            let same = match key.kind() {
                Kind::Text => {
                    key.len() == name.len()
                        && tree.text.as_bytes()[key.at as usize..][..key.len()] == *name.as_bytes()
                }
                Kind::Escaped => tree.string(at).as_deref() == Some(name),
                _ => false,
            };
            if same {
                return Some(tree.val(at as u32 + 1));
            }
            seen += 1;
            if seen == MANY {
                return self.get_indexed(name);
            }
            at = tree.after(at + 1);
        }
        None
    }

    fn get_indexed(self, name: &str) -> Option<Val<'t>> {
        let tree = self.tree;
        let mut index = tree.index.borrow_mut();
        let members = index.entry(self.node).or_insert_with(|| {
            self.members().map(|(key, value)| (key.into_owned().into_boxed_str(), value.node)).collect()
        });
        members.get(name).map(|node| tree.val(*node))
    }

    /// The members of an object, with the nodes of their keys; nothing for other kinds.
    pub(crate) fn members(self) -> Members<'t> {
        let at = self.node as usize;
        Members { tree: self.tree, at: at + 1, end: if self.is_object() { self.tree.after(at) } else { 0 } }
    }

    /// The items of a list; nothing for other kinds.
    pub(crate) fn items(self) -> Items<'t> {
        let at = self.node as usize;
        Items { tree: self.tree, at: at + 1, end: if self.is_list() { self.tree.after(at) } else { 0 } }
    }

    /// How many nodes it has in all, aliases counted once.
    pub(crate) fn size(self) -> usize {
        self.tree.after(self.node as usize) - self.node as usize
    }

    /// A hash of its kinds and texts.
    pub(crate) fn fingerprint(self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |word: u64| hash = (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
        for at in self.node as usize..self.tree.after(self.node as usize) {
            let node = self.tree.nodes[at];
            add(node.kind() as u64);
            if node.is_container() {
                add((node.len() - at) as u64);
            } else if node.kind() == Kind::Alias {
                add(node.at.into());
            } else {
                for chunk in self.tree.text.as_bytes()[node.at as usize..][..node.len()].chunks(8) {
                    let mut word = [0; 8];
                    word[..chunk.len()].copy_from_slice(chunk);
                    add(u64::from_le_bytes(word));
                }
            }
        }
        hash
    }

    /// Whether both are written with the same kinds and texts.
    pub(crate) fn same(self, other: Val<'_>) -> bool {
        let (left, right) = (self.node as usize, other.node as usize);
        let size = self.size();
        size == other.size()
            && (0..size).all(|step| {
                let (a, b) = (self.tree.nodes[left + step], other.tree.nodes[right + step]);
                a.kind() == b.kind()
                    && match a.kind() {
                        Kind::List | Kind::Object => a.len() - left == b.len() - right,
                        Kind::Alias => std::ptr::eq(self.tree, other.tree) && a.at == b.at,
                        _ => {
                            self.tree.text.get(a.at as usize..a.at as usize + a.len())
                                == other.tree.text.get(b.at as usize..b.at as usize + b.len())
                        }
                    }
            })
    }

    /// The value as JSON text, or `None` if it would be longer than `most`: aliases can make a small
    /// document stand for a huge value.
    pub(crate) fn to_json(self, most: usize) -> Option<String> {
        enum Open<'t> {
            List(Items<'t>),
            Object(Members<'t>),
        }
        let mut out = String::new();
        let mut open: Vec<(Open<'t>, bool)> = Vec::new();
        let mut next = Some(self);
        loop {
            if let Some(value) = next.take() {
                match value.kind() {
                    Kind::Null | Kind::Alias | Kind::Dropped => out.push_str("null"),
                    Kind::False => out.push_str("false"),
                    Kind::True => out.push_str("true"),
                    Kind::Number => out.push_str(value.raw()),
                    Kind::Text | Kind::Escaped => quote(&value.as_str().unwrap_or_default(), &mut out),
                    Kind::List => {
                        out.push('[');
                        open.push((Open::List(value.items()), true));
                    }
                    Kind::Object => {
                        out.push('{');
                        open.push((Open::Object(value.members()), true));
                    }
                }
            }
            if out.len() > most || open.len() > MAX_DEPTH * 2 {
                return None;
            }
            let Some((container, first)) = open.last_mut() else { return Some(out) };
            let comma = if std::mem::take(first) { "" } else { "," };
            match container {
                Open::List(items) => match items.next() {
                    Some(item) => {
                        out.push_str(comma);
                        next = Some(item);
                    }
                    None => {
                        out.push(']');
                        open.pop();
                    }
                },
                Open::Object(members) => match members.next() {
                    Some((key, value)) => {
                        out.push_str(comma);
                        quote(&key, &mut out);
                        out.push(':');
                        next = Some(value);
                    }
                    None => {
                        out.push('}');
                        open.pop();
                    }
                },
            }
        }
    }
}

pub(crate) struct Members<'t> {
    tree: &'t Tree<'t>,
    at: usize,
    end: usize,
}

impl<'t> Iterator for Members<'t> {
    type Item = (Cow<'t, str>, Val<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.end {
            let key = self.at;
            self.at = self.tree.after(key + 1);
            if let Some(name) = self.tree.string(key) {
                return Some((name, self.tree.val(key as u32 + 1)));
            }
        }
        None
    }
}

pub(crate) struct Items<'t> {
    tree: &'t Tree<'t>,
    at: usize,
    end: usize,
}

impl<'t> Iterator for Items<'t> {
    type Item = Val<'t>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let item = self.at as u32;
        self.at = self.tree.after(self.at);
        Some(self.tree.val(item))
    }
}

/// A key as a step of a JSON pointer.
pub(crate) fn escape_pointer(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) {
        Cow::Owned(key.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(key)
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The text that a JSON string's inside stands for. A lone surrogate becomes U+FFFD.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(escape) = rest.chars().next() else { break };
        rest = &rest[escape.len_utf8()..];
        match escape {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => {
                let high = hex(rest);
                rest = rest.get(4..).unwrap_or_default();
                let code = match high {
                    Some(high @ 0xd800..=0xdbff) => match rest.strip_prefix("\\u").and_then(hex) {
                        Some(low @ 0xdc00..=0xdfff) => {
                            rest = rest.get(6..).unwrap_or_default();
                            Some(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                        }
                        _ => None,
                    },
                    other => other,
                };
                out.push(code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => out.push(other),
        }
    }
    out.push_str(rest);
    out
}

fn hex(text: &str) -> Option<u32> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

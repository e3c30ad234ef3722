//! The documents that are read together, and the references between them.

use std::borrow::Cow;
use std::cell::RefCell;

use super::fast::{Map, Set};
use super::tree::{Kind, Tree, Val};
use super::uri;

/// How many references the way of one reference may lead through.
const MOST_DETOURS: usize = 32;

/// One document and where it came from.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    pub(crate) uri: String,
    pub(crate) tree: Tree<'t>,
}

/// A document's number and a node of it; `None` where a reference leads nowhere.
type Place = Option<(usize, u32)>;

/// Why a reference could not be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The document is here; what it should hold isn't.
    Nowhere,
    /// The document isn't here.
    NoDocument(String),
}

/// The documents, the first of which is the API's.
#[derive(Debug, Default)]
pub(crate) struct Documents<'t> {
    documents: Vec<Document<'t>>,
    /// The number of each document, by address.
    numbers: Map<String, usize>,
    /// Parts with an address of their own (`$id`, `$self`): document and node, by address.
    ids: Map<String, (usize, u32)>,
    /// Parts with a name of their own (`$anchor`), by document and name.
    anchors: Map<(usize, String), u32>,
    /// Where the references to whole documents and into them lead, by document and text.
    cache: RefCell<Map<u32, Map<String, Place>>>,
}

impl<'t> Documents<'t> {
    pub(crate) fn new(documents: Vec<Document<'t>>) -> Self {
        let mut set = Self { documents, ..Self::default() };
        for number in 0..set.documents.len() {
            set.documents[number].tree.number = number as u32;
            // Of two with one address the first counts.
            set.numbers.entry(set.documents[number].uri.clone()).or_insert(number);
            set.collect_names(number);
        }
        set
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Document<'t>> {
        self.documents.iter()
    }

    pub(crate) fn root(&self) -> Option<Val<'_>> {
        self.documents.first().map(|document| document.tree.root())
    }

    /// The address of the document a value is in.
    pub(crate) fn uri_of(&self, at: Val<'_>) -> &str {
        self.documents.get(at.tree().number as usize).map_or("", |document| &document.uri)
    }

    /// What a reference that stands at `from` leads to.
    pub(crate) fn resolve(&self, from: Val<'_>, reference: &str) -> Result<Val<'_>, Lost> {
        // Where parts have addresses of their own, the same text can mean different things.
        if !self.ids.is_empty() {
            return self.resolve_fresh(from, reference);
        }
        let number = from.tree().number;
        let known = self.cache.borrow().get(&number).and_then(|known| known.get(reference).copied());
        match known {
            Some(Some((document, node))) => Ok(self.documents[document].tree.val(node)),
            Some(None) => self.resolve_fresh(from, reference),
            None => {
                let found = self.resolve_fresh(from, reference);
                let place = found.as_ref().ok().map(|val| (val.tree().number as usize, val.node()));
                self.cache.borrow_mut().entry(number).or_default().insert(reference.to_owned(), place);
                found
            }
        }
    }

    fn resolve_fresh(&self, from: Val<'_>, reference: &str) -> Result<Val<'_>, Lost> {
        self.resolve_within(from, reference, &mut { MOST_DETOURS })
    }

    /// As `resolve`, with so many references on the way as are left.
    fn resolve_within(&self, from: Val<'_>, reference: &str, left: &mut usize) -> Result<Val<'_>, Lost> {
        let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let number = from.tree().number as usize;
        let (home, home_root) = self.home(number, from.node());
        let root = if address.is_empty() {
            (number, home_root)
        } else {
            let whole = uri::join(&home, address);
            match self.find(&whole) {
                Some(root) => root,
                None => return Err(Lost::NoDocument(whole)),
            }
        };
        let Some(document) = self.documents.get(root.0) else { return Err(Lost::Nowhere) };
        let fragment = uri::decode(fragment);
        if fragment.is_empty() {
            return Ok(document.tree.val(root.1));
        }
        match fragment.strip_prefix('/') {
            Some(pointer) => self
                .walk(document.tree.val(root.1), pointer, left)
                // A pointer from the document's root is a common slip where a part has its own address.
                .or_else(|| self.walk(document.tree.root(), pointer, left))
                .ok_or(Lost::Nowhere),
            None => {
                let node = self.anchors.get(&(root.0, fragment.into_owned()));
                node.map(|node| document.tree.val(*node)).ok_or(Lost::Nowhere)
            }
        }
    }

    /// The value a JSON pointer without its first slash leads to. Where a step isn't there and a reference is,
    /// it leads on: many descriptions keep all their components, or all their paths, in another file.
    fn walk<'a>(&'a self, root: Val<'a>, pointer: &str, left: &mut usize) -> Option<Val<'a>> {
        let mut at = root;
        for step in pointer.split('/') {
            let step: Cow<'_, str> = if step.contains('~') {
                step.replace("~1", "/").replace("~0", "~").into()
            } else {
                step.into()
            };
            at = loop {
                if let Some(next) = child(at, &step) {
                    break next;
                }
                let reference = at.get("$ref")?.as_str()?;
                *left = left.checked_sub(1)?;
                at = self.resolve_within(at, &reference, left).ok()?;
            };
        }
        Some(at)
    }

    /// The documents that references name and that aren't here, by address.
    pub(crate) fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let mut known = Set::default();
        for document in &self.documents {
            for (at, node) in document.tree.nodes.iter().enumerate() {
                if node.kind() != Kind::Text || node.len() != 4 || text_of(&document.tree, at) != "$ref" {
                    continue;
                }
                let value = document.tree.val(at as u32 + 1);
                let Some(reference) = value.as_str() else { continue };
                let address = reference.split('#').next().unwrap_or_default();
                // A bare word is a slip for a component's name more often than a file.
                if address.is_empty() || !(address.contains(['/', '.'])) {
                    continue;
                }
                let whole = uri::join(&self.home(document.tree.number as usize, at as u32).0, address);
                if self.find(&whole).is_none() && known.insert(whole.clone()) {
                    missing.push(whole);
                }
            }
        }
        missing
    }

    fn find(&self, address: &str) -> Option<(usize, u32)> {
        let plain = address.trim_end_matches('#');
        let whole = self.numbers.get(plain).map(|number| (*number, 0));
        whole.or_else(|| self.ids.get(plain).copied())
    }

    /// The address that references at a node start from, and the node of the part it belongs to.
    fn home(&self, number: usize, node: u32) -> (String, u32) {
        let Some(document) = self.documents.get(number) else { return (String::new(), 0) };
        let around = self.ids.iter().filter(|(_, (doc, start))| {
            *doc == number && *start <= node && (node as usize) < document.tree.after(*start as usize)
        });
        match around.max_by_key(|(_, (_, start))| *start) {
            Some((address, (_, start))) => (address.clone(), *start),
            None => (document.uri.clone(), 0),
        }
    }

    fn collect_names(&mut self, number: usize) {
        let Some(document) = self.documents.get(number) else { return };
        let tree = &document.tree;
        // The object each node belongs to is needed only where there is such a key, which is rare.
        let mut found = Vec::new();
        for (at, node) in tree.nodes.iter().enumerate() {
            if node.kind() == Kind::Text && (3..=14).contains(&node.len()) {
                let name = text_of(tree, at);
                if name.starts_with('$') && matches!(name, "$id" | "$self" | "$anchor" | "$dynamicAnchor") {
                    found.push((at, name == "$id" || name == "$self"));
                }
            }
        }
        if found.is_empty() {
            return;
        }
        let mut open: Vec<usize> = Vec::new();
        let mut next = found.into_iter().peekable();
        for at in 0..tree.nodes.len() {
            while open.last().is_some_and(|node| tree.after(*node) <= at) {
                open.pop();
            }
            if matches!(tree.nodes[at].kind(), Kind::Object | Kind::List) {
                open.push(at);
            }
            let Some((_, is_id)) = next.next_if(|(key, _)| *key == at) else { continue };
            let (Some(value), Some(owner)) = (tree.val(at as u32 + 1).as_str(), open.last()) else {
                continue;
            };
            if is_id {
                let address = uri::join(&document.uri, value.trim_end_matches('#'));
                self.ids.entry(address).or_insert((number, *owner as u32));
            } else {
                self.anchors.entry((number, value.into_owned())).or_insert(*owner as u32);
            }
        }
    }
}

fn child<'t>(at: Val<'t>, step: &str) -> Option<Val<'t>> {
    if at.is_list() { at.items().nth(step.parse().ok()?) } else { at.get(step) }
}

fn text_of<'a>(tree: &'a Tree<'_>, node: usize) -> &'a str {
    let Some(node) = tree.nodes.get(node) else { return "" };
    tree.text.get(node.at as usize..node.at as usize + node.len()).unwrap_or_default()
}

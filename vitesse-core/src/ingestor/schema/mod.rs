//! Schemas: each node of a document that is a schema becomes one entry of the table, once.
//!
//! A schema is made of *parts*: nodes whose keywords all hold. A plain schema has one; `allOf` and
//! references beside other keywords add theirs. So merging never copies, and recursion ends by itself: the
//! same parts are the same schema.

mod keywords;

use std::borrow::Cow;
use std::sync::Arc;

use keywords::{only_alternative, type_of};

use crate::ingestor::document::{Documents, Lost};
use crate::ingestor::fast::{Map, NumberMap, Set};
use crate::ingestor::report::Report;
use crate::ingestor::tree::Val;
use crate::spec::{
    Action, Additional, Details, DiagnosticKind as Kind, Discriminator, Json, Property, Schema, SchemaId,
    Schemas, Type, Types,
};

/// The largest default, example or enumeration member that is kept, in bytes.
const MOST_JSON: usize = 64 * 1024;

/// How many parts one schema may be made of.
const MOST_PARTS: usize = 128;

/// Schemas with more nodes than this aren't compared with others to find equal ones.
const SMALL: usize = 48;

/// The rules that differ between versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dialect {
    Swagger2,
    OpenApi30,
    /// 3.1 and later, and JSON Schema.
    OpenApi31,
}

pub(crate) struct SchemaReader<'t> {
    pub(crate) documents: &'t Documents<'t>,
    pub(crate) dialect: Dialect,
    pub(crate) report: Report,
    table: Vec<Schema>,
    of_node: NumberMap<u64, SchemaId>,
    of_parts: Map<Box<[u64]>, SchemaId>,
    /// Small schemas without a name, by the hash of their text.
    equal: NumberMap<u64, (Val<'t>, SchemaId)>,
    discriminators: NumberMap<u64, Arc<Discriminator>>,
    names: NumberMap<u64, Box<str>>,
    taken: Set<Box<str>>,
    queue: Vec<(SchemaId, Parts<'t>)>,
}

#[derive(Clone)]
enum Parts<'t> {
    One(Val<'t>),
    Many(Vec<Val<'t>>),
}

impl<'t> SchemaReader<'t> {
    pub(crate) fn new(documents: &'t Documents<'t>, dialect: Dialect) -> Self {
        Self {
            documents,
            dialect,
            report: Report::default(),
            table: Vec::new(),
            of_node: NumberMap::default(),
            of_parts: Map::default(),
            equal: NumberMap::default(),
            discriminators: NumberMap::default(),
            names: NumberMap::default(),
            taken: Set::default(),
            queue: Vec::new(),
        }
    }

    /// Reads the components, so that each has its name and is there even if nothing refers to it.
    pub(crate) fn components(&mut self, components: Vec<(Cow<'t, str>, Val<'t>)>) {
        for (name, schema) in &components {
            if schema.is_object() || schema.as_bool().is_some() {
                // A component that only names a schema of another file is that schema.
                let target = self.elsewhere(*schema).filter(|target| !self.names.contains_key(&target.key()));
                self.names.insert(target.unwrap_or(*schema).key(), name.as_ref().into());
                self.taken.insert(name.as_ref().into());
            } else {
                let message = format!("the schema {name:?} is {}, not an object", schema.what());
                self.report.add(*schema, Kind::WrongType, Action::Skipped, message);
            }
        }
        for (_, schema) in &components {
            if schema.is_object() || schema.as_bool().is_some() {
                self.id(*schema);
            }
        }
    }

    /// What a schema that is nothing but a reference to another document refers to.
    fn elsewhere(&self, at: Val<'t>) -> Option<Val<'t>> {
        let reference = at.get("$ref").filter(|_| at.size() == 3)?.as_str()?;
        let target = self.documents.resolve(at, &reference).ok()?;
        (target.tree().number != at.tree().number && target.get("$ref").is_none()).then_some(target)
    }

    /// The handle of the schema at a node.
    pub(crate) fn id(&mut self, at: Val<'t>) -> SchemaId {
        let at = self.follow(at);
        if let Some(id) = self.of_node.get(&at.key()) {
            return *id;
        }
        let small = at.size() <= SMALL && !self.names.contains_key(&at.key());
        let print = if small { at.fingerprint() } else { 0 };
        if small
            && let Some((other, id)) = self.equal.get(&print)
            && other.tree().number == at.tree().number
            && other.same(at)
        {
            let id = *id;
            self.of_node.insert(at.key(), id);
            return id;
        }
        let id = self.add(Schema::default());
        self.of_node.insert(at.key(), id);
        if small {
            self.equal.insert(print, (at, id));
        }
        self.queue.push((id, Parts::One(at)));
        id
    }

    /// Adds a schema that no node describes.
    pub(crate) fn add(&mut self, schema: Schema) -> SchemaId {
        let id = SchemaId(self.table.len() as u32);
        self.table.push(schema);
        id
    }

    /// Reads whatever was referred to so far, and what that refers to.
    pub(crate) fn settle(&mut self) {
        while let Some((id, parts)) = self.queue.pop() {
            let schema = match parts {
                Parts::One(part) => self.read(&[part]),
                Parts::Many(parts) => self.read(&parts),
            };
            self.table[id.0 as usize] = schema;
        }
    }

    /// Whether a schema that was read tells nothing of what a value holds.
    pub(crate) fn says_nothing(&self, id: Option<SchemaId>) -> bool {
        let mut next = id;
        // Lists of lists may lead back to themselves.
        for _ in 0..8 {
            let Some(schema) = next.and_then(|id| self.table.get(id.0 as usize)) else { return true };
            if schema.items.is_none() {
                let fields =
                    !schema.properties.is_empty() || !schema.one_of.is_empty() || !schema.any_of.is_empty();
                let typed = schema.additional != Additional::Any || !schema.enum_values.is_empty();
                return !fields && !typed && (schema.types.is_any() || schema.types.has(Type::Object));
            }
            next = schema.items;
        }
        false
    }

    pub(crate) fn finish(mut self) -> (Schemas, Report) {
        self.settle();
        self.table.shrink_to_fit();
        (self.table.into(), self.report)
    }

    /// What a reference leads to; tells of it if it leads nowhere.
    pub(crate) fn resolve(&mut self, from: Val<'t>, reference: &str, section: &str) -> Option<Val<'t>> {
        let lost = match self.documents.resolve(from, reference) {
            Ok(found) => return Some(found),
            Err(lost) => lost,
        };
        // The last word is most often right when the way to it isn't.
        let name = reference.rsplit(['/', '#']).next().unwrap_or_default();
        let name = name.rsplit('/').next().unwrap_or_default();
        if !name.is_empty() && !name.contains('.') {
            let old = match section {
                "schemas" => "definitions",
                other => other,
            };
            for place in [format!("#/components/{section}/{name}"), format!("#/{old}/{name}")] {
                if let Some(root) = self.documents.root()
                    && let Ok(found) = self.documents.resolve(root, &place)
                {
                    let message = format!("the reference {reference:?} leads nowhere; {place:?} is taken");
                    self.report.add(from, Kind::DanglingReference, Action::Guessed, message);
                    return Some(found);
                }
            }
        }
        match lost {
            Lost::Nowhere => {
                let message = format!("the reference {reference:?} leads nowhere");
                self.report.add(from, Kind::DanglingReference, Action::Skipped, message);
            }
            Lost::NoDocument(address) => {
                let message = format!("the document {address:?} that a reference leads to wasn't read");
                self.report.add(from, Kind::ExternalDocument, Action::Skipped, message);
            }
        }
        None
    }

    /// The `$ref` of an object.
    pub(crate) fn reference(&mut self, at: Val<'t>) -> Option<Cow<'t, str>> {
        // Without an outer anchor of the same name, a dynamic reference leads where a plain one would.
        let value = match at.get("$ref") {
            None if self.dialect == Dialect::OpenApi31 => at.get("$dynamicRef")?,
            other => other?,
        };
        match value.as_str() {
            Some(reference) => Some(reference),
            // A property may be called `$ref`.
            None if value.is_object() => None,
            None => {
                let message = format!("$ref is {}, not a text", value.what());
                self.report.add(value, Kind::WrongType, Action::Skipped, message);
                None
            }
        }
    }

    /// Follows references that have nothing beside them, up to a schema with a name.
    fn follow(&mut self, at: Val<'t>) -> Val<'t> {
        let mut here = at;
        for _ in 0..64 {
            if self.names.contains_key(&here.key()) || here.size() > 3 && self.dialect == Dialect::OpenApi31 {
                return here;
            }
            let Some(reference) = self.reference(here) else { return here };
            if here.size() > 3 {
                self.siblings(here);
            }
            match self.resolve(here, &reference, "schemas") {
                Some(next) if next.key() != here.key() => {
                    if next.tree().number > 0 {
                        self.name_by(&reference, next);
                    }
                    here = next;
                }
                _ => return here,
            }
        }
        self.report.add(at, Kind::CircularReference, Action::Skipped, "the reference leads to itself");
        here
    }

    /// Tells of keywords beside a reference that this version doesn't count.
    fn siblings(&mut self, at: Val<'t>) {
        let lost: Vec<_> = at
            .members()
            .map(|(name, _)| name)
            .filter(|name| {
                !matches!(&**name, "$ref" | "description" | "summary" | "title" | "example")
                    && !name.starts_with("x-")
            })
            .collect();
        if !lost.is_empty() {
            let message = format!("{} beside a $ref counts for nothing in this version", lost.join(", "));
            self.report.add(at, Kind::ReferenceSiblings, Action::Skipped, message);
        }
    }

    /// A schema of another document is named as the reference to it ends, if the name is free.
    fn name_by(&mut self, reference: &str, at: Val<'t>) {
        if self.names.contains_key(&at.key()) || self.of_node.contains_key(&at.key()) {
            return;
        }
        let last = reference.trim_end_matches(['#', '/']).rsplit(['/', '#']).next().unwrap_or_default();
        let name = last.split('.').next().unwrap_or_default();
        if !name.is_empty() && self.taken.insert(name.into()) {
            self.names.insert(at.key(), name.into());
        }
    }

    /// The handle of the schema that is made of all `parts`.
    fn id_of_parts(&mut self, mut parts: Vec<Val<'t>>) -> SchemaId {
        if let [only] = parts[..] {
            return self.id(only);
        }
        for part in &mut parts {
            *part = self.follow(*part);
        }
        parts.sort_by_key(|part| part.key());
        parts.dedup_by_key(|part| part.key());
        if let [only] = parts[..] {
            return self.id(only);
        }
        let key: Box<[u64]> = parts.iter().map(|part| part.key()).collect();
        if let Some(id) = self.of_parts.get(&key) {
            return *id;
        }
        let id = self.add(Schema::default());
        self.of_parts.insert(key, id);
        self.queue.push((id, Parts::Many(parts)));
        id
    }

    /// All nodes whose keywords hold for a value of `parts`, each once, and whether null is added.
    fn flatten(&mut self, parts: &[Val<'t>]) -> (Vec<Val<'t>>, Vec<Val<'t>>, bool) {
        let mut flat: Vec<Val<'t>> = Vec::new();
        let mut bases = Vec::new();
        let mut nullable = false;
        // Each with the position of what led to it: the same part by two ways is fine, and only one that
        // leads to itself is circular.
        let mut open: Vec<(Val<'t>, usize)> = parts.iter().rev().map(|part| (*part, usize::MAX)).collect();
        let mut seen: Set<u64> = Set::default();
        let mut trail: Vec<(u64, usize)> = Vec::new();
        while let Some((at, from)) = open.pop() {
            if !seen.insert(at.key()) {
                continue;
            }
            let here = trail.len();
            trail.push((at.key(), from));
            if flat.len() >= MOST_PARTS {
                let message = format!("a schema of more than {MOST_PARTS} parts");
                self.report.add(at, Kind::TooMany, Action::Skipped, message);
                break;
            }
            if self.names.contains_key(&at.key()) && (parts.len() > 1 || parts[0].key() != at.key()) {
                bases.push(at);
            }
            if !at.is_object() {
                flat.push(at);
                continue;
            }
            if let Some(reference) = self.reference(at) {
                match self.resolve(at, &reference, "schemas") {
                    Some(next) if seen.contains(&next.key()) => {
                        let mut step = Some(&(at.key(), from));
                        while step.is_some_and(|(key, _)| *key != next.key()) {
                            step = step.and_then(|(_, from)| trail.get(*from));
                        }
                        if step.is_some() {
                            let message = format!("the reference {reference:?} leads to itself");
                            self.report.add(at, Kind::CircularReference, Action::Skipped, message);
                        }
                    }
                    Some(next) => {
                        if next.tree().number > 0 {
                            self.name_by(&reference, next);
                        }
                        open.push((next, here));
                    }
                    None => {}
                }
                if self.dialect < Dialect::OpenApi31 {
                    if at.size() > 3 {
                        self.siblings(at);
                    }
                    continue;
                }
            }
            flat.push(at);
            for keyword in ["allOf", "oneOf", "anyOf"] {
                let Some(list) = at.get(keyword).filter(|list| list.is_list()) else { continue };
                let items: Vec<_> = list.items().collect();
                if keyword == "allOf" {
                    open.extend(items.iter().rev().filter(|item| !item.is_null()).map(|item| (*item, here)));
                } else if let Some((one, null)) = only_alternative(&items) {
                    nullable |= null;
                    open.push((one, here));
                }
            }
        }
        (flat, bases, nullable)
    }

    fn read(&mut self, parts: &[Val<'t>]) -> Schema {
        let plain = matches!(parts, [only] if only.is_object()
            && !["$ref", "allOf", "oneOf", "anyOf"].iter().any(|name| only.get(name).is_some()));
        let (flat, bases, nullable) =
            if plain { (parts.to_vec(), Vec::new(), false) } else { self.flatten(parts) };
        let mut draft = Draft { nullable, ..Draft::default() };
        for part in &flat {
            self.read_part(*part, &mut draft);
        }
        let [first, ..] = parts else { return Schema::default() };
        let name = if parts.len() == 1 { self.names.get(&first.key()).cloned() } else { None };
        for base in bases {
            let id = self.id(base);
            draft.details().bases.push(id);
        }
        self.close(draft, name, *first)
    }

    /// Puts what the parts say together.
    fn close(&mut self, mut draft: Draft<'t>, name: Option<Box<str>>, at: Val<'t>) -> Schema {
        let mut schema = std::mem::take(&mut draft.schema);
        schema.name = name;
        let required = std::mem::take(&mut draft.required);
        schema.properties.reserve_exact(draft.properties.len());
        for (name, parts) in std::mem::take(&mut draft.properties) {
            let needed = required.contains(&name);
            let id = self.id_of_parts(parts);
            schema.properties.push(Property { name, schema: id, required: needed });
        }
        if !required.is_empty() {
            let known: Set<&str> = schema.properties.iter().map(|property| &*property.name).collect();
            let mut unknown: Vec<_> = required.into_iter().filter(|name| !known.contains(&**name)).collect();
            unknown.sort();
            if !unknown.is_empty() {
                draft.details().also_required = unknown;
            }
        }
        if let Some(parts) = draft.items.take() {
            schema.items = Some(self.id_of_parts(parts));
        }
        let mut types = schema.types;
        if draft.impossible {
            self.report.add(
                at,
                Kind::Contradiction,
                Action::Repaired,
                "no value can be of all the types named",
            );
        }
        if types.is_any() {
            if !schema.properties.is_empty() || schema.additional != Additional::Any {
                types = Types::one(Type::Object);
            } else if schema.items.is_some() {
                types = Types::one(Type::Array);
            } else if !schema.enum_values.is_empty() {
                types = schema.enum_values.iter().map(type_of).collect();
            } else if matches!(
                schema.format.as_deref(),
                Some("date-time" | "date" | "uuid" | "email" | "uri")
            ) {
                types = Types::one(Type::String);
            }
        }
        if draft.nullable && !types.is_any() {
            types = types.with(Type::Null);
        }
        if types.single() == Some(Type::Array)
            && schema.items.is_none()
            && draft.extra.as_ref().is_none_or(|d| d.prefix_items.is_empty())
            && self.dialect < Dialect::OpenApi31
        {
            self.report.add(
                at,
                Kind::Missing,
                Action::Guessed,
                "a list without `items`; it may hold anything",
            );
        }
        schema.types = types;
        schema.details = draft.extra.filter(|details| **details != Details::NONE);
        schema
    }

    fn text(&mut self, value: Val<'t>, name: &str, into: &mut Option<Box<str>>) {
        match value.as_str() {
            // What stands nearest counts: parts come from the outside in.
            Some(text) if into.is_none() => *into = Some(text.as_ref().into()),
            Some(_) => {}
            None if value.is_null() => {}
            None => self.wrong(value, name, "a text"),
        }
    }

    pub(crate) fn flag(&mut self, value: Val<'t>, name: &str) -> bool {
        if let Some(on) = value.as_bool() {
            return on;
        }
        let word = value.scalar().map(|text| text.to_ascii_lowercase());
        match word.as_deref() {
            Some(word @ ("true" | "yes" | "1" | "on" | "false" | "no" | "0" | "off")) => {
                self.repaired(value, name, "a boolean");
                matches!(word, "true" | "yes" | "1" | "on")
            }
            _ => {
                self.wrong(value, name, "a boolean");
                false
            }
        }
    }

    pub(crate) fn wrong(&mut self, value: Val<'_>, name: &str, should: &str) {
        let message = format!("`{name}` is {}, not {should}", value.what());
        self.report.add(value, Kind::WrongType, Action::Skipped, message);
    }

    fn repaired(&mut self, value: Val<'_>, name: &str, should: &str) {
        let message = format!("`{name}` is {}, read as {should}", value.what());
        self.report.add(value, Kind::WrongType, Action::Repaired, message);
    }
}

#[derive(Default)]
struct Draft<'t> {
    schema: Schema,
    extra: Option<Box<Details>>,
    properties: Vec<(Box<str>, Vec<Val<'t>>)>,
    index: Map<Box<str>, usize>,
    required: Set<Box<str>>,
    items: Option<Vec<Val<'t>>>,
    nullable: bool,
    impossible: bool,
}

impl Draft<'_> {
    fn details(&mut self) -> &mut Details {
        self.extra.get_or_insert_default()
    }

    fn set(&mut self, when: bool, change: impl FnOnce(&mut Details)) {
        if when {
            change(self.details());
        }
    }

    fn keep(&mut self, value: Option<Json>, place: impl FnOnce(&mut Details) -> &mut Option<Json>) {
        if let Some(value) = value {
            place(self.details()).get_or_insert(value);
        }
    }
}

/// A value as it is kept; nothing if it is larger than is kept.
pub(crate) fn json(value: Val<'_>) -> Option<Json> {
    value.to_json(MOST_JSON).map(Json::trusted)
}

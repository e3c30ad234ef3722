//! Keywords: what each says of a schema in the making.

use std::sync::Arc;

use super::{Draft, SchemaReader, json};
use crate::ingestor::tree::Val;
use crate::spec::{Action, Additional, DiagnosticKind as Kind, Discriminator, Json, Schema, Type, Types};

impl<'t> SchemaReader<'t> {
    pub(super) fn read_part(&mut self, part: Val<'t>, draft: &mut Draft<'t>) {
        if let Some(any) = part.as_bool() {
            if !any {
                let anything = self.add(Schema::default());
                draft.details().not = Some(anything);
            }
            return;
        }
        if !part.is_object() {
            let message = format!("a schema is {}, not an object", part.what());
            self.report.add(part, Kind::WrongType, Action::Skipped, message);
            return;
        }
        let mut exclusive = (false, false);
        for (name, value) in part.members() {
            match &*name {
                "type" => self.types(value, draft),
                "format" => self.text(value, &name, &mut draft.schema.format),
                "title" => self.text(value, &name, &mut draft.schema.title),
                "description" => self.text(value, &name, &mut draft.schema.description),
                "properties" => self.properties(value, draft),
                "required" => self.required(value, draft),
                "additionalProperties" | "unevaluatedProperties" => self.additional(value, draft),
                "items" => self.items(value, draft),
                "oneOf" | "anyOf" => self.alternatives(&name, value, draft),
                "enum" => {
                    if value.is_list() {
                        let values: Vec<_> = value.items().filter_map(json).collect();
                        // Of two enumerations, what both have is left.
                        if draft.schema.enum_values.is_empty() {
                            draft.schema.enum_values = values;
                        } else {
                            draft.schema.enum_values.retain(|value| values.contains(value));
                        }
                    } else {
                        self.wrong(value, &name, "a list");
                    }
                }
                "const" => draft.schema.enum_values = json(value).into_iter().collect(),
                "nullable" | "x-nullable" | "readOnly" | "writeOnly" | "deprecated" | "uniqueItems" => {
                    let on = self.flag(value, &name);
                    match &*name {
                        "readOnly" => draft.schema.read_only |= on,
                        "writeOnly" => draft.schema.write_only |= on,
                        "deprecated" => draft.schema.deprecated |= on,
                        "uniqueItems" => draft.set(on, |details| details.unique_items = true),
                        _ => draft.nullable |= on,
                    }
                }
                "default" => draft.keep(json(value), |details| &mut details.default),
                "example" => draft.keep(json(value), |details| &mut details.example),
                "examples" => {
                    // A list in JSON Schema; in some documents an object as for parameters.
                    let first =
                        value.items().next().or_else(|| value.members().next().map(|(_, value)| value));
                    draft.keep(first.and_then(json), |details| &mut details.example);
                }
                "minimum" | "maximum" | "multipleOf" => {
                    match value.scalar().filter(|text| crate::ingestor::json::is_number(text.as_bytes())) {
                        Some(number) => {
                            if value.as_number().is_none() {
                                self.repaired(value, &name, "a number");
                            }
                            let number = Some(Json::trusted(number.into_owned()));
                            draft.keep(number, |details| match &*name {
                                "minimum" => &mut details.minimum,
                                "maximum" => &mut details.maximum,
                                _ => &mut details.multiple_of,
                            });
                        }
                        None => self.wrong(value, &name, "a number"),
                    }
                }
                "exclusiveMinimum" | "exclusiveMaximum" => {
                    let low = &*name == "exclusiveMinimum";
                    match (value.as_bool(), value.as_number()) {
                        (Some(on), _) => *(if low { &mut exclusive.0 } else { &mut exclusive.1 }) = on,
                        (_, Some(_)) => draft.keep(json(value), |details| {
                            if low { &mut details.exclusive_minimum } else { &mut details.exclusive_maximum }
                        }),
                        _ => self.wrong(value, &name, "a number or a boolean"),
                    }
                }
                "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
                    match value.scalar().and_then(|text| text.parse::<u64>().ok()) {
                        Some(bound) => {
                            let details = draft.details();
                            *match &*name {
                                "minLength" => &mut details.min_length,
                                "maxLength" => &mut details.max_length,
                                "minItems" => &mut details.min_items,
                                "maxItems" => &mut details.max_items,
                                "minProperties" => &mut details.min_properties,
                                _ => &mut details.max_properties,
                            } = Some(bound);
                        }
                        None => self.wrong(value, &name, "a whole number"),
                    }
                }
                "pattern" | "contentMediaType" | "contentEncoding" => {
                    if let Some(text) = value.as_str() {
                        let details = draft.details();
                        *match &*name {
                            "pattern" => &mut details.pattern,
                            "contentMediaType" => &mut details.content_media_type,
                            _ => &mut details.content_encoding,
                        } = Some(text.as_ref().into());
                    } else {
                        self.wrong(value, &name, "a text");
                    }
                }
                "prefixItems" => {
                    let items = value.items().map(|item| self.id(item)).collect();
                    draft.details().prefix_items = items;
                }
                "patternProperties" => {
                    let list =
                        value.members().map(|(name, value)| (name.as_ref().into(), self.id(value))).collect();
                    draft.details().pattern_properties = list;
                }
                "not" if value.is_object() => {
                    let id = self.id(value);
                    draft.details().not = Some(id);
                }
                "allOf" if !value.is_list() => self.wrong(value, &name, "a list"),
                "discriminator" => self.discriminator(value, draft),
                _ => {}
            }
        }
        if exclusive.0
            && let Some(details) = &mut draft.extra
        {
            details.exclusive_minimum = details.minimum.take();
        }
        if exclusive.1
            && let Some(details) = &mut draft.extra
        {
            details.exclusive_maximum = details.maximum.take();
        }
    }

    pub(super) fn types(&mut self, value: Val<'t>, draft: &mut Draft<'t>) {
        let mut types = Types::ANY;
        let mut any = false;
        let names: Vec<Val<'t>> = if value.is_list() { value.items().collect() } else { vec![value] };
        for item in names {
            let Some(name) = item.as_str() else {
                if item.is_null() && value.is_list() {
                    types = types.with(Type::Null);
                } else {
                    self.wrong(item, "type", "a text or a list of texts");
                }
                continue;
            };
            if let Some(known) = Type::ALL.into_iter().find(|kind| kind.as_str() == &*name) {
                types = types.with(known);
                continue;
            }
            if name == "file" {
                types = types.with(Type::String);
                draft.schema.format = Some("binary".into());
                continue;
            }
            let Some((kind, format)) = misspelt(&name) else {
                let message = format!("there is no type {name:?}; it may be anything");
                self.report.add(item, Kind::UnknownValue, Action::Guessed, message);
                continue;
            };
            let message =
                format!("there is no type {name:?}; it is read as {}", kind.map_or("any", Type::as_str));
            self.report.add(item, Kind::UnknownValue, Action::Repaired, message);
            match kind {
                Some(kind) => types = types.with(kind),
                None => any = true,
            }
            if draft.schema.format.is_none() {
                draft.schema.format = format.map(Into::into);
            }
        }
        if any {
            return;
        }
        let both = draft.schema.types.and(types);
        if both.is_any() && !types.is_any() {
            draft.impossible = true;
        } else {
            draft.schema.types = both;
        }
    }

    pub(super) fn properties(&mut self, value: Val<'t>, draft: &mut Draft<'t>) {
        if !value.is_object() {
            return self.wrong(value, "properties", "an object");
        }
        // Only parts after the first can name a field again.
        let merge = !draft.properties.is_empty();
        if merge {
            draft.index =
                draft.properties.iter().enumerate().map(|(index, (name, _))| (name.clone(), index)).collect();
        }
        for (name, schema) in value.members() {
            if &*name == "$ref"
                && let Some(reference) = schema.as_str()
            {
                let message = "`properties` can't be a reference; the fields it leads to are taken";
                self.report.add(schema, Kind::WrongType, Action::Repaired, message);
                if let Some(target) = self.resolve(value, &reference, "schemas")
                    && target.key() != value.key()
                    && target.get("$ref").is_none()
                {
                    self.properties(target.get("properties").unwrap_or(target), draft);
                }
                continue;
            }
            if schema.get("required").and_then(|on| on.as_bool()) == Some(true) {
                let message = format!("`required` is a boolean; the field {name:?} is required");
                self.report.add(schema, Kind::WrongType, Action::Repaired, message);
                draft.required.insert(name.as_ref().into());
            }
            if !schema.is_object() && schema.as_bool().is_none() {
                let message =
                    format!("the field {name:?} is {}, not a schema; it may hold anything", schema.what());
                self.report.add(schema, Kind::WrongType, Action::Guessed, message);
            }
            let known = if merge { draft.index.get(&*name).copied() } else { None };
            match known.and_then(|index| draft.properties.get_mut(index)) {
                Some((_, parts)) => parts.push(schema),
                None => draft.properties.push((name.as_ref().into(), vec![schema])),
            }
        }
    }

    pub(super) fn required(&mut self, value: Val<'t>, draft: &mut Draft<'t>) {
        if value.is_list() {
            for item in value.items() {
                match item.as_str() {
                    Some(name) => drop(draft.required.insert(name.as_ref().into())),
                    None => self.wrong(item, "required", "a list of texts"),
                }
            }
        } else if value.as_bool().is_none() {
            // A boolean is how parameters and old drafts say it; it isn't about fields.
            self.wrong(value, "required", "a list of texts");
        }
    }

    pub(super) fn additional(&mut self, value: Val<'t>, draft: &mut Draft<'t>) {
        match value.as_bool() {
            // Parts that each close themselves would leave nothing; together they mean their fields.
            Some(true) => {}
            Some(false) => draft.schema.additional = Additional::None,
            None if value.is_object() => draft.schema.additional = Additional::Schema(self.id(value)),
            None => self.wrong(value, "additionalProperties", "a schema or a boolean"),
        }
    }

    pub(super) fn items(&mut self, value: Val<'t>, draft: &mut Draft<'t>) {
        if value.is_list() {
            let items = value.items().map(|item| self.id(item)).collect();
            draft.details().prefix_items = items;
        } else if value.is_object() || value.as_bool().is_some() {
            draft.items.get_or_insert_default().push(value);
        } else {
            self.wrong(value, "items", "a schema");
        }
    }

    pub(super) fn alternatives(&mut self, name: &str, value: Val<'t>, draft: &mut Draft<'t>) {
        if !value.is_list() {
            return self.wrong(value, name, "a list");
        }
        let items: Vec<_> = value.items().collect();
        if only_alternative(&items).is_some() {
            return;
        }
        let mut ids = Vec::with_capacity(items.len());
        for item in items {
            if item.is_object() || item.as_bool().is_some() {
                ids.push(self.id(item));
            } else {
                self.wrong(item, name, "a list of schemas");
            }
        }
        let list = if name == "oneOf" { &mut draft.schema.one_of } else { &mut draft.schema.any_of };
        list.extend(ids);
    }

    pub(super) fn discriminator(&mut self, value: Val<'t>, draft: &mut Draft<'t>) {
        // A base's discriminator is read again for each schema built on it, and may name them all.
        if let Some(known) = self.discriminators.get(&value.key()) {
            draft.details().discriminator = Some(Arc::clone(known));
            return;
        }
        let property = value.as_str().or_else(|| value.get("propertyName").and_then(|name| name.as_str()));
        let Some(property) = property else {
            return self.wrong(value, "discriminator", "an object with propertyName");
        };
        let mut mapping = Vec::new();
        for (key, target) in value.get("mapping").into_iter().flat_map(|mapping| mapping.members()) {
            let Some(target_text) = target.as_str() else { continue };
            // A plain word is a component's name.
            let reference = if target_text.contains(['/', '#', '.']) {
                target_text.into_owned()
            } else {
                format!("#/components/schemas/{target_text}")
            };
            if let Some(found) = self.resolve(target, &reference, "schemas") {
                mapping.push((key.as_ref().into(), self.id(found)));
            }
        }
        let made = Arc::new(Discriminator { property_name: property.as_ref().into(), mapping });
        self.discriminators.insert(value.key(), Arc::clone(&made));
        draft.details().discriminator = Some(made);
    }
}

/// The one alternative there is, if there is only one besides null.
pub(super) fn only_alternative<'t>(items: &[Val<'t>]) -> Option<(Val<'t>, bool)> {
    let null = |item: &Val<'_>| {
        item.get("type").and_then(|kind| kind.as_str()).as_deref() == Some("null") || item.is_null()
    };
    let mut rest = items.iter().filter(|item| !null(item));
    match (rest.next(), rest.next()) {
        (Some(one), None) if one.is_object() => Some((*one, items.len() > 1)),
        _ => None,
    }
}

pub(super) fn type_of(value: &Json) -> Type {
    match value.text().as_bytes().first() {
        Some(b'"') => Type::String,
        Some(b'{') => Type::Object,
        Some(b'[') => Type::Array,
        Some(b't' | b'f') => Type::Boolean,
        Some(b'n') | None => Type::Null,
        Some(_) if value.text().contains(['.', 'e', 'E']) => Type::Number,
        Some(_) => Type::Integer,
    }
}

/// Names that documents use for types that have another name.
fn misspelt(name: &str) -> Option<(Option<Type>, Option<&'static str>)> {
    let (kind, format) = match name.to_ascii_lowercase().as_str() {
        "string" | "str" | "text" | "char" | "varchar" | "enum" => (Type::String, None),
        "int" | "long" | "int32" | "int64" | "integer" | "short" | "bigint" => (Type::Integer, None),
        "float" | "double" | "decimal" | "number" | "numeric" => (Type::Number, None),
        "bool" | "boolean" => (Type::Boolean, None),
        "array" | "list" => (Type::Array, None),
        "object" | "dict" | "map" | "hash" | "json" => (Type::Object, None),
        "date" => (Type::String, Some("date")),
        "datetime" | "date-time" | "timestamp" => (Type::String, Some("date-time")),
        "uuid" | "guid" => (Type::String, Some("uuid")),
        "url" | "uri" => (Type::String, Some("uri")),
        "binary" => (Type::String, Some("binary")),
        "any" | "mixed" | "" => return Some((None, None)),
        _ => return None,
    };
    Some((Some(kind), format))
}

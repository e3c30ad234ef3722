//! The JSON form of schemas: JSON Schema, where every nested schema is a reference into the table.

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Json;
use super::schema::{Additional, Details, Property, Schema, SchemaId, Type, Types};

const POINTER: &str = "#/schemas/";

impl Serialize for SchemaId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("$ref", &format_args!("{POINTER}{}", self.0))?;
        map.end()
    }
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(rename = "$ref", borrow)]
    to: std::borrow::Cow<'a, str>,
}

impl<'de> Deserialize<'de> for SchemaId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let reference = Reference::deserialize(deserializer)?;
        let index = reference.to.strip_prefix(POINTER).and_then(|index| index.parse().ok());
        index.map(SchemaId).ok_or_else(|| D::Error::custom(format!("{:?} is not `{POINTER}N`", reference.to)))
    }
}

impl Serialize for Types {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut names = self.iter();
        match (names.next(), names.next()) {
            (Some(only), None) => only.serialize(serializer),
            _ => serializer.collect_seq(self.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Types {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany {
            One(Type),
            Many(Vec<Type>),
        }
        Ok(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(kind) => Self::one(kind),
            OneOrMany::Many(kinds) => kinds.into_iter().fold(Self::ANY, Self::with),
        })
    }
}

struct Properties<'a>(&'a [Property]);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|property| (&property.name, property.schema)))
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        macro_rules! entry {
            ($key:literal, $value:expr, $when:expr) => {
                if $when {
                    map.serialize_entry($key, &$value)?;
                }
            };
        }
        entry!("name", self.name, self.name.is_some());
        entry!("type", self.types, !self.types.is_any());
        entry!("format", self.format, self.format.is_some());
        entry!("title", self.title, self.title.is_some());
        entry!("description", self.description, self.description.is_some());
        entry!("properties", Properties(&self.properties), !self.properties.is_empty());
        let required: Vec<_> = self.properties.iter().filter(|p| p.required).map(|p| &p.name).collect();
        entry!("required", required, !required.is_empty());
        match self.additional {
            Additional::Any => {}
            Additional::None => map.serialize_entry("additionalProperties", &false)?,
            Additional::Schema(id) => map.serialize_entry("additionalProperties", &id)?,
        }
        entry!("items", self.items, self.items.is_some());
        entry!("oneOf", self.one_of, !self.one_of.is_empty());
        entry!("anyOf", self.any_of, !self.any_of.is_empty());
        entry!("enum", self.enum_values, !self.enum_values.is_empty());
        entry!("readOnly", true, self.read_only);
        entry!("writeOnly", true, self.write_only);
        entry!("deprecated", true, self.deprecated);
        entry!("guessed", true, self.guessed);
        if let Some(details) = &self.details {
            map.serialize_entry("details", details)?;
        }
        map.end()
    }
}

/// Reads an object's members in the order they were written, which a map type would lose.
#[derive(Default)]
struct Ordered(Vec<(Box<str>, SchemaId)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Ordered;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of schema references")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Ordered(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AdditionalForm {
    Allowed(bool),
    Schema(SchemaId),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Form {
    name: Option<Box<str>>,
    #[serde(rename = "type")]
    types: Types,
    format: Option<Box<str>>,
    title: Option<Box<str>>,
    description: Option<Box<str>>,
    properties: Ordered,
    required: Vec<Box<str>>,
    additional_properties: Option<AdditionalForm>,
    items: Option<SchemaId>,
    one_of: Vec<SchemaId>,
    any_of: Vec<SchemaId>,
    #[serde(rename = "enum")]
    enum_values: Vec<Json>,
    read_only: bool,
    write_only: bool,
    deprecated: bool,
    guessed: bool,
    details: Option<Box<Details>>,
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::deserialize(deserializer)?;
        let required: std::collections::HashSet<_> = form.required.iter().collect();
        Ok(Self {
            properties: form
                .properties
                .0
                .into_iter()
                .map(|(name, schema)| Property { required: required.contains(&name), name, schema })
                .collect(),
            additional: match form.additional_properties {
                None | Some(AdditionalForm::Allowed(true)) => Additional::Any,
                Some(AdditionalForm::Allowed(false)) => Additional::None,
                Some(AdditionalForm::Schema(id)) => Additional::Schema(id),
            },
            name: form.name,
            types: form.types,
            format: form.format,
            title: form.title,
            description: form.description,
            items: form.items,
            one_of: form.one_of,
            any_of: form.any_of,
            enum_values: form.enum_values,
            read_only: form.read_only,
            write_only: form.write_only,
            deprecated: form.deprecated,
            guessed: form.guessed,
            details: form.details,
        })
    }
}

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Json, json};

/// The handle of a schema in its [`Schemas`] table. In JSON: `{"$ref": "#/schemas/7"}`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaId(pub u32);

impl fmt::Debug for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The basic types of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// Any number.
    Number,
    /// A text.
    String,
    /// A list.
    Array,
    /// Names and values.
    Object,
}

impl Type {
    /// Every type.
    pub const ALL: [Self; 7] =
        [Self::Null, Self::Boolean, Self::Integer, Self::Number, Self::String, Self::Array, Self::Object];

    /// Its name in JSON Schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

/// A set of types. Empty means that nothing is said: any value.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Types(u8);

impl Types {
    /// No type named: any value.
    pub const ANY: Self = Self(0);

    /// Just one type.
    pub const fn one(kind: Type) -> Self {
        Self(1 << kind as u8)
    }

    /// With `kind` added.
    #[must_use]
    pub const fn with(self, kind: Type) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// With `kind` taken out.
    #[must_use]
    pub const fn without(self, kind: Type) -> Self {
        Self(self.0 & !(1 << kind as u8))
    }

    /// Whether `kind` was named.
    pub const fn has(self, kind: Type) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// Whether no type was named.
    pub const fn is_any(self) -> bool {
        self.0 == 0
    }

    /// The types that both name; a set that names none leaves the other as it is.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        // An integer is a number.
        const NUMBER: u8 = 1 << Type::Number as u8;
        const INTEGER: u8 = 1 << Type::Integer as u8;
        match (self.0, other.0) {
            (0, set) | (set, 0) => Self(set),
            (left, right) if left & right & NUMBER == 0 && (left | right) & NUMBER != 0 => {
                Self(left & right | (left | right) & INTEGER)
            }
            (left, right) => Self(left & right),
        }
    }

    /// The types that either names.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Each named type.
    pub fn iter(self) -> impl Iterator<Item = Type> {
        Type::ALL.into_iter().filter(move |kind| self.has(*kind))
    }

    /// The one type besides null, if there is exactly one.
    pub fn single(self) -> Option<Type> {
        let mut rest = self.without(Type::Null).iter();
        let first = rest.next()?;
        rest.next().is_none().then_some(first)
    }
}

impl FromIterator<Type> for Types {
    fn from_iter<I: IntoIterator<Item = Type>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::ANY, Self::with)
    }
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `any`, `string`, `integer or null`.
impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_any() {
            return f.write_str("any");
        }
        let mut first = true;
        for kind in self.without(Type::Null).iter().chain(self.has(Type::Null).then_some(Type::Null)) {
            if !first {
                f.write_str(" or ")?;
            }
            first = false;
            f.write_str(kind.as_str())?;
        }
        Ok(())
    }
}

/// What a value may be. `allOf` is merged in; `oneOf` and `anyOf` are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// The name it has among the document's components.
    pub name: Option<Box<str>>,
    /// The types a value may have, null among them.
    pub types: Types,
    /// `date-time`, `int64`, `uuid`, ...
    pub format: Option<Box<str>>,
    /// A short title.
    pub title: Option<Box<str>>,
    /// What its owner says of it.
    pub description: Option<Box<str>>,
    /// The fields of an object, in the document's order.
    pub properties: Vec<Property>,
    /// What fields of other names hold.
    pub additional: Additional,
    /// What the items of a list hold.
    pub items: Option<SchemaId>,
    /// Exactly one of these holds too.
    pub one_of: Vec<SchemaId>,
    /// At least one of these holds too.
    pub any_of: Vec<SchemaId>,
    /// The only values there are; a `const` is an enumeration of one.
    pub enum_values: Vec<Json>,
    /// Only in answers.
    pub read_only: bool,
    /// Only in requests.
    pub write_only: bool,
    /// The owner advises against it.
    pub deprecated: bool,
    /// Inferred from samples, not described by the owner.
    pub guessed: bool,
    /// What only some schemas have.
    pub details: Option<Box<Details>>,
}

impl Schema {
    /// A schema that says no more than a type.
    pub fn of(kind: Type) -> Self {
        Self { types: Types::one(kind), ..Self::default() }
    }

    /// Whether null is a value of it.
    pub fn nullable(&self) -> bool {
        self.types.has(Type::Null)
    }

    /// The field of that name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| &*property.name == name)
    }

    /// What only some schemas have; all empty if this one has none of it.
    pub fn details(&self) -> &Details {
        static NONE: Details = Details::NONE;
        self.details.as_deref().unwrap_or(&NONE)
    }

    /// Whether it is a text that stands for a point in time, by its format.
    pub fn is_timestamp(&self) -> bool {
        matches!(
            self.format.as_deref(),
            Some("date-time" | "date" | "datetime" | "timestamp" | "unix-time" | "unixtime")
        )
    }
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// Its name.
    pub name: Box<str>,
    /// What it holds.
    pub schema: SchemaId,
    /// Whether an object without it is invalid.
    pub required: bool,
}

/// What fields hold that aren't named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Additional {
    /// Nothing is said: anything.
    #[default]
    Any,
    /// There are none.
    None,
    /// What this schema says.
    Schema(SchemaId),
}

/// The parts of a schema that most don't have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Details {
    /// What it is when left out.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "json::present")]
    pub default: Option<Json>,
    /// A sample value.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "json::present")]
    pub example: Option<Json>,
    /// The least value.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "json::present")]
    pub minimum: Option<Json>,
    /// The greatest value.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "json::present")]
    pub maximum: Option<Json>,
    /// A bound that isn't reached.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "json::present")]
    pub exclusive_minimum: Option<Json>,
    /// A bound that isn't reached.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "json::present")]
    pub exclusive_maximum: Option<Json>,
    /// What the value is a multiple of.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "json::present")]
    pub multiple_of: Option<Json>,
    /// The least number of characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// The greatest number of characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// A regular expression that texts match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Box<str>>,
    /// The least number of items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_items: Option<u64>,
    /// The greatest number of items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u64>,
    /// Whether items differ from each other.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unique_items: bool,
    /// The least number of fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_properties: Option<u64>,
    /// The greatest number of fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_properties: Option<u64>,
    /// The media type inside a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_media_type: Option<Box<str>>,
    /// How bytes became the text: `base64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<Box<str>>,
    /// What the first items hold, one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefix_items: Vec<SchemaId>,
    /// What fields hold whose names match a regular expression.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pattern_properties: Vec<(Box<str>, SchemaId)>,
    /// What must not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<SchemaId>,
    /// The named schemas that were merged into this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<SchemaId>,
    /// The field that tells which of `oneOf` a value is; shared with the schemas that are built on this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<Arc<Discriminator>>,
    /// Required fields that the schema doesn't describe.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_required: Vec<Box<str>>,
}

impl Details {
    /// Nothing at all.
    pub const NONE: Self = Self {
        default: None,
        example: None,
        minimum: None,
        maximum: None,
        exclusive_minimum: None,
        exclusive_maximum: None,
        multiple_of: None,
        min_length: None,
        max_length: None,
        pattern: None,
        min_items: None,
        max_items: None,
        unique_items: false,
        min_properties: None,
        max_properties: None,
        content_media_type: None,
        content_encoding: None,
        prefix_items: Vec::new(),
        pattern_properties: Vec::new(),
        not: None,
        bases: Vec::new(),
        discriminator: None,
        also_required: Vec::new(),
    };
}

/// Which alternative a value is, told by one of its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Discriminator {
    /// The field.
    pub property_name: Box<str>,
    /// The field's value and what it stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapping: Vec<(Box<str>, SchemaId)>,
}

/// Every schema of an API, once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schemas(Vec<Schema>);

impl Schemas {
    /// Keeps a schema and gives its handle.
    pub fn add(&mut self, schema: Schema) -> SchemaId {
        let id = SchemaId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(schema);
        id
    }

    /// The schema behind a handle; `None` if the handle is of another table.
    pub fn get(&self, id: SchemaId) -> Option<&Schema> {
        self.0.get(id.0 as usize)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, id: SchemaId) -> Option<&mut Schema> {
        self.0.get_mut(id.0 as usize)
    }

    /// The component of that name.
    pub fn named(&self, name: &str) -> Option<SchemaId> {
        self.iter().find(|(_, schema)| schema.name.as_deref() == Some(name)).map(|(id, _)| id)
    }

    /// Every schema with its handle.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (SchemaId, &Schema)> {
        self.0.iter().enumerate().map(|(index, schema)| (SchemaId(index as u32), schema))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives spare memory back.
    pub fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }
}

impl From<Vec<Schema>> for Schemas {
    fn from(schemas: Vec<Schema>) -> Self {
        Self(schemas)
    }
}

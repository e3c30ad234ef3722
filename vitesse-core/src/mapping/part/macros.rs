/// Declares objects: the type, its reader, writer and schema. A field without a default is required.
macro_rules! parts {
    ($(
        $(#[doc = $doc:literal])+
        pub struct $name:ident {
            $( $(#[doc = $field_doc:literal])+ $key:literal $field:ident: $type:ty $(= $default:expr)?; )*
        }
    )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: $type, )*
            /// Keys that start with `x-`: kept as they are, without meaning.
            pub extra: $crate::mapping::value::Object,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $( $field: $crate::mapping::part::parts!(@default $type $(, $default)?), )*
                    extra: $crate::mapping::value::Object::new(),
                }
            }
        }

        impl $crate::mapping::part::Fields for $name {
            fn read_fields(
                object: &$crate::mapping::value::Object,
                tag: &str,
                reading: &mut $crate::mapping::part::Reading,
            ) -> Option<Self> {
                const KEYS: &[&str] = &[$($key),*];
                let mut extra = $crate::mapping::value::Object::new();
                for (key, value) in object.iter() {
                    if KEYS.contains(&key) || key == tag {
                        continue;
                    }
                    if $crate::mapping::part::is_extension(key) {
                        extra.insert(key, value.clone());
                        continue;
                    }
                    let near = $crate::error::did_you_mean(key, KEYS.iter().copied());
                    let help = near.unwrap_or_else(|| {
                        format!("known are {}; a key of your own starts with x-", KEYS.join(", "))
                    });
                    reading.within(key, |reading| reading.problem("there is no such key", Some(help)));
                }
                #[allow(unused_mut, reason = "a part may have no fields")]
                let mut complete = true;
                $(
                    #[allow(unused_mut, unused_assignments, reason = "only fields without default need it")]
                    let mut required = true;
                    $( let _ = || -> $type { $default }; required = false; )?
                    let $field = match object.get($key) {
                        Some(value) => {
                            let read = reading.within($key, |reading| {
                                <$type as $crate::mapping::part::Part>::read(value, reading)
                            });
                            complete &= read.is_some();
                            read
                        }
                        None if required => {
                            reading.problem(concat!("the key \"", $key, "\" is missing"), None);
                            complete = false;
                            None
                        }
                        None => Some($crate::mapping::part::parts!(@default $type $(, $default)?)),
                    };
                )*
                complete.then_some(())?;
                Some(Self { $( $field: $field?, )* extra })
            }

            fn write_fields(&self, out: &mut $crate::mapping::value::Object) {
                #[allow(unused_variables, reason = "a part may have no defaults")]
                let default = Self::default();
                $( $crate::mapping::part::parts!(@write self, default, out, $key, $field $(, $default)?); )*
                for (key, value) in self.extra.iter() {
                    out.insert(key, value.clone());
                }
            }

            fn schema_fields(
                tag: Option<(&str, &str)>,
                definitions: &mut $crate::mapping::value::Object,
            ) -> $crate::mapping::value::Object {
                use $crate::mapping::{Value, value::Object};
                let _ = &definitions;
                let mut properties = Object::new();
                let mut required: Vec<Value> = Vec::new();
                if let Some((key, name)) = tag {
                    properties.insert(key, [("const", Value::from(name))].into_iter().collect::<Object>());
                    required.push(key.into());
                }
                $({
                    let schema = <$type as $crate::mapping::part::Part>::schema(definitions);
                    let doc = concat!($($field_doc),+).trim();
                    properties.insert($key, $crate::mapping::schema::described(schema, doc));
                    $crate::mapping::part::parts!(@required required, $key $(, $default)?);
                })*
                let mut schema = Object::new();
                schema.insert("description", concat!($($doc),+).trim());
                schema.insert("type", "object");
                schema.insert("properties", properties);
                if !required.is_empty() {
                    schema.insert("required", required);
                }
                let anything: Object = [("^x-", Value::from(true))].into_iter().collect();
                schema.insert("patternProperties", anything);
                schema.insert("additionalProperties", false);
                schema
            }
        }

        impl $crate::mapping::part::Part for $name {
            fn read(
                value: &$crate::mapping::Value,
                reading: &mut $crate::mapping::part::Reading,
            ) -> Option<Self> {
                match value {
                    $crate::mapping::Value::Object(object) => {
                        <Self as $crate::mapping::part::Fields>::read_fields(object, "", reading)
                    }
                    other => reading.expected("an object", other),
                }
            }

            fn write(&self) -> $crate::mapping::Value {
                let mut out = $crate::mapping::value::Object::new();
                $crate::mapping::part::Fields::write_fields(self, &mut out);
                $crate::mapping::Value::Object(out)
            }

            fn schema(definitions: &mut $crate::mapping::value::Object) -> $crate::mapping::Value {
                $crate::mapping::schema::define(stringify!($name), definitions, |definitions| {
                    <Self as $crate::mapping::part::Fields>::schema_fields(None, definitions)
                })
            }
        }
    )+ };
    (@default $type:ty) => { <$type as Default>::default() };
    (@default $type:ty, $default:expr) => { $default };
    (@required $list:ident, $key:literal) => { $list.push(Value::from($key)) };
    (@required $list:ident, $key:literal, $default:expr) => {};
    (@write $self:ident, $with:ident, $out:ident, $key:literal, $field:ident) => {
        $out.insert($key, $crate::mapping::part::Part::write(&$self.$field))
    };
    (@write $self:ident, $with:ident, $out:ident, $key:literal, $field:ident, $default:expr) => {
        if $self.$field != $with.$field {
            $out.insert($key, $crate::mapping::part::Part::write(&$self.$field));
        }
    };
}

/// Declares a choice among names. The first is the default.
macro_rules! names {
    ($(
        $(#[doc = $doc:literal])+
        pub enum $name:ident { $( $(#[doc = $variant_doc:literal])+ $variant:ident = $text:literal, )+ }
    )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $( $(#[doc = $variant_doc])+ $variant, )+ }

        impl $name {
            /// Every choice.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the document.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::ALL[0]
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl $crate::mapping::part::Part for $name {
            fn read(
                value: &$crate::mapping::Value,
                reading: &mut $crate::mapping::part::Reading,
            ) -> Option<Self> {
                const NAMES: &[&str] = &[$($text),+];
                let Some(text) = value.as_str() else { return reading.expected("a name", value) };
                let found = $name::ALL.iter().copied().find(|choice| choice.name() == text);
                if found.is_none() {
                    let near = $crate::error::did_you_mean(text, NAMES.iter().copied());
                    let help = near.unwrap_or_else(|| format!("it is one of {}", NAMES.join(", ")));
                    reading.problem(format!("{text:?} is not known here"), Some(help));
                }
                found
            }

            fn write(&self) -> $crate::mapping::Value {
                self.name().into()
            }

            fn schema(definitions: &mut $crate::mapping::value::Object) -> $crate::mapping::Value {
                use $crate::mapping::{Value, value::Object};
                $crate::mapping::schema::define(stringify!($name), definitions, |_| {
                    let choices: Vec<Value> = vec![$({
                        let mut choice = Object::new();
                        choice.insert("const", $text);
                        choice.insert("description", concat!($($variant_doc),+).trim());
                        choice.into()
                    }),+];
                    let mut schema = Object::new();
                    schema.insert("description", concat!($($doc),+).trim());
                    schema.insert("oneOf", choices);
                    schema
                })
            }
        }
    )+ };
}

/// Declares a choice among objects, told apart by one key. The first is the default.
macro_rules! tagged {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident by $tag:literal {
            $( $(#[doc = $variant_doc:literal])+ $variant:ident($type:ty) = $text:literal, )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name { $( $(#[doc = $variant_doc])+ $variant($type), )+ }

        impl $name {
            /// The names of the kinds in the document.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The name of this kind in the document.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $text),+ }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                #[allow(unreachable_code, reason = "the first of the list is taken")]
                { $( return Self::$variant(Default::default()); )+ }
            }
        }

        impl $crate::mapping::part::Part for $name {
            fn read(
                value: &$crate::mapping::Value,
                reading: &mut $crate::mapping::part::Reading,
            ) -> Option<Self> {
                let $crate::mapping::Value::Object(object) = value else {
                    return reading.expected("an object", value);
                };
                match object.get($tag).map(|tag| tag.as_str()) {
                    $( Some(Some($text)) => {
                        <$type as $crate::mapping::part::Fields>::read_fields(object, $tag, reading)
                            .map(Self::$variant)
                    } )+
                    Some(Some(other)) => {
                        let near = $crate::error::did_you_mean(other, Self::NAMES.iter().copied());
                        let help = near.unwrap_or_else(|| format!("it is one of {}", Self::NAMES.join(", ")));
                        let message = format!("{other:?} is not known here");
                        reading.within($tag, |reading| reading.problem(message, Some(help)));
                        None
                    }
                    Some(None) => {
                        reading.within($tag, |reading| reading.problem("a name was expected", None));
                        None
                    }
                    None => {
                        let help = format!("it is one of {}", Self::NAMES.join(", "));
                        reading.problem(concat!("the key \"", $tag, "\" is missing"), Some(help));
                        None
                    }
                }
            }

            fn write(&self) -> $crate::mapping::Value {
                let mut out = $crate::mapping::value::Object::new();
                out.insert($tag, self.name());
                match self {
                    $(Self::$variant(part) => $crate::mapping::part::Fields::write_fields(part, &mut out),)+
                }
                out.into()
            }

            fn schema(definitions: &mut $crate::mapping::value::Object) -> $crate::mapping::Value {
                use $crate::mapping::{Value, value::Object};
                $crate::mapping::schema::define(stringify!($name), definitions, |definitions| {
                    let choices: Vec<Value> = vec![$({
                        let fields = <$type as $crate::mapping::part::Fields>::schema_fields(
                            Some(($tag, $text)),
                            definitions,
                        );
                        let doc = concat!($($variant_doc),+).trim();
                        $crate::mapping::schema::described(fields.into(), doc)
                    }),+];
                    let mut schema = Object::new();
                    schema.insert("description", concat!($($doc),+).trim());
                    schema.insert("oneOf", choices);
                    schema
                })
            }
        }
    };
}

pub(crate) use {names, parts, tagged};

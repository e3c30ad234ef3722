use super::Condition;
use crate::mapping::part::{Part, Reading, names, parts};
use crate::mapping::value::Object;
use crate::mapping::{FieldPath, Value};

parts! {
    /// One line: which field or fields become which field, and how.
    pub struct Transformation {
        /// The field of the source, or several; none for a constant.
        "source_field" source_field: Sources = Sources::default();
        /// The field of the destination.
        "dest_field" dest_field: FieldPath;
        /// How the value is changed.
        "transform_type" transform_type: TransformType;
        /// What the type needs: `{"function": "parse_int"}`, `{"function": "split", "params": {...}}`.
        "transform_config" transform_config: Object = Object::new();
        /// Whether the line is used.
        "enabled" enabled: bool = true;
        /// Whether a missing result is an error.
        "required" required: bool = false;
        /// What an error of this line does.
        "on_error" on_error: LineError = LineError::Fail;
        /// The value for `on_error: default`.
        "default" default: Option<Value> = None;
        /// How sure the mapper is, from 0 to 1.
        "confidence" confidence: Option<f64> = None;
        /// Why the mapper chose it.
        "reason" reason: Option<String> = None;
        /// What else the mapper thought of.
        "candidates" candidates: Vec<Value> = Vec::new();
        /// A note of people for people.
        "note" note: Option<String> = None;
    }
    /// Makes one record into as many as an array has elements. Each is made from the record with the array
    /// replaced by that element: split by `items`, the lines name `items.sku`.
    pub struct Split {
        /// The array, without `[]`.
        "by" by: FieldPath;
        /// Whether a record whose array is missing, null or empty is kept, as it is.
        "keep_empty" keep_empty: bool = false;
    }
    /// Leaves elements of an array out, as if they had not been there.
    pub struct ElementFilter {
        /// The array, without its last `[]`.
        "array" array: FieldPath;
        /// What holds for the elements that stay; its fields are within the element.
        "where" condition: Condition;
    }
}

names! {
    /// How a line changes its value.
    pub enum TransformType {
        /// Not at all; the names are the same.
        Direct = "direct",
        /// Not at all; the names differ.
        Mapping = "mapping",
        /// Text becomes a number.
        Parse = "parse",
        /// A number or boolean becomes text.
        Stringify = "stringify",
        /// Text or 0 and 1 become a boolean.
        ParseBool = "parse_bool",
        /// Several fields become one array.
        Collect = "collect",
        /// A named function does it.
        Custom = "custom",
    }
    /// What an error of a line does.
    pub enum LineError {
        /// It fails the record.
        Fail = "fail",
        /// The field is null.
        Null = "null",
        /// The field has the line's `default`.
        Default = "default",
        /// The field is left out.
        Skip = "skip",
    }
    /// What becomes of a record that fails.
    pub enum RecordError {
        /// It stops the run.
        Fail = "fail",
        /// It is left out.
        Skip = "skip",
        /// It goes to the dead letters with the reason.
        DeadLetter = "dead_letter",
    }
    /// How a value of an unexpected shape is taken.
    pub enum Strictness {
        /// A path that leads into a value of another shape is missing.
        Lenient = "lenient",
        /// It is an error of the line.
        Strict = "strict",
    }
}

/// The fields a line takes: one, several, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The paths.
    pub paths: Vec<FieldPath>,
    /// Whether the document has them as a list, which one path may be too.
    pub list: bool,
}

impl From<FieldPath> for Sources {
    fn from(path: FieldPath) -> Self {
        Self { paths: vec![path], list: false }
    }
}

impl From<Vec<FieldPath>> for Sources {
    fn from(paths: Vec<FieldPath>) -> Self {
        Self { paths, list: true }
    }
}

impl Part for Sources {
    fn read(value: &Value, reading: &mut Reading) -> Option<Self> {
        match value {
            Value::Null => Some(Self::default()),
            Value::Array(_) => Vec::read(value, reading).map(|paths: Vec<FieldPath>| match paths.len() {
                0 => Self::default(),
                _ => paths.into(),
            }),
            Value::String(_) => FieldPath::read(value, reading).map(Self::from),
            other => reading.expected("a path or a list of paths", other),
        }
    }

    fn write(&self) -> Value {
        match self.paths.as_slice() {
            [] => Value::Null,
            [path] if !self.list => path.write(),
            paths => paths.iter().map(FieldPath::write).collect::<Vec<_>>().into(),
        }
    }

    fn schema(definitions: &mut Object) -> Value {
        let choices = vec![
            FieldPath::schema(definitions),
            Vec::<FieldPath>::schema(definitions),
            Value::from([("type", "null")].into_iter().collect::<Object>()),
        ];
        [("anyOf", choices)].into_iter().collect::<Object>().into()
    }
}

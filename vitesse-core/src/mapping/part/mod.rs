//! How the parts of a mapping document are read, written and described, each declared once.
//!
//! Why not serde's derive: a person who writes a mapping wants every mistake named at once with its place
//! and the nearest right name, and a number must keep its text. One declaration by these macros gives the
//! type, a reader that collects problems, a writer that leaves defaults out, and the JSON Schema.

mod basic;
mod macros;

use super::value::Object;
use super::{Problem, Value};

pub(crate) use macros::{names, parts, tagged};

/// Something a mapping document is made of.
pub(crate) trait Part: Sized + PartialEq {
    /// Reads it, telling `reading` of everything that is wrong. `None` if there is nothing to go on with.
    fn read(value: &Value, reading: &mut Reading) -> Option<Self>;

    /// The JSON of it.
    fn write(&self) -> Value;

    /// Its JSON Schema; named parts go to the definitions and give a reference.
    fn schema(definitions: &mut Object) -> Value;
}

/// A part that is an object, whose fields can stand beside a tag.
pub(crate) trait Fields: Sized {
    fn read_fields(object: &Object, tag: &str, reading: &mut Reading) -> Option<Self>;
    fn write_fields(&self, out: &mut Object);
    fn schema_fields(tag: Option<(&str, &str)>, definitions: &mut Object) -> Object;
}

/// Where the reading stands, and what was found wrong so far.
#[derive(Default)]
pub(crate) struct Reading {
    pointer: String,
    pub(crate) problems: Vec<Problem>,
}

impl Reading {
    /// Does something one step deeper.
    pub(crate) fn within<T>(&mut self, step: &str, inner: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        let result = inner(self);
        self.pointer.truncate(length);
        result
    }

    pub(crate) fn problem(&mut self, message: impl Into<String>, help: Option<String>) {
        self.problems.push(Problem::new(self.pointer.clone(), message).maybe_help(help));
    }

    /// Says that another type was expected.
    pub(crate) fn expected<T>(&mut self, what: &str, found: &Value) -> Option<T> {
        self.problem(format!("{what} was expected, {} was found", found.a_type()), None);
        None
    }
}

/// Keys that programs may add for themselves: they are kept, and mean nothing.
pub(crate) fn is_extension(key: &str) -> bool {
    key.starts_with("x-")
}

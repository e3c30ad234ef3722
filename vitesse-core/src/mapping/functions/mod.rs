//! The functions that a line of type `custom` can name: pure, described, with examples that run as tests.

mod args;
mod choices;
pub(crate) mod codes;
pub mod convert;
pub mod decimal;
mod jq;
#[cfg(feature = "jq")]
mod jq_worker;
mod lists;
mod numbers;
mod text;
mod times;

use std::fmt;
use std::sync::Arc;

pub use args::Args;

use super::Value;
use super::value::Object;
use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// A function as it is described: everything known of it, and how to make it ready.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name in `transform_config.function`.
    pub name: &'static str,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// How many inputs it takes.
    pub inputs: Inputs,
    /// What happens to null; missing inputs follow the same rule.
    pub nulls: Nulls,
    /// Its parameters.
    pub params: &'static [Param],
    /// What it does, in one line.
    pub summary: &'static str,
    /// The details.
    pub doc: &'static str,
    /// What it gives for what; each runs as a test.
    pub examples: &'static [Example],
    /// The function that takes its result back, if one does.
    pub inverse: Option<&'static str>,
    /// Checks the parameters and makes it ready to run.
    pub build: fn(&Args<'_>) -> Result<Arc<dyn Call>>,
}

/// A function with its parameters, ready to run for record after record.
pub trait Call: Send + Sync {
    /// The result for the inputs; `None` stands for a missing field on both sides.
    ///
    /// # Errors
    /// Says why these inputs have no result.
    fn call(&self, inputs: &[Option<&Value>]) -> Result<Option<Value>>;
}

impl<F: Fn(&[Option<&Value>]) -> Result<Option<Value>> + Send + Sync> Call for F {
    fn call(&self, inputs: &[Option<&Value>]) -> Result<Option<Value>> {
        self(inputs)
    }
}

/// How many inputs a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// None.
    None,
    /// Exactly one.
    One,
    /// One or more.
    Many,
    /// Any number, also none.
    Any,
}

/// What a function does with null and missing inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// It isn't called: if an input is missing so is the result, else if one is null it is null.
    Pass,
    /// It sees them.
    See,
}

/// A parameter of a function.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name in `transform_config.params`.
    pub name: &'static str,
    /// What it takes.
    pub kind: ParamKind,
    /// Whether it must be given.
    pub required: bool,
    /// What it is otherwise, as JSON.
    pub default: Option<&'static str>,
    /// What it does.
    pub doc: &'static str,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// An array.
    Array,
    /// An object.
    Object,
    /// Any JSON value.
    Any,
    /// One of these names.
    OneOf(&'static [&'static str]),
}

/// What a function gives for what. Everything is JSON; an empty text is a missing field.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The parameters, an object.
    pub params: &'static str,
    /// The inputs.
    pub inputs: &'static [&'static str],
    /// The result; `None` if it is an error.
    pub output: Option<&'static str>,
}

/// A function that a line names, ready to run.
#[derive(Clone)]
pub struct Ready {
    /// Its proper name, whatever alias the document has.
    pub name: String,
    /// What happens to null.
    pub nulls: Nulls,
    /// Its parameters, defaults filled in.
    pub params: Object,
    /// Whether a host program brought it, so that only that process knows it.
    pub from_host: bool,
    call: Arc<dyn Call>,
}

impl Ready {
    /// Runs it, null and missing inputs treated as the function says.
    ///
    /// # Errors
    /// Says why these inputs have no result.
    pub fn call(&self, inputs: &[Option<&Value>]) -> Result<Option<Value>> {
        if self.nulls == Nulls::Pass {
            if inputs.iter().any(Option::is_none) {
                return Ok(None);
            }
            if inputs.iter().any(|input| input.is_some_and(Value::is_null)) {
                return Ok(Some(Value::Null));
            }
        }
        self.call.call(inputs)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("name", &self.name)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.params == other.params
    }
}

/// The functions that mappings may name: the built-in ones, and what a host program adds.
///
/// ```
/// use vitesse_core::mapping::{Functions, Value};
/// let functions = Functions::builtin().with("shout", |inputs| {
///     let text = inputs[0].and_then(Value::as_str).unwrap_or_default();
///     Ok(Some(Value::from(text.to_uppercase())))
/// });
/// assert!(functions.is_from_host("shout"));
/// assert!(!functions.is_from_host("split"));
/// ```
#[derive(Clone, Default)]
pub struct Functions {
    hosted: Vec<(String, Arc<dyn Call>)>,
    references: Option<Arc<References>>,
}

/// Finds the destination's id by the stream and the source's id; `None` if the record isn't there yet.
type References = dyn Fn(&str, &Value) -> Result<Option<Value>> + Send + Sync;

impl Functions {
    /// The built-in functions.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Adds a function of the host program. It works in this process only; it sees null and missing inputs,
    /// takes any parameters as its last input if there are some, and goes before a built-in one of that name.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<String>,
        call: impl Fn(&[Option<&Value>]) -> Result<Option<Value>> + Send + Sync + 'static,
    ) -> Self {
        let name = name.into();
        self.hosted.retain(|(known, _)| *known != name);
        self.hosted.push((name, Arc::new(call)));
        self
    }

    /// Makes the function `ref` work: gives it the way to look up an id by stream and source id.
    #[must_use]
    pub fn with_references(
        mut self,
        find: impl Fn(&str, &Value) -> Result<Option<Value>> + Send + Sync + 'static,
    ) -> Self {
        self.references = Some(Arc::new(find));
        self
    }

    /// Whether the host program brought the function of that name.
    pub fn is_from_host(&self, name: &str) -> bool {
        self.hosted.iter().any(|(known, _)| known == name)
    }

    /// The names of all functions, aliases included, those of the host program first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let hosted = self.hosted.iter().map(|(name, _)| name.as_str());
        let builtin = all().flat_map(Function::names).map(|name| -> &str { name });
        hosted.chain(builtin.filter(|name| !self.is_from_host(name)))
    }

    /// The built-in function of that name or alias.
    pub fn find(name: &str) -> Option<&'static Function> {
        all().find(|function| function.name == name || function.aliases.contains(&name))
    }

    /// Finds a function, checks its parameters, and makes it ready.
    ///
    /// # Errors
    /// Every problem, with the key below `transform_config` it concerns: `function` or `params/...`.
    pub fn ready(&self, name: &str, params: &Object) -> Result<Ready, Vec<(String, String, Option<String>)>> {
        if let Some((name, call)) = self.hosted.iter().find(|(known, _)| known == name) {
            let (call, settings) = (Arc::clone(call), Value::Object(params.clone()));
            let with_settings: Arc<dyn Call> = if params.is_empty() {
                call
            } else {
                Arc::new(move |inputs: &[Option<&Value>]| {
                    let mut inputs = inputs.to_vec();
                    inputs.push(Some(&settings));
                    call.call(&inputs)
                })
            };
            return Ok(Ready {
                name: name.clone(),
                nulls: Nulls::See,
                params: params.clone(),
                from_host: true,
                call: with_settings,
            });
        }
        let Some(function) = Self::find(name) else {
            let hosted = self.hosted.iter().map(|(name, _)| name.as_str());
            let help = did_you_mean(
                name,
                hosted.chain(all().flat_map(Function::names).map(|name| -> &str { name })),
            )
            .unwrap_or_else(|| "the mapping reference lists all functions".to_owned());
            return Err(vec![("function".into(), format!("there is no function {name:?}"), Some(help))]);
        };
        let params = args::complete(function, params)?;
        if let ("ref", Some(find)) = (function.name, &self.references) {
            let (find, stream) = (Arc::clone(find), Args::new(&params).text("stream").to_owned());
            let call = move |inputs: &[Option<&Value>]| match inputs.first().copied().flatten() {
                Some(id) => find(&stream, id),
                None => Ok(None),
            };
            let (name, nulls) = (function.name.to_owned(), function.nulls);
            return Ok(Ready { name, nulls, params, from_host: false, call: Arc::new(call) });
        }
        let call = (function.build)(&Args::new(&params)).map_err(|error| {
            let at = error.context().iter().find(|(key, _)| *key == "param");
            let at = at.map_or("params".to_owned(), |(_, name)| format!("params/{name}"));
            vec![(at, error.message().to_owned(), error.help_text().map(str::to_owned))]
        })?;
        Ok(Ready { name: function.name.to_owned(), nulls: function.nulls, params, from_host: false, call })
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.hosted.iter().map(|(name, _)| name)).finish()
    }
}

impl Function {
    /// What a function is unless it says otherwise: of one field, without parameters.
    const DEFAULT: Self = Self {
        name: "",
        aliases: &[],
        inputs: Inputs::One,
        nulls: Nulls::Pass,
        params: &[],
        summary: "",
        doc: "",
        examples: &[],
        inverse: None,
        build: |_| built(|_| Ok(None)),
    };

    fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

const fn required(name: &'static str, kind: ParamKind, doc: &'static str) -> Param {
    Param { name, kind, required: true, default: None, doc }
}

const fn optional(name: &'static str, kind: ParamKind, default: &'static str, doc: &'static str) -> Param {
    Param { name, kind, required: false, default: Some(default), doc }
}

const fn ex(params: &'static str, inputs: &'static [&'static str], output: &'static str) -> Example {
    Example { params, inputs, output: Some(output) }
}

const fn fails(params: &'static str, inputs: &'static [&'static str]) -> Example {
    Example { params, inputs, output: None }
}

/// A function of one value that is there.
fn single(function: impl Fn(&Value) -> Result<Value> + Send + Sync + 'static) -> Result<Arc<dyn Call>> {
    built(move |inputs| inputs.first().copied().flatten().map(&function).transpose())
}

fn built(
    function: impl Fn(&[Option<&Value>]) -> Result<Option<Value>> + Send + Sync + 'static,
) -> Result<Arc<dyn Call>> {
    Ok(Arc::new(function))
}

/// The error of a function that has no result for its inputs.
pub(crate) fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::RecordInvalid, message).in_operation("transform.apply")
}

/// Every built-in function, in the order of the documentation.
pub fn all() -> impl Iterator<Item = &'static Function> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The built-in functions, by theme.
const TABLES: &[&[Function]] =
    &[choices::TABLE, numbers::TABLE, text::TABLE, times::TABLE, lists::TABLE, codes::TABLE, jq::TABLE];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::mapping::value::read;

    #[test]
    fn every_example_gives_what_it_says() {
        // Without its feature jq is known, but refuses every expression.
        for function in all().filter(|function| function.name != "jq" || cfg!(feature = "jq")) {
            for example in function.examples {
                let params = read(example.params.as_bytes()).unwrap();
                let ready = Functions::builtin().ready(function.name, params.as_object().unwrap());
                let inputs: Vec<Option<Value>> =
                    example.inputs.iter().map(|text| read(text.as_bytes()).ok()).collect();
                let inputs: Vec<Option<&Value>> = inputs.iter().map(Option::as_ref).collect();
                let found = ready
                    .map_err(|problems| format!("{problems:?}"))
                    .and_then(|ready| ready.call(&inputs).map_err(|error| error.to_string()))
                    .map(|value| value.map(|value| value.to_string()).unwrap_or_default());
                match example.output {
                    Some(output) => assert_eq!(found.as_deref(), Ok(output), "{} {example:?}", function.name),
                    None => assert!(found.is_err(), "{} {example:?} gave {found:?}", function.name),
                }
            }
        }
    }

    #[test]
    fn the_registry_is_in_order() {
        let mut names = HashSet::new();
        for function in all() {
            function.names().for_each(|name| assert!(names.insert(name), "{name} is there twice"));
            assert!(function.summary.ends_with('.') && !function.examples.is_empty(), "{}", function.name);
            for param in function.params {
                assert!(param.default.is_none_or(|text| read(text.as_bytes()).is_ok()), "{}", param.name);
                assert!(!(param.required && param.default.is_some()), "{}", param.name);
            }
            assert!(function.inverse.is_none_or(|name| Functions::find(name).is_some()));
        }
        for wanted in ["parse_shopify_timestamp", "concat", "lookup", "jq", "ref"] {
            assert!(names.contains(wanted), "{wanted}");
        }
    }

    #[test]
    fn wrong_parameters_are_all_named() {
        let params = read(br#"{"tabel": {}, "keep": 1}"#).unwrap();
        let problems = Functions::builtin().ready("lookup", params.as_object().unwrap()).unwrap_err();
        let told: Vec<_> = problems.iter().map(|(at, what, _)| format!("{at}: {what}")).collect();
        assert_eq!(
            told,
            [
                "params/tabel: the function \"lookup\" has no such parameter",
                "params: the parameter \"table\" of \"lookup\" is missing",
                "params/keep: true or false was expected, a number was found",
            ]
        );
        assert_eq!(problems[0].2.as_deref(), Some("did you mean \"table\"?"));
    }

    #[test]
    fn references_and_host_functions_are_called() {
        let functions = Functions::builtin()
            .with_references(|stream, id| Ok(Some(format!("{stream}/{id}").into())))
            .with("twice", |inputs| Ok(inputs[0].map(|value| Value::Array(vec![value.clone(); 2]))));
        let params = [("stream", "customers")].into_iter().collect();
        let one = Value::from(1);
        let found = functions.ready("ref", &params).unwrap().call(&[Some(&one)]).unwrap();
        assert_eq!(found, Some("customers/1".into()));
        let twice = functions.ready("twice", &Object::new()).unwrap();
        assert!(twice.from_host);
        assert_eq!(twice.call(&[Some(&one)]).unwrap().unwrap().to_string(), "[1,1]");
    }
}

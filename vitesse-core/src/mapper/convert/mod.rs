//! How the values of one field become values of another: chosen from what both schemas say.

mod amounts;
mod choices;
mod times;

use super::facts::Facts;
use crate::embed::Embedder;
use crate::mapping::value::Object;
use crate::mapping::{TransformType, Value};
use crate::spec::Type;

/// A conversion, and what should be known of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Conversion {
    pub(super) kind: TransformType,
    pub(super) config: Object,
    /// What it does, for the line's reason; empty if the value is copied.
    pub(super) words: String,
    /// Which values it can't take or the destination may refuse.
    pub(super) risk: Option<String>,
}

impl Conversion {
    /// No change.
    pub(super) fn copy(same_name: bool) -> Self {
        let kind = if same_name { TransformType::Direct } else { TransformType::Mapping };
        Self { kind, config: Object::new(), words: String::new(), risk: None }
    }

    fn of(kind: TransformType, words: impl Into<String>) -> Self {
        Self { kind, config: Object::new(), words: words.into(), risk: None }
    }

    fn parse(function: &str, words: &str) -> Self {
        let config = [("function", Value::from(function))].into_iter().collect();
        Self { config, ..Self::of(TransformType::Parse, words) }
    }

    /// A named function with parameters.
    pub(super) fn call(function: &str, params: Object, words: impl Into<String>) -> Self {
        let mut config = Object::new();
        config.insert("function", function);
        if !params.is_empty() {
            config.insert("params", params);
        }
        Self { config, ..Self::of(TransformType::Custom, words) }
    }

    fn risky(mut self, risk: impl Into<String>) -> Self {
        self.risk = Some(risk.into());
        self
    }
}

/// Chooses how a value of `from` becomes one of `to`.
pub(super) fn convert(from: &Facts<'_>, to: &Facts<'_>, model: &Embedder) -> Conversion {
    let found = times::convert(from, to)
        .or_else(|| amounts::convert(from, to))
        .or_else(|| choices::convert(from, to, model))
        .or_else(|| spelling(from, to))
        .or_else(|| by_type(from, to));
    found.unwrap_or_else(|| without_null(from, to))
}

/// A destination that takes capitals only, or small letters only.
fn spelling(from: &Facts<'_>, to: &Facts<'_>) -> Option<Conversion> {
    let pattern = to.schema.details().pattern.as_deref()?;
    let same = from.schema.details().pattern.as_deref() == Some(pattern);
    if same || from.kind() != Some(Type::String) || !from.values.is_empty() {
        return None;
    }
    let letters = |letters: &str, others: &str| pattern.contains(letters) && !pattern.contains(others);
    if letters("A-Z", "a-z") {
        return Some(Conversion::call("upper", Object::new(), "in capitals"));
    }
    letters("a-z", "A-Z").then(|| Conversion::call("lower", Object::new(), "in small letters"))
}

fn by_type(from: &Facts<'_>, to: &Facts<'_>) -> Option<Conversion> {
    use Type::{Array, Boolean, Integer, Number, Object as Map, String as Text};
    // What the destination takes too is left as it is.
    let taken = to.types.is_any() || !from.types.is_any() && from.types.iter().all(|kind| takes(to, kind));
    if taken {
        return None;
    }
    Some(match (from.kind()?, to.kind()?) {
        (Text, Integer) => Conversion::parse("parse_int", "text becomes a whole number"),
        (Text, Number) => Conversion::parse("parse_float", "text becomes a number"),
        (Number, Integer) => Conversion::parse("parse_int", "a number becomes a whole number")
            .risky("a number with a fraction is refused"),
        (Integer | Number | Boolean, Text) => Conversion::of(TransformType::Stringify, "becomes text"),
        (Text | Integer | Number, Boolean) => {
            Conversion::of(TransformType::ParseBool, "becomes true or false")
                .risky("only true, yes, y, on, t, 1 and false, no, n, off, f, 0 are understood")
        }
        (Boolean, Integer | Number) => {
            let table: Object = [("true", 1), ("false", 0)].into_iter().collect();
            Conversion::call("lookup", [("table", table)].into_iter().collect(), "true is 1, false is 0")
        }
        (Map | Array, Text) => Conversion::of(TransformType::Stringify, "becomes its JSON text")
            .risky("the text is JSON, which may not be what the destination expects"),
        (_, Array) => Conversion::call("to_array", Object::new(), "becomes a list of one"),
        (Array, _) => Conversion::call("first", Object::new(), "the first of the list"),
        (kind, other) => {
            let message = format!("the source holds {}, the destination {}", kind.as_str(), other.as_str());
            Conversion::copy(from.name == to.name).risky(message)
        }
    })
}

fn takes(to: &Facts<'_>, kind: Type) -> bool {
    to.types.has(kind) || kind == Type::Integer && to.types.has(Type::Number)
}

/// A copy; null is left out where only the source knows it, since the destination would refuse it.
fn without_null(from: &Facts<'_>, to: &Facts<'_>) -> Conversion {
    let refuses_null = !to.nullable && !to.types.is_any();
    if from.nullable && refuses_null {
        let condition: Object = [("is_null", false)].into_iter().collect();
        let params = [("if", condition)].into_iter().collect();
        return Conversion::call("conditional", params, "null is left out");
    }
    let mut copy = Conversion::copy(from.name == to.name);
    if let (Some(longest), Some(Type::String)) = (to.schema.details().max_length, from.kind())
        && from.format.is_none()
        && from.values.is_empty()
        && longest < 64
        && from.schema.details().max_length.is_none_or(|own| own > longest)
    {
        copy.risk = Some(format!("the destination takes at most {longest} characters"));
    }
    copy
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Tree, json};

    use super::super::matching::read_json_schema;
    use super::*;

    /// The conversion from `a` to `b`, each `name: schema`, in one line.
    pub(super) fn shown(a: (&str, Tree), b: (&str, Tree)) -> String {
        let side = |(name, schema): (&str, Tree)| read_json_schema(&json!({"properties": {name: schema}}));
        let ((left, from), (right, to)) = (side(a.clone()), side(b.clone()));
        let facts = |schemas: &'static crate::spec::Schemas, root, name: &str| {
            let field = schemas.field(root, name).unwrap();
            Facts::of(schemas, field.schema, name).unwrap()
        };
        let (left, right) = (Box::leak(Box::new(left)), Box::leak(Box::new(right)));
        let found = convert(&facts(left, from, a.0), &facts(right, to, b.0), Embedder::builtin().unwrap());
        let config =
            if found.config.is_empty() { String::new() } else { format!(" {}", Value::from(found.config)) };
        format!("{}{config}", found.kind.name())
    }

    #[test]
    fn plain_types() {
        let string = || json!({"type": "string"});
        let of = |kind: &str| json!({"type": kind});
        let check = |a: (&str, Tree), b: (&str, Tree), expect: &str| assert_eq!(shown(a, b), expect);
        check(("email", string()), ("email", string()), "direct");
        check(("email", string()), ("mail", string()), "mapping");
        check(("n", string()), ("n", of("integer")), r#"parse {"function":"parse_int"}"#);
        check(("n", string()), ("n", of("number")), r#"parse {"function":"parse_float"}"#);
        check(("n", of("integer")), ("n", of("number")), "direct");
        check(("n", of("number")), ("n", string()), "stringify");
        check(("n", of("boolean")), ("n", string()), "stringify");
        check(("n", string()), ("n", of("boolean")), "parse_bool");
        check(
            ("n", of("boolean")),
            ("n", of("integer")),
            r#"custom {"function":"lookup","params":{"table":{"true":1,"false":0}}}"#,
        );
        check(("n", json!({})), ("n", of("integer")), "direct");
        check(
            ("country", string()),
            ("country", json!({"type": "string", "pattern": "^[A-Z]{2}$"})),
            r#"custom {"function":"upper"}"#,
        );
        check(
            ("n", json!({"type": ["string", "null"]})),
            ("n", string()),
            r#"custom {"function":"conditional","params":{"if":{"is_null":false}}}"#,
        );
        check(("n", json!({"type": ["string", "null"]})), ("n", json!({})), "direct");
    }
}

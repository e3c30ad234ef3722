//! `jq`: expressions in the language of jq, by the jaq crates.

use super::{Args, Call, Function, Inputs, Nulls, ParamKind, ex, fails, required};
use crate::error::Result;
use std::sync::Arc;

pub(super) const TABLE: &[Function] = &[Function {
    name: "jq",
    aliases: &["jaq"],
    inputs: Inputs::Any,
    nulls: Nulls::See,
    params: &[required("expression", ParamKind::String, "The jq expression.")],
    summary: "Evaluates a jq expression.",
    doc: "Of one field the expression sees the value, of several an array of them; a missing field is null. Its first \
          result counts; without one the result is missing. There is no access to the environment, the clock, or \
          other input: env, $ENV, input, inputs, now, debug, stderr, halt and the local time zone are not there. A \
          result of more than 16 MiB, or an evaluation of more than five seconds, is an error. Needs the feature jq.",
    examples: EXAMPLES,
    build,
    ..Function::DEFAULT
}];

#[cfg(not(feature = "jq"))]
fn build(_: &Args<'_>) -> Result<Arc<dyn Call>> {
    Err(super::args::wrong("expression", "this build has no jq").help("build with the feature \"jq\""))
}

const EXAMPLES: &[super::Example] = &[
    ex(r#"{"expression": ".a + 1"}"#, &[r#"{"a": 2}"#], "3"),
    ex(r#"{"expression": ".[0] + .[1]"}"#, &["1", "2"], "3"),
    ex(r#"{"expression": "map(.n) | add"}"#, &[r#"[{"n":1},{"n":2}]"#], "3"),
    ex(r#"{"expression": "."}"#, &["123456789012345678901234567890.10"], "123456789012345678901234567890.10"),
    ex(r#"{"expression": "empty"}"#, &["1"], ""),
    fails(r#"{"expression": ".a |"}"#, &["1"]),
    fails(r#"{"expression": "env"}"#, &["1"]),
    fails(r#"{"expression": "error(\"no\")"}"#, &["1"]),
];

#[cfg(feature = "jq")]
fn build(args: &Args<'_>) -> Result<Arc<dyn Call>> {
    super::jq_worker::build(args.text("expression"))
}

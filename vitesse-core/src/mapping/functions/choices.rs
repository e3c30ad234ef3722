//! Constants, defaults, choices, value tables, references.

use super::{
    Args, Function, Inputs, Nulls, Param, ParamKind, built, convert, ex, fails, optional, refused, required,
};
use crate::error::Result;
use crate::mapping::functions::args::wrong;
use crate::mapping::{Condition, Functions, Predicate, Value};

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "constant",
        aliases: &["static", "literal"],
        inputs: Inputs::None,
        params: &[required("value", ParamKind::Any, "The value.")],
        summary: "Always the same value.",
        doc: "Takes no field. In an array every element that other lines make gets it.",
        examples: &[
            ex(r#"{"value": "import"}"#, &[], r#""import""#),
            ex(r#"{"value": {"a": 1.0}}"#, &[], r#"{"a":1.0}"#),
        ],
        build: |args| {
            let value = args.get("value").cloned();
            built(move |_| Ok(value.clone()))
        },
        ..Function::DEFAULT
    },
    Function {
        name: "default",
        aliases: &["if_missing", "default_value"],
        nulls: Nulls::See,
        params: &[
            required("value", ParamKind::Any, "The value that is given instead."),
            optional("on_empty", ParamKind::Bool, "false", "Whether empty text counts as missing too."),
        ],
        summary: "Another value where the field is missing or null.",
        examples: &[
            ex(r#"{"value": "none"}"#, &[""], r#""none""#),
            ex(r#"{"value": 0}"#, &["null"], "0"),
            ex(r#"{"value": "none"}"#, &[r#""""#], r#""""#),
            ex(r#"{"value": "none", "on_empty": true}"#, &[r#""""#], r#""none""#),
        ],
        build: |args| {
            let (value, on_empty) = (args.get("value").cloned(), args.flag("on_empty"));
            built(move |inputs| match inputs[0] {
                None | Some(Value::Null) => Ok(value.clone()),
                Some(Value::String(text)) if text.is_empty() && on_empty => Ok(value.clone()),
                Some(found) => Ok(Some(found.clone())),
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "coalesce",
        aliases: &["first_present"],
        inputs: Inputs::Many,
        nulls: Nulls::See,
        params: &[optional("skip_empty", ParamKind::Bool, "false", "Whether empty text is passed over too.")],
        summary: "The first of several fields that is there and not null.",
        doc: "If there is none, the result is null if one was null, else missing.",
        examples: &[
            ex("{}", &["", "null", r#""b""#, r#""c""#], r#""b""#),
            ex(r#"{"skip_empty": true}"#, &[r#""""#, "2"], "2"),
            ex("{}", &["", "null"], "null"),
            ex("{}", &["", ""], ""),
        ],
        build: |args| {
            let skip_empty = args.flag("skip_empty");
            built(move |inputs| {
                let absent = |value: &Value| value.is_null() || (skip_empty && value.as_str() == Some(""));
                let null = inputs.iter().flatten().any(|value| value.is_null()).then_some(Value::Null);
                Ok(inputs.iter().flatten().copied().find(|value| !absent(value)).cloned().or(null))
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "conditional",
        aliases: &["if", "case"],
        inputs: Inputs::Any,
        nulls: Nulls::See,
        params: &[
            required(
                "if",
                ParamKind::Object,
                "A condition for the first field, as in filter: {\"equals\": \"open\"}.",
            ),
            Param {
                name: "then",
                kind: ParamKind::Any,
                required: false,
                default: None,
                doc: "The value if it holds; without it, the second field, or the first if it is the only one.",
            },
            Param {
                name: "else",
                kind: ParamKind::Any,
                required: false,
                default: None,
                doc: "The value if it doesn't; without it, the third field, or missing.",
            },
        ],
        summary: "One value or another, as a condition says.",
        examples: &[
            ex(r#"{"if": {"equals": "open"}, "then": true, "else": false}"#, &[r#""open""#], "true"),
            ex(r#"{"if": {"greater_than": 10}, "then": "bulk"}"#, &["9.5"], ""),
            ex(r#"{"if": {"exists": true}}"#, &[r#""a""#], r#""a""#),
            ex(r#"{"if": {"equals": 1}}"#, &["2", r#""b""#, r#""c""#], r#""c""#),
            fails(r#"{"if": {"equal": 1}}"#, &["1"]),
        ],
        build: |args| {
            let condition = condition(args)?;
            let (then, other) = (args.get("then").cloned(), args.get("else").cloned());
            built(move |inputs| {
                let first = inputs.first().copied().flatten();
                let field = |at: usize| inputs.get(at).copied().flatten().cloned();
                Ok(if condition.holds(first)? {
                    then.clone().or_else(|| field(usize::from(inputs.len() > 1)))
                } else {
                    other.clone().or_else(|| field(2))
                })
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "lookup",
        aliases: &["map_values", "value_map", "enum_map"],
        params: &[
            required(
                "table",
                ParamKind::Object,
                "What each value becomes. Numbers and booleans are looked up by their text.",
            ),
            Param {
                name: "default",
                kind: ParamKind::Any,
                required: false,
                default: None,
                doc: "What a value that isn't in the table becomes; without it, that is an error.",
            },
            optional(
                "keep",
                ParamKind::Bool,
                "false",
                "Whether a value that isn't in the table stays as it is.",
            ),
            optional(
                "ignore_case",
                ParamKind::Bool,
                "false",
                "Whether large and small letters are the same.",
            ),
        ],
        summary: "Translates values by a table.",
        examples: &[
            ex(r#"{"table": {"paid": "completed", "1": "open"}}"#, &[r#""paid""#], r#""completed""#),
            ex(r#"{"table": {"1": "open"}}"#, &["1"], r#""open""#),
            ex(r#"{"table": {}, "default": null}"#, &[r#""x""#], "null"),
            ex(r#"{"table": {"a": 1}, "ignore_case": true, "keep": true}"#, &[r#""A""#], "1"),
            fails(r#"{"table": {"a": 1}}"#, &[r#""b""#]),
        ],
        build: |args| {
            let ignore_case = args.flag("ignore_case");
            let folded = move |key: &str| if ignore_case { key.to_lowercase() } else { key.to_owned() };
            let table = args.get("table").and_then(Value::as_object).cloned().unwrap_or_default();
            let table: crate::mapping::Object =
                table.iter().map(|(key, value)| (folded(key), value.clone())).collect();
            let (default, keep) = (args.get("default").cloned(), args.flag("keep"));
            built(move |inputs| {
                let Some(value) = inputs[0] else { return Ok(None) };
                let key = folded(convert::stringify(value).as_str().unwrap_or_default());
                match (table.get(&key), &default) {
                    (Some(found), _) => Ok(Some(found.clone())),
                    (None, Some(default)) => Ok(Some(default.clone())),
                    (None, None) if keep => Ok(Some(value.clone())),
                    (None, None) => Err(refused("the value is not in the table")
                        .help("add it to the table, or give a default")),
                }
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "ref",
        aliases: &["reference"],
        params: &[required("stream", ParamKind::String, "The stream whose record is meant.")],
        summary: "The destination's id of a record that another stream moved.",
        doc: "Looks the source's id up in the ledger, so it works where a ledger is: in the runtime. A record whose \
              reference isn't there yet is deferred.",
        examples: &[fails(r#"{"stream": "customers"}"#, &["7"])],
        build: |_| {
            built(|_| {
                Err(refused("there is no ledger here to look the reference up in")
                    .help("ref works in the runtime, or with Functions::with_references"))
            })
        },
        ..Function::DEFAULT
    },
];

fn condition(args: &Args<'_>) -> Result<Predicate> {
    let mut reading = crate::mapping::part::Reading::default();
    let read =
        args.get("if").and_then(|value| <Condition as crate::mapping::part::Part>::read(value, &mut reading));
    let mut problems = reading.problems;
    let ready = read
        .filter(|_| problems.is_empty())
        .and_then(|condition| Predicate::new(&condition, "", &Functions::builtin(), &mut problems));
    ready.ok_or_else(|| {
        let text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        wrong("if", text)
    })
}

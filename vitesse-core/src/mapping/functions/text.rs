//! Text: case, parts, patterns.

use regex_lite::Regex;

use super::{
    Args, Call, Function, Inputs, Nulls, Param, ParamKind, convert, ex, fails, optional, refused, required,
    single,
};
use crate::error::Result;
use crate::mapping::Value;
use crate::mapping::functions::args::wrong;
use std::sync::Arc;

const PATTERN: Param = required(
    "pattern",
    ParamKind::String,
    "The regular expression. Matching takes time in proportion to the text; there are no back-references.",
);

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "upper",
        aliases: &["uppercase", "to_upper"],
        summary: "Writes text in capitals.",
        examples: &[ex("{}", &[r#""straße""#], r#""STRASSE""#), fails("{}", &["1"])],
        build: |_| of_text(|text| Ok(text.to_uppercase().into())),
        ..Function::DEFAULT
    },
    Function {
        name: "lower",
        aliases: &["lowercase", "to_lower"],
        summary: "Writes text in small letters.",
        examples: &[ex("{}", &[r#""Ann@Example.COM""#], r#""ann@example.com""#)],
        build: |_| of_text(|text| Ok(text.to_lowercase().into())),
        ..Function::DEFAULT
    },
    Function {
        name: "capitalize",
        aliases: &["capitalise"],
        summary: "Writes the first letter large and the others small.",
        examples: &[ex("{}", &[r#""élan VITAL""#], r#""Élan vital""#)],
        build: |_| of_text(|text| Ok(capitalized(text).into())),
        ..Function::DEFAULT
    },
    Function {
        name: "title",
        aliases: &["title_case"],
        summary: "Writes the first letter of each word large and the others small.",
        doc: "Words end at white space; the white space stays as it is.",
        examples: &[ex("{}", &[r#""new  york CITY""#], r#""New  York City""#)],
        build: |_| {
            of_text(|text| {
                Ok(text.split_inclusive(char::is_whitespace).map(capitalized).collect::<String>().into())
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "snake",
        aliases: &["snake_case"],
        summary: "Writes a name as snake_case.",
        doc: "Words begin where a capital follows a small letter or a digit, and where other characters stand between.",
        examples: &[ex("{}", &[r#""Order lineItem-ID""#], r#""order_line_item_id""#)],
        build: |_| of_text(|text| Ok(words(text).join("_").into())),
        ..Function::DEFAULT
    },
    Function {
        name: "camel",
        aliases: &["camel_case"],
        summary: "Writes a name as camelCase.",
        doc: "Words are found as by snake.",
        examples: &[ex("{}", &[r#""order_line item""#], r#""orderLineItem""#)],
        build: |_| {
            of_text(|text| {
                let words = words(text);
                let word =
                    |(at, word): (usize, &String)| if at == 0 { word.clone() } else { capitalized(word) };
                Ok(words.iter().enumerate().map(word).collect::<String>().into())
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "trim",
        aliases: &["strip"],
        params: &[optional("side", ParamKind::OneOf(&["both", "start", "end"]), r#""both""#, "Where.")],
        summary: "Takes white space away at both ends.",
        examples: &[
            ex("{}", &[r#""  a b\n""#], r#""a b""#),
            ex(r#"{"side": "end"}"#, &[r#"" a ""#], r#"" a""#),
        ],
        build: |args| {
            let side = args.text("side").to_owned();
            of_text(move |text| {
                Ok(match side.as_str() {
                    "start" => text.trim_start(),
                    "end" => text.trim_end(),
                    _ => text.trim(),
                }
                .into())
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "substring",
        aliases: &["substr", "slice", "truncate"],
        params: &[
            optional(
                "start",
                ParamKind::Integer,
                "0",
                "The first character, from 0; less than 0 counts from the end.",
            ),
            Param {
                name: "length",
                kind: ParamKind::Integer,
                required: false,
                default: None,
                doc: "How many characters at most.",
            },
        ],
        summary: "Takes a part of a text, counted in characters.",
        doc: "What lies outside of the text is nothing, not an error.",
        examples: &[
            ex(r#"{"length": 3}"#, &[r#""héllo""#], r#""hél""#),
            ex(r#"{"start": -2}"#, &[r#""abc""#], r#""bc""#),
            ex(r#"{"start": 9}"#, &[r#""abc""#], r#""""#),
        ],
        build: |args| {
            let start = args.integer("start")?;
            let length = match args.get("length") {
                None => usize::MAX,
                Some(_) => usize::try_from(args.integer("length")?)
                    .map_err(|_| wrong("length", "a length is not less than 0"))?,
            };
            of_text(move |text| {
                let skip = usize::try_from(start).unwrap_or_else(|_| {
                    let back = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
                    text.chars().count().saturating_sub(back)
                });
                Ok(text.chars().skip(skip).take(length).collect::<String>().into())
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "replace",
        params: &[
            required("find", ParamKind::String, "The text to look for, as it is; not a pattern."),
            optional("with", ParamKind::String, r#""""#, "What to put there."),
        ],
        summary: "Replaces each occurrence of a text by another.",
        examples: &[
            ex(r#"{"find": ",", "with": ""}"#, &[r#""1,234,567""#], r#""1234567""#),
            fails(r#"{"find": ""}"#, &[r#""a""#]),
        ],
        build: |args| {
            let (find, with) = (args.text("find").to_owned(), args.text("with").to_owned());
            if find.is_empty() {
                return Err(wrong("find", "the text to look for is empty"));
            }
            of_text(move |text| Ok(text.replace(&find, &with).into()))
        },
        ..Function::DEFAULT
    },
    Function {
        name: "split",
        aliases: &["split_string"],
        params: &[
            optional("by", ParamKind::String, r#"",""#, "What stands between the parts."),
            optional("trim", ParamKind::Bool, "false", "Whether white space around each part is taken away."),
            Param {
                name: "index",
                kind: ParamKind::Integer,
                required: false,
                default: None,
                doc: "Gives only that part, from 0; less than 0 counts from the end. A part that isn't there is missing.",
            },
        ],
        summary: "Splits a text into an array, or takes one part of it.",
        doc: "An empty text has one empty part.",
        examples: &[
            ex("{}", &[r#""a,b,,c""#], r#"["a","b","","c"]"#),
            ex(r#"{"by": ";", "trim": true}"#, &[r#""a ; b""#], r#"["a","b"]"#),
            ex(r#"{"by": " ", "index": -1}"#, &[r#""Ada King Lovelace""#], r#""Lovelace""#),
            ex(r#"{"index": 5}"#, &[r#""a""#], ""),
        ],
        inverse: Some("join"),
        build: |args| {
            let (by, trim) = (args.text("by").to_owned(), args.flag("trim"));
            let index = args.get("index").map(|_| args.integer("index")).transpose()?;
            if by.is_empty() {
                return Err(wrong("by", "the text between the parts is empty"));
            }
            super::built(move |inputs| {
                let text = text_of(inputs[0])?;
                let parts = text.split(by.as_str()).map(|part| if trim { part.trim() } else { part });
                let mut parts: Vec<Value> = parts.map(Value::from).collect();
                Ok(match index {
                    None => Some(parts.into()),
                    Some(index) => super::lists::position(index, parts.len()).map(|at| parts.swap_remove(at)),
                })
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "concat",
        aliases: &["concatenate"],
        inputs: Inputs::Many,
        nulls: Nulls::See,
        params: &[
            optional("separator", ParamKind::String, r#""""#, "What stands between the parts."),
            optional(
                "skip_empty",
                ParamKind::Bool,
                "true",
                "Whether missing, null and empty parts are left out; else \
                they count as empty text.",
            ),
        ],
        summary: "Puts several fields together to one text.",
        doc: "Numbers and booleans are written as they are. If every part is missing, so is the result.",
        examples: &[
            ex(r#"{"separator": " "}"#, &[r#""Ada""#, "null", r#""Lovelace""#], r#""Ada Lovelace""#),
            ex(r#"{"separator": "-", "skip_empty": false}"#, &["1", ""], r#""1-""#),
            ex("{}", &["", ""], ""),
        ],
        build: |args| {
            let (separator, skip) = (args.text("separator").to_owned(), args.flag("skip_empty"));
            super::built(move |inputs| {
                if inputs.iter().all(Option::is_none) {
                    return Ok(None);
                }
                let parts = inputs.iter().map(|input| shown(*input)).filter(|part| !skip || !part.is_empty());
                Ok(Some(parts.collect::<Vec<_>>().join(&separator).into()))
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "template",
        aliases: &["format"],
        inputs: Inputs::Any,
        nulls: Nulls::See,
        params: &[required(
            "template",
            ParamKind::String,
            "The text, with {0}, {1}... where the fields go; {{ and }} \
            are braces.",
        )],
        summary: "Puts fields into a text.",
        doc: "Missing fields and null are written as nothing.",
        examples: &[
            ex(
                r#"{"template": "{1}, {0} ({{vip}})"}"#,
                &[r#""Ada""#, r#""Lovelace""#],
                r#""Lovelace, Ada ({vip})""#,
            ),
            ex(r##"{"template": "#{0}"}"##, &["7"], r##""#7""##),
            fails(r#"{"template": "{name}"}"#, &["7"]),
        ],
        build: |args| {
            let pieces = pieces(args.text("template"))?;
            super::built(move |inputs| {
                let mut out = String::new();
                for (text, field) in &pieces {
                    out.push_str(text);
                    if let Some(field) = field {
                        let Some(input) = inputs.get(*field) else {
                            return Err(refused(format!(
                                "the template names field {field}, {} are given",
                                inputs.len()
                            )));
                        };
                        out.push_str(&shown(*input));
                    }
                }
                Ok(Some(out.into()))
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "regex_match",
        aliases: &["matches"],
        params: &[PATTERN],
        summary: "Whether a pattern is found in the text.",
        examples: &[
            ex(r#"{"pattern": "^[A-Z]{2}\\d+$"}"#, &[r#""DE123""#], "true"),
            ex(r#"{"pattern": "x"}"#, &[r#""abc""#], "false"),
            fails(r#"{"pattern": "("}"#, &[r#""abc""#]),
        ],
        build: |args| {
            let regex = regex(args)?;
            of_text(move |text| Ok(regex.is_match(text).into()))
        },
        ..Function::DEFAULT
    },
    Function {
        name: "regex_replace",
        params: &[
            PATTERN,
            optional("with", ParamKind::String, r#""""#, "What to put there; $1 or ${name} is a group."),
        ],
        summary: "Replaces each match of a pattern.",
        examples: &[
            ex(r#"{"pattern": "[^0-9+]"}"#, &[r#""+49 (0)89-12""#], r#""+4908912""#),
            ex(r#"{"pattern": "(\\w+) (\\w+)", "with": "$2 $1"}"#, &[r#""Ada King""#], r#""King Ada""#),
        ],
        build: |args| {
            let (regex, with) = (regex(args)?, args.text("with").to_owned());
            of_text(move |text| Ok(regex.replace_all(text, with.as_str()).into_owned().into()))
        },
        ..Function::DEFAULT
    },
    Function {
        name: "regex_extract",
        aliases: &["extract"],
        params: &[PATTERN, optional("group", ParamKind::Integer, "0", "Which group; 0 is the whole match.")],
        summary: "Takes the first match of a pattern, or a group of it.",
        doc: "Without a match the result is missing.",
        examples: &[
            ex(r##"{"pattern": "#(\\d+)", "group": 1}"##, &[r##""order #42""##], r#""42""#),
            ex(r#"{"pattern": "\\d+"}"#, &[r#""none""#], ""),
            fails(r#"{"pattern": "a", "group": 1}"#, &[r#""a""#]),
        ],
        build: |args| {
            let regex = regex(args)?;
            let group = usize::try_from(args.integer("group")?).unwrap_or(usize::MAX);
            if group >= regex.captures_len() {
                return Err(wrong("group", format!("the pattern has {} groups", regex.captures_len() - 1)));
            }
            super::built(move |inputs| {
                let text = text_of(inputs[0])?;
                let found = regex
                    .captures(&text)
                    .and_then(|found| found.get(group).map(|found| found.as_str().into()));
                Ok(found)
            })
        },
        ..Function::DEFAULT
    },
];

/// A function of one text; numbers and booleans aren't taken for text.
pub(super) fn of_text(
    function: impl Fn(&str) -> Result<Value> + Send + Sync + 'static,
) -> Result<Arc<dyn Call>> {
    single(move |value| match value {
        Value::String(text) => function(text),
        other => Err(not_text(other)),
    })
}

fn text_of(input: Option<&Value>) -> Result<std::borrow::Cow<'_, str>> {
    match input {
        Some(Value::String(text)) => Ok(text.as_str().into()),
        Some(other) => Err(not_text(other)),
        None => Ok("".into()),
    }
}

fn not_text(value: &Value) -> crate::Error {
    refused(format!("text was expected, {} was found", value.a_type())).help("use stringify first")
}

/// A part of a text that is put together.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(value) => convert::stringify(value).as_str().unwrap_or_default().to_owned(),
    }
}

fn regex(args: &Args<'_>) -> Result<Regex> {
    Regex::new(args.text("pattern")).map_err(|error| wrong("pattern", error.to_string()))
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters.flat_map(char::to_lowercase)).collect(),
        None => String::new(),
    }
}

/// The words of a name, in small letters.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for character in name.chars() {
        let starts = !character.is_alphanumeric() || (character.is_uppercase() && !before.is_uppercase());
        if starts && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The texts of a template, each with the field behind it.
fn pieces(template: &str) -> Result<Vec<(String, Option<usize>)>> {
    let mut pieces = vec![(String::new(), None)];
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        if let Some((text, _)) = pieces.last_mut() {
            text.push_str(before);
            if from.starts_with("{{") || from.starts_with("}}") {
                text.push_str(&from[..1]);
                rest = &from[2..];
                continue;
            }
        }
        let field = from.find('}').filter(|_| from.starts_with('{')).map(|end| (&from[1..end], end));
        let Some((Ok(field), end)) = field.map(|(text, end)| (text.parse::<usize>(), end)) else {
            return Err(
                wrong("template", "a brace is not part of a field like {0}").help("write {{ for a brace")
            );
        };
        if let Some(last) = pieces.last_mut() {
            last.1 = Some(field);
        }
        pieces.push((String::new(), None));
        rest = &from[end + 1..];
    }
    if let Some((text, _)) = pieces.last_mut() {
        text.push_str(rest);
    }
    Ok(pieces)
}

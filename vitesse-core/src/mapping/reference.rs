//! The reference of the functions as Markdown, made from the registry.

use std::fmt::Write as _;

use super::functions::{Inputs, Nulls, ParamKind, all};

/// A table of all functions and a section for each, as it stands in the mapping reference.
pub fn function_reference() -> String {
    let mut out = String::from("| function | what it does |\n|---|---|\n");
    for function in all() {
        // Writing to a string can't fail.
        let _ = writeln!(out, "| [`{0}`](#{0}) | {1} |", function.name, function.summary);
    }
    for function in all() {
        let _ = writeln!(out, "\n### `{}`\n\n{} {}", function.name, function.summary, function.doc);
        let inputs = match function.inputs {
            Inputs::None => "Takes no field.",
            Inputs::One => "Takes one field.",
            Inputs::Many => "Takes one field or more.",
            Inputs::Any => "Takes any number of fields.",
        };
        let nulls = match function.nulls {
            Nulls::Pass if function.inputs == Inputs::None => "",
            Nulls::Pass => " Missing stays missing, and null stays null.",
            Nulls::See => " Sees missing fields and null.",
        };
        let _ = write!(out, "\n{inputs}{nulls}");
        if !function.aliases.is_empty() {
            let aliases: Vec<_> = function.aliases.iter().map(|name| format!("`{name}`")).collect();
            let _ = write!(out, " Also known as {}.", aliases.join(", "));
        }
        if let Some(inverse) = function.inverse.filter(|inverse| *inverse != function.name) {
            let _ = write!(out, " Taken back by `{inverse}`.");
        }
        out.push('\n');
        if !function.params.is_empty() {
            out.push_str("\n| parameter | takes | if absent | what it does |\n|---|---|---|---|\n");
        }
        for param in function.params {
            let kind = match param.kind {
                ParamKind::String => "text".to_owned(),
                ParamKind::Integer => "whole number".to_owned(),
                ParamKind::Number => "number".to_owned(),
                ParamKind::Bool => "true or false".to_owned(),
                ParamKind::Array => "array".to_owned(),
                ParamKind::Object => "object".to_owned(),
                ParamKind::Any => "any value".to_owned(),
                ParamKind::OneOf(names) => names.join(", "),
            };
            let absent = match (param.required, param.default) {
                (true, _) => "required".to_owned(),
                (false, Some(default)) => format!("`{default}`"),
                (false, None) => String::new(),
            };
            let _ =
                writeln!(out, "| `{}` | {kind} | {absent} | {} |", param.name, param.doc.replace('|', "\\|"));
        }
        if !function.examples.is_empty() {
            out.push_str("\n```text\n");
        }
        for example in function.examples {
            let params = if example.params == "{}" { String::new() } else { format!(" {}", example.params) };
            let shown = |text: &str| if text.is_empty() { "(missing)".to_owned() } else { text.to_owned() };
            let inputs: Vec<_> = example.inputs.iter().map(|text| shown(text)).collect();
            let output = example.output.map_or("(error)".to_owned(), shown);
            let _ = writeln!(out, "{}{params}: {} -> {output}", function.name, inputs.join(" "));
        }
        if !function.examples.is_empty() {
            out.push_str("```\n");
        }
    }
    out
}

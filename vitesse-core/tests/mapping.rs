//! The mapping room from outside: its generated pages.

use std::path::PathBuf;

use vitesse_core::mapping::{Mapping, Object, Value, function_reference, json_schema};
use vitesse_core::testing::assert_generated;

fn docs(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/src/reference").join(file)
}

#[test]
fn generated_json_schema_of_the_mapping() {
    assert_generated(docs("mapping.schema.json"), &json_schema());
}

#[test]
fn generated_reference_of_the_functions() {
    const MARK: &str = "change it there. -->\n";
    let page = std::fs::read_to_string(docs("mapping.md")).unwrap();
    let written = &page[..page.find(MARK).unwrap() + MARK.len()];
    assert_generated(docs("mapping.md"), &format!("{written}\n{}", function_reference()));
}

/// Whether a value fits a schema, for the words of JSON Schema that ours uses.
fn fits(schema: &Value, value: &Value, root: &Value) -> bool {
    let Some(schema) = schema.as_object() else { return schema.as_bool() == Some(true) };
    schema.iter().all(|(word, wanted)| match word {
        "$ref" => {
            let name = wanted.as_str().and_then(|text| text.strip_prefix("#/$defs/")).unwrap_or_default();
            root.get("$defs").and_then(|all| all.get(name)).is_some_and(|schema| fits(schema, value, root))
        }
        "type" => match wanted.as_str() {
            Some("integer") => value.as_number().is_some_and(|number| number.as_i64().is_some()),
            other => other == Some(value.type_name()),
        },
        "const" => wanted == value,
        "minLength" => value.as_str().is_some_and(|text| !text.is_empty()),
        "minimum" => value.as_number().is_some_and(|number| number.as_f64() >= 0.0),
        "pattern" => {
            value.as_str().is_some_and(|text| text.starts_with(|first: char| first.is_ascii_digit()))
        }
        "items" => value.as_array().unwrap_or_default().iter().all(|item| fits(wanted, item, root)),
        "anyOf" | "oneOf" => {
            let fitting =
                wanted.as_array().unwrap_or_default().iter().filter(|one| fits(one, value, root)).count();
            fitting == 1 || (word == "anyOf" && fitting > 1)
        }
        "required" => wanted
            .as_array()
            .unwrap_or_default()
            .iter()
            .all(|key| key.as_str().is_some_and(|key| value.get(key).is_some())),
        "properties" => wanted.as_object().is_some_and(|properties| {
            properties
                .iter()
                .all(|(key, schema)| value.get(key).is_none_or(|value| fits(schema, value, root)))
        }),
        "additionalProperties" => {
            let known = schema.get("properties").and_then(Value::as_object);
            let is_known =
                |key: &str| key.starts_with("x-") || known.is_some_and(|known| known.contains_key(key));
            value.as_object().is_none_or(|object: &Object| object.keys().all(is_known))
        }
        "description" | "title" | "$schema" | "$defs" | "patternProperties" => true,
        other => unreachable!("the schema uses the word {other}, which this test doesn't know"),
    })
}

#[test]
fn the_schema_and_the_reader_agree() {
    let schema: Value = json_schema().parse().unwrap();
    let example = include_str!("../src/mapping/document/example.json");
    let good: Value = example.parse().unwrap();
    assert!(fits(&schema, &good, &schema));
    let replaced = |from: &str, to: &str| {
        assert!(example.contains(from), "{from}");
        example.replacen(from, to, 1)
    };
    for (text, valid) in [
        (replaced("\"kind\": \"cursor\"", "\"kind\": \"cursors\""), false),
        (replaced("\"param\": \"after\",", ""), false),
        (replaced("\"stream\"", "\"streams\""), false),
        (replaced("\"stream\"", "\"x-stream\""), true),
        (replaced("\"requests\": 10", "\"requests\": \"10\""), false),
        (replaced("\"requests\": 10", "\"requests\": -1"), false),
        (replaced("\"per\": \"1s\"", "\"per\": \"soon\""), false),
        (replaced("\"transform_type\": \"direct\"", "\"transform_type\": \"copy\""), false),
        (replaced("\"source_field\": \"email\"", "\"source_field\": [\"email\"]"), true),
        (replaced("\"source_field\": \"email\"", "\"source_field\": {}"), false),
        (replaced("\"idempotency\": {}", "\"idempotency\": null"), true),
        (replaced("\"path\": \"/contacts/batch\",", ""), false),
        (replaced("\"policy\": \"delete\",", ""), false),
        (replaced("\"equals\": \"open\"", "\"not\": {\"field\": \"a\", \"exists\": true}"), true),
        (replaced("\"equals\": \"open\"", "\"not\": {\"fields\": \"a\"}"), false),
    ] {
        let value: Value = text.parse().unwrap();
        assert_eq!(Mapping::from_value(&value).is_ok(), valid, "the reader: {text}");
        assert_eq!(fits(&schema, &value, &schema), valid, "the schema: {text}");
    }
}

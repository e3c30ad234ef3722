use crate::mapping::{Functions, Mapping, Value};

use super::{Outcome, apply};

/// Applies a document (its `version` and `transformations` may be given as lines alone) and shows the outcomes.
#[track_caller]
fn check(mapping: &str, record: impl AsRef<[u8]>, expect: &str) {
    let text = match mapping.starts_with('[') {
        true => format!(r#"{{"version": 1, "transformations": {mapping}}}"#),
        false => mapping.to_owned(),
    };
    let mapping = Mapping::parse(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
    let compiled = mapping.compile(&Functions::builtin()).unwrap_or_else(|problems| panic!("{problems}"));
    let outcomes: Vec<String> = apply(&compiled, record.as_ref())
        .into_iter()
        .map(|outcome| match outcome {
            Outcome::Made(json) => String::from_utf8(json).unwrap(),
            Outcome::Filtered => "filtered".to_owned(),
            Outcome::Failed(error) => format!("failed: {error}"),
        })
        .collect();
    assert_eq!(outcomes.join("\n"), expect);
}

/// Copies `from -> to` pairs.
fn copies(pairs: &[(&str, &str)]) -> String {
    let line = |(from, to): &(&str, &str)| {
        let (from, to) = (Value::from(*from), Value::from(*to));
        format!(r#"{{"source_field": {from}, "dest_field": {to}, "transform_type": "direct"}}"#)
    };
    format!("[{}]", pairs.iter().map(line).collect::<Vec<_>>().join(","))
}

#[test]
fn a_record_is_an_object_unless_a_line_takes_the_whole() {
    for (record, what) in [("5", "a number"), ("null", "null"), ("\"x\"", "a string"), ("[{}]", "an array")] {
        refuse(&copies(&[("a", "x")]), record, what);
        check(&copies(&[("$", "x")]), record, &format!(r#"{{"x":{record}}}"#));
    }
    refuse(&copies(&[]), "true", "a boolean");
}

#[track_caller]
fn refuse(mapping: &str, record: &str, what: &str) {
    let help = "take `$`, the whole record, or a path such as `[].id` where records are no objects";
    check(mapping, record, &format!("failed: a record is an object, {what} was found; {help}"));
}

#[test]
fn missing_null_and_empty_are_three_things() {
    let mapping = copies(&[("a", "x"), ("b.c", "y.z"), ("d", "v.w")]);
    check(&mapping, "{}", "{}");
    check(&mapping, r#"{"a":null,"b":null,"d":""}"#, r#"{"x":null,"v":{"w":""}}"#);
    check(&mapping, r#"{"a":[],"b":{"c":{}}}"#, r#"{"x":[],"y":{"z":{}}}"#);
    check(&mapping, r#"{"b":5}"#, "{}");
    let strict = format!(r#"{{"version": 1, "strictness": "strict", "transformations": {mapping}}}"#);
    check(&strict, r#"{"b":null}"#, "{}");
    check(
        &strict,
        r#"{"b":5}"#,
        "failed: the source has a value of type number where an object was expected (line: 1, field: y.z)",
    );
}

#[test]
fn digits_duplicates_and_order() {
    let mapping = copies(&[("n", "n"), ("o.k", "k"), ("s", "$x"), ("o", "copy")]);
    let mapping = mapping.replace("\"$x\"", "\"sx\"");
    check(
        &mapping,
        r#"{"s":"\u00e9\n","o":{"k":1,"gone":2},"n":1.0,"n":123456789012345678901234567890,"o":{"k":1e400}}"#,
        r#"{"n":123456789012345678901234567890,"k":1e400,"sx":"é\n","copy":{"k":1e400}}"#,
    );
}

#[test]
fn what_is_malformed_is_refused_wherever_it_stands() {
    let mapping = copies(&[("a", "a")]);
    for (record, byte) in [
        (&b"{\"a\":1,\"z\":01}"[..], 12),
        (b"{\"a\":1,\"z\":[1,{\"q\":tru}]}", 22),
        (b"{\"a\":1} x", 8),
        (b"{\"a\":1,\"z\":\"\xff\"}", 12),
        (b"{\"a\":1,\"\\ud800\":2}", 8),
        (b"{\"a\":1", 6),
        (b"", 0),
    ] {
        let text =
            Mapping::parse(format!(r#"{{"version": 1, "transformations": {mapping}}}"#).as_bytes()).unwrap();
        let outcomes = apply(&text.compile(&Functions::builtin()).unwrap(), record);
        let [Outcome::Failed(error)] = &outcomes[..] else { panic!("{outcomes:?}") };
        assert_eq!(error.context(), [("byte", byte.to_string())], "{}", String::from_utf8_lossy(record));
    }
}

#[test]
fn arrays_align() {
    check(
        &copies(&[
            ("items[].sku", "lines[].code"),
            ("items[].tax[].rate", "lines[].taxes[].percent"),
            ("cur", "lines[].cur"),
        ]),
        r#"{"cur":"EUR","items":[{"sku":"A","tax":[{"rate":7},{"rate":19}]},{"tax":[]},{"sku":"C"}]}"#,
        r#"{"lines":[{"code":"A","taxes":[{"percent":7},{"percent":19}],"cur":"EUR"},{"taxes":[],"cur":"EUR"},{"code":"C","cur":"EUR"}]}"#,
    );
    check(
        &copies(&[("a[].x", "l[].x"), ("b[]", "l[].y")]),
        r#"{"a":[{"x":1}],"b":[2,3]}"#,
        r#"{"l":[{"x":1,"y":2},{"y":3}]}"#,
    );
    check(&copies(&[("a[].x", "codes[]")]), r#"{"a":[{"x":1},{},{"x":null}]}"#, r#"{"codes":[1,null]}"#);
    check(&copies(&[("a[].x", "codes[]")]), r#"{"a":[]}"#, r#"{"codes":[]}"#);
    check(&copies(&[("a[].x", "codes[]")]), r#"{"a":null}"#, "{}");
    check(
        &copies(&[("emails[0].value", "email"), ("p", "phones[0].n"), ("q", "phones[1].n")]),
        r#"{"emails":[{"value":"e"}],"q":2}"#,
        r#"{"email":"e","phones":[{"n":2}]}"#,
    );
    check(&copies(&[("$", "raw")]), r#"{"a":[1, 2]}"#, r#"{"raw":{"a":[1,2]}}"#);
    check(&copies(&[("$", "$")]), r#" [1, {"a":2}] "#, r#"[1,{"a":2}]"#);
    check(&copies(&[("[].a", "[].b")]), r#"[{"a":1},{"a":2}]"#, r#"[{"b":1},{"b":2}]"#);
}

#[test]
fn values_are_collected() {
    let collect = |sources: &str, dest: &str, config: &str| {
        format!(
            r#"[{{"source_field": {sources}, "dest_field": "{dest}", "transform_type": "collect", "transform_config": {config}}}]"#
        )
    };
    let record = r#"{"a":"1","b":null,"c":"","list":[{"v":2},{"v":3}]}"#;
    check(&collect(r#"["a","b","c","none"]"#, "all", "{}"), record, r#"{"all":["1",null,""]}"#);
    let skipping = r#"{"skip_nulls": true, "skip_empty": true}"#;
    check(&collect(r#"["a","b","c"]"#, "all", skipping), record, r#"{"all":["1"]}"#);
    check(&collect(r#"["none"]"#, "all", "{}"), record, "{}");
    check(&collect(r#"["b"]"#, "all", skipping), record, r#"{"all":[]}"#);
    check(&collect(r#"["a","list[].v"]"#, "all", "{}"), record, r#"{"all":["1",2,3]}"#);
    check(
        &collect(r#"["a","c"]"#, "emails[].value", "{}"),
        record,
        r#"{"emails":[{"value":"1"},{"value":""}]}"#,
    );
    check(
        r#"[{"source_field": ["work","home"], "dest_field": "emails[].value", "transform_type": "collect"},
            {"dest_field": "emails[].primary", "transform_type": "custom", "transform_config": {"function": "constant", "params": {"value": false}}}]"#,
        r#"{"work":"w","home":"h"}"#,
        r#"{"emails":[{"value":"w","primary":false},{"value":"h","primary":false}]}"#,
    );
}

#[test]
fn a_line_has_its_own_rule_for_errors() {
    let line = |rule: &str| {
        format!(
            r#"[{{"source_field": "n", "dest_field": "n", "transform_type": "parse",
                "transform_config": {{"function": "parse_int"}}, {rule}}},
              {{"source_field": "m", "dest_field": "m", "transform_type": "direct"}}]"#
        )
    };
    let record = r#"{"n":"many","m":1}"#;
    check(&line(r#""on_error": "fail""#), record, "failed: it is not a whole number (line: 0, field: n)");
    check(&line(r#""on_error": "null""#), record, r#"{"n":null,"m":1}"#);
    check(&line(r#""on_error": "default", "default": -1.0"#), record, r#"{"n":-1.0,"m":1}"#);
    check(&line(r#""on_error": "skip""#), record, r#"{"m":1}"#);
    check(
        &line(r#""required": true"#),
        r#"{"m":1}"#,
        "failed: a required field is missing (line: 0, field: n)",
    );
    check(&line(r#""required": true, "on_error": "null""#), r#"{"m":1}"#, r#"{"n":null,"m":1}"#);
    check(&line(r#""enabled": false"#), record, r#"{"m":1}"#);
}

#[test]
fn functions_take_several_fields_and_whole_arrays() {
    check(
        r#"[{"source_field": ["a","b"], "dest_field": "name", "transform_type": "custom", "transform_config": {"function": "concat", "params": {"separator": " "}}},
            {"source_field": "items[].sku", "dest_field": "skus", "transform_type": "custom", "transform_config": {"function": "join"}},
            {"source_field": "items[].price", "dest_field": "lines[].cents", "transform_type": "custom", "transform_config": {"function": "scale_decimal", "params": {"by": 100, "to": "integer"}}}]"#,
        r#"{"a":"Ada","b":"King","items":[{"sku":"A","price":"1.50"},{"sku":"B","price":2}]}"#,
        r#"{"name":"Ada King","skus":"A, B","lines":[{"cents":150},{"cents":200}]}"#,
    );
}

#[test]
fn records_are_filtered_and_split() {
    let mapping = r#"{"version": 1, "filter": {"field": "status", "in": ["open", 1.0]},
        "element_filters": [{"array": "items", "where": {"field": "qty", "greater_than": 0}}],
        "split": {"by": "items"},
        "transformations": [{"source_field": "id", "dest_field": "order", "transform_type": "mapping"},
            {"source_field": "items.sku", "dest_field": "sku", "transform_type": "mapping"}]}"#;
    check(mapping, r#"{"status":"closed"}"#, "filtered");
    check(
        mapping,
        r#"{"status":1,"id":7,"items":[{"sku":"A","qty":1},{"sku":"B","qty":0},{"sku":"C","qty":2.5}]}"#,
        "{\"order\":7,\"sku\":\"A\"}\n{\"order\":7,\"sku\":\"C\"}",
    );
    check(mapping, r#"{"status":"open","id":7}"#, "");
    check(
        &mapping.replace(r#""by": "items""#, r#""by": "items", "keep_empty": true"#),
        r#"{"status":"open","id":7}"#,
        r#"{"order":7}"#,
    );
    check(
        mapping,
        r#"{"status":"open","items":5}"#,
        "failed: a record is split by an array, a number was found (split: items)",
    );
}

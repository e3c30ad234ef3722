use super::{Functions, Mapping};

#[track_caller]
fn check(document: &str, expect: &[&str]) {
    let mapping = Mapping::parse(document.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
    let found = match mapping.compile(&Functions::builtin()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(found, expect);
}

fn lines(lines: &[&str]) -> String {
    format!(r#"{{"version": 1, "transformations": [{}]}}"#, lines.join(","))
}

fn direct(from: &str, to: &str) -> String {
    format!(r#"{{"source_field": "{from}", "dest_field": "{to}", "transform_type": "direct"}}"#)
}

#[test]
fn lines_that_get_in_each_others_way_are_named() {
    let document = |pairs: &[(&str, &str)]| {
        let all: Vec<_> = pairs.iter().map(|(from, to)| direct(from, to)).collect();
        lines(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    check(
        &document(&[
            ("a", "x"),
            ("b", "x"),
            ("c", "x.y"),
            ("d", "p.q"),
            ("e", "p"),
            ("f[]", "p.r[]"),
            ("g", "p.r.s"),
        ]),
        &[
            "line 1, /transformations/1/dest_field: the same field is written by line 0; remove one, disable it, or write to another field",
            "line 2, /transformations/2/dest_field: the field is written in parts here and whole by line 0; let all lines agree on what the field is",
            "line 4, /transformations/4/dest_field: the field is written whole here and in parts by line 3; remove one, disable it, or write to another field",
            "line 6, /transformations/6/dest_field: the field can't be an object, an array by index and an array by [] at once, as here and in line 5; let all lines agree on what the field is",
        ],
    );
    check(
        &document(&[("a", "x[0]"), ("b", "x[2]")]),
        &[
            "line 1, /transformations/1/dest_field: no line writes index 1 of this array; count from 0 without gaps",
        ],
    );
    check(
        &document(&[("a[].b", "x")]),
        &[
            "line 0, /transformations/0/dest_field: the source goes through 1 [], the destination through 0; give the destination 1 [], or make one value of the array with a function such as first or join",
        ],
    );
    check(
        &document(&[("a", "x[].y")]),
        &[
            "line 0, /transformations/0/dest_field: nothing says how many elements this array has; take the value of one line from an array with [], collect several fields, or write an index like [0]",
        ],
    );
    check(&document(&[("a", "x[].y"), ("b[]", "x[].z")]), &[]);
}

#[test]
fn functions_and_their_parameters_are_checked() {
    let custom = |config: &str| {
        format!(
            r#"{{"source_field": "a", "dest_field": "x", "transform_type": "custom", "transform_config": {config}}}"#
        )
    };
    let check_one = |config: &str, expect: &str| {
        let expect = format!("line 0, /transformations/0/transform_config/{expect}");
        check(&lines(&[&custom(config)]), &[&expect]);
    };
    check_one(
        r#"{"function": "splitt"}"#,
        r#"function: there is no function "splitt"; did you mean "split"?"#,
    );
    check_one("{}", r#"function: custom names no function; name one: {"function": "split", "params": {}}"#);
    check_one(
        r#"{"function": "split", "param": {}}"#,
        r#"param: there is no such key; did you mean "params"?"#,
    );
    check_one(
        r#"{"function": "regex_match", "params": {"pattern": "(a"}}"#,
        "params/pattern: found open group without closing ')'",
    );
    check_one(
        r#"{"function": "timestamp", "params": {"format": "iso"}, "x-why": 1}"#.replace("\"iso\"", "\"soon\"").as_str(),
        r#"params/format: "soon" is no format; it is iso8601, date, unix, unix_ms, unix_us, rfc2822, or a pattern like %d.%m.%Y %H:%M"#,
    );
    check(
        &lines(&[
            r#"{"dest_field": "x", "transform_type": "parse", "transform_config": {"function": "parse_imt"}, "on_error": "default", "confidence": 7}"#,
        ]),
        &[
            "line 0, /transformations/0/source_field: the type parse takes exactly one field, 0 are given",
            r#"line 0, /transformations/0/transform_config/function: parse doesn't say what to parse to; did you mean "parse_int"?"#,
            r#"line 0, /transformations/0: on_error is default, but there is no default; add "default", or choose another on_error"#,
            "line 0, /transformations/0/confidence: a confidence is from 0 to 1",
        ],
    );
}

#[test]
fn connections_conditions_and_splits_are_checked() {
    check(
        r#"{"version": 1, "transformations": [{"source_field": "email", "dest_field": "email", "transform_type": "direct"}],
            "filter": {"field": "a[].b", "equals": 1}, "split": {"by": "items[]"},
            "element_filters": [{"array": "items", "where": {"field": "a"}}],
            "source": {"base_url": "shop.example.com", "path": "/a", "rate_limit": {"requests": 0, "per": "1s"},
                "pagination": {"kind": "offset", "param": "skip", "size": 0},
                "responses": [{"when": {}, "do": "retry"}, {"when": {"status": "4x"}, "do": "ignore"}]},
            "destination": {"base_url": "https://x", "operations": {"find": {"method": "GET", "path": "x"}}, "match_on": ["emial"]}}"#,
        &[
            "/filter/field: a condition can't use []; test one element like items[0], or use jq",
            "/element_filters/0/where: the condition names a field but no test; add exists, equals, in, matches or another test",
            "/split/by: the array of a split is named without []; write \"items\" for the array itself",
            "/source/base_url: an address was expected; it starts with https:// or http://",
            "/source/pagination/size: a page of 0 records never ends",
            "/source/rate_limit: a limit of nothing never lets a request through",
            "/source/responses/0/when: the rule is for every answer; give a status, a header or a condition for the body",
            "/source/responses/1/when/status: \"4x\" is no status; write a number like 409, a class like \"4xx\", or a list of them",
            "/destination/operations/find/path: a path starts with /",
            "/destination/operations: no operation writes records; add create, update, upsert or bulk",
            "/destination/match_on/0: no line writes \"emial\"; did you mean \"email\"?",
        ],
    );
    check(include_str!("document/example.json"), &[]);
}

#[test]
fn lines_of_host_functions_are_listed() {
    let functions = Functions::builtin().with("shout", |_| Ok(None));
    let document = lines(&[
        &direct("a", "a"),
        r#"{"source_field": "b", "dest_field": "b", "transform_type": "custom", "transform_config": {"function": "shout"}}"#,
    ]);
    let mapping = Mapping::parse(document.as_bytes()).unwrap();
    assert!(mapping.validate(&functions).is_ok());
    assert_eq!(mapping.host_lines(&functions), [(1, "shout".to_owned())]);
    assert!(mapping.validate(&Functions::builtin()).is_err());
}

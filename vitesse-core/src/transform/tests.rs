//! Both roads give the same, on right and on wrong text, with wide and with portable operations.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use proptest::prelude::*;

use super::generated::{agree, both_roads_agree};
use super::plan::is_space;
use super::{Plan, Stream, plain};
use crate::mapping::value::{Value, read};
use crate::mapping::{Compiled, Functions, Mapping};

fn compiled(lines: &[(&str, &str, &str)]) -> Option<Compiled> {
    let lines: Vec<String> = lines
        .iter()
        .map(|(source, dest, kind)| {
            format!(r#"{{"source_field": {source}, "dest_field": "{dest}", "transform_type": {kind}}}"#)
        })
        .collect();
    let text = format!(r#"{{"version": 1, "transformations": [{}]}}"#, lines.join(","));
    Mapping::parse(text.as_bytes()).unwrap().compile(&Functions::builtin()).ok()
}

const KEYS: [&str; 9] = [
    "a",
    "b",
    "c",
    "key",
    r"\u0061",
    "d e",
    "é",
    "a_key_that_is_longer_than_one_register_of_32_bytes",
    "a_key_that_is_longer_than_one_register_of_32_byteS",
];

const SCALARS: [&str; 30] = [
    "0",
    "-1",
    "12",
    "12.50",
    "1e400",
    "-0.0e-7",
    "123456789012345678901234567890",
    "1.0",
    "true",
    "false",
    "null",
    r#""""#,
    r#""x""#,
    r#""12""#,
    r#"" 7 ""#,
    r#""-5""#,
    r#""007""#,
    r#""12.50""#,
    r#""-0""#,
    r#""1e5""#,
    r#""true""#,
    r#""No""#,
    r#""\"\\\/\b\f\n\r\t""#,
    r#""\u00e9\ud83d\ude00""#,
    r#""grün ☎""#,
    r#""2024-02-29T12:34:56Z""#,
    "1709210096",
    r#""a text that is quite a bit longer than one register of 32 bytes, \n escaped""#,
    "0.00000000000000000000000000000000000000001",
    "9007199254740993",
];

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => Just(""), 1 => Just(" "), 1 => Just("\r\n\t  ")]
}

fn any_json() -> impl Strategy<Value = String> {
    let scalar = proptest::sample::select(&SCALARS[..]).prop_map(str::to_owned);
    scalar.prop_recursive(4, 24, 5, |inner| {
        let member = (proptest::sample::select(&KEYS[..]), space(), space(), inner.clone(), space())
            .prop_map(|(key, a, b, value, c)| format!("{a}\"{key}\"{b}:{c}{value}{a}"));
        prop_oneof![
            3 => proptest::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
            1 => (proptest::collection::vec(inner, 0..4), space())
                .prop_map(|(items, space)| format!("[{space}{}]", items.join(&format!("{space},")))),
        ]
    })
}

fn any_record() -> impl Strategy<Value = Vec<u8>> {
    let damage = proptest::option::weighted(0.25, (any::<prop::sample::Index>(), any::<u8>(), 0..3u8));
    (any_json(), damage, space()).prop_map(|(text, damage, space)| {
        let mut bytes = format!("{text}{space}").into_bytes();
        if let Some((at, byte, how)) = damage {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                _ => drop(bytes.remove(at)),
            }
        }
        // The walk starts at the record, behind whatever space is before it.
        let first = bytes.iter().position(|b| !is_space(*b)).unwrap_or(bytes.len());
        bytes.split_off(first)
    })
}

fn any_lines() -> impl Strategy<Value = Vec<(String, String, &'static str)>> {
    let key = || {
        proptest::sample::select(
            &["a", "b", "c", "key", "é", "a_key_that_is_longer_than_one_register_of_32_bytes"][..],
        )
    };
    let source = prop_oneof![
        4 => proptest::collection::vec(key(), 1..3).prop_map(|keys| keys.join(".")),
        1 => (key(), key(), 0..3usize).prop_map(|(a, b, i)| format!("{a}[{i}].{b}")),
        1 => (key(), 0..3usize).prop_map(|(a, i)| format!("{a}[{i}]")),
        1 => Just("$".to_owned()),
    ];
    let kind = proptest::sample::select(
        &[
            r#""mapping""#,
            r#""mapping""#,
            r#""parse", "transform_config": {"function": "parse_int"}"#,
            r#""parse", "transform_config": {"function": "parse_float"}"#,
            r#""stringify""#,
            r#""parse_bool""#,
            r#""custom", "transform_config": {"function": "default", "params": {"value": [1]}}"#,
            r#""custom", "transform_config": {"function": "timestamp", "params": {"format": "unix"}}, "on_error": "null""#,
            r#""custom", "transform_config": {"function": "timestamp"}, "on_error": "skip""#,
        ][..],
    );
    let one = (source.clone(), 0..12usize, kind.clone()).prop_map(|(source, dest, kind)| {
        (
            format!("{source:?}"),
            ["x", "y", "z.a", "z.b", "w.v.u", "w.v.t", "q", "r", "s", "z.c", "p", "o"][dest].to_owned(),
            kind,
        )
    });
    let each =
        (key(), proptest::option::of(key()), 0..4usize, kind).prop_map(|(array, inner, dest, kind)| {
            let inner = inner.map(|key| format!(".{key}")).unwrap_or_default();
            let dest = ["list[].x", "list[].y.z", "other[]", "deep.list[].x"][dest].to_owned();
            (format!("{:?}", format!("{array}[]{inner}")), dest, kind)
        });
    let collect = (proptest::collection::vec(source, 1..4), 0..3usize).prop_map(|(sources, dest)| {
        (format!("{sources:?}"), ["all", "z.all", "some"][dest].to_owned(), r#""collect""#)
    });
    proptest::collection::vec(prop_oneof![6 => one, 2 => each, 1 => collect], 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 1500 }))]

    #[test]
    fn lines_of_every_kind_agree(lines in any_lines(), records in proptest::collection::vec(any_record(), 1..6)) {
        let lines: Vec<_> = lines.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), *c)).collect();
        if let Some(mapping) = compiled(&lines) {
            agree(&Arc::new(mapping), &records);
        }
    }

    #[test]
    fn any_mapping_agrees(bytes in proptest::collection::vec(any::<u8>(), 20..400)) {
        both_roads_agree(&bytes);
    }

    #[test]
    fn a_stream_gives_the_same_however_it_is_cut(
        records in proptest::collection::vec(any_json(), 0..6),
        cuts in proptest::collection::vec(1..40usize, 1..10),
        in_array in any::<bool>(),
    ) {
        let mapping = compiled(&[("\"a\"", "x", "\"mapping\""), ("\"b.c\"", "y.z", "\"mapping\"")]).unwrap();
        // At the top an array is an array of records, so records themselves are none.
        let records: Vec<_> = records.into_iter().filter(|r| in_array || !r.starts_with('[')).collect();
        let text = if in_array { format!("[{}]", records.join(" ,")) } else { records.join("\n") };
        let (mut expected, mut refused) = (Vec::new(), 0);
        for record in &records {
            for outcome in plain::apply(&mapping, record.as_bytes()) {
                match outcome {
                    plain::Outcome::Made(json) => expected.push(String::from_utf8(json).unwrap()),
                    _ => refused += 1,
                }
            }
        }
        let plan = Plan::of(mapping);
        let mut stream = Stream::new(&plan);
        let mut out = Vec::new();
        let mut rest = text.as_bytes();
        let mut cuts = cuts.into_iter().cycle();
        while !rest.is_empty() {
            let cut = cuts.next().unwrap().min(rest.len());
            stream.space()[..cut].copy_from_slice(&rest[..cut]);
            stream.filled(cut);
            rest = &rest[cut..];
            let _ = stream.run(rest.is_empty(), &mut out, |_| {
                refused -= 1;
                ControlFlow::Continue(())
            }).unwrap();
        }
        let made: Vec<_> = out.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| read(l).unwrap().to_string()).collect();
        prop_assert_eq!(made, expected);
        prop_assert_eq!(refused, 0);
        prop_assert_eq!(stream.records(), records.len() as u64);
    }
}

/// The outputs and the failures (record, offset, message) of a stream.
fn run(lines: &[(&str, &str, &str)], text: &[u8]) -> (String, Vec<(u64, u64, String)>) {
    let plan = Plan::of(compiled(lines).unwrap());
    let mut stream = Stream::new(&plan);
    let (mut out, mut failures) = (Vec::new(), Vec::new());
    let mut rest = text;
    loop {
        let space = stream.space();
        let count = rest.len().min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        stream.filled(count);
        rest = &rest[count..];
        let flow = stream.run(rest.is_empty(), &mut out, |failure| {
            failures.push((failure.record, failure.offset, failure.error.to_string()));
            ControlFlow::Continue(())
        });
        assert!(flow.unwrap().is_continue());
        if rest.is_empty() {
            return (String::from_utf8(out).unwrap(), failures);
        }
    }
}

/// What the fuzzer kept because it reached something new: each input behind its length, in two bytes.
#[test]
fn what_the_fuzzer_kept_agrees() {
    let mut rest: &[u8] = include_bytes!("../../fuzz/kept/both_roads");
    let (mut inputs, mut written) = (0, 0);
    while let Some((length, more)) = rest.split_first_chunk::<2>() {
        let (input, more) = more.split_at(usize::from(u16::from_le_bytes(*length)));
        rest = more;
        inputs += 1;
        // Each takes Miri seconds.
        if !cfg!(miri) || inputs % 50 == 0 {
            written += both_roads_agree(input);
        }
    }
    assert!(
        inputs > 500 && written > if cfg!(miri) { 20 } else { 2000 },
        "{inputs} inputs, {written} written"
    );
}

const A: &[(&str, &str, &str)] = &[("\"a\"", "x", "\"mapping\"")];

#[test]
fn every_kind_of_broken_record_is_refused_wherever_the_fault_stands() {
    let deep = "[".repeat(if cfg!(miri) { 2_000 } else { 20_000 });
    for broken in [
        r#"{"a":1,"z":"\ud800"}"#,
        r#"{"a":1,"z":{"y":["\udc00"]}}"#,
        r#"{"a":1,"z":"\ud800\u0041"}"#,
        r#"{"a":1,"z":01}"#,
        r#"{"a":1,"z":[1,]}"#,
        r#"{"a":1,"z":{"y":1,}}"#,
        r#"{"a":1,"z":tru}"#,
        r#"{"a":1,"z":"\x"}"#,
        r#"{"a":1,"z":1.}"#,
        r#"{"a":1,"z" 1}"#,
        r#"{"a":1 "z":1}"#,
        "{\"a\":1,\"z\":\"\t\"}",
        &format!(r#"{{"a":1,"z":{deep}}}"#),
    ] {
        let text = format!("{{\"a\":1}}\n{broken}\n{{\"a\":3}}\n");
        let (out, failures) = run(A, text.as_bytes());
        assert_eq!(out, "{\"x\":1}\n{\"x\":3}\n", "{broken:.60}");
        assert_eq!(failures.len(), 1, "{broken:.60}");
        assert_eq!((failures[0].0, failures[0].1), (2, 8), "{broken:.60}");
        assert!(failures[0].2.contains("byte"), "{}", failures[0].2);
    }
    let (out, failures) =
        run(A, b"{\"a\":1}\n{\"a\":2,\"z\":\"\xff\"}\n{\"a\":3}\n{\"a\":4,\"z\":\"\xc3\"}\n{\"a\":5}");
    assert_eq!(out, "{\"x\":1}\n{\"x\":3}\n{\"x\":5}\n");
    let [(2, 8, first), (4, _, second)] = &failures[..] else { panic!("{failures:?}") };
    assert!(first.contains("UTF-8 (byte: 12)") && second.contains("UTF-8"), "{failures:?}");
}

#[test]
fn a_line_that_is_not_closed_does_not_swallow_the_next() {
    let (out, failures) = run(A, b"{\"a\":1\n{\"a\":2}\n{\"a\":3}\n{\"a\":");
    assert_eq!(out, "{\"x\":2}\n{\"x\":3}\n");
    assert_eq!(failures.iter().map(|f| f.0).collect::<Vec<_>>(), [1, 4]);
}

#[test]
fn arrays_go_on_behind_a_broken_element() {
    let (out, failures) = run(A, br#" [ {"a":1}, {"a":"\ud800"}, {"a":01}, {"a":"]"} ] {"a":5} []"#);
    assert_eq!(out, "{\"x\":1}\n{\"x\":\"]\"}\n{\"x\":5}\n");
    assert_eq!(failures.iter().map(|f| f.0).collect::<Vec<_>>(), [2, 3]);
    let (out, failures) = run(A, br#"[{"a":1}"#);
    assert_eq!((out.as_str(), failures.len()), ("{\"x\":1}\n", 1));
}

#[test]
fn the_last_duplicate_wins_wholly() {
    let lines = &[
        ("\"a.b\"", "x", "\"mapping\""),
        ("\"a.c\"", "y", "\"mapping\""),
        ("\"d[].e\"", "l[].e", "\"mapping\""),
    ];
    let text = br#"{"a":{"b":1,"c":2},"d":[{"e":1}]}
{"a":{"b":1,"c":2},"a":{"c":3},"d":[{"e":1},{"e":2}],"d":[{"e":3}]}
{"a":{"b":1,"c":2},"\u0061":5,"d":[{"e":1}]}
"#;
    let (out, failures) = run(lines, text);
    assert_eq!(
        out,
        "{\"x\":1,\"y\":2,\"l\":[{\"e\":1}]}\n{\"y\":3,\"l\":[{\"e\":3}]}\n{\"l\":[{\"e\":1}]}\n"
    );
    assert!(failures.is_empty());
}

#[test]
fn records_longer_than_a_block_and_crlf() {
    let long = "x".repeat(if cfg!(miri) { 100_000 } else { 700_000 });
    let text = format!("{{\"a\":1}}\r\n{{\"z\":\"{long}\",\"a\":\"{long}\"}}\r\n{{\"a\":3}}\r\n");
    let (out, failures) = run(A, text.as_bytes());
    assert_eq!(out, format!("{{\"x\":1}}\n{{\"x\":\"{long}\"}}\n{{\"x\":3}}\n"));
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn the_fast_road_takes_what_is_usual() {
    let lines = [("\"a\"", "x", "\"mapping\""), ("\"b[].c\"", "y[].z", "\"mapping\"")];
    let records = [br#"{"a":"t","b":[{"c":1},{"c":2}]}"#.to_vec(), br#"{"b":[{"c":1},{}]}"#.to_vec()];
    assert_eq!(agree(&Arc::new(compiled(&lines).unwrap()), &records), 8);
}

#[test]
fn a_function_may_have_the_same_plan_transform_something_else() {
    let plan: Arc<OnceLock<Plan>> = Arc::default();
    let own = plan.clone();
    let functions = Functions::builtin().with("depth", move |inputs| {
        let left = inputs[0].and_then(Value::as_str).unwrap_or_default();
        let Some(less) = left.strip_prefix('x') else { return Ok(Some(Value::from(String::new()))) };
        let mut out = Vec::new();
        own.get().unwrap().apply(format!(r#"{{"n": "{less}", "s": "inner"}}"#).as_bytes(), &mut out)?;
        let made: serde_json::Value = serde_json::from_slice(&out).unwrap();
        Ok(made["depth"].as_str().map(|depth| Value::from(format!("{depth}y"))))
    });
    let text = br#"{"version": 1, "transformations": [
        {"source_field": "n", "dest_field": "depth", "transform_type": "custom", "transform_config": {"function": "depth"}},
        {"source_field": "s", "dest_field": "s", "transform_type": "mapping"}
    ]}"#;
    let plan = plan.get_or_init(|| Plan::compile(&Mapping::parse(text).unwrap(), &functions).unwrap());
    assert!(plan.is_fast(), "the state that is in use is the fast road's");
    let mut out = Vec::new();
    plan.apply(br#"{"n": "xxx", "s": "outer"}"#, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "{\"depth\":\"yyy\",\"s\":\"outer\"}\n");
}

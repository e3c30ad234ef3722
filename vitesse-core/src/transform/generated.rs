//! Mappings and records out of random bytes, and both roads held against each other over them.
//!
//! The property tests, the fuzz target, and jq as the third judge all take their mappings from here.
#![expect(clippy::panic, clippy::expect_used, reason = "a judge tells what differs by panicking")]

use std::fmt::Write as _;
use std::sync::Arc;

use super::hot::{Fast, Outcome, PADDING};
use super::plain;
use super::plan::is_space;
use crate::mapping::value::{read, write_string};
use crate::mapping::{Compiled, FieldPath, Functions, Mapping, Step};

/// Makes a mapping and records of the bytes, and runs both roads over them. Gives how many records the fast road
/// took, which may be none.
///
/// # Panics
/// If the roads differ.
pub fn both_roads_agree(bytes: &[u8]) -> usize {
    let mut dice = Dice(bytes);
    let Some(mapping) = dice.mapping() else { return 0 };
    let records: Vec<Vec<u8>> = (0..=dice.below(4)).map(|_| dice.record()).collect();
    agree(&Arc::new(mapping), &records)
}

/// Runs both roads over the records, twice in a row so that the second time the order is known, and says how
/// many the fast road wrote itself.
#[track_caller]
pub(super) fn agree(mapping: &Arc<Compiled>, records: &[Vec<u8>]) -> usize {
    let Some(fast) = Fast::compile(mapping) else { return 0 };
    let mut written = 0;
    for mut state in [fast.state(), fast.state().portable()] {
        for record in records.iter().chain(records) {
            let mut buffer = vec![b'x'; PADDING];
            buffer.extend_from_slice(record);
            buffer.resize(buffer.len() + PADDING, 0);
            let mut out = b"before".to_vec();
            let text = PADDING..buffer.len() - PADDING;
            let outcome = fast.record(&mut state, &buffer, text.clone(), &mut out);
            let expected = lines(mapping, record);
            let shown = String::from_utf8_lossy(record);
            assert!(out.starts_with(b"before"), "{shown}");
            match outcome {
                Outcome::Written(end) => {
                    written += 1;
                    let rest = &buffer[end..text.end];
                    if !rest.iter().copied().all(is_space) || std::str::from_utf8(record).is_err() {
                        assert!(matches!(&expected, Err((true, _))), "{shown}: {expected:?}");
                        continue;
                    }
                    let made = String::from_utf8_lossy(&out[6..]);
                    let made: Vec<String> = made
                        .split_terminator('\n')
                        .map(|line| {
                            read(line.as_bytes())
                                .map_or_else(|error| format!("{error}: {line}"), |v| v.to_string())
                        })
                        .collect();
                    assert_eq!(Ok(made), expected, "{shown}: {:#?}", mapping.lines);
                }
                Outcome::Plain(_) => assert_eq!(out, b"before", "{shown}"),
                Outcome::Fault(fault) => {
                    assert_eq!(out, b"before", "{shown}");
                    assert!(
                        matches!(&expected, Err((true, _))),
                        "{shown}: only the fast road refused it: {fault:?}"
                    );
                }
            }
        }
    }
    written
}

/// What the plain road makes of a record, or why not, and whether that is because it is no JSON.
fn lines(mapping: &Compiled, record: &[u8]) -> Result<Vec<String>, (bool, String)> {
    let mut made = Vec::new();
    for outcome in plain::apply(mapping, record) {
        match outcome {
            plain::Outcome::Made(json) => made.push(String::from_utf8(json).expect("JSON is text")),
            plain::Outcome::Filtered => {}
            plain::Outcome::Failed(error) => {
                return Err((error.operation() == "mapping.read_json", error.to_string()));
            }
        }
    }
    Ok(made)
}

/// Choices, one byte each; zeros when there are no more.
pub(super) struct Dice<'b>(pub(super) &'b [u8]);

/// A line, and the same in jq where jq can say it.
pub(super) struct Line {
    pub(super) json: String,
    #[cfg_attr(not(all(test, feature = "jq")), expect(dead_code, reason = "only the judge asks"))]
    pub(super) jq: Option<String>,
}

const KEYS: [&str; 8] =
    ["a", "b", "c", "key", "é", "d e", "a_key_that_is_longer_than_one_register_of_32_bytes", "$ref"];

/// As they stand in records: some keys in other words.
const WRITTEN: [&str; 12] = [
    "a",
    "b",
    "c",
    "a",
    "b",
    "key",
    "é",
    "d e",
    r"\u0061",
    "a_key_that_is_longer_than_one_register_of_32_bytes",
    "a_key_that_is_longer_than_one_register_of_32_byteS",
    "$ref",
];

const SCALARS: [&str; 40] = [
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
    r#""2024-02-29T12:34:56.789+02:00""#,
    r#""2024-02-30T12:34:56Z""#,
    "1709210096",
    "1709210096123",
    r#""a text that is quite a bit longer than one register of 32 bytes, \n escaped""#,
    "0.00000000000000000000000000000000000000001",
    "9007199254740993",
    "-0",
    r#""open""#,
    r#""paid""#,
    "1",
    "2",
    "null",
    r#"" Ab-c ""#,
];

impl Dice<'_> {
    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*byte) % bound.max(1)
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == bound - 1
    }

    fn pick<'p>(&mut self, words: &[&'p str]) -> &'p str {
        words[self.below(words.len())]
    }

    /// A mapping, if what was chosen is a right one.
    pub(super) fn mapping(&mut self) -> Option<Compiled> {
        let lines: Vec<String> = (0..=self.below(7)).map(|at| self.line(at).json).collect();
        let mut document = format!(r#"{{"version": 1, "transformations": [{}]"#, lines.join(","));
        if self.one_in(4) {
            let _ = write!(document, r#", "filter": {}"#, self.condition());
        }
        if self.one_in(6) {
            let array = self.path(2);
            let _ = write!(
                document,
                r#", "element_filters": [{{"array": {}, "where": {}}}]"#,
                quoted(&array.to_string()),
                self.condition()
            );
        }
        if self.one_in(6) {
            let by = FieldPath::new(self.steps());
            let _ = write!(
                document,
                r#", "split": {{"by": {}, "keep_empty": {}}}"#,
                quoted(&by.to_string()),
                self.one_in(2)
            );
        }
        if self.one_in(4) {
            document.push_str(r#", "strictness": "strict""#);
        }
        document.push('}');
        Mapping::parse(document.as_bytes()).ok()?.compile(&Functions::builtin()).ok()
    }

    /// A line that writes to a field of its own.
    pub(super) fn line(&mut self, at: usize) -> Line {
        let shape = self.below(12);
        let (sources, dest) = match shape {
            0..6 => {
                let dest = ["f$", "o.f$", "o.p.f$", "t$[0]", "u$[0].v"][self.below(5)];
                (vec![self.path(0)], dest)
            }
            6..9 => {
                let dest = ["l[].f$", "l[].o.f$", "m$[]", "o.n[].f$"][self.below(4)];
                (vec![self.path(1)], dest)
            }
            9 => (vec![self.path(2)], ["r[].s[].f$", "q$[].w[]"][self.below(2)]),
            10 => ((0..=self.below(3)).map(|_| self.path(0)).collect(), "f$"),
            _ => {
                let depth = self.below(3);
                let sources = (0..=self.below(2))
                    .map(|_| {
                        let most = self.below(depth + 1);
                        self.path(most)
                    })
                    .collect();
                (sources, ["f$", "l[].f$", "m$[]", "r[].s[].f$"][self.below(4)])
            }
        };
        let dest = dest.replace('$', &at.to_string());
        let names: Vec<String> = sources.iter().map(|path| quoted(&path.to_string())).collect();
        let several = sources.len() != 1;
        let (kind, convert) = if several || self.one_in(10) {
            MANY[self.below(MANY.len())]
        } else {
            ONE[self.below(ONE.len())]
        };
        let (rule, otherwise) = match self.below(8) {
            0 => (r#", "on_error": "null""#, Some("null")),
            1 => (r#", "on_error": "skip""#, Some("empty")),
            2 => (r#", "on_error": "default", "default": [7]"#, Some("[7]")),
            3 => (r#", "required": true"#, None),
            _ => ("", None),
        };
        let json = format!(
            r#"{{"source_field": [{}], "dest_field": {}, "transform_type": {kind}{rule}}}"#,
            names.join(","),
            quoted(&dest)
        );
        let jq = convert
            .filter(|_| !rule.contains("required"))
            .and_then(|convert| in_jq(&sources, &dest, convert, otherwise, at));
        Line { json, jq }
    }

    fn condition(&mut self) -> String {
        let field = quoted(&FieldPath::new(self.steps()).to_string());
        let value = self.pick(&["1", "\"open\"", "null", "\"12\"", "2"]);
        match self.below(8) {
            0 => format!(r#"{{"field": {field}, "exists": true}}"#),
            1 => format!(r#"{{"field": {field}, "is_null": false}}"#),
            2 => format!(r#"{{"field": {field}, "not_equals": {value}}}"#),
            3 => format!(r#"{{"field": {field}, "less_than": {value}}}"#),
            4 => format!(r#"{{"field": {field}, "in": [{value}, 12.5]}}"#),
            5 => format!(r#"{{"not": {{"field": {field}, "matches": "^[a-z]"}}}}"#),
            6 => {
                let other = quoted(&FieldPath::new(self.steps()).to_string());
                format!(
                    r#"{{"any": [{{"field": {field}, "equals": {value}}}, {{"field": {other}, "exists": false}}]}}"#
                )
            }
            _ => format!(r#"{{"not_equals": {value}}}"#),
        }
    }

    /// A path with so many `[]`.
    fn path(&mut self, depth: usize) -> FieldPath {
        let mut steps = self.steps();
        for _ in 0..depth {
            steps.push(Step::Each);
            if !self.one_in(4) {
                steps.extend(self.steps());
            }
        }
        FieldPath::new(steps)
    }

    fn steps(&mut self) -> Vec<Step> {
        if self.one_in(24) {
            return Vec::new();
        }
        let mut steps = vec![Step::Key(self.key())];
        while steps.len() < 3 && self.one_in(3) {
            steps.push(if self.one_in(3) { Step::Index(self.below(3)) } else { Step::Key(self.key()) });
        }
        steps
    }

    /// Mostly one of three, so that paths often lead somewhere.
    fn key(&mut self) -> String {
        let bound = if self.one_in(5) { KEYS.len() } else { 3 };
        KEYS[self.below(bound)].to_owned()
    }

    /// A record as text, one in six damaged. It starts where the walk starts: behind whitespace.
    pub(super) fn record(&mut self) -> Vec<u8> {
        let mut text = String::new();
        self.object(&mut text, 0);
        let mut bytes = text.into_bytes();
        if self.one_in(6) {
            let at = (self.below(256) * 256 + self.below(256)) % bytes.len();
            match self.below(3) {
                0 => bytes[at] = self.below(256) as u8,
                1 => bytes.truncate(at),
                _ => drop(bytes.remove(at)),
            }
        }
        let first = bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len());
        bytes.split_off(first)
    }

    fn value(&mut self, text: &mut String, depth: usize) {
        match self.below(8) {
            0 | 1 if depth < 5 => self.object(text, depth),
            2 | 3 if depth < 5 => {
                text.push('[');
                let alike = self.one_in(2);
                for at in 0..self.below(4) {
                    if at > 0 {
                        text.push(',');
                    }
                    self.space(text);
                    if alike {
                        self.object(text, depth + 1)
                    } else {
                        self.value(text, depth + 1)
                    }
                    self.space(text);
                }
                text.push(']');
            }
            _ => text.push_str(self.pick(&SCALARS)),
        }
    }

    fn object(&mut self, text: &mut String, depth: usize) {
        text.push('{');
        for at in 0..self.below(6) {
            if at > 0 {
                text.push(',');
            }
            self.space(text);
            let _ = write!(text, "\"{}\"", self.pick(&WRITTEN));
            self.space(text);
            text.push(':');
            self.space(text);
            self.value(text, depth + 1);
            self.space(text);
        }
        text.push('}');
    }

    fn space(&mut self, text: &mut String) {
        text.push_str(self.pick(&["", "", "", "", "", "", "", " ", "\r\n\t  "]));
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_string(text, &mut out);
    out
}

/// The rest of a line of one source, and the conversion in jq, from and to a value that is there. For jq the
/// conversion sees what the line sees; nulls pass where it doesn't say otherwise.
const ONE: [(&str, Option<&str>); 20] = [
    (r#""mapping""#, Some(".")),
    (r#""direct""#, Some(".")),
    (r#""mapping""#, Some(".")),
    (r#""parse", "transform_config": {"function": "parse_int"}"#, Some(PARSE_INT)),
    (r#""parse", "transform_config": {"function": "parse_float"}"#, Some(PARSE_FLOAT)),
    (r#""stringify""#, Some("if . == null or type == \"string\" then . else tojson end")),
    (r#""parse_bool""#, Some(PARSE_BOOL)),
    (r#""custom", "transform_config": {"function": "default", "params": {"value": [1]}}"#, None),
    (
        r#""custom", "transform_config": {"function": "default", "params": {"value": "d", "on_empty": true}}"#,
        None,
    ),
    (r#""custom", "transform_config": {"function": "timestamp", "params": {"format": "unix"}}"#, None),
    (r#""custom", "transform_config": {"function": "timestamp"}"#, None),
    (r#""custom", "transform_config": {"function": "upper"}"#, None),
    (r#""custom", "transform_config": {"function": "trim"}"#, None),
    (
        r#""custom", "transform_config": {"function": "lookup", "params": {"table": {"open": 1, "paid": "p"}}}"#,
        None,
    ),
    (
        r#""custom", "transform_config": {"function": "scale_decimal", "params": {"by": 100, "to": "integer"}}"#,
        None,
    ),
    (r#""custom", "transform_config": {"function": "split", "params": {"separator": " "}}"#, None),
    (r#""custom", "transform_config": {"function": "first"}"#, None),
    (r#""custom", "transform_config": {"function": "to_array"}"#, None),
    (r#""custom", "transform_config": {"function": "length"}"#, None),
    (r#""custom", "transform_config": {"function": "hash"}"#, None),
];

const MANY: [(&str, Option<&str>); 6] = [
    (r#""collect""#, Some("collect")),
    (r#""collect", "transform_config": {"skip_nulls": true}"#, Some("collect | map(select(. != null))")),
    (r#""collect", "transform_config": {"skip_empty": true}"#, Some("collect | map(select(. != \"\"))")),
    (r#""custom", "transform_config": {"function": "coalesce"}"#, None),
    (r#""custom", "transform_config": {"function": "concat", "params": {"separator": "-"}}"#, None),
    (r#""custom", "transform_config": {"function": "constant", "params": {"value": {"k": "v"}}}"#, None),
];

const NUMBER: &str = r#"sub("^\\s+"; "") | sub("\\s+$"; "") | if test("^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$") then sub("^[+]"; "") | sub("^(?<s>-?)0+(?<d>[0-9])"; "\(.s)\(.d)") else error("no number") end"#;
const PARSE_INT: &str = "PARSE_INT";
const PARSE_FLOAT: &str = "PARSE_FLOAT";
const PARSE_BOOL: &str = r#"if . == null or type == "boolean" then . elif type == "number" or type == "string" then (tostring | sub("^\\s+"; "") | sub("\\s+$"; "") | ascii_downcase) as $t | if any("true", "yes", "y", "on", "t", "1"; . == $t) then true elif any("false", "no", "n", "off", "f", "0"; . == $t) then false else error("neither") end else error("neither") end"#;

/// An expression that gives an object with the field of the line, or an empty one; nothing where jq has no words.
fn in_jq(
    sources: &[FieldPath],
    dest: &str,
    convert: &str,
    otherwise: Option<&str>,
    at: usize,
) -> Option<String> {
    let depth = sources.iter().map(FieldPath::depth).max()?;
    let convert = match convert {
        PARSE_FLOAT => format!(
            "if . == null or type == \"number\" then . elif type == \"string\" then {NUMBER} | tonumber else error(\"no\") end"
        ),
        PARSE_INT => format!(
            "if . == null then . elif type == \"number\" or type == \"string\" then tostring | {NUMBER} | if test(\"^-?[0-9]+([.]0*)?$\") or test(\"^-?[.]0+$\") then tonumber else error(\"not whole\") end else error(\"no\") end"
        ),
        other => other.to_owned(),
    };
    let tried = |expression: String| match otherwise {
        Some(otherwise) => format!("(try ({expression}) catch {otherwise})"),
        None => format!("({expression})"),
    };
    if let Some(rest) = convert.strip_prefix("collect") {
        if depth > 0 || dest != format!("f{at}") {
            return None;
        }
        let all: Vec<String> = sources.iter().map(|path| format!("({})", follow(path.steps()))).collect();
        return Some(format!("[{}] | if length > 0 then {{f{at}: (.{rest})}} else {{}} end", all.join(", ")));
    }
    let [source] = sources else { return None };
    match depth {
        0 if dest == format!("f{at}") => Some(format!(
            "[{} | {}] | if length > 0 then {{f{at}: .[0]}} else {{}} end",
            follow(source.steps()),
            tried(convert)
        )),
        1 if dest == format!("m{at}[]") => {
            let each = source.steps().iter().position(|step| *step == Step::Each)?;
            Some(format!(
                "[{} | select(type == \"array\") | [.[] | {} | {}]] | if length > 0 then {{m{at}: .[0]}} else {{}} end",
                follow(&source.steps()[..each]),
                follow(&source.steps()[each + 1..]),
                tried(convert)
            ))
        }
        _ => None,
    }
}

fn follow(steps: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Key(key) => {
            let key = quoted(key);
            format!("(if type == \"object\" and has({key}) then .[{key}] else empty end)")
        }
        Step::Index(index) => {
            format!("(if type == \"array\" and length > {index} then .[{index}] else empty end)")
        }
        Step::Each => panic!("only between the parts"),
    };
    std::iter::once(".".to_owned()).chain(steps.iter().map(step)).collect::<Vec<_>>().join(" | ")
}

//! jq as a judge from outside: what a mapping gives, the same said in jq gives too.

use proptest::prelude::*;

use super::apply_value;
use crate::mapping::value::read;
use crate::mapping::value_equal;
use crate::mapping::{FieldPath, Functions, Mapping, Object, Step, TransformType, Transformation, Value};
use crate::transform::generated::Dice;

/// A few keys only, so that paths often lead somewhere.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "[0-9]{1,20}\\.[0-9]{1,20}".prop_map(|text| Value::Number(number(text.trim_start_matches('0')))),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec(("[abc]", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// What every mapping takes as a record.
fn any_object() -> impl Strategy<Value = Value> {
    proptest::collection::vec(("[abc]", any_value()), 0..4)
        .prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

fn number(text: &str) -> crate::mapping::Number {
    let text = if text.starts_with('.') { format!("0{text}") } else { text.to_owned() };
    crate::mapping::Number::new(text).unwrap()
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![4 => "[abc]".prop_map(Step::Key), 1 => (0usize..3).prop_map(Step::Index)]
}

/// A path with up to two `[]`.
fn any_path() -> impl Strategy<Value = FieldPath> {
    let part = || proptest::collection::vec(any_step(), 1..3);
    proptest::collection::vec(part(), 1..4).prop_map(|parts| FieldPath::new(parts.join(&Step::Each)))
}

#[derive(Clone, Debug)]
enum Line {
    /// Copies to `fN[]...[].v`.
    Copy(FieldPath),
    /// Collects values that go through no `[]`.
    Collect(Vec<FieldPath>),
}

fn any_line() -> impl Strategy<Value = Line> {
    let flat = proptest::collection::vec(any_step(), 1..4).prop_map(FieldPath::new);
    prop_oneof![
        any_path().prop_map(Line::Copy),
        proptest::collection::vec(flat, 1..4).prop_map(Line::Collect)
    ]
}

/// The line of the mapping, writing to the field `name`.
fn line(line: &Line, name: &str) -> Transformation {
    let key = |name: &str| Step::Key(name.to_owned());
    let mut dest = FieldPath::new([key(name)]);
    let (source_field, transform_type) = match line {
        Line::Copy(path) => {
            (0..path.depth()).for_each(|_| dest = dest.join(key("w")).join(Step::Each));
            if path.depth() > 0 {
                dest = dest.join(key("v"));
            }
            (path.clone().into(), TransformType::Direct)
        }
        Line::Collect(paths) => (paths.clone().into(), TransformType::Collect),
    };
    Transformation { source_field, dest_field: dest, transform_type, ..Transformation::default() }
}

/// The same in jq: an expression that gives the value of the field, or nothing.
fn in_jq(line: &Line) -> String {
    match line {
        Line::Copy(path) if path.depth() == 0 => follow(path.steps()),
        Line::Copy(path) => nested(path.steps()),
        Line::Collect(paths) => {
            let all: Vec<_> = paths.iter().map(|path| format!("({})", follow(path.steps()))).collect();
            format!("[{}] | if length > 0 then . else empty end", all.join(", "))
        }
    }
}

fn follow(steps: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Key(key) => format!("(if type == \"object\" and has(\"{key}\") then .{key} else empty end)"),
        Step::Index(index) => {
            format!("(if type == \"array\" and length > {index} then .[{index}] else empty end)")
        }
        Step::Each => unreachable!("only between the parts"),
    };
    steps.iter().map(step).collect::<Vec<_>>().join(" | ")
}

/// `{w: [...]}` around the rest of the path; an element without the value is an empty object.
fn nested(steps: &[Step]) -> String {
    match steps.iter().position(|step| *step == Step::Each) {
        None => format!("{} | {{v: .}}", follow(steps)),
        Some(each) => format!(
            "{} | if type == \"array\" then {{w: [.[] | [{}] | if length > 0 then .[0] else {{}} end]}} else empty end",
            follow(&steps[..each]),
            nested(&steps[each + 1..])
        ),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn jq_says_the_same(record in any_object(), wanted in proptest::collection::vec(any_line(), 1..5)) {
        let lines = wanted.iter().enumerate().map(|(at, wanted)| line(wanted, &format!("f{at}")));
        let mapping = Mapping::of(lines).compile(&Functions::builtin()).unwrap();
        let fields = wanted.iter().enumerate().map(|(at, wanted)| {
            format!("([$r | {}] | if length > 0 then {{f{at}: .[0]}} else {{}} end)", in_jq(wanted))
        });
        let program = format!(". as $r | {}", fields.collect::<Vec<_>>().join(" + "));
        let params: Object = [("expression", program.as_str())].into_iter().collect();
        let judged = Functions::builtin().ready("jq", &params).unwrap().call(&[Some(&record)]).unwrap();
        let made = apply_value(&mapping, record).remove(0).unwrap();
        prop_assert_eq!(made, judged, "{}", program);
    }

    #[test]
    fn jq_converts_the_same(bytes in proptest::collection::vec(any::<u8>(), 60..300)) {
        let mut dice = Dice(&bytes);
        let lines = (0..12).map(|at| dice.line(at)).filter_map(|line| Some((line.json, line.jq?)));
        let (lines, fields): (Vec<_>, Vec<_>) = lines.take(4).unzip();
        let record = dice.record();
        // jq has no text for what stands on both sides of a double.
        let Ok(record @ Value::Object(_)) = read(&record) else { return Ok(()) };
        // The judge forgets the sign of a zero, which shows where a number becomes a text.
        let text = record.to_string();
        let mut numbers = text.split(|c: char| !"+-.eE0123456789".contains(c));
        if numbers.any(|number| number.starts_with('-') && number.parse() == Ok(0.0)) {
            return Ok(());
        }
        let document = format!(r#"{{"version": 1, "transformations": [{}]}}"#, lines.join(","));
        let Ok(mapping) = Mapping::parse(document.as_bytes()).unwrap().compile(&Functions::builtin()) else {
            return Ok(());
        };
        let fields: Vec<_> = fields.iter().map(|field| format!("($r | {field})")).collect();
        let program = format!(". as $r | {{}} + {}", fields.join(" + "));
        let program = if lines.is_empty() { "{}".to_owned() } else { program };
        let params: Object = [("expression", program.as_str())].into_iter().collect();
        let judged = Functions::builtin().ready("jq", &params).unwrap().call(&[Some(&record)]);
        match (apply_value(&mapping, record.clone()).remove(0), judged) {
            (Ok(Some(made)), Ok(Some(judged))) => {
                prop_assert!(value_equal(&made, &judged), "{made}\n{judged}\n{record}\n{program}");
            }
            (Err(_), Err(_)) => {}
            (made, judged) => prop_assert!(false, "{made:?}\n{judged:?}\n{record}\n{program}"),
        }
    }
}

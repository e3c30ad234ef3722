//! Runs jq expressions on threads of their own, so that one that never ends doesn't stop the process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::load::{Arena, File, Loader, parse};
use jaq_core::path::Part;
use jaq_core::{Compiler, Ctx, Filter, Vars, data, unwrap_valr};
use jaq_json::Val;

use super::args::wrong;
use super::{Call, refused};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Value;
use crate::mapping::value::read;

/// How long one evaluation may take.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// How many bytes a result may have.
const SIZE_LIMIT: usize = 16 << 20;
/// Values may nest deeper during an evaluation than a record may; only address space is reserved.
const STACK: usize = 256 << 20;
/// How many evaluations that never end a process bears before it refuses to begin more: each holds a thread.
const ABANDONED_LIMIT: usize = 16;

static ABANDONED: AtomicUsize = AtomicUsize::new(0);

/// What reaches out of the expression, or would: these are left out of the language.
const FORBIDDEN: &[&str] = &[
    "env",
    "now",
    "halt",
    "halt_error",
    "debug",
    "debug_empty",
    "stderr",
    "stderr_empty",
    "input",
    "inputs",
    "input_filename",
    "input_line_number",
    "localtime",
    "strflocaltime",
];

/// Checks an expression and makes it ready.
pub(super) fn build(expression: &str) -> Result<Arc<dyn Call>> {
    if let Some(name) = parse(expression, |parser| parser.term()).and_then(|term| calls_itself(&term, &[])) {
        let help =
            "use recurse, until, while or repeat: a definition that calls itself could exhaust the stack";
        return Err(wrong("expression", format!("the definition of {name} calls itself")).help(help));
    }
    compile(expression).map_err(|message| wrong("expression", message))?;
    Ok(Arc::new(Jq {
        expression: expression.to_owned(),
        idle: Mutex::new(Vec::new()),
        time_limit: TIME_LIMIT,
    }))
}

struct Jq {
    expression: String,
    idle: Mutex<Vec<Worker>>,
    time_limit: Duration,
}

/// A thread that holds the compiled expression, which can't leave it.
struct Worker {
    inputs: SyncSender<String>,
    results: Receiver<Result<Option<String>, String>>,
}

impl Call for Jq {
    fn call(&self, inputs: &[Option<&Value>]) -> Result<Option<Value>> {
        let shown = |input: &Option<&Value>| input.cloned().unwrap_or_default();
        let input = match inputs {
            [one] => shown(one),
            many => Value::Array(many.iter().map(shown).collect()),
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let worker = idle.map_or_else(|| Worker::start(&self.expression), Ok)?;
        if worker.inputs.send(input.to_string()).is_err() {
            return Err(refused("the evaluation broke off"));
        }
        let result = match worker.results.recv_timeout(self.time_limit) {
            Ok(result) => result,
            Err(RecvTimeoutError::Disconnected) => return Err(refused("the evaluation broke off")),
            Err(RecvTimeoutError::Timeout) => {
                // The thread can't be stopped, only left behind; another takes the next record.
                ABANDONED.fetch_add(1, Ordering::Relaxed);
                let message = format!("the jq expression ran for more than {:?}", self.time_limit);
                return Err(refused(message).help("the record or the expression makes it endless"));
            }
        };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        let Some(text) = result.map_err(refused)? else { return Ok(None) };
        // jq has values that JSON has not, such as NaN and text that isn't UTF-8.
        read(text.as_bytes()).map(Some).map_err(|error| refused(format!("the result is not JSON: {error}")))
    }
}

impl Worker {
    fn start(expression: &str) -> Result<Self> {
        if ABANDONED.load(Ordering::Relaxed) >= ABANDONED_LIMIT {
            let message = format!("{ABANDONED_LIMIT} jq evaluations never ended");
            let error = Error::new(ErrorKind::LimitExceeded, message).in_operation("transform.apply");
            return Err(error.help("correct the expressions and start the process again"));
        }
        let (inputs, next) = sync_channel::<String>(1);
        let (give, results) = sync_channel(1);
        let expression = expression.to_owned();
        let run = move || {
            let filter = compile(&expression);
            for input in next {
                let result =
                    filter.as_ref().map_err(Clone::clone).and_then(|filter| evaluate(filter, &input));
                if give.send(result).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("jq".to_owned()).stack_size(STACK);
        thread.spawn(run).map_err(|error| refused("no thread could be started for jq").source(error))?;
        Ok(Self { inputs, results })
    }
}

type Compiled = Filter<data::JustLut<Val>>;

fn compile(expression: &str) -> Result<Compiled, String> {
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let defs = defs.filter(|def| !FORBIDDEN.contains(&def.name));
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let funs = funs.filter(|(name, ..)| !FORBIDDEN.contains(name));
    let arena = Arena::default();
    let modules = Loader::new(defs).load(&arena, File { code: expression, path: () }).map_err(|errors| {
        format!(
            "the jq expression can't be read: {:?}",
            errors.iter().map(|(_, error)| error).collect::<Vec<_>>()
        )
    })?;
    Compiler::default().with_funs(funs).compile(modules).map_err(|errors| {
        let names = errors.iter().flat_map(|(_, errors)| errors.iter().map(|(name, _)| name.to_string()));
        format!("the jq expression names what is not there: {}", names.collect::<Vec<_>>().join(", "))
    })
}

fn evaluate(filter: &Compiled, input: &str) -> Result<Option<String>, String> {
    let input = jaq_json::read::parse_single(input.as_bytes()).map_err(|error| error.to_string())?;
    let context = Ctx::<data::JustLut<Val>>::new(&filter.lut, Vars::new([]));
    let Some(first) = filter.id.run((context, input)).map(unwrap_valr).next() else { return Ok(None) };
    let value = first.map_err(|error| format!("the jq expression failed: {error}"))?;
    let mut out = Bounded(Vec::new());
    let style = jaq_json::write::Pp::default();
    jaq_json::write::write(&mut out, &style, 0, &value)
        .map_err(|_| format!("the result of the jq expression is longer than {SIZE_LIMIT} bytes"))?;
    String::from_utf8(out.0).map(Some).map_err(|_| "the result of the jq expression is not text".to_owned())
}

/// Takes no more bytes than a result may have.
struct Bounded(Vec<u8>);

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > SIZE_LIMIT {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The first definition that calls itself, or one around it. Nothing else can call without end: a name means
/// what was defined before, and what is built in keeps no stack.
fn calls_itself<'s>(term: &Term<&'s str>, around: &[(&'s str, usize)]) -> Option<&'s str> {
    let inside = |term: &Term<&'s str>| calls_itself(term, around);
    let maybe = |term: &Option<Box<Term<&'s str>>>| term.as_deref().and_then(inside);
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => None,
        Term::Str(_, parts) => parts.iter().find_map(|part| match part {
            StrPart::Term(term) => inside(term),
            _ => None,
        }),
        Term::Arr(term) => maybe(term),
        Term::Obj(fields) => {
            fields.iter().find_map(|(key, value)| inside(key).or_else(|| value.as_ref().and_then(inside)))
        }
        Term::Neg(term) | Term::Label(_, term) => inside(term),
        Term::BinOp(left, op, right) => {
            let bound = match op {
                BinaryOp::Pipe(Some(pattern)) => in_pattern(pattern, &inside),
                _ => None,
            };
            bound.or_else(|| inside(left)).or_else(|| inside(right))
        }
        Term::Fold(_, over, pattern, terms) => {
            in_pattern(pattern, &inside).or_else(|| inside(over)).or_else(|| terms.iter().find_map(inside))
        }
        Term::TryCatch(tried, caught) => inside(tried).or_else(|| maybe(caught)),
        Term::IfThenElse(branches, otherwise) => branches
            .iter()
            .find_map(|(condition, then)| inside(condition).or_else(|| inside(then)))
            .or_else(|| maybe(otherwise)),
        Term::Def(definitions, rest) => {
            // A later definition of the same name hides the one around.
            let mut visible = around.to_vec();
            for definition in definitions {
                let own = (definition.name, definition.args.len());
                let mut within = visible.clone();
                within.push(own);
                // What is handed in hides what is around.
                within.retain(|(name, count)| *count > 0 || !definition.args.contains(name));
                if let Some(name) = calls_itself(&definition.body, &within) {
                    return Some(name);
                }
                visible.retain(|known| *known != own);
            }
            calls_itself(rest, &visible)
        }
        Term::Call(name, arguments) => {
            if around.contains(&(*name, arguments.len())) {
                return Some(name);
            }
            arguments.iter().find_map(inside)
        }
        Term::Path(head, path) => inside(head).or_else(|| {
            path.0.iter().find_map(|(part, _)| match part {
                Part::Index(term) => inside(term),
                Part::Range(from, to) => {
                    from.as_ref().and_then(inside).or_else(|| to.as_ref().and_then(inside))
                }
            })
        }),
    }
}

fn in_pattern<'s>(
    pattern: &Pattern<&'s str>,
    inside: &impl Fn(&Term<&'s str>) -> Option<&'s str>,
) -> Option<&'s str> {
    match pattern {
        Pattern::Var(_) => None,
        Pattern::Arr(parts) => parts.iter().find_map(|part| in_pattern(part, inside)),
        Pattern::Obj(fields) => {
            fields.iter().find_map(|(key, part)| inside(key).or_else(|| in_pattern(part, inside)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_of_the_record_can_be_reached() {
        for expression in [
            "env",
            "$ENV",
            "env.PATH",
            "input",
            "[inputs]",
            "halt",
            "halt_error",
            "debug",
            "stderr",
            "now",
            "input_filename",
            "localtime",
            "$__loc__ | now",
            "import \"a\" as a; .",
            "include \"a\"; .",
        ] {
            assert!(build(expression).is_err(), "{expression}");
        }
        for expression in [
            "def f: 1 + f; f",
            "def f: 1; def f: f + 1; f",
            "def f: def g: [f]; g; f",
            "def f(g): g | if . then f(g) else . end; f(.a)",
            "[.[] | \"\\(def x: {a: [x]}; x)\"]",
            "reduce .[] as [$x] (0; def y: -y; y)",
        ] {
            let refused = build(expression).is_err_and(|error| error.to_string().contains("calls itself"));
            assert!(refused, "{expression}");
        }
        for expression in [
            ".def",
            "def double: . * 2; def four: double | double; .a | four",
            "def g: def h(g): g; h(1); g",
            "def f($x): $x; def f: f(1); f",
            ".default // .undefined",
            "[.[] | tostring] | join(\",\")",
            "test(\"a\")",
            "todateiso8601",
        ] {
            if let Err(error) = build(expression) {
                panic!("{expression}: {error}");
            }
        }
    }

    #[test]
    fn what_never_ends_is_left_behind_and_the_next_record_goes_on() {
        let expression = "if . == 1 then last(repeat(1)) else . end".to_owned();
        let jq = Jq { expression, idle: Mutex::new(Vec::new()), time_limit: Duration::from_millis(200) };
        let error = jq.call(&[Some(&Value::from(1))]).unwrap_err();
        assert!(error.to_string().contains("ran for more than"), "{error}");
        let found = jq.call(&[Some(&Value::from(2))]).unwrap();
        assert_eq!(found, Some(Value::from(2)));
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let jq = build("\"x\" * 20000000").unwrap();
        let error = jq.call(&[None]).unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
        assert!(build("nan").unwrap().call(&[None]).is_err());
    }
}

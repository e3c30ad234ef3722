//! Runs jq expressions on threads of their own, so that one that never ends doesn't stop the process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jaq_core::load::{Arena, File, Loader};
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
    if defines(expression) {
        let help = "write it without def: a function that calls itself could exhaust the stack";
        return Err(wrong("expression", "definitions are not allowed").help(help));
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

/// Whether the word `def` is in the expression, except as the name of a field.
fn defines(expression: &str) -> bool {
    let part_of_name = |character: char| character.is_alphanumeric() || character == '_';
    expression.match_indices("def").any(|(at, word)| {
        let before = expression[..at].chars().next_back();
        let after = expression[at + word.len()..].chars().next();
        !before.is_some_and(|character| part_of_name(character) || matches!(character, '.' | '$' | '@'))
            && !after.is_some_and(part_of_name)
    })
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
        for expression in ["def f: 1 + f; f", "[def x: 1; x]"] {
            assert!(build(expression).is_err_and(|error| error.to_string().contains("def")), "{expression}");
        }
        for expression in [
            ".def",
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

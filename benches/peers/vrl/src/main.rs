//! Runs a VRL program over lines of JSON: `vrl-peer FILE < in > out`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, BufWriter, Write};

use vrl::compiler::runtime::Runtime;
use vrl::compiler::state::RuntimeState;
use vrl::compiler::{TargetValue, TimeZone};
use vrl::value::{Secrets, Value};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let path = std::env::args().nth(1).expect("a program");
    let source = std::fs::read_to_string(path).expect("the program is there");
    let program = vrl::compiler::compile(&source, &vrl::stdlib::all()).expect("the program compiles").program;
    let mut runtime = Runtime::new(RuntimeState::default());
    let timezone = TimeZone::default();
    let mut input = BufReader::with_capacity(256 << 10, std::io::stdin().lock());
    let mut output = BufWriter::with_capacity(256 << 10, std::io::stdout().lock());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).expect("read") > 0 {
        let value: Value = serde_json::from_slice(&line).expect("a record");
        let mut target =
            TargetValue { value, metadata: Value::Object(BTreeMap::new()), secrets: Secrets::new() };
        runtime.resolve(&mut target, &program, &timezone).expect("the program runs");
        serde_json::to_writer(&mut output, &target.value).expect("written");
        output.write_all(b"\n").expect("written");
        runtime.clear();
        line.clear();
    }
    output.flush().expect("written");
}

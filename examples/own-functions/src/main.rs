//! A runtime that knows one function more than `vitesse-runtime`: `shout`.
//!
//! It takes the same commands. `own-functions --version --json` lists `shout` among its functions, and
//! `own-functions transform --check` accepts a mapping that names it.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use vitesse_core::mapping::{Functions, Value};

fn main() -> ExitCode {
    let functions = Functions::builtin().with("shout", |inputs| {
        let text = inputs.first().copied().flatten().and_then(Value::as_str);
        // A missing field, or one that isn't text, gives no field.
        Ok(text.map(|text| Value::from(format!("{}!", text.to_uppercase()))))
    });
    vitesse_runtime::run(functions)
}

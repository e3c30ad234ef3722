//! The engine alone: a mapping is compiled once, and turns records into records. This needs no feature of the crate.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "that is what the program is for")]

use vitesse_core::mapping::{Functions, Mapping};
use vitesse_core::transform::Plan;

const MAPPING: &str = r#"{"version": 1, "transformations": [
    {"source_field": "name", "dest_field": "full_name", "transform_type": "mapping"},
    {"source_field": "items[].sku", "dest_field": "lines[].code", "transform_type": "mapping"},
    {"source_field": "total", "dest_field": "cents", "transform_type": "custom",
     "transform_config": {"function": "scale_decimal", "params": {"by": 100, "to": "integer"}}}
]}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plan = Plan::compile(&Mapping::parse(MAPPING.as_bytes())?, &Functions::builtin())?;
    let mut out = Vec::new();
    for record in [
        r#"{"name": "Ada", "items": [{"sku": "LAMP-7"}, {"sku": "MUG-1"}], "total": "104.40"}"#,
        r#"{"name": "Grace", "items": [], "total": "a lot"}"#,
    ] {
        out.clear();
        match plan.apply(record.as_bytes(), &mut out) {
            Ok(_) => print!("{}", String::from_utf8_lossy(&out)),
            // A record that can't be transformed says which line failed, and why.
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}

//! The ingestor's entry `references`: any bytes end well, and what comes out is sound.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "each target takes one of its functions")]
#[path = "../../tests/ingestor/entries.rs"]
mod entries;

fuzz_target!(|bytes: &[u8]| entries::references(bytes));

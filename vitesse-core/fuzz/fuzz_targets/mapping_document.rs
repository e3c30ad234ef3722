//! Documents are read, judged, written and hashed without a panic, and what is written reads back the same. The
//! part behind the first zero byte is a record for the mapping.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vitesse_core::mapping::value::read;
use vitesse_core::mapping::{Functions, Mapping};
use vitesse_core::transform::plain::{Outcome, apply};

fuzz_target!(|text: &[u8]| {
    let mut parts = text.splitn(2, |byte| *byte == 0);
    let document = parts.next().unwrap_or_default();
    let Ok(mapping) = Mapping::parse(document) else { return };
    let again = Mapping::parse(mapping.to_json().as_bytes()).expect("what is written reads back");
    assert_eq!(again, mapping);
    assert_eq!(again.hash(), mapping.hash());
    assert!(mapping.diff(&again).is_empty());
    let Ok(compiled) = mapping.compile(&Functions::builtin()) else { return };
    for outcome in apply(&compiled, parts.next().unwrap_or(b"{}")) {
        if let Outcome::Made(json) = outcome {
            read(&json).expect("what is made is JSON");
        }
    }
});

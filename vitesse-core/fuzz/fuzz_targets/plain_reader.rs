//! The reader of the plain road against serde_json: both accept, or both refuse.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vitesse_core::mapping::value::{read, read_within};

fuzz_target!(|text: &[u8]| {
    let ours = read(text);
    match serde_json::from_slice::<serde_json::Value>(text) {
        Ok(judge) => {
            let ours = ours.expect("serde_json accepts it");
            let shown = ours.to_string();
            // Numbers keep their text here, and serde_json reads the same from it.
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), judge);
            assert_eq!(read(shown.as_bytes()).unwrap(), ours);
        }
        // It refuses numbers that no float can hold, and nests to another depth; the grammar is the same.
        Err(error) if error.to_string().starts_with("number out of range") => {}
        Err(error) if error.to_string().starts_with("recursion limit") => assert!(read_within(text, 127).is_err()),
        Err(_) => assert!(ours.is_err(), "serde_json refuses it"),
    }
});

//! The fast road against the plain one: a mapping and records are made of the bytes, right ones and damaged ones,
//! and both roads must give the same for each.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    vitesse_core::transform::both_roads_agree(bytes);
});

//! Whatever a mock is asked, it answers: the first line is method and target, the second the content type, the rest
//! the body. What has no such lines is a script.
#![no_main]

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use vitesse_core::ingestor::{ReadOptions, read};
use vitesse_core::mock::{Mock, MockOptions, Script};

fn mock() -> &'static Mock {
    static MOCK: OnceLock<Mock> = OnceLock::new();
    MOCK.get_or_init(|| {
        let document = include_bytes!("../../../examples/apis/crm.json");
        let spec = read(document, &ReadOptions::default()).expect("the example is right").spec;
        let options = MockOptions { stateful: true, records: 5, ..MockOptions::default() };
        Mock::new(Arc::new(spec), options).expect("the example can be played")
    })
}

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let (Some(first), Some(kind), Some(body)) = (lines.next(), lines.next(), lines.next()) else {
        let _ = Script::parse(input);
        return;
    };
    let (Ok(first), Ok(kind)) = (std::str::from_utf8(first), std::str::from_utf8(kind)) else { return };
    let Some((method, target)) = first.split_once(' ') else { return };
    let headers = [("Authorization", "Bearer t"), ("Content-Type", kind)];
    if let Ok(answer) = mock().ask(method, target, &headers, body.to_vec()) {
        assert!(answer.response.status().as_u16() < 500, "{}", answer.note);
    }
});

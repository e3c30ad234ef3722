//! Scripts: what goes wrong is the same each time.

use std::time::Duration;

use vitesse_core::mock::{Fault, MockOptions, Script};

use crate::talk::{CRM, Caller, header, mock};

const BODY: &str = r#"{"email_address": "a@example.com", "family_name": "B"}"#;

fn scripted(script: &str) -> MockOptions {
    let script = Script::parse(script.as_bytes()).unwrap();
    MockOptions { stateful: true, records: 0, script, ..MockOptions::default() }
}

#[test]
fn a_status_comes_as_often_as_asked() {
    let mock = mock(
        CRM,
        scripted(
            r#"{"rules": [
                {"when": {"operation": "createContact"}, "times": 2, "then": {"status": 503, "headers": {"Retry-After": "2"}}},
                {"when": {"path": "/deals"}, "then": {"status": 500, "body": {"oops": true}}}]}"#,
        ),
    );
    let caller = Caller::known(&mock);
    for _ in 0..2 {
        let answer = caller.send("POST", "/contacts", BODY);
        assert_eq!((answer.response.status().as_u16(), header(&answer, "retry-after")), (503, Some("2")));
        assert!(answer.note.starts_with("rule 1 of the script"), "{}", answer.note);
    }
    assert_eq!(mock.records("contacts").unwrap().len(), 0);
    assert_eq!(caller.send("POST", "/contacts", BODY).response.status(), 201);
    assert_eq!(caller.json("GET", "/deals", ""), (500, serde_json::json!({"oops": true})));
}

#[test]
fn a_fault_comes_before_the_work_or_after() {
    for (fault, made) in [
        (Fault::Reset, 0),
        (Fault::Hang, 0),
        (Fault::ResetAfter, 1),
        (Fault::HangAfter, 1),
        (Fault::Truncate, 1),
        (Fault::Garbage, 1),
    ] {
        let word = serde_json::to_string(&fault).unwrap();
        let mock = mock(
            CRM,
            scripted(&format!(r#"{{"rules": [{{"then": {{"fault": {word}, "delay": "3ms"}}}}]}}"#)),
        );
        let answer = Caller::known(&mock).send("POST", "/contacts", BODY);
        assert_eq!((answer.fault, answer.delay), (Some(fault), Duration::from_millis(3)));
        assert_eq!(mock.records("contacts").unwrap().len(), made, "{fault:?}");
    }
}

#[test]
fn latency_is_the_seeds() {
    let delays = |seed| {
        let options =
            MockOptions { seed, latency: Some("10ms..90ms".parse().unwrap()), ..MockOptions::default() };
        let mock = mock(CRM, options);
        let caller = Caller::known(&mock);
        (0..20).map(|_| caller.send("GET", "/contacts", "").delay).collect::<Vec<_>>()
    };
    let first = delays(1);
    assert_eq!(first, delays(1));
    assert_ne!(first, delays(2));
    assert!(first.iter().all(|delay| (10..=90).contains(&delay.as_millis())), "{first:?}");
}

//! Whatever is asked is answered: requests that nobody thought of.

use proptest::prelude::*;
use serde_json::{Value, json};
use vitesse_core::mock::{Latency, MockOptions, RateRule, Script};

use crate::talk::{CRM, SHOP, mock};

/// Pieces that requests are made of: some mean something to the examples, some are broken.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "contacts",
        "customers",
        "orders",
        "deals",
        "limit",
        "after",
        "=",
        "&",
        "?",
        "/",
        "%",
        "%2F",
        "%ff",
        "%zz",
        "+",
        "[",
        "]",
        "[]",
        ".",
        "..",
        ";",
        ",",
        "-1",
        "1",
        "99999999999999999999",
        "null",
        "true",
        "\u{fc}",
        "email_address",
        "given_name",
        "sort",
        "filter",
        "id",
        "api",
        "v1",
        "v2",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[!-~]{0,8}"]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..8).prop_map(|pieces| pieces.concat())
}

/// A path that often exists, with a query that is often wrong.
fn target() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec![
        "/contacts",
        "/customers",
        "/orders",
        "/deals",
        "/products",
        "",
        "/contacts/1",
    ]);
    (path, text(), prop::option::of(text())).prop_map(|(path, more, query)| match query {
        Some(query) => format!("{path}?{query}"),
        None => format!("{path}/{more}"),
    })
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
        Just(json!("ada@example.com")),
    ];
    let name = || {
        prop::sample::select(vec![
            "email_address",
            "given_name",
            "family_name",
            "address",
            "lines",
            "labels",
            "id",
            "x",
            "",
        ])
    };
    leaf.prop_recursive(3, 16, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// JSON, nearly JSON, forms, and anything.
fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => tree().prop_map(|tree| tree.to_string().into_bytes()),
        1 => (tree(), any::<prop::sample::Index>()).prop_map(|(tree, at)| {
            let text = tree.to_string().into_bytes();
            text[..at.index(text.len() + 1)].to_vec()
        }),
        1 => text().prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn kind() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "application/json",
        "application/json; charset=utf-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "multipart/form-data",
        "text/plain",
        "application/xml",
        "nonsense",
        "",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn laws_every_request_is_answered(
        stateful in any::<bool>(),
        requests in prop::collection::vec(
            (prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"]),
             target(), kind(), body(), text()),
            1..6,
        ),
    ) {
        let documents = [SHOP, CRM].map(|document| mock(document, MockOptions { stateful, records: 3, ..MockOptions::default() }));
        for mock in &documents {
            for (method, target, kind, body, extra) in &requests {
                let extra: String = extra.chars().filter(char::is_ascii_graphic).collect();
                let headers = [
                    ("Content-Type", *kind), ("X-Shop-Key", "k"), ("Authorization", "Bearer t"), ("Prefer", &*extra),
                    ("Accept", &*extra), ("Idempotency-Key", &*extra), ("Cookie", &*extra),
                ];
                // What is no request is said to be none.
                let Ok(answer) = mock.ask(method, target, &headers, body.clone()) else { continue };
                let status = answer.response.status().as_u16();
                prop_assert!(status < 500 || extra.contains("code="), "{method} {target}: {status} {}", answer.note);
                let json = answer.response.headers().get("content-type")
                    .is_some_and(|kind| kind.to_str().unwrap().contains("json"));
                if json && *method != "HEAD" {
                    let parsed = serde_json::from_slice::<Value>(answer.response.body());
                    prop_assert!(parsed.is_ok(), "{method} {target}: {:?}", answer.response.body());
                }
                if status >= 400 && *method != "HEAD" {
                    prop_assert!(!answer.note.is_empty() || !answer.response.body().is_empty(), "{method} {target} {status}");
                }
            }
        }
    }

    #[test]
    fn laws_what_is_made_is_there_and_what_is_removed_is_gone(bodies in prop::collection::vec(tree(), 1..6)) {
        let mock = mock(CRM, MockOptions { stateful: true, records: 0, ..MockOptions::default() });
        let headers = [("Content-Type", "application/json"), ("Authorization", "Bearer t")];
        let mut there = Vec::new();
        for body in bodies.into_iter().chain([json!({"email_address": "a@example.com", "family_name": "L"})]) {
            let answer = mock.ask("POST", "/contacts", &headers, body.to_string()).unwrap();
            match answer.response.status().as_u16() {
                201 => there.push(answer.json()),
                status => prop_assert!((400..500).contains(&status), "{status} for {body}"),
            }
        }
        prop_assert!(!there.is_empty(), "the last one is right");
        prop_assert_eq!(mock.records("contacts").unwrap().len(), there.len());
        for made in there {
            let at = format!("/contacts/{}", made["id"].as_str().unwrap());
            prop_assert_eq!(mock.ask("GET", &at, &headers, "").unwrap().json(), made);
            prop_assert_eq!(mock.ask("DELETE", &at, &headers, "").unwrap().response.status().as_u16(), 204);
            prop_assert_eq!(mock.ask("GET", &at, &headers, "").unwrap().response.status().as_u16(), 404);
        }
        prop_assert!(mock.records("contacts").unwrap().is_empty());
    }

    #[test]
    fn laws_options_and_scripts_are_read_or_refused(text in "[0-9a-z./ -]{0,12}", tree in tree(), bytes in body()) {
        let _ = text.parse::<Latency>();
        let _ = text.parse::<RateRule>();
        let _ = Script::parse(&bytes);
        let _ = Script::parse(json!({"rules": [{"when": tree, "then": tree}]}).to_string().as_bytes());
    }
}

//! Mocks of small descriptions, and short ways to talk to them.

use std::sync::Arc;

use serde_json::Value;
use vitesse_core::ingestor::{ReadOptions, read};
use vitesse_core::mock::{Answer, Mock, MockOptions};
use vitesse_core::spec::ApiSpec;

pub(crate) const SHOP: &str = include_str!("../../../examples/apis/shop.yaml");
pub(crate) const CRM: &str = include_str!("../../../examples/apis/crm.json");

pub(crate) fn spec(document: &str) -> Arc<ApiSpec> {
    Arc::new(read(document.as_bytes(), &ReadOptions::default()).unwrap().spec)
}

pub(crate) fn mock(document: &str, options: MockOptions) -> Mock {
    Mock::new(spec(document), options).unwrap()
}

/// A caller with its headers.
pub(crate) struct Caller<'m> {
    pub(crate) mock: &'m Mock,
    pub(crate) headers: Vec<(&'m str, &'m str)>,
}

impl<'m> Caller<'m> {
    pub(crate) fn new(mock: &'m Mock, headers: &[(&'m str, &'m str)]) -> Self {
        Self { mock, headers: headers.to_vec() }
    }

    /// One that any of the example APIs lets in.
    pub(crate) fn known(mock: &'m Mock) -> Self {
        Self::new(mock, &[("X-Shop-Key", "k"), ("Authorization", "Bearer t")])
    }

    pub(crate) fn send(&self, method: &str, target: &str, body: &str) -> Answer {
        let mut headers = self.headers.clone();
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "Content-Type") {
            headers.push(("Content-Type", "application/json"));
        }
        self.mock.ask(method, target, &headers, body.to_owned()).unwrap()
    }

    /// Sends, and takes apart what comes back.
    pub(crate) fn json(&self, method: &str, target: &str, body: &str) -> (u16, Value) {
        let answer = self.send(method, target, body);
        (answer.response.status().as_u16(), answer.json())
    }

    pub(crate) fn get(&self, target: &str) -> Value {
        let (status, body) = self.json("GET", target, "");
        assert_eq!(status, 200, "{target}: {body}");
        body
    }

    /// The status, and of a refusal the sentence.
    pub(crate) fn outcome(&self, method: &str, target: &str, body: &str) -> (u16, String) {
        let (status, body) = self.json(method, target, body);
        (status, body["detail"].as_str().unwrap_or_default().to_owned())
    }
}

pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.response.headers().get(name).and_then(|value| value.to_str().ok())
}

/// A document of one path with one operation, written as YAML below `get:` or the like.
pub(crate) fn one(path: &str, operation: &str) -> String {
    format!("openapi: 3.1.0\ninfo: {{title: One, version: '1'}}\npaths:\n  {path}:\n{operation}")
}

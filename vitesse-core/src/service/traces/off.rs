use std::time::Instant;

use http::HeaderMap;
use serde_json::Value;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::net::{Exchange, NetConfig, TraceParent};
use crate::service::log::{Level, Log};
use crate::sync::Side;

/// Keeps no spans.
#[derive(Debug)]
pub(in crate::service) struct Traces;

/// No span.
#[derive(Debug)]
pub(in crate::service) struct Work;

/// Nobody's trace.
#[derive(Debug)]
pub(in crate::service) struct Came;

impl Traces {
    #[expect(clippy::unnecessary_wraps, reason = "the same face as with the feature")]
    pub(in crate::service) fn new(_: &NetConfig, config: &Config, _: &str, log: &Log) -> Result<Self> {
        if config.otel_endpoint.is_some() {
            let why = "this build is without the feature otel";
            log.say(Level::Warn, "traces_not_sent", [("why", why.into())]);
        }
        Ok(Self)
    }

    pub(in crate::service) fn work(&self, _: &'static str) -> Work {
        Work
    }

    pub(in crate::service) fn delivery(&self, _: &'static str, _: &[Option<TraceParent>]) -> Work {
        Work
    }

    pub(in crate::service) fn next(&self) -> Option<TraceParent> {
        None
    }

    pub(in crate::service) fn asked(&self, _: &str, _: Side, _: &Exchange) {}

    pub(in crate::service) fn came(&self, _: &HeaderMap) -> Came {
        Came
    }

    pub(in crate::service) fn answered(
        &self,
        _: &Came,
        _: &http::Method,
        _: &'static str,
        _: Instant,
        _: u16,
    ) {
    }

    pub(in crate::service) async fn finish(&self) {}
}

impl Came {
    pub(in crate::service) fn own(&self) -> Option<TraceParent> {
        None
    }
}

impl Work {
    pub(in crate::service) fn end<const N: usize>(self, _: [(&'static str, Value); N], _: Option<&Error>) {}
}

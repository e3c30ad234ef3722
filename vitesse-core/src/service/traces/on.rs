use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, Method};
use serde_json::Value;
use uuid::Uuid;

use super::otlp::{Exporter, Kind, Span};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::net::{Exchange, NetConfig};
use crate::service::log::Log;
use crate::sync::Side;

/// Keeps spans and sends them to a collector, if one is named. Cheap to clone.
#[derive(Clone)]
pub(in crate::service) struct Traces(Option<Arc<Inner>>);

struct Inner {
    exporter: Exporter,
    /// The work that is under way: requests belong to it. Only who has the turn works, so there is one at most.
    current: Mutex<Option<Context>>,
}

/// Where a span belongs.
#[derive(Clone, Copy)]
struct Context {
    trace: u128,
    span: u64,
}

/// Work that is under way; a span when it ends.
pub(in crate::service) struct Work(Option<(Arc<Inner>, Context, &'static str, SystemTime)>);

impl Traces {
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`](crate::ErrorKind::ConfigInvalid) for a collector that can't be asked.
    pub(in crate::service) fn new(
        net: &NetConfig,
        config: &Config,
        integration: &str,
        log: &Log,
    ) -> Result<Self> {
        let exporter = Exporter::new(net, config, integration, log)?;
        Ok(Self(exporter.map(|exporter| Arc::new(Inner { exporter, current: Mutex::default() }))))
    }

    /// Work begins. What is asked of the APIs until its end belongs to it.
    pub(in crate::service) fn work(&self, name: &'static str) -> Work {
        Work(self.0.as_ref().map(|inner| {
            let context = Context { trace: new_trace(), span: new_span() };
            *inner.current() = Some(context);
            (Arc::clone(inner), context, name, SystemTime::now())
        }))
    }

    /// An API was asked.
    pub(in crate::service) fn asked(&self, stream: &str, side: Side, exchange: &Exchange) {
        let Some(inner) = &self.0 else { return };
        let above = *inner.current();
        let mut facts: Vec<(&'static str, Value)> =
            vec![("vitesse.stream", stream.into()), ("vitesse.side", side.name().into())];
        facts.extend(exchange.status.map(|status| ("http.response.status_code", status.as_u16().into())));
        if !exchange.waited.is_zero() {
            facts.push(("vitesse.waited_ms", (exchange.waited.as_secs_f64() * 1e3).into()));
        }
        let failed = match (exchange.status, exchange.failure) {
            (_, Some(kind)) => Some(kind.id().to_owned()),
            (Some(status), None) if status.as_u16() >= 400 => Some(status.as_u16().to_string()),
            _ => None,
        };
        let name = match side {
            Side::Source => "ask source",
            Side::Destination => "ask destination",
        };
        inner.exporter.take(Span {
            trace: above.map_or_else(new_trace, |above| above.trace),
            id: new_span(),
            parent: above.map(|above| above.span),
            name,
            kind: Kind::Client,
            began: before(exchange.took),
            ended: SystemTime::now(),
            facts,
            failed,
        });
    }

    /// Somebody was answered. The span belongs to the caller's trace, if there is one that is recorded.
    pub(in crate::service) fn answered(
        &self,
        headers: &HeaderMap,
        method: &Method,
        route: &'static str,
        began: Instant,
        status: u16,
    ) {
        let Some(inner) = &self.0 else { return };
        let given = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(parent);
        let above = match given {
            Some((_, false)) => return,
            Some((above, true)) => Some(above),
            None => None,
        };
        inner.exporter.take(Span {
            trace: above.map_or_else(new_trace, |above| above.trace),
            id: new_span(),
            parent: above.map(|above| above.span),
            name: route,
            kind: Kind::Server,
            began: before(began.elapsed()),
            ended: SystemTime::now(),
            facts: vec![
                ("http.request.method", method.as_str().into()),
                ("http.route", route.into()),
                ("http.response.status_code", status.into()),
            ],
            // The caller's fault is no failure of ours.
            failed: (status >= 500).then(|| status.to_string()),
        });
    }

    /// Waits a little for what is not sent yet.
    pub(in crate::service) async fn finish(&self) {
        if let Some(inner) = &self.0 {
            inner.exporter.finish().await;
        }
    }
}

impl Inner {
    fn current(&self) -> std::sync::MutexGuard<'_, Option<Context>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    /// It ended, with what is known of it.
    pub(in crate::service) fn end<const N: usize>(
        mut self,
        facts: [(&'static str, Value); N],
        error: Option<&Error>,
    ) {
        let Some((inner, context, name, began)) = self.0.take() else { return };
        *inner.current() = None;
        inner.exporter.take(Span {
            trace: context.trace,
            id: context.span,
            parent: None,
            name,
            kind: Kind::Internal,
            began,
            ended: SystemTime::now(),
            facts: facts.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            failed: error.map(|error| error.kind().id().to_owned()),
        });
    }
}

impl Drop for Work {
    /// Left before its end: what is asked from now on belongs to something else.
    fn drop(&mut self) {
        if let Some((inner, ..)) = &self.0 {
            *inner.current() = None;
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces")
    }
}

fn before(took: Duration) -> SystemTime {
    let now = SystemTime::now();
    now.checked_sub(took).unwrap_or(now)
}

/// Random, and never zero: a UUID has bits that are always set.
fn new_trace() -> u128 {
    Uuid::new_v4().as_u128()
}

fn new_span() -> u64 {
    Uuid::new_v4().as_u64_pair().0
}

/// What W3C's `traceparent` says: where it belongs, and whether it is recorded.
fn parent(text: &str) -> Option<(Context, bool)> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let right = hex(version, 2) && version != "ff" && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    // Later versions may say more; the first says exactly this.
    if !right || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let context = Context {
        trace: u128::from_str_radix(trace, 16).ok().filter(|trace| *trace > 0)?,
        span: u64::from_str_radix(span, 16).ok().filter(|span| *span > 0)?,
    };
    Some((context, u8::from_str_radix(flags, 16).ok()? & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_trace_is_read_as_w3c_writes_it() {
        let (context, recorded) = parent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(context.trace, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((context.span, recorded), (0x00f0_67aa_0ba9_02b7, true));
        assert!(!parent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00").unwrap().1);
        assert!(parent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").unwrap().1);
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert!(parent(wrong).is_none(), "{wrong}");
        }
    }
}

//! What a service does, as spans for OpenTelemetry: runs, deliveries of webhooks, each request it makes and each it
//! answers. With ids and counts, and never with what records hold. Those it asks are told which trace they are part of,
//! by W3C's `traceparent`.
//!
//! Without the feature `otel` nothing is kept, and somebody who names a collector is told so.

#[cfg(not(feature = "otel"))]
mod off;
#[cfg(feature = "otel")]
mod on;
#[cfg(feature = "otel")]
mod otlp;

#[cfg(not(feature = "otel"))]
pub(super) use off::{Came, Traces};
#[cfg(feature = "otel")]
pub(super) use on::{Came, Traces};

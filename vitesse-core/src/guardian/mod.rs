//! Proof before deployment: a mapping is tried on synthetic records, with the plan that the runtime will run.
//!
//! [`Guardian::test`] draws records of the source's schema, transforms them, and judges what comes out by the
//! schema of what the destination takes. It also asks whether the lines *mean* the right thing, which no
//! schema can tell. The [`TestReport`] has a score, what is wrong and in which line, and whether the
//! integration may be deployed, by which rule.
//!
//! ```
//! use vitesse_core::guardian::{Guardian, TestOptions};
//! use vitesse_core::ingestor::{ReadOptions, read};
//! use vitesse_core::mapping::Mapping;
//! use vitesse_core::progress::Progress;
//!
//! let shop = read(br#"{"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": {"/customers": {"get":
//!     {"responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "array", "items":
//!     {"type": "object", "required": ["mail"], "properties": {"mail": {"type": "string", "format": "email"}}}}}}}}}}}}"#,
//!     &ReadOptions::default())?.spec;
//! let crm = read(br#"{"openapi": "3.1.0", "info": {"title": "CRM", "version": "1"}, "paths": {"/contacts": {"post":
//!     {"requestBody": {"content": {"application/json": {"schema": {"type": "object", "required": ["email"],
//!     "properties": {"email": {"type": "string", "format": "email"}, "age": {"type": "integer"}}}}}},
//!     "responses": {"201": {"description": ""}}}}}}"#, &ReadOptions::default())?.spec;
//!
//! let line = |dest: &str| format!(r#"{{"version": 1, "source_endpoint": "/customers", "dest_endpoint": "/contacts",
//!     "transformations": [{{"source_field": "mail", "dest_field": "{dest}", "transform_type": "mapping"}}]}}"#);
//! let guardian = Guardian::new(TestOptions::default());
//! let good = guardian.test(&Mapping::parse(line("email").as_bytes())?, &shop, &crm, &Progress::none())?;
//! assert!(good.passed() && good.health_score.overall == 100.0);
//!
//! let bad = guardian.test(&Mapping::parse(line("age").as_bytes())?, &shop, &crm, &Progress::none())?;
//! assert!(!bad.passed());
//! assert_eq!(bad.gate.rule.id(), "critical_issue");
//! # Ok::<(), vitesse_core::Error>(())
//! ```
//!
//! With the feature `net`, [`Guardian::probe`] also asks the real APIs; with `sync` and `mock`,
//! [`Guardian::rehearse`] runs the integration as the runtime does, between mocks of both.
//!
//! Deliberately absent: a person's records. What a probe reads is counted and judged, never kept.

#![forbid(unsafe_code)]

mod causes;
mod coverage;
mod fixes;
mod gate;
#[cfg(feature = "net")]
mod live;
mod lossy;
mod meanings;
mod options;
#[cfg(all(feature = "sync", feature = "mock"))]
mod rehearse;
mod report;
mod run;
mod semantics;
mod shadow;
mod sides;
mod still;
mod tables;
#[cfg(test)]
mod tests;

#[cfg(feature = "net")]
pub use live::LiveApi;
pub use options::{MOST_IN_A_REQUEST, TestOptions};
pub use report::{
    Coverage, EndpointCoverage, Finding, FindingClass, Gate, GateRule, HealthScore, Latency, LiveReport,
    Part, Robustness, SampleRecord, Severity, TestDetail, TestReport, TestStatus,
};
pub use run::Guardian;

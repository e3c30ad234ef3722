//! Documents become an [`ApiSpec`](crate::spec::ApiSpec), completely, with a report of what was wrong.
//!
//! [`read`] takes the bytes of a Swagger 2.0 or OpenAPI 3.0, 3.1 or 3.2 document, JSON or YAML.
//! What is broken in a document is repaired or left out, and a [`Diagnostic`](crate::spec::Diagnostic) says
//! so; only something that is no API description at all is an error, which says what it looks like instead.
//!
//! ```
//! use vitesse_core::ingestor::{ReadOptions, read};
//!
//! let document = br##"
//! openapi: 3.1.0
//! info: {title: Shop, version: "1"}
//! servers: [{url: https://shop.test/v1/}]
//! paths:
//!   /orders:
//!     get:
//!       responses:
//!         "200":
//!           description: All of them.
//!           content:
//!             application/json:
//!               schema: {type: array, items: {$ref: "#/components/schemas/Order"}}
//! "##;
//! let found = read(document, &ReadOptions::default())?;
//! assert_eq!(&*found.spec.api_name, "Shop");
//! assert_eq!(found.spec.base_url.as_deref(), Some("https://shop.test/v1"));
//! assert_eq!(found.spec.endpoints.len(), 1);
//! assert!(found.diagnostics.iter().any(|d| d.kind.id() == "dangling_reference" && d.line == Some(13)));
//! # Ok::<(), vitesse_core::Error>(())
//! ```
//!
//! [`read_data`] takes a JSON Schema or sample records, for APIs that have no description.
//!
//! With the feature `net`, `Ingestor` fetches descriptions with all that they refer to, and finds them from an
//! API's address.
//!
//! Deliberately absent: recursion over a document. Whatever it nests is walked with lists of what is left
//! to do.

#![forbid(unsafe_code)]

mod auth;
mod build;
#[cfg(all(feature = "net", feature = "store"))]
mod cache;
mod csv;
mod data;
mod derive;
mod document;
mod fast;
#[cfg(feature = "net")]
mod fetch;
#[cfg(feature = "net")]
mod find;
mod infer;
mod json;
mod limits;
mod looks;
mod mend;
#[cfg(feature = "orchestrate")]
mod plain;
mod read;
mod report;
#[cfg(feature = "net")]
mod request;
mod schema;
mod tree;
mod uri;
mod yaml;

pub use data::read_data;
#[cfg(feature = "net")]
pub use fetch::{Ingestor, KnownDescription, Wanted};
#[cfg(feature = "orchestrate")]
pub(crate) use plain::PlainFile;
pub use read::{Ingested, ReadOptions, SourceDocument, missing_documents, read, read_set};
#[cfg(feature = "net")]
pub use request::{AuthDetails, IngestRequest};

//! What an API *is*: one typed model, whatever document it was read from.
//!
//! An [`ApiSpec`] holds every endpoint with its parameters, bodies and responses, and every schema once, in
//! one table ([`Schemas`]) that the rest refers to by handle ([`SchemaId`]). Recursive types are plain: a
//! handle may lead back to where it came from, so whatever walks schemas counts its steps.
//!
//! What was derived rather than read ([`Auth`], [`Pagination`], [`Records`], [`RateLimit`], [`Resource`])
//! carries its [`Evidence`]: where in the document, and how sure.
//!
//! ```
//! use vitesse_core::spec::{ApiSpec, Property, Schema, Type};
//!
//! let mut spec = ApiSpec::new("Shop");
//! let text = spec.schemas.add(Schema::of(Type::String));
//! let customer = spec.schemas.add(Schema {
//!     properties: vec![Property { name: "email".into(), schema: text, required: true }],
//!     ..Schema::of(Type::Object)
//! });
//! let list = spec.schemas.add(Schema { items: Some(customer), ..Schema::of(Type::Array) });
//!
//! let email = spec.schemas.field(list, "[].email").unwrap();
//! assert!(email.required && email.schema == text);
//! assert_eq!(spec.schemas.fields(list, 8)[0].path, "[].email");
//! ```
//!
//! Deliberately absent: reading documents. The room `ingestor` does that; this one does no I/O.

#![forbid(unsafe_code)]

mod api;
mod diagnostic;
mod endpoint;
mod facts;
mod fields;
mod json;
mod method;
mod schema;
mod schema_json;
mod shape;

pub use api::{ApiSpec, Format, Server, ServerVariable};
pub use diagnostic::{Action, Diagnostic, DiagnosticKind, Severity};
pub use endpoint::{
    Endpoint, EndpointId, Location, Media, Parameter, RequestBody, Response, StatusResponse, Style,
};
pub use facts::{
    Auth, AuthScheme, AuthType, EndpointRole, Evidence, FlowKind, OAuthFlow, Pagination, PaginationKind,
    RateLimit, RateLimitSource, Records, Requirement, Resource, SchemeKind, TimeWindow,
};
pub use fields::{Field, Step, parse_path};
pub use json::Json;
pub use method::Method;
pub use schema::{Additional, Details, Discriminator, Property, Schema, SchemaId, Schemas, Type, Types};

//! The control plane over HTTP: the five steps from two APIs to a running integration, and everything around them.
//!
//! A face: it turns requests into calls of [`Vitesse`](vitesse_core::Vitesse) and what they return into answers. It
//! holds no rules of its own.
//!
//! ```no_run
//! use std::sync::Arc;
//! use vitesse_core::{Vitesse, store::MemoryStore};
//! use vitesse_http::{ServeOptions, serve};
//! # async fn example() -> vitesse_core::Result<()> {
//! let vitesse = Vitesse::builder(Arc::new(MemoryStore::new())).build()?;
//! let server = serve(vitesse, ServeOptions::default()).await?;
//! println!("listening on {}", server.url());
//! server.stop().await;
//! # Ok(()) }
//! ```
//!
//! One table names every operation: the routes, the checks of parameters and bodies, the OpenAPI document that
//! [`document`] gives, and the book's page are made from it. What the document says of a request body is what the body
//! is held to.
//!
//! Deliberately absent: TLS (what routes to the control plane ends it), cross-origin access (no page of a browser may
//! ask), and users: a key has a name, and that is who acts.

#![forbid(unsafe_code)]

mod access;
mod answer;
mod api;
mod app;
mod call;
mod document;
mod events;
mod metrics;
mod options;
mod server;

pub use app::Exchange;
pub use document::document;
pub use metrics::METRICS;
pub use options::ServeOptions;
pub use server::{Server, serve};

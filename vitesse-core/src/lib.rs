//! Vitesse connects two business APIs: from their descriptions and a sentence of intent to a tested,
//! running integration.
//!
//! # The rooms
//!
//! Data goes one way: each room imports only rooms above it.
//!
//! | room | gives |
//! |---|---|
//! | [`error`] | what went wrong, where, and what to do |
//! | [`secret`] | values that don't print, and the places they come from |
//! | [`config`] | the process's environment, read in one place |
//! | [`progress`] | typed events of long work, and a way to stop it |
//! | [`spec`] | what an API is: endpoints, schemas, auth, pagination |
//! | [`mapping`] | the mapping document, its paths and functions; validation |
//! | [`transform`] | a compiled mapping turns JSON records into JSON records |
//! | `net` | one HTTP client for addresses that users name, with a guard (feature `net`) |
//! | `store` | documents kept in memory, a file or PostgreSQL, and typed repositories (feature `store`) |
//! | `ingestor` | API descriptions become an [`ApiSpec`](spec::ApiSpec), with diagnostics (feature `ingest`) |
//! | `embed` | text becomes vectors, by a model that is part of the crate (feature `map`) |
//! | `mapper` | fields of one schema find their partners in another (feature `map`) |

pub mod error;
pub mod secret;
pub mod config;
pub mod progress;
pub mod spec;
pub mod mapping;
pub mod transform;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "store")]
pub mod store;
#[cfg(feature = "ingest")]
pub mod ingestor;
#[cfg(feature = "map")]
pub mod embed;
#[cfg(feature = "map")]
pub mod mapper;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::{Error, ErrorKind, Result};

//! Vitesse connects two business APIs: from their descriptions and a sentence of intent to a tested,
//! running integration.
//!
//! The heart of it is a mapping, compiled once and run often:
//!
//! ```
//! use vitesse_core::mapping::{Functions, Mapping};
//! use vitesse_core::transform::Plan;
//!
//! let mapping = Mapping::parse(br#"{"version": 1, "transformations": [
//!     {"source_field": "name", "dest_field": "full_name", "transform_type": "mapping"},
//!     {"source_field": "spent", "dest_field": "spent_cents", "transform_type": "custom",
//!      "transform_config": {"function": "scale_decimal", "params": {"by": 100, "to": "integer"}}}
//! ]}"#)?;
//! let plan = Plan::compile(&mapping, &Functions::builtin())?;
//!
//! let mut out = Vec::new();
//! plan.apply(br#"{"name": "Ada", "spent": "12.50"}"#, &mut out)?;
//! assert_eq!(out, b"{\"full_name\":\"Ada\",\"spent_cents\":1250}\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to look next
//!
//! - You embed the engine: [`mapping`] and [`transform`], with `default-features = false`.
//! - You read API descriptions: `ingestor`, then [`spec`].
//! - You match fields: `mapper`.
//! - You keep state, or bring a store of your own: `store`, and `testing` to hold it to the contract.
//! - You move records between live APIs: `sync`; as a service, or to ask one that runs: `service`.
//! - You want the whole way, step by step: `orchestrator`, with the feature `orchestrate`.
//! - You bring a deployment target of your own: `deployer`.
//! - You call addresses that users name: `net`.
//!
//! # The rooms
//!
//! Data goes one way: each room uses only rooms above it.
//!
//! | room | gives | feature |
//! |---|---|---|
//! | [`error`] | what went wrong, where, and what to do | |
//! | [`files`] | files that people name, read whole up to a size | |
//! | [`secret`] | values that don't print, and the places they come from | |
//! | [`config`] | the process's environment, read in one place | |
//! | [`progress`] | typed events of long work, and a way to stop it | |
//! | [`spec`] | what an API is: endpoints, schemas, auth, pagination | |
//! | [`mapping`] | the mapping document, its paths and functions; validation | |
//! | [`transform`] | a compiled mapping turns JSON records into JSON records | |
//! | `net` | one HTTP client for addresses that users name, with a guard | `net` |
//! | `store` | documents in memory, a file or PostgreSQL, and typed repositories | `store` |
//! | `sync` | records move from a source to a destination, and none is lost | `sync` |
//! | `service` | a sync with listeners, a schedule, webhooks and metrics; a client of its admin side | `serve` |
//! | `ingestor` | API descriptions become an [`ApiSpec`](spec::ApiSpec), with diagnostics | `ingest` |
//! | `embed` | text becomes vectors, by a model that is part of the crate | `map` |
//! | `discovery` | words become APIs of a built-in catalogue | `discover` |
//! | `mapper` | two endpoints, an intent and hints become a mapping | `map` |
//! | `generate` | synthetic records of a schema, and a judge of records | `generate` |
//! | `mock` | any API answers from its description, in process or on a socket | `mock` |
//! | `guardian` | a mapping is proved on synthetic records before it is deployed | `guardian` |
//! | `deployer` | an integration becomes a running deployment on a target; its image | `deploy`, `docker` |
//! | `orchestrator` | `Vitesse`: the five steps, their states and records, the whiteboard | `orchestrate` |
//!
//! # What it doesn't do yet
//!
//! Deploy anywhere but as a process of this machine, or watch and heal what runs.

pub mod error;
pub mod files;
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
#[cfg(feature = "sync")]
pub mod sync;
#[cfg(feature = "serve")]
pub mod service;
#[cfg(feature = "ingest")]
pub mod ingestor;
#[cfg(feature = "map")]
pub mod embed;
#[cfg(feature = "discover")]
pub mod discovery;
#[cfg(feature = "map")]
pub mod mapper;
#[cfg(feature = "generate")]
pub mod generate;
#[cfg(feature = "mock")]
pub mod mock;
#[cfg(feature = "guardian")]
pub mod guardian;
#[cfg(feature = "deploy")]
pub mod deployer;
#[cfg(feature = "orchestrate")]
pub mod orchestrator;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "orchestrate")]
pub use orchestrator::Vitesse;

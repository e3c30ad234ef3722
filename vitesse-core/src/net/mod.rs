//! One HTTP client for every address that a user names.
//!
//! A [`Client`] looks names up, checks what they resolve to, and connects to exactly what it checked; it
//! does so again for every redirect. Answers are limited in size (after decompression), time and redirects.
//! Failed requests are sent again where that is safe, rates are kept, and credentials go only where they
//! belong.
//!
//! ```no_run
//! use vitesse_core::net::{Client, NetConfig};
//! # async fn example() -> vitesse_core::Result<()> {
//! let client = Client::new(NetConfig::default())?;
//! let answer = client.get("https://api.example.com/openapi.json").fetch().await?.success()?;
//! println!("{} bytes from {}", answer.body.len(), answer.url);
//! # Ok(()) }
//! ```
//!
//! Deliberately absent: proxies from the environment, since a proxy resolves names itself and the guard
//! could not hold; cookies kept between requests; a runtime of its own.

#![forbid(unsafe_code)]

mod address;
mod auth;
mod body;
mod client;
mod config;
mod connect;
mod failure;
mod guard;
mod hints;
mod oauth;
mod rate;
mod redact;
mod request;
mod resolve;
mod response;
mod token;
mod trace;

pub use address::{AddressClass, Network};
pub use auth::{Auth, Scheme};
pub use body::Body;
pub use bytes::Bytes;
pub use client::{Client, Parts};
pub use config::{Exchange, Limits, NetConfig, Retry, Watch};
pub use failure::{is_unsent, wait_of};
pub use guard::{Allow, Guard};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use oauth::{ClientAuthentication, Grant, OAuth, OAuthConfig};
pub use rate::Rate;
pub use redact::redacted;
pub use request::RequestBuilder;
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use response::{Fetched, Response, Validators};
pub use token::{Issued, exchange_code};
pub use trace::{NoTraceParent, TraceParent};
pub use url::Url;

//! Any [`ApiSpec`](crate::spec::ApiSpec) answers as a server, in this process or on a socket.
//!
//! A [`Mock`] checks each request against the description, tells who may call, pages its lists, and answers with
//! examples: those of the description first, generated ones otherwise. In its stateful mode it keeps what is
//! created. The same seed and the same requests give the same answers.
//!
//! ```
//! use std::sync::Arc;
//! use vitesse_core::mock::{Mock, MockOptions};
//! use vitesse_core::spec::{ApiSpec, Endpoint, Method, Response, StatusResponse};
//!
//! let mut spec = ApiSpec::new("Shop");
//! let mut ping = Endpoint::new("/ping", Method::Get);
//! ping.responses.push(StatusResponse { status: "204".into(), response: Arc::new(Response::default()) });
//! spec.endpoints.push(ping);
//!
//! let mock = Mock::new(Arc::new(spec), MockOptions::default())?;
//! let ask = |path| mock.answer(&http::Request::get(path).body(bytes::Bytes::new()).unwrap());
//! assert_eq!(ask("/ping").response.status(), 204);
//! // A refusal says why, as `application/problem+json`.
//! let refused = ask("/pong").response;
//! assert_eq!(refused.status(), 404);
//! assert!(String::from_utf8_lossy(refused.body()).contains("there is no path /pong"));
//! # Ok::<(), vitesse_core::Error>(())
//! ```
//!
//! [`serve`] puts it on an address. What a [`Script`] asks for (delays, statuses, cut bodies, silence) comes out
//! of [`Mock::answer`] as data; only the server waits and cuts.
//!
//! Deliberately absent: any judgement of the description itself, which is the `ingestor`'s, and connections to
//! anywhere: the mock only listens.

#![forbid(unsafe_code)]

mod answer;
mod auth;
mod body;
mod dress;
mod engine;
mod judge;
mod limit;
mod negotiate;
mod oauth;
mod options;
mod page;
mod parameter;
mod random;
mod request;
mod route;
mod sample;
mod script;
mod serve;
mod state;

pub use answer::{Answer, Fault};
pub use engine::Mock;
pub use options::{AuthPolicy, Clock, Idempotency, MockOptions, RateRule};
pub use script::{Latency, Rule, Script, Scripted, When};
pub use serve::{Exchange, Server, serve, serve_with};

//! The room `net` against real servers on loopback.
#![cfg(feature = "net")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stand outside of the functions that clippy exempts"
)]

mod guarding;
mod http2;
mod limits;
mod oauth;
mod page;
mod peer;
mod requests;
mod retrying;
mod security;
mod tls;

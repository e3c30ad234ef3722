//! The room `net` against real servers on loopback.
#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of the functions that clippy exempts")]

mod guarding;
mod limits;
mod oauth;
mod peer;
mod requests;
mod retrying;
mod security;

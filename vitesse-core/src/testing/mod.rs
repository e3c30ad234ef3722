//! What tests share: suites that hold every backend to its contract, and helpers around them.
//!
//! Behind the feature `testing`, for this workspace and for people who bring a backend of their own. Everything
//! here panics when a promise is broken, as tests do.

#![forbid(unsafe_code)]

mod generated;

pub use generated::assert_generated;

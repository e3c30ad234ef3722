//! What tests share: suites that hold every backend to its contract, and helpers around them.
//!
//! Behind the feature `testing`, for this workspace and for people who bring a backend of their own. Everything
//! here panics when a promise is broken, as tests do. A store of your own is done when `store_behaviour`
//! passes on it; `repository_behaviour` then shows the typed records on top of it. A deployment target of your own is
//! done when `deployer_behaviour` passes on it.

#![forbid(unsafe_code)]

#[cfg(feature = "deploy")]
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a suite tells what broke by panicking"
)]
mod deployer_behaviour;
mod generated;
#[cfg(feature = "store")]
#[expect(clippy::unwrap_used, reason = "a suite tells what broke by panicking")]
mod repository_behaviour;
#[cfg(feature = "store")]
#[expect(clippy::unwrap_used, clippy::expect_used, reason = "a suite tells what broke by panicking")]
mod store_behaviour;
#[cfg(feature = "store")]
#[expect(clippy::unwrap_used, clippy::expect_used, reason = "a suite tells what broke by panicking")]
mod store_concurrency;

#[cfg(feature = "deploy")]
pub use deployer_behaviour::{DeployerSamples, deployer_behaviour};
pub use generated::assert_generated;
#[cfg(feature = "store")]
pub use repository_behaviour::repository_behaviour;
#[cfg(feature = "store")]
pub use store_behaviour::store_behaviour;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use vitesse_core::config::Config;
use vitesse_core::secret::Secret;
use vitesse_core::service::Limits;

use crate::app::Exchange;

/// How the control plane answers.
#[derive(Clone)]
pub struct ServeOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A key that counts besides those in the store.
    pub key: Option<Secret>,
    /// How large and how slow callers may be.
    pub limits: Limits,
    /// How many requests are worked on at once; more are asked to come back.
    pub concurrency: usize,
    /// How many callers may follow events at once.
    pub followers: usize,
    /// How long a request that only looks may take.
    pub patience: Duration,
    /// How long what is being done may take after the server was told to stop. Steps that need longer are stopped, and
    /// go on where they were when they are called again.
    pub drain: Duration,
    /// Who is told of each request.
    pub log: Arc<dyn Fn(&Exchange) + Send + Sync>,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 9001).into(),
            key: None,
            limits: Limits { idle: Duration::from_secs(30), connections: 4096, ..Limits::default() },
            concurrency: 256,
            followers: 256,
            patience: Duration::from_secs(30),
            drain: Duration::from_secs(20),
            log: Arc::new(|_| {}),
        }
    }
}

impl ServeOptions {
    /// What the environment says.
    pub fn from_config(config: &Config) -> Self {
        let options = Self::default();
        Self { listen: config.http_listen.unwrap_or(options.listen), key: config.http_key.clone(), ..options }
    }
}

impl fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeOptions")
            .field("listen", &self.listen)
            .field("key", &self.key)
            .field("limits", &self.limits)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::Config;
use crate::deployer::RuntimeSearch;

/// How the target `local` works, whatever is deployed.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// The engine, where a deployment names no other.
    pub docker_host: String,
    /// Traefik's API; where there is one, a deployment succeeds only once it is routed.
    pub traefik_url: Option<String>,
    /// Where the runtime binary is looked for.
    pub runtime: RuntimeSearch,
    /// A file of certificates that are trusted beside the usual roots; it goes into the image.
    pub roots: Option<PathBuf>,
    /// Variables that every deployment gets, besides its own.
    pub environment: BTreeMap<String, String>,
    /// How long a deployment may take to become healthy.
    pub healthy_within: Duration,
    /// How long Traefik may take then to route to it. It looks at new containers and at their health every two seconds.
    pub routed_within: Duration,
}

impl LocalOptions {
    /// The engine at this address, the runtime beside this program, 30 seconds to become healthy.
    pub fn new(docker_host: impl Into<String>) -> Self {
        Self {
            docker_host: docker_host.into(),
            traefik_url: None,
            runtime: RuntimeSearch::default(),
            roots: None,
            environment: BTreeMap::new(),
            healthy_within: Duration::from_secs(30),
            routed_within: Duration::from_secs(30),
        }
    }

    /// What the environment says: `DOCKER_HOST`, `TRAEFIK_DASHBOARD_URL`, `VITESSE_RUNTIME`, `SSL_CERT_FILE`, and what
    /// concerns the runtime's own requests.
    pub fn from_config(config: &Config) -> Self {
        let mut options = Self::new(&config.docker_host);
        options.traefik_url.clone_from(&config.traefik_dashboard_url);
        options.runtime = RuntimeSearch::from_config(config);
        options.roots.clone_from(&config.ssl_cert_file);
        if !config.allow.is_empty() {
            options.environment.insert("VITESSE_ALLOW".into(), config.allow.join(","));
        }
        options.environment.insert("VITESSE_LOG".into(), config.log.clone());
        options
    }
}

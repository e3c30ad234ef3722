//! How a service behaves.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::hooks::Hooks;
use super::schedule::Schedule;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// How a [`Service`](super::Service) behaves.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// The mapping document, or a folder with one for each stream.
    pub mapping: PathBuf,
    /// Where the state is. Without one, records are only transformed.
    pub state: Option<Secret>,
    /// Where records and webhooks are taken; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The key that callers of `/transform` must send.
    pub key: Option<Secret>,
    /// Where it is operated.
    pub admin_listen: SocketAddr,
    /// The key that operators must send.
    pub admin_key: Option<Secret>,
    /// When it syncs by itself.
    pub schedule: Option<Schedule>,
    /// The webhooks it takes.
    pub hooks: Hooks,
    /// Where alerts are sent.
    pub alert_url: Option<Secret>,
    /// What signs them.
    pub alert_secret: Option<Secret>,
    /// How large and how slow callers may be.
    pub limits: Limits,
    /// How often the mapping is looked at for changes.
    pub look: Duration,
    /// How long what is being answered may take after the service was told to stop.
    pub drain: Duration,
}

/// How large and how slow callers may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body that is read whole: an object, an array, a webhook.
    pub body: usize,
    /// Bytes of one record in a stream of them.
    pub record: usize,
    /// Bytes of a request's head.
    pub head: usize,
    /// How long a connection may stand still while it is the caller's turn.
    pub idle: Duration,
    /// How many connections a listener holds; more wait.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 16 << 20,
            record: 16 << 20,
            head: 64 << 10,
            idle: Duration::from_secs(60),
            connections: 16_384,
        }
    }
}

impl ServiceOptions {
    /// What the environment says.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] naming the variable that is wrong or missing.
    pub fn from_config(config: &Config) -> Result<Self> {
        let mapping = config.mapping.clone().ok_or_else(|| {
            Error::new(ErrorKind::ConfigInvalid, "no mapping is named")
                .in_operation("service.options")
                .help("set VITESSE_MAPPING to a mapping document, or to a folder with one for each stream")
        })?;
        let schedule = config.schedule.as_deref().map(|text| Schedule::parse(text, &config.time_zone));
        let options = Self {
            mapping,
            state: config.state.clone(),
            listen: config.listen.unwrap_or((Ipv4Addr::UNSPECIFIED, 8080).into()),
            key: config.key.clone(),
            admin_listen: config.admin_listen.unwrap_or((Ipv4Addr::LOCALHOST, 9464).into()),
            admin_key: config.admin_key.clone(),
            schedule: schedule.transpose().map_err(|error| error.with("variable", "VITESSE_SCHEDULE"))?,
            hooks: config.hooks.as_ref().map(Hooks::parse).transpose()?.unwrap_or_default(),
            alert_url: config.alert_url.clone(),
            alert_secret: config.alert_secret.clone(),
            limits: Limits::default(),
            look: Duration::from_secs(2),
            drain: Duration::from_secs(20),
        };
        options.check()?;
        Ok(options)
    }

    /// Refuses what would be unsafe or do nothing.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`].
    pub fn check(&self) -> Result<()> {
        let wrong = |message: &'static str| {
            Error::new(ErrorKind::ConfigInvalid, message).in_operation("service.options")
        };
        if !self.admin_listen.ip().is_loopback() && self.admin_key.is_none() {
            return Err(wrong("the admin listener would be open to the network without a key")
                .with("VITESSE_ADMIN_LISTEN", self.admin_listen)
                .help("set VITESSE_ADMIN_KEY, or listen on 127.0.0.1"));
        }
        if self.state.is_none() && (self.schedule.is_some() || !self.hooks.is_empty()) {
            return Err(wrong("a schedule and webhooks need a place for the state")
                .help("set VITESSE_STATE: a path on a volume, or a PostgreSQL URL"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Result<ServiceOptions> {
        let config = Config::read(|name| {
            let given = pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            given.or_else(|| (name == "VITESSE_MAPPING").then(|| "/mapping".to_owned()))
        })?;
        ServiceOptions::from_config(&config)
    }

    #[test]
    fn an_open_admin_listener_is_refused() {
        let loopback = options(&[]).unwrap();
        assert_eq!(loopback.admin_listen.to_string(), "127.0.0.1:9464");
        assert_eq!(loopback.listen.to_string(), "0.0.0.0:8080");
        options(&[("VITESSE_ADMIN_LISTEN", "[::1]:1")]).unwrap();
        let open = options(&[("VITESSE_ADMIN_LISTEN", "0.0.0.0:9464")]).unwrap_err();
        assert!(open.to_string().contains("VITESSE_ADMIN_KEY"), "{open}");
        options(&[("VITESSE_ADMIN_LISTEN", "0.0.0.0:9464"), ("VITESSE_ADMIN_KEY", "k")]).unwrap();
    }

    #[test]
    fn what_would_do_nothing_is_refused() {
        let error = options(&[("VITESSE_SCHEDULE", "5m")]).unwrap_err();
        assert!(error.to_string().contains("VITESSE_STATE"), "{error}");
        let error = options(&[("VITESSE_SCHEDULE", "5 apples"), ("VITESSE_STATE", "memory:")]).unwrap_err();
        assert!(error.to_string().contains("VITESSE_SCHEDULE"), "{error}");
        let error = options(&[("VITESSE_LISTEN", "here")]).unwrap_err();
        assert!(error.to_string().contains("VITESSE_LISTEN"), "{error}");
    }
}

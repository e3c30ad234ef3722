//! From a mapping's connection blocks and the environment's credentials to clients that can talk.

use std::fmt;
use std::sync::Arc;

use super::keys::hash;
use super::observe::Side as Which;
use super::options::Options;
use crate::config::{Config, SideConfig};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{Auth as Declared, KeyPlace, Mapping, OAuth2Auth, OAuth2Style, RateLimit, SourceKind};
use crate::net::{
    Auth, Client, ClientAuthentication, Grant, NetConfig, OAuth, OAuthConfig, Rate, Retry, Scheme,
};
use crate::secret::{CredentialSource, Secret};

/// What both APIs are reached with. Says no secret in `Debug`.
#[derive(Clone, Default)]
pub struct Credentials {
    /// For the source.
    pub source: SideConfig,
    /// For the destination.
    pub dest: SideConfig,
    /// Where refresh tokens are kept that an API replaced.
    pub kept: Option<Arc<dyn CredentialSource>>,
}

impl Credentials {
    /// Those of the environment; replaced refresh tokens are kept in `kept`.
    pub fn of(config: &Config, kept: Option<Arc<dyn CredentialSource>>) -> Self {
        Self { source: config.source.clone(), dest: config.dest.clone(), kept }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// The two ends of a stream, ready to be talked to.
#[derive(Clone, Debug)]
pub struct Peers {
    pub(super) source: Option<Peer>,
    pub(super) dest: Option<Peer>,
}

/// One API.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) client: Client,
    pub(super) auth: Option<Auth>,
    /// Without a slash at the end.
    pub(super) base_url: String,
    pub(super) concurrency: Option<usize>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("base_url", &self.base_url)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

impl Peers {
    /// Those of a mapping.
    ///
    /// # Errors
    /// [`ErrorKind::CredentialRefused`] naming the variable that is missing, or what [`Client::new`] fails with.
    pub fn connect(
        mapping: &Mapping,
        credentials: &Credentials,
        net: &NetConfig,
        options: &Options,
    ) -> Result<Self> {
        let mut net = net.clone();
        net.limits.total = options.deadline;
        let stream = super::stream::name_of(mapping);
        let watch = |side| options.observer.as_ref().map(|observer| observer.watch(stream, side));
        net.watch = watch(Which::Source);
        let source = match &mapping.source {
            Some(source) if source.kind == SourceKind::Http => {
                let side = Side { name: "SOURCE", config: &credentials.source, kept: &credentials.kept };
                Some(side.peer(&source.base_url, &source.auth, source.rate_limit.as_ref(), &net)?)
            }
            _ => None,
        };
        // Whether a write may be sent again is for the writer to decide, who knows what it means.
        net.retry = Retry::never();
        net.watch = watch(Which::Destination);
        let dest = match &mapping.destination {
            Some(dest) if dest.file.is_none() => {
                let side = Side { name: "DEST", config: &credentials.dest, kept: &credentials.kept };
                Some(side.peer(&dest.base_url, &dest.auth, dest.rate_limit.as_ref(), &net)?)
            }
            _ => None,
        };
        Ok(Self { source, dest })
    }

    /// The variables a mapping's connections need, each with whether it is set.
    pub fn needs(mapping: &Mapping, credentials: &Credentials) -> Vec<(String, bool)> {
        let mut needs = Vec::new();
        let mut side = |name: &'static str, config: &SideConfig, auth: &Declared| {
            for (variable, value) in wanted(auth, config) {
                needs.push((format!("VITESSE_{name}_{variable}"), value.is_some()));
            }
        };
        if let Some(source) = mapping.source.as_ref().filter(|source| source.kind == SourceKind::Http) {
            side("SOURCE", &credentials.source, &source.auth);
        }
        if let Some(dest) = mapping.destination.as_ref().filter(|dest| dest.file.is_none()) {
            side("DEST", &credentials.dest, &dest.auth);
        }
        needs
    }
}

fn wanted<'c>(auth: &Declared, config: &'c SideConfig) -> Vec<(&'static str, &'c Option<Secret>)> {
    match auth {
        Declared::None(_) => vec![],
        Declared::Bearer(_) | Declared::ApiKey(_) => vec![("TOKEN", &config.token)],
        Declared::Basic(_) => vec![("USERNAME", &config.username), ("PASSWORD", &config.password)],
        Declared::OAuth2ClientCredentials(_) => {
            vec![("CLIENT_ID", &config.client_id), ("CLIENT_SECRET", &config.client_secret)]
        }
        Declared::OAuth2RefreshToken(_) => {
            vec![("CLIENT_ID", &config.client_id), ("REFRESH_TOKEN", &config.refresh_token)]
        }
    }
}

struct Side<'a> {
    name: &'static str,
    config: &'a SideConfig,
    kept: &'a Option<Arc<dyn CredentialSource>>,
}

impl Side<'_> {
    fn peer(
        &self,
        base_url: &str,
        auth: &Declared,
        rate: Option<&RateLimit>,
        net: &NetConfig,
    ) -> Result<Peer> {
        let base_url = self.config.base_url.as_deref().unwrap_or(base_url).trim_end_matches('/').to_owned();
        let client = Client::new(net.clone())?;
        if let Some(rate) = rate {
            let requests = u32::try_from(rate.requests).unwrap_or(u32::MAX);
            client.limit_rate(&base_url, Some(Rate::new(requests, rate.per)))?;
        }
        let auth = match self.scheme(auth, &client)? {
            Some(scheme) => Some(Auth::new(&base_url, scheme)?),
            None => None,
        };
        let concurrency = rate
            .and_then(|rate| rate.concurrent)
            .map(|many| usize::try_from(many).unwrap_or(usize::MAX).max(1));
        Ok(Peer { client, auth, base_url, concurrency })
    }

    fn scheme(&self, auth: &Declared, client: &Client) -> Result<Option<Scheme>> {
        let missing = wanted(auth, self.config).into_iter().find(|(_, value)| value.is_none());
        if let Some((variable, _)) = missing {
            let name = format!("VITESSE_{}_{variable}", self.name);
            return Err(Error::new(ErrorKind::CredentialRefused, format!("{name} is not set"))
                .in_operation("sync.connect")
                .help(format!(
                    "set {name} or {name}_FILE; `vitesse-runtime check --env` lists what is read"
                )));
        }
        let given = |secret: &Option<Secret>| secret.clone().unwrap_or_else(|| Secret::new(""));
        Ok(Some(match auth {
            Declared::None(_) => return Ok(None),
            Declared::Bearer(bearer) if bearer.prefix == "Bearer" => {
                Scheme::Bearer(given(&self.config.token))
            }
            Declared::Bearer(bearer) => Scheme::Header {
                name: "authorization".into(),
                value: Secret::new(format!("{} {}", bearer.prefix, given(&self.config.token).expose())),
            },
            Declared::Basic(_) => Scheme::Basic {
                username: given(&self.config.username).expose().to_owned(),
                password: given(&self.config.password),
            },
            Declared::ApiKey(key) => {
                let name = key.name.clone();
                let value = Secret::new(format!("{}{}", key.prefix, given(&self.config.token).expose()));
                match key.place {
                    KeyPlace::Header => Scheme::Header { name, value },
                    KeyPlace::Query => Scheme::Query { name, value },
                    KeyPlace::Cookie => Scheme::Cookie { name, value },
                }
            }
            Declared::OAuth2ClientCredentials(oauth) => {
                self.oauth(oauth, Grant::ClientCredentials, client)?
            }
            Declared::OAuth2RefreshToken(oauth) => {
                // Named after the token that a person granted, so that granting a new one replaces what was kept.
                let granted = given(&self.config.refresh_token);
                let name =
                    format!("{}_REFRESH_TOKEN.{}", self.name, &hash(granted.expose().as_bytes())[..16]);
                self.oauth(oauth, Grant::RefreshToken { name }, client)?
            }
        }))
    }

    fn oauth(&self, declared: &OAuth2Auth, grant: Grant, client: &Client) -> Result<Scheme> {
        let id = self.config.client_id.as_ref().map_or("", Secret::expose);
        let mut config = OAuthConfig::new(&*declared.token_url, grant, id, self.config.client_secret.clone());
        config.authentication = match declared.style {
            OAuth2Style::Basic => ClientAuthentication::Basic,
            OAuth2Style::Body => ClientAuthentication::Body,
        };
        config.scopes = declared.scopes.clone();
        let extra = declared
            .params
            .iter()
            .filter_map(|(name, value)| super::json::plain(value).map(|value| (name.to_owned(), value)));
        config.extra =
            extra.chain(declared.audience.iter().map(|text| ("audience".into(), text.clone()))).collect();
        let tokens = Tokens { granted: self.config.refresh_token.clone(), kept: self.kept.clone() };
        Ok(Scheme::OAuth(OAuth::new(client, config, Arc::new(tokens))?))
    }
}

/// The refresh token that a person granted, or the one that replaced it.
#[derive(Debug)]
struct Tokens {
    granted: Option<Secret>,
    kept: Option<Arc<dyn CredentialSource>>,
}

impl CredentialSource for Tokens {
    fn get(&self, name: &str) -> Result<Option<Secret>> {
        let kept = self.kept.as_ref().map(|kept| kept.get(name)).transpose()?.flatten();
        Ok(kept.or_else(|| self.granted.clone()))
    }

    fn put(&self, name: &str, secret: &Secret) -> Result<()> {
        match &self.kept {
            Some(kept) => kept.put(name, secret),
            None => Err(Error::new(
                ErrorKind::Unsupported,
                "the API replaced the refresh token, and there is no place to keep it",
            )
            .in_operation("sync.connect")
            .help("keep the state in a folder; with PostgreSQL use client credentials")),
        }
    }

    fn describe(&self) -> String {
        "the environment and the state".into()
    }
}

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::client::Client;
use super::failure::{asked, wait_of};
use super::token::{Issued, request};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{CredentialSource, Secret};

/// Where and how access tokens are fetched.
#[derive(Clone, Debug)]
pub struct OAuthConfig {
    /// The token endpoint.
    pub token_url: String,
    /// What is exchanged for a token.
    pub grant: Grant,
    /// The client's id.
    pub client_id: String,
    /// The client's secret; public clients have none.
    pub client_secret: Option<Secret>,
    /// Where the client's id and secret stand in the request.
    pub authentication: ClientAuthentication,
    /// What the token should be good for; empty for what the API grants by default.
    pub scopes: Vec<String>,
    /// More fields of the request, such as `audience`. Not for secrets.
    pub extra: Vec<(String, String)>,
    /// How long before it expires a token is renewed, but never more than a quarter of its life.
    pub early: Duration,
}

impl OAuthConfig {
    /// A configuration with the usual choices: the secret in the header, renewal a minute early.
    pub fn new(
        token_url: impl Into<String>,
        grant: Grant,
        client_id: impl Into<String>,
        secret: Option<Secret>,
    ) -> Self {
        Self {
            token_url: token_url.into(),
            grant,
            client_id: client_id.into(),
            client_secret: secret,
            authentication: ClientAuthentication::default(),
            scopes: Vec::new(),
            extra: Vec::new(),
            early: Duration::from_secs(60),
        }
    }
}

/// What is exchanged for an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The client's own id and secret.
    ClientCredentials,
    /// A refresh token that a person once granted.
    RefreshToken {
        /// Its name in the credential source. Where the API replaces it, the new one is kept there too.
        name: String,
    },
}

impl Grant {
    /// Its name in the standard.
    pub fn id(&self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken { .. } => "refresh_token",
        }
    }
}

/// Where the client's id and secret stand in a token request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// In the `Authorization` header, as the standard prefers.
    #[default]
    Basic,
    /// In the body, as some APIs want it.
    Body,
}

/// Access tokens that renew themselves. Cheap to clone; clones share the token.
///
/// - However many requests need a new token at once, one asks for it and all get its outcome.
/// - A renewal that began is finished even if the request that needed it is dropped: a refresh token that
///   was replaced must not be lost.
/// - A replaced refresh token is in the credential source, durably, before the access token that came with
///   it is used. If it can't be kept, that is the error, and keeping it is tried again before anything else.
///
/// ```
/// use std::sync::Arc;
/// use vitesse_core::net::{Auth, Client, Grant, NetConfig, OAuth, OAuthConfig, Scheme};
/// use vitesse_core::secret::{EnvSource, Secret};
/// # fn main() -> vitesse_core::Result<()> {
/// let client = Client::new(NetConfig::default())?;
/// let secret = Some(Secret::new("from a credential source"));
/// let config = OAuthConfig::new("https://id.example.com/token", Grant::ClientCredentials, "my-client", secret);
/// let oauth = OAuth::new(&client, config, Arc::new(EnvSource))?;
/// let auth = Auth::new("https://api.example.com", Scheme::OAuth(oauth))?;
/// let request = client.get("https://api.example.com/v1/customers").auth(&auth);
/// # drop(request); Ok(()) }
/// ```
#[derive(Clone)]
pub struct OAuth(Arc<Inner>);

struct Inner {
    client: Client,
    config: OAuthConfig,
    source: Arc<dyn CredentialSource>,
    /// Held by the one who renews.
    turn: Arc<AsyncMutex<()>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// Counts finished renewals, so that whoever waited for one knows that it was made for him.
    renewals: u64,
    /// How the last renewal failed.
    failure: Option<Failure>,
    /// Handed out, with a refresh token that couldn't be kept yet.
    unkept: Option<Issued>,
}

struct Held {
    token: Secret,
    renew_at: Option<Instant>,
    expires_at: Option<Instant>,
}

impl OAuth {
    /// Tokens by `config`, fetched with `client`; refresh tokens are read from and kept in `source`.
    ///
    /// # Errors
    /// Those of [`Guard::check_url`](super::Guard::check_url) for the token URL.
    pub fn new(client: &Client, config: OAuthConfig, source: Arc<dyn CredentialSource>) -> Result<Self> {
        client
            .config()
            .guard
            .check_url(&config.token_url)
            .map_err(|error| error.in_operation("net.oauth"))?;
        Ok(Self(Arc::new(Inner {
            client: client.clone(),
            config,
            source,
            turn: Arc::default(),
            state: Mutex::default(),
        })))
    }

    /// A token that is good for a while, renewed if it has to be.
    ///
    /// # Errors
    /// [`ErrorKind::CredentialRefused`] saying what to do, if the API gives none; those of a request.
    pub async fn token(&self) -> Result<Secret> {
        let seen = {
            let state = self.state();
            match state.usable() {
                Some(token) => return Ok(token),
                None => state.renewals,
            }
        };
        let turn = self.0.turn.clone().lock_owned().await;
        {
            // Whoever had the turn before us may have done our work, well or not.
            let state = self.state();
            if let Some(token) = state.usable() {
                return Ok(token);
            }
            if let Some(failure) = state.failure.as_ref().filter(|_| state.renewals != seen) {
                return Err(failure.error());
            }
        }
        let renewal = self.clone().renewal();
        // In a task of its own, so that it ends even if we are dropped.
        tokio::spawn(async move {
            let _turn = turn;
            renewal.await
        })
        .await
        .unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Internal, "renewing the token failed").source(error))
        })
    }

    /// Gives up a token that the API refused. The next [`token`](Self::token) is another one; if it has been
    /// replaced already, nothing happens.
    pub fn reject(&self, token: &Secret) {
        let mut state = self.state();
        if state.held.as_ref().is_some_and(|held| held.token.is(token.expose())) {
            state.held = None;
        }
    }

    /// Gives up whatever token is held, for APIs that say in other ways than by a 401 that it is worth nothing.
    pub fn discard(&self) {
        self.state().held = None;
    }

    /// How long the token at hand is good for, if there is one and the API said so. It renews itself before.
    pub fn expires_in(&self) -> Option<Duration> {
        let expires_at = self.state().held.as_ref().and_then(|held| held.expires_at)?;
        Some(expires_at.saturating_duration_since(Instant::now()))
    }

    /// Boxed, since a renewal is itself a request, and requests wait for renewals.
    fn renewal(self) -> Pin<Box<dyn Future<Output = Result<Secret>> + Send>> {
        Box::pin(async move {
            let outcome = self.renew().await;
            let mut state = self.state();
            state.renewals += 1;
            match outcome {
                Ok(held) => {
                    let token = held.token.clone();
                    state.failure = None;
                    state.held = Some(held);
                    Ok(token)
                }
                Err(error) => {
                    // A token that is only about to expire is good enough until the endpoint is back.
                    let now = Instant::now();
                    if let Some(held) = state.held.as_mut().filter(|_| error.is_temporary())
                        && held.expires_at.is_none_or(|expiry| expiry > now)
                    {
                        held.renew_at = Some(now + Duration::from_secs(5));
                        return Ok(held.token.clone());
                    }
                    state.failure = Some(Failure::of(&error));
                    Err(error)
                }
            }
        })
    }

    async fn renew(&self) -> Result<Held> {
        let unkept = self.state().unkept.take();
        let issued = match unkept {
            Some(issued) => issued,
            None => self.exchange().await?,
        };
        if let (Grant::RefreshToken { name }, Some(refresh)) = (&self.0.config.grant, &issued.refresh)
            && let Err(error) = self.keep(name.clone(), refresh.clone()).await
        {
            self.state().unkept = Some(issued);
            return Err(error);
        }
        let now = Instant::now();
        let after = |time: Duration| now.checked_add(time);
        Ok(Held {
            token: issued.access,
            expires_at: issued.lifetime.and_then(after),
            renew_at: issued.lifetime.and_then(|life| after(life - self.0.config.early.min(life / 4))),
        })
    }

    async fn exchange(&self) -> Result<Issued> {
        let Inner { client, config, .. } = &*self.0;
        let Grant::RefreshToken { name } = &config.grant else { return request(client, config, None).await };
        let refresh = self.stored(name.clone()).await?;
        let outcome = request(client, config, Some(&refresh)).await;
        match outcome {
            Err(error) if error.kind() == ErrorKind::CredentialRefused => {
                // Another process may have replaced it in the meantime.
                let now = self.stored(name.clone()).await?;
                if now.is(refresh.expose()) { Err(error) } else { request(client, config, Some(&now)).await }
            }
            outcome => outcome,
        }
    }

    /// Credential sources block.
    async fn stored(&self, name: String) -> Result<Secret> {
        let source = self.0.source.clone();
        blocking(move || source.require(&name)).await
    }

    async fn keep(&self, name: String, refresh: Secret) -> Result<()> {
        let source = self.0.source.clone();
        blocking(move || {
            if source.get(&name)?.is_some_and(|known| known.is(refresh.expose())) {
                return Ok(());
            }
            source.put(&name, &refresh)
        })
        .await
        .map_err(|error| error.with("step", "keeping the refresh token that replaces the old one"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl State {
    fn usable(&self) -> Option<Secret> {
        let now = Instant::now();
        let held = self.held.as_ref().filter(|held| held.renew_at.is_none_or(|at| at > now))?;
        Some(held.token.clone())
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "the credential source failed").source(error))
    })
}

/// What is needed to give the same error to everyone who waited.
struct Failure {
    kind: ErrorKind,
    temporary: bool,
    message: String,
    context: Vec<(&'static str, String)>,
    help: Option<String>,
    wait: Option<Duration>,
}

impl Failure {
    fn of(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            temporary: error.is_temporary(),
            message: error.message().to_owned(),
            context: error.context().to_vec(),
            help: error.help_text().map(str::to_owned),
            wait: wait_of(error),
        }
    }

    fn error(&self) -> Error {
        let error = Error::new(self.kind, self.message.clone()).in_operation("net.token");
        let error = if self.temporary { error.temporary() } else { error.permanent() };
        let error = self.context.iter().fold(error, |error, (key, value)| error.with(key, value));
        let error = match self.wait {
            Some(wait) => asked(error, wait),
            None => error,
        };
        match &self.help {
            Some(help) => error.help(help.clone()),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Guard, NetConfig, Retry};
    use crate::secret::EnvSource;

    fn unreachable_endpoint() -> OAuth {
        // Bound and dropped, so that nobody listens there.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = NetConfig {
            guard: Guard { allow_private: true, ..Guard::default() },
            retry: Retry::never(),
            ..NetConfig::default()
        };
        let url = format!("http://127.0.0.1:{port}/token");
        let config =
            (Client::new(config).unwrap(), OAuthConfig::new(url, Grant::ClientCredentials, "c", None));
        OAuth::new(&config.0, config.1, Arc::new(EnvSource)).unwrap()
    }

    #[test]
    fn whoever_waited_gets_the_same_error() {
        let error = asked(Error::new(ErrorKind::RateLimited, "slow down"), Duration::from_secs(9))
            .with("url", "u")
            .in_operation("net.token")
            .help("wait");
        let copy = Failure::of(&error).error();
        assert_eq!(format!("{copy:?}"), format!("{error:?}"));
        assert_eq!(wait_of(&copy), Some(Duration::from_secs(9)));
        assert!(!Failure::of(&error.permanent()).error().is_temporary());
    }

    #[tokio::test]
    async fn a_token_about_to_expire_serves_while_the_endpoint_is_down() {
        let oauth = unreachable_endpoint();
        let soon = Instant::now() + Duration::from_secs(60);
        let held =
            |expires_at| Held { token: Secret::new("old"), renew_at: Some(Instant::now()), expires_at };
        oauth.state().held = Some(held(Some(soon)));
        assert!(oauth.token().await.unwrap().is("old"));
        assert!(
            oauth.state().held.as_ref().unwrap().renew_at.unwrap() > Instant::now(),
            "not asked each time"
        );

        oauth.state().held = Some(held(Some(Instant::now())));
        assert_eq!(oauth.token().await.unwrap_err().kind(), ErrorKind::Unreachable);

        oauth.state().held = Some(held(Some(soon)));
        oauth.reject(&Secret::new("another"));
        assert!(oauth.state().held.is_some());
        oauth.reject(&Secret::new("old"));
        assert_eq!(
            oauth.token().await.unwrap_err().kind(),
            ErrorKind::Unreachable,
            "a refused token is gone"
        );
    }
}

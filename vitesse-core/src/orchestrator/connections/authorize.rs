use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::NewConnection;
use super::loopback::Loopback;
use super::record::checked_name;
use super::test::oauth_config;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{Auth, BearerAuth, OAuth2Auth};
use crate::net::{Client, Grant, Url, exchange_code};
use crate::orchestrator::Vitesse;
use crate::progress::Cancel;
use crate::secret::Secret;

/// How a person is asked to authorise a connection.
#[derive(Clone, Debug)]
pub struct AuthorizeOptions {
    /// The connection's name.
    pub name: String,
    /// The address of the API.
    pub base_url: String,
    /// Where people say yes.
    pub authorization_url: String,
    /// Where tokens come from, and which scopes are asked for.
    pub oauth: OAuth2Auth,
    /// The client's id.
    pub client_id: String,
    /// The client's secret; public clients have none.
    pub client_secret: Option<Secret>,
    /// The port of this machine that the browser comes back to; 0 for any. Some servers want the one that was
    /// registered.
    pub port: u16,
    /// How long a person may take.
    pub within: Duration,
}

/// A question that was put to a person: [`url`](Self::url) is to be opened in a browser.
///
/// It holds nothing of the store: whoever has one that is for one process at a time can let go of it while the person
/// thinks.
#[derive(Debug)]
pub struct Authorization {
    /// The address to open.
    pub url: String,
    /// The address the browser comes back to.
    pub redirect_uri: String,
    options: AuthorizeOptions,
    loopback: Loopback,
    state: String,
    verifier: Secret,
    client: Client,
    cancel: Cancel,
}

impl Vitesse {
    /// Begins to authorise a connection with OAuth 2, an authorization code and PKCE: gives the address to open and
    /// listens on this machine for the answer.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a name or an address that isn't one, [`ErrorKind::Io`] if the port is taken.
    pub async fn authorize(&self, options: AuthorizeOptions) -> Result<Authorization> {
        // Before a person is asked for nothing.
        let name = checked_name(&options.name)?;
        let guard = &self.inner.client.config().guard;
        guard.check_url(&options.base_url).map_err(|error| error.with("connection", &name))?;
        let loopback = Loopback::listen(options.port).await?;
        let (state, verifier) = (random(), random());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let mut url = guard.check_url(&options.authorization_url)?;
        let redirect_uri = loopback.redirect_uri();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &options.client_id)
                .append_pair("redirect_uri", &redirect_uri)
                .append_pair("state", &state)
                .append_pair("code_challenge", &challenge)
                .append_pair("code_challenge_method", "S256");
            if !options.oauth.scopes.is_empty() {
                query.append_pair("scope", &options.oauth.scopes.join(" "));
            }
            if let Some(audience) = &options.oauth.audience {
                query.append_pair("audience", audience);
            }
        }
        let url: Url = url;
        let verifier = Secret::new(verifier);
        let (client, cancel) = (self.inner.client.clone(), self.progress.cancel().clone());
        let url = url.into();
        Ok(Authorization { url, redirect_uri, options, loopback, state, verifier, client, cancel })
    }
}

impl Authorization {
    /// Waits for the person's answer and exchanges it for tokens: what [`Vitesse::connect`] adds.
    ///
    /// Without a refresh token, the access token is kept as it is, and the connection ends with it.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if nobody answered, [`ErrorKind::CredentialRefused`] if the answer was no or the code
    /// is refused.
    pub async fn answer(self) -> Result<NewConnection> {
        let Self { options, loopback, state, verifier, client, cancel, redirect_uri, .. } = self;
        let late = || {
            Error::new(ErrorKind::Timeout, "nobody authorised the connection in time")
                .in_operation("orchestrator.authorize")
                .with("waited", format!("{} s", options.within.as_secs()))
                .help("begin again and open the address in a browser")
        };
        let answer = tokio::select! {
            answer = tokio::time::timeout(options.within, loopback.answer(&state)) => answer.map_err(|_| late())??,
            () = cancel.cancelled() => {
                cancel.check()?;
                return Err(late());
            }
        };
        // The grant is not used here: the code stands in its place.
        let mut config = oauth_config(
            &options.oauth,
            Grant::ClientCredentials,
            &options.client_id,
            options.client_secret.clone(),
        );
        config.scopes.clear();
        let tokens = exchange_code(&client, &config, &answer.code, &verifier, &redirect_uri).await?;
        let mut secrets = BTreeMap::new();
        let auth = match tokens.refresh {
            Some(refresh) => {
                secrets.insert("REFRESH_TOKEN".to_owned(), refresh);
                secrets.insert("CLIENT_ID".to_owned(), Secret::new(options.client_id.as_str()));
                if let Some(secret) = options.client_secret {
                    secrets.insert("CLIENT_SECRET".to_owned(), secret);
                }
                Auth::OAuth2RefreshToken(options.oauth)
            }
            None => {
                secrets.insert("TOKEN".to_owned(), tokens.access);
                Auth::Bearer(BearerAuth::default())
            }
        };
        Ok(NewConnection { name: options.name, base_url: options.base_url, auth, secrets })
    }
}

/// 43 characters that nobody can guess: 244 random bits, hashed.
fn random() -> String {
    let mut hash = Sha256::new();
    hash.update(Uuid::new_v4().as_bytes());
    hash.update(Uuid::new_v4().as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

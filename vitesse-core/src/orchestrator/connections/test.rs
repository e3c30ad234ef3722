use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Connection, secret_name};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{self, KeyPlace, OAuth2Auth, OAuth2Style};
use crate::net::{Auth, ClientAuthentication, Grant, OAuth, OAuthConfig, Scheme};
use crate::orchestrator::Vitesse;
use crate::secret::Secret;
use crate::store::Expect;

/// How a connection's test went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionTest {
    /// Whether nothing speaks against the connection.
    pub ok: bool,
    /// Whether a token endpoint gave a token for the credentials, where there is one.
    pub token: Option<bool>,
    /// What the API answered to a read of its address, if it answered.
    pub status: Option<u16>,
    /// What was found, in a sentence.
    pub detail: String,
    /// When it was tried.
    pub at: Timestamp,
}

impl Vitesse {
    /// Tries a connection: its token endpoint, if it has one, then a read of the API's address with the
    /// credentials. Kept as the connection's last test.
    ///
    /// An API's bare address often has nothing to read, so any answer but a refusal of the credentials is fine.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such connection. What the test finds is no error.
    pub async fn test_connection(&self, name: &str) -> Result<ConnectionTest> {
        let mut connection = self.connection(name).await?;
        let found = self.try_connection(&connection).await;
        connection.last_test = Some(found.clone());
        // Removed meanwhile, or changed: then the test was about something else, and isn't kept.
        if let Some((revision, now)) = self.find_connection(name).await?
            && now.updated_at == connection.updated_at
        {
            match self.write_connection(&connection, Expect::At(revision)).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                written => written?,
            }
        }
        Ok(found)
    }

    async fn try_connection(&self, connection: &Connection) -> ConnectionTest {
        let mut test =
            ConnectionTest { ok: false, token: None, status: None, detail: String::new(), at: self.now() };
        let auth = match self.scheme(connection) {
            Ok(scheme) => {
                if let Some(Scheme::OAuth(oauth)) = &scheme {
                    let token = oauth.token().await;
                    test.token = Some(token.is_ok());
                    if let Err(error) = token {
                        test.detail = error.to_string();
                        return test;
                    }
                }
                scheme.map(|scheme| Auth::new(&connection.base_url, scheme)).transpose()
            }
            Err(error) => Err(error),
        };
        let auth = match auth {
            Ok(auth) => auth,
            Err(error) => {
                test.detail = error.to_string();
                return test;
            }
        };
        let mut request = self.inner.client.get(&*connection.base_url).cancel(self.progress.cancel());
        if let Some(auth) = &auth {
            request = request.auth(auth);
        }
        match request.fetch().await {
            Ok(answer) => {
                let status = answer.status.as_u16();
                test.status = Some(status);
                test.ok = !matches!(status, 401 | 403);
                test.detail = match status {
                    401 | 403 => format!("the API refuses the credentials: it answered {status}"),
                    _ => format!("the API answered {status}"),
                };
            }
            Err(error) => test.detail = error.to_string(),
        }
        test
    }

    /// The credentials of a connection, ready to be sent to its API.
    pub(in crate::orchestrator) async fn connection_auth(&self, name: &str) -> Result<Auth> {
        let connection = self.connection(name).await?;
        match self.scheme(&connection)? {
            Some(scheme) => Auth::new(&connection.base_url, scheme),
            None => Err(Error::new(ErrorKind::InvalidInput, "this connection has no credentials to send")
                .in_operation("orchestrator.connection")
                .with("connection", name)),
        }
    }

    fn scheme(&self, connection: &Connection) -> Result<Option<Scheme>> {
        let part = |part: &str| self.part(&connection.name, part);
        self.scheme_of(&connection.auth, &connection.name, part, |part| secret_name(&connection.name, part))
    }

    /// How requests prove who sends them: by the parts of a credential as `find` gives them, whose names in the
    /// credential source `name_of` tells.
    pub(in crate::orchestrator) fn scheme_of(
        &self,
        auth: &mapping::Auth,
        whose: &str,
        find: impl Fn(&str) -> Result<Option<Secret>>,
        name_of: impl Fn(&str) -> String,
    ) -> Result<Option<Scheme>> {
        let secret = |part: &str| {
            find(part)?.ok_or_else(|| {
                Error::new(ErrorKind::CredentialRefused, format!("the connection has no {part}"))
                    .in_operation("orchestrator.connection")
                    .with("connection", whose)
                    .with("looked in", self.inner.credentials.describe())
                    .help("add the connection again with it")
            })
        };
        let oauth = |oauth: &OAuth2Auth, grant: Grant| -> Result<Scheme> {
            let config = oauth_config(oauth, grant, secret("CLIENT_ID")?.expose(), find("CLIENT_SECRET")?);
            let source = Arc::clone(&self.inner.credentials);
            OAuth::new(&self.inner.client, config, source).map(Scheme::OAuth)
        };
        Ok(Some(match auth {
            mapping::Auth::None(_) => return Ok(None),
            mapping::Auth::Bearer(bearer) if bearer.prefix == "Bearer" => Scheme::Bearer(secret("TOKEN")?),
            mapping::Auth::Bearer(bearer) => Scheme::Header {
                name: "authorization".into(),
                value: Secret::new(format!("{} {}", bearer.prefix, secret("TOKEN")?.expose())),
            },
            mapping::Auth::Basic(_) => Scheme::Basic {
                username: secret("USERNAME")?.expose().to_owned(),
                password: secret("PASSWORD")?,
            },
            mapping::Auth::ApiKey(key) => {
                let value = Secret::new(format!("{}{}", key.prefix, secret("TOKEN")?.expose()));
                let name = key.name.clone();
                match key.place {
                    KeyPlace::Header => Scheme::Header { name, value },
                    KeyPlace::Query => Scheme::Query { name, value },
                    KeyPlace::Cookie => Scheme::Cookie { name, value },
                }
            }
            mapping::Auth::OAuth2ClientCredentials(settings) => oauth(settings, Grant::ClientCredentials)?,
            mapping::Auth::OAuth2RefreshToken(settings) => {
                oauth(settings, Grant::RefreshToken { name: name_of("REFRESH_TOKEN") })?
            }
        }))
    }
}

/// How tokens are fetched, as a mapping's block says.
pub(super) fn oauth_config(
    oauth: &OAuth2Auth,
    grant: Grant,
    client_id: &str,
    client_secret: Option<Secret>,
) -> OAuthConfig {
    let mut config = OAuthConfig::new(&*oauth.token_url, grant, client_id, client_secret);
    config.scopes.clone_from(&oauth.scopes);
    config.authentication = match oauth.style {
        OAuth2Style::Body => ClientAuthentication::Body,
        _ => ClientAuthentication::Basic,
    };
    config.extra = oauth.audience.iter().map(|audience| ("audience".to_owned(), audience.clone())).collect();
    config.extra.extend(oauth.params.iter().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.to_string(), value)
    }));
    config
}

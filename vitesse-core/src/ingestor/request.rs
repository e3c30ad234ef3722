//! What a person or a program says of an API whose description is wanted.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::net::{Auth, Client, Grant, OAuth, OAuthConfig, Scheme};
use crate::secret::{CredentialSource, Secret};

/// Which API is meant, and how to get at its description.
///
/// ```
/// use vitesse_core::ingestor::IngestRequest;
/// let request: IngestRequest = serde_json::from_str(
///     r#"{"api_name": "Shop", "api_url": "https://api.shop.test", "auth_details": {"type": "bearer", "token_env": "SHOP_TOKEN"}}"#,
/// )?;
/// assert_eq!(request.address(), Some("https://api.shop.test"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IngestRequest {
    /// What the API is called: for errors, for the catalogue, and for a description without a title.
    pub api_name: Option<String>,
    /// Where the API is, or a page about it: the description is looked for there.
    pub api_url: Option<String>,
    /// Where the description is. Then nothing is looked for.
    pub spec_url: Option<String>,
    /// What to send where the description sits behind a login.
    pub auth_details: AuthDetails,
    /// Which of several APIs it is, such as `source`: errors say so.
    pub side: Option<String>,
}

impl IngestRequest {
    /// Where to begin.
    pub fn address(&self) -> Option<&str> {
        self.spec_url.as_deref().or(self.api_url.as_deref()).filter(|address| !address.trim().is_empty())
    }
}

/// Credentials as they are given in JSON: `{"type": "bearer", "token_env": "NAME"}`.
///
/// | `type` | members |
/// |---|---|
/// | `bearer` | `token` |
/// | `basic` | `username`, `password` |
/// | `api_key` | `value`, `name` (default `X-API-Key`), `in`: `header`, `query` or `cookie` |
/// | `header` | `name`, `value` |
/// | `oauth2` | `token` (or `access_token`), or else `token_url`, `client_id`, `client_secret`, `scopes` |
/// | `none`, or nothing at all | |
///
/// Each secret can be named instead of written: `token_env` is a name in the credential source, which is the
/// environment unless another is used. Nothing of it is shown or written.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct AuthDetails(Value);

impl fmt::Debug for AuthDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthDetails {{ {} }}", self.kind().unwrap_or("none"))
    }
}

impl From<Value> for AuthDetails {
    fn from(details: Value) -> Self {
        Self(details)
    }
}

impl AuthDetails {
    fn kind(&self) -> Option<&str> {
        self.0.get("type").and_then(Value::as_str).filter(|kind| *kind != "none")
    }

    /// The credentials for the origin of `url`; `None` if there are none.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if a member is missing or unknown; what the source says of a name it hasn't.
    pub fn auth(
        &self,
        url: &str,
        client: &Client,
        source: &Arc<dyn CredentialSource>,
    ) -> Result<Option<Auth>> {
        let Some(kind) = self.kind() else {
            let empty =
                self.0.as_object().map_or(self.0.is_null(), |all| all.is_empty() || all.contains_key("type"));
            return if empty { Ok(None) } else { Err(refused("auth_details has no `type`")) };
        };
        let secret = |names: &[&str]| self.secret(names, &**source);
        let text = |name: &str| self.0.get(name).and_then(Value::as_str);
        let need =
            |name: &'static str| text(name).ok_or_else(|| refused(format!("auth_details needs `{name}`")));
        let scheme = match kind {
            "bearer" => Scheme::Bearer(secret(&["token", "access_token", "value"])?),
            "basic" => {
                Scheme::Basic { username: need("username")?.to_owned(), password: secret(&["password"])? }
            }
            "api_key" | "header" => {
                let value = secret(&["value", "api_key", "key", "token"])?;
                let name = if kind == "header" { need("name")? } else { text("name").unwrap_or("X-API-Key") };
                let name = name.to_owned();
                match text("in").unwrap_or("header") {
                    "header" => Scheme::Header { name, value },
                    "query" => Scheme::Query { name, value },
                    "cookie" => Scheme::Cookie { name, value },
                    other => return Err(refused(format!("an API key can't go in {other:?}"))),
                }
            }
            "oauth2" => match self.secret_if_there(&["token", "access_token"], &**source)? {
                Some(token) => Scheme::Bearer(token),
                None => {
                    let secret = self.secret_if_there(&["client_secret"], &**source)?;
                    let mut config = OAuthConfig::new(
                        need("token_url")?,
                        Grant::ClientCredentials,
                        need("client_id")?,
                        secret,
                    );
                    let scopes = self.0.get("scopes").and_then(Value::as_array).into_iter().flatten();
                    config.scopes = scopes.filter_map(Value::as_str).map(str::to_owned).collect();
                    Scheme::OAuth(OAuth::new(client, config, Arc::clone(source))?)
                }
            },
            other => return Err(refused(format!("auth_details has the unknown type {other:?}"))),
        };
        Auth::new(url, scheme).map(Some)
    }

    fn secret(&self, names: &[&str], source: &dyn CredentialSource) -> Result<Secret> {
        self.secret_if_there(names, source)?.ok_or_else(|| {
            let name = names.first().copied().unwrap_or_default();
            refused(format!("auth_details needs `{name}` or `{name}_env`"))
        })
    }

    /// The first of the names that is there, written out or as the name of a credential.
    fn secret_if_there(&self, names: &[&str], source: &dyn CredentialSource) -> Result<Option<Secret>> {
        for name in names {
            if let Some(plain) = self.0.get(*name).and_then(Value::as_str) {
                return Ok(Some(Secret::new(plain)));
            }
            if let Some(variable) = self.0.get(format!("{name}_env")).and_then(Value::as_str) {
                return source.require(variable).map(Some);
            }
        }
        Ok(None)
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, message.into())
        .in_operation("ingestor.auth")
        .help("types are bearer, basic, api_key, header, oauth2 and none")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::NetConfig;
    use crate::secret::EnvSource;
    use serde_json::json;

    fn shown(details: &Value) -> String {
        let client = Client::new(NetConfig::default()).unwrap();
        let source: Arc<dyn CredentialSource> = Arc::new(EnvSource);
        match AuthDetails::from(details.clone()).auth("https://a.test/spec.json", &client, &source) {
            Ok(auth) => auth.map_or("nothing".into(), |auth| format!("{auth:?}")),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn details_become_credentials_or_say_what_they_lack() {
        for nothing in [json!({}), json!(null), json!({"type": "none"})] {
            assert_eq!(shown(&nothing), "nothing");
        }
        assert_eq!(shown(&json!({"type": "bearer", "token": "x"})), "Auth { bearer for https://a.test }");
        for good in [
            json!({"type": "basic", "username": "u", "password": "p"}),
            json!({"type": "api_key", "value": "k"}),
            json!({"type": "api_key", "name": "key", "in": "query", "api_key": "k"}),
            json!({"type": "oauth2", "access_token": "t"}),
            json!({"type": "oauth2", "token_url": "https://t.test", "client_id": "c", "client_secret": "s"}),
        ] {
            assert!(shown(&good).starts_with("Auth {"), "{good}: {}", shown(&good));
        }
        for (bad, why) in [
            (json!({"type": "bearer"}), "needs `token` or `token_env`"),
            (json!({"type": "magic"}), "unknown type"),
            (json!({"token": "t0ken"}), "no `type`"),
            (json!({"type": "oauth2", "token_url": "https://t.test"}), "needs `client_id`"),
            (json!({"type": "bearer", "token_env": "NO_SUCH_VARIABLE"}), "NO_SUCH_VARIABLE"),
        ] {
            assert!(shown(&bad).contains(why), "{bad}: {}", shown(&bad));
        }
        let details = AuthDetails::from(json!({"type": "bearer", "token": "t0ken"}));
        assert!(!format!("{details:?}").contains("t0ken"));
    }
}

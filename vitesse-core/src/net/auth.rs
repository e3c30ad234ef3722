use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use http::{HeaderName, HeaderValue, header};
use url::{Origin, Url};

use super::oauth::OAuth;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// How a request says who sends it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Scheme {
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`.
    Basic {
        /// The user; it can't hold a colon.
        username: String,
        /// The password; may be empty.
        password: Secret,
    },
    /// A key in a header.
    Header {
        /// The header's name.
        name: String,
        /// The key.
        value: Secret,
    },
    /// A key in a query parameter.
    Query {
        /// The parameter's name.
        name: String,
        /// The key.
        value: Secret,
    },
    /// A key in a cookie.
    Cookie {
        /// The cookie's name.
        name: String,
        /// The key.
        value: Secret,
    },
    /// A bearer token that renews itself. A 401 renews it once and sends the request again.
    OAuth(OAuth),
}

/// Credentials and the origins they are for: they are sent there and nowhere else. Cheap to clone.
///
/// A request that names another origin is refused. A redirect to another origin is followed without them.
///
/// ```
/// use vitesse_core::net::{Auth, Scheme};
/// let auth = Auth::new("https://api.example.com/v1", Scheme::Bearer("s3cret".to_owned().into())).unwrap();
/// assert_eq!(format!("{auth:?}"), "Auth { bearer for https://api.example.com }");
/// ```
#[derive(Clone)]
pub struct Auth {
    scheme: Scheme,
    origins: Vec<Origin>,
}

impl Auth {
    /// Credentials for the origin (scheme, host and port) of `url`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if `url` isn't an http(s) URL, or a part of the credentials can't be sent.
    pub fn new(url: &str, scheme: Scheme) -> Result<Self> {
        let auth = Self { scheme, origins: Vec::new() }.also_for(url)?;
        if !matches!(auth.scheme, Scheme::OAuth(_)) {
            auth.add(None)?;
        }
        Ok(auth)
    }

    /// Sends them to the origin of `url` too, such as an API's host for uploads.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if `url` isn't an http(s) URL.
    pub fn also_for(mut self, url: &str) -> Result<Self> {
        let origin =
            Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https")).map(|mut url| {
                // As the guard writes hosts, so that both spell one origin alike.
                if let Some(name) = url.domain().and_then(|name| name.strip_suffix('.')).map(str::to_owned) {
                    let _ = url.set_host(Some(&name));
                }
                url.origin()
            });
        let Some(origin) = origin else {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "credentials are for an http or https URL, and this isn't one",
            )
            .in_operation("net.auth")
            .help("give the base URL of the API they belong to"));
        };
        self.origins.push(origin);
        Ok(self)
    }

    /// Whether they may be sent to `url`.
    pub fn is_for(&self, url: &Url) -> bool {
        self.origins.contains(&url.origin())
    }

    /// What is to be added to a request, and the token in it if it is one that can be renewed.
    pub(super) async fn applied(&self) -> Result<(Applied, Option<Secret>)> {
        let token = match &self.scheme {
            Scheme::OAuth(oauth) => Some(oauth.token().await?),
            _ => None,
        };
        Ok((self.add(token.as_ref())?, token))
    }

    /// Gives up the token at hand, if it is one that can be renewed: the next request gets another.
    pub fn renew(&self) {
        if let Scheme::OAuth(oauth) = &self.scheme {
            oauth.discard();
        }
    }

    /// How long the credentials are good for, as far as they say: the token at hand, or the `exp` of a token that
    /// is a JWT. Nothing is left of one that expired.
    pub fn expires_in(&self) -> Option<Duration> {
        match &self.scheme {
            Scheme::OAuth(oauth) => oauth.expires_in(),
            Scheme::Bearer(token) => {
                let left = expiry(token.expose())?.duration_since(SystemTime::now());
                Some(left.unwrap_or_default())
            }
            _ => None,
        }
    }

    /// Whether the credentials renew themselves before they expire.
    pub fn renews_itself(&self) -> bool {
        matches!(self.scheme, Scheme::OAuth(_))
    }

    /// Gives up a token that was refused; says whether there will be another.
    pub(super) fn reject(&self, token: &Secret) -> bool {
        match &self.scheme {
            Scheme::OAuth(oauth) => {
                oauth.reject(token);
                true
            }
            _ => false,
        }
    }

    fn add(&self, token: Option<&Secret>) -> Result<Applied> {
        let header = |name: HeaderName, value: String| {
            let value = Secret::new(value);
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| unsendable("its value"))?;
            value.set_sensitive(true);
            Ok(Applied::Header(name, value))
        };
        match &self.scheme {
            Scheme::Bearer(token) => header(header::AUTHORIZATION, format!("Bearer {}", token.expose())),
            Scheme::Basic { username, password } => {
                if username.contains(':') {
                    return Err(unsendable("a user name with a colon"));
                }
                let pair = Secret::new(format!("{username}:{}", password.expose()));
                let encoded = base64::engine::general_purpose::STANDARD.encode(pair.expose());
                header(header::AUTHORIZATION, format!("Basic {encoded}"))
            }
            Scheme::Header { name, value } => {
                let name = name.parse().map_err(|_| unsendable("the header's name"))?;
                header(name, value.expose().to_owned())
            }
            Scheme::Cookie { name, value } => {
                if value.expose().contains([';', ',', ' ', '"'])
                    || name.is_empty()
                    || name.contains(['=', ';', ' '])
                {
                    return Err(unsendable("a cookie with separators"));
                }
                header(header::COOKIE, format!("{name}={}", value.expose()))
            }
            Scheme::OAuth(_) => {
                let token = token.map(Secret::expose).unwrap_or_default();
                header(header::AUTHORIZATION, format!("Bearer {token}"))
            }
            Scheme::Query { name, value } => Ok(Applied::Query(name.clone(), value.clone())),
        }
    }

    pub(super) fn elsewhere(&self, url: &Url) -> Error {
        let origins: Vec<_> = self.origins.iter().map(Origin::ascii_serialization).collect();
        Error::new(ErrorKind::CredentialRefused, "these credentials are not for this address")
            .in_operation("net.auth")
            .with("address", url.origin().ascii_serialization())
            .with("credentials for", origins.join(", "))
            .help("if the API really spans both, name both in the connection")
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match &self.scheme {
            Scheme::Bearer(_) => "bearer",
            Scheme::Basic { .. } => "basic",
            Scheme::Header { .. } => "header",
            Scheme::Query { .. } => "query",
            Scheme::Cookie { .. } => "cookie",
            Scheme::OAuth(_) => "oauth2",
        };
        let origins: Vec<_> = self.origins.iter().map(Origin::ascii_serialization).collect();
        write!(f, "Auth {{ {scheme} for {} }}", origins.join(", "))
    }
}

/// When a token expires that is a JWT. Nobody checks its signature here: whoever holds it was given it.
fn expiry(token: &str) -> Option<SystemTime> {
    #[derive(serde::Deserialize)]
    struct Claims {
        exp: f64,
    }
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).ok()?;
    let Claims { exp } = serde_json::from_slice(&claims).ok()?;
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(exp).ok()?)
}

/// What credentials add to a request.
pub(super) enum Applied {
    Header(HeaderName, HeaderValue),
    Query(String, Secret),
}

fn unsendable(what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        format!("these credentials can't be sent: {what} is not allowed there"),
    )
    .in_operation("net.auth")
    .help("check for line breaks and characters outside ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_says_when_it_expires_is_believed() {
        let token = |claims: &str| {
            let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
            let scheme = Scheme::Bearer(Secret::new(format!("e30.{claims}.sig")));
            Auth::new("https://api.example.com", scheme).unwrap().expires_in()
        };
        assert_eq!(token(r#"{"exp": 1}"#), Some(Duration::ZERO));
        assert!(token(r#"{"exp": 99999999999.5}"#).is_some_and(|left| left > Duration::from_secs(86_400)));
        for claims in ["{}", "[]", r#"{"exp": -1}"#, r#"{"exp": 1e300}"#, r#"{"exp": "soon"}"#] {
            assert_eq!(token(claims), None, "{claims}");
        }
        let opaque = Auth::new("https://a.example", Scheme::Bearer(Secret::new("a.b"))).unwrap();
        assert_eq!(opaque.expires_in(), None);
    }
}

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::client::Client;
use super::config::Limits;
use super::failure::rate_limited;
use super::oauth::{ClientAuthentication, Grant, OAuthConfig};
use super::redact::redacted;
use super::response::{Fetched, status_error};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// What a token endpoint handed out.
#[derive(Debug)]
pub struct Issued {
    /// The access token.
    pub access: Secret,
    /// How long it is good for, if the endpoint says.
    pub lifetime: Option<Duration>,
    /// What gets the next one, if there is any.
    pub refresh: Option<Secret>,
}

/// Exchanges the code that a person's browser brought back (authorization code with PKCE) for tokens. The grant of
/// `config` isn't used.
///
/// # Errors
/// [`ErrorKind::CredentialRefused`] if the code, the client or the verifier is refused, and what any token request
/// fails with.
pub async fn exchange_code(
    client: &Client,
    config: &OAuthConfig,
    code: &Secret,
    verifier: &Secret,
    redirect_uri: &str,
) -> Result<Issued> {
    let fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("code_verifier", verifier.expose()),
        ("redirect_uri", redirect_uri),
    ];
    // A code is good for one use.
    let answer = ask(client, config, fields, false).await?;
    read(config, Some(code), &answer).map_err(|error| match error.kind() {
        ErrorKind::CredentialRefused => {
            error.help("begin the authorization again: a code is good once, and not for long")
        }
        _ => error,
    })
}

/// Asks the token endpoint once.
pub(super) async fn request(
    client: &Client,
    config: &OAuthConfig,
    refresh: Option<&Secret>,
) -> Result<Issued> {
    let mut fields = vec![("grant_type", config.grant.id())];
    let scopes = config.scopes.join(" ");
    if let Some(refresh) = refresh {
        fields.push(("refresh_token", refresh.expose()));
    }
    if !scopes.is_empty() {
        fields.push(("scope", &scopes));
    }
    // A refresh token may be good for one use only, and its second use may revoke everything.
    let repeatable = config.grant == Grant::ClientCredentials;
    let answer = ask(client, config, fields, repeatable).await?;
    read(config, refresh, &answer)
}

async fn ask(
    client: &Client,
    config: &OAuthConfig,
    mut fields: Vec<(&str, &str)>,
    repeatable: bool,
) -> Result<Fetched> {
    fields.extend(config.extra.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let limits = Limits {
        body: 1 << 20,
        wire: 1 << 20,
        // Where a redirect leads to is no place for a client secret.
        redirects: 0,
        ..client.config().limits
    };
    let mut request = client.post(&*config.token_url).limits(limits).header("accept", "application/json");
    match (&config.client_secret, config.authentication) {
        (Some(secret), ClientAuthentication::Basic) => {
            // The standard wants both parts encoded like form fields before they are joined.
            let part = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = Secret::new(format!("{}:{}", part(&config.client_id), part(secret.expose())));
            let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pair.expose());
            request = request.secret_header("authorization", &Secret::new(format!("Basic {encoded}")));
        }
        (secret, _) => {
            fields.push(("client_id", &config.client_id));
            fields.extend(secret.as_ref().map(|secret| ("client_secret", secret.expose())));
        }
    }
    request.form(fields).repeatable(repeatable).fetch().await.map_err(|error| {
        error.in_operation("net.token").with("step", "asking the token endpoint for a token")
    })
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<Secret>,
    token_type: Option<String>,
    /// A number by the standard, a text in some APIs.
    expires_in: Option<Value>,
    refresh_token: Option<Secret>,
    error: Option<Value>,
    error_description: Option<String>,
}

fn read(config: &OAuthConfig, refresh: Option<&Secret>, answer: &Fetched) -> Result<Issued> {
    let at = redacted(&answer.url);
    let body: Option<Answer> = answer.json().ok();
    // Some endpoints answer errors with 200.
    if let Some(Value::String(code)) = body.as_ref().and_then(|body| body.error.as_ref()) {
        let description = body.as_ref().and_then(|body| body.error_description.as_deref());
        return Err(explain(config, code, answer.status).with("token url", at).with_description(
            config,
            refresh,
            description,
        ));
    }
    if !answer.status.is_success() {
        return Err(match answer.status {
            StatusCode::TOO_MANY_REQUESTS => rate_limited(at, answer.wait).in_operation("net.token"),
            StatusCode::UNAUTHORIZED => {
                explain(config, "invalid_client", answer.status).with("token url", at)
            }
            status => status_error(status, &answer.url, answer.wait)
                .unwrap_or_else(|| Error::new(ErrorKind::Unreachable, "no token"))
                .with("step", "asking the token endpoint for a token"),
        });
    }
    let Some((access, body)) = body.and_then(|mut body| Some((body.access_token.take()?, body))) else {
        return Err(answer
            .json::<Value>()
            .err()
            .unwrap_or_else(|| {
                Error::new(ErrorKind::Unreachable, "the answer holds no access token").permanent()
            })
            .with("token url", at)
            .help("check that the token URL is right"));
    };
    if let Some(kind) = body.token_type.filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(Error::new(ErrorKind::Unsupported, format!("tokens of type {kind:?} can't be sent"))
            .in_operation("net.token")
            .with("token url", at)
            .help("only bearer tokens are supported"));
    }
    let lifetime = body.expires_in.and_then(|value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    });
    Ok(Issued {
        access,
        // Ten years are for ever; more would overflow clocks.
        lifetime: lifetime
            .filter(|seconds| seconds.is_finite())
            .map(|seconds| Duration::from_secs_f64(seconds.clamp(0.0, 315_360_000.0))),
        refresh: body.refresh_token.filter(|token| !token.is_empty()),
    })
}

/// What an error code of the standard means here, and what to do.
fn explain(config: &OAuthConfig, code: &str, status: StatusCode) -> Error {
    let refused = |what: String, help: String| {
        Error::new(ErrorKind::CredentialRefused, what).in_operation("net.token").help(help)
    };
    match (code, &config.grant) {
        ("invalid_grant", Grant::RefreshToken { name }) => refused(
            "the refresh token has expired, was revoked, or was used before".into(),
            format!("authorise the connection again and keep the new refresh token as {name}"),
        ),
        ("invalid_client", _) => refused(
            "the token endpoint refuses the client id or its secret".into(),
            "check both, and whether the endpoint wants them in the header or in the body".into(),
        ),
        ("unauthorized_client" | "unsupported_grant_type", grant) => refused(
            format!("this client may not use the grant {}", grant.id()),
            "allow the grant where the client is registered, or choose another one".into(),
        ),
        ("invalid_scope", _) => refused(
            format!("the scopes are not granted: {}", config.scopes.join(" ")),
            "allow them where the client is registered, or ask for fewer".into(),
        ),
        ("temporarily_unavailable" | "server_error", _) => {
            Error::new(ErrorKind::Unreachable, "the token endpoint can't answer now")
                .in_operation("net.token")
        }
        _ => refused(
            format!("the token endpoint gives no token: {}", plain(code)),
            "check the token URL and what else the API wants in a token request".into(),
        )
        .with("status", status.as_u16()),
    }
}

trait WithDescription {
    fn with_description(
        self,
        config: &OAuthConfig,
        refresh: Option<&Secret>,
        description: Option<&str>,
    ) -> Self;
}

impl WithDescription for Error {
    /// Adds what the endpoint says, unless it quotes what we sent.
    fn with_description(
        self,
        config: &OAuthConfig,
        refresh: Option<&Secret>,
        description: Option<&str>,
    ) -> Self {
        let Some(description) = description.filter(|text| !text.trim().is_empty()) else { return self };
        let secrets = config.client_secret.iter().chain(refresh);
        let quoted =
            secrets.filter(|secret| !secret.is_empty()).any(|secret| description.contains(secret.expose()));
        if quoted { self } else { self.with("description", plain(description)) }
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

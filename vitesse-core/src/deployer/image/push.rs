//! An image goes to a registry by the registry's own protocol: no engine is needed.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::oci::MANIFEST;
use super::{Image, ImageReference};
use crate::error::{Error, ErrorKind, Result};
use crate::net::{Bytes, Client, Fetched, Method, RequestBuilder, StatusCode, Url};
use crate::progress::{Progress, Step};
use crate::secret::Secret;

/// A layer may take as long; the runtime has ten megabytes.
const UPLOAD: Duration = Duration::from_secs(600);

/// Who pushes.
#[derive(Clone, Debug, Default)]
pub struct RegistryLogin {
    /// The user; registries that take tokens alone have a fixed name for it.
    pub username: String,
    /// The password or token.
    pub password: Secret,
}

/// What a push came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// Where the image is.
    pub reference: String,
    /// What the registry calls it: with this, exactly these bytes are pulled.
    pub digest: String,
    /// How many bytes had to be sent; what the registry had already wasn't.
    pub sent: u64,
}

/// Pushes an image. Layers that the registry has are not sent again, and a push that broke off goes on where it was.
///
/// # Errors
/// [`ErrorKind::CredentialRefused`] if the registry wants others, or any; what `client` fails with; and
/// [`ErrorKind::BuildFailed`] with the registry's own words.
pub async fn push(
    image: &Image,
    to: &ImageReference,
    login: Option<&RegistryLogin>,
    client: &Client,
    progress: &Progress,
) -> Result<Pushed> {
    let step = progress.step("push image", Some(image.layers.len() as u64 + 2));
    let mut registry = Registry { client, base: to.base_url(), to, login, authorization: None, step: &step };
    let mut sent = 0;
    for layer in &image.layers {
        sent += registry.blob(&layer.digest, &layer.bytes, layer.about).await?;
        step.advance(1)?;
    }
    sent += registry.blob(&image.id, &image.config, "the configuration").await?;
    step.advance(1)?;
    registry.manifest(image).await?;
    step.advance(1)?;
    Ok(Pushed {
        reference: to.to_string(),
        digest: image.digest.clone(),
        sent: sent + image.manifest.len() as u64,
    })
}

struct Registry<'a> {
    client: &'a Client,
    base: String,
    to: &'a ImageReference,
    login: Option<&'a RegistryLogin>,
    /// What the registry asked for, once it did.
    authorization: Option<Secret>,
    step: &'a Step<'a>,
}

impl Registry<'_> {
    /// Sends some bytes, unless they are there, and says how many were sent.
    async fn blob(&mut self, digest: &str, bytes: &Bytes, about: &str) -> Result<u64> {
        let place = format!("{}/v2/{}/blobs", self.base, self.to.repository);
        let there = self.ask(|client| client.request(Method::HEAD, format!("{place}/{digest}"))).await?;
        if there.status.is_success() {
            self.step.note(format!("{about}: there already"));
            return Ok(0);
        }
        if there.status != StatusCode::NOT_FOUND {
            return Err(self.refused("look for a layer", &there));
        }
        let begun = self.ask(|client| client.post(format!("{place}/uploads/"))).await?;
        if !begun.status.is_success() {
            return Err(self.refused("begin an upload", &begun));
        }
        let upload = begun.headers.get("location").and_then(|place| place.to_str().ok());
        let mut upload = upload
            .and_then(|place| begun.url.join(place).ok())
            .ok_or_else(|| self.refused("begin an upload (it doesn't say where to)", &begun))?;
        upload.query_pairs_mut().append_pair("digest", digest);
        let done = self.send(&upload, "application/octet-stream", bytes.clone()).await?;
        if !done.status.is_success() {
            return Err(self.refused("send a layer", &done));
        }
        self.step.note(format!("{about}: {} bytes sent", bytes.len()));
        Ok(bytes.len() as u64)
    }

    async fn manifest(&mut self, image: &Image) -> Result<()> {
        let url = format!("{}/v2/{}/manifests/{}", self.base, self.to.repository, self.to.tag);
        let url = Url::parse(&url).map_err(|_| {
            Error::new(ErrorKind::InvalidInput, "this is no address of a registry")
                .with("registry", &self.base)
        })?;
        let done = self.send(&url, MANIFEST, image.manifest.clone()).await?;
        match done.status.is_success() {
            true => Ok(()),
            false => Err(self.refused("name the image", &done)),
        }
    }

    async fn send(&mut self, url: &Url, content_type: &str, bytes: Bytes) -> Result<Fetched> {
        // Some registries send large bodies to another host: what we log in with isn't for that one.
        let home = Url::parse(&self.base).is_ok_and(|base| base.origin() == url.origin());
        let request = |client: &Client| {
            client.request(Method::PUT, url.as_str()).body(content_type, bytes.clone()).deadline(UPLOAD)
        };
        match home {
            true => self.ask(request).await,
            false => request(self.client).fetch().await,
        }
    }

    /// Asks, and once more with what the registry wants to know if it wants to know who asks.
    async fn ask(&mut self, request: impl Fn(&Client) -> RequestBuilder) -> Result<Fetched> {
        let first = self.authorized(request(self.client)).fetch().await?;
        if first.status != StatusCode::UNAUTHORIZED || self.authorization.is_some() {
            return Ok(first);
        }
        self.authorization = Some(self.log_in(&first).await?);
        self.authorized(request(self.client)).fetch().await
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.authorization {
            Some(authorization) => request.secret_header("authorization", authorization),
            None => request,
        }
    }

    /// What to send as `Authorization`: the login itself, or the token of a service that the registry trusts.
    async fn log_in(&self, answer: &Fetched) -> Result<Secret> {
        let asked =
            answer.headers.get("www-authenticate").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, parameters) = asked.split_once(' ').unwrap_or((asked, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return self.login.map(basic).ok_or_else(|| self.refused("take an image from nobody", answer));
        }
        let parameters = challenge(parameters);
        let (true, Some(realm)) = (scheme.eq_ignore_ascii_case("bearer"), parameters.get("realm")) else {
            return Err(self.refused("say how it wants to know who pushes", answer));
        };
        let mut url = Url::parse(realm).map_err(|_| self.refused("say where its tokens are", answer))?;
        let scope = format!("repository:{}:pull,push", self.to.repository);
        url.query_pairs_mut().append_pair("scope", &scope);
        if let Some(service) = parameters.get("service") {
            url.query_pairs_mut().append_pair("service", service);
        }
        // The registry chooses who is told the password, so it must at least not be overheard.
        if url.scheme() != "https" && !self.base.starts_with("http://") {
            return Err(self.refused("keep passwords secret: its tokens are not behind https", answer));
        }
        let request = self.client.get(url.as_str());
        let request = match self.login {
            Some(login) => request.secret_header("authorization", &basic(login)),
            None => request,
        };
        let answer = request.fetch().await?;
        if !answer.status.is_success() {
            return Err(self.refused("give out a token", &answer));
        }
        let token: Token = answer.json()?;
        let token =
            token.token.or(token.access_token).ok_or_else(|| self.refused("give out a token", &answer))?;
        Ok(Secret::new(format!("Bearer {}", token.expose())))
    }

    /// What the registry said instead of yes.
    fn refused(&self, doing: &str, answer: &Fetched) -> Error {
        let said: Said = serde_json::from_slice(&answer.body).unwrap_or_default();
        let said: Vec<String> =
            said.errors.into_iter().map(|e| format!("{} ({})", e.message, e.code)).collect();
        let login = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let kind = if login { ErrorKind::CredentialRefused } else { ErrorKind::BuildFailed };
        let error = Error::new(kind, format!("the registry didn't {doing}"))
            .in_operation("deployer.push")
            .with("image", self.to)
            .with("status", answer.status);
        let error = if said.is_empty() { error } else { error.with("it says", said.join("; ")) };
        match (login, self.login) {
            (true, None) => error.help(
                "give a login: VITESSE_REGISTRY_USERNAME and VITESSE_REGISTRY_PASSWORD, or a connection",
            ),
            (true, Some(_)) => error.help("check the user, the password, and that they may push there"),
            (false, _) if answer.status == StatusCode::NOT_FOUND => {
                error.help("some registries want the repository made first")
            }
            _ => error,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Token {
    token: Option<Secret>,
    access_token: Option<Secret>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    errors: Vec<SaidError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SaidError {
    code: String,
    message: String,
}

fn basic(login: &RegistryLogin) -> Secret {
    let pair = Secret::new(format!("{}:{}", login.username, login.password.expose()));
    Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())))
}

/// The parameters of a challenge: `realm="https://…",service="registry"`.
fn challenge(text: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.find(',').map_or((after, ""), |at| after.split_at(at)),
        };
        parameters.insert(name.trim_matches([' ', ',']).to_ascii_lowercase(), value.to_owned());
        rest = after;
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_with_commas_in_its_values() {
        let read = challenge(
            r#"realm="https://auth.example/token",service="reg", scope="repository:a:pull,push", x=1"#,
        );
        let pairs: Vec<(&str, &str)> = read.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("realm", "https://auth.example/token"),
                ("scope", "repository:a:pull,push"),
                ("service", "reg"),
                ("x", "1")
            ]
        );
        assert!(challenge("").is_empty());
        assert_eq!(challenge(r#"realm="never ends"#)["realm"], "never ends");
    }
}

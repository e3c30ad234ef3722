//! Tokens: the endpoints that issue them, at the paths the description names.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use jiff::Timestamp;
use serde_json::json;
use url::form_urlencoded;

use super::answer::{Answer, response};
use super::options::AuthPolicy;
use super::random::{mix, word};
use super::route::base;
use crate::spec::{ApiSpec, SchemeKind};

/// The most tokens that are remembered; the oldest is forgotten first.
const MOST: usize = 10_000;

/// Where tokens are given when the description doesn't say.
const USUAL: (&str, &str) = ("/oauth/token", "/oauth/authorize");

/// The token endpoints of an API, and what they issued.
#[derive(Debug)]
pub(super) struct Tokens {
    token_paths: HashSet<String>,
    authorize_paths: HashSet<String>,
    discovery_paths: HashSet<String>,
    /// Every scope there is.
    scopes: Vec<Box<str>>,
    seed: u64,
    issued: Mutex<Issued>,
}

#[derive(Debug, Default)]
struct Issued {
    count: u64,
    tokens: HashMap<String, Token>,
    order: VecDeque<String>,
}

#[derive(Clone, Debug)]
struct Token {
    use_for: Use,
    until: Timestamp,
    scopes: Vec<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Access,
    Refresh,
    Code,
}

/// What is known of a token.
#[derive(Debug)]
pub(super) enum Known {
    Never,
    Expired,
    Good(Vec<Box<str>>),
}

impl Tokens {
    pub(super) fn new(spec: &ApiSpec, seed: u64) -> Self {
        let mut tokens = Self {
            token_paths: HashSet::new(),
            authorize_paths: HashSet::new(),
            discovery_paths: HashSet::new(),
            scopes: Vec::new(),
            seed: mix(seed, 0x746f_6b65),
            issued: Mutex::default(),
        };
        for scheme in &spec.auth.schemes {
            match &scheme.kind {
                SchemeKind::Oauth2 { flows, .. } => {
                    for flow in flows {
                        let paths = [&flow.token_url, &flow.refresh_url].into_iter().flatten();
                        tokens.token_paths.extend(paths.filter_map(|url| base(url)));
                        tokens.authorize_paths.extend(flow.authorization_url.as_deref().and_then(base));
                        for (scope, _) in &flow.scopes {
                            if !tokens.scopes.contains(scope) {
                                tokens.scopes.push(scope.clone());
                            }
                        }
                    }
                    if tokens.token_paths.is_empty() {
                        tokens.token_paths.insert(USUAL.0.into());
                    }
                }
                SchemeKind::Openid { url } => {
                    tokens.discovery_paths.extend(base(url));
                    tokens.token_paths.insert(USUAL.0.into());
                    tokens.authorize_paths.insert(USUAL.1.into());
                }
                _ => {}
            }
        }
        tokens
    }

    /// The answer of a token, authorization or discovery endpoint, if the request is for one.
    pub(super) fn answer(
        &self,
        request: &Request<Bytes>,
        policy: &AuthPolicy,
        lifetime: Duration,
        origin: &str,
        now: Timestamp,
    ) -> Option<Answer> {
        let path = request.uri().path().trim_end_matches('/');
        let (answer, operation) = match request.method().as_str() {
            "POST" if self.token_paths.contains(path) => {
                (self.token(request, policy, lifetime, now), "token endpoint")
            }
            "GET" if self.authorize_paths.contains(path) => {
                (self.authorize(request, now), "authorization endpoint")
            }
            "GET" if self.discovery_paths.contains(path) => {
                let form = json!({
                    "issuer": origin,
                    "token_endpoint": format!("{origin}{}", USUAL.0),
                    "authorization_endpoint": format!("{origin}{}", USUAL.1),
                    "grant_types_supported": ["authorization_code", "client_credentials", "password", "refresh_token"],
                    "scopes_supported": self.scopes,
                });
                (Answer::new(response(200, "application/json", form.to_string())), "discovery document")
            }
            _ => return None,
        };
        Some(Answer { operation: operation.into(), ..answer })
    }

    /// Whether a token was issued here, and what for.
    pub(super) fn known(&self, token: &str, now: Timestamp) -> Known {
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        match issued.tokens.get(token) {
            Some(token) if token.use_for == Use::Access && token.until > now => {
                Known::Good(token.scopes.clone())
            }
            Some(token) if token.use_for == Use::Access => Known::Expired,
            _ => Known::Never,
        }
    }

    fn token(
        &self,
        request: &Request<Bytes>,
        policy: &AuthPolicy,
        lifetime: Duration,
        now: Timestamp,
    ) -> Answer {
        let form: HashMap<String, String> = if request.body().trim_ascii_start().starts_with(b"{") {
            // Some APIs take JSON here, whatever the standard says.
            serde_json::from_slice(request.body()).unwrap_or_default()
        } else {
            form_urlencoded::parse(request.body()).into_owned().collect()
        };
        let field = |name: &str| form.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let Some(client) = client(request, &form) else {
            return refuse(
                401,
                "invalid_client",
                "send client_id and client_secret, in the form or as basic authentication",
            );
        };
        let among = |pair: &str| match policy {
            AuthPolicy::Only(good) => good.iter().any(|good| good.is(pair)),
            _ => true,
        };
        let grant = field("grant_type").unwrap_or_default();
        let held = match grant {
            "client_credentials" | "urn:ietf:params:oauth:grant-type:jwt-bearer" => None,
            "password" => {
                let (Some(name), Some(password)) = (field("username"), field("password")) else {
                    return refuse(400, "invalid_request", "username and password are needed");
                };
                if !among(&format!("{name}:{password}")) && !among(&client) {
                    return refuse(
                        400,
                        "invalid_grant",
                        "the user and password are not among those this mock was given",
                    );
                }
                None
            }
            "refresh_token" | "authorization_code" => {
                let (name, wanted) = if grant == "refresh_token" {
                    ("refresh_token", Use::Refresh)
                } else {
                    ("code", Use::Code)
                };
                let Some(sent) = field(name) else {
                    return refuse(400, "invalid_request", &format!("{name} is needed"));
                };
                let known = self.take(sent, wanted, now);
                if known.is_none() && !matches!(policy, AuthPolicy::Any | AuthPolicy::Off) {
                    return refuse(
                        400,
                        "invalid_grant",
                        &format!("this {name} was not issued here, or was used or expired"),
                    );
                }
                known
            }
            "" => return refuse(400, "invalid_request", "grant_type is needed"),
            _ => {
                return refuse(
                    400,
                    "unsupported_grant_type",
                    "use client_credentials, password, authorization_code or refresh_token",
                );
            }
        };
        if grant != "password" && !among(&client) && !matches!(grant, "refresh_token" | "authorization_code")
        {
            return refuse(401, "invalid_client", "the client is not among those this mock was given");
        }
        let scopes: Vec<Box<str>> = match field("scope") {
            Some(asked) => {
                asked.split([' ', ',']).filter(|scope| !scope.is_empty()).map(Into::into).collect()
            }
            None => held.map_or_else(|| self.scopes.clone(), |held| held.scopes),
        };
        if let Some(unknown) =
            scopes.iter().find(|scope| !self.scopes.is_empty() && !self.scopes.contains(scope))
        {
            return refuse(400, "invalid_scope", &format!("there is no scope {unknown}"));
        }
        let until =
            now.saturating_add(jiff::SignedDuration::try_from(lifetime).unwrap_or(jiff::SignedDuration::MAX));
        let until = until.unwrap_or(Timestamp::MAX);
        let mut form = json!({
            "access_token": self.issue(Use::Access, until, scopes.clone()),
            "token_type": "Bearer",
            "expires_in": lifetime.as_secs(),
            "scope": scopes.join(" "),
        });
        if grant != "client_credentials" {
            form["refresh_token"] = self.issue(Use::Refresh, Timestamp::MAX, scopes).into();
        }
        let mut answer = response(200, "application/json", form.to_string());
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Answer::new(answer)
    }

    fn authorize(&self, request: &Request<Bytes>, now: Timestamp) -> Answer {
        let query: HashMap<String, String> =
            form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let Some(back) = query.get("redirect_uri").and_then(|uri| url::Url::parse(uri).ok()) else {
            return refuse(400, "invalid_request", "redirect_uri is needed, absolute");
        };
        let scopes = query
            .get("scope")
            .map_or_else(|| self.scopes.clone(), |asked| asked.split(' ').map(Into::into).collect());
        let until = now.saturating_add(jiff::SignedDuration::from_mins(10)).unwrap_or(Timestamp::MAX);
        let mut back = back;
        back.query_pairs_mut().append_pair("code", &self.issue(Use::Code, until, scopes));
        if let Some(state) = query.get("state") {
            back.query_pairs_mut().append_pair("state", state);
        }
        let mut answer = response(302, "text/plain", Bytes::new());
        if let Ok(value) = HeaderValue::from_str(back.as_str()) {
            answer.headers_mut().insert(header::LOCATION, value);
        }
        Answer::new(answer)
    }

    fn issue(&self, use_for: Use, until: Timestamp, scopes: Vec<Box<str>>) -> String {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.count += 1;
        let name = match use_for {
            Use::Access => "mock_access",
            Use::Refresh => "mock_refresh",
            Use::Code => "mock_code",
        };
        let token = format!("{name}_{}", word(mix(self.seed, issued.count), 24));
        if issued.order.len() >= MOST
            && let Some(oldest) = issued.order.pop_front()
        {
            issued.tokens.remove(&oldest);
        }
        issued.order.push_back(token.clone());
        issued.tokens.insert(token.clone(), Token { use_for, until, scopes });
        token
    }

    /// A code is good once, a refresh token until it ends.
    fn take(&self, token: &str, wanted: Use, now: Timestamp) -> Option<Token> {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        let found =
            issued.tokens.get(token).filter(|known| known.use_for == wanted && known.until > now).cloned()?;
        if wanted == Use::Code {
            issued.tokens.remove(token);
        }
        Some(found)
    }
}

/// The client's `id:secret`, from the header or the form.
fn client(request: &Request<Bytes>, form: &HashMap<String, String>) -> Option<String> {
    let basic = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(
        |value| {
            let (word, code) = value.split_once(' ')?;
            let bytes = word.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(code.trim()).ok())??;
            String::from_utf8(bytes).ok()
        },
    );
    if let Some(pair) = basic {
        // Both halves are encoded as a form's values (RFC 6749, 2.3.1).
        let (id, secret) = pair.split_once(':')?;
        return Some(format!("{}:{}", super::parameter::plus(id), super::parameter::plus(secret)));
    }
    let id = form.get("client_id").filter(|id| !id.is_empty())?;
    Some(format!("{id}:{}", form.get("client_secret").map(String::as_str).unwrap_or_default()))
}

fn refuse(status: u16, error: &str, why: &str) -> Answer {
    let form = json!({"error": error, "error_description": why});
    Answer {
        note: format!("{error}: {why}"),
        ..Answer::new(response(status, "application/json", form.to_string()))
    }
}

//! Who may call: every scheme of the description, each way it can be satisfied.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::WWW_AUTHENTICATE;
use jiff::Timestamp;

use super::answer::Problem;
use super::oauth::{Known, Tokens};
use super::options::AuthPolicy;
use super::parameter::{Carried, plus};
use crate::spec::{ApiSpec, AuthScheme, Endpoint, Location, SchemeKind};

/// What one scheme finds in a request, from bad to good.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Missing,
    /// Was good once.
    Expired,
    /// Is there and isn't good.
    Wrong,
    /// Is good, and not for this.
    Lacks(Vec<Box<str>>),
    Good,
}

/// Refuses who may not call `endpoint`.
pub(super) fn check(
    spec: &ApiSpec,
    endpoint: &Endpoint,
    carried: &Carried<'_>,
    policy: &AuthPolicy,
    tokens: &Tokens,
    now: Timestamp,
) -> Result<(), Problem> {
    let ways = spec.auth_of(endpoint);
    if matches!(policy, AuthPolicy::Off) || ways.is_empty() {
        return Ok(());
    }
    let scheme = |name: &str| spec.auth.schemes.iter().find(|scheme| &*scheme.name == name);
    let mut best = Seen::Missing;
    for way in ways {
        // A scheme that isn't described can't be asked for.
        let seen = way
            .0
            .iter()
            .filter_map(|(name, scopes)| Some(look(scheme(name)?, scopes, carried, policy, tokens, now)));
        let seen: Vec<Seen> = seen.collect();
        let worst = seen.iter().min().cloned().unwrap_or(Seen::Good);
        if worst == Seen::Good {
            return Ok(());
        }
        // Of two keys, one sent and refused tells more than one not sent.
        let told = seen.into_iter().filter(|seen| *seen != Seen::Good).max().unwrap_or(worst);
        best = best.max(told);
    }
    let wanted: Vec<String> = ways
        .iter()
        .map(|way| {
            way.0.iter().filter_map(|(name, _)| scheme(name)).map(describe).collect::<Vec<_>>().join(" and ")
        })
        .filter(|text| !text.is_empty())
        .collect();
    let wanted = wanted.join(", or ");
    let challenge = ways.iter().flat_map(|way| &way.0).find_map(|(name, _)| challenge(scheme(name)?));
    let challenge = challenge.unwrap_or_else(|| "ApiKey".to_owned());
    Err(match best {
        Seen::Missing => {
            Problem::new(401, "Unauthorized", format!("no credentials came with the request; send {wanted}"))
                .header(WWW_AUTHENTICATE, challenge)
        }
        Seen::Expired => Problem::new(401, "Unauthorized", "the token has expired; get another")
            .header(WWW_AUTHENTICATE, format!("{challenge}, error=\"invalid_token\"")),
        Seen::Lacks(scopes) => {
            let scopes = scopes.join(" ");
            Problem::new(403, "Forbidden", format!("the token lacks the scope {scopes}")).header(
                WWW_AUTHENTICATE,
                format!("{challenge}, error=\"insufficient_scope\", scope=\"{scopes}\""),
            )
        }
        Seen::Wrong | Seen::Good => Problem::new(
            403,
            "Forbidden",
            format!("the credentials are not among those this mock was given; send {wanted}"),
        ),
    })
}

fn look(
    scheme: &AuthScheme,
    scopes: &[Box<str>],
    carried: &Carried<'_>,
    policy: &AuthPolicy,
    tokens: &Tokens,
    now: Timestamp,
) -> Seen {
    let after = |word: &str| {
        let (first, rest) = carried.header("authorization")?.split_once(' ')?;
        first.eq_ignore_ascii_case(word).then(|| rest.trim().to_owned()).filter(|rest| !rest.is_empty())
    };
    let sent = match &scheme.kind {
        SchemeKind::ApiKey { location, parameter, prefix } => {
            let value = match location {
                Location::Query | Location::QueryString => {
                    carried.query.iter().find(|(name, _)| **name == **parameter).map(|(_, value)| plus(value))
                }
                Location::Cookie => carried.cookie(parameter).map(str::to_owned),
                _ => carried.header(parameter).map(str::to_owned),
            };
            let bare = |value: String| match prefix.as_deref().map(str::trim_end) {
                Some(prefix) => {
                    let (first, rest) = value.split_once(' ')?;
                    first.eq_ignore_ascii_case(prefix).then(|| rest.trim().to_owned())
                }
                None => Some(value),
            };
            value.and_then(bare).filter(|value| !value.is_empty())
        }
        SchemeKind::Basic => after("basic").map(|code| {
            STANDARD.decode(code).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
        }),
        SchemeKind::Bearer { .. } | SchemeKind::Oauth2 { .. } | SchemeKind::Openid { .. } => after("bearer"),
        SchemeKind::Http { scheme } => after(scheme),
        // A certificate is seen by the TLS in front, of which a mock has none.
        SchemeKind::MutualTls => return Seen::Good,
    };
    let Some(sent) = sent else { return Seen::Missing };
    if scheme.kind == SchemeKind::Basic && !sent.contains(':') {
        return Seen::Wrong;
    }
    match tokens.known(&sent, now) {
        Known::Expired => return Seen::Expired,
        Known::Good(held) => {
            let lacks: Vec<Box<str>> = scopes.iter().filter(|scope| !held.contains(scope)).cloned().collect();
            let scoped = matches!(scheme.kind, SchemeKind::Oauth2 { .. });
            return if lacks.is_empty() || !scoped { Seen::Good } else { Seen::Lacks(lacks) };
        }
        Known::Never => {}
    }
    match policy {
        AuthPolicy::Only(good) if !good.iter().any(|good| good.is(&sent)) => Seen::Wrong,
        _ => Seen::Good,
    }
}

fn describe(scheme: &AuthScheme) -> String {
    match &scheme.kind {
        SchemeKind::ApiKey { location: Location::Query | Location::QueryString, parameter, .. } => {
            format!("the key as the query parameter {parameter}")
        }
        SchemeKind::ApiKey { location: Location::Cookie, parameter, .. } => {
            format!("the key as the cookie {parameter}")
        }
        SchemeKind::ApiKey { parameter, prefix: Some(prefix), .. } => {
            format!("the key as `{parameter}: {} KEY`", prefix.trim_end())
        }
        SchemeKind::ApiKey { parameter, .. } => format!("the key as the header {parameter}"),
        SchemeKind::Basic => "`Authorization: Basic` with user and password".into(),
        SchemeKind::Bearer { .. } => "`Authorization: Bearer TOKEN`".into(),
        SchemeKind::Oauth2 { .. } | SchemeKind::Openid { .. } => {
            "`Authorization: Bearer TOKEN` with a token of the token endpoint".into()
        }
        SchemeKind::Http { scheme } => format!("`Authorization: {scheme} ...`"),
        SchemeKind::MutualTls => "a client certificate".into(),
    }
}

fn challenge(scheme: &AuthScheme) -> Option<String> {
    Some(match &scheme.kind {
        SchemeKind::Basic => "Basic realm=\"mock\"".into(),
        SchemeKind::Bearer { .. } | SchemeKind::Oauth2 { .. } | SchemeKind::Openid { .. } => {
            "Bearer realm=\"mock\"".into()
        }
        SchemeKind::Http { scheme } => format!("{scheme} realm=\"mock\""),
        _ => return None,
    })
}

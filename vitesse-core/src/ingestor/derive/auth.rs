//! The way to authenticate in one word, and schemes that a document doesn't declare but shows.

use std::collections::HashMap;

use crate::spec::{ApiSpec, AuthScheme, AuthType, Evidence, Location, Requirement, SchemeKind};

pub(super) fn derive(spec: &mut ApiSpec) {
    if spec.auth.schemes.is_empty() {
        show(spec);
    }
    spec.auth_type = in_one_word(spec);
}

/// The type most endpoints can be called with; of several, the one that suits a program best.
fn in_one_word(spec: &ApiSpec) -> AuthType {
    const BEST: [AuthType; 7] = [
        AuthType::Oauth2,
        AuthType::Bearer,
        AuthType::ApiKey,
        AuthType::Basic,
        AuthType::Openid,
        AuthType::MutualTls,
        AuthType::Http,
    ];
    let types: HashMap<&str, AuthType> =
        spec.auth.schemes.iter().map(|scheme| (&*scheme.name, word(&scheme.kind))).collect();
    let mut votes: HashMap<AuthType, usize> = HashMap::new();
    for endpoint in &spec.endpoints {
        let mut seen = Vec::new();
        for kind in
            spec.auth_of(endpoint).iter().flat_map(|way| &way.0).filter_map(|(name, _)| types.get(&**name))
        {
            if !seen.contains(kind) {
                seen.push(*kind);
                *votes.entry(*kind).or_default() += 1;
            }
        }
    }
    if votes.is_empty() {
        // Declared and never asked for: documents that forget `security` are many.
        votes.extend(types.values().map(|kind| (*kind, 1)));
    }
    let most = votes.values().copied().max().unwrap_or_default();
    BEST.into_iter().find(|kind| most > 0 && votes.get(kind) == Some(&most)).unwrap_or_default()
}

fn word(kind: &SchemeKind) -> AuthType {
    match kind {
        // A key that is sent as `Authorization: Bearer ...` is a bearer token, whatever it is called.
        SchemeKind::ApiKey { prefix: Some(prefix), .. } if prefix.eq_ignore_ascii_case("bearer") => {
            AuthType::Bearer
        }
        other => other.auth_type(),
    }
}

/// Many documents declare no scheme and list the header or query parameter of a key with each operation.
fn show(spec: &mut ApiSpec) {
    const NAMES: [&str; 11] = [
        "authorization",
        "x-api-key",
        "api-key",
        "api_key",
        "apikey",
        "x-auth-token",
        "access_token",
        "x-access-token",
        "subscription-key",
        "ocp-apim-subscription-key",
        "app_key",
    ];
    let mut seen: HashMap<(Location, &str), (usize, String)> = HashMap::new();
    for endpoint in &spec.endpoints {
        for parameter in &endpoint.parameters {
            let known = NAMES.iter().any(|name| parameter.name.eq_ignore_ascii_case(name));
            if known && matches!(parameter.location, Location::Header | Location::Query) {
                let entry = seen
                    .entry((parameter.location, &parameter.name))
                    .or_insert_with(|| (0, endpoint.pointer()));
                entry.0 += 1;
            }
        }
    }
    let best = seen.into_iter().max_by_key(|((_, name), (count, _))| (*count, std::cmp::Reverse(name.len())));
    let Some(((location, name), (count, pointer))) = best else { return };
    // A parameter of a few endpoints only is more likely about something else.
    if count * 2 < spec.endpoints.len() {
        return;
    }
    let name: Box<str> = name.into();
    let note = format!("the parameter {name:?} of {count} of {} endpoints", spec.endpoints.len());
    spec.auth.schemes.push(AuthScheme {
        name: name.clone(),
        kind: SchemeKind::ApiKey { location, parameter: name.clone(), prefix: None },
        description: None,
        evidence: Evidence::new(pointer, 0.7, note),
    });
    spec.auth.default = vec![Requirement(vec![(name, Vec::new())])];
}

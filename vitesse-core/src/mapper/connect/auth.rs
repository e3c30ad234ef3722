//! How requests prove who sends them, from a description's schemes.

use super::Findings;
use crate::mapping::{ApiKeyAuth, Auth, BasicAuth, BearerAuth, KeyPlace, NoAuth, OAuth2Auth};
use crate::spec::{ApiSpec, AuthScheme, EndpointId, FlowKind, Location, Requirement, SchemeKind};

/// The auth with which every one of `endpoints` can be called.
pub(super) fn auth(spec: &ApiSpec, endpoints: &[EndpointId], side: &str, notes: &mut Findings) -> Auth {
    let pointer = format!("/{side}/auth");
    let needs: Vec<&[Requirement]> = endpoints
        .iter()
        .filter_map(|id| spec.get(*id))
        .map(|endpoint| spec.auth_of(endpoint))
        .filter(|ways| !ways.is_empty() && ways.iter().all(|way| !way.0.is_empty()))
        .collect();
    if needs.is_empty() {
        if spec.auth.schemes.is_empty() || endpoints.is_empty() {
            let question = format!("{} names no way to authenticate; is it open to everyone?", spec.api_name);
            let gap = notes.gap(&format!("{side}_auth"), &pointer, question, false);
            gap.choices =
                ["none", "bearer", "basic", "api_key", "oauth2_client_credentials"].map(Into::into).into();
        }
        return Auth::None(NoAuth::default());
    }
    // One scheme alone must do for every endpoint: a request carries one credential.
    let serves = |scheme: &AuthScheme| {
        needs
            .iter()
            .all(|ways| ways.iter().any(|way| matches!(&way.0[..], [(name, _)] if *name == scheme.name)))
    };
    let mut schemes: Vec<&AuthScheme> = spec.auth.schemes.iter().filter(|scheme| serves(scheme)).collect();
    schemes.sort_by_key(|scheme| rank(&scheme.kind));
    let Some(scheme) = schemes.first() else {
        let names: Vec<_> = spec.auth.schemes.iter().map(|scheme| scheme.name.to_string()).collect();
        let question = format!("{} wants several credentials at once; which one is enough?", spec.api_name);
        notes.gap(&format!("{side}_auth"), &pointer, question, true).choices = names;
        return Auth::None(NoAuth::default());
    };
    notes.fact(&pointer, scheme.evidence.clone());
    of_scheme(spec, scheme, endpoints, side, notes)
}

/// The schemes a program can use without a person come first.
fn rank(kind: &SchemeKind) -> u8 {
    match kind {
        SchemeKind::Oauth2 { flows, .. }
            if flows.iter().any(|flow| flow.kind == FlowKind::ClientCredentials) =>
        {
            0
        }
        SchemeKind::Bearer { .. } => 1,
        SchemeKind::ApiKey { location: Location::Header, .. } => 2,
        SchemeKind::ApiKey { .. } => 3,
        SchemeKind::Basic => 4,
        SchemeKind::Oauth2 { .. } => 5,
        SchemeKind::Openid { .. } => 6,
        _ => 7,
    }
}

fn of_scheme(
    spec: &ApiSpec,
    scheme: &AuthScheme,
    endpoints: &[EndpointId],
    side: &str,
    notes: &mut Findings,
) -> Auth {
    let name = format!("{side}_auth");
    let pointer = format!("/{side}/auth");
    match &scheme.kind {
        SchemeKind::Bearer { .. } => Auth::Bearer(BearerAuth::default()),
        SchemeKind::Basic => Auth::Basic(BasicAuth::default()),
        SchemeKind::ApiKey { location, parameter, prefix } => {
            let prefix = prefix.as_deref().unwrap_or_default();
            let in_header = *location == Location::Header;
            if in_header
                && parameter.eq_ignore_ascii_case("authorization")
                && prefix.trim().eq_ignore_ascii_case("bearer")
            {
                return Auth::Bearer(BearerAuth::default());
            }
            Auth::ApiKey(ApiKeyAuth {
                place: match location {
                    Location::Query | Location::QueryString => KeyPlace::Query,
                    Location::Cookie => KeyPlace::Cookie,
                    _ => KeyPlace::Header,
                },
                name: parameter.to_string(),
                prefix: prefix.to_owned(),
                ..ApiKeyAuth::default()
            })
        }
        SchemeKind::Oauth2 { flows, .. } => {
            let of = |kind| flows.iter().find(|flow| flow.kind == kind);
            let machine = of(FlowKind::ClientCredentials);
            let flow = machine.or_else(|| of(FlowKind::AuthorizationCode)).or(flows.first());
            let token_url = flow.and_then(|flow| flow.token_url.clone()).map(String::from);
            let scopes = spec.scopes_for(endpoints).into_iter().find(|(name, _)| *name == scheme.name);
            let scopes: Vec<String> =
                scopes.map(|(_, scopes)| scopes.into_iter().map(String::from).collect()).unwrap_or_default();
            let Some(token_url) = token_url.filter(|url| url.starts_with("http")) else {
                let question = format!("Where does {} give tokens?", spec.api_name);
                notes.gap(&format!("{name}_token_url"), &pointer, question, true).choices =
                    vec!["bearer, with a token of your own".to_owned()];
                return Auth::Bearer(BearerAuth::default());
            };
            let auth = OAuth2Auth { token_url, scopes, ..OAuth2Auth::default() };
            match machine {
                Some(_) => Auth::OAuth2ClientCredentials(auth),
                None => Auth::OAuth2RefreshToken(auth),
            }
        }
        SchemeKind::Openid { url } => {
            let question =
                format!("{} uses OpenID Connect ({url}); where does it give tokens?", spec.api_name);
            notes.gap(&format!("{name}_token_url"), &pointer, question, false);
            Auth::Bearer(BearerAuth::default())
        }
        SchemeKind::MutualTls | SchemeKind::Http { .. } => {
            let question = format!(
                "{} wants {}, which isn't supported; does it take something else?",
                spec.api_name,
                scheme.kind.auth_type().as_str()
            );
            notes.gap(&name, &pointer, question, true).choices =
                ["bearer", "basic", "api_key"].map(Into::into).into();
            Auth::None(NoAuth::default())
        }
    }
}

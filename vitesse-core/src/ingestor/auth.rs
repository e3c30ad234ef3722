//! Security schemes of all versions.

use super::build::Builder;
use super::tree::Val;
use crate::spec::{
    Action, AuthScheme, DiagnosticKind as Kind, Evidence, FlowKind, Location, OAuthFlow, SchemeKind,
};

impl<'t> Builder<'t> {
    pub(crate) fn auth(&mut self) {
        let (schemes, place) = if self.old() {
            (self.root.get("securityDefinitions"), "#/securityDefinitions")
        } else {
            (self.component("securitySchemes"), "#/components/securitySchemes")
        };
        let schemes = schemes.map(|all| self.members(all, "security schemes")).unwrap_or_default();
        for (name, at) in schemes {
            let Some(at) = self.follow(at, "securitySchemes") else { continue };
            let description = text(at, "description");
            let Some(kind) = self.scheme(at, description.as_deref().unwrap_or_default()) else { continue };
            let pointer = format!("{place}/{}", super::tree::escape_pointer(&name));
            let evidence = Evidence::new(pointer, 1.0, "declared");
            self.spec.auth.schemes.push(AuthScheme {
                name: name.as_ref().into(),
                kind,
                description,
                evidence,
            });
        }
        if let Some(security) = self.root.get("security") {
            self.spec.auth.default = self.requirements(security).unwrap_or_default();
        }
    }

    fn scheme(&mut self, at: Val<'t>, description: &str) -> Option<SchemeKind> {
        if !at.is_object() {
            self.schemas.wrong(at, "security scheme", "an object");
            return None;
        }
        let kind = text(at, "type").unwrap_or_default();
        Some(match kind.to_ascii_lowercase().as_str() {
            "apikey" => {
                let Some(parameter) = text(at, "name") else {
                    self.add(
                        at,
                        Kind::BadSecurity,
                        Action::Skipped,
                        "an API key without the name of its parameter",
                    );
                    return None;
                };
                let location = match text(at, "in").unwrap_or_default().to_ascii_lowercase().as_str() {
                    "query" => Location::Query,
                    "cookie" => Location::Cookie,
                    "header" => Location::Header,
                    other => {
                        let message = format!("an API key can't go in {other:?}; a header is taken");
                        self.add(at, Kind::BadSecurity, Action::Guessed, message);
                        Location::Header
                    }
                };
                let prefix =
                    if parameter.eq_ignore_ascii_case("authorization") { prefix(description) } else { None };
                SchemeKind::ApiKey { location, parameter, prefix }
            }
            "basic" => SchemeKind::Basic,
            "http" => match text(at, "scheme").unwrap_or_default().to_ascii_lowercase().as_str() {
                "basic" => SchemeKind::Basic,
                "bearer" => SchemeKind::Bearer { format: text(at, "bearerFormat") },
                "" => {
                    self.add(
                        at,
                        Kind::BadSecurity,
                        Action::Guessed,
                        "an http scheme without a name; bearer is taken",
                    );
                    SchemeKind::Bearer { format: None }
                }
                other => SchemeKind::Http { scheme: other.into() },
            },
            "oauth2" => {
                SchemeKind::Oauth2 { flows: self.flows(at), metadata_url: text(at, "oauth2MetadataUrl") }
            }
            "openidconnect" => match text(at, "openIdConnectUrl") {
                Some(url) => SchemeKind::Openid { url },
                None => {
                    self.add(
                        at,
                        Kind::BadSecurity,
                        Action::Skipped,
                        "OpenID Connect without the address of its discovery document",
                    );
                    return None;
                }
            },
            "mutualtls" => SchemeKind::MutualTls,
            // What belongs under `http` is often written as a type of its own.
            "bearer" | "jwt" => {
                self.add(
                    at,
                    Kind::BadSecurity,
                    Action::Repaired,
                    format!("there is no type {kind:?}; http bearer is taken"),
                );
                SchemeKind::Bearer { format: None }
            }
            _ => {
                self.add(
                    at,
                    Kind::BadSecurity,
                    Action::Skipped,
                    format!("there is no security type {kind:?}"),
                );
                return None;
            }
        })
    }

    fn flows(&mut self, at: Val<'t>) -> Vec<OAuthFlow> {
        if self.old() {
            let name = text(at, "flow").unwrap_or_default();
            return self.flow(&name, at).into_iter().collect();
        }
        let Some(flows) = at.get("flows").filter(|flows| flows.is_object()) else {
            self.add(at, Kind::BadSecurity, Action::None, "OAuth2 without `flows`");
            return Vec::new();
        };
        flows
            .members()
            .filter(|(name, _)| !name.starts_with("x-"))
            .filter_map(|(name, flow)| self.flow(&name, flow))
            .collect()
    }

    fn flow(&mut self, name: &str, at: Val<'t>) -> Option<OAuthFlow> {
        let kind = match name {
            "authorizationCode" | "accessCode" => FlowKind::AuthorizationCode,
            "implicit" => FlowKind::Implicit,
            "password" => FlowKind::Password,
            "clientCredentials" | "application" => FlowKind::ClientCredentials,
            "deviceAuthorization" => FlowKind::DeviceAuthorization,
            _ => {
                self.add(at, Kind::BadSecurity, Action::Skipped, format!("there is no OAuth2 flow {name:?}"));
                return None;
            }
        };
        let flow = OAuthFlow {
            kind,
            authorization_url: text(at, "authorizationUrl"),
            token_url: text(at, "tokenUrl"),
            refresh_url: text(at, "refreshUrl"),
            device_url: text(at, "deviceAuthorizationUrl"),
            scopes: at
                .get("scopes")
                .into_iter()
                .flat_map(|scopes| scopes.members())
                .filter(|(name, _)| !name.starts_with("x-"))
                .map(|(name, about)| {
                    (name.as_ref().into(), about.scalar().unwrap_or_default().as_ref().into())
                })
                .collect(),
        };
        if kind != FlowKind::Implicit && flow.token_url.is_none() {
            self.add(at, Kind::BadSecurity, Action::None, "an OAuth2 flow without a `tokenUrl`");
        }
        Some(flow)
    }
}

fn text(at: Val<'_>, name: &str) -> Option<Box<str>> {
    at.get(name)?.as_str().filter(|text| !text.is_empty()).map(|text| text.as_ref().into())
}

/// The word that an `Authorization` header begins with, where a description tells it.
fn prefix(description: &str) -> Option<Box<str>> {
    let words = ["Bearer", "Token", "Basic", "JWT", "ApiKey", "Api-Key"];
    words
        .into_iter()
        .find(|word| {
            description.to_ascii_lowercase().contains(&format!("{} ", word.to_ascii_lowercase()))
                && description.contains(word)
        })
        .map(Into::into)
}

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::endpoint::{Endpoint, EndpointId};
use super::facts::{Auth, AuthType, EndpointRole, PaginationKind, RateLimit, Requirement, Resource};
use super::{Method, Schemas};

/// An API: its endpoints, its schemas, and what is known of how it behaves.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ApiSpec {
    /// What its owner calls it.
    pub api_name: Box<str>,
    /// The owner's version of it.
    #[serde(default)]
    pub api_version: Option<Box<str>>,
    /// What its owner says of it.
    #[serde(default)]
    pub description: Option<Box<str>>,
    /// What kind of document it was read from.
    #[serde(default)]
    pub format: Format,
    /// Where it is reached, absolute when that could be found out; without a trailing slash.
    #[serde(default)]
    pub base_url: Option<Box<str>>,
    /// Every server, with its variables.
    #[serde(default)]
    pub servers: Vec<Server>,
    /// How it authenticates, in one word.
    #[serde(default)]
    pub auth_type: AuthType,
    /// How it authenticates.
    #[serde(default)]
    pub auth: Auth,
    /// How most of its lists are paged, in one word.
    #[serde(default)]
    pub pagination_type: PaginationKind,
    /// How much may be asked.
    #[serde(default)]
    pub rate_limits: Vec<RateLimit>,
    /// Every method of every path, in the document's order.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// The endpoints that belong together.
    #[serde(default)]
    pub resources: Vec<Resource>,
    /// Every schema, once.
    #[serde(default)]
    pub schemas: Schemas,
    /// The SHA-256 of the bytes it was read from; empty if it wasn't read from any.
    #[serde(default)]
    pub content_hash: Box<str>,
    /// A hash of its shape alone: another wording or order doesn't change it.
    #[serde(default)]
    pub shape_hash: Box<str>,
}

impl ApiSpec {
    /// An API of which only the name is known.
    pub fn new(api_name: impl Into<Box<str>>) -> Self {
        Self { api_name: api_name.into(), ..Self::default() }
    }

    /// The endpoint of that method and path, as written in the document.
    pub fn endpoint(&self, method: &Method, path: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| &endpoint.method == method && &*endpoint.path == path)
    }

    /// The endpoint with that operation id.
    pub fn operation(&self, operation_id: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.operation_id.as_deref() == Some(operation_id))
    }

    /// The endpoint at that position.
    pub fn get(&self, id: EndpointId) -> Option<&Endpoint> {
        self.endpoints.get(id.0 as usize)
    }

    /// The position of an endpoint.
    pub fn id_of(&self, method: &Method, path: &str) -> Option<EndpointId> {
        let position = self.endpoints.iter().position(|e| &e.method == method && &*e.path == path)?;
        u32::try_from(position).ok().map(EndpointId)
    }

    /// The resource an endpoint belongs to.
    pub fn resource_of(&self, id: EndpointId) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.endpoints().any(|member| member == id))
    }

    /// The natural counterpart of an endpoint: what writes the records that it reads, or reads those that it
    /// writes.
    pub fn counterpart(&self, id: EndpointId) -> Option<EndpointId> {
        let resource = self.resource_of(id)?;
        match self.get(id)?.role? {
            EndpointRole::List | EndpointRole::Get => {
                resource.create.or(resource.update).or(resource.replace)
            }
            EndpointRole::Create => resource.list.or(resource.get),
            EndpointRole::Update | EndpointRole::Replace | EndpointRole::Delete => {
                resource.get.or(resource.list)
            }
            EndpointRole::Action => None,
        }
    }

    /// What an endpoint needs: any one of these; empty means no auth.
    pub fn auth_of<'a>(&'a self, endpoint: &'a Endpoint) -> &'a [Requirement] {
        endpoint.auth.as_deref().unwrap_or(&self.auth.default)
    }

    /// The smallest set of OAuth scopes with which every one of `endpoints` can be called, by scheme name.
    ///
    /// Where an endpoint can be called in several ways, the one that adds the fewest scopes is taken;
    /// endpoints that leave no choice are settled first.
    pub fn scopes_for(&self, endpoints: &[EndpointId]) -> Vec<(Box<str>, Vec<Box<str>>)> {
        let mut chosen: Vec<(Box<str>, Vec<Box<str>>)> = Vec::new();
        let mut wanted: Vec<&[Requirement]> =
            endpoints.iter().filter_map(|id| self.get(*id)).map(|e| self.auth_of(e)).collect();
        wanted.sort_by_key(|ways| ways.len());
        for ways in wanted {
            let has = |chosen: &[(Box<str>, Vec<Box<str>>)], scheme: &str, scope: &str| {
                chosen.iter().any(|(name, scopes)| &**name == scheme && scopes.iter().any(|s| &**s == scope))
            };
            let missing = |way: &Requirement| {
                let needs = way.0.iter().flat_map(|(scheme, scopes)| scopes.iter().map(move |s| (scheme, s)));
                needs.filter(|(scheme, scope)| !has(&chosen, scheme, scope)).count()
            };
            let Some(best) = ways.iter().min_by_key(|way| missing(way)) else { continue };
            for (scheme, scopes) in &best.0 {
                for scope in scopes {
                    if has(&chosen, scheme, scope) {
                        continue;
                    }
                    match chosen.iter_mut().find(|(name, _)| name == scheme) {
                        Some((_, known)) => known.push(scope.clone()),
                        None => chosen.push((scheme.clone(), vec![scope.clone()])),
                    }
                }
            }
        }
        for (_, scopes) in &mut chosen {
            scopes.sort();
        }
        chosen.sort();
        chosen
    }
}

/// Adds `endpoints_count`, which is not kept.
impl Serialize for ApiSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut form = serializer.serialize_struct("ApiSpec", 16)?;
        form.serialize_field("api_name", &self.api_name)?;
        form.serialize_field("api_version", &self.api_version)?;
        form.serialize_field("description", &self.description)?;
        form.serialize_field("format", &self.format)?;
        form.serialize_field("base_url", &self.base_url)?;
        form.serialize_field("servers", &self.servers)?;
        form.serialize_field("auth_type", &self.auth_type)?;
        form.serialize_field("auth", &self.auth)?;
        form.serialize_field("pagination_type", &self.pagination_type)?;
        form.serialize_field("rate_limits", &self.rate_limits)?;
        form.serialize_field("endpoints_count", &self.endpoints.len())?;
        form.serialize_field("endpoints", &self.endpoints)?;
        form.serialize_field("resources", &self.resources)?;
        form.serialize_field("schemas", &self.schemas)?;
        form.serialize_field("content_hash", &self.content_hash)?;
        form.serialize_field("shape_hash", &self.shape_hash)?;
        form.end()
    }
}

/// The kind of document an API was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Format {
    /// None: it was put together by a program.
    #[default]
    Made,
    /// Swagger 2.0.
    Swagger2,
    /// OpenAPI 3, with the version as written.
    #[serde(rename = "openapi")]
    OpenApi(Box<str>),
    /// A JSON Schema.
    JsonSchema,
    /// Sample records.
    Samples,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made => f.write_str("made by hand"),
            Self::Swagger2 => f.write_str("Swagger 2.0"),
            Self::OpenApi(version) => write!(f, "OpenAPI {version}"),
            Self::JsonSchema => f.write_str("JSON Schema"),
            Self::Samples => f.write_str("sample records"),
        }
    }
}

/// One place an API is reached at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// The address with every variable at its default; absolute when that could be found out.
    pub url: Box<str>,
    /// The address as written, when it has variables or is relative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Box<str>>,
    /// What its owner says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<str>>,
    /// The variables of the template.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<ServerVariable>,
}

/// A part of a server's address that differs from account to account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerVariable {
    /// Its name in the template.
    pub name: Box<str>,
    /// What it is when nothing is said.
    pub default: Box<str>,
    /// The only values it may have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Box<str>>,
    /// What its owner says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Property, Schema, Type};

    fn needs(ways: &[&[(&str, &[&str])]]) -> Vec<Requirement> {
        let list = |scopes: &[&str]| scopes.iter().map(|s| Box::from(*s)).collect();
        ways.iter().map(|w| Requirement(w.iter().map(|(n, s)| (Box::from(*n), list(s))).collect())).collect()
    }

    #[test]
    fn the_fewest_scopes_are_chosen() {
        let mut spec = ApiSpec::new("Shop");
        let mut read = Endpoint::new("/orders", Method::Get);
        read.auth = Some(needs(&[&[("oauth", &["orders:all", "admin"])], &[("oauth", &["orders:read"])]]));
        let mut write = Endpoint::new("/orders", Method::Post);
        write.auth = Some(needs(&[&[("oauth", &["orders:all", "admin"])]]));
        spec.endpoints = vec![read, write];
        let names = |ids: &[u32]| {
            let ids: Vec<_> = ids.iter().map(|id| EndpointId(*id)).collect();
            spec.scopes_for(&ids).into_iter().flat_map(|(_, scopes)| scopes).collect::<Vec<_>>()
        };
        assert_eq!(names(&[0]), ["orders:read".into()]);
        // Writing needs both anyway, and both also read.
        assert_eq!(names(&[0, 1]), ["admin".into(), "orders:all".into()]);
    }

    #[test]
    fn the_json_form_has_the_names_others_expect_and_reads_back() {
        let mut spec = ApiSpec::new("Shop");
        spec.base_url = Some("https://shop.test/v1".into());
        let text = spec.schemas.add(Schema::of(Type::String));
        let customer = spec.schemas.add(Schema {
            name: Some("Customer".into()),
            properties: vec![
                Property { name: "z".into(), schema: text, required: true },
                Property { name: "a".into(), schema: text, required: false },
            ],
            ..Schema::of(Type::Object)
        });
        let mut endpoint = Endpoint::new("/customers/{id}", Method::Get);
        endpoint.response_schema = Some(customer);
        spec.endpoints.push(endpoint);
        let form = serde_json::to_value(&spec).unwrap();
        assert_eq!(form["api_name"], "Shop");
        assert_eq!(form["auth_type"], "none");
        assert_eq!(form["pagination_type"], "none");
        assert_eq!(form["endpoints_count"], 1);
        assert_eq!(form["endpoints"][0]["method"], "GET");
        assert_eq!(form["endpoints"][0]["response_schema"]["$ref"], "#/schemas/1");
        assert_eq!(form.pointer("/schemas/1/name").unwrap(), "Customer");
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<ApiSpec>(&text).unwrap(), spec);
    }
}

//! What was derived about an API, each fact with its evidence.

use serde::{Deserialize, Serialize};

use super::{EndpointId, Location};

/// Where a fact was read or what made it likely, and how sure it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// A JSON pointer into the document.
    pub pointer: String,
    /// From 0 (a guess) to 1 (said in so many words).
    pub confidence: f32,
    /// What was seen there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Evidence {
    /// Puts the three together.
    pub fn new(pointer: impl Into<String>, confidence: f32, note: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), confidence, note: note.into() }
    }
}

/// How the API wants to know who calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Auth {
    /// The schemes by name.
    #[serde(default)]
    pub schemes: Vec<AuthScheme>,
    /// What an endpoint needs that says nothing itself: any one of these. Empty means no auth.
    #[serde(default)]
    pub default: Vec<Requirement>,
}

/// Schemes that must all be satisfied, each with the scopes it needs. An empty one is satisfied by nobody
/// in particular.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Requirement(pub Vec<(Box<str>, Vec<Box<str>>)>);

/// One named way to authenticate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthScheme {
    /// Its name in the document.
    pub name: Box<str>,
    /// What it is.
    #[serde(flatten)]
    pub kind: SchemeKind,
    /// What its owner says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<str>>,
    /// Where it was found.
    pub evidence: Evidence,
}

/// The kinds of authentication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SchemeKind {
    /// A key in a header, the query or a cookie.
    ApiKey {
        /// Where the key goes.
        #[serde(rename = "in")]
        location: Location,
        /// The header's, parameter's or cookie's name.
        parameter: Box<str>,
        /// A fixed word before the key, such as `Token `, when the document tells of one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prefix: Option<Box<str>>,
    },
    /// A name and a password.
    Basic,
    /// A token in the `Authorization` header.
    Bearer {
        /// What the token is, such as `JWT`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        format: Option<Box<str>>,
    },
    /// OAuth 2.0.
    Oauth2 {
        /// The ways to a token.
        flows: Vec<OAuthFlow>,
        /// Where the server describes itself (RFC 8414).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata_url: Option<Box<str>>,
    },
    /// OpenID Connect.
    Openid {
        /// The discovery document.
        url: Box<str>,
    },
    /// A client certificate.
    MutualTls,
    /// Another scheme of the `Authorization` header: `digest`, `hoba`, ...
    Http {
        /// Its name, in lower case.
        scheme: Box<str>,
    },
}

impl SchemeKind {
    /// The kind in one word.
    pub fn auth_type(&self) -> AuthType {
        match self {
            Self::ApiKey { .. } => AuthType::ApiKey,
            Self::Basic => AuthType::Basic,
            Self::Bearer { .. } => AuthType::Bearer,
            Self::Oauth2 { .. } => AuthType::Oauth2,
            Self::Openid { .. } => AuthType::Openid,
            Self::MutualTls => AuthType::MutualTls,
            Self::Http { .. } => AuthType::Http,
        }
    }
}

/// A way to an OAuth token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OAuthFlow {
    /// Which way.
    pub kind: FlowKind,
    /// Where a person agrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_url: Option<Box<str>>,
    /// Where tokens are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<Box<str>>,
    /// Where tokens are renewed, if elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_url: Option<Box<str>>,
    /// Where a device asks for its code (OpenAPI 3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_url: Option<Box<str>>,
    /// The scopes there are, with what they allow.
    #[serde(default)]
    pub scopes: Vec<(Box<str>, Box<str>)>,
}

/// The grants of OAuth 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FlowKind {
    /// A person agrees, a server gets the token.
    AuthorizationCode,
    /// A person agrees, a browser gets the token.
    Implicit,
    /// The name and password of a person.
    Password,
    /// The application for itself.
    ClientCredentials,
    /// A device without a browser.
    DeviceAuthorization,
}

/// How an API authenticates, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuthType {
    /// Not at all.
    #[default]
    None,
    /// OAuth 2.0.
    Oauth2,
    /// OpenID Connect.
    Openid,
    /// A bearer token.
    Bearer,
    /// A key.
    ApiKey,
    /// A name and a password.
    Basic,
    /// A client certificate.
    MutualTls,
    /// Another scheme of HTTP.
    Http,
}

impl AuthType {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Oauth2 => "oauth2",
            Self::Openid => "openid",
            Self::Bearer => "bearer",
            Self::ApiKey => "api_key",
            Self::Basic => "basic",
            Self::MutualTls => "mutual_tls",
            Self::Http => "http",
        }
    }
}

/// The styles of giving a long list in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PaginationKind {
    /// All at once, as far as known.
    #[default]
    None,
    /// Skip so many records.
    Offset,
    /// The number of the page.
    Page,
    /// An opaque mark from the last answer.
    Cursor,
    /// The `Link` header of RFC 8288.
    LinkHeader,
    /// The next page's address in the body.
    NextUrl,
    /// The last record's id or time: `starting_after`.
    Keyset,
}

impl PaginationKind {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Offset => "offset",
            Self::Page => "page",
            Self::Cursor => "cursor",
            Self::LinkHeader => "link_header",
            Self::NextUrl => "next_url",
            Self::Keyset => "keyset",
        }
    }
}

/// How to get the next page of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pagination {
    /// The style.
    pub kind: PaginationKind,
    /// The parameter that moves on: `offset`, `page`, `cursor`, `starting_after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub param: Option<Box<str>>,
    /// Where that parameter goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Where its next value is in the answer: a path, or a header's name for [`PaginationKind::LinkHeader`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Box<str>>,
    /// The number of the first page, or the first offset, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The parameter for the page's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_param: Option<Box<str>>,
    /// The size when nothing is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_default: Option<u64>,
    /// The greatest size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_max: Option<u64>,
    /// Where the answer says that there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_more: Option<Box<str>>,
    /// Where the answer says how many records there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Box<str>>,
    /// Where the answer says how many pages there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_pages: Option<Box<str>>,
    /// What led to it.
    pub evidence: Evidence,
}

/// Where the records are in an answer, and what is known of their fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Records {
    /// The path to the records: `data[]`, `[]` for a list at the root, empty for a single object.
    pub path: Box<str>,
    /// Whether there can be many.
    pub many: bool,
    /// The schema of one record.
    pub schema: Option<super::SchemaId>,
    /// The field that identifies a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_field: Option<Box<str>>,
    /// The field with the time it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_field: Option<Box<str>>,
    /// The field with the time it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_field: Option<Box<str>>,
    /// Fields an incremental read could go by, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cursor_fields: Vec<Box<str>>,
    /// The parameter that asks for records changed since a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_param: Option<Box<str>>,
    /// What led to it.
    pub evidence: Evidence,
}

/// What an endpoint does to its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndpointRole {
    /// Reads many.
    List,
    /// Reads one.
    Get,
    /// Makes one.
    Create,
    /// Changes one in part.
    Update,
    /// Replaces one.
    Replace,
    /// Removes one.
    Delete,
    /// Something else.
    Action,
}

/// The endpoints that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name, from its path: `customers`.
    pub name: Box<str>,
    /// The collection's path: `/customers`.
    pub path: Box<str>,
    /// Reads many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<EndpointId>,
    /// Reads one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub get: Option<EndpointId>,
    /// Makes one: the natural counterpart of reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<EndpointId>,
    /// Changes one in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<EndpointId>,
    /// Replaces one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace: Option<EndpointId>,
    /// Removes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<EndpointId>,
    /// What led to it.
    pub evidence: Evidence,
}

impl Resource {
    /// Every endpoint of it.
    pub fn endpoints(&self) -> impl Iterator<Item = EndpointId> {
        [self.list, self.get, self.create, self.update, self.replace, self.delete].into_iter().flatten()
    }
}

/// How much may be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateLimit {
    /// The endpoint it is for; all of them if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndpointId>,
    /// So many requests, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// In this time, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<TimeWindow>,
    /// The headers that tell how much is left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Box<str>>,
    /// What kind of place it was found in.
    pub source: RateLimitSource,
    /// What led to it.
    pub evidence: Evidence,
}

/// The time a limit counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimeWindow {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

/// The kinds of places that limits are told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RateLimitSource {
    /// Headers of an answer.
    Headers,
    /// An answer of status 429.
    Status,
    /// An extension (`x-ratelimit`, ...).
    Extension,
    /// Words of a description.
    Text,
}

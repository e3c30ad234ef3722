use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::facts::{EndpointRole, Pagination, Records, Requirement};
use super::{Json, Method, SchemaId, json};

/// The position of an endpoint in [`ApiSpec::endpoints`](super::ApiSpec::endpoints).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointId(pub u32);

/// One method on one path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The path as written, with its templates: `/customers/{id}`.
    pub path: Box<str>,
    /// The method.
    pub method: Method,
    /// The document's name of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<Box<str>>,
    /// One line about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Box<str>>,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<str>>,
    /// The groups it is shown in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Box<str>>,
    /// Whether the owner advises against it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// What can be sent in path, query, headers and cookies. Shared parameters are shared here too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Arc<Parameter>>,
    /// The body it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Arc<RequestBody>>,
    /// What it answers, by status, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<StatusResponse>,
    /// The schema of the body to send, in the media type a JSON client would choose.
    #[serde(default)]
    pub request_schema: Option<SchemaId>,
    /// The schema of a success, in the media type a JSON client would choose.
    #[serde(default)]
    pub response_schema: Option<SchemaId>,
    /// What it needs where that differs from the API's rule: any one of these. An empty list is no auth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Vec<Requirement>>,
    /// Servers of its own, as positions in [`ApiSpec::servers`](super::ApiSpec::servers).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<u32>,
    /// What it does to its resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<EndpointRole>,
    /// How to get all pages of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagination: Option<Box<Pagination>>,
    /// Where the records are in its success, and what is known of their fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Box<Records>>,
}

impl Endpoint {
    /// An endpoint of which only the path and the method are known.
    pub fn new(path: impl Into<Box<str>>, method: Method) -> Self {
        Self {
            path: path.into(),
            method,
            operation_id: None,
            summary: None,
            description: None,
            tags: Vec::new(),
            deprecated: false,
            parameters: Vec::new(),
            request: None,
            responses: Vec::new(),
            request_schema: None,
            response_schema: None,
            auth: None,
            servers: Vec::new(),
            role: None,
            pagination: None,
            records: None,
        }
    }

    /// The parameter of that name and place.
    pub fn parameter(&self, location: Location, name: &str) -> Option<&Parameter> {
        self.parameters.iter().map(|parameter| &**parameter).find(|parameter| {
            parameter.location == location
                && if location == Location::Header {
                    parameter.name.eq_ignore_ascii_case(name)
                } else {
                    &*parameter.name == name
                }
        })
    }

    /// The success a client would expect: the smallest 2xx status, a `2XX` range, or else `default`.
    pub fn success(&self) -> Option<&StatusResponse> {
        self.responses
            .iter()
            .filter(|response| response.is_success())
            .min_by_key(|response| &response.status)
            .or_else(|| self.responses.iter().find(|response| &*response.status == "default"))
    }

    /// Every response that isn't a success.
    pub fn errors(&self) -> impl Iterator<Item = &StatusResponse> {
        let default_is_success = self.success().is_some_and(|response| &*response.status == "default");
        self.responses.iter().filter(move |response| {
            !(response.is_success() || default_is_success && &*response.status == "default")
        })
    }

    /// The JSON pointer of the operation in its document.
    ///
    /// ```
    /// use vitesse_core::spec::{Endpoint, Method};
    /// assert_eq!(Endpoint::new("/a/{b}", Method::Get).pointer(), "#/paths/~1a~1{b}/get");
    /// ```
    pub fn pointer(&self) -> String {
        let path = self.path.replace('~', "~0").replace('/', "~1");
        match &self.method {
            Method::Other(name) => format!("#/paths/{path}/additionalOperations/{name}"),
            method => format!("#/paths/{path}/{}", method.as_str().to_ascii_lowercase()),
        }
    }
}

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Location {
    /// A template of the path.
    Path,
    /// After the question mark, by name.
    Query,
    /// The whole of what comes after the question mark (OpenAPI 3.2).
    #[serde(rename = "querystring")]
    QueryString,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
}

/// How a parameter's value becomes text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Style {
    /// `a,b` in paths and headers.
    Simple,
    /// `.a.b` in paths.
    Label,
    /// `;x=a` in paths.
    Matrix,
    /// `x=a&x=b`, or `x=a,b` when not exploded.
    Form,
    /// `x=a%20b`.
    SpaceDelimited,
    /// `x=a|b`.
    PipeDelimited,
    /// `x=a<tab>b`, of Swagger 2.0.
    TabDelimited,
    /// `x[key]=a`.
    DeepObject,
    /// As the media type of its content says.
    Content,
    /// As cookies are (OpenAPI 3.2).
    Cookie,
}

/// One value a request can carry outside its body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name; headers compare without case.
    pub name: Box<str>,
    /// Where it goes.
    #[serde(rename = "in")]
    pub location: Location,
    /// Whether the request is refused without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Whether the owner advises against it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// What it is.
    pub schema: Option<SchemaId>,
    /// How it becomes text.
    pub style: Style,
    /// Whether lists and objects are spread over several names.
    pub explode: bool,
    /// Whether reserved characters go unescaped.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_reserved: bool,
    /// The media type, when the style is [`Style::Content`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<Box<str>>,
    /// What its owner says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<str>>,
    /// A sample value.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "json::present")]
    pub example: Option<Json>,
}

/// The body of a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestBody {
    /// Whether the request is refused without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// What its owner says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<str>>,
    /// The forms it can have.
    #[serde(default)]
    pub content: Vec<Media>,
}

/// One form of a body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// The media type as written: `application/json`.
    pub media_type: Box<str>,
    /// What it holds.
    pub schema: Option<SchemaId>,
    /// What each item of a stream of items holds (OpenAPI 3.2 `itemSchema`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_schema: Option<SchemaId>,
    /// A sample body.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "json::present")]
    pub example: Option<Json>,
    /// For form bodies: the media type of single parts, by property.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub encoding: BTreeMap<Box<str>, Box<str>>,
}

impl Media {
    /// Whether it is JSON of some kind: `application/json`, `application/vnd.api+json; charset=utf-8`.
    pub fn is_json(&self) -> bool {
        let name = self.media_type.split(';').next().unwrap_or_default().trim();
        let name = name.as_bytes();
        let ends = |suffix: &[u8]| {
            name.len() >= suffix.len() && name[name.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
        };
        ends(b"/json") || ends(b"+json") || ends(b"/*") || ends(b"json")
    }

    /// The form a JSON client would choose: JSON by name, then anything JSON-like, then the first with a schema.
    pub fn preferred(content: &[Self]) -> Option<&Self> {
        content
            .iter()
            .find(|media| media.media_type.eq_ignore_ascii_case("application/json") && media.schema.is_some())
            .or_else(|| content.iter().find(|media| media.is_json() && media.schema.is_some()))
            .or_else(|| content.iter().find(|media| media.schema.is_some()))
            .or_else(|| content.first())
    }
}

/// An answer under the status it is given for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StatusForm")]
pub struct StatusResponse {
    /// The status as written: `200`, `2XX`, `default`.
    pub status: Box<str>,
    /// The answer; shared answers are shared here too.
    #[serde(flatten)]
    pub response: Arc<Response>,
}

/// The JSON form, read without the buffer of a flattened field: examples would lose their digits in it.
#[derive(Deserialize)]
struct StatusForm {
    status: Box<str>,
    #[serde(default)]
    description: Option<Box<str>>,
    #[serde(default)]
    headers: Vec<Parameter>,
    #[serde(default)]
    content: Vec<Media>,
}

impl From<StatusForm> for StatusResponse {
    fn from(form: StatusForm) -> Self {
        let StatusForm { status, description, headers, content } = form;
        Self { status, response: Arc::new(Response { description, headers, content }) }
    }
}

impl StatusResponse {
    /// Whether the status is of the success class.
    pub fn is_success(&self) -> bool {
        self.status.len() == 3 && self.status.starts_with('2')
    }
}

/// One answer of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// What its owner says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<str>>,
    /// The headers it carries; `location` is always a header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Parameter>,
    /// The forms of its body; none for an empty answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<Media>,
}

impl Response {
    /// The schema of its body, in the form a JSON client would choose.
    pub fn schema(&self) -> Option<SchemaId> {
        let media = Media::preferred(&self.content)?;
        media.schema
    }
}

pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

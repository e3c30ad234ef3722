//! Paths, operations, parameters, bodies and answers: a document's parts become the model's.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::fast::NumberMap;
use super::schema::{Dialect, SchemaReader, json};
use super::tree::Val;
use crate::spec::{
    Action, ApiSpec, DiagnosticKind as Kind, Endpoint, Location, Media, Method, Parameter, Property,
    RequestBody, Requirement, Response, Schema, SchemaId, StatusResponse, Style, Type,
};

pub(crate) struct Builder<'t> {
    pub(crate) schemas: SchemaReader<'t>,
    pub(crate) root: Val<'t>,
    pub(crate) spec: ApiSpec,
    parameters: NumberMap<u64, Option<Arc<Parameter>>>,
    /// Parameters that are written out in many places, by the hash of their text.
    equal: NumberMap<u64, (Val<'t>, Arc<Parameter>)>,
    responses: NumberMap<u64, Arc<Response>>,
    bodies: NumberMap<u64, Arc<RequestBody>>,
    operations: HashMap<Box<str>, u64>,
}

/// A parameter of Swagger 2.0 that is (part of) the body.
#[derive(Clone, Copy)]
enum OldBody {
    Whole,
    Field,
}

impl<'t> Builder<'t> {
    pub(crate) fn new(schemas: SchemaReader<'t>, root: Val<'t>) -> Self {
        Self {
            schemas,
            root,
            spec: ApiSpec::default(),
            parameters: NumberMap::default(),
            equal: NumberMap::default(),
            responses: NumberMap::default(),
            bodies: NumberMap::default(),
            operations: HashMap::new(),
        }
    }

    pub(crate) fn old(&self) -> bool {
        self.schemas.dialect == Dialect::Swagger2
    }

    pub(crate) fn add(&mut self, at: Val<'_>, kind: Kind, action: Action, message: impl Into<String>) {
        self.schemas.report.add(at, kind, action, message);
    }

    /// Reads every path.
    pub(crate) fn paths(&mut self) {
        let Some(paths) = self.root.get("paths") else {
            // Since 3.1 a document may hold only webhooks or components.
            if self.schemas.dialect < Dialect::OpenApi31 {
                self.add(self.root, Kind::Missing, Action::None, "the document has no `paths`");
            }
            return;
        };
        if !paths.is_object() {
            return self.schemas.wrong(paths, "paths", "an object");
        }
        let mut shapes: HashMap<String, Box<str>> = HashMap::new();
        for (path, item) in paths.members() {
            if path.starts_with("x-") {
                continue;
            }
            let mut path = path.into_owned();
            if !path.starts_with('/') {
                let message = format!("the path {path:?} doesn't begin with a slash");
                self.add(item, Kind::BadPath, Action::Repaired, message);
                path.insert(0, '/');
            }
            let shape = shape_of(&path);
            if let Some(other) = shapes.insert(shape, path.as_str().into())
                && *other != *path
            {
                let message = format!("{path:?} and {other:?} can't be told apart");
                self.add(item, Kind::AmbiguousPath, Action::None, message);
            }
            self.path(&path, item);
        }
    }

    fn path(&mut self, path: &str, item: Val<'t>) {
        let mut item = item;
        for _ in 0..16 {
            let Some(reference) = self.schemas.reference(item) else { break };
            match self.schemas.resolve(item, &reference, "pathItems") {
                // What stands beside the reference is kept by reading it too.
                Some(next) if next.key() != item.key() => {
                    if item.size() > 3 {
                        self.operations(path, item);
                    }
                    item = next;
                }
                _ => break,
            }
        }
        if !item.is_object() {
            let message = format!("the path {path:?} is {}, not an object", item.what());
            return self.add(item, Kind::WrongType, Action::Skipped, message);
        }
        self.operations(path, item);
    }

    fn operations(&mut self, path: &str, item: Val<'t>) {
        let servers = item.get("servers").map(|servers| self.servers_at(servers)).unwrap_or_default();
        let shared = item.get("parameters");
        for (name, operation) in item.members() {
            if &*name == "additionalOperations" && self.schemas.dialect == Dialect::OpenApi31 {
                for (name, operation) in operation.members() {
                    let method = Method::Other(name.as_ref().into());
                    self.operation(path, method, operation, shared, &servers);
                }
                continue;
            }
            let Some(method) = Method::known(&name) else {
                let known = matches!(&*name, "parameters" | "servers" | "summary" | "description" | "$ref");
                if !known && !name.starts_with("x-") {
                    let message = format!("a path has no member {name:?}");
                    self.add(operation, Kind::UnknownMember, Action::Skipped, message);
                }
                continue;
            };
            if name.bytes().any(|b| b.is_ascii_uppercase()) {
                let message = format!("the method {name:?} must be in lower case");
                self.add(operation, Kind::UnknownMember, Action::Repaired, message);
            }
            self.operation(path, method, operation, shared, &servers);
        }
    }

    fn operation(
        &mut self,
        path: &str,
        method: Method,
        at: Val<'t>,
        shared: Option<Val<'t>>,
        servers: &[u32],
    ) {
        if !at.is_object() {
            let message = format!("the operation {method} {path} is {}, not an object", at.what());
            return self.add(at, Kind::WrongType, Action::Skipped, message);
        }
        let mut endpoint = Endpoint::new(path, method);
        endpoint.servers = servers.to_vec();
        let mut shared_list = shared;
        let mut parameters = None;
        let mut security = None;
        let mut body = None;
        let mut responses = None;
        for (name, value) in at.members() {
            match &*name {
                "operationId" => {
                    endpoint.operation_id = self.text(value, &name);
                    if let Some(id) = endpoint.operation_id.clone()
                        && self.operations.insert(id.clone(), at.key()).is_some()
                    {
                        let message = format!("another operation has the id {id:?} too");
                        self.add(value, Kind::DuplicateOperationId, Action::None, message);
                    }
                }
                "summary" => endpoint.summary = self.text(value, &name),
                "description" => endpoint.description = self.text(value, &name),
                "deprecated" => endpoint.deprecated = self.schemas.flag(value, &name),
                "tags" => {
                    if value.is_list() {
                        endpoint.tags = value.items().filter_map(|tag| self.text(tag, "tags")).collect();
                    } else {
                        self.schemas.wrong(value, &name, "a list");
                    }
                }
                "parameters" => parameters = Some(value),
                "requestBody" => body = Some(value),
                "responses" => responses = Some(value),
                "security" => security = Some(value),
                "servers" => {
                    let own = self.servers_at(value);
                    if !own.is_empty() {
                        endpoint.servers = own;
                    }
                }
                _ => {}
            }
        }
        let mut old_body = Vec::new();
        for list in [shared_list.take(), parameters].into_iter().flatten() {
            if !list.is_list() {
                self.schemas.wrong(list, "parameters", "a list");
                continue;
            }
            let mut here = HashSet::new();
            for item in list.items() {
                self.parameter_into(item, &mut endpoint, &mut old_body, &mut here);
            }
        }
        self.check_templates(&mut endpoint, at);
        if self.old() {
            endpoint.request = self.old_request(at, &old_body);
        } else if let Some(body) = body {
            endpoint.request = self.request(body);
        }
        if let Some(request) = &endpoint.request {
            endpoint.request_schema = Media::preferred(&request.content).and_then(|media| media.schema);
        }
        match responses {
            Some(responses) if responses.is_object() => {
                for (status, response) in responses.members() {
                    self.response_into(&status, response, at, &mut endpoint);
                }
            }
            Some(responses) => self.schemas.wrong(responses, "responses", "an object"),
            None => self.add(at, Kind::Missing, Action::None, "the operation describes no responses"),
        }
        match endpoint.success() {
            Some(success) => endpoint.response_schema = success.response.schema(),
            None if responses.is_some_and(|r| r.is_object()) => {
                self.add(at, Kind::NoSuccess, Action::None, "the operation describes no success");
            }
            None => {}
        }
        endpoint.auth = security.and_then(|security| self.requirements(security));
        let twin = self
            .spec
            .endpoints
            .last()
            .is_some_and(|last| last.path == endpoint.path && last.method == endpoint.method);
        if !twin {
            self.spec.endpoints.push(endpoint);
        }
    }

    fn text(&mut self, value: Val<'_>, name: &str) -> Option<Box<str>> {
        match value.as_str() {
            Some(text) => Some(text.as_ref().into()),
            None if value.is_null() => None,
            None => match value.scalar() {
                Some(text) => {
                    let message = format!("`{name}` is {}, read as a text", value.what());
                    self.add(value, Kind::WrongType, Action::Repaired, message);
                    Some(text.as_ref().into())
                }
                None => {
                    self.schemas.wrong(value, name, "a text");
                    None
                }
            },
        }
    }

    /// Follows references to a part that isn't a schema.
    fn follow(&mut self, at: Val<'t>, section: &str) -> Option<Val<'t>> {
        let mut here = at;
        for _ in 0..32 {
            let Some(reference) = self.schemas.reference(here) else { return Some(here) };
            here = self.schemas.resolve(here, &reference, section)?;
        }
        self.add(at, Kind::CircularReference, Action::Skipped, "the reference leads to itself");
        None
    }

    fn parameter_into(
        &mut self,
        item: Val<'t>,
        endpoint: &mut Endpoint,
        old_body: &mut Vec<(Val<'t>, OldBody)>,
        here: &mut HashSet<(Location, Box<str>)>,
    ) {
        if !item.is_object() {
            let message = format!("a parameter is {}, not an object", item.what());
            return self.add(item, Kind::WrongType, Action::Skipped, message);
        }
        let Some(at) = self.follow(item, "parameters") else { return };
        if self.old() {
            match at.get("in").and_then(|place| place.as_str()).as_deref() {
                Some("body") => return old_body.push((at, OldBody::Whole)),
                Some("formData") => return old_body.push((at, OldBody::Field)),
                _ => {}
            }
        }
        let Some(parameter) = self.parameter(at) else { return };
        if !here.insert((parameter.location, parameter.name.clone())) {
            let message = format!("the parameter {:?} is there twice; the last one counts", parameter.name);
            self.add(item, Kind::DuplicateParameter, Action::Skipped, message);
        }
        let known = endpoint
            .parameters
            .iter_mut()
            .find(|other| other.location == parameter.location && other.name == parameter.name);
        match known {
            Some(other) => *other = parameter,
            None => endpoint.parameters.push(parameter),
        }
    }

    fn parameter(&mut self, at: Val<'t>) -> Option<Arc<Parameter>> {
        if let Some(known) = self.parameters.get(&at.key()) {
            return known.clone();
        }
        let print = at.fingerprint();
        if let Some((other, parameter)) = self.equal.get(&print)
            && other.tree().number == at.tree().number
            && other.same(at)
        {
            return Some(Arc::clone(parameter));
        }
        let parameter = self.read_parameter(at).map(Arc::new);
        if let Some(parameter) = &parameter {
            self.equal.insert(print, (at, Arc::clone(parameter)));
        }
        self.parameters.insert(at.key(), parameter.clone());
        parameter
    }

    fn read_parameter(&mut self, at: Val<'t>) -> Option<Parameter> {
        let Some(name) = at.get("name").and_then(|name| name.scalar()).filter(|name| !name.is_empty()) else {
            self.add(at, Kind::Missing, Action::Skipped, "a parameter without a name");
            return None;
        };
        let place = at.get("in").and_then(|place| place.as_str()).unwrap_or_default();
        let location = match place.to_ascii_lowercase().as_str() {
            "path" => Location::Path,
            "query" => Location::Query,
            "querystring" => Location::QueryString,
            "header" => Location::Header,
            "cookie" => Location::Cookie,
            "" => {
                self.add(
                    at,
                    Kind::Missing,
                    Action::Guessed,
                    format!("the parameter {name:?} doesn't say where it goes; query is taken"),
                );
                Location::Query
            }
            _ => {
                self.add(
                    at,
                    Kind::UnknownValue,
                    Action::Skipped,
                    format!("a parameter can't go in {place:?}"),
                );
                return None;
            }
        };
        Some(self.value(at, &name, location))
    }

    /// What parameters and headers have in common.
    fn value(&mut self, at: Val<'t>, name: &str, location: Location) -> Parameter {
        let style = match location {
            Location::Path | Location::Header => Style::Simple,
            Location::QueryString => Style::Content,
            _ => Style::Form,
        };
        let mut parameter = Parameter {
            name: name.into(),
            location,
            required: location == Location::Path,
            deprecated: false,
            schema: None,
            style,
            explode: false,
            allow_reserved: false,
            media_type: None,
            description: None,
            example: None,
        };
        let mut explode = None;
        let mut typed = false;
        for (name, value) in at.members() {
            match &*name {
                "required" => {
                    let on = self.schemas.flag(value, &name);
                    if location == Location::Path && !on {
                        self.add(
                            value,
                            Kind::PathParameter,
                            Action::Repaired,
                            "a parameter of the path is always required",
                        );
                    }
                    parameter.required |= on;
                }
                "deprecated" => parameter.deprecated = self.schemas.flag(value, &name),
                "description" => parameter.description = self.text(value, &name),
                "example" | "x-example" => parameter.example = json(value),
                "examples" if !self.old() => {
                    let first =
                        value.members().next().map(|(_, example)| example.get("value").unwrap_or(example));
                    parameter.example = parameter.example.take().or_else(|| first.and_then(json));
                }
                "schema" => {
                    if value.is_object() || value.as_bool().is_some() {
                        parameter.schema = Some(self.schemas.id(value));
                    } else {
                        self.schemas.wrong(value, &name, "an object");
                    }
                }
                "content" => {
                    if let Some((media_type, media)) = value.members().next() {
                        parameter.style = Style::Content;
                        parameter.media_type = Some(media_type.as_ref().into());
                        parameter.schema = media.get("schema").map(|schema| self.schemas.id(schema));
                    }
                }
                "style" => match value.as_str().as_deref() {
                    Some("simple") => parameter.style = Style::Simple,
                    Some("label") => parameter.style = Style::Label,
                    Some("matrix") => parameter.style = Style::Matrix,
                    Some("form") => parameter.style = Style::Form,
                    Some("spaceDelimited") => parameter.style = Style::SpaceDelimited,
                    Some("pipeDelimited") => parameter.style = Style::PipeDelimited,
                    Some("deepObject") => parameter.style = Style::DeepObject,
                    Some("cookie") => parameter.style = Style::Cookie,
                    _ => self.add(
                        value,
                        Kind::UnknownValue,
                        Action::Repaired,
                        "there is no such style; the usual one is taken",
                    ),
                },
                "explode" => explode = Some(self.schemas.flag(value, &name)),
                "allowReserved" => parameter.allow_reserved = self.schemas.flag(value, &name),
                "collectionFormat" if self.old() => match value.as_str().as_deref() {
                    Some("multi") => explode = Some(true),
                    Some("ssv") => parameter.style = Style::SpaceDelimited,
                    Some("tsv") => parameter.style = Style::TabDelimited,
                    Some("pipes") => parameter.style = Style::PipeDelimited,
                    Some("csv") => {}
                    _ => self.add(
                        value,
                        Kind::UnknownValue,
                        Action::Repaired,
                        "there is no such collectionFormat; csv is taken",
                    ),
                },
                "type" | "enum" | "items" | "format" => typed = true,
                _ => {}
            }
        }
        if parameter.schema.is_none() && typed {
            if !self.old() {
                self.add(
                    at,
                    Kind::UnknownMember,
                    Action::Repaired,
                    "the type stands beside `schema`, as in Swagger 2.0",
                );
            }
            parameter.schema = Some(self.schemas.id(at));
        }
        if parameter.schema.is_none() && !self.old() && parameter.style != Style::Content {
            self.add(
                at,
                Kind::Missing,
                Action::Guessed,
                format!("{name:?} has no schema; it may be anything"),
            );
        }
        parameter.explode =
            explode.unwrap_or(!self.old() && matches!(parameter.style, Style::Form | Style::Cookie));
        parameter
    }

    /// Every template of a path has its parameter, and the other way round.
    fn check_templates(&mut self, endpoint: &mut Endpoint, at: Val<'t>) {
        let names = templates(&endpoint.path);
        for parameter in &endpoint.parameters {
            if parameter.location == Location::Path && !names.contains(&&*parameter.name) {
                let message = format!("the path has no template for the parameter {:?}", parameter.name);
                self.schemas.report.add(at, Kind::PathParameter, Action::None, message);
            }
        }
        let unknown: Vec<Box<str>> = names
            .into_iter()
            .filter(|name| endpoint.parameter(Location::Path, name).is_none())
            .map(Into::into)
            .collect();
        for name in unknown {
            let message = format!("the template {name:?} has no parameter; a text is taken");
            self.add(at, Kind::PathParameter, Action::Guessed, message);
            let schema = self.schemas.add(Schema { guessed: true, ..Schema::of(Type::String) });
            endpoint.parameters.push(Arc::new(Parameter {
                name,
                location: Location::Path,
                required: true,
                deprecated: false,
                schema: Some(schema),
                style: Style::Simple,
                explode: false,
                allow_reserved: false,
                media_type: None,
                description: None,
                example: None,
            }));
        }
    }

    fn request(&mut self, at: Val<'t>) -> Option<Arc<RequestBody>> {
        if !at.is_object() {
            self.schemas.wrong(at, "requestBody", "an object");
            return None;
        }
        let at = self.follow(at, "requestBodies")?;
        if let Some(known) = self.bodies.get(&at.key()) {
            return Some(Arc::clone(known));
        }
        let content = match at.get("content") {
            Some(content) => self.content(content),
            None => {
                self.add(at, Kind::Missing, Action::None, "a request body without `content`");
                Vec::new()
            }
        };
        let body = Arc::new(RequestBody {
            required: at.get("required").is_some_and(|on| self.schemas.flag(on, "required")),
            description: at.get("description").and_then(|text| self.text(text, "description")),
            content,
        });
        self.bodies.insert(at.key(), Arc::clone(&body));
        Some(body)
    }

    fn content(&mut self, at: Val<'t>) -> Vec<Media> {
        if !at.is_object() {
            self.schemas.wrong(at, "content", "an object");
            return Vec::new();
        }
        at.members().filter_map(|(name, media)| self.media(&name, media)).collect()
    }

    fn media(&mut self, name: &str, at: Val<'t>) -> Option<Media> {
        let media_type = self.media_type(name, at);
        if !at.is_object() {
            let message = format!("the media type {name:?} is {}, not an object", at.what());
            self.add(at, Kind::WrongType, Action::Repaired, message);
            return Some(Media { media_type, ..Media::default() });
        }
        let at = self.follow(at, "mediaTypes")?;
        let mut media = Media { media_type, ..Media::default() };
        let mut sample = None;
        for (name, value) in at.members() {
            match &*name {
                "schema" | "itemSchema" if value.is_object() || value.as_bool().is_some() => {
                    let id = Some(self.schemas.id(value));
                    *(if &*name == "schema" { &mut media.schema } else { &mut media.item_schema }) = id;
                }
                "schema" | "itemSchema" => self.schemas.wrong(value, &name, "an object"),
                "example" => sample = Some(value),
                "examples" => {
                    let first =
                        value.members().map(|(_, example)| example).next().or_else(|| value.items().next());
                    let first = first.and_then(|example| self.follow(example, "examples"));
                    sample = sample.or(first.map(|example| example.get("value").unwrap_or(example)));
                }
                "encoding" => {
                    media.encoding = value
                        .members()
                        .filter_map(|(name, part)| {
                            let kind = part.get("contentType")?.as_str()?;
                            Some((name.as_ref().into(), kind.as_ref().into()))
                        })
                        .collect::<BTreeMap<_, _>>();
                }
                _ => {}
            }
        }
        if let Some(sample) = sample {
            media.example = json(sample);
            if media.schema.is_none() && media.item_schema.is_none() {
                media.schema = self.guess(sample);
            }
        }
        if media.schema.is_none() && media.item_schema.is_some() {
            let items = media.item_schema;
            media.schema = Some(self.schemas.add(Schema { items, ..Schema::of(Type::Array) }));
        }
        Some(media)
    }

    /// The schema of an example, marked as guessed.
    fn guess(&mut self, sample: Val<'t>) -> Option<SchemaId> {
        let value = json(sample)?.value();
        // Some documents carry their JSON samples as texts.
        let value = match &value {
            serde_json::Value::String(text) => serde_json::from_str(text).unwrap_or(value),
            _ => value,
        };
        self.add(sample, Kind::GuessedSchema, Action::Guessed, "the schema is inferred from an example");
        Some(super::infer::schema(std::slice::from_ref(&value), &mut |schema| self.schemas.add(schema)))
    }

    fn media_type(&mut self, name: &str, at: Val<'_>) -> Box<str> {
        if name.contains('/') {
            return name.into();
        }
        let known = match name.trim().to_ascii_lowercase().as_str() {
            "json" => "application/json",
            "xml" => "application/xml",
            "text" | "plain" => "text/plain",
            "html" => "text/html",
            "csv" => "text/csv",
            "form" => "application/x-www-form-urlencoded",
            "*" => "*/*",
            _ => {
                self.add(at, Kind::BadMediaType, Action::None, format!("{name:?} isn't a media type"));
                return name.into();
            }
        };
        self.add(
            at,
            Kind::BadMediaType,
            Action::Repaired,
            format!("{name:?} isn't a media type; {known} is taken"),
        );
        known.into()
    }

    fn response_into(&mut self, status: &str, at: Val<'t>, operation: Val<'t>, endpoint: &mut Endpoint) {
        if status.starts_with("x-") {
            return;
        }
        let written = status;
        let upper = status.trim().to_ascii_uppercase();
        let bytes = upper.as_bytes();
        let good = matches!(bytes, [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'] | [b'1'..=b'5', b'X', b'X']);
        let status: Box<str> = if good {
            upper.into()
        } else if upper == "DEFAULT" {
            "default".into()
        } else {
            self.add(at, Kind::BadStatus, Action::None, format!("{written:?} isn't a status"));
            written.into()
        };
        if !at.is_object() {
            let message = format!("the response {written:?} is {}, not an object", at.what());
            return self.add(at, Kind::WrongType, Action::Skipped, message);
        }
        let Some(at) = self.follow(at, "responses") else { return };
        // In Swagger 2.0 the media types belong to the operation, so the same response can differ.
        if !self.old()
            && let Some(known) = self.responses.get(&at.key())
        {
            return endpoint.responses.push(StatusResponse { status, response: Arc::clone(known) });
        }
        let mut response = Response {
            description: at.get("description").and_then(|text| self.text(text, "description")),
            ..Response::default()
        };
        if let Some(headers) = at.get("headers") {
            if !headers.is_object() {
                self.schemas.wrong(headers, "headers", "an object");
            }
            for (name, header) in headers.members() {
                if let Some(header) = self.follow(header, "headers")
                    && header.is_object()
                {
                    let header = self.value(header, &name, Location::Header);
                    response.headers.push(header);
                }
            }
        }
        if self.old() {
            response.content = self.old_response(at, operation);
        } else if let Some(content) = at.get("content") {
            response.content = self.content(content);
        }
        let response = Arc::new(response);
        self.responses.insert(at.key(), Arc::clone(&response));
        endpoint.responses.push(StatusResponse { status, response });
    }

    /// What an operation of Swagger 2.0, or else its document, says it takes or gives.
    fn old_types(&mut self, operation: Val<'t>, name: &str) -> Vec<Box<str>> {
        let Some(list) = operation.get(name).or_else(|| self.root.get(name)) else { return Vec::new() };
        if let Some(one) = list.as_str() {
            self.schemas.wrong(list, name, "a list");
            return vec![one.as_ref().into()];
        }
        let names: Vec<_> = list.items().filter_map(|item| Some((item.as_str()?, item))).collect();
        names.into_iter().map(|(name, item)| self.media_type(&name, item)).collect()
    }

    fn old_response(&mut self, at: Val<'t>, operation: Val<'t>) -> Vec<Media> {
        let examples: Vec<_> =
            at.get("examples").map(|all| all.members().collect::<Vec<_>>()).unwrap_or_default();
        let schema = at.get("schema").filter(|schema| schema.is_object());
        let mut id = schema.map(|schema| self.schemas.id(schema));
        if id.is_none() {
            let sample = examples.iter().find(|(name, _)| name.contains("json")).or(examples.first());
            id = sample.and_then(|(_, sample)| self.guess(*sample));
        }
        let Some(id) = id else { return Vec::new() };
        let mut types = self.old_types(operation, "produces");
        if types.is_empty() {
            types.push("application/json".into());
        }
        let media = |media_type: Box<str>| {
            let example =
                examples.iter().find(|(name, _)| **name == *media_type).and_then(|(_, sample)| json(*sample));
            Media { media_type, schema: Some(id), example, ..Media::default() }
        };
        types.into_iter().map(media).collect()
    }

    fn old_request(&mut self, operation: Val<'t>, parts: &[(Val<'t>, OldBody)]) -> Option<Arc<RequestBody>> {
        let whole = parts.iter().rfind(|(_, kind)| matches!(kind, OldBody::Whole));
        let fields: Vec<_> =
            parts.iter().filter(|(_, kind)| matches!(kind, OldBody::Field)).map(|(at, _)| *at).collect();
        let mut types = self.old_types(operation, "consumes");
        let (schema, required, description, example) = if let Some((at, _)) = whole {
            let schema =
                at.get("schema").filter(|schema| schema.is_object()).map(|schema| self.schemas.id(schema));
            if schema.is_none() {
                self.add(*at, Kind::Missing, Action::Guessed, "a body without a schema; it may be anything");
            }
            if types.is_empty() {
                types.push("application/json".into());
            }
            let required = at.get("required").is_some_and(|on| self.schemas.flag(on, "required"));
            let description = at.get("description").and_then(|text| self.text(text, "description"));
            (schema, required, description, None)
        } else if !fields.is_empty() {
            let mut object = Schema::of(Type::Object);
            let mut files = false;
            for at in fields {
                let Some(name) = at.get("name").and_then(|name| name.scalar()) else {
                    self.add(at, Kind::Missing, Action::Skipped, "a form field without a name");
                    continue;
                };
                files |= at.get("type").and_then(|kind| kind.as_str()).as_deref() == Some("file");
                let required = at.get("required").is_some_and(|on| self.schemas.flag(on, "required"));
                object.properties.retain(|property| *property.name != *name);
                let schema = self.schemas.id(at);
                object.properties.push(Property { name: name.as_ref().into(), schema, required });
            }
            if !types.iter().any(|name| name.contains("form")) {
                types = vec![
                    if files { "multipart/form-data" } else { "application/x-www-form-urlencoded" }.into(),
                ];
            }
            let required = object.properties.iter().any(|property| property.required);
            (Some(self.schemas.add(object)), required, None, None)
        } else {
            return None;
        };
        let media = |media_type| Media { media_type, schema, example: example.clone(), ..Media::default() };
        Some(Arc::new(RequestBody { required, description, content: types.into_iter().map(media).collect() }))
    }

    /// A `security` list; `None` if it can't be read, so that what holds around it holds.
    pub(crate) fn requirements(&mut self, at: Val<'t>) -> Option<Vec<Requirement>> {
        if !at.is_list() {
            self.schemas.wrong(at, "security", "a list");
            return None;
        }
        let mut ways = Vec::new();
        for item in at.items() {
            if !item.is_object() {
                self.schemas.wrong(item, "security", "a list of objects");
                continue;
            }
            let mut way = Vec::new();
            for (name, scopes) in item.members() {
                if !self.spec.auth.schemes.iter().any(|scheme| *scheme.name == *name) {
                    let message = format!("there is no security scheme {name:?}");
                    self.add(scopes, Kind::BadSecurity, Action::None, message);
                }
                let list = scopes.items().filter_map(|scope| Some(scope.as_str()?.as_ref().into())).collect();
                way.push((name.as_ref().into(), list));
            }
            ways.push(Requirement(way));
        }
        Some(ways)
    }
}

/// The names of a path's templates.
pub(crate) fn templates(path: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = path;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, next)) = after.split_once('}') else { break };
        // `{+path}` and `{?query*}` are how RFC 6570 says more of a name.
        let name = name.trim_start_matches(['+', '#', '.', '/', ';']).trim_end_matches('*');
        if !name.is_empty() && !name.starts_with(['?', '&']) && !names.contains(&name) {
            names.push(name);
        }
        rest = next;
    }
    names
}

fn shape_of(path: &str) -> String {
    let mut shape = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => {
                inside = true;
                shape.push_str("{}");
            }
            '}' => inside = false,
            _ if !inside => shape.push(c),
            _ => {}
        }
    }
    shape
}

//! Paths, operations, parameters, bodies and answers: a document's parts become the model's.

mod bodies;
mod parameters;

use std::borrow::Cow;
use std::sync::Arc;

use crate::ingestor::fast::{Map, NumberMap, Set};
use crate::ingestor::limits;
use crate::ingestor::schema::{Dialect, SchemaReader};
use crate::ingestor::tree::Val;
use crate::spec::{
    Action, ApiSpec, DiagnosticKind as Kind, Endpoint, EndpointId, Evidence, Media, Method, Parameter,
    RateLimit, RateLimitSource, RequestBody, Requirement, Response,
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
    operations: Map<Box<str>, u64>,
    /// Where each endpoint stands.
    usable: Vec<Val<'t>>,
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
            operations: Map::default(),
            usable: Vec::new(),
        }
    }

    pub(crate) fn old(&self) -> bool {
        self.schemas.dialect == Dialect::Swagger2
    }

    pub(crate) fn add(&mut self, at: Val<'_>, kind: Kind, action: Action, message: impl Into<String>) {
        self.schemas.report.add(at, kind, action, message);
    }

    /// An object and those that it refers to: many descriptions keep whole sections in other files, with or
    /// without more beside the reference.
    pub(crate) fn parts(&mut self, at: Val<'t>) -> Vec<Val<'t>> {
        let mut parts = vec![at];
        let mut here = at;
        while let Some(reference) = self.schemas.reference(here) {
            let Some(next) = self.schemas.resolve(here, &reference, "") else { break };
            if parts.len() > 16 || parts.iter().any(|part| part.key() == next.key()) {
                self.add(at, Kind::CircularReference, Action::Skipped, "the reference leads to itself");
                break;
            }
            parts.push(next);
            here = next;
        }
        parts
    }

    /// The members of an object and of those that it refers to, the nearest of each name.
    pub(crate) fn members(&mut self, at: Val<'t>, name: &str) -> Vec<(Cow<'t, str>, Val<'t>)> {
        if at.is_object() && at.get("$ref").is_none() {
            return at.members().collect();
        }
        let mut all: Vec<(Cow<'t, str>, Val<'t>)> = Vec::new();
        for (number, part) in self.parts(at).into_iter().enumerate() {
            if !part.is_object() {
                self.schemas.wrong(part, name, "an object");
                continue;
            }
            for (name, value) in part.members() {
                let reference = &*name == "$ref" && value.as_str().is_some();
                if !reference && (number == 0 || all.iter().all(|(known, _)| *known != name)) {
                    all.push((name, value));
                }
            }
        }
        all
    }

    /// A section of `components`, which may be in another file.
    pub(crate) fn component(&mut self, section: &str) -> Option<Val<'t>> {
        let components = self.root.get("components")?;
        self.parts(components).into_iter().find_map(|part| part.get(section))
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
        let mut shapes: Map<String, Box<str>> = Map::default();
        for (path, item) in self.members(paths, "paths") {
            if path.starts_with("x-") {
                continue;
            }
            let mut path = path.into_owned();
            if !path.starts_with('/') {
                let message = format!("the path {path:?} doesn't begin with a slash");
                self.add(item, Kind::BadPath, Action::Repaired, message);
                path.insert(0, '/');
            }
            if path.contains('?') {
                let message = format!("the path {path:?} holds a query, which belongs in parameters");
                self.add(item, Kind::BadPath, Action::None, message);
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
        let mut at = at;
        if at.get("$ref").is_some() {
            at = self.parts(at).into_iter().rev().find(|part| part.is_object()).unwrap_or(at);
        }
        let mut endpoint = Endpoint::new(path, method);
        endpoint.servers = servers.to_vec();
        let number = EndpointId(self.spec.endpoints.len() as u32);
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
                _ if limits::is_limit(&name) => self.limit(Some(number), &name, value),
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
            let mut here = Set::default();
            for (item, target) in self.listed(list) {
                self.parameter_into(item, target, &mut endpoint, &mut old_body, &mut here);
            }
        }
        self.check_templates(&mut endpoint, at);
        endpoint.request = match body {
            Some(body) if old_body.is_empty() => self.request(body),
            _ => self.old_request(at, &old_body),
        };
        if let Some(request) = &endpoint.request {
            endpoint.request_schema = Media::preferred(&request.content).and_then(|media| media.schema);
        }
        match responses {
            Some(responses) if responses.is_object() => {
                for (status, response) in self.members(responses, "responses") {
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
        self.usable.push(at);
        let twin = self
            .spec
            .endpoints
            .last()
            .is_some_and(|last| last.path == endpoint.path && last.method == endpoint.method);
        if twin {
            self.usable.pop();
        } else {
            self.spec.endpoints.push(endpoint);
        }
    }

    /// Rate limits that an object's extensions tell of, for all endpoints.
    pub(crate) fn limits(&mut self, at: Val<'t>) {
        for (name, value) in at.members().filter(|(name, _)| limits::is_limit(name)) {
            self.limit(None, &name, value);
        }
    }

    fn limit(&mut self, endpoint: Option<EndpointId>, name: &str, value: Val<'t>) {
        for (requests, per) in limits::told(value) {
            let pointer = value.tree().pointer(value.node());
            let evidence = Evidence::new(pointer, 0.9, format!("the extension {name}"));
            let (source, headers) = (RateLimitSource::Extension, Vec::new());
            let requests = Some(requests);
            self.spec.rate_limits.push(RateLimit { endpoint, requests, per, headers, source, evidence });
        }
    }

    /// Tells of answers and bodies whose schemas say nothing: their fields can't be mapped.
    pub(crate) fn check_usable(&mut self) {
        self.schemas.settle();
        let places = std::mem::take(&mut self.usable);
        for (number, at) in places.into_iter().enumerate() {
            let Some(endpoint) = self.spec.endpoints.get(number) else { continue };
            let json = |content: &[Media]| content.is_empty() || content.iter().any(Media::is_json);
            let answer =
                endpoint.success().filter(|_| endpoint.method.is_safe()).map(|one| &one.response.content);
            let answer = answer.filter(|content| !content.is_empty() && json(content));
            let request = endpoint.request.as_ref().map(|body| &body.content).filter(|content| json(content));
            let mut vague = Vec::new();
            if answer.is_some() && self.schemas.says_nothing(endpoint.response_schema) {
                vague.push("answer");
            }
            if request.is_some() && self.schemas.says_nothing(endpoint.request_schema) {
                vague.push("body");
            }
            for what in vague {
                let message = format!(
                    "the schema of the {what} names no fields, so they can't be mapped; give samples"
                );
                self.add(at, Kind::VagueSchema, Action::None, message);
            }
        }
    }

    /// The parameters of a list, which may be behind a reference, and whose items may be such lists themselves:
    /// each as it stands there, and what it refers to.
    fn listed(&mut self, at: Val<'t>) -> Vec<(Val<'t>, Val<'t>)> {
        let at = if at.is_list() { at } else { self.parts(at).last().copied().unwrap_or(at) };
        if !at.is_list() {
            self.schemas.wrong(at, "parameters", "a list");
            return Vec::new();
        }
        let mut all = Vec::new();
        for item in at.items() {
            let Some(target) = self.follow(item, "parameters") else { continue };
            if target.is_list() {
                let message = "a list within `parameters`; its items are taken";
                self.add(item, Kind::WrongType, Action::Repaired, message);
                let inner: Vec<_> = target.items().collect();
                all.extend(
                    inner.into_iter().filter_map(|item| Some((item, self.follow(item, "parameters")?))),
                );
            } else {
                all.push((item, target));
            }
        }
        all
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
    pub(crate) fn follow(&mut self, at: Val<'t>, section: &str) -> Option<Val<'t>> {
        let mut here = at;
        for _ in 0..32 {
            let Some(reference) = self.schemas.reference(here) else { return Some(here) };
            here = self.schemas.resolve(here, &reference, section)?;
        }
        self.add(at, Kind::CircularReference, Action::Skipped, "the reference leads to itself");
        None
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

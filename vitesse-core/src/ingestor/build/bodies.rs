//! Bodies and answers, and their media types.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Builder, OldBody};
use crate::ingestor::schema::json;
use crate::ingestor::tree::Val;
use crate::spec::{
    Action, DiagnosticKind as Kind, Endpoint, Location, Media, Property, RequestBody, Response, Schema,
    SchemaId, StatusResponse, Type,
};

impl<'t> Builder<'t> {
    pub(super) fn request(&mut self, at: Val<'t>) -> Option<Arc<RequestBody>> {
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

    pub(super) fn content(&mut self, at: Val<'t>) -> Vec<Media> {
        let members = self.members(at, "content");
        members.into_iter().filter_map(|(name, media)| self.media(&name, media)).collect()
    }

    pub(super) fn media(&mut self, name: &str, at: Val<'t>) -> Option<Media> {
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
    pub(super) fn guess(&mut self, sample: Val<'t>) -> Option<SchemaId> {
        let value = json(sample)?.value();
        // Some documents carry their JSON samples as texts.
        let value = match &value {
            serde_json::Value::String(text) => serde_json::from_str(text).unwrap_or(value),
            _ => value,
        };
        self.add(sample, Kind::GuessedSchema, Action::Guessed, "the schema is inferred from an example");
        Some(crate::ingestor::infer::schema(std::slice::from_ref(&value), &mut |schema| {
            self.schemas.add(schema)
        }))
    }

    pub(super) fn media_type(&mut self, name: &str, at: Val<'_>) -> Box<str> {
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

    pub(super) fn response_into(
        &mut self,
        status: &str,
        at: Val<'t>,
        operation: Val<'t>,
        endpoint: &mut Endpoint,
    ) {
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
            for (name, header) in self.members(headers, "headers") {
                if let Some(header) = self.follow(header, "headers")
                    && header.is_object()
                {
                    let header = self.value(header, &name, Location::Header);
                    response.headers.push(header);
                }
            }
        }
        if let Some(content) = at.get("content") {
            response.content = self.content(content);
        } else if self.old() {
            response.content = self.old_response(at, operation);
        } else if let Some(schema) = at.get("schema") {
            let message = "the schema stands in the response itself, as in Swagger 2.0";
            self.add(schema, Kind::UnknownMember, Action::Repaired, message);
            response.content = self.old_response(at, operation);
        }
        let response = Arc::new(response);
        self.responses.insert(at.key(), Arc::clone(&response));
        endpoint.responses.push(StatusResponse { status, response });
    }

    /// What an operation of Swagger 2.0, or else its document, says it takes or gives.
    pub(super) fn old_types(&mut self, operation: Val<'t>, name: &str) -> Vec<Box<str>> {
        let Some(list) = operation.get(name).or_else(|| self.root.get(name)) else { return Vec::new() };
        if let Some(one) = list.as_str() {
            self.schemas.wrong(list, name, "a list");
            return vec![one.as_ref().into()];
        }
        let names: Vec<_> = list.items().filter_map(|item| Some((item.as_str()?, item))).collect();
        names.into_iter().map(|(name, item)| self.media_type(&name, item)).collect()
    }

    pub(super) fn old_response(&mut self, at: Val<'t>, operation: Val<'t>) -> Vec<Media> {
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

    pub(super) fn old_request(
        &mut self,
        operation: Val<'t>,
        parts: &[(Val<'t>, OldBody)],
    ) -> Option<Arc<RequestBody>> {
        let whole = parts.iter().rfind(|(_, kind)| matches!(kind, OldBody::Whole));
        let fields: Vec<_> =
            parts.iter().filter(|(_, kind)| matches!(kind, OldBody::Field)).map(|(at, _)| *at).collect();
        if whole.is_some() && parts.len() > 1 {
            let message = "only one body can be sent; the last that is one counts";
            self.add(operation, Kind::DuplicateParameter, Action::Skipped, message);
        }
        let mut types = self.old_types(operation, "consumes");
        let (schema, required, description, example) = if let Some((at, _)) = whole {
            let mut schema =
                at.get("schema").filter(|schema| schema.is_object()).map(|schema| self.schemas.id(schema));
            if schema.is_none() && ["type", "properties", "items"].iter().any(|name| at.get(name).is_some()) {
                let message = "the body's schema stands beside its name, not under `schema`";
                self.add(*at, Kind::UnknownMember, Action::Repaired, message);
                schema = Some(self.schemas.id(*at));
            }
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
}

//! Parameters and headers.

use std::sync::Arc;

use super::{Builder, OldBody, templates};
use crate::ingestor::fast::Set;
use crate::ingestor::schema::json;
use crate::ingestor::tree::Val;
use crate::spec::{Action, DiagnosticKind as Kind, Endpoint, Location, Parameter, Schema, Style, Type};

impl<'t> Builder<'t> {
    pub(super) fn parameter_into(
        &mut self,
        item: Val<'t>,
        at: Val<'t>,
        endpoint: &mut Endpoint,
        old_body: &mut Vec<(Val<'t>, OldBody)>,
        here: &mut Set<(Location, Box<str>)>,
    ) {
        if !at.is_object() {
            let message = format!("a parameter is {}, not an object", at.what());
            return self.add(item, Kind::WrongType, Action::Skipped, message);
        }
        let place = at.get("in").and_then(|place| place.as_str()).unwrap_or_default();
        let kind = match place.to_ascii_lowercase().as_str() {
            "body" => Some(OldBody::Whole),
            "formdata" | "form" => Some(OldBody::Field),
            _ => None,
        };
        if let Some(kind) = kind {
            if !self.old() {
                let message = "a body is a parameter, as in Swagger 2.0";
                self.add(at, Kind::UnknownValue, Action::Repaired, message);
            } else if !matches!(&*place, "body" | "formData") {
                let message = format!("{place:?} is read as the place it looks like");
                self.add(at, Kind::UnknownValue, Action::Repaired, message);
            }
            return old_body.push((at, kind));
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

    pub(super) fn parameter(&mut self, at: Val<'t>) -> Option<Arc<Parameter>> {
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

    pub(super) fn read_parameter(&mut self, at: Val<'t>) -> Option<Parameter> {
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
    pub(super) fn value(&mut self, at: Val<'t>, name: &str, location: Location) -> Parameter {
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
    pub(super) fn check_templates(&mut self, endpoint: &mut Endpoint, at: Val<'t>) {
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
}

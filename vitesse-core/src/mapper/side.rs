use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::matching::read_json_schema;
use crate::error::{Error, ErrorKind, Result, nearest};
use crate::spec::{
    Additional, ApiSpec, Endpoint, EndpointId, EndpointRole, Method, Schema, SchemaId, Schemas, Step,
    parse_path,
};

/// One side of a mapping: where records come from, or where they go.
#[derive(Clone, Copy, Debug)]
pub enum Side<'a> {
    /// An endpoint of an API: a source's read gives the record's schema, a destination's write takes it.
    ///
    /// If it is the other kind of endpoint, its counterpart on the same resource is taken.
    Endpoint {
        /// The API.
        spec: &'a ApiSpec,
        /// The endpoint.
        endpoint: EndpointId,
    },
    /// A plain JSON Schema of one record. The mapping has no connection blocks then.
    Schema {
        /// What a record is called, such as `Shop order`; may be empty.
        name: &'a str,
        /// The schema.
        schema: &'a Value,
    },
}

impl<'a> Side<'a> {
    /// The endpoint of that method and path.
    ///
    /// # Errors
    /// `not_found`, with the nearest endpoint.
    pub fn endpoint(spec: &'a ApiSpec, method: &Method, path: &str) -> Result<Self> {
        let endpoint = find_endpoint(spec, method, path)?;
        Ok(Self::Endpoint { spec, endpoint })
    }

    /// A JSON Schema; a record is called what its `title` says.
    pub fn schema(schema: &'a Value) -> Self {
        let name = schema.get("title").and_then(Value::as_str).unwrap_or_default();
        Self::Schema { name, schema }
    }
}

/// Which of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Source,
    Destination,
}

impl Role {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }
}

/// A side with its record's schema found.
#[derive(Clone, Debug)]
pub(super) struct Resolved<'a> {
    /// What a record is called.
    pub(super) name: String,
    /// What the API is called; empty for a plain schema.
    pub(super) api: &'a str,
    pub(super) schemas: Schemas,
    pub(super) root: SchemaId,
    /// The API and the endpoint that was settled on.
    pub(super) endpoint: Option<(&'a ApiSpec, EndpointId)>,
}

impl<'a> Resolved<'a> {
    pub(super) fn new(side: &Side<'a>, role: Role) -> Result<Self> {
        match *side {
            Side::Schema { name, schema } => {
                let (schemas, root) = read_json_schema(schema);
                let (schemas, root) = reach(&schemas, root, role);
                Ok(Self { name: name.to_owned(), api: "", schemas, root, endpoint: None })
            }
            Side::Endpoint { spec, endpoint } => {
                let (id, record) = record_of(spec, endpoint, role)?;
                let (schemas, root) = reach(&spec.schemas, record, role);
                let path = spec.get(id).map_or("", |endpoint| &*endpoint.path);
                // Without the API's own name: `Shop API` and `CRM API` aren't about the same because of it.
                let name = record_name(path);
                Ok(Self { name, api: &spec.api_name, schemas, root, endpoint: Some((spec, id)) })
            }
        }
    }

    /// The API and its records, for who reads it.
    #[cfg(feature = "llm")]
    pub(super) fn called(&self) -> String {
        format!("{} {}", self.api, self.name).trim().to_owned()
    }

    /// The endpoint that was settled on.
    pub(super) fn operation(&self) -> Option<&'a Endpoint> {
        self.endpoint.and_then(|(spec, id)| spec.get(id))
    }

    /// The same side as if it had no field at `path`, nor anything in it.
    pub(super) fn without(&mut self, path: &str) -> bool {
        let Some(steps) = parse_path(path) else { return false };
        match remove(&mut self.schemas, self.root, &steps) {
            Some(root) => {
                self.root = root;
                true
            }
            None => false,
        }
    }
}

/// The endpoint of that method and path, or an error that names the nearest.
pub(super) fn find_endpoint(spec: &ApiSpec, method: &Method, path: &str) -> Result<EndpointId> {
    if let Some(found) = spec.id_of(method, path) {
        return Ok(found);
    }
    let written = format!("{method} {path}");
    let known: Vec<String> =
        spec.endpoints.iter().map(|endpoint| format!("{} {}", endpoint.method, endpoint.path)).collect();
    let error = Error::new(ErrorKind::NotFound, "the API has no such endpoint")
        .in_operation("mapper.side")
        .with("endpoint", &written)
        .with("api", &spec.api_name);
    let same_path = known.iter().find(|known| known.ends_with(&format!(" {path}")));
    Err(match same_path.map(String::as_str).or_else(|| nearest(&written, known.iter().map(String::as_str))) {
        Some(name) => error.help(format!("did you mean {name:?}?")),
        None => error.help("`vitesse spec` lists what the API has"),
    })
}

/// The endpoint that plays the role, and the schema of its records.
pub(super) fn record_of(spec: &ApiSpec, id: EndpointId, role: Role) -> Result<(EndpointId, SchemaId)> {
    let own = |id: EndpointId| {
        let endpoint = spec.get(id)?;
        let schema = match role {
            Role::Source => {
                let records = endpoint.records.as_ref().and_then(|records| records.schema);
                records.or(endpoint.response_schema)
            }
            Role::Destination => endpoint.request_schema,
        };
        schema.map(|schema| (id, schema))
    };
    let own_role = spec.get(id).and_then(|endpoint| endpoint.role);
    let elsewhere = match role {
        Role::Source => matches!(
            own_role,
            Some(EndpointRole::Create | EndpointRole::Update | EndpointRole::Replace | EndpointRole::Delete)
        ),
        Role::Destination => {
            matches!(own_role, Some(EndpointRole::List | EndpointRole::Get | EndpointRole::Delete))
        }
    };
    let counterpart = || spec.counterpart(id).and_then(own);
    let found = if elsewhere { counterpart().or_else(|| own(id)) } else { own(id).or_else(counterpart) };
    found.ok_or_else(|| {
        let (what, help) = match role {
            Role::Source => {
                ("the description doesn't say what the endpoint answers", "choose an endpoint that reads")
            }
            Role::Destination => {
                ("the description doesn't say what the endpoint takes", "choose an endpoint that writes")
            }
        };
        let named = spec.get(id).map(|e| format!("{} {}", e.method, e.path)).unwrap_or_default();
        Error::new(ErrorKind::SpecInvalid, what)
            .in_operation("mapper.side")
            .with("endpoint", named)
            .with("api", &spec.api_name)
            .help(format!("{help}, or give the {}'s schema as a JSON Schema file", role.word()))
    })
}

/// `order` of `/v2/orders/{id}`.
pub(super) fn record_name(path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path);
    let word = path.split('/').rfind(|part| !part.is_empty() && !part.contains('{')).unwrap_or_default();
    singular(word.split('.').next().unwrap_or(word))
}

/// A word for one of many: `companies` becomes `company`.
pub(super) fn singular(word: &str) -> String {
    let cut = |count: usize| word[..word.len() - count].to_owned();
    if word.ends_with("ies") && word.len() > 4 {
        format!("{}y", cut(3))
    } else if ["sses", "xes", "ches", "shes"].iter().any(|end| word.ends_with(end)) {
        cut(2)
    } else if word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") && word.len() > 2 {
        cut(1)
    } else {
        word.to_owned()
    }
}

/// A table of only what can be reached from `root`, without the fields that never go this way: read-only
/// ones to a destination, write-only ones from a source.
fn reach(schemas: &Schemas, root: SchemaId, role: Role) -> (Schemas, SchemaId) {
    let mut order = vec![root];
    let mut places = HashMap::from([(root, SchemaId(0))]);
    let mut next = 0;
    while let Some(id) = order.get(next).copied() {
        next += 1;
        let Some(schema) = schemas.get(id) else { continue };
        for id in children(schema) {
            places.entry(id).or_insert_with(|| {
                order.push(id);
                SchemaId((order.len() - 1) as u32)
            });
        }
    }
    let goes = |id: SchemaId| {
        schemas.get(id).is_none_or(|schema| match role {
            Role::Source => !schema.write_only,
            Role::Destination => !schema.read_only,
        })
    };
    let place = |id: SchemaId| places.get(&id).copied().unwrap_or(SchemaId(0));
    let mut table = Schemas::default();
    for id in &order {
        let mut schema = schemas.get(*id).cloned().unwrap_or_default();
        schema.properties.retain(|property| goes(property.schema));
        for property in &mut schema.properties {
            property.schema = place(property.schema);
        }
        if let Additional::Schema(id) = &mut schema.additional {
            *id = place(*id);
        }
        schema.items = schema.items.map(place);
        schema.one_of.iter_mut().chain(&mut schema.any_of).for_each(|id| *id = place(*id));
        if let Some(details) = &mut schema.details {
            // What refers to schemas here says nothing about fields.
            details.prefix_items.clear();
            details.pattern_properties.clear();
            details.not = None;
            details.bases.clear();
            details.discriminator = None;
        }
        table.add(schema);
    }
    (table, SchemaId(0))
}

fn children(schema: &Schema) -> impl Iterator<Item = SchemaId> + '_ {
    let additional = match schema.additional {
        Additional::Schema(id) => Some(id),
        _ => None,
    };
    let properties = schema.properties.iter().map(|property| property.schema);
    let others = schema.one_of.iter().chain(&schema.any_of).copied();
    properties.chain(additional).chain(schema.items).chain(others)
}

/// The schema like `id` but without the field at `steps`; copies only what is on the way.
fn remove(schemas: &mut Schemas, id: SchemaId, steps: &[Step]) -> Option<SchemaId> {
    let (step, rest) = steps.split_first()?;
    let mut schema = schemas.get(id)?.clone();
    match step {
        Step::Key(name) => {
            let at = schema.properties.iter().position(|property| *property.name == **name)?;
            if rest.is_empty() || rest == [Step::Items] {
                schema.properties.remove(at);
            } else {
                schema.properties[at].schema = remove(schemas, schema.properties[at].schema, rest)?;
            }
        }
        Step::Items => schema.items = Some(remove(schemas, schema.items?, rest)?),
    }
    Some(schemas.add(schema))
}

/// A path of `spec` as a path of a mapping: the one takes keys bare that the other wants quoted.
pub(super) fn field_path(path: &str) -> crate::mapping::FieldPath {
    use crate::mapping::{FieldPath, Step as To};
    if let Ok(path) = path.parse() {
        return path;
    }
    let steps: Cow<'_, [Step]> = parse_path(path).unwrap_or_default().into();
    FieldPath::new(steps.iter().map(|step| match step {
        Step::Key(key) => To::Key(key.clone()),
        Step::Items => To::Each,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_that_never_go_this_way_are_left_out() {
        let schema = json!({"properties": {
            "id": {"type": "string", "readOnly": true},
            "secret": {"type": "string", "writeOnly": true},
            "email": {"type": "string"}
        }});
        let paths = |role| {
            let side = Resolved::new(&Side::schema(&schema), role).unwrap();
            side.schemas.fields(side.root, 4).into_iter().map(|field| field.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(Role::Source), ["email", "id"]);
        assert_eq!(paths(Role::Destination), ["email", "secret"]);
    }

    #[test]
    fn a_field_is_taken_out_in_one_place_only() {
        let schema = json!({"$defs": {"A": {"properties": {"street": {}, "city": {}}}},
            "properties": {"home": {"$ref": "#/$defs/A"}, "work": {"$ref": "#/$defs/A"}}});
        let mut side = Resolved::new(&Side::schema(&schema), Role::Source).unwrap();
        assert!(side.without("home.street") && !side.without("home.zip"));
        let paths: Vec<_> = side.schemas.fields(side.root, 4).into_iter().map(|field| field.path).collect();
        assert_eq!(paths, ["home.city", "work.city", "work.street"]);
    }

    #[test]
    fn an_endpoint_that_is_not_there_is_told_with_the_nearest() {
        let mut spec = ApiSpec::new("Shop");
        spec.endpoints.push(Endpoint::new("/customers", Method::Get));
        let error = Side::endpoint(&spec, &Method::Post, "/customers").unwrap_err().to_string();
        assert!(error.contains("did you mean \"GET /customers\"?"), "{error}");
        let error = Side::endpoint(&spec, &Method::Get, "/customer").unwrap_err().to_string();
        assert!(error.contains("GET /customers"), "{error}");
    }

    #[test]
    fn one_of_many() {
        for (many, one) in
            [("orders", "order"), ("companies", "company"), ("boxes", "box"), ("status", "status")]
        {
            assert_eq!(singular(many), one);
        }
        assert_eq!(record_name("/v2/orders/{id}"), "order");
    }
}

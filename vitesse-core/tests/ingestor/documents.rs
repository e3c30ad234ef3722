//! Small documents that show one thing each.

use serde_json::json;
use vitesse_core::ErrorKind;
use vitesse_core::ingestor::{Ingested, ReadOptions, SourceDocument, missing_documents, read, read_set};
use vitesse_core::spec::{
    ApiSpec, AuthType, EndpointRole, FlowKind, Location, Method, PaginationKind, SchemaId, SchemeKind, Style,
};

fn ingest(text: &str) -> Ingested {
    read(text.as_bytes(), &ReadOptions::default()).unwrap()
}

fn told(found: &Ingested) -> Vec<String> {
    found.diagnostics.iter().map(|d| format!("{} {}", d.kind.id(), d.pointer)).collect()
}

fn fields(spec: &ApiSpec, id: SchemaId) -> String {
    let list = spec.schemas.fields(id, 5).into_iter().map(|field| {
        let schema = spec.schemas.get(field.schema).unwrap();
        format!("{}{} {}", field.path, if field.required { "!" } else { "" }, schema.types)
    });
    list.collect::<Vec<_>>().join(", ")
}

#[test]
fn swagger_2_is_translated() {
    let found = ingest(
        r##"
swagger: "2.0"
info: {title: Pets, version: 1.10}
host: pets.test
basePath: /api/
schemes: [http, https]
consumes: [application/json]
produces: [application/json, application/xml]
securityDefinitions:
  key: {type: apiKey, name: X-Key, in: header}
  login: {type: oauth2, flow: accessCode, authorizationUrl: "https://a.test", tokenUrl: "https://t.test", scopes: {read: Reads}}
security: [{login: [read]}]
paths:
  /pets/{id}:
    parameters: [{name: id, in: path, required: true, type: integer, format: int64}]
    get:
      parameters:
        - {name: tags, in: query, type: array, items: {type: string}, collectionFormat: multi}
        - {name: ids, in: query, type: array, items: {type: string}, collectionFormat: pipes}
      responses:
        200: {description: ok, schema: {$ref: "#/definitions/Pet"}}
    put:
      security: []
      parameters: [{name: body, in: body, required: true, schema: {$ref: "#/definitions/Pet"}}]
      responses: {204: {description: done}}
    post:
      parameters:
        - {name: photo, in: formData, type: file, required: true}
        - {name: note, in: formData, type: string}
      responses: {default: {description: x, schema: {type: string}}}
definitions:
  Pet:
    type: object
    required: [name]
    properties:
      name: {type: string}
      nick: {type: string, x-nullable: true}
"##,
    );
    assert_eq!(told(&found), [""; 0]);
    let spec = &found.spec;
    assert_eq!(spec.api_version.as_deref(), Some("1.10"));
    assert_eq!(spec.base_url.as_deref(), Some("https://pets.test/api"));
    assert_eq!(spec.auth_type, AuthType::Oauth2);
    let get = spec.endpoint(&Method::Get, "/pets/{id}").unwrap();
    assert_eq!(fields(spec, get.response_schema.unwrap()), "name! string, nick string or null");
    let tags = get.parameter(Location::Query, "tags").unwrap();
    assert!(tags.explode && tags.style == Style::Form);
    assert_eq!(get.parameter(Location::Query, "ids").unwrap().style, Style::PipeDelimited);
    assert_eq!(get.success().unwrap().response.content.len(), 2);
    let put = spec.endpoint(&Method::Put, "/pets/{id}").unwrap();
    assert_eq!(put.request_schema, get.response_schema);
    assert!(spec.auth_of(put).is_empty());
    let post = spec.endpoint(&Method::Post, "/pets/{id}").unwrap();
    let body = post.request.as_ref().unwrap();
    assert_eq!(&*body.content[0].media_type, "multipart/form-data");
    assert_eq!(fields(spec, post.request_schema.unwrap()), "photo! string, note string");
    let SchemeKind::Oauth2 { flows, .. } = &spec.auth.schemes[1].kind else { panic!() };
    assert_eq!(flows[0].kind, FlowKind::AuthorizationCode);
}

#[test]
fn all_of_is_merged_and_alternatives_are_kept() {
    let found = ingest(
        r##"
openapi: 3.0.3
info: {title: T, version: "1"}
paths: {}
components:
  schemas:
    Base: {type: object, required: [id], properties: {id: {type: integer}, at: {type: string}}}
    Dog:
      allOf:
        - $ref: "#/components/schemas/Base"
        - {type: object, required: [bark], properties: {bark: {type: string}, at: {format: date-time}, pup: {$ref: "#/components/schemas/Dog"}}}
    Either: {oneOf: [{$ref: "#/components/schemas/Dog"}, {type: string}], discriminator: {propertyName: kind, mapping: {dog: Dog}}}
    Loop: {allOf: [{$ref: "#/components/schemas/Loop"}, {properties: {a: {type: string}}}]}
"##,
    );
    let spec = &found.spec;
    let dog = spec.schemas.named("Dog").unwrap();
    assert_eq!(fields(spec, dog), "id! integer, at string, bark! string, pup object");
    assert_eq!(spec.schemas.field(dog, "pup.pup.pup").unwrap().schema, dog);
    let at = spec.schemas.get(spec.schemas.field(dog, "at").unwrap().schema).unwrap();
    assert_eq!(at.format.as_deref(), Some("date-time"));
    let base = spec.schemas.named("Base").unwrap();
    assert_eq!(spec.schemas.get(dog).unwrap().details().bases, [base]);
    let either = spec.schemas.get(spec.schemas.named("Either").unwrap()).unwrap();
    assert_eq!(either.one_of.len(), 2);
    assert_eq!(either.details().discriminator.as_ref().unwrap().mapping, [("dog".into(), dog)]);
    assert_eq!(fields(spec, spec.schemas.named("Loop").unwrap()), "a string");
}

#[test]
fn references_of_3_1_have_siblings_anchors_and_ids() {
    let found = ingest(
        r##"
openapi: 3.1.0
info: {title: T, version: "1"}
paths:
  "/odd~path/{a}":
    get:
      parameters: [{name: a, in: path, required: true, schema: {type: [integer, "null"]}}]
      responses: {"200": {description: ok, content: {application/json: {schema: {$ref: "#thing"}}}}}
components:
  schemas:
    Thing: {$anchor: thing, type: object, properties: {a: {$ref: "#/components/schemas/Odd%20name", description: mine}}}
    Odd name: {type: string, description: theirs}
    Tree: {$id: "https://t.test/tree", type: object, $defs: {leaf: {type: boolean}}, properties: {leaf: {$ref: "#/$defs/leaf"}}}
    Other: {type: object, properties: {tree: {$ref: "https://t.test/tree#/$defs/leaf"}, null: {anyOf: [{type: "null"}, {$ref: "#thing"}]}}}
    Param: {$ref: "#/paths/~1odd~0path~1{a}/get/parameters/0/schema"}
"##,
    );
    assert_eq!(told(&found), [""; 0]);
    let spec = &found.spec;
    let thing = spec.endpoints[0].response_schema.unwrap();
    assert_eq!(spec.schemas.get(thing).unwrap().name.as_deref(), Some("Thing"));
    let a = spec.schemas.get(spec.schemas.field(thing, "a").unwrap().schema).unwrap();
    assert_eq!(a.description.as_deref(), Some("mine"));
    assert_eq!(fields(spec, spec.schemas.named("Tree").unwrap()), "leaf boolean");
    assert_eq!(fields(spec, spec.schemas.named("Other").unwrap()), "tree boolean, null.a string");
    assert_eq!(
        spec.schemas.get(spec.schemas.named("Param").unwrap()).unwrap().types.to_string(),
        "integer or null"
    );
}

#[test]
fn documents_are_read_together() {
    let main = br##"
openapi: 3.0.0
info: {title: T, version: "1"}
servers: [{url: ../v2}]
paths:
  /a: {$ref: "paths/a.yaml"}
  /b: {get: {responses: {"200": {$ref: "common.json#/responses/Gone"}}}}
"##;
    let path = br##"
get:
  responses:
    "200": {description: ok, content: {application/json: {schema: {$ref: "../common.json#/Order"}}}}
"##;
    let common = br##"{"Order": {"type": "object", "properties": {"id": {"type": "integer"}, "self": {"$ref": "#/Order"}}}}"##;
    let main = SourceDocument { address: "https://t.test/specs/api.yaml", bytes: main };
    let options = ReadOptions::default();
    assert_eq!(
        missing_documents(&[main], &options).unwrap(),
        ["https://t.test/specs/paths/a.yaml", "https://t.test/specs/common.json"]
    );
    let all = [
        main,
        SourceDocument { address: "https://t.test/specs/paths/a.yaml", bytes: path },
        SourceDocument { address: "https://t.test/specs/common.json", bytes: common },
    ];
    assert_eq!(missing_documents(&all, &options).unwrap(), [""; 0]);
    let found = read_set(&all, &options).unwrap();
    assert_eq!(found.spec.base_url.as_deref(), Some("https://t.test/v2"));
    let order = found.spec.endpoints[0].response_schema.unwrap();
    assert_eq!(found.spec.schemas.get(order).unwrap().name.as_deref(), Some("Order"));
    assert_eq!(found.spec.schemas.field(order, "self.self.id").map(|f| f.required), Some(false));
    let lost = found.diagnostics.iter().find(|d| d.kind.id() == "dangling_reference").unwrap();
    assert_eq!((lost.pointer.as_str(), lost.line), ("#/paths/~1b/get/responses/200", Some(7)));
}

#[test]
fn what_is_no_description_is_told_apart() {
    let what = |text: &str| {
        let error = read(text.as_bytes(), &ReadOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SpecInvalid);
        error.message().to_owned()
    };
    for (text, like) in [
        ("<!doctype html><html><body>Docs</body>", "an HTML page"),
        ("<html><form><input type=password>Log in", "a login page"),
        (
            r#"{"info": {"_postman_id": "1", "schema": "https://schema.getpostman.com/x"}, "item": []}"#,
            "a Postman collection",
        ),
        (r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}"#, "a JSON Schema"),
        (r#"{"data": {"__schema": {}}}"#, "a GraphQL schema"),
        ("type Query { a: Int }", "a GraphQL schema"),
        (r#"{"swaggerVersion": "1.2", "apis": []}"#, "Swagger 1.x"),
        ("asyncapi: 3.0.0", "AsyncAPI"),
        (r#"{"error": "unauthorized"}"#, "an error answer"),
        ("", "an empty document"),
        ("just words", "plain text"),
    ] {
        assert!(what(text).contains(like), "{text}: {}", what(text));
    }
    let broken =
        read(b"{\n \"openapi\": \"3.0.0\",\n \"info\": {\"title\" \"T\"}\n}", &ReadOptions::default())
            .unwrap_err();
    assert!(broken.to_string().contains("line: 3"), "{broken}");
    let large = ReadOptions { max_bytes: 10, ..ReadOptions::default() };
    assert_eq!(read(&[b' '; 11], &large).unwrap_err().kind(), ErrorKind::LimitExceeded);
}

#[test]
fn loose_json_other_encodings_and_missing_versions_are_repaired() {
    let loose =
        ingest("{\"openapi\": \"3.0.0\", 'info': {\"title\": \"T\", \"version\": \"1\",}, \"paths\": {},}");
    assert_eq!(told(&loose), ["loose_syntax #"]);
    let text = r#"{"info": {"title": "T", "version": "1"}, "paths": {"/a": {"get": {"responses": {"200": {"description": "é"}}}}}}"#;
    let mut wide = vec![0xff, 0xfe];
    wide.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let found = read(&wide, &ReadOptions::default()).unwrap();
    assert_eq!(told(&found), ["encoding #", "version_unclear #"]);
    assert_eq!(found.spec.endpoints[0].responses[0].response.description.as_deref(), Some("é"));
}

#[test]
fn what_is_derived_is_found() {
    let found = ingest(
        r##"
openapi: 3.0.0
info: {title: Shop, version: "1", description: At most 600 requests per minute.}
servers: [{url: "https://{region}.shop.test/", variables: {region: {default: eu, enum: [eu, us]}}}]
security: [{key: []}]
paths:
  /customers:
    get:
      parameters:
        - {name: cursor, in: query, schema: {type: string}}
        - {name: limit, in: query, schema: {type: integer, default: 20, maximum: 100}}
        - {name: updated_since, in: query, schema: {type: string}}
      responses:
        "200":
          description: ok
          headers: {X-RateLimit-Remaining: {schema: {type: integer}}}
          content:
            application/json:
              schema:
                type: object
                properties:
                  data: {type: array, items: {$ref: "#/components/schemas/Customer"}}
                  paging: {type: object, properties: {next: {type: string}, total: {type: integer}}}
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Customer"}}}}
      responses: {"201": {description: made, content: {application/json: {schema: {$ref: "#/components/schemas/Customer"}}}}}
  /customers/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {responses: {"200": {description: ok, content: {application/json: {example: {id: a, n: 1}}}}}}
    delete: {responses: {"204": {description: gone}}}
components:
  securitySchemes: {key: {type: http, scheme: bearer}}
  schemas:
    Customer: {type: object, properties: {id: {type: string}, created_at: {type: string, format: date-time}, updatedAt: {type: string, format: date-time}}}
"##,
    );
    assert_eq!(
        told(&found),
        ["guessed_schema #/paths/~1customers~1{id}/get/responses/200/content/application~1json/example"]
    );
    let spec = &found.spec;
    assert_eq!(spec.base_url.as_deref(), Some("https://eu.shop.test"));
    assert_eq!((spec.auth_type, spec.pagination_type), (AuthType::Bearer, PaginationKind::Cursor));
    let list = spec.endpoint(&Method::Get, "/customers").unwrap();
    assert_eq!(list.role, Some(EndpointRole::List));
    let pages = list.pagination.as_ref().unwrap();
    assert_eq!((pages.param.as_deref(), pages.from.as_deref()), (Some("cursor"), Some("paging.next")));
    assert_eq!(
        (pages.size_default, pages.size_max, pages.total.as_deref()),
        (Some(20), Some(100), Some("paging.total"))
    );
    let records = list.records.as_ref().unwrap();
    assert_eq!((&*records.path, records.id_field.as_deref()), ("data[]", Some("id")));
    assert_eq!(
        (records.created_field.as_deref(), records.updated_field.as_deref()),
        (Some("created_at"), Some("updatedAt"))
    );
    assert_eq!(records.since_param.as_deref(), Some("updated_since"));
    let resource = &spec.resources[0];
    assert_eq!((&*resource.name, resource.endpoints().count()), ("customers", 4));
    assert_eq!(spec.counterpart(spec.id_of(&Method::Get, "/customers").unwrap()), resource.create);
    assert_eq!(spec.rate_limits.len(), 2);
    assert_eq!(spec.rate_limits[1].requests, Some(600));
    let text = serde_json::to_string(spec).unwrap();
    assert_eq!(&serde_json::from_str::<ApiSpec>(&text).unwrap(), spec);
}

#[test]
fn a_list_is_paged_by_the_parameter_that_leads_on() {
    let paged = |params: &[&str]| {
        let text_of = json!({"type": "string"});
        let params: Vec<_> =
            params.iter().map(|name| json!({"name": name, "in": "query", "schema": text_of})).collect();
        let list = json!({"type": "array", "items": {"type": "object", "properties": {"id": text_of}}});
        let schema = json!({"type": "object", "properties": {"has_more": {"type": "boolean"}, "data": list}});
        let answer = json!({"description": "ok", "content": {"application/json": {"schema": schema}}});
        let get = json!({"parameters": params, "responses": {"200": answer}});
        let text = json!({"openapi": "3.0.0", "info": {"title": "T", "version": "1"}, "paths": {"/a": {"get": get}}});
        let text = text.to_string();
        let found = ingest(&text).spec;
        let list = found.endpoint(&Method::Get, "/a").unwrap();
        list.pagination.as_ref().and_then(|pages| pages.param.clone())
    };
    assert_eq!(paged(&["ending_before", "limit", "starting_after"]).as_deref(), Some("starting_after"));
    assert_eq!(paged(&["since_id", "limit", "max_id", "min_id"]).as_deref(), Some("max_id"));
    // Back is no way on.
    assert_eq!(paged(&["ending_before", "limit"]), None);
}

#[test]
fn one_record_may_stand_beside_errors() {
    let text_of = json!({"type": "string"});
    let record = json!({"type": "object", "properties": {"id": text_of, "name": text_of}});
    let errors = json!({"type": "array", "items": {"type": "object", "properties": {"code": text_of}}});
    let schema = json!({"type": "object", "properties": {"errors": errors, "customer": record}});
    let answer = json!({"description": "ok", "content": {"application/json": {"schema": schema}}});
    let paths = json!({"/customers": {"post": {"responses": {"200": answer}}}});
    let text =
        json!({"openapi": "3.0.0", "info": {"title": "T", "version": "1"}, "paths": paths}).to_string();
    let found = ingest(&text).spec;
    let records = found.endpoint(&Method::Post, "/customers").unwrap().records.clone().unwrap();
    assert_eq!((&*records.path, records.many, records.id_field.as_deref()), ("customer", false, Some("id")));
}

#[test]
fn wording_is_not_shape() {
    let with = |about: &str, kind: &str| {
        let text = format!(
            "openapi: 3.0.0\ninfo: {{title: T, version: '1'}}\npaths: {{/a: {{get: {{description: {about}, responses: {{'200': {{description: {about}, content: {{application/json: {{schema: {{type: {kind}}}}}}}}}}}}}}}}}"
        );
        ingest(&text).spec
    };
    let (one, two, three) = (with("one", "string"), with("two", "string"), with("one", "integer"));
    assert_ne!(one.content_hash, two.content_hash);
    assert_eq!(one.shape_hash, two.shape_hash);
    assert_ne!(one.shape_hash, three.shape_hash);
}

//! What only the newest version has.

use vitesse_core::ingestor::{ReadOptions, read};
use vitesse_core::spec::{FlowKind, Location, Method, SchemeKind, Style};

#[test]
fn openapi_3_2_is_read() {
    let text = r##"
openapi: 3.2.0
$self: https://t.test/api/openapi.yaml
info: {title: Streams, version: "1"}
servers: [{url: https://t.test/v1, name: live}]
tags: [{name: logs, kind: nav, parent: all}, {name: all}]
paths:
  /search:
    query:
      operationId: search
      requestBody: {content: {application/json: {schema: {type: object, properties: {text: {type: string}}}}}}
      responses: {"200": {summary: Found, content: {application/json: {schema: {$ref: "#/components/schemas/Hits"}}}}}
    additionalOperations:
      LINK: {operationId: link, responses: {"204": {}}}
  /logs:
    get:
      parameters:
        - {name: filter, in: querystring, content: {application/x-www-form-urlencoded: {schema: {type: object}}}}
        - {name: session, in: cookie, style: cookie, schema: {type: string}}
      responses:
        "200":
          description: lines
          content:
            application/jsonl: {itemSchema: {$ref: "openapi.yaml#/components/schemas/Line"}}
            text/event-stream: {$ref: "#/components/mediaTypes/Events"}
components:
  mediaTypes:
    Events: {itemSchema: {type: object, properties: {data: {type: string}}}}
  securitySchemes:
    device:
      type: oauth2
      oauth2MetadataUrl: https://t.test/.well-known/oauth-authorization-server
      deprecated: true
      flows: {deviceAuthorization: {deviceAuthorizationUrl: https://t.test/device, tokenUrl: https://t.test/token, scopes: {read: Reads}}}
  schemas:
    Hits: {type: array, items: {$ref: "#/components/schemas/Line"}}
    Line: {type: object, properties: {id: {type: integer}, at: {type: string, format: date-time}}}
"##;
    let found = read(text.as_bytes(), &ReadOptions::default()).unwrap();
    let told: Vec<_> = found.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(told, [""; 0]);
    let spec = &found.spec;
    let methods: Vec<_> = spec.endpoints.iter().map(|endpoint| endpoint.method.to_string()).collect();
    assert_eq!(methods, ["QUERY", "LINK", "GET"]);
    let search = spec.endpoint(&Method::Query, "/search").unwrap();
    assert!(search.request_schema.is_some());
    let records = search.records.as_ref().unwrap();
    assert_eq!((&*records.path, records.id_field.as_deref()), ("[]", Some("id")));
    let logs = spec.endpoint(&Method::Get, "/logs").unwrap();
    assert_eq!(logs.parameter(Location::QueryString, "filter").unwrap().style, Style::Content);
    assert_eq!(logs.parameter(Location::Cookie, "session").unwrap().style, Style::Cookie);
    let content = &logs.success().unwrap().response.content;
    let line = spec.schemas.named("Line").unwrap();
    assert_eq!(content[0].item_schema, Some(line));
    assert!(spec.schemas.field(content[1].item_schema.unwrap(), "data").is_some());
    // A stream of items is a list of records.
    assert_eq!(logs.records.as_ref().unwrap().schema, Some(line));
    let SchemeKind::Oauth2 { flows, metadata_url } = &spec.auth.schemes[0].kind else { panic!() };
    assert_eq!(flows[0].kind, FlowKind::DeviceAuthorization);
    assert_eq!(flows[0].device_url.as_deref(), Some("https://t.test/device"));
    assert!(metadata_url.is_some());
}

#[test]
fn any_patch_of_a_known_version_is_read_and_others_are_told_of() {
    let told = |version: &str| {
        let text = format!("{version}\ninfo: {{title: T, version: '1'}}\npaths: {{}}");
        let found = read(text.as_bytes(), &ReadOptions::default()).unwrap();
        found.diagnostics.iter().map(|d| d.kind.id()).collect::<Vec<_>>().join(" ")
    };
    for version in ["openapi: 3.0.17", "openapi: 3.1.9", "openapi: 3.2.4", "openapi: 3.1", "openapi: '3.0'"] {
        assert_eq!(told(version), "", "{version}");
    }
    assert_eq!(told("openapi: 4.0.0"), "version_unclear");
}

//! Documents as people write them: in YAML, over many files, with the slips that are usual.

use std::path::{Path, PathBuf};

use vitesse_core::ingestor::{Ingested, ReadOptions, read};
use vitesse_core::spec::{ApiSpec, SchemaId};

fn raw(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ingestor/raw").join(name)
}

fn ingest(name: &str) -> Ingested {
    read(&std::fs::read(raw(name)).unwrap(), &ReadOptions::default()).unwrap()
}

fn fields(spec: &ApiSpec, id: Option<SchemaId>) -> String {
    let Some(id) = id else { return "nothing".into() };
    let schema = spec.schemas.get(id).unwrap();
    let list = spec.schemas.fields(id, 3).into_iter().map(|field| {
        let of = spec.schemas.get(field.schema).unwrap();
        format!("{}{} {}", field.path, if field.required { "!" } else { "" }, of.types)
    });
    format!("{}{{{}}}", schema.name.as_deref().unwrap_or_default(), list.collect::<Vec<_>>().join(", "))
}

/// Each endpoint with its parameters, what it takes and what it answers.
fn endpoints(spec: &ApiSpec) -> String {
    let lines = spec.endpoints.iter().map(|endpoint| {
        let parameters: Vec<_> = endpoint.parameters.iter().map(|parameter| &*parameter.name).collect();
        let answers: Vec<_> = endpoint.responses.iter().map(|answer| &*answer.status).collect();
        format!(
            "{} {} ({}) takes {} and answers {} as {}",
            endpoint.method,
            endpoint.path,
            parameters.join(" "),
            fields(spec, endpoint.request_schema),
            answers.join(" "),
            fields(spec, endpoint.response_schema),
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn kinds(found: &Ingested) -> String {
    let mut kinds: Vec<_> = found.diagnostics.iter().map(|d| d.kind.id()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.join(" ")
}

#[test]
fn swagger_2_as_it_is_found() {
    let found = ingest("swagger.yaml");
    let spec = &found.spec;
    assert_eq!(spec.base_url.as_deref(), Some("https://api.nasty.test:8443/v2"));
    assert_eq!(spec.api_version.as_deref(), Some("2024-01-02"));
    insta::assert_snapshot!(endpoints(spec), @r"
    GET /orders (limit Offset tags filter[status]) takes {bad in string} and answers 200 400 default as {[].id! integer, [].total! number or null, [].status string, [].created string, [].placed_on string, [].parent object, [].code string, [].lines[] object, [].meta object, [].either any}
    POST /orders (limit Offset) takes Order{id! integer, total! number or null, status string, created string, placed_on string, parent object, code string, lines[].sku string, lines[].qty integer, lines[].note string, meta object, either any} and answers 201 400 default as Order{id! integer, total! number or null, status string, created string, placed_on string, parent object, code string, lines[].sku string, lines[].qty integer, lines[].note string, meta object, either any}
    POST /orders/{order-id}/file (order-id) takes {file! string, kinds[] string} and answers 204 as nothing
    GET /orders/search?type=open () takes nothing and answers 200 as {next! any, orders[].id! integer, orders[].when! string}
    ");
    insta::assert_snapshot!(kinds(&found), @r"bad_path duplicate_key guessed_schema unknown_value wrong_type yaml_pitfall");
    // A byte order mark and lines that end as on Windows change nothing.
    let text = std::fs::read_to_string(raw("swagger.yaml")).unwrap();
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let again = read(windows.as_bytes(), &ReadOptions::default()).unwrap();
    assert_eq!(again.spec.shape_hash, spec.shape_hash);
    assert_eq!(again.diagnostics.len(), found.diagnostics.len());
}

#[test]
fn slips_are_put_right_and_told_of_with_their_line() {
    let found = ingest("slips.yaml");
    insta::assert_snapshot!(endpoints(&found.spec), @r"
    GET /a (q) takes nothing and answers 200 4XX as Order{id! integer, a string or null}
    POST /a () takes nothing and answers  as nothing
    GET /b/{id} (id) takes nothing and answers default as Order{id! integer, a string or null}
    PUT /b/{id} (id) takes Order{id! integer, a string or null} and answers 200 as nothing
    ");
    insta::assert_snapshot!(kinds(&found), @r"bad_server dangling_reference loose_syntax no_success path_parameter unknown_member unknown_value wrong_type yaml_pitfall");
    let slips: Vec<_> =
        found.diagnostics.iter().filter(|d| d.kind.id() == "loose_syntax").filter_map(|d| d.line).collect();
    assert_eq!(slips, [3, 4, 12, 13, 25, 31, 37]);
    assert_eq!(&*found.spec.api_name, "Shop: the API");
    assert_eq!(found.spec.description.as_deref(), Some("Note: values may contain colons"));
}

#[test]
fn anchors_merge_keys_and_circles() {
    let found = ingest("anchors.yaml");
    let spec = &found.spec;
    insta::assert_snapshot!(endpoints(spec), @r"
    GET /x (a b c) takes nothing and answers 200 as {id! string}
    GET /y () takes nothing and answers 200 as {id! string}
    POST /y () takes {extra boolean, id string} and answers 400 200 as {id! string}
    ");
    let named = |name: &str| fields(spec, spec.schemas.named(name));
    assert_eq!(named("Diamond"), "Diamond{a string, l string, r string}");
    assert_eq!(named("Twice"), "Twice{a string}");
    assert_eq!(named("Dyn"), "Dyn{kids[] object}");
    // The same reference by two ways is no circle.
    let circles: Vec<_> = found.diagnostics.iter().filter(|d| d.kind.id() == "circular_reference").collect();
    let places: Vec<_> = circles.iter().map(|d| d.pointer.as_str()).collect();
    assert_eq!(
        places,
        ["#/components/schemas/R1", "#/components/schemas/R2", "#/components/schemas/Cyc/allOf/0/allOf/0"]
    );
}

#[cfg(feature = "net")]
#[tokio::test]
async fn one_description_over_many_files() {
    use vitesse_core::ingestor::Ingestor;
    use vitesse_core::net::{Client, NetConfig};
    let ingestor = Ingestor::new(Client::new(NetConfig::default()).unwrap());
    let found = ingestor.read(raw("multi/openapi.yaml").to_str().unwrap()).await.unwrap();
    let spec = &found.spec;
    assert_eq!((&*spec.api_name, spec.auth_type.as_str()), ("Multi", "bearer"));
    insta::assert_snapshot!(endpoints(spec), @r"
    GET /users (per_page page) takes nothing and answers 200 404 as {total integer, page integer, data[].id string, data[].team object, data[].manager object, data[].self object, data[].when string}
    POST /users (per_page) takes User{id! string, team.name string, team.lead object, team.kind string, manager object, self object, when string} and answers 201 as User{id! string, team.name string, team.lead object, team.kind string, manager object, self object, when string}
    GET /users/{id} (expand id) takes nothing and answers 200 as Wrapped{user.id string, user.team.name string, user.team.lead object, user.team.kind string, user.manager object, user.self object, user.when string}
    PUT /files/{path} (path) takes {! string} and answers 204 as nothing
    ");
    insta::assert_snapshot!(kinds(&found), @r"bad_server path_parameter unknown_member wrong_type");
}

#[test]
fn a_long_pointer_is_cut_for_people_and_whole_for_programs() {
    let deep = format!("{}{{type: nothing}}{}", "{properties: {a: ".repeat(60), "}}".repeat(60));
    let text = format!(
        "openapi: 3.0.0\ninfo: {{title: T, version: '1'}}\npaths: {{}}\ncomponents: {{schemas: {{A: {deep}}}}}"
    );
    let found = read(text.as_bytes(), &ReadOptions::default()).unwrap();
    let diagnostic = found.diagnostics.iter().find(|d| d.kind.id() == "unknown_value").unwrap();
    assert_eq!(diagnostic.pointer.matches("/properties/a").count(), 60);
    let shown = diagnostic.to_string();
    assert!(shown.contains("#/components/schemas/A/.. 118 more ../properties/a/type"), "{shown}");
}

use std::collections::BTreeSet;

use vitesse_core::ingestor::{ReadOptions, read};
use vitesse_core::orchestrator::{
    CreateIntegration, IngestOptions, MapOptions, NewFieldMapping, NewTransformationRule, TestStepOptions,
    UpdateIntegration,
};
use vitesse_core::testing::assert_generated;

use super::*;

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference");

#[test]
fn generated_document_of_what_is_served() {
    let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    assert_generated(format!("{FILES}/openapi.json"), &text);
}

#[test]
fn generated_page_of_the_http_api() {
    assert_generated(format!("{FILES}/http-api.md"), &page());
}

/// Each schema can be compiled, and whatever is referred to is there.
#[test]
fn every_schema_is_sound() {
    let text = document().to_string();
    let all = schemas::all();
    for (at, _) in text.match_indices("#/components/schemas/") {
        let name: String = text[at + 21..].chars().take_while(|c| c.is_alphanumeric()).collect();
        assert!(all.contains_key(&name), "{name} is referred to and isn't there");
    }
    for name in all.keys() {
        let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": {"schemas": all}});
        jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        let referred = text.contains(&format!("#/components/schemas/{name}\""));
        assert!(referred, "{name} is never referred to");
    }
}

/// What the library takes and what the document says of it are the same.
#[test]
fn requests_name_what_the_library_takes() {
    let check = |schema: &str, taken: Value, left_out: &[&str]| {
        let all = schemas::all();
        let said: BTreeSet<&str> =
            all[schema]["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let taken: BTreeSet<&str> = taken
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .filter(|name| !left_out.contains(name))
            .collect();
        assert_eq!(said, taken, "{schema}");
    };
    check("CreateRequest", json!(CreateIntegration::default()), &[]);
    check("IngestRequest", json!(IngestOptions::default()), &[]);
    check("MapRequest", json!(MapOptions::default()), &[]);
    // Whoever asks over a network can't choose where credentials are sent to.
    check("TestRequest", json!(TestStepOptions::default()), &["source_base_url", "dest_base_url"]);
    check("UpdateRequest", json!(UpdateIntegration::default()), &[]);
    check("NewFieldMapping", json!(NewFieldMapping::default()), &[]);
    check("NewTransformationRule", json!(NewTransformationRule::default()), &[]);
}

/// Each figure of an agent is defined for people.
#[test]
fn figures_are_explained() {
    let page = std::fs::read_to_string(format!("{FILES}/agents.md")).unwrap();
    let all = schemas::all();
    let figures = all["AgentMetricsAnswer"]["properties"]["data"]["properties"].as_object().unwrap();
    for figure in figures.keys().filter(|name| *name != "agent_id") {
        assert!(page.contains(&format!("| `{figure}` |")), "{figure} is not explained");
    }
}

#[test]
fn our_own_ingestor_reads_the_document() {
    let report = read(&document().to_string().into_bytes(), &ReadOptions::default()).unwrap();
    assert_eq!(report.spec.endpoints.len(), OPERATIONS.len());
    let severe: Vec<_> = report
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity != vitesse_core::spec::Severity::Info)
        .collect();
    assert!(severe.is_empty(), "{severe:#?}");
    let find = |method: &str, path: &str| {
        report.spec.endpoints.iter().find(|one| one.method.as_str() == method && *one.path == *path).unwrap()
    };
    let create = find("POST", "/api/v1/vitesse/integrations");
    let schema = create.request_schema.unwrap();
    assert!(report.spec.schemas.field(schema, "source_discovery.api_name").unwrap().required);
}

#[test]
fn bodies_are_held_to_the_document() {
    let check = |schema: &str, body: &str, expect: Result<(), &str>| match (
        judges().check(schema, body.as_bytes()),
        expect,
    ) {
        (Ok(()), Ok(())) => {}
        (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
        (found, expect) => panic!("{body}: {found:?} instead of {expect:?}"),
    };
    check("TestRequest", r#"{"test_sample_size": 10, "skip_destructive": true}"#, Ok(()));
    check("TestRequest", r#"{"test_sample_size": 101}"#, Err("/test_sample_size"));
    check("TestRequest", r#"{"test_sample_sise": 5}"#, Err("did you mean \"test_sample_size\"?"));
    check("TestRequest", "[]", Err("not of type \"object\""));
    check("TestRequest", "{", Err("not JSON"));
    check(
        "CreateRequest",
        r#"{"name": " ", "source_discovery": {"api_name": "a"}, "dest_discovery": {"api_name": "b"}}"#,
        Err("/name"),
    );
    check("EditRequest", r#"{"edits": [{"do": "accept", "dest_field": "a"}, {"do": "accept_all"}]}"#, Ok(()));
    check("EditRequest", r#"{"edits": [{"do": "acept", "dest_field": "a"}]}"#, Err("/edits/0"));
    // A file of the server's machine is nothing that a caller may name.
    check(
        "DeployRequest",
        r#"{"environment": {"VITESSE_SOURCE_TOKEN_FILE": "/etc/passwd"}}"#,
        Err("/environment"),
    );
    check("DeployRequest", r#"{"environment": {"LD_PRELOAD": "x.so"}}"#, Err("/environment"));
}

/// The book's page: every operation with what it takes and gives.
fn page() -> String {
    let mut page = String::from(
        "# The HTTP API\n\n<!-- Written by `make generate` from the code; change it there. -->\n\n\
         `vitesse serve` answers here, on port 9001 of this machine if nothing else is said. The same in full, for programs:\n\
         [openapi.json](openapi.json), which the server gives at `/openapi.json` too.\n\n\
         A failure is always answered in one form: `status` is `failed`, `error` says what was wrong, `http_status` repeats\n\
         the status, `error_id` is one of the [errors](errors.md), and `details` has the facts, the help, and the request's id.\n\
         Lists are paged: `next` is what `after` takes. Fields that a request doesn't know are refused.\n",
    );
    let mut tag = "";
    let mut order: Vec<&Operation> = OPERATIONS.iter().collect();
    // Operations of one tag stand together, in the table's order.
    let first = |operation: &&Operation| OPERATIONS.iter().position(|other| other.tag == operation.tag);
    order.sort_by_key(first);
    for operation in order {
        if tag != operation.tag {
            tag = operation.tag;
            page.push_str(&format!("\n## {tag}\n"));
        }
        page.push_str(&format!(
            "\n### `{} {}`\n\n{}.",
            operation.method,
            operation.full_path(),
            operation.summary
        ));
        if !operation.doc.is_empty() {
            page.push_str(&format!(" {}", operation.doc));
        }
        page.push('\n');
        for param in operation.query {
            let needed = if param.required { " (required)" } else { "" };
            page.push_str(&format!("\n- `?{}`{needed}: {}", param.name, param.doc));
        }
        if !operation.query.is_empty() {
            page.push('\n');
        }
        let all = schemas::all();
        if let Some(asked) = operation.body {
            page.push_str(&format!("\nTakes {}.\n", fields(&all, &all[asked.schema])));
        }
        match operation.gives {
            (status, Given::Json(schema)) => {
                page.push_str(&format!("\nAnswers {status}: {}.\n", fields(&all, &all[schema])));
            }
            (status, Given::Text(kind)) => page.push_str(&format!("\nAnswers {status}: `{kind}`.\n")),
        }
        let mut marks = Vec::new();
        if operation.repeatable {
            marks.push("`Idempotency-Key`");
        }
        if operation.conditional {
            marks.push("`If-Match`");
        }
        if !marks.is_empty() {
            page.push_str(&format!("\nHeaders: {}.\n", marks.join(", ")));
        }
    }
    page
}

/// The names of an object's fields, one level into `data`; those that must be there are bold.
fn fields(all: &Map<String, Value>, schema: &Value) -> String {
    let resolved = |schema: &Value| match schema["$ref"].as_str() {
        Some(reference) => all[reference.rsplit('/').next().unwrap()].clone(),
        None => schema.clone(),
    };
    let schema = resolved(schema);
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = schema["properties"].as_object() else { return "any JSON object".into() };
    let names: Vec<String> = properties
        .iter()
        .map(|(name, of)| {
            let mark =
                if required.contains(&name.as_str()) { format!("**`{name}`**") } else { format!("`{name}`") };
            let inner = resolved(of);
            let inner = if inner["type"] == "array" { resolved(&inner["items"]) } else { inner };
            match name == "data" && inner["properties"].is_object() {
                true => format!("{mark} ({})", fields(all, &inner)),
                false => mark,
            }
        })
        .collect();
    names.join(", ")
}

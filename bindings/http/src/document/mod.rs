//! The OpenAPI document, and the checks of bodies by it.

mod judge;
mod schemas;

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

pub(crate) use judge::judges;

use crate::access::USER_LENGTH;
use crate::api::{Given, Kind, OPERATIONS, Operation, Param};

/// The OpenAPI 3.1 document of everything that is served.
pub fn document() -> Value {
    whole().clone()
}

pub(crate) fn whole() -> &'static Value {
    static WHOLE: OnceLock<Value> = OnceLock::new();
    WHOLE.get_or_init(write)
}

fn write() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(operation.full_path()).or_insert_with(|| json!({}));
        path[operation.method.to_lowercase()] = written(operation);
    }
    let mut tags: Vec<&str> = OPERATIONS.iter().map(|operation| operation.tag).collect();
    tags.dedup();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Vitesse control plane",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "From two API descriptions to a tested, running integration, in five steps.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "http://localhost:9001", "description": "This machine, if nothing else is said."}],
        "security": [{"key": []}, {}],
        "tags": tags.into_iter().map(|tag| json!({"name": tag})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key",
                    "description": "Needed as soon as there is a key, and always off loopback."},
            },
            "headers": {
                "RequestId": {"description": "Names the request, in logs too.", "schema": {"type": "string"}},
                "ETag": {"description": "Names the revision, for `If-Match`.", "schema": {"type": "string"}},
            },
            "responses": failures(),
        },
    })
}

fn written(operation: &Operation) -> Value {
    let mut parameters: Vec<Value> = operation.path_names().map(in_path).collect();
    parameters.extend(operation.query.iter().map(in_query));
    if operation.repeatable {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Sent again with the same key within a day, the request isn't done again: the first answer comes again.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        }));
    }
    if operation.method != "GET" {
        parameters.push(json!({
            "name": "X-User-ID", "in": "header", "required": false,
            "description": "For whom it is asked: who the audit log says did it. Without it, the name of the key.",
            "schema": {"type": "string", "maxLength": USER_LENGTH, "pattern": "^[ -~]*$"},
        }));
    }
    if operation.conditional {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "required": false,
            "description": "The ETag that was seen: if the integration was changed since, nothing is done.",
            "schema": {"type": "string", "pattern": "^(\\*|\"[0-9]+\")$", "maxLength": 30},
        }));
    }
    let (status, given) = operation.gives;
    let content = match given {
        Given::Json(schema) => json!({"application/json": {"schema": reference(schema)}}),
        Given::Text(kind) => {
            let kind = kind.split(';').next().unwrap_or(kind);
            json!({kind: {"schema": {"type": "string"}}})
        }
    };
    let mut headers = json!({"x-request-id": {"$ref": "#/components/headers/RequestId"}});
    if operation.id == "getIntegration" {
        headers["etag"] = json!({"$ref": "#/components/headers/ETag"});
    }
    let mut responses = Map::new();
    responses.insert(
        status.to_string(),
        json!({"description": "As asked.", "headers": headers, "content": content}),
    );
    let mut fails: Vec<u16> = operation.fails.to_vec();
    if operation.id == "getIntegration" {
        responses.insert("304".into(), json!({"description": "It is still what `If-None-Match` names."}));
    }
    if !operation.open {
        fails.extend([400, 401, 503]);
    } else if operation.id == "ready" {
        fails.extend([400, 503]);
    } else {
        fails.push(400);
    }
    if operation.body.is_some() {
        fails.extend([413, 415]);
    }
    if operation.conditional {
        fails.push(409);
    }
    fails.sort_unstable();
    fails.dedup();
    for status in fails {
        responses.insert(status.to_string(), json!({"$ref": format!("#/components/responses/{status}")}));
    }
    let mut whole = json!({
        "operationId": operation.id, "tags": [operation.tag], "summary": operation.summary, "responses": responses,
    });
    if !operation.doc.is_empty() {
        whole["description"] = operation.doc.into();
    }
    if !parameters.is_empty() {
        whole["parameters"] = parameters.into();
    }
    if operation.open {
        whole["security"] = json!([]);
    }
    if let Some(asked) = operation.body {
        whole["requestBody"] = json!({
            "required": asked.required, "content": {"application/json": {"schema": reference(asked.schema)}},
        });
    }
    whole
}

fn in_path(name: &str) -> Value {
    let (doc, schema) = match name {
        "integration_id" => ("The integration's id.", json!({"type": "string", "format": "uuid"})),
        "test_id" => ("The test's id.", json!({"type": "string", "format": "uuid"})),
        "side" => ("Which of the two APIs.", json!({"type": "string", "enum": ["source", "destination"]})),
        "agent_id" => (
            "The agent.",
            json!({"type": "string", "enum": ["discovery", "ingestor", "mapper", "guardian", "deployer"]}),
        ),
        "number" => {
            ("Its number, counted from 1.", json!({"type": "integer", "minimum": 1, "maximum": u32::MAX}))
        }
        "key_id" => ("The key's id.", json!({"type": "string", "pattern": "^[0-9a-f]{12}$"})),
        _ => (
            "Its name.",
            json!({"type": "string", "pattern": "^[a-z][a-z0-9-]*$", "minLength": 1, "maxLength": 64}),
        ),
    };
    json!({"name": name, "in": "path", "required": true, "description": doc, "schema": schema})
}

fn in_query(param: &Param) -> Value {
    let schema = match param.kind {
        Kind::Text(least, most) => json!({"type": "string", "minLength": least, "maxLength": most}),
        Kind::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Word(words) => json!({"type": "string", "enum": words}),
    };
    json!({
        "name": param.name, "in": "query", "required": param.required, "description": param.doc, "schema": schema,
    })
}

fn failures() -> Value {
    let all = [
        (400, "What was sent, a step that has to come before, a description or a score is the reason."),
        (401, "The key is missing, wrong, or was taken back."),
        (404, "There is no such thing."),
        (409, "Somebody else works on it at this moment, or changed it since it was read."),
        (413, "The body is too long."),
        (415, "The body is not declared as JSON."),
        (500, "A build, a deployment or the control plane itself failed."),
        (503, "It can't be done at the moment; `retry-after` says when to try again."),
    ];
    let one = |(status, what): (u16, &str)| {
        let answer = json!({
            "description": what,
            "headers": {"x-request-id": {"$ref": "#/components/headers/RequestId"}},
            "content": {"application/json": {"schema": reference("Failure")}},
        });
        (status.to_string(), answer)
    };
    Value::Object(all.into_iter().map(one).collect())
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

#[cfg(test)]
mod tests;

//! What bodies hold: requests, which are held to this, and answers, which tests hold to it.

use serde_json::{Map, Value, json};

/// Every schema by its name.
pub(crate) fn all() -> Map<String, Value> {
    let mut all = Map::new();
    for part in [envelopes(), steps(), deployments(), integrations(), mapping(), agents(), others()] {
        if let Value::Object(part) = part {
            all.extend(part);
        }
    }
    all
}

/// An object of these fields and no others.
fn only(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

/// An object that has at least these fields.
fn with(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

/// Such data in the envelope of success.
fn data(of: Value) -> Value {
    only(&["status", "data"], json!({"status": {"const": "success"}, "data": of}))
}

/// A page of such items.
fn list(of: Value) -> Value {
    let mut list = only(
        &["status", "data", "count"],
        json!({
            "status": {"const": "success"},
            "data": {"type": "array", "items": of},
            "count": {"type": "integer", "minimum": 0, "description": "How many are on this page."},
            "next": {"type": ["string", "null"], "description": "Pass it as `after` for the next page; null at the end."},
        }),
    );
    list["description"] = "A page of a list.".into();
    list
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn may(kind: &str) -> Value {
    json!({"type": [kind, "null"]})
}

fn moment() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn uuid() -> Value {
    json!({"type": "string", "format": "uuid"})
}

/// One of the API's statuses.
fn status() -> Value {
    json!({"type": "string", "enum": ["discovering", "mapping", "testing", "deploying", "active", "failed"]})
}

/// A name that a person gives: something is to be read in it.
fn name(most: usize) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": most, "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$"})
}

fn texts() -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}})
}

fn envelopes() -> Value {
    json!({
        "Failure": only(&["status", "error", "http_status", "error_id", "details"], json!({
            "status": {"const": "failed"},
            "error": {"type": "string", "description": "What was wrong."},
            "http_status": {"type": "integer", "description": "The status of the answer."},
            "error_id": {"type": "string", "description": "Which kind of error it was; the book lists them."},
            "details": with(&["operation", "temporary", "help", "context", "causes", "request_id"], json!({
                "operation": text(), "temporary": {"type": "boolean", "description": "Whether trying again can help."},
                "help": text(), "context": {"type": "object"}, "causes": {"type": "array", "items": text()},
                "request_id": text(),
            })),
        })),
        "Answer": data(json!({"type": "object"})),
        "ListAnswer": list(json!({"type": "object"})),
        "Done": with(&["status"], json!({"status": {"const": "success"}})),
        "Document": with(&["openapi", "paths"], json!({"openapi": text(), "paths": {"type": "object"}})),
        "Health": only(&["status", "version"], json!({"status": {"const": "healthy"}, "version": text()})),
        "Ready": only(&["status"], json!({"status": {"const": "ready"}})),
    })
}

/// The envelope of a step.
fn stepped(step: &str, fields: Value) -> Value {
    only(
        &["status", "integration_id", "current_step", "data"],
        json!({
            "status": {"const": "success"}, "integration_id": uuid(),
            "current_step": {"type": "string", "examples": [step], "description": "The new status, in upper case."},
            "data": fields,
        }),
    )
}

fn next(required: &[&str], fields: Value) -> Value {
    let mut fields = fields;
    fields["next_step"] = json!({"type": "string", "enum": ["ingest", "map", "test", "deploy"]});
    fields["next_endpoint"] =
        json!({"type": "string", "description": "Where it is called, behind the API's prefix."});
    only(required, fields)
}

fn steps() -> Value {
    let share = json!({"type": "number", "minimum": 0, "maximum": 1});
    json!({
        "DiscoveryResult": with(&["api_name"], json!({
            "api_name": {"type": "string", "minLength": 1, "maxLength": 500, "pattern": "\\S"},
            "description": may("string"), "base_url": may("string"), "documentation_url": may("string"),
            "confidence_score": {"anyOf": [share.clone(), {"type": "null"}]},
            "source": {"type": ["string", "null"], "description": "`catalog`, `knowledge`, `url`, `github`, or a caller's own word."},
            "discovered_at": {"type": ["string", "null"], "format": "date-time"},
            "spec_url": {"type": ["string", "null"], "description": "Where its description is, if that is known."},
        })),
        "Discovered": list(reference("DiscoveryResult")),
        "CreateRequest": only(&["name", "source_discovery", "dest_discovery"], json!({
            "name": name(200),
            "description": text(),
            "source_discovery": reference("DiscoveryResult"),
            "dest_discovery": reference("DiscoveryResult"),
            "user_intent": {"type": "string", "description": "What it is for, in a person's words."},
            "deployment_target": {"type": ["string", "null"], "description": "`local`, `eks`, `ecs`, `process`, or another name of these."},
            "deployment_config": {"type": "object"},
            "user_constraints": {"type": "object"},
            "user_preferences": {"type": "object"},
            "mapping_hints": texts(),
        })),
        "Created": stepped("DISCOVERING", next(&["integration", "next_step", "next_endpoint"], json!({
            "integration": reference("Integration"),
        }))),
        "IngestRequest": only(&[], json!({
            "source_spec_url": {"type": ["string", "null"], "maxLength": 2000},
            "dest_spec_url": {"type": ["string", "null"], "maxLength": 2000},
            "source_document": {"type": ["string", "null"], "description": "The description itself; wins over its address."},
            "dest_document": may("string"),
            "source_connection": {"type": ["string", "null"], "description": "Whose credentials fetch it, where it is behind a login."},
            "dest_connection": may("string"),
        })),
        "Ingested": stepped("MAPPING", next(&["source_endpoints", "dest_endpoints", "next_step", "next_endpoint"], json!({
            "source_endpoints": {"type": "array", "items": text()}, "dest_endpoints": {"type": "array", "items": text()},
        }))),
        "MapRequest": only(&[], json!({
            "source_endpoint": {"type": ["string", "null"], "description": "`/customers`, or `GET /customers`."},
            "dest_endpoint": may("string"),
            "mapping_hints": texts(),
            "constants": {"type": "object"},
            "overrides": {"type": "object"},
            "streams": {"type": "array", "maxItems": 100, "items": only(&[], json!({
                "name": may("string"), "source_endpoint": may("string"), "dest_endpoint": may("string"),
                "mapping_hints": texts(), "constants": {"type": "object"}, "overrides": {"type": "object"},
            }))},
            "restart": {"type": "boolean", "description": "Forget what people reviewed."},
        })),
        "Mapped": stepped("TESTING", next(&["transformation_count", "complexity_score"], json!({
            "transformation_count": {"type": "integer", "minimum": 0},
            "complexity_score": {"type": "number", "minimum": 1, "maximum": 10},
            "remedy": {"type": "string", "description": "What to do, if nothing fits."},
        }))),
        "TestRequest": only(&[], json!({
            "test_sample_size": {"type": ["integer", "null"], "minimum": 1, "maximum": 100, "description": "5 if nothing is said."},
            "skip_destructive": {"type": "boolean", "default": true},
            "seed": {"type": ["integer", "null"], "minimum": 0, "maximum": 9007199254740991u64},
            "rehearse": {"type": "boolean", "default": true, "description": "Run it between mocks of both APIs too, on the server's machine."},
            "live": {"type": "boolean", "description": "Ask the real APIs too; only reading calls, unless `skip_destructive` is off."},
            "source_connection": may("string"), "dest_connection": may("string"),
        })),
        "HealthScore": with(&["overall", "data_quality", "reliability"], json!({
            "overall": {"type": "number"}, "data_quality": {"type": "number"}, "reliability": {"type": "number"},
        })),
        "Tested": stepped("DEPLOYING", next(&["health_score", "test_count", "passed_tests"], json!({
            "health_score": reference("HealthScore"),
            "test_count": {"type": "integer", "minimum": 0}, "passed_tests": {"type": "integer", "minimum": 0},
        }))),
        "DeployRequest": only(&[], json!({
            "replicas": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000},
            "memory_mb": {"type": ["integer", "null"], "minimum": 1, "maximum": 4194304},
            "cpu_cores": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1024},
            "auto_scale": may("boolean"),
            "target": may("string"),
            "extra": {"type": "object", "description": "What only the target knows, such as `registry` or `region`."},
            "force": {"type": "boolean", "description": "Pass over the gate; that stands in the audit log."},
            "source_connection": may("string"), "dest_connection": may("string"),
            "credentials": {"type": "object", "propertyNames": {"pattern": "^VITESSE_(SOURCE|DEST)_[A-Z_]+$", "not": {"pattern": "_FILE$"}}, "additionalProperties": {"type": "string"}},
            "environment": {"type": "object", "propertyNames": {"pattern": "^(VITESSE_[A-Z_]+|BATCH_SIZE)$", "not": {"pattern": "_FILE$"}}, "additionalProperties": {"type": "string"}},
        })),
        "Deployed": stepped("ACTIVE", only(&["container_id", "service_url", "deployment_time_seconds"], json!({
            "container_id": text(), "service_url": text(), "deployment_time_seconds": {"type": "number", "minimum": 0},
        }))),
    })
}

fn deployments() -> Value {
    let config = with(
        &["target", "replicas", "memory_mb", "cpu_cores"],
        json!({
            "target": text(), "replicas": {"type": "integer"}, "memory_mb": {"type": "integer"},
            "cpu_cores": {"type": "number"}, "auto_scale": {"type": "boolean"},
        }),
    );
    // What is said of each, and what only the whole record has.
    let required = [
        "number",
        "at",
        "actor",
        "outcome",
        "config",
        "mapping_hash",
        "environment",
        "secrets",
        "connections",
        "service_url",
        "seconds",
        "error",
        "rolled_back_to",
    ];
    let said = json!({
        "number": {"type": "integer", "minimum": 1}, "at": moment(), "actor": text(),
        "outcome": {"type": "string", "enum": ["deployed", "unchanged", "failed"]}, "config": config,
        "mapping_hash": text(), "environment": texts(),
        "secrets": {"type": "array", "items": text(), "description": "The names of secrets that it was given besides what its mappings need."},
        "connections": texts(), "service_url": may("string"), "seconds": {"type": "number", "minimum": 0},
        "error": may("string"),
        "rolled_back_to": {"type": ["integer", "null"], "description": "The deployment that it brought back."},
    });
    let mut whole = said.clone();
    whole["mappings"] =
        json!({"type": "array", "items": text(), "description": "The mapping documents, one a stream."});
    whole["log"] = json!({"type": "array", "items": text(), "description": "What was done, line by line: the build log."});
    whole["files"] = json!({"type": "array", "items": reference("File")});
    json!({
        "File": only(&["path", "text"], json!({"path": text(), "text": text()})),
        "Exported": list(reference("File")),
        "PreviewAnswer": data(only(&["target", "changes", "objects", "notes"], json!({
            "target": text(), "changes": {"type": "boolean", "description": "Whether anything would be changed."},
            "objects": {"type": "array", "items": only(&["kind", "name", "intent", "object", "differences"], json!({
                "kind": text(), "name": text(),
                "intent": {"type": "string", "enum": ["create", "replace", "keep", "remove"]},
                "object": {"description": "It, exactly as the target would be asked for it."},
                "differences": {"type": "array", "items": only(&["path", "before", "after"], json!({
                    "path": text(), "before": {}, "after": {},
                }))},
            }))},
            "notes": {"type": "array", "items": text()},
        }))),
        "RollbackRequest": only(&[], json!({
            "to": {"type": ["integer", "null"], "minimum": 1, "maximum": u32::MAX, "description": "The number of the deployment to go back to."},
        })),
        "Deployments": list(with(&required, said)),
        "DeploymentAnswer": data(with(&[&required[..], &["mappings", "log", "files"]].concat(), whole)),
        "ImageRequest": only(&[], json!({
            "push": {"type": ["string", "null"], "maxLength": 500, "description": "Where it is pushed: `registry.example.com/team/name:tag`."},
            "connection": {"type": ["string", "null"], "description": "The connection with the registry's user and password."},
        })),
        "ImageAnswer": data(with(&["integration_id", "name", "id", "digest", "architecture", "layers", "labels", "pushed"], json!({
            "integration_id": uuid(), "name": text(), "id": text(), "digest": text(), "architecture": text(),
            "layers": {"type": "array", "items": only(&["about", "size", "digest"], json!({
                "about": text(), "size": {"type": "integer", "minimum": 0}, "digest": text(),
            }))},
            "labels": texts(), "pushed": may("object"),
        }))),
    })
}

fn integrations() -> Value {
    json!({
        "Integration": with(&[
            "id", "name", "status", "source_discovery", "dest_discovery", "source_api_spec", "dest_api_spec", "mapping_logic",
            "health_score", "deployment_config", "container_id", "deployment_target", "created_by", "extra_metadata",
            "created_at", "updated_at",
        ], json!({
            "id": uuid(), "name": text(), "description": text(), "user_intent": text(), "status": status(),
            "source_discovery": {"type": "object"}, "dest_discovery": {"type": "object"},
            "source_api_spec": may("object"), "dest_api_spec": may("object"), "mapping_logic": may("object"),
            "health_score": {"anyOf": [reference("HealthScore"), {"type": "null"}]},
            "deployment_config": with(&["target", "replicas", "memory_mb", "cpu_cores"], json!({
                "target": text(), "replicas": {"type": "integer"}, "memory_mb": {"type": "integer"},
                "cpu_cores": {"type": "number"}, "auto_scale": {"type": "boolean"},
            })),
            "container_id": may("string"), "deployment_target": text(), "created_by": text(),
            "extra_metadata": {"type": "object"}, "created_at": moment(), "updated_at": moment(),
        })),
        "IntegrationState": only(&["integration_id", "status", "health_score", "last_updated"], json!({
            "integration_id": uuid(), "status": status(),
            "health_score": {"anyOf": [reference("HealthScore"), {"type": "null"}]}, "last_updated": moment(),
        })),
        "IntegrationItem": with(&["id", "name", "status", "health_score", "created_at"], json!({
            "id": uuid(), "name": text(), "status": status(),
            "health_score": {"anyOf": [reference("HealthScore"), {"type": "null"}]}, "created_at": moment(),
            "description": text(), "builder_status": {"type": "string", "enum": ["draft", "testing", "active", "inactive"]},
            "source_api": text(), "dest_api": text(), "last_sync": may("string"), "success_rate": may("number"),
        })),
        "Integrations": list(reference("IntegrationItem")),
        "UpdateRequest": {"type": "object", "minProperties": 1, "additionalProperties": false, "properties": {
            "name": name(200), "description": text(), "source_discovery": reference("DiscoveryResult"),
            "dest_discovery": reference("DiscoveryResult"), "user_intent": text(), "mapping_hints": texts(),
            "user_constraints": {"type": "object"}, "user_preferences": {"type": "object"},
            "deployment_target": text(), "deployment_config": {"type": "object"},
        }},
        "IntegrationAnswer": data(only(&["integration"], json!({"integration": reference("Integration")}))),
        "DetailsAnswer": data(only(&["integration", "overview", "field_mappings", "transformation_rules", "test_report"], json!({
            "integration": reference("Integration"), "overview": {"type": "object"},
            "field_mappings": {"type": "array", "items": reference("FieldMapping")},
            "transformation_rules": {"type": "array", "items": reference("TransformationRule")},
            "test_report": may("object"),
        }))),
        "StatisticsAnswer": data(with(&["total", "by_status", "by_builder_status", "by_target", "deployed", "tested", "average_health", "success_rate"], json!({
            "total": {"type": "integer"}, "by_status": {"type": "object"}, "by_builder_status": {"type": "object"},
            "by_target": {"type": "object"}, "deployed": {"type": "integer"}, "paused": {"type": "integer"},
            "steps_running": {"type": "integer"}, "last_step_failed": {"type": "integer"}, "tested": {"type": "integer"},
            "average_health": may("number"), "success_rate": may("number"),
        }))),
        "HistoryAnswer": list(with(&["id", "integration_id", "action", "actor", "status", "details", "created_at"], json!({
            "id": uuid(), "integration_id": uuid(), "action": {"type": "string", "enum": ["created", "updated", "tested", "deployed"]},
            "actor": text(), "status": {"type": "string", "enum": ["success", "failed", "partial"]},
            "details": {}, "created_at": moment(),
        }))),
        "TestRun": only(&[
            "id", "integration_id", "status", "start_time", "end_time", "success", "error_message", "request_data",
            "response_data", "execution_time", "created_at",
        ], json!({
            "id": uuid(), "integration_id": uuid(), "status": {"type": "string", "enum": ["running", "completed", "failed"]},
            "start_time": moment(), "end_time": {"type": ["string", "null"], "format": "date-time"},
            "success": may("boolean"), "error_message": may("string"), "request_data": {"type": "object"},
            "response_data": may("object"),
            "execution_time": {"type": ["integer", "null"], "description": "In milliseconds."}, "created_at": moment(),
        })),
        "TestRuns": list(reference("TestRun")),
        "TestRunAnswer": data(reference("TestRun")),
        "TestResults": list(with(&["id", "integration_id", "endpoint", "method", "status_code", "response_time_ms", "success", "error_message", "created_at"], json!({
            "id": uuid(), "integration_id": uuid(), "endpoint": text(), "method": text(), "status_code": may("integer"),
            "response_time_ms": {"type": "number"}, "success": {"type": "boolean"}, "error_message": may("string"), "created_at": moment(),
        }))),
    })
}

fn mapping() -> Value {
    let edited = with(
        &["status", "transformation_count", "learned", "streams"],
        json!({
            "status": status(), "transformation_count": {"type": "integer"}, "learned": {"type": "integer"},
            "streams": {"type": "array", "items": text()},
        }),
    );
    let field = json!({"type": "string", "minLength": 1, "maxLength": 1000});
    let edit = |name: &str, required: &[&str], fields: Value| {
        let mut fields = fields;
        fields["do"] = json!({"const": name});
        fields["stream"] = may("string");
        let required: Vec<&str> = [&["do"], required].concat();
        only(&required, fields)
    };
    json!({
        "Edit": {"oneOf": [
            edit("accept", &["dest_field"], json!({"dest_field": field})),
            edit("accept_all", &[], json!({})),
            edit("reject", &["dest_field"], json!({"dest_field": field})),
            edit("replace", &["dest_field", "source_fields"], json!({
                "dest_field": field, "source_fields": {"type": "array", "items": field, "maxItems": 100},
                "transform_type": may("string"), "transform_config": {},
            })),
            edit("constant", &["dest_field", "value"], json!({"dest_field": field, "value": {}})),
            edit("note", &["dest_field", "text"], json!({"dest_field": field, "text": text()})),
            edit("enable", &["dest_field", "enabled"], json!({"dest_field": field, "enabled": {"type": "boolean"}})),
            edit("require", &["dest_field", "required"], json!({"dest_field": field, "required": {"type": "boolean"}})),
        ]},
        "EditRequest": only(&["edits"], json!({
            "edits": {"type": "array", "minItems": 1, "maxItems": 1000, "items": reference("Edit")},
        })),
        "Edited": data(edited.clone()),
        "TryRequest": only(&["record"], json!({
            "stream": may("string"), "dest_field": {"type": ["string", "null"], "description": "Only the line for this field."},
            "record": {"type": "object", "description": "A record as the source has it."},
        })),
        "Tried": data(only(&["before", "after"], json!({"before": {}, "after": {}}))),
        "FieldMapping": with(&["id", "integration_id", "stream", "source_field", "target_field", "data_type", "required", "transformation", "created_at"], json!({
            "id": text(), "integration_id": uuid(), "stream": text(), "source_field": text(), "target_field": text(),
            "data_type": {"type": ["string", "null"], "description": "The type of the target field, as its description has it."},
            "required": {"type": "boolean"}, "transformation": may("string"),
            "created_at": {"type": "string", "format": "date-time", "description": "When the mapping was last changed: the line came to be no later."},
        })),
        "FieldMappings": list(reference("FieldMapping")),
        "NewFieldMapping": only(&["source_field", "target_field"], json!({
            "stream": {"type": ["string", "null"], "description": "May be left out if there is only one."},
            "source_field": field, "target_field": field, "required": {"type": "boolean"},
            "transformation": {"type": ["string", "null"], "description": "A function's name; the conversion is chosen from the schemas if none is given."},
        })),
        "FieldMappingAnswer": data(only(&["field_mapping", "mapping"], json!({
            "field_mapping": {"anyOf": [reference("FieldMapping"), {"type": "null"}]}, "mapping": edited,
        }))),
        "TransformationRule": with(&["id", "integration_id", "stream", "name", "description", "rule_type", "source_field", "target_field", "transformation_logic", "enabled", "created_at"], json!({
            "id": text(), "integration_id": uuid(), "stream": text(), "name": text(), "description": text(),
            "rule_type": text(), "source_field": text(), "target_field": text(), "transformation_logic": {}, "enabled": {"type": "boolean"},
            "created_at": moment(),
        })),
        "TransformationRules": list(reference("TransformationRule")),
        "NewTransformationRule": only(&["source_field", "target_field"], json!({
            "stream": may("string"), "name": text(), "description": text(),
            "rule_type": {"type": "string", "description": "The line's type; `custom` if none is given."},
            "source_field": {"type": "string", "minLength": 1, "description": "Several are joined by commas."},
            "target_field": field, "transformation_logic": {"type": "object"}, "enabled": {"type": "boolean"},
        })),
        "TransformationRuleAnswer": data(only(&["transformation_rule", "mapping"], json!({
            "transformation_rule": {"anyOf": [reference("TransformationRule"), {"type": "null"}]}, "mapping": edited,
        }))),
    })
}

fn agents() -> Value {
    let rate = json!({"type": ["number", "null"], "minimum": 0, "maximum": 1});
    json!({
        "AgentActivity": with(&[
            "id", "agent_id", "agent_name", "status", "current_task", "last_activity", "tasks_completed", "success_rate",
            "average_response_time", "created_at", "updated_at",
        ], json!({
            "id": text(), "agent_id": text(), "agent_name": text(), "status": {"type": "string", "enum": ["active", "idle", "error"]},
            "current_task": may("string"), "last_activity": may("string"), "tasks_completed": {"type": "integer"},
            "success_rate": rate, "average_response_time": may("number"), "created_at": may("string"), "updated_at": may("string"),
        })),
        "AgentActivities": list(reference("AgentActivity")),
        "AgentCommunications": list(with(&["id", "timestamp", "from_agent", "to_agent", "message_type", "content", "priority", "status", "created_at"], json!({
            "id": text(), "timestamp": moment(), "integration_id": uuid(), "from_agent": text(), "to_agent": text(),
            "message_type": text(), "content": text(), "priority": {"type": "string", "enum": ["low", "normal", "high"]},
            "status": {"type": "string", "enum": ["sent", "delivered", "read"]}, "created_at": moment(),
        }))),
        "AgentMetricsAnswer": data(with(&[
            "agent_id", "uptime_percentage", "tasks_completed_today", "tasks_completed_week", "average_task_duration",
            "success_rate", "error_rate", "response_time_p95", "active_workflows", "pending_tasks", "collaboration_score",
            "cpu_usage_avg", "memory_usage_avg",
        ], json!({
            "agent_id": text(), "uptime_percentage": may("number"), "tasks_completed_today": {"type": "integer"},
            "tasks_completed_week": {"type": "integer"}, "average_task_duration": may("number"), "success_rate": rate,
            "error_rate": rate, "response_time_p95": may("number"), "active_workflows": {"type": "integer"},
            "pending_tasks": {"type": "integer"}, "collaboration_score": rate, "cpu_usage_avg": may("number"),
            "memory_usage_avg": may("number"),
        }))),
        "CollaborationAnswer": data(with(&["workflows", "contributions", "messages", "errors", "retries", "patterns", "handovers"], json!({
            "workflows": {"type": "integer"}, "contributions": {"type": "integer"}, "messages": {"type": "integer"},
            "errors": {"type": "integer"}, "retries": {"type": "integer"}, "patterns": {"type": "integer"}, "handovers": {"type": "object"},
        }))),
        "SystemStatus": data(only(&["orchestrator", "agents"], json!({
            "orchestrator": with(&["status", "version", "uptime_seconds", "store", "targets", "steps_running"], json!({
                "status": {"type": "string", "enum": ["running", "degraded"]}, "version": text(),
                "uptime_seconds": {"type": "integer"}, "store": text(), "targets": {"type": "array", "items": text()},
                "steps_running": {"type": "integer"},
            })),
            "agents": {"type": "object", "additionalProperties": reference("AgentActivity")},
        }))),
    })
}

fn others() -> Value {
    json!({
        "Logs": list(only(&["text"], json!({"text": text()}))),
        "Connection": with(&["name", "base_url", "auth", "parts", "created_by", "created_at", "updated_at", "last_test"], json!({
            "name": text(), "base_url": text(), "auth": {"type": "object"},
            "parts": {"type": "array", "items": text(), "description": "Which parts are kept as secrets."},
            "created_by": text(), "created_at": moment(), "updated_at": moment(), "last_test": may("object"),
        })),
        "Connections": list(reference("Connection")),
        "ConnectionAnswer": data(reference("Connection")),
        "NewConnection": only(&["name", "base_url", "auth"], json!({
            "name": {"type": "string", "pattern": "^[a-z](-?[a-z0-9])*$", "maxLength": 64},
            "base_url": {"type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]", "maxLength": 2000},
            "auth": with(&["type"], json!({"type": {"type": "string", "enum": [
                "none", "bearer", "basic", "api_key", "oauth2_client_credentials", "oauth2_refresh_token",
            ]}})),
            "secrets": {"type": "object", "propertyNames": {"pattern": "^[A-Z_]+$"}, "additionalProperties": {"type": "string"}},
        })),
        "ConnectionTestAnswer": data(with(&["ok", "token", "status", "detail", "at"], json!({
            "ok": {"type": "boolean"}, "token": may("boolean"), "status": may("integer"), "detail": text(), "at": moment(),
        }))),
        "Key": with(&["id", "name", "created_by", "created_at"], json!({
            "id": text(), "name": text(), "created_by": text(), "created_at": moment(),
        })),
        "Keys": list(reference("Key")),
        "NewKey": only(&["name"], json!({"name": name(100)})),
        "KeyAnswer": data(with(&["id", "name", "created_by", "created_at", "key"], json!({
            "id": text(), "name": text(), "created_by": text(), "created_at": moment(),
            "key": {"type": "string", "description": "The key itself, shown this once."},
        }))),
    })
}

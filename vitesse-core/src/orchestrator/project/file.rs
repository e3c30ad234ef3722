use std::fmt::Write as _;

use crate::mapping::Value;
use crate::mapping::part::{Part, parts};
use crate::mapping::schema::schema_of;
use crate::mapping::value::Object;

parts! {
    /// An integration as a file describes it. What is left out has its default, so that the file says it all.
    pub struct ProjectFile {
        /// The version of this format.
        "version" version: u64 = 1;
        /// What the integration is called; its name is how it is found again.
        "name" name: String;
        /// What people should know of it.
        "description" description: String = String::new();
        /// What it is for, in your words: `sync customers and orders`. It chooses the endpoints where no streams are named.
        "intent" intent: String = String::new();
        /// Where records come from.
        "source" source: ProjectSide;
        /// Where records go.
        "destination" destination: ProjectSide;
        /// What is moved, in this order; chosen by the intent if nothing is said.
        "streams" streams: Vec<ProjectStream> = Vec::new();
        /// Destination fields by the source field they come from, in every stream that has it.
        "hints" hints: Object = Object::new();
        /// What must not be done.
        "constraints" constraints: ProjectConstraints = ProjectConstraints::default();
        /// What should rather be done: `sample_size`, `min_confidence`, `on_error`.
        "preferences" preferences: Object = Object::new();
        /// How it is tested.
        "test" test: ProjectTest = ProjectTest::default();
        /// Where it runs; without it, it is made and tested, and not deployed.
        "deploy" deploy: Option<ProjectDeploy> = None;
        /// How often it runs: a span as `15m`, or five fields of cron as `0 6 * * 1-5`. Without it, it runs when it is told to: `vitesse sync`.
        "schedule" schedule: Option<String> = None;
        /// The time zone of a cron schedule: `Europe/Berlin`; UTC if none is given.
        "time_zone" time_zone: Option<String> = None;
    }
    /// One of the two APIs.
    pub struct ProjectSide {
        /// Its description's file (beside this one) or address, its own address, or an id that `vitesse discover` shows.
        "api" api: String;
        /// What it is called, if not as its description says.
        "name" name: Option<String> = None;
        /// The connection whose credentials it gets.
        "connection" connection: Option<String> = None;
        /// Where it is, if not where its description says.
        "base_url" base_url: Option<String> = None;
        /// What its description doesn't say, or says wrong: parts of the mapping's block for this side.
        "overrides" overrides: Object = Object::new();
    }
    /// One stream: what is read and what is written.
    pub struct ProjectStream {
        /// Its name; that of the source's resource if none is given.
        "name" name: Option<String> = None;
        /// What is read: `GET /customers`.
        "from" from: String;
        /// What is written: `POST /contacts`.
        "to" to: String;
        /// Destination fields by the source field they come from.
        "hints" hints: Object = Object::new();
        /// Destination fields that always have the same value.
        "constants" constants: Object = Object::new();
        /// The condition that records must meet to be moved: `{field: email, is_null: false}`.
        "filter" filter: Object = Object::new();
        /// Parts of the mapping's block `source`, for this stream.
        "source" source: Object = Object::new();
        /// Parts of the mapping's block `destination`, for this stream.
        "destination" destination: Object = Object::new();
    }
    /// What must not be done.
    pub struct ProjectConstraints {
        /// Fields of the source that are never sent, with all that is in them.
        "never_send" never_send: Vec<String> = Vec::new();
        /// Endpoints that are never called: a path, or a method and a path.
        "never_call" never_call: Vec<String> = Vec::new();
        /// Regions that a deployment must be in.
        "regions" regions: Vec<String> = Vec::new();
    }
    /// How it is tested.
    pub struct ProjectTest {
        /// How many synthetic records are tried, 1 to 100.
        "samples" samples: Option<u64> = None;
        /// What the records follow from: the same seed gives the same report.
        "seed" seed: Option<u64> = None;
    }
    /// Where it runs.
    pub struct ProjectDeploy {
        /// The target: `process`, `local`, `eks` or `ecs`.
        "target" target: String = "process".to_owned();
        /// How many run.
        "replicas" replicas: u64 = 1;
        /// Memory of each, in MiB.
        "memory_mb" memory_mb: u64 = 512;
        /// Processor share of each, in cores.
        "cpu_cores" cpu_cores: f64 = 0.5;
        /// Whether the target may change the number of replicas.
        "auto_scale" auto_scale: bool = false;
        /// What only the target knows, such as `registry` and `region`.
        "config" config: Object = Object::new();
        /// Variables of what runs, such as `BATCH_SIZE`. Never secrets: those come from connections.
        "environment" environment: Object = Object::new();
    }
}

/// The JSON Schema (2020-12) of the file, as indented text: editors check and complete by it.
///
/// The same text is checked in as `docs/src/reference/vitesse.schema.json`.
pub fn project_schema() -> String {
    schema_of::<ProjectFile>("vitesse.yaml, version 1")
}

/// The keys of the file as Markdown tables: a part of `docs/src/reference/vitesse-yaml.md`.
pub fn project_reference() -> String {
    let mut definitions = Object::new();
    ProjectFile::schema(&mut definitions);
    let parts = [
        ("The file", "ProjectFile"),
        ("`source` and `destination`", "ProjectSide"),
        ("`streams`", "ProjectStream"),
        ("`constraints`", "ProjectConstraints"),
        ("`test`", "ProjectTest"),
        ("`deploy`", "ProjectDeploy"),
    ];
    let mut page = String::new();
    for (title, name) in parts {
        let Some(part) = definitions.get(name) else { continue };
        let _ = write!(page, "\n## {title}\n\n| key | holds | meaning |\n|---|---|---|\n");
        let required = part.get("required").and_then(Value::as_array).unwrap_or_default();
        let properties = part.get("properties").and_then(Value::as_object);
        for (key, schema) in properties.into_iter().flat_map(Object::iter) {
            let needed = required.iter().any(|one| one.as_str() == Some(key));
            let needed = if needed { ", required" } else { "" };
            let meaning = schema.get("description").and_then(Value::as_str).unwrap_or_default();
            let _ = writeln!(page, "| `{key}` | {}{needed} | {meaning} |", holds(schema));
        }
    }
    page
}

/// What a schema's value is, in a word or two.
fn holds(schema: &Value) -> String {
    if let Some(kind) = schema.get("type").and_then(Value::as_str) {
        return match (kind, schema.get("items")) {
            ("array", Some(items)) => format!("a list: {}", holds(items)),
            ("string", _) => "a text".into(),
            ("integer", _) => "a whole number".into(),
            ("number", _) => "a number".into(),
            ("boolean", _) => "true or false".into(),
            ("null", _) => "nothing".into(),
            _ => "keys of your own".into(),
        };
    }
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        return choices.first().map(holds).unwrap_or_default();
    }
    "see below".into()
}

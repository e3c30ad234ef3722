//! A project as the text of a file.

use std::fmt::Write as _;

use serde_json::Value as Tree;

use super::file::{ProjectConstraints, ProjectDeploy, ProjectFile, ProjectSide, ProjectStream, ProjectTest};
use super::wanted::{Project, SCHEDULE, TIME_ZONE};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Value;
use crate::mapping::part::Part;
use crate::mapping::value::{Object, write_string, write_value};
use crate::orchestrator::steps::{MAP_OPTIONS, TEST_OPTIONS};
use crate::orchestrator::{Constraints, MapOptions, TestStepOptions};
use crate::store::repository::Integration;

impl Project {
    /// The file that describes an integration as it is. Its paths are absolute.
    ///
    /// # Errors
    /// If the record can't be read.
    pub fn of(integration: &Integration) -> Result<Self> {
        let kept = |name: &str| integration.extra_metadata.get(name).cloned();
        let map: MapOptions =
            kept(MAP_OPTIONS).and_then(|it| serde_json::from_value(it).ok()).unwrap_or_default();
        let test: TestStepOptions =
            kept(TEST_OPTIONS).and_then(|it| serde_json::from_value(it).ok()).unwrap_or_default();
        let map = map.in_streams();
        let mut streams = Vec::new();
        for stream in map.streams {
            streams.push(ProjectStream {
                name: stream.name,
                from: stream.source_endpoint.unwrap_or_default(),
                to: stream.dest_endpoint.unwrap_or_default(),
                hints: exact(&stream.mapping_hints)?,
                constants: exact(&stream.constants)?,
                filter: object(stream.overrides.filter.as_ref()),
                source: object(stream.overrides.source.as_ref()),
                destination: object(stream.overrides.destination.as_ref()),
                ..ProjectStream::default()
            });
        }
        let constraints = Constraints::read(&integration.user_constraints)?;
        let mut file = ProjectFile {
            version: 1,
            name: integration.name.clone(),
            description: integration.description.clone(),
            intent: integration.user_intent.clone(),
            source: side(
                &integration.source_discovery,
                kept("connections"),
                "source",
                map.overrides.source.as_ref(),
            ),
            destination: side(
                &integration.dest_discovery,
                kept("connections"),
                "destination",
                map.overrides.destination.as_ref(),
            ),
            streams,
            hints: exact(&integration.mapping_hints)?,
            constraints: ProjectConstraints {
                never_send: constraints.never_send,
                never_call: constraints.never_call,
                regions: constraints.regions,
                ..ProjectConstraints::default()
            },
            preferences: exact(&integration.user_preferences)?,
            test: ProjectTest {
                samples: test.test_sample_size.map(|size| size as u64),
                seed: test.seed,
                ..ProjectTest::default()
            },
            ..ProjectFile::default()
        };
        file.hints = join(file.hints, exact(&map.mapping_hints)?);
        if integration.container_id.is_some() {
            let config = &integration.deployment_config;
            let mut environment = exact(&kept("deployed_environment").unwrap_or_default())?;
            let mut taken =
                |name: &str| environment.remove(name).and_then(|it| it.as_str().map(String::from));
            (file.schedule, file.time_zone) = (taken(SCHEDULE), taken(TIME_ZONE));
            file.deploy = Some(ProjectDeploy {
                target: config.target.clone(),
                replicas: config.replicas.into(),
                memory_mb: config.memory_mb.into(),
                cpu_cores: config.cpu_cores,
                auto_scale: config.auto_scale,
                config: exact(&config.extra)?,
                environment,
                ..ProjectDeploy::default()
            });
        }
        Ok(Self { file, folder: Default::default() })
    }

    /// The text of the file.
    pub fn to_yaml(&self) -> String {
        let mut text =
            String::from("# An integration of Vitesse: `vitesse plan` and `vitesse apply` read this.\n");
        if let Value::Object(object) = self.file.write() {
            members(&object, 0, &mut text);
        }
        text
    }
}

fn side(discovery: &Tree, connections: Option<Tree>, which: &str, overrides: Option<&Value>) -> ProjectSide {
    let text = |key: &str| discovery.get(key).and_then(Tree::as_str).filter(|text| !text.is_empty());
    let api = text("catalog_id").or(text("spec_url")).or(text("base_url")).unwrap_or_default();
    let mut overrides = object(overrides);
    let base_url = overrides.remove("base_url").and_then(|it| it.as_str().map(String::from));
    ProjectSide {
        api: api.to_owned(),
        name: text("api_name").map(str::to_owned),
        connection: connections.and_then(|all| all.get(which)?.as_str().map(str::to_owned)),
        base_url,
        overrides,
        ..ProjectSide::default()
    }
}

/// The keys of a block; none, if there is no block.
fn object(block: Option<&Value>) -> Object {
    block.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// An object with its order and its digits.
fn exact(object: &impl serde::Serialize) -> Result<Object> {
    let wrong = |error: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Internal, format!("a record can't be written as a file: {error}"))
            .in_operation("orchestrator.project")
    };
    let text = serde_json::to_string(object).map_err(|error| wrong(&error))?;
    match text.parse::<Value>().map_err(|error| wrong(&error))? {
        Value::Object(object) => Ok(object),
        _ => Ok(Object::new()),
    }
}

fn join(mut below: Object, above: Object) -> Object {
    for (key, value) in above {
        below.insert(key, value);
    }
    below
}

fn members(object: &Object, depth: usize, out: &mut String) {
    for (key, value) in object.iter() {
        out.push_str(&"  ".repeat(depth));
        scalar(key, out);
        out.push(':');
        inner(value, depth, out);
    }
}

/// What stands after a key or a dash.
fn inner(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            out.push('\n');
            members(object, depth + 1, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                out.push_str(&"  ".repeat(depth + 1));
                match item {
                    // The first key stands beside the dash.
                    Value::Object(object) if !object.is_empty() => {
                        let mut lines = String::new();
                        members(object, depth + 2, &mut lines);
                        let _ = write!(out, "- {}", lines.trim_start());
                    }
                    Value::String(text) => {
                        out.push_str("- ");
                        scalar(text, out);
                        out.push('\n');
                    }
                    other => {
                        out.push_str("- ");
                        write_value(other, out);
                        out.push('\n');
                    }
                }
            }
        }
        Value::String(text) => {
            out.push(' ');
            scalar(text, out);
            out.push('\n');
        }
        // JSON is YAML.
        other => {
            out.push(' ');
            write_value(other, out);
            out.push('\n');
        }
    }
}

/// A text without quotes where nobody could take it for anything else.
fn scalar(text: &str, out: &mut String) {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '/' | '.' | '{' | '}' | '[' | ']')
    };
    let safe = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(plain)
        && !text.ends_with(' ')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    match safe {
        true => out.push_str(text),
        false => write_string(text, out),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever people call things, the file that is written is the file that is read.
        #[test]
        fn what_is_written_is_read(
            name in "\\PC{0,20}[a-z]", intent in "\\PC*", field in "[a-z\\[\\].]{1,8}", to in "\\PC{1,9}",
            number in any::<u64>(), endpoint in "(GET )?/[a-z{}/]{0,9}",
        ) {
            let mut file = ProjectFile { version: 1, name, intent, ..ProjectFile::default() };
            file.source.api = "shop.yaml".into();
            file.destination.api = "https://crm.test/openapi.json".into();
            file.hints.insert(&*field, to.as_str());
            file.streams.push(ProjectStream { from: endpoint.clone(), to: endpoint, ..ProjectStream::default() });
            file.streams[0].constants.insert(&*to, Value::from(vec![Value::Null, Value::from(field.as_str())]));
            file.test.seed = Some(number);
            file.deploy = Some(ProjectDeploy::default());
            let project = Project { file, folder: "x".into() };
            let text = project.to_yaml();
            let read = Project::parse(&text, "x");
            prop_assert_eq!(read.as_ref().ok(), Some(&project), "{:?}\n{}", read, text);
        }
    }
}

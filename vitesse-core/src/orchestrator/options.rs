use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::VARIABLES;
use crate::error::{Error, ErrorKind, Result};
use crate::files;
use crate::mapper::Overrides;
use crate::secret::Secret;

/// What it takes to make an integration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateIntegration {
    /// What people call it.
    pub name: String,
    /// What people say of it.
    pub description: String,
    /// The chosen source, as discovery gave it; kept as it is.
    pub source_discovery: Value,
    /// The chosen destination.
    pub dest_discovery: Value,
    /// What it is for, in a person's words.
    pub user_intent: String,
    /// Where it goes: `process`, `local`, `eks`, `ecs`, `cloud_eks`, `cloud_ecs` or `cloud`; the default if none.
    pub deployment_target: Option<String>,
    /// How large: `replicas`, `memory_mb`, `cpu_cores`, `auto_scale`, and what only the target knows.
    pub deployment_config: Map<String, Value>,
    /// What it must not do; see [`Constraints`](super::Constraints).
    pub user_constraints: Map<String, Value>,
    /// What it should rather do; see [`Preferences`](super::Preferences).
    pub user_preferences: Map<String, Value>,
    /// Destination fields by the source field they are known to come from.
    pub mapping_hints: BTreeMap<String, String>,
}

impl CreateIntegration {
    /// An integration between two APIs of which only the addresses are known, named after their hosts.
    pub fn between(name: impl Into<String>, source_url: &str, dest_url: &str) -> Self {
        let discovery = |url: &str| json!({"api_name": host(url), "base_url": url, "source": "url"});
        Self {
            name: name.into(),
            source_discovery: discovery(source_url),
            dest_discovery: discovery(dest_url),
            ..Self::default()
        }
    }
}

pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// How the two APIs are read. What is left out is found out from the discovery results.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IngestOptions {
    /// Where the source's description is: an address or a file.
    pub source_spec_url: Option<String>,
    /// Where the destination's description is.
    pub dest_spec_url: Option<String>,
    /// The source's description itself; wins over its address.
    pub source_document: Option<String>,
    /// The destination's description itself.
    pub dest_document: Option<String>,
    /// The connection whose credentials fetch the source's description, where it is behind a login.
    pub source_connection: Option<String>,
    /// The connection for the destination's description.
    pub dest_connection: Option<String>,
    /// Whether descriptions that the record names by a path are read from this machine's files. Only a program that
    /// acts for whoever may read them says so; nothing that comes over a network can.
    #[serde(skip)]
    pub local_files: bool,
}

/// How fields are mapped. What is left out is chosen by the intent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MapOptions {
    /// What is read: `/customers`, or `GET /customers`.
    pub source_endpoint: Option<String>,
    /// What is written.
    pub dest_endpoint: Option<String>,
    /// Destination fields by the source field they come from; besides the integration's own.
    pub mapping_hints: BTreeMap<String, String>,
    /// Destination fields that always have the same value.
    pub constants: BTreeMap<String, Value>,
    /// What people say about the connection blocks.
    pub overrides: Overrides,
    /// Several streams, in their order, instead of one pair of endpoints.
    pub streams: Vec<StreamOptions>,
    /// Begin anew: lines that people reviewed are forgotten.
    pub restart: bool,
}

impl MapOptions {
    /// The same wish with its one pair of endpoints, if it names both, as a stream.
    pub(super) fn in_streams(mut self) -> Self {
        if self.streams.is_empty() && self.source_endpoint.is_some() && self.dest_endpoint.is_some() {
            self.streams.push(StreamOptions {
                name: None,
                source_endpoint: self.source_endpoint.take(),
                dest_endpoint: self.dest_endpoint.take(),
                mapping_hints: BTreeMap::new(),
                constants: std::mem::take(&mut self.constants),
                overrides: std::mem::take(&mut self.overrides),
            });
        }
        self
    }
}

/// One stream of several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamOptions {
    /// Its name; that of the source's resource if none is given.
    pub name: Option<String>,
    /// What is read.
    pub source_endpoint: Option<String>,
    /// What is written.
    pub dest_endpoint: Option<String>,
    /// Destination fields by the source field they come from.
    pub mapping_hints: BTreeMap<String, String>,
    /// Destination fields that always have the same value.
    pub constants: BTreeMap<String, Value>,
    /// What people say about the connection blocks.
    pub overrides: Overrides,
}

/// `customers: GET /customers > POST /contacts`, with or without the name.
impl FromStr for StreamOptions {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorKind::InvalidInput, "a stream is written `NAME: GET /customers > POST /contacts`")
                .in_operation("orchestrator.stream")
                .with("given", text)
        };
        let (source, dest) = text.split_once('>').ok_or_else(wrong)?;
        // An endpoint begins with a method or a slash, so a colon before either ends a name.
        let begins = source.find('/').ok_or_else(wrong)?;
        let (name, source) = match source[..begins].split_once(':') {
            Some((name, _)) => (Some(name.trim().to_owned()), &source[name.len() + 1..]),
            None => (None, source),
        };
        Ok(Self {
            name: name.filter(|name| !name.is_empty()),
            source_endpoint: Some(source.trim().to_owned()),
            dest_endpoint: Some(dest.trim().to_owned()),
            ..Self::default()
        })
    }
}

/// How an integration is tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestStepOptions {
    /// How many synthetic records are tried, 1 to 100; the integration's preference, else 5.
    pub test_sample_size: Option<usize>,
    /// Whether calls that change data are left out.
    pub skip_destructive: bool,
    /// What the records follow from: the same seed gives the same report.
    pub seed: Option<u64>,
    /// Whether the integration is also run between mocks of both APIs, on this machine.
    pub rehearse: bool,
    /// Whether the real APIs are asked too, with the credentials that a deployment would have. Only reading calls
    /// are made, unless `skip_destructive` is off.
    pub live: bool,
    /// The connection that asks the source; that of the deployment, if none is given.
    pub source_connection: Option<String>,
    /// The connection that asks the destination.
    pub dest_connection: Option<String>,
    /// Where the source is asked, if not where the mapping says.
    pub source_base_url: Option<String>,
    /// Where the destination is asked.
    pub dest_base_url: Option<String>,
}

impl Default for TestStepOptions {
    fn default() -> Self {
        Self {
            test_sample_size: None,
            skip_destructive: true,
            seed: None,
            rehearse: true,
            live: false,
            source_connection: None,
            dest_connection: None,
            source_base_url: None,
            dest_base_url: None,
        }
    }
}

/// How an integration is deployed. What is left out stays as the integration has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeployOptions {
    /// How many run.
    pub replicas: Option<u32>,
    /// Memory of each, in MiB.
    pub memory_mb: Option<u32>,
    /// Processor share of each, in cores.
    pub cpu_cores: Option<f64>,
    /// Whether the target may change the number of replicas.
    pub auto_scale: Option<bool>,
    /// Where it goes, if it is to go elsewhere.
    pub target: Option<String>,
    /// What only the target knows, such as `registry` or `region`.
    pub extra: Map<String, Value>,
    /// Passes over the gate; that stands in the audit log.
    pub force: bool,
    /// The connection whose credentials the source gets.
    pub source_connection: Option<String>,
    /// The connection whose credentials the destination gets.
    pub dest_connection: Option<String>,
    /// Credentials by the name of their variable, such as `VITESSE_SOURCE_TOKEN`; they win over connections.
    pub credentials: BTreeMap<String, Secret>,
    /// Other variables of what runs, such as `VITESSE_DEST_BASE_URL` or `BATCH_SIZE`. An empty value takes one away.
    pub environment: BTreeMap<String, String>,
}

impl DeployOptions {
    /// Adds the variables of an env file: `NAME=value` lines, as `.env.example` has them. Those that are secrets become
    /// credentials, the others variables of what runs. An empty value is none. `NAME_FILE=path` reads a secret from that
    /// file of this machine.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] naming the line that can't be read. It is never shown.
    pub fn env_file(&mut self, text: &str) -> Result<()> {
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: &str| {
                Error::new(ErrorKind::InvalidInput, format!("a line of the env file can't be read: {why}"))
                    .in_operation("orchestrator.deploy")
                    .with("line", at + 1)
                    .help("write NAME=value; values with spaces or quotes stand in single quotes")
            };
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, value) = line.split_once('=').ok_or_else(|| wrong("it has no `=`"))?;
            let name = name.trim();
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.bytes().all(plain) {
                return Err(wrong("what is before the `=` is no name of a variable"));
            }
            let value = unquoted(value.trim()).ok_or_else(|| wrong("its quotes don't end"))?;
            if value.is_empty() {
                continue;
            }
            let is_secret = |name: &str| VARIABLES.iter().any(|known| known.secret && known.name == name);
            if let Some(name) = name.strip_suffix("_FILE").filter(|name| is_secret(name)) {
                // What runs may be where this file isn't.
                let bytes = files::read(Path::new(&value), 1 << 20)?;
                let text = String::from_utf8(bytes).map_err(|_| wrong("the file it names is no text"))?;
                self.credentials.insert(name.to_owned(), Secret::new(text.trim_end_matches(['\r', '\n'])));
                continue;
            }
            match is_secret(name) {
                true => drop(self.credentials.insert(name.to_owned(), Secret::new(value))),
                false => drop(self.environment.insert(name.to_owned(), value)),
            }
        }
        Ok(())
    }
}

/// A value without the quotes that a shell takes off. Nothing is put in the place of `$`.
fn unquoted(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' => loop {
                match rest.next()? {
                    '\'' => break,
                    c => value.push(c),
                }
            },
            '"' => loop {
                match rest.next()? {
                    '"' => break,
                    '\\' => value.push(rest.next()?),
                    c => value.push(c),
                }
            },
            '\\' => value.push(rest.next()?),
            c => value.push(c),
        }
    }
    Some(value)
}

/// What is to be changed of an integration; the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateIntegration {
    /// What people call it.
    pub name: Option<String>,
    /// What people say of it.
    pub description: Option<String>,
    /// Another source, as discovery gives it; the descriptions are to be read anew then.
    pub source_discovery: Option<Value>,
    /// Another destination.
    pub dest_discovery: Option<Value>,
    /// What it is for.
    pub user_intent: Option<String>,
    /// Destination fields by the source field they are known to come from.
    pub mapping_hints: Option<BTreeMap<String, String>>,
    /// What it must not do.
    pub user_constraints: Option<Map<String, Value>>,
    /// What it should rather do.
    pub user_preferences: Option<Map<String, Value>>,
    /// Where it goes; only while it isn't deployed.
    pub deployment_target: Option<String>,
    /// Values of the deployment configuration; `null` takes one out.
    pub deployment_config: Option<Map<String, Value>>,
}

/// How the steps of [`Vitesse::create_integration`](super::Vitesse::create_integration) work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WholeOptions {
    /// How the APIs are read.
    pub ingest: IngestOptions,
    /// How fields are mapped.
    pub map: MapOptions,
    /// How it is tested.
    pub test: TestStepOptions,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, name: Option<&str>, source: &str, dest: &str) {
        let stream: StreamOptions = text.parse().unwrap();
        assert_eq!(stream.name.as_deref(), name);
        assert_eq!(stream.source_endpoint.as_deref(), Some(source));
        assert_eq!(stream.dest_endpoint.as_deref(), Some(dest));
    }

    #[test]
    fn a_stream_is_written_in_one_line() {
        check(
            "customers: GET /customers > POST /contacts",
            Some("customers"),
            "GET /customers",
            "POST /contacts",
        );
        check("/a:b > /c", None, "/a:b", "/c");
        check("GET /a/{id}>PUT /b", None, "GET /a/{id}", "PUT /b");
        for wrong in ["", "customers", "a: > b", "/a"] {
            assert!(wrong.parse::<StreamOptions>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_env_file_is_read_as_it_is_written() {
        let mut options = DeployOptions::default();
        let text = "# a comment\n\nVITESSE_SOURCE_TOKEN='it'\\''s $HOME'\nexport BATCH_SIZE=7\nVITESSE_DEST_TOKEN=\n\
                    VITESSE_DEST_BASE_URL=\"https://crm.example/a b\"\n\n";
        options.env_file(text).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "kept\n").unwrap();
        options.env_file(&format!("VITESSE_DEST_TOKEN_FILE={}", file.path().display())).unwrap();
        assert_eq!(options.credentials["VITESSE_DEST_TOKEN"].expose(), "kept");
        assert!(options.env_file("VITESSE_DEST_TOKEN_FILE=/nowhere/at/all").is_err());
        assert_eq!(options.credentials.len(), 2);
        assert_eq!(options.credentials["VITESSE_SOURCE_TOKEN"].expose(), "it's $HOME");
        assert_eq!(options.environment["BATCH_SIZE"], "7");
        assert_eq!(options.environment["VITESSE_DEST_BASE_URL"], "https://crm.example/a b");
        for (wrong, line) in [("A=1\ns3cret", "line: 2"), ("1A=s3cret", "line: 1"), ("A='s3cret", "quotes")] {
            let error = DeployOptions::default().env_file(wrong).unwrap_err().to_string();
            assert!(error.contains(line) && !error.contains("s3cret"), "{error}");
        }
    }
}

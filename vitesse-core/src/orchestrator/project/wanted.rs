use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Tree, json};

use super::file::{ProjectDeploy, ProjectFile, ProjectSide, ProjectStream};
use crate::error::{Error, ErrorKind, Result};
use crate::files;
use crate::ingestor::PlainFile;
use crate::mapper::Overrides;
use crate::mapping::Value;
use crate::mapping::part::{Part, Reading};
use crate::mapping::value::Object;
use crate::orchestrator::{
    CreateIntegration, DeployOptions, IngestOptions, MapOptions, StreamOptions, TestStepOptions, Vitesse,
};

/// The variable by which what is deployed is told when to run.
pub(super) const SCHEDULE: &str = "VITESSE_SCHEDULE";
/// And in which time zone.
pub(super) const TIME_ZONE: &str = "VITESSE_TIME_ZONE";

/// A file that describes an integration, and the folder that its paths begin in.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// What the file says.
    pub file: ProjectFile,
    /// The folder it is in.
    pub folder: PathBuf,
}

impl Project {
    /// Reads a file.
    ///
    /// # Errors
    /// If it can't be read, and as [`parse`](Self::parse).
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = files::read(path, files::MOST_BYTES)?;
        let named = |error: Error| error.with("file", path.display());
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let wrong = Error::new(ErrorKind::InvalidInput, "the file isn't valid UTF-8");
            named(wrong.in_operation("orchestrator.project").source(error))
        })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Self::parse(text, folder).map_err(named)
    }

    /// Reads a text, as if it stood in a file of this folder.
    ///
    /// ```
    /// use vitesse_core::orchestrator::Project;
    /// let text = "name: Shop to CRM\nsource: {api: shop.yaml}\ndestination: {api: crm.json}\nintnet: sync customers\n";
    /// let error = Project::parse(text, "").unwrap_err().to_string();
    /// assert!(error.contains("line 4, intnet: there is no such key; did you mean \"intent\"?"), "{error}");
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] naming everything that is wrong, with its line and the nearest right key.
    pub fn parse(text: &str, folder: impl Into<PathBuf>) -> Result<Self> {
        let plain = PlainFile::parse(text)?;
        let wrong = |message: String| {
            Error::new(ErrorKind::InvalidInput, message).in_operation("orchestrator.project")
        };
        let value: Value =
            plain.to_json()?.parse().map_err(|error| wrong(format!("the file can't be read: {error}")))?;
        let mut reading = Reading::default();
        let file = ProjectFile::read(&value, &mut reading);
        if let Some(file) = &file {
            check(file, &mut reading);
        }
        match (file, reading.problems.is_empty()) {
            (Some(file), true) => Ok(Self { file, folder: folder.into() }),
            _ => {
                let tell = |problem: &crate::mapping::Problem| {
                    let key = problem.pointer.trim_start_matches('/').replace('/', ".");
                    let place = if key.is_empty() { "the file".to_owned() } else { key };
                    let help = problem.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
                    format!("line {}, {place}: {}{help}", plain.line(&problem.pointer), problem.message)
                };
                let told: Vec<String> = reading.problems.iter().map(tell).collect();
                Err(wrong(match told.as_slice() {
                    [only] => format!("the file is wrong: {only}"),
                    all => format!("the file is wrong in {} places:\n{}", all.len(), all.join("\n")),
                })
                .help("the reference lists every key: docs/src/reference/vitesse-yaml.md"))
            }
        }
    }

    /// Where a side is: a path is meant from the folder of the file.
    fn side_path(&self, side: &ProjectSide) -> String {
        let path = self.folder.join(&side.api);
        let is_url = side.api.starts_with("http://") || side.api.starts_with("https://");
        match !is_url && (path.is_file() || side.api.ends_with(".yaml") || side.api.ends_with(".json")) {
            true => path.display().to_string(),
            false => side.api.clone(),
        }
    }
}

/// Everything that the steps are asked for to make what a file says.
pub(super) struct Wanted {
    pub(super) create: CreateIntegration,
    pub(super) ingest: IngestOptions,
    pub(super) map: MapOptions,
    pub(super) test: TestStepOptions,
    pub(super) deploy: Option<DeployOptions>,
}

impl Wanted {
    pub(super) fn of(project: &Project, vitesse: &Vitesse) -> Result<Self> {
        let file = &project.file;
        let side = |side: &ProjectSide| -> Result<Tree> {
            let mut chosen = vitesse.choose(&project.side_path(side))?;
            if let (Some(name), Some(chosen)) = (&side.name, chosen.as_object_mut()) {
                chosen.insert("api_name".into(), name.as_str().into());
            }
            Ok(chosen)
        };
        let config = file.deploy.as_ref().map(config).transpose()?.unwrap_or_default();
        let create = CreateIntegration {
            name: file.name.clone(),
            description: file.description.clone(),
            source_discovery: side(&file.source).map_err(|error| error.with("side", "source"))?,
            dest_discovery: side(&file.destination).map_err(|error| error.with("side", "destination"))?,
            user_intent: file.intent.clone(),
            deployment_target: file.deploy.as_ref().map(|deploy| deploy.target.clone()),
            deployment_config: config,
            user_constraints: constraints(file),
            user_preferences: tree(&file.preferences)?,
            mapping_hints: texts(&file.hints),
        };
        let ingest = IngestOptions {
            source_connection: file.source.connection.clone(),
            dest_connection: file.destination.connection.clone(),
            local_files: true,
            ..IngestOptions::default()
        };
        let test = TestStepOptions {
            test_sample_size: file.test.samples.and_then(|size| usize::try_from(size).ok()),
            seed: file.test.seed,
            ..TestStepOptions::default()
        };
        let deploy = match &file.deploy {
            None => None,
            Some(deploy) => {
                let mut environment = texts(&deploy.environment);
                let when = [(SCHEDULE, &file.schedule), (TIME_ZONE, &file.time_zone)];
                environment
                    .extend(when.into_iter().filter_map(|(name, it)| Some((name.to_owned(), it.clone()?))));
                Some(DeployOptions {
                    source_connection: file.source.connection.clone(),
                    dest_connection: file.destination.connection.clone(),
                    environment,
                    ..DeployOptions::default()
                })
            }
        };
        Ok(Self { create, ingest, map: map_options(file)?, test, deploy })
    }
}

fn map_options(file: &ProjectFile) -> Result<MapOptions> {
    let overrides = Overrides {
        source: block(&file.source),
        destination: block(&file.destination),
        ..Overrides::default()
    };
    let stream = |one: &ProjectStream| -> Result<StreamOptions> {
        Ok(StreamOptions {
            name: one.name.clone(),
            source_endpoint: Some(one.from.clone()),
            dest_endpoint: Some(one.to.clone()),
            mapping_hints: texts(&one.hints),
            constants: tree(&one.constants)?.into_iter().collect(),
            overrides: Overrides {
                source: over(overrides.source.as_ref(), &one.source),
                destination: over(overrides.destination.as_ref(), &one.destination),
                filter: over(None, &one.filter),
            },
        })
    };
    let streams = file.streams.iter().map(stream).collect::<Result<Vec<_>>>()?;
    let overrides = if streams.is_empty() { overrides } else { Overrides::default() };
    Ok(MapOptions { streams, overrides, ..MapOptions::default() })
}

/// What a side says of its block in the mapping; nothing, if it says nothing.
fn block(side: &ProjectSide) -> Option<Value> {
    let mut block = side.overrides.clone();
    if let Some(base_url) = &side.base_url {
        block.insert("base_url", base_url.as_str());
    }
    (!block.is_empty()).then_some(Value::Object(block))
}

/// A block with another laid over it; objects are joined, everything else is replaced.
fn over(below: Option<&Value>, above: &Object) -> Option<Value> {
    let above = (!above.is_empty()).then(|| Value::Object(above.clone()));
    match (below, above) {
        (Some(below), Some(above)) => Some(lay(below, above, 0)),
        (below, above) => above.or_else(|| below.cloned()),
    }
}

fn lay(below: &Value, above: Value, depth: usize) -> Value {
    match (below, above) {
        // A block of the mapping is a few steps deep; a file can be written deeper.
        (Value::Object(below), Value::Object(above)) if depth < 16 => {
            let mut joined = below.clone();
            for (key, value) in above {
                let value = match joined.get(&key) {
                    Some(below) => lay(below, value, depth + 1),
                    None => value,
                };
                joined.insert(key, value);
            }
            joined.into()
        }
        (_, above) => above,
    }
}

fn config(deploy: &ProjectDeploy) -> Result<Map<String, Tree>> {
    let mut config = tree(&deploy.config)?;
    config.insert("replicas".into(), deploy.replicas.into());
    config.insert("memory_mb".into(), deploy.memory_mb.into());
    config.insert("cpu_cores".into(), json!(deploy.cpu_cores));
    config.insert("auto_scale".into(), deploy.auto_scale.into());
    Ok(config)
}

fn constraints(file: &ProjectFile) -> Map<String, Tree> {
    let given = &file.constraints;
    let lists =
        [("never_send", &given.never_send), ("never_call", &given.never_call), ("regions", &given.regions)];
    let said = lists.into_iter().filter(|(_, list)| !list.is_empty());
    said.map(|(key, list)| (key.to_owned(), json!(list))).collect()
}

/// What can be wrong although every key is right.
fn check(file: &ProjectFile, reading: &mut Reading) {
    let mut wrong = |key: &str, message: &str, help: &str| {
        reading.within(key, |reading| reading.problem(message, Some(help.to_owned())));
    };
    if file.version != 1 {
        wrong("version", "this program reads version 1", "install a newer one, or write `version: 1`");
    }
    if file.name.trim().is_empty() {
        wrong("name", "an integration needs one", "say what it is called");
    }
    if file.deploy.is_none() && file.schedule.is_some() {
        wrong("schedule", "nothing is deployed that could run by it", "add `deploy: {}`");
    }
    for (key, given) in [("hints", &file.hints)] {
        if given.iter().any(|(_, value)| value.as_str().is_none()) {
            wrong(
                key,
                "a destination field was expected for each source field",
                "as in `first_name: given_name`",
            );
        }
    }
}

fn tree(object: &Object) -> Result<Map<String, Tree>> {
    serde_json::from_str(&Value::from(object.clone()).to_string()).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "the file holds a number that JSON elsewhere can't")
            .in_operation("orchestrator.project")
            .source(error)
    })
}

/// Values as texts: `BATCH_SIZE: 50` means the same as `"50"`.
fn texts(object: &Object) -> std::collections::BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    object.iter().map(|(key, value)| (key.to_owned(), text(value))).collect()
}

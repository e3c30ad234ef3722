use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{Functions, Mapping, VERSION};

const BINARY: &str = if cfg!(windows) { "vitesse-runtime.exe" } else { "vitesse-runtime" };

/// Where the runtime binary is looked for: the first place that has it wins.
#[derive(Clone, Debug, Default)]
pub struct RuntimeSearch {
    /// What the caller says; nothing else is tried then.
    pub option: Option<PathBuf>,
    /// What `VITESSE_RUNTIME` says; nothing further is tried then.
    pub variable: Option<PathBuf>,
    /// The folder of the package that holds this library, for packages that bring the binary.
    pub package_data: Option<PathBuf>,
}

impl RuntimeSearch {
    /// Looks where the environment says.
    pub fn from_config(config: &Config) -> Self {
        Self { variable: config.runtime.clone(), ..Self::default() }
    }

    /// Finds the binary.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if what was said leads nowhere, [`ErrorKind::NotFound`] naming every place.
    pub fn find(&self) -> Result<PathBuf> {
        for (said, by) in [(&self.option, "the option"), (&self.variable, "VITESSE_RUNTIME")] {
            match said {
                Some(path) if path.is_file() => return Ok(path.clone()),
                Some(path) => {
                    return Err(Error::new(
                        ErrorKind::ConfigInvalid,
                        format!("{by} names a runtime binary that isn't there"),
                    )
                    .in_operation("deployer.runtime")
                    .with("path", path.display()));
                }
                None => {}
            }
        }
        let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(|dir| dir.join(BINARY)));
        let places: Vec<PathBuf> =
            beside.into_iter().chain(self.package_data.iter().map(|data| data.join(BINARY))).collect();
        if let Some(found) = places.iter().find(|place| place.is_file()) {
            return Ok(found.clone());
        }
        let tried: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        Err(Error::new(ErrorKind::NotFound, "the runtime binary isn't installed")
            .in_operation("deployer.runtime")
            .with("looked for", tried.join(", "))
            .help("install vitesse-runtime beside this program, or name it by VITESSE_RUNTIME"))
    }

    /// Finds the binary and asks it what it is.
    ///
    /// # Errors
    /// As [`find`](Self::find), and [`ErrorKind::ConfigInvalid`] if it isn't a runtime.
    pub async fn open(&self) -> Result<Runtime> {
        Runtime::open(self.find()?).await
    }
}

/// A runtime binary and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Where it is.
    pub path: PathBuf,
    /// Its version.
    pub version: String,
    /// The versions of the mapping document that it reads.
    pub mapping_versions: Vec<u64>,
    /// The functions it knows; `None` if it doesn't say, as a runtime before it could.
    pub functions: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Said {
    version: String,
    mapping_versions: Vec<u64>,
    #[serde(default)]
    functions: Option<Vec<String>>,
}

impl Runtime {
    /// Asks the binary at `path` for its version.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if it can't be run or answers something else.
    pub async fn open(path: PathBuf) -> Result<Self> {
        // It is started in a folder of its own, from where a relative path would lead elsewhere.
        let path = path.canonicalize().unwrap_or(path);
        let wrong = |what: &'static str, path: &Path| {
            Error::new(ErrorKind::ConfigInvalid, what)
                .in_operation("deployer.runtime")
                .with("path", path.display())
                .help("name a vitesse-runtime of this version by VITESSE_RUNTIME")
        };
        let mut command = Command::new(&path);
        command.args(["--version", "--json"]).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let answer = tokio::time::timeout(Duration::from_secs(10), command.output())
            .await
            .map_err(|_| wrong("the runtime binary doesn't answer", &path))?
            .map_err(|error| {
                wrong("the runtime binary can't be run", &path).with("cause", &error).source(error)
            })?;
        let said: Said = serde_json::from_slice(&answer.stdout).map_err(|_| {
            wrong("this is no vitesse-runtime: it doesn't say which mappings it reads", &path)
        })?;
        let Said { version, mapping_versions, functions } = said;
        Ok(Self { path, version, mapping_versions, functions })
    }

    /// Refuses mappings that this runtime can't run.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] naming the version, or the functions and their lines.
    pub fn check(&self, mappings: &[Mapping]) -> Result<()> {
        let refuse = |what: String, help: &'static str| {
            Err(Error::new(ErrorKind::Unsupported, what)
                .in_operation("deployer.runtime")
                .with("runtime", self.path.display())
                .with("version", &self.version)
                .help(help))
        };
        if !self.mapping_versions.contains(&VERSION) {
            let read: Vec<String> = self.mapping_versions.iter().map(u64::to_string).collect();
            return refuse(
                format!("the runtime reads mappings of version {}, not {VERSION}", read.join(", ")),
                "install the runtime of this release",
            );
        }
        check_functions(self.functions.as_deref(), mappings)
            .map_err(|error| error.with("runtime", self.path.display()).with("version", &self.version))
    }
}

/// Refuses mappings that name functions which aren't among these; `None` stands for those that every build has.
///
/// # Errors
/// [`ErrorKind::Unsupported`] naming the functions and the fields they are for.
pub fn check_functions(known: Option<&[String]>, mappings: &[Mapping]) -> Result<()> {
    let builtin = Functions::builtin();
    let known: Vec<&str> = match known {
        Some(known) => known.iter().map(String::as_str).collect(),
        None => builtin.names().collect(),
    };
    let mut unknown = Vec::new();
    for mapping in mappings {
        for (line, name) in mapping.lines_beyond(known.iter().copied()) {
            let field = mapping.transformations.get(line).map(|line| line.dest_field.to_string());
            let at = format!("{name:?} (for {})", field.unwrap_or_default());
            if !unknown.contains(&at) {
                unknown.push(at);
            }
        }
    }
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Unsupported,
            format!("the runtime doesn't know the function {}", unknown.join(", ")),
        )
        .in_operation("deployer.runtime")
        .help(
            "build a runtime with vitesse_runtime::run(functions) that does, and name it by VITESSE_RUNTIME",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime(functions: Option<&[&str]>, versions: &[u64]) -> Runtime {
        Runtime {
            path: "/opt/vitesse-runtime".into(),
            version: "0.1.0".into(),
            mapping_versions: versions.to_vec(),
            functions: functions.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
        }
    }

    fn mapping(function: &str) -> Mapping {
        let text = format!(
            r#"{{"version": 1, "transformations": [{{"source_field": "a", "dest_field": "b",
                "transform_type": "custom", "transform_config": {{"function": "{function}"}}}}]}}"#
        );
        Mapping::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_runtime_is_held_to_the_mapping_before_anything_runs() {
        let known = [mapping("uppercase")];
        runtime(None, &[1]).check(&known).unwrap();
        let error = runtime(None, &[2, 3]).check(&known).unwrap_err().to_string();
        assert!(error.contains("reads mappings of version 2, 3, not 1"), "{error}");

        let own = [mapping("shout")];
        let error = runtime(None, &[1]).check(&own).unwrap_err().to_string();
        assert!(error.contains("\"shout\" (for b)"), "{error}");
        runtime(Some(&["shout"]), &[1]).check(&own).unwrap();
    }

    #[tokio::test]
    async fn what_is_no_runtime_is_said_so() {
        let search = RuntimeSearch { option: Some("/nowhere/at/all".into()), ..RuntimeSearch::default() };
        let error = search.open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");

        let search = RuntimeSearch { variable: Some("/bin/echo".into()), ..RuntimeSearch::default() };
        let error = search.open().await.unwrap_err();
        assert!(error.to_string().contains("no vitesse-runtime"), "{error}");

        let error = RuntimeSearch::default().find().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("VITESSE_RUNTIME"), "{error}");
    }
}

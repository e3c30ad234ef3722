//! The process's environment, read in one place and checked at once.
//!
//! [`VARIABLES`] is the table of everything that is read: the documentation, `.env.example` and `vitesse env`
//! come from it. [`Config`] holds the values, ready to use; no other room looks at the environment, except for
//! the credentials a connection names.
//!
//! ```
//! use vitesse_core::config::Config;
//!
//! let config = Config::read(|name| match name {
//!     "POSTGRES_SERVER" => Some("db.example:6432".into()),
//!     "POSTGRES_DB" => Some("vitesse_db".into()),
//!     _ => None,
//! })?;
//! assert_eq!(config.store.unwrap().expose(), "postgres://postgres@db.example:6432/vitesse_db");
//! # Ok::<(), vitesse_core::Error>(())
//! ```

#![forbid(unsafe_code)]

mod example;
mod variables;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

pub use example::example_file;
pub use variables::{VARIABLES, Variable};

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// What the environment says, checked. A field is `None` where nothing was said.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// The store's URL: `VITESSE_STORE`, else put together from `POSTGRES_*`.
    pub store: Option<Secret>,
    /// `VITESSE_HOME`, or the place the platform gives.
    pub home: PathBuf,
    /// Who is logged in, as the platform says: `USER`, else `LOGNAME`.
    pub login: Option<String>,
    /// `SECRET_KEY`.
    pub secret_key: Option<Secret>,
    /// `JWT_SECRET`.
    pub jwt_secret: Option<Secret>,
    /// `SSL_CERT_FILE`.
    pub ssl_cert_file: Option<PathBuf>,
    /// `VITESSE_ALLOW`.
    pub allow: Vec<String>,
    /// `VITESSE_HTTP_LISTEN`.
    pub http_listen: Option<SocketAddr>,
    /// `VITESSE_HTTP_KEY`.
    pub http_key: Option<Secret>,
    /// `OPENAI_API_KEY`.
    pub openai_api_key: Option<Secret>,
    /// `LLM_MODEL`.
    pub llm_model: String,
    /// `DOCKER_HOST`.
    pub docker_host: String,
    /// `TRAEFIK_DASHBOARD_URL`.
    pub traefik_dashboard_url: Option<String>,
    /// `VITESSE_RUNTIME`.
    pub runtime: Option<PathBuf>,
    /// `AWS_REGION`.
    pub aws_region: Option<String>,
    /// `AWS_ACCESS_KEY_ID`.
    pub aws_access_key_id: Option<String>,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub aws_secret_access_key: Option<Secret>,
    /// `EKS_CLUSTER_NAME`.
    pub eks_cluster_name: Option<String>,
    /// `ECR_REGISTRY_URL`.
    pub ecr_registry_url: Option<String>,
    /// `KNOWLEDGE_DB_BACKEND`.
    pub knowledge: KnowledgeBackend,
    /// `QDRANT_URL`.
    pub qdrant_url: Option<String>,
    /// `QDRANT_API_KEY`.
    pub qdrant_api_key: Option<Secret>,
    /// `SOURCE_API_KEY`.
    pub source_api_key: Option<Secret>,
    /// `DEST_API_KEY`.
    pub dest_api_key: Option<Secret>,
    /// `BATCH_SIZE`.
    pub batch_size: Option<NonZeroU32>,
    /// `VITESSE_MAPPING`.
    pub mapping: Option<PathBuf>,
    /// `VITESSE_STATE`.
    pub state: Option<Secret>,
    /// `VITESSE_SOURCE_*`, with `SOURCE_API_KEY` as the token if there is no other.
    pub source: SideConfig,
    /// `VITESSE_DEST_*`, with `DEST_API_KEY` as the token if there is no other.
    pub dest: SideConfig,
    /// `VITESSE_LISTEN`.
    pub listen: Option<SocketAddr>,
    /// `VITESSE_KEY`.
    pub key: Option<Secret>,
    /// `VITESSE_ADMIN_LISTEN`.
    pub admin_listen: Option<SocketAddr>,
    /// `VITESSE_ADMIN_KEY`.
    pub admin_key: Option<Secret>,
    /// `VITESSE_SCHEDULE`.
    pub schedule: Option<String>,
    /// `VITESSE_TIME_ZONE`.
    pub time_zone: String,
    /// `VITESSE_HOOKS`.
    pub hooks: Option<Secret>,
    /// `VITESSE_ALERT_URL`.
    pub alert_url: Option<Secret>,
    /// `VITESSE_ALERT_SECRET`.
    pub alert_secret: Option<Secret>,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub otel_endpoint: Option<String>,
    /// `OTEL_EXPORTER_OTLP_HEADERS`.
    pub otel_headers: Option<Secret>,
    /// `OTEL_SERVICE_NAME`.
    pub otel_service_name: String,
    /// `VITESSE_LOG`.
    pub log: String,
}

/// What the environment says of one API that the runtime talks to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SideConfig {
    /// A token or an API key.
    pub token: Option<Secret>,
    /// The OAuth 2 client's id.
    pub client_id: Option<Secret>,
    /// Its secret.
    pub client_secret: Option<Secret>,
    /// A refresh token that a person once granted.
    pub refresh_token: Option<Secret>,
    /// A user name.
    pub username: Option<Secret>,
    /// Its password.
    pub password: Option<Secret>,
    /// Where the API is, if not where the mapping says.
    pub base_url: Option<String>,
}

/// Where learned knowledge is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KnowledgeBackend {
    /// In this process.
    #[default]
    BuiltIn,
    /// A Qdrant server.
    Qdrant,
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`], naming every variable that is wrong.
    pub fn from_env() -> Result<Self> {
        let mut foreign = Vec::new();
        let config = Self::read(|name| match std::env::var(name) {
            Ok(value) => Some(value),
            Err(std::env::VarError::NotPresent) => None,
            Err(std::env::VarError::NotUnicode(_)) => {
                foreign.push(format!("{name} is not valid UTF-8"));
                None
            }
        })?;
        match foreign.is_empty() {
            true => Ok(config),
            false => Err(invalid(&foreign)),
        }
    }

    /// Reads from any place; an empty value counts as not set.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`], naming every variable that is wrong.
    pub fn read(lookup: impl FnMut(&str) -> Option<String>) -> Result<Self> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let source_api_key = reader.secret("SOURCE_API_KEY");
        let dest_api_key = reader.secret("DEST_API_KEY");
        let config = Self {
            store: reader.store(),
            home: reader.home(),
            login: reader.text("USER").or_else(|| reader.text("LOGNAME")),
            secret_key: reader.secret("SECRET_KEY"),
            jwt_secret: reader.secret("JWT_SECRET"),
            ssl_cert_file: reader.text("SSL_CERT_FILE").map(PathBuf::from),
            allow: reader.list("VITESSE_ALLOW"),
            http_listen: reader.parsed("VITESSE_HTTP_LISTEN", "an address and a port, as 127.0.0.1:9001"),
            http_key: reader.secret("VITESSE_HTTP_KEY"),
            openai_api_key: reader.secret("OPENAI_API_KEY"),
            llm_model: reader.text("LLM_MODEL").unwrap_or_else(|| "gpt-4".into()),
            docker_host: reader.text("DOCKER_HOST").unwrap_or_else(|| "unix:///var/run/docker.sock".into()),
            traefik_dashboard_url: reader.url("TRAEFIK_DASHBOARD_URL"),
            runtime: reader.text("VITESSE_RUNTIME").map(PathBuf::from),
            aws_region: reader.text("AWS_REGION"),
            aws_access_key_id: reader.text("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key: reader.secret("AWS_SECRET_ACCESS_KEY"),
            eks_cluster_name: reader.text("EKS_CLUSTER_NAME"),
            ecr_registry_url: reader.text("ECR_REGISTRY_URL"),
            knowledge: reader.knowledge(),
            qdrant_url: reader.url("QDRANT_URL"),
            qdrant_api_key: reader.secret("QDRANT_API_KEY"),
            mapping: reader.text("VITESSE_MAPPING").map(PathBuf::from),
            state: reader.secret("VITESSE_STATE"),
            source: reader.side("SOURCE", source_api_key.as_ref()),
            dest: reader.side("DEST", dest_api_key.as_ref()),
            source_api_key,
            dest_api_key,
            batch_size: reader.parsed("BATCH_SIZE", "a whole number greater than 0"),
            listen: reader.parsed("VITESSE_LISTEN", "an address and a port, as 0.0.0.0:8080"),
            key: reader.secret("VITESSE_KEY"),
            admin_listen: reader.parsed("VITESSE_ADMIN_LISTEN", "an address and a port, as 127.0.0.1:9464"),
            admin_key: reader.secret("VITESSE_ADMIN_KEY"),
            schedule: reader.text("VITESSE_SCHEDULE"),
            time_zone: reader.text("VITESSE_TIME_ZONE").unwrap_or_else(|| "UTC".into()),
            hooks: reader.secret("VITESSE_HOOKS"),
            alert_url: reader.secret("VITESSE_ALERT_URL"),
            alert_secret: reader.secret("VITESSE_ALERT_SECRET"),
            otel_endpoint: reader.url("OTEL_EXPORTER_OTLP_ENDPOINT"),
            otel_headers: reader.secret("OTEL_EXPORTER_OTLP_HEADERS"),
            otel_service_name: reader.text("OTEL_SERVICE_NAME").unwrap_or_else(|| "vitesse-runtime".into()),
            log: reader.log(),
        };
        match reader.problems.is_empty() {
            true => Ok(config),
            false => Err(invalid(&reader.problems)),
        }
    }

    /// Where to open the store when nobody says otherwise.
    pub fn store_url(&self) -> Secret {
        self.store
            .clone()
            .unwrap_or_else(|| Secret::new(format!("embedded:{}", self.home.join("store").display())))
    }
}

fn invalid(problems: &[String]) -> Error {
    let message = match problems {
        [one] => format!("the environment is wrong: {one}"),
        many => format!("the environment is wrong in {} places: {}", many.len(), many.join("; ")),
    };
    Error::new(ErrorKind::ConfigInvalid, message)
        .in_operation("config.read")
        .help("`vitesse env` lists every variable with its meaning")
}

/// Looks values up and collects what is wrong with them, so that all of it can be told at once.
struct Reader<F> {
    lookup: F,
    problems: Vec<String>,
}

impl<F: FnMut(&str) -> Option<String>> Reader<F> {
    fn text(&mut self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// A secret, from the variable or from the file its `_FILE` twin names.
    fn secret(&mut self, name: &str) -> Option<Secret> {
        if let Some(value) = self.text(name) {
            return Some(Secret::new(value));
        }
        let path = self.text(&format!("{name}_FILE"))?;
        match std::fs::read_to_string(&path) {
            Ok(value) => Some(Secret::new(value.trim_end_matches(['\r', '\n']))),
            Err(error) => {
                self.problems.push(format!("{name}_FILE names {path}, which can't be read: {error}"));
                None
            }
        }
    }

    fn side(&mut self, side: &str, key: Option<&Secret>) -> SideConfig {
        let mut secret = |name: &str| self.secret(&format!("VITESSE_{side}_{name}"));
        SideConfig {
            token: secret("TOKEN").or_else(|| key.cloned()),
            client_id: secret("CLIENT_ID"),
            client_secret: secret("CLIENT_SECRET"),
            refresh_token: secret("REFRESH_TOKEN"),
            username: secret("USERNAME"),
            password: secret("PASSWORD"),
            base_url: self.side_url(side),
        }
    }

    fn side_url(&mut self, side: &str) -> Option<String> {
        let name = format!("VITESSE_{side}_BASE_URL");
        let url = self.secret(&name)?.expose().trim_end_matches('/').to_owned();
        if url.starts_with("http://") || url.starts_with("https://") {
            return Some(url);
        }
        self.problems.push(format!("{name} must be an http or https address"));
        None
    }

    fn list(&mut self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(String::from).collect()
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str, wanted: &str) -> Option<T> {
        let text = self.text(name)?;
        text.trim()
            .parse()
            .map_err(|_| self.problems.push(format!("{name} must be {wanted}, not {text:?}")))
            .ok()
    }

    fn url(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        if text.starts_with("http://") || text.starts_with("https://") {
            return Some(text);
        }
        self.problems.push(format!("{name} must be an http or https address"));
        None
    }

    /// A level, or levels of modules: `warn,vitesse_core::net=debug`.
    fn log(&mut self) -> String {
        let text = self.text("VITESSE_LOG").unwrap_or_else(|| "warn".into());
        let level = |word: &str| {
            let levels = ["off", "error", "warn", "info", "debug", "trace"];
            levels.iter().any(|level| word.eq_ignore_ascii_case(level))
        };
        let module = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ':'))
        };
        let right = text.split(',').map(str::trim).all(|part| match part.split_once('=') {
            Some((name, word)) => module(name.trim()) && level(word.trim()),
            None => level(part),
        });
        if !right {
            self.problems.push(format!(
                "VITESSE_LOG must be off, error, warn, info, debug or trace, or such as \
                 warn,vitesse_core::net=debug, not {text:?}"
            ));
        }
        text
    }

    fn knowledge(&mut self) -> KnowledgeBackend {
        match self.text("KNOWLEDGE_DB_BACKEND").as_deref() {
            None | Some("built-in") => KnowledgeBackend::BuiltIn,
            Some("qdrant") => KnowledgeBackend::Qdrant,
            Some(other) => {
                self.problems
                    .push(format!("KNOWLEDGE_DB_BACKEND must be \"built-in\" or \"qdrant\", not {other:?}"));
                KnowledgeBackend::BuiltIn
            }
        }
    }

    fn home(&mut self) -> PathBuf {
        if let Some(home) = self.text("VITESSE_HOME") {
            return home.into();
        }
        match (self.text("XDG_DATA_HOME"), self.text("HOME")) {
            (Some(data), _) => PathBuf::from(data).join("vitesse"),
            (None, Some(home)) => PathBuf::from(home).join(".local/share/vitesse"),
            (None, None) => ".vitesse".into(),
        }
    }

    fn store(&mut self) -> Option<Secret> {
        if let Some(url) = self.secret("VITESSE_STORE") {
            return Some(url);
        }
        let server = self.text("POSTGRES_SERVER");
        let database = self.text("POSTGRES_DB");
        let user = self.text("POSTGRES_USER").unwrap_or_else(|| "postgres".into());
        let password = self.secret("POSTGRES_PASSWORD");
        match (server, database) {
            (Some(server), Some(database)) => {
                let user = encoded(&user);
                let password =
                    password.map_or_else(String::new, |text| format!(":{}", encoded(text.expose())));
                Some(Secret::new(format!("postgres://{user}{password}@{server}/{}", encoded(&database))))
            }
            (Some(_), None) => {
                self.problems.push("POSTGRES_SERVER is set, but POSTGRES_DB isn't".into());
                None
            }
            (None, Some(_)) => {
                self.problems.push("POSTGRES_DB is set, but POSTGRES_SERVER isn't".into());
                None
            }
            (None, None) => None,
        }
    }
}

/// Percent-encodes what could be taken for a part of a URL.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;
use vitesse_core::config::Config;
use vitesse_core::discovery::known_descriptions;
use vitesse_core::ingestor::Ingestor;
use vitesse_core::net::{Auth, Client, NetConfig, Scheme};
use vitesse_core::secret::{CredentialSource, EnvSource, Secret};
use vitesse_core::spec::{ApiSpec, Diagnostic, EndpointId, Severity};
use vitesse_core::{Error, ErrorKind, Result};

use crate::args::SpecArgs;
use crate::ui::{Screen, Show, Ui};

/// How many resources a person wants to see at once.
const MOST_RESOURCES: usize = 40;

pub(crate) fn run(args: &SpecArgs, config: &Config, ui: &Ui) -> Result<()> {
    let mut ingestor = Ingestor::new(Client::new(NetConfig::from_config(config)?)?)
        .with_progress(ui.progress())
        .with_known(known_descriptions);
    if let Some(scheme) = scheme(args)? {
        ingestor = ingestor.with_auth(Auth::new(&args.address, scheme)?);
    }
    let found = super::wait(async {
        match () {
            () if args.find => ingestor.find(&args.address).await,
            () if args.data => ingestor.read_data(&args.address).await,
            () => ingestor.read(&args.address).await,
        }
    })?;
    ui.report(&Report { spec: found.spec, diagnostics: found.diagnostics, all: args.all })
}

/// The credentials that were named, read from the environment.
fn scheme(args: &SpecArgs) -> Result<Option<Scheme>> {
    let secret = |name: &str| EnvSource.require(name);
    if let Some(name) = &args.bearer_env {
        return Ok(Some(Scheme::Bearer(secret(name)?)));
    }
    if let Some(name) = &args.basic_env {
        let both = secret(name)?;
        let (username, password) = both.expose().split_once(':').ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, format!("{name} isn't written as user:password"))
                .in_operation("cli.spec")
        })?;
        return Ok(Some(Scheme::Basic { username: username.to_owned(), password: Secret::new(password) }));
    }
    let Some(header) = &args.header_env else { return Ok(None) };
    let (name, variable) = header.split_once('=').ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, "--header-env is written HEADER=VARIABLE")
            .in_operation("cli.spec")
    })?;
    Ok(Some(Scheme::Header { name: name.to_owned(), value: secret(variable)? }))
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    spec: ApiSpec,
    diagnostics: Vec<Diagnostic>,
    #[serde(skip)]
    all: bool,
}

impl Show for Report {
    fn show(&self, screen: &mut Screen) {
        let spec = &self.spec;
        let version = spec.api_version.as_deref().unwrap_or_default();
        screen.heading(format!("{} {version}", spec.api_name).trim());
        let mut facts = vec![vec!["format".into(), spec.format.to_string()]];
        let mut fact = |name: &str, value: String| {
            if !value.is_empty() {
                facts.push(vec![name.to_owned(), value]);
            }
        };
        fact("base URL", spec.base_url.as_deref().unwrap_or("unknown").to_owned());
        let others: Vec<&str> = spec
            .servers
            .iter()
            .map(|server| &*server.url)
            .filter(|url| Some(*url) != spec.base_url.as_deref())
            .take(4)
            .collect();
        fact("other servers", others.join(", "));
        let schemes: Vec<&str> =
            spec.auth.schemes.iter().map(|scheme| scheme.kind.auth_type().as_str()).collect();
        let mut auth = spec.auth_type.as_str().to_owned();
        if schemes.len() > 1 {
            auth.push_str(&format!(" (of {})", schemes.join(", ")));
        }
        fact("auth", auth);
        fact("pagination", spec.pagination_type.as_str().to_owned());
        let limits = spec.rate_limits.iter().map(|limit| match (limit.requests, limit.per) {
            (Some(requests), Some(per)) => format!("{requests} a {}", format!("{per:?}").to_lowercase()),
            _ if limit.headers.is_empty() => limit.evidence.note.clone(),
            _ => limit.headers.join(", "),
        });
        fact("rate limits", limits.collect::<Vec<_>>().join("; "));
        fact("endpoints", spec.endpoints.len().to_string());
        fact("schemas", spec.schemas.len().to_string());
        screen.table(&[], facts);
        resources(spec, screen);
        diagnostics(&self.diagnostics, self.all, screen);
    }
}

fn resources(spec: &ApiSpec, screen: &mut Screen) {
    if spec.resources.is_empty() {
        return;
    }
    screen.heading("Resources");
    let row = |resource: &vitesse_core::spec::Resource| {
        let list = resource.list.and_then(|id| spec.get(id));
        let named = [
            ("list", resource.list),
            ("get", resource.get),
            ("create", resource.create),
            ("update", resource.update.or(resource.replace)),
            ("delete", resource.delete),
        ];
        let can: Vec<&str> = named
            .iter()
            .filter(|(_, id): &&(_, Option<EndpointId>)| id.is_some())
            .map(|(name, _)| *name)
            .collect();
        let records = list.and_then(|list| list.records.as_ref()).map(|records| records.path.to_string());
        let paged =
            list.and_then(|list| list.pagination.as_ref()).map(|pages| pages.kind.as_str().to_owned());
        vec![
            resource.path.to_string(),
            can.join(", "),
            records.unwrap_or_default(),
            paged.unwrap_or_default(),
        ]
    };
    screen.table(
        &["path", "can", "records", "pages"],
        spec.resources.iter().take(MOST_RESOURCES).map(row).collect(),
    );
    if spec.resources.len() > MOST_RESOURCES {
        screen.line(format!("and {} more; --json shows all", spec.resources.len() - MOST_RESOURCES));
    }
}

fn diagnostics(diagnostics: &[Diagnostic], all: bool, screen: &mut Screen) {
    if diagnostics.is_empty() {
        screen.heading("Diagnostics");
        return screen.done("nothing is wrong with it");
    }
    let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let (errors, warnings, infos) = (count(Severity::Error), count(Severity::Warning), count(Severity::Info));
    screen.heading(format!("Diagnostics (errors {errors}, warnings {warnings}, notes {infos})"));
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for diagnostic in diagnostics {
        *seen.entry(diagnostic.kind.id()).or_default() += 1;
    }
    let mut shown = Vec::new();
    for diagnostic in diagnostics {
        let id = diagnostic.kind.id();
        if !all && shown.contains(&id) {
            continue;
        }
        shown.push(id);
        let more = seen.get(id).copied().unwrap_or_default() - 1;
        screen.line(diagnostic);
        if !all && more > 0 {
            screen.line(format!("  and {more} more {id}"));
        }
    }
    if !all && shown.len() < diagnostics.len() {
        screen.hint("vitesse spec FILE|URL --all");
    }
}

//! The complete project of an integration, as files.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vitesse_templates::{
    Compose, ComposeLabel, Dockerfile, EnvEntry, EnvFile, Readme, ReadmeStream, Template, render,
};

use super::streams::{Stream, mapped};
use super::{Project, Vitesse};
use crate::config::VARIABLES;
use crate::deployer::{Deployment, LocalSettings, container_id, needed};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Mapping;

/// A file of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Its place within the project's folder.
    pub path: String,
    /// What it holds.
    pub text: String,
}

impl Vitesse {
    /// Everything that is generated for an integration: what runs, what describes it, and what a person needs to run
    /// it by hand. Holds no secret.
    ///
    /// # Errors
    /// [`ErrorKind::Prerequisite`] before `map`.
    pub async fn export(&self, id: Uuid) -> Result<Vec<Exported>> {
        let integration = self.get(id).await?;
        let streams = mapped(&integration)?;
        let streams: Vec<&Stream> =
            streams.iter().filter(|stream| stream.proposal.refused.is_none()).collect();
        let deployment = Deployment {
            config: integration.deployment_config.clone(),
            ..Deployment::new(
                id,
                integration.name.clone(),
                streams.iter().map(|stream| stream.mapping().clone()).collect(),
            )
        };
        let mappings = deployment.mapping_files();
        let rows = streams.iter().zip(&mappings).map(|(stream, (path, _))| ReadmeStream {
            name: stream.name.clone(),
            file: path.clone(),
            from: stream.source_endpoint.clone(),
            to: stream.dest_endpoint.clone(),
            lines: stream.mapping().transformations.iter().filter(|line| line.enabled).count(),
        });
        let rows = rows.collect();
        let mut files: Vec<Exported> =
            mappings.into_iter().map(|(path, text)| Exported { path, text }).collect();
        let needs = needed(&deployment.mappings);
        let title = |side: &serde_json::Value| super::discovery::api_name(side).to_owned();
        files.push(made(&Readme {
            name: integration.name.clone(),
            description: integration.description.clone(),
            intent: integration.user_intent.clone(),
            integration_id: id.to_string(),
            source: title(&integration.source_discovery),
            destination: title(&integration.dest_discovery),
            streams: rows,
            needed: needs.iter().filter(|need| !need.optional).map(|need| need.variable.clone()).collect(),
        })?);
        files.extend(generated(&deployment, false)?);
        files.push(Exported { path: "vitesse.yaml".into(), text: Project::of(&integration)?.to_yaml() });
        Ok(files)
    }
}

/// The files by which a deployment can be built and run with other tools. They are kept with its record.
pub(super) fn generated(deployment: &Deployment, added_roots: bool) -> Result<Vec<Exported>> {
    Ok(vec![env_file(deployment)?, dockerfile(deployment, added_roots)?, compose(deployment)?])
}

/// What `docker build` reads.
pub(super) fn dockerfile(deployment: &Deployment, added_roots: bool) -> Result<Exported> {
    made(&Dockerfile {
        integration_id: deployment.integration_id.to_string(),
        name: deployment.name.clone(),
        mapping_hash: deployment.mapping_hash(),
        version: env!("CARGO_PKG_VERSION").into(),
        added_roots,
    })
}

fn env_file(deployment: &Deployment) -> Result<Exported> {
    let documented = |name: &str| {
        let known = VARIABLES.iter().find(|variable| variable.name == name);
        known.map(|variable| variable.doc.to_owned()).unwrap_or_default()
    };
    let needs = needed(&deployment.mappings);
    let mut entries: Vec<EnvEntry> = needs
        .iter()
        .map(|need| EnvEntry {
            name: need.variable.clone(),
            doc: format!("{} ({})", documented(&need.variable), need.api_name),
            value: None,
        })
        .collect();
    let first = deployment.mappings.first();
    let source = |mapping: &Mapping| mapping.source.as_ref().map(|source| source.base_url.clone());
    let dest = |mapping: &Mapping| mapping.destination.as_ref().map(|dest| dest.base_url.clone());
    let addresses = [
        ("VITESSE_SOURCE_BASE_URL", first.and_then(source)),
        ("VITESSE_DEST_BASE_URL", first.and_then(dest)),
    ];
    for (name, value) in addresses {
        entries.push(EnvEntry { name: name.into(), doc: documented(name), value });
    }
    made(&EnvFile { name: deployment.name.clone(), entries })
}

fn compose(deployment: &Deployment) -> Result<Exported> {
    let (id, config) = (deployment.integration_id, &deployment.config);
    // What another target understands by these keys is its own.
    let settings = match config.target.as_str() {
        "local" => LocalSettings::read(&config.extra)?,
        _ => LocalSettings::default(),
    };
    let mut labels = deployment.labels(env!("CARGO_PKG_VERSION"));
    labels.extend(settings.routes(id));
    made(&Compose {
        integration_id: id.to_string(),
        name: deployment.name.clone(),
        project: container_id(id),
        service_url: settings.service_url(id),
        memory_mb: config.memory_mb,
        cpu_cores: config.cpu_cores,
        labels: labels.into_iter().map(|(name, value)| ComposeLabel { name, value }).collect(),
        entry_point: settings.traefik.enabled.then(|| settings.traefik.entry_point.clone()),
        port: if settings.is_tls() { 443 } else { 80 },
        network: settings.network,
    })
}

fn made<T: Template>(values: &T) -> Result<Exported> {
    let text = render(values).map_err(|error| {
        Error::new(ErrorKind::Internal, "a file can't be generated").with("file", T::FILE).source(error)
    })?;
    Ok(Exported { path: T::FILE.to_owned(), text })
}

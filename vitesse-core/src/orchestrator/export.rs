//! The complete project of an integration, as files.

use serde::Serialize;
use uuid::Uuid;
use vitesse_templates::{Dockerfile, EnvEntry, EnvFile, Readme, ReadmeStream, Template, render};

use super::streams::{Stream, mapped};
use super::{Project, Vitesse};
use crate::config::VARIABLES;
use crate::deployer::{Deployment, needed};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Mapping;

/// A file of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
        let mappings: Vec<Mapping> = streams.iter().map(|stream| stream.mapping().clone()).collect();
        let mut files = Vec::new();
        let mut rows = Vec::new();
        for (at, stream) in streams.iter().enumerate() {
            let path = format!("mapping/{:03}-{}.json", at + 1, file_name(&stream.name));
            rows.push(ReadmeStream {
                name: stream.name.clone(),
                file: path.clone(),
                from: stream.source_endpoint.clone(),
                to: stream.dest_endpoint.clone(),
                lines: stream.mapping().transformations.iter().filter(|line| line.enabled).count(),
            });
            files.push(Exported { path, text: format!("{}\n", stream.mapping().to_json()) });
        }
        let name = integration.name.clone();
        let needs = needed(&mappings);
        let title = |side: &serde_json::Value| super::discovery::api_name(side).to_owned();
        files.push(made(&Readme {
            name: name.clone(),
            description: integration.description.clone(),
            intent: integration.user_intent.clone(),
            integration_id: id.to_string(),
            source: title(&integration.source_discovery),
            destination: title(&integration.dest_discovery),
            streams: rows,
            needed: needs.iter().filter(|need| !need.optional).map(|need| need.variable.clone()).collect(),
        })?);
        let documented = |name: &str| {
            let known = VARIABLES.iter().find(|variable| variable.name == name);
            known.map(|variable| variable.doc.to_owned()).unwrap_or_default()
        };
        let mut entries: Vec<EnvEntry> = needs
            .iter()
            .map(|need| EnvEntry {
                name: need.variable.clone(),
                doc: format!("{} ({})", documented(&need.variable), need.api_name),
                value: None,
            })
            .collect();
        let first = mappings.first();
        let addresses = [
            ("VITESSE_SOURCE_BASE_URL", first.and_then(|m| m.source.as_ref()).map(|s| s.base_url.clone())),
            ("VITESSE_DEST_BASE_URL", first.and_then(|m| m.destination.as_ref()).map(|d| d.base_url.clone())),
        ];
        for (name, value) in addresses {
            entries.push(EnvEntry { name: name.into(), doc: documented(name), value });
        }
        files.push(made(&EnvFile { name: name.clone(), entries })?);
        files.push(made(&Dockerfile {
            integration_id: id.to_string(),
            name,
            mapping_hash: Deployment::new(id, "", mappings).mapping_hash(),
            version: env!("CARGO_PKG_VERSION").into(),
        })?);
        let project = Project::of(&integration)?;
        files.push(Exported { path: "vitesse.yaml".into(), text: project.to_yaml() });
        Ok(files)
    }
}

fn made<T: Template>(values: &T) -> Result<Exported> {
    let text = render(values).map_err(|error| {
        Error::new(ErrorKind::Internal, "a file can't be generated").with("file", T::FILE).source(error)
    })?;
    Ok(Exported { path: T::FILE.to_owned(), text })
}

/// A stream's name as a part of a file's: it may hold anything.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' };
    name.chars().take(60).map(plain).collect()
}

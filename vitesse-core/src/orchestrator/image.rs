//! The image of an integration, for whoever runs it elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use uuid::Uuid;

use super::connections::secret_name;
use super::export::dockerfile;
use super::{Vitesse, steps};
use crate::deployer::{
    Architecture, Binary, ContextFile, Deployment, Image, ImageParts, ImageReference, Pushed, RegistryLogin,
    Runtime, build_context, check_functions, image_name, push,
};
use crate::error::{Error, ErrorKind, Result};
use crate::files;
use crate::net::Bytes;
use crate::secret::Secret;

/// The user and the password for a registry, where no connection is named.
const LOGIN: [&str; 2] = ["VITESSE_REGISTRY_USERNAME", "VITESSE_REGISTRY_PASSWORD"];

/// What becomes of an image.
#[derive(Clone, Debug, Default)]
pub struct ImageOptions {
    /// Writes it to this file, as an archive that `docker load` and tools for OCI images read.
    pub output: Option<PathBuf>,
    /// Pushes it to this place.
    pub push: Option<String>,
    /// The connection with the registry's user and password; else those of `VITESSE_REGISTRY_USERNAME` and
    /// `VITESSE_REGISTRY_PASSWORD`; else nobody's.
    pub connection: Option<String>,
    /// Writes to this folder what the generated Dockerfile copies, with the Dockerfile.
    pub context: Option<PathBuf>,
}

/// An image that was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageReport {
    /// The integration.
    pub integration_id: Uuid,
    /// What it is called on a machine.
    pub name: String,
    /// What an engine calls it.
    pub id: String,
    /// What a registry calls it.
    pub digest: String,
    /// The processor it is for.
    pub architecture: Architecture,
    /// The bytes of each layer, with what is in it.
    pub layers: Vec<ImageLayer>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The file it was written to.
    pub output: Option<PathBuf>,
    /// The files that a Dockerfile copies, if they were written.
    pub context: Vec<PathBuf>,
    /// Where it was pushed.
    pub pushed: Option<Pushed>,
}

/// A layer of an image, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageLayer {
    /// What is in it.
    pub about: &'static str,
    /// Its bytes.
    pub size: u64,
    /// What registries call it.
    pub digest: String,
}

impl Vitesse {
    /// Puts the image of an integration together, and writes or pushes it. It needs no Docker. What goes into it is
    /// what a deployment would run; credentials never do.
    ///
    /// # Errors
    /// As [`deploy`](Self::deploy) before it asks its target, and what the registry or the disk fails with.
    pub async fn image(&self, id: Uuid, options: &ImageOptions) -> Result<ImageReport> {
        // What is wrong with the place is known before anything is made for it.
        let push_to = match &options.push {
            Some(to) => {
                let to: ImageReference = to.parse()?;
                Some((to, self.registry_login(options.connection.as_deref())?))
            }
            None => None,
        };
        let Made { deployment, binary, version, roots, image } = self.made(id).await?;
        if let Some(file) = &options.output {
            write(file, &archive(&image, &deployment)?, false)?;
        }
        let mut context = Vec::new();
        if let Some(folder) = &options.context {
            let parts = ImageParts {
                deployment: &deployment,
                binary: &binary,
                version: &version,
                roots: roots.as_deref(),
            };
            let text = dockerfile(&deployment, roots.is_some())?;
            let dockerfile =
                ContextFile { path: text.path, content: Some(Bytes::from(text.text)), can_run: false };
            for file in build_context(&parts).into_iter().chain([dockerfile]) {
                let place = folder.join(&file.path);
                match &file.content {
                    Some(content) => write(&place, content, file.can_run)?,
                    None => std::fs::create_dir_all(&place).map_err(|error| unwritten(&place, error))?,
                }
                context.push(place);
            }
        }
        let pushed = match &push_to {
            Some((to, login)) => {
                Some(push(&image, to, login.as_ref(), &self.inner.client, &self.progress).await?)
            }
            None => None,
        };
        Ok(ImageReport {
            integration_id: id,
            name: image_name(&deployment),
            id: image.id().to_owned(),
            digest: image.digest().to_owned(),
            architecture: image.architecture(),
            layers: image
                .layers()
                .iter()
                .map(|layer| ImageLayer {
                    about: layer.about,
                    size: layer.bytes.len() as u64,
                    digest: layer.digest.clone(),
                })
                .collect(),
            labels: image.labels().clone(),
            output: options.output.clone(),
            context,
            pushed,
        })
    }

    /// The image as an archive, which `docker load` and tools for OCI images read.
    ///
    /// # Errors
    /// As [`image`](Self::image).
    pub async fn image_archive(&self, id: Uuid) -> Result<Vec<u8>> {
        let Made { deployment, image, .. } = self.made(id).await?;
        archive(&image, &deployment)
    }

    async fn made(&self, id: Uuid) -> Result<Made> {
        let integration = self.get(id).await?;
        let mappings = steps::mappings_to_run(&integration)?;
        let deployment = Deployment {
            config: integration.deployment_config.clone(),
            ..Deployment::new(id, integration.name.clone(), mappings)
        };
        let (search, added) = (&self.inner.runtime, self.inner.roots.as_ref());
        let path = search.find()?;
        let binary = Binary::read(&path)?;
        let version = match Architecture::here() {
            Some(here) if cfg!(target_os = "linux") && here == binary.architecture => {
                let runtime = Runtime::open(path).await?;
                runtime.check(&deployment.mappings)?;
                runtime.version
            }
            _ => {
                check_functions(None, &deployment.mappings)?;
                env!("CARGO_PKG_VERSION").to_owned()
            }
        };
        let roots = added.map(|path| files::read(path, files::MOST_BYTES)).transpose()?;
        let assemble = move || {
            let parts = ImageParts {
                deployment: &deployment,
                binary: &binary,
                version: &version,
                roots: roots.as_deref(),
            };
            let image = Image::assemble(&parts)?;
            Ok(Made { deployment, binary, version, roots, image })
        };
        tokio::task::spawn_blocking(assemble).await.map_err(|error| {
            Error::new(ErrorKind::Internal, "the image could not be put together").source(error)
        })?
    }

    fn registry_login(&self, connection: Option<&str>) -> Result<Option<RegistryLogin>> {
        let source = &self.inner.credentials;
        let names = match connection {
            Some(name) => [secret_name(name, "USERNAME"), secret_name(name, "PASSWORD")],
            None => LOGIN.map(str::to_owned),
        };
        let [user, password] = names.each_ref().map(|name| source.get(name));
        let given = |secret: Option<Secret>| secret.filter(|secret| !secret.is_empty());
        match (given(user?), given(password?)) {
            (Some(user), Some(password)) => {
                Ok(Some(RegistryLogin { username: user.expose().to_owned(), password }))
            }
            (None, None) if connection.is_none() => Ok(None),
            (user, _) => {
                let [first, second] = names;
                Err(Error::new(ErrorKind::CredentialRefused, "the login for the registry is missing")
                    .in_operation("orchestrator.image")
                    .with("missing", if user.is_some() { second } else { first })
                    .with("looked in", source.describe())
                    .help("add a connection with a user and a password: `vitesse connect NAME https://REGISTRY --basic-env VARIABLE`"))
            }
        }
    }
}

/// An image, and what it was put together from.
struct Made {
    deployment: Deployment,
    binary: Binary,
    version: String,
    roots: Option<Vec<u8>>,
    image: Image,
}

fn archive(image: &Image, deployment: &Deployment) -> Result<Vec<u8>> {
    let mut archive = Vec::new();
    image.write_archive(&image_name(deployment), &mut archive)?;
    Ok(archive)
}

fn write(path: &Path, content: &[u8], can_run: bool) -> Result<()> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, content)).map_err(|error| unwritten(path, error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if can_run { 0o755 } else { 0o644 };
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, permissions).map_err(|error| unwritten(path, error))?;
    }
    #[cfg(not(unix))]
    let _ = can_run;
    Ok(())
}

fn unwritten(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "a file of the image can't be written")
        .in_operation("orchestrator.image")
        .with("file", path.display())
        .with("cause", &error)
        .source(error)
}

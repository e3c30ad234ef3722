//! The image of an integration, put together here: no Docker, no Dockerfile and no other image is needed.
//!
//! Three layers on nothing: the roots of trust and an empty `/state`, the runtime, the mappings. The first two are the
//! same for all integrations, so engines and registries keep them once. The same input makes the same bytes on every
//! machine. Layers aren't compressed: a compressor of another version would make other bytes, and the large layer is
//! sent once for all integrations.

mod context;
mod layer;
mod oci;
mod push;
mod reference;

use std::collections::BTreeMap;
use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use context::{ContextFile, build_context};
pub use layer::Layer;
pub use push::{Pushed, RegistryLogin, push};
pub use reference::ImageReference;

use self::layer::{Entry, digest};
use super::{Architecture, Binary, Deployment, container_id};
use crate::error::Result;
use crate::net::Bytes;

/// Who runs in the image, and owns its state.
pub(crate) const OWNER: u64 = 65532;
/// Where the state is.
pub(crate) const STATE: &str = "/state";
/// Where the mappings are.
pub(crate) const MAPPING: &str = "/mapping";
/// Where programs look for roots of trust.
const ROOTS: &str = "etc/ssl/certs/ca-certificates.crt";
/// Those that were added to them, which the runtime is told to trust beside its own.
const ADDED_ROOTS: &str = "etc/ssl/certs/added.pem";

/// An image, whole and in memory.
///
/// ```no_run
/// use std::path::Path;
/// use vitesse_core::deployer::{Binary, Deployment, Image, ImageParts};
/// # fn example(deployment: &Deployment) -> vitesse_core::Result<()> {
/// let binary = Binary::read(Path::new("/usr/local/bin/vitesse-runtime"))?;
/// let image = Image::assemble(&ImageParts { deployment, binary: &binary, version: "0.1.0", roots: None })?;
/// println!("{} has {} bytes", image.digest(), image.size());
/// image.write_archive("crm:latest", std::fs::File::create("crm.tar").unwrap())?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    architecture: Architecture,
    id: String,
    digest: String,
    config: Bytes,
    manifest: Bytes,
    layers: Vec<Layer>,
    labels: BTreeMap<String, String>,
}

/// What an image is made of.
#[derive(Clone, Copy, Debug)]
pub struct ImageParts<'a> {
    /// What is deployed. Its credentials and variables don't go into the image.
    pub deployment: &'a Deployment,
    /// The runtime.
    pub binary: &'a Binary,
    /// The runtime's version.
    pub version: &'a str,
    /// Certificates that are trusted beside the usual roots, as PEM.
    pub roots: Option<&'a [u8]>,
}

impl Image {
    /// Puts an image together.
    ///
    /// # Errors
    /// [`ErrorKind::BuildFailed`](crate::ErrorKind::BuildFailed) if a layer can't be written.
    pub fn assemble(parts: &ImageParts<'_>) -> Result<Self> {
        let ImageParts { deployment, binary, version, roots } = parts;
        let public = root_certificates();
        let mut base = vec![
            Entry::Folder("etc", false),
            Entry::Folder("etc/ssl", false),
            Entry::Folder("etc/ssl/certs", false),
            Entry::File(ROOTS, public.as_bytes(), false),
        ];
        base.extend(roots.map(|roots| Entry::File(ADDED_ROOTS, roots, false)));
        base.push(Entry::Folder(&STATE[1..], true));

        let files = deployment.mapping_files();
        let mut mapping = vec![Entry::Folder(&MAPPING[1..], false)];
        mapping.extend(files.iter().map(|(path, text)| Entry::File(path, text.as_bytes(), false)));

        let layers = vec![
            Layer::of("roots of trust and the folder of the state", base)?,
            Layer::of("the runtime", [Entry::File("vitesse-runtime", &binary.bytes, true)])?,
            Layer::of("the mappings", mapping)?,
        ];
        let mut environment = vec![format!("VITESSE_MAPPING={MAPPING}"), format!("VITESSE_STATE={STATE}")];
        environment.extend(roots.map(|_| format!("SSL_CERT_FILE=/{ADDED_ROOTS}")));
        let labels = deployment.labels(version);
        let config = oci::config(binary.architecture, &environment, &labels, &layers)?;
        let manifest = oci::manifest(&config, &layers)?;
        Ok(Self {
            architecture: binary.architecture,
            id: digest(&config),
            digest: digest(&manifest),
            config,
            manifest,
            layers,
            labels,
        })
    }

    /// What an engine calls it: `sha256:` and the hash of its configuration.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What a registry calls it: `sha256:` and the hash of its manifest.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The processor it is for.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// Its layers, the lowest first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Its configuration, as JSON.
    pub fn config(&self) -> &[u8] {
        &self.config
    }

    /// Its labels.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// The bytes of its layers.
    pub fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.bytes.len() as u64).sum()
    }

    /// Writes it as one archive: an OCI layout that `docker load` reads as well. `reference` is what it is called then.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if it can't be written.
    pub fn write_archive(&self, reference: &str, out: impl Write) -> Result<()> {
        oci::write_archive(self, reference, out)
    }
}

/// What an image is called on the machine that runs it: its container's name, and the mapping it holds.
pub fn image_name(deployment: &Deployment) -> String {
    let hash = deployment.mapping_hash();
    let hash = hash.rsplit(':').next().unwrap_or(&hash);
    format!("{}:{}", container_id(deployment.integration_id), hash.get(..12).unwrap_or(hash))
}

/// The roots that browsers trust, as PEM. The runtime has its own; these are for whatever else reads the file.
pub(crate) fn root_certificates() -> String {
    let mut text = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = STANDARD.encode(certificate.as_ref());
        for line in encoded.as_bytes().chunks(64) {
            text.extend(line.iter().map(|byte| char::from(*byte)));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests;

//! The JSON documents of an image, with their fields in one fixed order: their bytes name the image.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::layer::{Layer, digest};
use super::{Image, OWNER, STATE};
use crate::deployer::Architecture;
use crate::error::{Error, ErrorKind, Result};
use crate::net::Bytes;

/// What a manifest is, in the words of registries.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Images that are made of the same have the same time.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

#[derive(Serialize)]
struct Config<'a> {
    architecture: Architecture,
    os: &'static str,
    created: &'static str,
    config: Settings<'a>,
    rootfs: Files<'a>,
    history: Vec<History>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Settings<'a> {
    user: String,
    exposed_ports: BTreeMap<&'a str, Empty>,
    env: &'a [String],
    entrypoint: [&'a str; 2],
    volumes: BTreeMap<&'a str, Empty>,
    labels: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Files<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: Vec<&'a str>,
}

#[derive(Serialize)]
struct History {
    created: &'static str,
    created_by: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u8,
    media_type: &'static str,
    config: Descriptor<'a>,
    layers: Vec<Descriptor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u8,
    media_type: &'static str,
    manifests: [Descriptor<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    media_type: &'static str,
    digest: &'a str,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<Platform>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize)]
struct Platform {
    architecture: Architecture,
    os: &'static str,
}

/// What `docker load` reads of an archive.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Loadable<'a> {
    config: String,
    repo_tags: [&'a str; 1],
    layers: Vec<String>,
}

/// Describes how an image is run.
pub(super) fn config(
    architecture: Architecture,
    environment: &[String],
    labels: &BTreeMap<String, String>,
    layers: &[Layer],
) -> Result<Bytes> {
    json(&Config {
        architecture,
        os: "linux",
        created: NO_TIME,
        config: Settings {
            user: format!("{OWNER}:{OWNER}"),
            exposed_ports: BTreeMap::from([("8080/tcp", Empty {})]),
            env: environment,
            entrypoint: ["/vitesse-runtime", "serve"],
            volumes: BTreeMap::from([(STATE, Empty {})]),
            labels,
        },
        rootfs: Files {
            kind: "layers",
            diff_ids: layers.iter().map(|layer| layer.digest.as_str()).collect(),
        },
        history: layers
            .iter()
            .map(|layer| History { created: NO_TIME, created_by: format!("vitesse: {}", layer.about) })
            .collect(),
    })
}

/// Names everything that an image is made of.
pub(super) fn manifest(config: &[u8], layers: &[Layer]) -> Result<Bytes> {
    let named = digest(config);
    json(&Manifest {
        schema_version: 2,
        media_type: MANIFEST,
        config: descriptor(CONFIG, &named, config.len()),
        layers: layers.iter().map(|layer| descriptor(LAYER, &layer.digest, layer.bytes.len())).collect(),
    })
}

/// Writes an image as one archive that both `docker load` and whatever reads OCI layouts understand.
pub(super) fn write_archive(image: &Image, reference: &str, out: impl Write) -> Result<()> {
    let tag = reference.rsplit_once(':').map_or("latest", |(_, tag)| tag);
    let mut listed = descriptor(MANIFEST, &image.digest, image.manifest.len());
    listed.platform = Some(Platform { architecture: image.architecture, os: "linux" });
    listed.annotations =
        BTreeMap::from([("io.containerd.image.name", reference), ("org.opencontainers.image.ref.name", tag)]);
    let index = json(&Index { schema_version: 2, media_type: INDEX, manifests: [listed] })?;
    let loadable = json(&[Loadable {
        config: blob(&image.id),
        repo_tags: [reference],
        layers: image.layers.iter().map(|layer| blob(&layer.digest)).collect(),
    }])?;
    let mut files: Vec<(String, &[u8])> = vec![
        ("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#),
        ("index.json".into(), &index),
        ("manifest.json".into(), &loadable),
        (blob(&image.digest), &image.manifest),
        (blob(&image.id), &image.config),
    ];
    files.extend(image.layers.iter().map(|layer| (blob(&layer.digest), &*layer.bytes)));
    append(&files, out).map_err(|error| {
        Error::new(ErrorKind::Io, "the image can't be written")
            .in_operation("deployer.image")
            .with("cause", &error)
            .source(error)
    })
}

fn append(files: &[(String, &[u8])], out: impl Write) -> io::Result<()> {
    let mut archive = tar::Builder::new(out);
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, *content)?;
    }
    archive.into_inner()?.flush()
}

fn blob(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

fn descriptor<'a>(media_type: &'static str, digest: &'a str, size: usize) -> Descriptor<'a> {
    Descriptor { media_type, digest, size, platform: None, annotations: BTreeMap::new() }
}

fn json(value: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|error| Error::new(ErrorKind::Internal, "an image can't be described as JSON").source(error))
}

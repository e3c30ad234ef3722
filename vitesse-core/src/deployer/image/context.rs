use super::{ADDED_ROOTS, ImageParts, ROOTS, root_certificates};
use crate::net::Bytes;

/// A file or folder that the generated Dockerfile copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextFile {
    /// Its place beside the Dockerfile.
    pub path: String,
    /// What it holds; nothing for a folder.
    pub content: Option<Bytes>,
    /// Whether it can be run.
    pub can_run: bool,
}

/// Everything that the generated Dockerfile copies: built from it, an image holds the same as an
/// [`Image`](super::Image) of the same parts.
pub fn build_context(parts: &ImageParts<'_>) -> Vec<ContextFile> {
    let file = |path: &str, content: Bytes| ContextFile {
        path: path.into(),
        content: Some(content),
        can_run: false,
    };
    // The folder of the roots is copied whole, so that it may hold more than one file.
    let certs = |path: &str| format!("certs/{}", path.rsplit('/').next().unwrap_or(path));
    let mut files = vec![
        ContextFile {
            path: "vitesse-runtime".into(),
            content: Some(parts.binary.bytes.clone()),
            can_run: true,
        },
        file(&certs(ROOTS), root_certificates().into()),
        ContextFile { path: "state".into(), content: None, can_run: false },
    ];
    files.extend(parts.roots.map(|roots| file(&certs(ADDED_ROOTS), Bytes::copy_from_slice(roots))));
    files.extend(parts.deployment.mapping_files().into_iter().map(|(path, text)| file(&path, text.into())));
    files
}

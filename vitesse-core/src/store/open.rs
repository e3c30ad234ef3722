use std::path::Path;
use std::sync::Arc;

use super::{MemoryStore, Store};
use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// How any store is opened; each backend takes what concerns it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OpenOptions {
    /// For a store in a local file.
    #[cfg(feature = "store-embedded")]
    pub embedded: super::EmbeddedOptions,
    /// For a PostgreSQL database.
    #[cfg(feature = "store-postgres")]
    pub postgres: super::PostgresOptions,
}

impl OpenOptions {
    /// The usual ones, but for this: so long it is waited for another process that has a local file open.
    #[cfg_attr(
        not(feature = "store-embedded"),
        expect(unused_variables, unused_mut, reason = "no local files")
    )]
    pub fn waiting(wait: std::time::Duration) -> Self {
        let mut options = Self::default();
        #[cfg(feature = "store-embedded")]
        {
            options.embedded.wait = wait;
        }
        options
    }
}

/// Opens the store that `url` names.
///
/// | `url` | store |
/// |---|---|
/// | `memory:` | [`MemoryStore`] |
/// | `embedded:PATH`, or a plain path | a local file, feature `store-embedded` |
/// | `postgres://USER:PASSWORD@HOST/DATABASE` | PostgreSQL, feature `store-postgres` |
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = vitesse_core::store::open("memory:", &Default::default()).await?;
/// assert_eq!(store.backend(), "memory");
///
/// let error = vitesse_core::store::open("memroy:", &Default::default()).await.unwrap_err();
/// assert!(error.to_string().contains("did you mean \"memory:\"?"));
/// # Ok::<(), vitesse_core::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidInput`] if there is no such kind of store, [`ErrorKind::Unsupported`] if this build
/// has it not, else what the backend fails with. No error repeats a password.
pub async fn open(url: &str, options: &OpenOptions) -> Result<Arc<dyn Store>> {
    let _ = options;
    let Some((scheme, rest)) = scheme(url) else {
        // `memory` or `postgres` without the colon is a slip, not a file that somebody wants here.
        if let Some(meant) =
            ["memory", "embedded", "postgres", "postgresql"].iter().find(|known| **known == url)
        {
            return Err(invalid("there is a colon missing")
                .help(format!("write `{meant}:`, or `./{url}` for a file")));
        }
        return open_file(Path::new(url), options).await;
    };
    match scheme {
        "memory" if rest.is_empty() => Ok(Arc::new(MemoryStore::new())),
        "memory" => Err(invalid("a store in memory has no name").help("write `memory:`")),
        "embedded" if rest.is_empty() => {
            Err(invalid("the store's path is missing").help("write `embedded:PATH`"))
        }
        "embedded" => open_file(Path::new(rest), options).await,
        #[cfg(feature = "store-postgres")]
        "postgres" | "postgresql" => {
            Ok(Arc::new(super::PostgresStore::open(url, options.postgres.clone()).await?))
        }
        #[cfg(not(feature = "store-postgres"))]
        "postgres" | "postgresql" => Err(missing("store-postgres")),
        other => {
            let error = invalid("there is no such kind of store").with("scheme", other);
            let known = ["memory:", "embedded:", "postgres:", "postgresql:"];
            Err(match did_you_mean(&format!("{other}:"), known) {
                Some(hint) => error.help(hint),
                None => error.help("write `memory:`, `embedded:PATH`, a path, or `postgres://...`"),
            })
        }
    }
}

/// What stands before a colon, if it looks like a scheme: `C:\state` and `./a:b` are paths.
fn scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let like_one =
        scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+');
    like_one.then_some((scheme, rest))
}

#[cfg(feature = "store-embedded")]
async fn open_file(path: &Path, options: &OpenOptions) -> Result<Arc<dyn Store>> {
    if path.as_os_str().is_empty() {
        return Err(invalid("no store is named").help("write `memory:`, a path, or `postgres://...`"));
    }
    Ok(Arc::new(super::EmbeddedStore::open(path, options.embedded.clone()).await?))
}

#[cfg(not(feature = "store-embedded"))]
async fn open_file(_: &Path, _: &OpenOptions) -> Result<Arc<dyn Store>> {
    Err(missing("store-embedded"))
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput, message).in_operation("store.open")
}

#[cfg(not(all(feature = "store-postgres", feature = "store-embedded")))]
fn missing(feature: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, "this build has no such store")
        .in_operation("store.open")
        .help(format!("build it with the feature `{feature}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_not_mistaken_for_a_scheme() {
        for path in ["state", "./a:b", "/var/x:y", "C:\\state", ""] {
            assert_eq!(scheme(path), None, "{path}");
        }
        assert_eq!(scheme("embedded:/var/x"), Some(("embedded", "/var/x")));
    }

    #[tokio::test]
    async fn mistakes_are_explained_without_repeating_a_password() {
        for url in [
            "postgers://me:hunter2@host/db",
            "mysql://me:hunter2@host/db",
            "memory:hunter2",
            "embedded:",
            "",
            "memory",
            "postgres",
        ] {
            let error = open(url, &OpenOptions::default()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{url}");
            assert!(error.help_text().is_some() && !format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}

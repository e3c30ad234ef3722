use serde::Serialize;

use crate::mapping::{Auth, Mapping};

/// A variable that a mapping needs at run time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Needed {
    /// The variable: `VITESSE_SOURCE_TOKEN`.
    pub variable: String,
    /// Which API it is for, by the name the mapping gives it.
    pub api_name: String,
    /// Whether the mapping can run without it.
    pub optional: bool,
}

/// The credentials that mappings need, each once, by the one rule that names them: `VITESSE_SOURCE_` or
/// `VITESSE_DEST_`, then the part. The runtime and every target follow it.
///
/// ```
/// use vitesse_core::deployer::needed;
/// use vitesse_core::mapping::Mapping;
///
/// let mapping = Mapping::parse(br#"{"version": 1, "transformations": [],
///     "source": {"base_url": "https://shop.test", "path": "/orders", "records": "[]", "auth": {"type": "basic"}}}"#)?;
/// let names: Vec<_> = needed(&[mapping]).into_iter().map(|needed| needed.variable).collect();
/// assert_eq!(names, ["VITESSE_SOURCE_PASSWORD", "VITESSE_SOURCE_USERNAME"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn needed(mappings: &[Mapping]) -> Vec<Needed> {
    let mut all = Vec::new();
    for mapping in mappings {
        if let Some(source) = &mapping.source {
            add(&mut all, "VITESSE_SOURCE_", &source.api_name, &source.auth);
        }
        if let Some(destination) = &mapping.destination {
            add(&mut all, "VITESSE_DEST_", &destination.api_name, &destination.auth);
        }
    }
    all.sort();
    all.dedup_by(|a, b| a.variable == b.variable);
    all
}

/// The parts that a way to authenticate has, and whether each may be missing.
pub fn needed_parts(auth: &Auth) -> &'static [(&'static str, bool)] {
    match auth {
        Auth::None(_) => &[],
        Auth::Bearer(_) | Auth::ApiKey(_) => &[("TOKEN", false)],
        Auth::Basic(_) => &[("USERNAME", false), ("PASSWORD", false)],
        Auth::OAuth2ClientCredentials(_) => &[("CLIENT_ID", false), ("CLIENT_SECRET", false)],
        // Public clients have no secret.
        Auth::OAuth2RefreshToken(_) => {
            &[("CLIENT_ID", false), ("CLIENT_SECRET", true), ("REFRESH_TOKEN", false)]
        }
    }
}

fn add(all: &mut Vec<Needed>, prefix: &str, api_name: &str, auth: &Auth) {
    all.extend(needed_parts(auth).iter().map(|(part, optional)| Needed {
        variable: format!("{prefix}{part}"),
        api_name: api_name.to_owned(),
        optional: *optional,
    }));
}

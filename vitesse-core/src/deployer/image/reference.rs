use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// Where an image is in a registry: `ghcr.io/acme/crm:1.0`.
///
/// ```
/// use vitesse_core::deployer::ImageReference;
/// let at: ImageReference = "localhost:5000/acme/crm".parse()?;
/// assert_eq!((at.registry.as_str(), at.repository.as_str(), at.tag.as_str()), ("localhost:5000", "acme/crm", "latest"));
/// assert!("crm:1.0".parse::<ImageReference>().is_err(), "no registry is taken for granted");
/// # Ok::<(), vitesse_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReference {
    /// The registry's host, with a port where it isn't the usual one.
    pub registry: String,
    /// The name in it.
    pub repository: String,
    /// The tag; `latest` if none is written.
    pub tag: String,
}

impl ImageReference {
    /// The registry's address. One on this machine speaks HTTP, as every engine takes it to; all others HTTPS.
    pub fn base_url(&self) -> String {
        let host = match self.registry.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => &self.registry,
        };
        let local = host == "localhost" || host == "[::1]" || host.starts_with("127.");
        format!("{}://{}", if local { "http" } else { "https" }, self.registry)
    }
}

impl FromStr for ImageReference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(ErrorKind::InvalidInput, format!("this is no place for an image: {why}"))
                .in_operation("deployer.push")
                .with("given", text.escape_debug())
                .help("write it as registry.example.com/team/name:tag")
        };
        let (registry, rest) = text.split_once('/').ok_or_else(|| wrong("the registry is missing"))?;
        if !(registry.contains(['.', ':']) || registry == "localhost") {
            return Err(wrong("the registry is missing"));
        }
        let host = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
        if !registry.chars().all(host) {
            return Err(wrong("the registry is no host"));
        }
        let (repository, tag) = rest.split_once(':').unwrap_or((rest, "latest"));
        let part = |part: &str| {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            part.starts_with(plain)
                && part.ends_with(plain)
                && part.chars().all(|c| plain(c) || "-._".contains(c))
        };
        if repository.len() > 255 || !repository.split('/').all(part) {
            return Err(wrong("a name is made of small letters, digits, dots, dashes and underscores"));
        }
        let tags = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if tag.is_empty() || tag.len() > 128 || tag.starts_with(['-', '.']) || !tag.chars().all(tags) {
            return Err(wrong("the tag can't be written so"));
        }
        Ok(Self { registry: registry.into(), repository: repository.into(), tag: tag.into() })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.registry, self.repository, self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_or_refused_with_the_reason() {
        let read = |text: &str| text.parse::<ImageReference>();
        let at = read("ghcr.io/acme/crm:1.0").unwrap();
        assert_eq!(
            (at.base_url().as_str(), at.to_string().as_str()),
            ("https://ghcr.io", "ghcr.io/acme/crm:1.0")
        );
        assert_eq!(read("127.0.0.1:5000/a").unwrap().base_url(), "http://127.0.0.1:5000");
        assert_eq!(read("[::1]:5000/a").unwrap().base_url(), "http://[::1]:5000");
        assert_eq!(read("localhost.example.com/a").unwrap().base_url(), "https://localhost.example.com");
        for (text, why) in [
            ("crm", "registry is missing"),
            ("acme/crm", "registry is missing"),
            ("user@evil.example/crm", "no host"),
            ("ghcr.io/Acme", "small letters"),
            ("ghcr.io/a//b", "small letters"),
            ("ghcr.io/../x", "small letters"),
            ("ghcr.io/a:", "tag"),
            ("ghcr.io/a:b/c?d", "tag"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}

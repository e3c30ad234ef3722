//! Webhooks: who may send them, that none is taken twice, and where they wait until they are delivered.

mod inbox;
mod signature;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

pub(super) use inbox::{Brought, Inbox};
pub use signature::Scheme;
pub(super) use signature::{Incoming, Proof, sign};

use crate::error::{Error, ErrorKind, Result};
use crate::mapping::FieldPath;
use crate::secret::Secret;

/// The webhooks a service takes, by name.
///
/// ```
/// use vitesse_core::secret::Secret;
/// use vitesse_core::service::Hooks;
/// let hooks = Hooks::parse(&Secret::new(r#"{
///     "orders": {"scheme": "shopify", "secret": "s3cret"},
///     "payments": {"scheme": "stripe", "secret": ["new", "old"], "stream": "charges", "records": "data.object"}
/// }"#))?;
/// assert_eq!(hooks.get("payments").unwrap().stream, "charges");
/// assert!(!format!("{hooks:?}").contains("s3cret"));
/// # Ok::<(), vitesse_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Hooks(BTreeMap<String, Hook>);

/// One webhook.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The stream its records belong to: that of its name, unless it says another.
    pub stream: String,
    /// How it is signed.
    pub scheme: Scheme,
    /// What it is signed with; the second and further ones are those that are being replaced.
    pub secrets: Vec<Secret>,
    /// Where in the body the records are; without it the body is one, or an array of them.
    pub records: Option<FieldPath>,
    /// How far its time may be from ours, if it says one.
    pub tolerance: Duration,
}

/// As it is written in the environment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    scheme: String,
    secret: OneOrMany,
    stream: Option<String>,
    records: Option<String>,
    tolerance: Option<String>,
    header: Option<String>,
    encoding: Option<String>,
    prefix: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Secret),
    Many(Vec<Secret>),
}

impl Hooks {
    /// Reads them from JSON, as `VITESSE_HOOKS` holds it.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] naming the hook and what is wrong with it. It repeats no secret.
    pub fn parse(text: &Secret) -> Result<Self> {
        let written: BTreeMap<String, Written> = serde_json::from_str(text.expose()).map_err(|error| {
            // The parser's own message may quote a secret, except where it names a field.
            let what = error.to_string();
            let said = what.strip_prefix("unknown field ").and_then(|rest| rest.split('`').nth(1));
            let error = invalid("VITESSE_HOOKS is not what it should be")
                .with("line", error.line())
                .with("column", error.column());
            match said {
                Some(field) => error.with("unknown field", field),
                None => error,
            }
        })?;
        let mut hooks = BTreeMap::new();
        for (name, written) in written {
            let hook = Hook::of(&name, written).map_err(|error| error.with("hook", &name))?;
            hooks.insert(name, hook);
        }
        Ok(Self(hooks))
    }

    /// The hook of that name.
    pub fn get(&self, name: &str) -> Option<&Hook> {
        self.0.get(name)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Hook)> {
        self.0.iter().map(|(name, hook)| (name.as_str(), hook))
    }
}

impl Hook {
    fn of(name: &str, written: Written) -> Result<Self> {
        if name.is_empty() || name.len() > 100 || name.contains(['/', '?', '#', '%']) {
            return Err(invalid("the name can't stand in a path"));
        }
        let scheme = Scheme::named(&written.scheme, written.header, written.encoding, written.prefix)?;
        let secrets = match written.secret {
            OneOrMany::One(secret) => vec![secret],
            OneOrMany::Many(secrets) => secrets,
        };
        if secrets.is_empty() || secrets.iter().any(Secret::is_empty) {
            return Err(invalid("the secret is empty"));
        }
        scheme.check_secrets(&secrets)?;
        let records = written.records.map(|path| path.parse::<FieldPath>()).transpose()?;
        let tolerance = match written.tolerance {
            None => Duration::from_secs(300),
            Some(text) => text
                .parse::<SignedDuration>()
                .ok()
                .and_then(|time| Duration::try_from(time).ok())
                .filter(|time| !time.is_zero())
                .ok_or_else(|| invalid("the tolerance is no span of time").help("write it as `5m`"))?,
        };
        let stream = written.stream.unwrap_or_else(|| name.to_owned());
        Ok(Self { stream, scheme, secrets, records, tolerance })
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, message)
        .in_operation("service.hooks")
        .help(r#"write it as {"orders": {"scheme": "github", "secret": "..."}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        Hooks::parse(&Secret::new(text)).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_are_named_without_secrets() {
        let cases = [
            ("{", "line"),
            (r#"{"a": {"scheme": "github", "secret": "hunter2", "secert": 1}}"#, "secert"),
            (r#"{"a": {"scheme": "githbu", "secret": "hunter2"}}"#, "github"),
            (r#"{"a": {"scheme": "github", "secret": []}}"#, "empty"),
            (r#"{"a/b": {"scheme": "github", "secret": "hunter2"}}"#, "a/b"),
            (r#"{"a": {"scheme": "standard", "secret": "whsec_!hunter2"}}"#, "base64"),
            (r#"{"a": {"scheme": "hmac", "secret": "hunter2"}}"#, "header"),
            (r#"{"a": {"scheme": "github", "secret": "hunter2", "tolerance": "soon"}}"#, "tolerance"),
            (r#"{"a": {"scheme": "github", "secret": "hunter2", "encoding": "hex"}}"#, "hmac"),
        ];
        for (text, names) in cases {
            let message = message(text);
            assert!(message.contains(names) && !message.contains("hunter2"), "{text}: {message}");
        }
    }
}
